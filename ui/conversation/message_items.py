"""Transcript items of stored messages: notes, figures and actions in the current language."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.backend import LoadProgress, PromptProgress
from app.chat.answer import RunningAnswer
from app.chat.context import VisibleContext, filled_context
from app.chat.documents import groups
from app.chat.token_estimate import estimated_tokens
from app.conversation import EDITED, TOOLS_CALLED, Excerpt, GivenPassage, Message, Provenance, Role, Status
from app.thoughts import split_thought
from app.tool_calls import pending, split_steps
from app.tools.server import WEB
from app.tools.web import sources_of
from app.units import grouped, rate_text, rounded
from ui.transcript.item import Item
from ui.widgets.error_text import error_text_of, passages_text
from ui.widgets.formats import list_text

MAX_SOURCES = 6
"""Web pages shown below an answer, as ``MAX_PLACES``."""
MAX_PLACES = 12
"""Passages shown below an answer; the last label opens the details where there are more."""
CONTEXT_FULL = ("context_full", "server_context_full", "summary_empty")
"""Errors after which the oldest turns can be left out or summarised."""
SHOWN_WAIT_S = 3
"""Shorter waiting times are not shown."""


class MessageItems(QObject):
    """Makes the items.  A QObject for ``tr``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._estimates: dict[tuple[str, int], int] = {}
        """Tokens of attachments by message and place; estimating a large text takes a while."""

    def item(
        self,
        message: Message,
        versions: Sequence[str],
        *,
        is_last: bool,
        can_fork: bool,
        can_remember: bool = False,
        horizon: VisibleContext | None,
        author: str = "",
    ) -> Item:
        """Return the item of one message.

        ``versions`` are the ids of all versions of the message where there are several.  ``is_last`` says whether it
        ends its branch, ``can_fork`` whether its conversation is stored, ``can_remember`` whether the memory is used.
        Above ``horizon`` the model sees only pinned messages.  ``author`` is the name of the model where it is shown.
        """
        place = (versions.index(message.id) + 1, len(versions)) if message.id in versions else None
        is_question = message.role is Role.USER
        provenance = message.provenance
        # A continued answer keeps what was noted of its beginning.
        is_written = message.status is Status.STREAMING
        note = "" if is_question or is_written else self._note(message)
        divider, has_summary = "", False
        if horizon is not None:
            if message.id in horizon.still_seen:
                note = note or self.tr("Kept in context.")
            if message.id == horizon.first_seen:
                divider = self.tr("The model no longer sees the messages above")
                has_summary = bool(horizon.summary_id)
                if has_summary:
                    divider = self.tr("Summary of {count} messages").format(count=horizon.summarised)
        actions = (
            self._question_actions(is_last, has_versions=place is not None)
            if is_question
            else self._answer_actions(message, can_fork, has_versions=place is not None)
        )
        if can_remember and message.content and message.status is not Status.STREAMING:
            actions = (*actions, "remember")
        return Item(
            message.id,
            message.role,
            message.content,
            message.status,
            author="" if is_question else author,
            note=note,
            figures="" if is_question or is_written else self._figures(message),
            actions=(*actions, *_version_actions(place)),
            version=place,
            divider=divider,
            has_summary=has_summary,
            is_pinned=message.is_pinned,
            attachments=tuple(self._attachment(message, number) for number in range(len(message.attachments))),
            pictures=tuple(each.picture for each in message.attachments),
            passages=self._passages(message),
            sources=self._sources(message),
            thought_s=provenance.thought_s if provenance else None,
            asks=waits_for_tools(message),
            is_last=is_last,
        )

    def waiting(self, answer: RunningAnswer, model_name: str) -> str:
        """Return the placeholder of an answer before its first token."""
        waited_s = time.monotonic() - answer.updated_at
        so_far = ""
        if waited_s >= SHOWN_WAIT_S:
            so_far = self.tr(" ({time} so far)").format(time=self.duration(waited_s))
        if answer.tool:
            return self.tr("Running {name}…{left}").format(name=answer.tool, left=so_far)
        if answer.backend.is_remote:
            return self.tr("Waiting for {model}…{left}").format(model=model_name, left=so_far)
        if not answer.has_started:
            return self.tr("Waiting for the other answer to finish…")
        if answer.summarising is not None and answer.summarising.tokens:
            return self.tr("Summarising the oldest {count} messages… ({tokens} tokens)").format(
                count=answer.summarising.messages, tokens=answer.summarising.tokens
            )
        if answer.prompt is not None:
            return self._reading(answer.prompt, waited_s, so_far, is_summary=answer.summarising is not None)
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

    def _reading(self, progress: PromptProgress, waited_s: float, so_far: str, *, is_summary: bool) -> str:
        new, read = progress.total - progress.reused, progress.read - progress.reused
        if read >= new:
            return self.tr("Thinking…{left}").format(left=so_far)
        left = self._left(progress.seconds_left, waited_s) or so_far
        text = self.tr("Reading the conversation: {read} of {total} tokens{left}")
        if is_summary:
            text = self.tr("Reading the oldest messages for a summary: {read} of {total} tokens{left}")
        return text.format(read=grouped(read), total=grouped(new), left=left)

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
        if message.status is Status.STOPPED:
            return self.tr("Stopped.")
        if waits_for_tools(message):
            text = self.tr("The model wants to run {names}. Check the call first: a tool acts with your rights.")
            steps, _, _ = split_steps(message.content)
            return text.format(names=list_text(each.name for each in pending(steps)))
        provenance = message.provenance
        if provenance is not None and provenance.lacks_tools:
            if WEB in (provenance.sampling.tools if provenance.sampling is not None else ()):
                return self.tr("Answered without web search: this model doesn't know tools. Try again with another.")
            return self.tr("Answered without tools: this model doesn't know them. Try again with another.")
        if provenance is not None and filled_context(provenance):
            return self.tr("Stopped: the context is full.")
        if provenance is not None and _lacks_json(message.content, provenance):
            return self.tr("This isn't JSON: the server didn't follow the answer format of the conversation.")
        use = provenance.documents if provenance is not None else None
        return passages_text(use) if use is not None and use.is_spread else ""

    def _passages(self, message: Message) -> tuple[str, ...]:
        """Return the labels of the passages, or of the documents of the folder, that an answer was made from."""

        def shortened(labels: Sequence[str]) -> tuple[str, ...]:
            if len(labels) <= MAX_PLACES + 1:
                return tuple(labels)
            return (*labels[:MAX_PLACES], self.tr("{count} more").format(count=len(labels) - MAX_PLACES))

        provenance = message.provenance
        use = provenance.documents if provenance is not None else None
        if use is None:
            return shortened(provenance.whole_documents) if provenance is not None else ()
        places = groups(use)
        labels = [self._place(excerpt, passages[0], number) for number, (excerpt, passages) in enumerate(places, 1)]
        if len(use.excerpts) > 1:
            names = [excerpt.name for excerpt, _ in places]
            labels = [f"{name} · {label}" for name, label in zip(names, labels, strict=True)]
        return shortened(labels)

    def _sources(self, message: Message) -> tuple[str, ...]:
        """Return the labels of the web pages that an answer was made from."""
        if message.role is Role.USER or message.status is Status.STREAMING or waits_for_tools(message):
            return ()
        labels = [f"{each.title} · {each.host}" for each in sources_of(message.content)]
        if len(labels) > MAX_SOURCES + 1:
            labels = [*labels[:MAX_SOURCES], self.tr("{count} more").format(count=len(labels) - MAX_SOURCES)]
        return tuple(labels)

    def _place(self, excerpt: Excerpt, passage: GivenPassage, number: int) -> str:
        if passage.page:
            return self.tr("p. {page}").format(page=passage.page)
        return passage.heading or self.tr("passage {number}").format(number=number)

    def _figures(self, message: Message) -> str:
        provenance = message.provenance
        if provenance is not None and provenance.finish_reason == EDITED:
            return self.tr("Edited")
        if provenance is None or not provenance.completion_tokens:
            return ""
        parts = [self.tr("{count} tokens").format(count=grouped(provenance.answer_tokens))]
        if provenance.tokens_per_second:
            parts.insert(0, self.speed(provenance.tokens_per_second))
        if provenance.finish_reason == "length" and not filled_context(provenance):
            parts.append(self.tr("stopped at the token limit"))
        return " · ".join(parts)

    def _attachment(self, message: Message, number: int) -> str:
        """Return the label of an attachment: its name and its size in tokens, counted or estimated."""
        attachment = message.attachments[number]
        if attachment.picture is not None:
            return attachment.name
        if attachment.tokens is not None:
            size = self.tr("{count} tokens").format(count=grouped(attachment.tokens))
        else:
            key = (message.id, number)
            if key not in self._estimates:
                self._estimates[key] = rounded(estimated_tokens(attachment.content))
            size = self.tr("about {count} tokens").format(count=grouped(self._estimates[key]))
        return self.tr("{name} · {size}").format(name=attachment.name, size=size)

    def _question_actions(self, is_last: bool, *, has_versions: bool) -> tuple[str, ...]:
        # A question without an answer can be asked again.
        retry = ("retry",) if is_last else ()
        compare = ("compare",) if has_versions else ()
        return (*retry, "copy", "edit", *compare, "export", "pin", "delete")

    def _answer_actions(self, message: Message, can_fork: bool, *, has_versions: bool) -> list[str]:
        if message.status is Status.STREAMING:
            return []
        has_text, provenance = bool(message.content), message.provenance
        code = (message.error or {}).get("code")
        is_full, is_too_long = code in CONTEXT_FULL, code == "question_too_long"
        asks = waits_for_tools(message)
        was_cut = message.status in (Status.STOPPED, Status.INTERRUPTED) or (
            provenance is not None and provenance.finish_reason == "length"
        )
        offered = {
            "edit": is_too_long,
            "roll": is_full,
            "summarise": is_full,
            "begin": is_full,
            "continue": has_text and was_cut and not is_full,
            **dict.fromkeys(("run_tools", "always_run_tools", "decline_tools"), asks),
            "retry": True,
            "retry_with": True,
            "compare": has_versions,
            "copy": has_text,
            "revise": has_text,
            "export": has_text,
            "fork": has_text and can_fork,
            "details": provenance is not None and provenance.finish_reason != EDITED and not is_full,
            "pin": has_text and not is_full,
            "delete": True,
        }
        return [action for action, is_offered in offered.items() if is_offered]


def waits_for_tools(message: Message) -> bool:
    """Return whether an answer waits for a decision about its calls of tools."""
    provenance = message.provenance
    return message.status is Status.COMPLETE and provenance is not None and provenance.finish_reason == TOOLS_CALLED


def _lacks_json(text: str, provenance: Provenance) -> bool:
    """Return whether a server was asked for JSON, and its whole answer is something else."""
    sampling = provenance.sampling
    is_whole = provenance.endpoint is not None and provenance.finish_reason == "stop"
    if not is_whole or sampling is None or not sampling.json_schema or sampling.stop:
        return False
    try:
        json.loads(split_thought(text)[2])
    except (ValueError, RecursionError):
        return True
    return False


def _version_actions(place: tuple[int, int] | None) -> list[str]:
    """Return the actions that show the versions before and after the ``place``-th."""
    number, count = place or (1, 1)
    return [*(["previous"] if number > 1 else []), *(["next"] if number < count else [])]
