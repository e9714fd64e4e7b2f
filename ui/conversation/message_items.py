"""Transcript items of stored messages: notes, figures and actions in the current language."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject

from app.backend import LoadProgress, PromptProgress
from app.chat.answer import RunningAnswer
from app.chat.context import Horizon, filled_context
from app.chat.token_estimate import estimated_tokens
from app.conversation import Message, Role, Status
from app.units import grouped, rate_text, rounded
from ui.transcript.item import Item
from ui.widgets.error_text import error_text_of

SHOWN_WAIT_S = 3
"""Shorter waiting times are not shown."""


class MessageItems(QObject):
    """Makes the items.  A QObject for ``tr``."""

    can_fork = True
    """Whether a fork is offered; not of a temporary conversation."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._estimates: dict[tuple[str, int], int] = {}
        """Tokens of attachments by message and place; estimating a large text takes a while."""

    def items(
        self,
        messages: Sequence[Message],
        siblings: Mapping[str, tuple[str, ...]] | None = None,
        horizon: Horizon | None = None,
    ) -> list[Item]:
        """Return the items of a branch.

        ``siblings`` has the ids of all versions of each message with several; above ``horizon`` the model sees only
        pinned messages.
        """
        versions = siblings or {}
        return [
            self.item(message, versions.get(message.id, ()), is_last=message is messages[-1], horizon=horizon)
            for message in messages
        ]

    def item(
        self, message: Message, siblings: Sequence[str] = (), *, is_last: bool = False, horizon: Horizon | None = None
    ) -> Item:
        """Return the item of one message; ``siblings`` are the ids of its versions, itself included."""
        place = (siblings.index(message.id) + 1, len(siblings)) if message.id in siblings else None
        is_question = message.role is Role.USER
        provenance = message.provenance
        note = "" if is_question else self._note(message)
        divider = ""
        if horizon is not None:
            if message.id in horizon.still_seen:
                note = note or self.tr("Always kept in context.")
            if message.id == horizon.first_seen:
                divider = self.tr("The model no longer sees the messages above")
        actions = self._question_actions(is_last) if is_question else self._answer_actions(message)
        return Item(
            message.id,
            message.role,
            message.content,
            message.status,
            note=note,
            figures="" if is_question else self._figures(message),
            actions=(*actions, *_version_actions(place)),
            version=place,
            divider=divider,
            is_pinned=message.is_pinned,
            attachments=tuple(self._attachment(message, number) for number in range(len(message.attachments))),
            thought_s=provenance.thought_s if provenance else None,
        )

    def waiting(self, answer: RunningAnswer, model_name: str) -> str:
        """Return the placeholder of an answer before its first token."""
        waited_s = time.monotonic() - answer.updated_at
        so_far = ""
        if waited_s >= SHOWN_WAIT_S:
            so_far = self.tr(" ({time} so far)").format(time=self.duration(waited_s))
        if not answer.has_started:
            return self.tr("Waiting for the other answer to finish…")
        if answer.backend.is_remote:
            return self.tr("Waiting for {model}…{left}").format(model=model_name, left=so_far)
        if answer.prompt is not None:
            return self._reading(answer.prompt, waited_s, so_far)
        load = answer.load or LoadProgress(1.0, None)
        return self.tr("Loading {model}: {percent}%{left}").format(
            model=model_name,
            percent=int(load.fraction * 100),
            left=self._left(load.seconds_left, waited_s) or so_far,
        )

    def speed(self, tokens_per_second: float) -> str:
        """Return the speed of an answer as text."""
        return self.tr("{number} tokens/s").format(number=rate_text(tokens_per_second))

    def duration(self, seconds: float) -> str:
        """Return a time span as text."""
        whole = max(1, round(seconds))
        if whole < 60:
            return self.tr("{seconds} s").format(seconds=whole)
        return self.tr("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)

    def _reading(self, progress: PromptProgress, waited_s: float, so_far: str) -> str:
        new, read = progress.total - progress.reused, progress.read - progress.reused
        if read >= new:
            return self.tr("Thinking…{left}").format(left=so_far)
        left = self._left(progress.seconds_left, waited_s) or so_far
        return self.tr("Reading the conversation: {read} of {total} tokens{left}").format(
            read=read, total=new, left=left
        )

    def _left(self, seconds_left: float | None, waited_s: float) -> str:
        if seconds_left is None:
            return ""
        return self.tr(", {time} left").format(time=self.duration(seconds_left - waited_s))

    def _note(self, message: Message) -> str:
        if message.error:
            return error_text_of(message.error.get("code", ""), message.error)
        if message.status is Status.INTERRUPTED:
            return self.tr(
                "Interrupted: the program closed before the answer was complete. The partial answer is kept."
            )
        return self.tr("Stopped.") if message.status is Status.STOPPED else ""

    def _figures(self, message: Message) -> str:
        provenance = message.provenance
        if provenance is None or not provenance.completion_tokens:
            return ""
        parts = [self.tr("{count} tokens").format(count=provenance.completion_tokens)]
        if provenance.tokens_per_second:
            parts.insert(0, self.speed(provenance.tokens_per_second))
        if filled_context(provenance):
            parts.append(self.tr("context full"))
        elif provenance.finish_reason == "length":
            parts.append(self.tr("stopped at the token limit"))
        return " · ".join(parts)

    def _attachment(self, message: Message, number: int) -> str:
        """Return the label of an attachment: its name and its size in tokens, counted or estimated."""
        attachment = message.attachments[number]
        if attachment.tokens is not None:
            size = self.tr("{count} tokens").format(count=grouped(attachment.tokens))
        else:
            key = (message.id, number)
            if key not in self._estimates:
                self._estimates[key] = rounded(estimated_tokens(attachment.content))
            size = self.tr("about {count} tokens").format(count=grouped(self._estimates[key]))
        return self.tr("{name} · {size}").format(name=attachment.name, size=size)

    def _question_actions(self, is_last: bool) -> tuple[str, ...]:
        # A question without an answer can be asked again.
        retry = ("retry",) if is_last else ()
        return (*retry, "copy", "edit", "export", "pin", "delete")

    def _answer_actions(self, message: Message) -> tuple[str, ...]:
        if message.status is Status.STREAMING:
            return ()
        copy: tuple[str, ...] = ()
        if message.content:
            copy = ("copy", "export", "fork") if self.can_fork else ("copy", "export")
        if message.error and message.error.get("code") == "context_full":
            return ("roll", "begin", "retry", *copy, "delete")
        provenance = message.provenance
        can_continue = bool(message.content) and (
            message.status in (Status.STOPPED, Status.INTERRUPTED)
            or (provenance is not None and provenance.finish_reason == "length")
        )
        resume = ("continue",) if can_continue else ()
        details = ("details",) if provenance is not None else ()
        pin = ("pin",) if message.content else ()
        return (*resume, "retry", *copy, *details, *pin, "delete")


def _version_actions(place: tuple[int, int] | None) -> tuple[str, ...]:
    """Return the actions that show the versions before and after the ``place``-th."""
    if place is None:
        return ()
    number, count = place
    return (*(("previous",) if number > 1 else ()), *(("next",) if number < count else ()))
