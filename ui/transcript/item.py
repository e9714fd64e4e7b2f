"""What the window hands to the transcript: one message as it shall be shown, with the words already chosen."""

from __future__ import annotations

from dataclasses import dataclass

from app.chat.conversation import Role, Status

ACTIONS = ("continue", "retry", "edit", "copy")


@dataclass(frozen=True)
class Item:
    """One message of the page."""

    id: str
    role: Role
    content: str
    status: Status = Status.COMPLETE
    note: str = ""
    """A sentence below it: why it was not finished."""
    figures: str = ""
    """A few quiet words beside the actions, such as ``41 tokens/s``."""
    actions: tuple[str, ...] = ()
    """Some of ``copy``, ``retry``, ``continue``, ``edit``."""

    @property
    def is_question(self) -> bool:
        """Whether a person wrote it."""
        return self.role is Role.USER

    @property
    def is_broken(self) -> bool:
        """Whether it ended before its end."""
        return self.status in {Status.STOPPED, Status.INTERRUPTED, Status.FAILED}


@dataclass(frozen=True)
class Words:
    """The transcript's own words in the present language."""

    copy: str
    copied: str
    copy_code: str
    copy_link: str
    copy_markdown: str
    select_all: str
    retry: str
    go_on: str
    edit: str
    thought: str
    you: str
    answer: str

    def action(self, name: str) -> str:
        """The label of an action."""
        return {"copy": self.copy, "retry": self.retry, "continue": self.go_on, "edit": self.edit}[name]
