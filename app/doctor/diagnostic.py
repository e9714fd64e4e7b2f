"""Result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
class Diagnostic:
    """Result of one check.

    ``id`` is a key of ``app.messages.doctor.NAMES``; ``subject`` is the checked device or host, if there are several.
    ``value`` and ``remedy`` (what to do, empty if nothing) are keys of ``app.messages.doctor.TEXTS`` that are filled in
    from ``data``; ``command`` is a shell command for the remedy.
    """

    id: str
    state: State
    value: str | UserError
    data: Mapping[str, object] = field(default_factory=dict)
    subject: str = ""
    remedy: str = ""
    command: str = ""

    @property
    def name(self) -> str:
        """Name in JSON output: ``data folder``, ``device Vulkan0``."""
        return f"{self.id.replace('_', ' ')} {self.subject}".strip()

    def warning_if(self, is_problem: bool, remedy: str) -> Diagnostic:
        """Return this result, as a warning with a remedy if there is a problem."""
        return replace(self, state=State.WARNING, remedy=remedy) if is_problem else self
