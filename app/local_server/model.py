"""The model that the local server offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.backend import ChatBackend, ChatEvent, ChatRequest
from app.engine.protocol import Embeddings, TokenCounts, Tokens
from app.sampling import Sampling
from model_manager.cancellation import CancelToken


class ServedBackend(ChatBackend, Protocol):
    """A local model.  All methods load it where needed."""

    def count(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent | TokenCounts]:
        """Count the tokens of the prompt of a request; the last event."""
        ...

    def tokenize(self, text: str, special: bool, with_ends: bool, token: CancelToken) -> Iterator[ChatEvent | Tokens]:
        """Return the tokens of a text as ``Tokenize`` describes; the last event."""
        ...


@dataclass(frozen=True)
class ServedModel:
    """The model and what a request to it leaves open."""

    id: str
    backend: ServedBackend
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
    knows_tools: bool = False
    """Whether its chat template has tools."""
    reads_pictures: bool = False


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
