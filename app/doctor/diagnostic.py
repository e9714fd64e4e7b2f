"""Result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from model_manager.errors import UserError


class State(StrEnum):
    """Severity of a result."""

    OK = "ok"
    WARNING = "warning"
    """It works but could be improved."""
    BAD = "bad"
    """It does not work."""


@dataclass(frozen=True)
class Text:
    """Text of ``app.messages.doctor``: code and data."""

    code: str
    data: Mapping[str, object] = field(default_factory=dict)


Message = Text | UserError


@dataclass(frozen=True)
class Diagnostic:
    """Result of one check.

    ``id`` is a key of ``app.messages.doctor.NAMES``; ``subject`` is the checked device or host, if there are several.
    ``remedy`` is what to do, and ``command`` a shell command for it (empty if none).
    """

    id: str
    state: State
    value: Message
    subject: str = ""
    remedy: Message | None = None
    command: str = ""

    @property
    def name(self) -> str:
        """Name in JSON output: ``data folder``, ``device Vulkan0``."""
        return f"{self.id.replace('_', ' ')} {self.subject}".strip()
