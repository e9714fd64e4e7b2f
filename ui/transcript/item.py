"""What the window hands to the transcript: one message as it shall be shown, with the words already chosen."""

from __future__ import annotations

from dataclasses import dataclass

from app.conversation import Role, Status

ACTIONS = (
    *("copy", "retry", "begin", "roll", "continue", "edit", "fork", "details", "export"),
    *("pin", "delete", "previous", "next"),
)
"""Everything that may be asked of a message, in the order in which it is offered.

``pin`` takes the pin out again where the message has one.  A click on an attachment is asked for as ``attachment:0``.
"""
ATTACHMENT = "attachment:"


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
    """Some of ``ACTIONS``; what is not named here is not offered."""
    place: tuple[int, int] | None = None
    """Which of how many branches it is, from 1: (2, 3) is the second of three."""
    divider: str = ""
    """Words on a line above it, such as that the model no longer sees what stands above."""
    is_pinned: bool = False
    attachments: tuple[str, ...] = ()
    """The label of each file that came with a question; a click asks for ``attachment:0`` and so on."""
    thought_s: float | None = None
    """Seconds that the model thought before it answered, where that is known."""

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
    """The transcript's own words in the present language.  Names in braces are filled in by who shows them."""

    copy: str
    copied: str
    copy_code: str
    copy_link: str
    open_link: str
    copy_markdown: str
    copy_message: str
    copy_message_markdown: str
    select_all: str
    retry: str
    begin: str
    roll: str
    go_on: str
    edit: str
    fork: str
    details: str
    export: str
    pin: str
    unpin: str
    delete: str
    previous: str
    next: str
    more: str
    place: str
    """Which of how many: ``{place}``, ``{count}``."""
    thinking: str
    thought: str
    thinking_for: str
    """``{time}``"""
    thought_for: str
    """``{time}``"""
    seconds: str
    """``{seconds}``"""
    minutes: str
    """``{minutes}``, ``{seconds}``"""
    open: str
    close: str
    attachment: str
    """``{name}``"""
    pinned: str
    shown_in_part: str
    jump: str
    conversation: str
    you: str
    answer: str

    def action(self, name: str, *, is_pinned: bool = False) -> str:
        """The label of an action."""
        if name == "pin":
            return self.unpin if is_pinned else self.pin
        return str(getattr(self, "go_on" if name == "continue" else name))

    def thought_line(self, seconds: float | None, *, is_thinking: bool) -> str:
        """The one line that stands for a thought."""
        if seconds is None:
            return self.thinking if is_thinking else self.thought
        whole = max(1, round(seconds))
        if whole < 60:
            time = self.seconds.format(seconds=whole)
        else:
            time = self.minutes.format(minutes=whole // 60, seconds=whole % 60)
        return (self.thinking_for if is_thinking else self.thought_for).format(time=time)
