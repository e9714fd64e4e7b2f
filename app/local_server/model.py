"""The model that the local server offers."""

from __future__ import annotations

from dataclasses import dataclass

from app.backend import ChatBackend
from app.conversation import Sampling


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
