"""What a look at the machine gives: one value for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from model_manager.errors import UserError


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARNING = "warning"
    """It works, with less than there could be."""
    BAD = "bad"
    """It does not work."""


@dataclass(frozen=True)
class Text:
    """A sentence of ``app.messages.doctor`` by its code, with the facts that stand in it."""

    code: str
    data: Mapping[str, object] = field(default_factory=dict)


Said = Text | UserError
"""An error brings its own sentence."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    ``id`` is the kind of check (a key of ``app.messages.doctor.NAMES``), ``subject`` one of several: a device, a
    host.  ``remedy`` says what to do, and ``command`` is what can be typed for it, empty where there is none.
    """

    id: str
    state: State
    value: Said
    subject: str = ""
    remedy: Said | None = None
    command: str = ""

    @property
    def name(self) -> str:
        """For programs: ``data folder``, ``device Vulkan0``."""
        return f"{self.id.replace('_', ' ')} {self.subject}".strip()
