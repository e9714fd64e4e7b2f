"""The model that the local server offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.backend import ChatBackend
from app.engine.protocol import Embeddings
from app.sampling import Sampling
from model_manager.cancellation import CancelToken


@dataclass(frozen=True)
class ServedModel:
    """The model and what a request to it leaves open."""

    id: str
    backend: ChatBackend
    sampling: Sampling
    """The sampling of the settings."""
    thinking: tuple[str, ...] = ()
    """Values of ``Sampling.thinking`` that the model has."""
    context: int = 0
    """In tokens; 0 where it is not known before loading."""
    created: int = 0
    """Time of its file, in seconds since 1970."""
    embeds: bool = False
    """Whether it is made for embeddings, not for answers."""


class ModelProvider(Protocol):
    """Returns the model, and computes embeddings, each in one thread at a time; both raise ``UserError``."""

    def __call__(self) -> ServedModel:
        """Return the model."""
        ...

    def embedding_models(self) -> dict[str, int]:
        """Return the times of the files of other embedding models, as ``ServedModel.created``, by id."""
        ...

    def embed(self, name: str, texts: Sequence[str], token: CancelToken) -> Embeddings:
        """Return the embeddings of texts by the model of this name."""
        ...
