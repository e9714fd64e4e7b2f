"""One message as the transcript shows it, with its texts already in the user's language."""

from __future__ import annotations

from dataclasses import dataclass

from app.conversation import Role, Status

ACTIONS = (
    *("copy", "retry", "begin", "roll", "continue", "edit", "fork", "details", "export"),
    *("pin", "delete", "previous", "next"),
)
"""All actions on a message, in the order in which they are offered.

``pin`` unpins a pinned message.  A click on an attachment requests ``attachment:0`` and so on.
"""
ATTACHMENT = "attachment:"


@dataclass(frozen=True)
class Item:
    """One message of the transcript."""

    id: str
    role: Role
    content: str
    status: Status = Status.COMPLETE
    note: str = ""
    """A sentence below it: why it was not finished."""
    figures: str = ""
    """Short text beside the actions, such as ``41 tokens/s``."""
    actions: tuple[str, ...] = ()
    """Those of ``ACTIONS`` that are offered."""
    version: tuple[int, int] | None = None
    """Number and count of its versions: (2, 3) is the second of three."""
    divider: str = ""
    """Text on a line above it, such as that the model no longer sees the messages above."""
    is_pinned: bool = False
    attachments: tuple[str, ...] = ()
    """The label of each file attached to a question."""
    thought_s: float | None = None
    """Seconds that the model thought before it answered, where that is known."""

    @property
    def is_question(self) -> bool:
        """Whether the user wrote it."""
        return self.role is Role.USER

    @property
    def is_unfinished(self) -> bool:
        """Whether it ended early."""
        return self.status in {Status.STOPPED, Status.INTERRUPTED, Status.FAILED}
