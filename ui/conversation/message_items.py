"""From a stored message to what the transcript shows of it: sentences, figures and actions, in the present language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject

from app.backend import LoadProgress, PromptProgress
from app.chat.context import Horizon, filled_context
from app.chat.token_estimate import estimated_tokens
from app.conversation import Message, Role, Status
from ui.transcript.item import Item
from ui.widgets.error_text import error_text_of
from ui.widgets.numbers import grouped, rounded


class MessageItems(QObject):
    """Words for messages.  A QObject for the sake of ``tr``."""

    forks = True
    """Whether a conversation can be continued in another one; of a temporary one nothing goes elsewhere."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._estimates: dict[tuple[str, int], int] = {}
        """Of attached texts, by message and place: a large one is not read again at every showing."""

    def items(
        self,
        messages: Sequence[Message],
        siblings: Mapping[str, tuple[str, ...]] | None = None,
        line: Horizon | None = None,
    ) -> list[Item]:
        """What to show for a branch.

        ``siblings`` are the ids of the versions of each message that has several, ``line`` is where the model's view
        begins.
        """
        versions = siblings or {}
        return [
            self.item(message, versions.get(message.id, ()), is_last=message is messages[-1], line=line)
            for message in messages
        ]

    def item(
        self, message: Message, siblings: Sequence[str] = (), *, is_last: bool = False, line: Horizon | None = None
    ) -> Item:
        """What to show for one message; ``siblings`` are the ids of its versions, itself included."""
        place = (siblings.index(message.id) + 1, len(siblings)) if message.id in siblings else None
        is_question = message.role is Role.USER
        made_by = message.made_by
        return Item(
            message.id,
            message.role,
            message.content,
            message.status,
            note=self._seen_note(message, line)
            if is_question
            else self._note(message) or self._seen_note(message, line),
            figures="" if is_question else self._figures(message),
            actions=self._question_actions(message, place, is_last) if is_question else self._actions(message, place),
            version=place,
            divider=self.tr("The model no longer sees the messages above")
            if line is not None and message.id == line.first_seen
            else "",
            is_pinned=message.is_pinned,
            attachments=tuple(self._attachment(message, place) for place in range(len(message.attachments))),
            thought_s=made_by.thought_s if made_by else None,
        )

    def loading(self, name: str, progress: LoadProgress, waited_s: float) -> str:
        """The line while a model loads; ``waited_s`` seconds since the last progress."""
        left = self._left(progress.seconds_left, waited_s) or self._so_far(waited_s)
        return self.tr("Loading {model}: {percent}%{left}").format(
            model=name, percent=int(progress.fraction * 100), left=left
        )

    def reading(self, progress: PromptProgress, waited_s: float) -> str:
        """The line while the prompt is read; ``waited_s`` seconds since the last progress."""
        new, read = progress.total - progress.reused, progress.read - progress.reused
        if read >= new:
            return self.tr("Thinking…{left}").format(left=self._so_far(waited_s))
        left = self._left(progress.seconds_left, waited_s)
        return self.tr("Reading the conversation: {read} of {total} tokens{left}").format(
            read=read, total=new, left=left or self._so_far(waited_s)
        )

    def asking(self, name: str, waited_s: float) -> str:
        """The line while a server has said nothing yet."""
        return self.tr("Waiting for {model}…{left}").format(model=name, left=self._so_far(waited_s))

    def queued(self) -> str:
        """The line while another answer is being made."""
        return self.tr("Waiting for the other answer to finish…")

    def speed(self, tokens_per_second: float) -> str:
        """The speed of an answer."""
        number = f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"
        return self.tr("{number} tokens/s").format(number=number)

    def duration(self, seconds: float) -> str:
        """A time span for a person."""
        whole = max(1, round(seconds))
        if whole < 60:
            return self.tr("{seconds} s").format(seconds=whole)
        return self.tr("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)

    def _note(self, message: Message) -> str:
        if message.error:
            return error_text_of(message.error.get("code", ""), message.error)
        if message.status is Status.INTERRUPTED:
            return self.tr(
                "Interrupted: the program closed before the answer was complete. The partial answer is kept."
            )
        if message.status is Status.STOPPED:
            return self.tr("Stopped.")
        return ""

    def _seen_note(self, message: Message, line: Horizon | None) -> str:
        if line is None or message.id not in line.still_seen:
            return ""
        return self.tr("Always kept in context.")

    def _figures(self, message: Message) -> str:
        made_by = message.made_by
        if made_by is None or not made_by.completion_tokens:
            return ""
        parts = [self.tr("{count} tokens").format(count=made_by.completion_tokens)]
        if made_by.tokens_per_second:
            parts.insert(0, self.speed(made_by.tokens_per_second))
        if filled_context(made_by):
            parts.append(self.tr("context full"))
        elif made_by.finish_reason == "length":
            parts.append(self.tr("stopped at the token limit"))
        return " · ".join(parts)

    def _attachment(self, message: Message, place: int) -> str:
        """The label of an attached text: its name and its size in tokens, counted or estimated."""
        attachment = message.attachments[place]
        if attachment.tokens is not None:
            size = self.tr("{count} tokens").format(count=grouped(attachment.tokens))
        else:
            key = (message.id, place)
            if key not in self._estimates:
                self._estimates[key] = rounded(estimated_tokens(attachment.content))
            size = self.tr("about {count} tokens").format(count=grouped(self._estimates[key]))
        return self.tr("{name} · {size}").format(name=attachment.name, size=size)

    def _question_actions(self, message: Message, place: tuple[int, int] | None, is_last: bool) -> tuple[str, ...]:
        # A question that lost its answer, or never had one, can be asked again as it is.
        retry = ("retry",) if is_last else ()
        return (*retry, "copy", "edit", "export", "pin", "delete", *_steps(place))

    def _actions(self, message: Message, place: tuple[int, int] | None) -> tuple[str, ...]:
        if message.status is Status.STREAMING:
            return _steps(place)
        if message.error and message.error.get("code") == "context_full":
            copy = self._copies() if message.content else ()
            return ("roll", "begin", "retry", *copy, "delete", *_steps(place))
        can_continue = bool(message.content) and (
            message.status in (Status.STOPPED, Status.INTERRUPTED)
            or (message.made_by is not None and message.made_by.finish_reason == "length")
        )
        on = ("continue",) if can_continue else ()
        copy, pin = (self._copies(), ("pin",)) if message.content else ((), ())
        details = ("details",) if message.made_by is not None else ()
        return (*on, "retry", *copy, *details, *pin, "delete", *_steps(place))

    def _copies(self) -> tuple[str, ...]:
        return ("copy", "export", "fork") if self.forks else ("copy", "export")

    def _left(self, seconds_left: float | None, waited_s: float) -> str:
        if seconds_left is None:
            return ""
        return self.tr(", {time} left").format(time=self.duration(seconds_left - waited_s))

    def _so_far(self, waited_s: float) -> str:
        if waited_s < 3:
            return ""
        return self.tr(" ({time} so far)").format(time=self.duration(waited_s))


def _steps(place: tuple[int, int] | None) -> tuple[str, ...]:
    """The ways to the other versions of a message."""
    if place is None:
        return ()
    number, count = place
    return (*(("previous",) if number > 1 else ()), *(("next",) if number < count else ()))
