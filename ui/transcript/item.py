"""One message as the transcript shows it, with its texts in the user's language, and the texts around it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject

from app.conversation import Picture, Role, Status

ACTIONS = (
    *(
        "copy",
        "retry",
        "begin",
        "roll",
        "summarise",
        "continue",
        "decline_tools",
        "always_run_tools",
        "run_tools",
        "edit",
        "revise",
        "retry_with",
        "compare",
        "fork",
        "details",
        "export",
        "remember",
    ),
    *("pin", "delete", "previous", "next"),
)
"""All actions on a message, in the order in which they are offered.

``pin`` unpins a pinned message.  A click on an attachment requests ``attachment:0`` and so on, one on the place of a
passage ``passage:0``, on a web page ``source:0``, on the line of a summary ``summary``.
"""
ATTACHMENT = "attachment:"
PASSAGE = "passage:"
SOURCE = "source:"


@dataclass(frozen=True)
class Item:
    """One message of the transcript."""

    id: str
    role: Role
    content: str
    status: Status = Status.COMPLETE
    author: str = ""
    """Name of the model above its answer, where several models have answered."""
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
    has_summary: bool = False
    """Whether a click on the line shows a summary of the messages above."""
    is_pinned: bool = False
    attachments: tuple[str, ...] = ()
    """The label of each file attached to a question; of a picture its name."""
    pictures: tuple[Picture | None, ...] = ()
    """For each of them the picture, if it is one."""
    passages: tuple[str, ...] = ()
    """The place of each passage of an attachment that the model was given for an answer."""
    sources: tuple[str, ...] = ()
    """The title of each web page that an answer was made from."""
    thought_s: float | None = None
    """Seconds that the model thought before it answered, where that is known."""
    asks: bool = False
    """Whether it waits for a decision about calls of tools."""
    is_last: bool = True
    """Whether it ends the conversation."""

    @property
    def is_question(self) -> bool:
        """Whether the user wrote it."""
        return self.role is Role.USER

    @property
    def is_open(self) -> bool:
        """Whether it ended early, and the conversation with it: what can be done next is shown in large."""
        return self.is_last and (self.asks or self.status in {Status.STOPPED, Status.INTERRUPTED, Status.FAILED})


class TranscriptStrings(QObject):
    """Texts in the language at the time of construction.  A QObject because of ``tr``."""

    def __init__(self) -> None:
        super().__init__()
        self.you = self.tr("You")
        self.answer = self.tr("Answer")
        self.finished = self.tr("The answer is complete.")
        self.pinned = self.tr("Kept in context")
        self.version = self.tr("Version {place} of {count}")
        self.attachment = self.tr("Attachment: {name}")
        self.picture = self.tr("Picture: {name}")
        self.passage = self.tr("Show the passage: {name}")
        self.source = self.tr("Open the page: {name}")
        self.shown_in_part = self.tr("Only part is shown. Copy the message to get all of it.")
        self.show_summary = self.tr("Show the summary that the model gets instead of the messages above")
        self.more = self.tr("More")
        self.show = self.tr("Show")
        self.hide = self.tr("Hide")
        self.show_more = self.tr("Show more")
        self.show_less = self.tr("Show less")
        self.copy = self.tr("Copy")
        self.copy_code = self.tr("Copy code")
        self.save_code = self.tr("Save code as a file…")
        self.wrap_code = self.tr("Wrap long lines in all code")
        self.unwrap_code = self.tr("Don't wrap long lines in any code")
        self.preview_code = self.tr("Preview")
        self.unpreview_code = self.tr("Show code")
        self.open_code = self.tr("Open in browser…")
        self.drawing = self.tr("Drawing")
        self.named_drawing = self.tr("Drawing: {name}")
        self.copy_table = self.tr("Copy or save table")
        self.unpin = self.tr("Stop keeping in context")
        self._actions = {
            "copy": self.copy,
            "retry": self.tr("Try again"),
            "retry_with": self.tr("Try again with…"),
            "compare": self.tr("Compare versions…"),
            "begin": self.tr("New conversation"),
            "roll": self.tr("Leave out the oldest turns"),
            "summarise": self.tr("Summarise the oldest turns"),
            "continue": self.tr("Continue"),
            "run_tools": self.tr("Run once"),
            "always_run_tools": self.tr("Always run"),
            "decline_tools": self.tr("Don't run"),
            "edit": self.tr("Edit"),
            "revise": self.tr("Edit answer…"),
            "fork": self.tr("New conversation from here"),
            "details": self.tr("Answer details…"),
            "export": self.tr("Export this message…"),
            "remember": self.tr("Remember this…"),
            "pin": self.tr("Keep in context"),
            "delete": self.tr("Delete from here on"),
            "previous": self.tr("Previous version"),
            "next": self.tr("Next version"),
        }
        self._thinking = self.tr("Thinking…")
        self._thought = self.tr("Thoughts")
        self._with_tools = self.tr("Thoughts and tools")
        self._thinking_for = self.tr("Thinking… {time}")
        self._thought_for = self.tr("Thought for {time}")
        self._with_tools_for = self.tr("Thoughts and tools, {time}")
        self._seconds = self.tr("{seconds} s")
        self._minutes = self.tr("{minutes} min {seconds} s")

    def action(self, name: str, *, is_pinned: bool = False) -> str:
        """Return the label of an action."""
        return self.unpin if name == "pin" and is_pinned else self._actions[name]

    def thought_line(self, seconds: float | None, *, is_thinking: bool, has_tools: bool) -> str:
        """Return the summary line of an answer's thoughts, which contain its calls of tools."""
        if seconds is None:
            return self._thinking if is_thinking else self._with_tools if has_tools else self._thought
        whole = max(1, round(seconds))
        if whole < 60:
            time = self._seconds.format(seconds=whole)
        else:
            time = self._minutes.format(minutes=whole // 60, seconds=whole % 60)
        done = self._with_tools_for if has_tools else self._thought_for
        return (self._thinking_for if is_thinking else done).format(time=time)
