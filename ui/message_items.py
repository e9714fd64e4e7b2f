"""From a stored message to what the transcript shows of it: sentences, figures and actions, in the present language."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.chat.conversation import Message, Role, Status
from app.chat.source import LoadProgress, PromptProgress
from ui.error_text import error_text_of
from ui.transcript.item import Item


class MessageItems(QObject):
    """Words for messages.  A QObject for the sake of ``tr``."""

    def items(self, messages: Sequence[Message]) -> list[Item]:
        """What to show for a branch."""
        return [self.item(message) for message in messages]

    def item(self, message: Message) -> Item:
        """What to show for one message."""
        if message.role is Role.USER:
            return Item(message.id, message.role, message.content, message.status, actions=("copy",))
        return Item(
            message.id,
            message.role,
            message.content,
            message.status,
            note=self._note(message),
            figures=self._figures(message),
            actions=self._actions(message),
        )

    def loading(self, name: str, progress: LoadProgress, waited_s: float) -> str:
        """The line while a model loads; ``waited_s`` seconds since the last progress."""
        left = self._left(progress.seconds_left, waited_s) or self._so_far(waited_s)
        return self.tr("Loading {model}: {percent} %{left}").format(
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

    def queued(self) -> str:
        """The line while another answer is being made."""
        return self.tr("Waiting for the other answer to end…")

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
            return self.tr("Interrupted: the program ended before the answer did. What was there is kept.")
        if message.status is Status.STOPPED:
            return self.tr("Stopped.")
        return ""

    def _figures(self, message: Message) -> str:
        made_by = message.made_by
        if made_by is None or not made_by.completion_tokens:
            return ""
        parts = [self.tr("{count} tokens").format(count=made_by.completion_tokens)]
        if made_by.tokens_per_second:
            parts.insert(0, self.speed(made_by.tokens_per_second))
        if made_by.finish_reason == "length":
            parts.append(self.tr("cut at the limit of length"))
        return " · ".join(parts)

    def _actions(self, message: Message) -> tuple[str, ...]:
        if message.status is Status.STREAMING:
            return ()
        can_continue = bool(message.content) and (
            message.status in (Status.STOPPED, Status.INTERRUPTED)
            or (message.made_by is not None and message.made_by.finish_reason == "length")
        )
        copy = ("copy",) if message.content else ()
        return (*copy, "retry", *(("continue",) if can_continue else ()))

    def _left(self, seconds_left: float | None, waited_s: float) -> str:
        if seconds_left is None:
            return ""
        return self.tr(", {time} left").format(time=self.duration(seconds_left - waited_s))

    def _so_far(self, waited_s: float) -> str:
        if waited_s < 3:
            return ""
        return self.tr(" ({time} so far)").format(time=self.duration(waited_s))
