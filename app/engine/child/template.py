"""Prompt text from messages: the file's own chat template, or ChatML where it has none.

The published APUS files have none, and their model card names ChatML.  A template is untrusted code and is rendered in
a separate process (``template_child``), which is ended when it takes too much time or memory.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from app.backend import PromptMessage, openai_messages
from app.conversation import THOUGHT_OPEN, Picture, Role
from app.engine.child.template_child import MEMORY_LIMIT_BYTES, TIME_LIMIT_S
from app.engine.child.tool_calls import CallForm, call_form
from app.engine.protocol import DIGEST_BYTES, picture_digest
from app.process.child_process import TEMPLATE_RENDERER, LimitedProcess
from app.thoughts import STANDARD, ThoughtStream, marks_of, split_thought, template_variables, thought_at_end
from app.tool_calls import ToolDefinition
from model_manager.errors import Cancelled, UserError

CHATML_END = "<|im_end|>"
PICTURE = "\ufdd2"
"""Noncharacter on both sides of a picture's digest in a prompt."""
_PROBE = "probe"


class TemplateError(Exception):
    """The template rejected the conversation; the text says why."""


@dataclass(frozen=True)
class Prompt:
    """The text to tokenise, and strings that end the answer besides the vocabulary's own end tokens."""

    text: str
    stop: tuple[str, ...] = ()
    thoughts: ThoughtStream = field(default_factory=ThoughtStream)
    """Reads the answer to this prompt."""


class PromptTemplate:
    """Formats a conversation as one file's model expects it.  Used by one thread.

    The process is started immediately, to be ready for the first prompt, and again after it was killed.
    """

    def __init__(
        self,
        source: str | None,
        bos: str,
        eos: str,
        is_stopped: Callable[[], bool] = lambda: False,
        limit_s: float = TIME_LIMIT_S,
        plain: Callable[[str], str] = str,
    ) -> None:
        """``source`` is the template of the file, None for ChatML; ``limit_s`` is the time limit of a prompt.

        ``is_stopped`` returns whether the request was cancelled, ``plain`` the text of a message with marks that keep
        special tokens in it from being recognised.
        """
        self._template = {"source": source, "bos": bos, "eos": eos}
        self._is_stopped = is_stopped
        self._limit_s = limit_s
        self._plain = plain
        self.marks = marks_of(source or "")
        """The marks of thoughts that the model is expected to use."""
        self.thinks = self.marks is not STANDARD or STANDARD.close in (source or "")
        """Whether the template knows thoughts."""
        self._process: LimitedProcess | None = None
        self._has_template = False
        if source is not None:
            with contextlib.suppress(OSError):
                self._start()

    @cached_property
    def call_form(self) -> CallForm | None:
        """How the model writes calls of tools; None where its template knows none."""
        if "tools" not in (self._template["source"] or ""):
            return None

        def render(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> str | None:
            with contextlib.suppress(TemplateError, UserError, OSError):
                return self._ask(messages, {"tools": tools})
            return None

        return call_form(render)

    @cached_property
    def _takes_parts(self) -> bool:
        """Whether the template takes the content of messages as a list of parts only, as some that know pictures."""
        if "image" not in (self._template["source"] or ""):
            return False

        def shows(content: Any) -> bool:
            with contextlib.suppress(TemplateError, UserError, OSError):
                return _PROBE in self._ask([{"role": "user", "content": content}], {})
            return False

        return not shows(_PROBE) and shows([{"type": "text", "text": _PROBE}])

    def prompt(
        self,
        messages: Sequence[PromptMessage],
        prefill: str,
        thinking: str = "",
        tools: Sequence[ToolDefinition] = (),
    ) -> Prompt:
        """Make the prompt up to the beginning of the answer, or to its continuation after ``prefill``.

        ``thinking`` as in ``Sampling``; ``tools`` are left out where the template knows none.

        Raises:
            UserError: ``chat_template_failed`` when the template rejects the conversation or its process could not be
                started, ``chat_template_too_costly`` with ``seconds`` and ``limit_bytes`` for one that takes too much.
            Cancelled: stopped meanwhile.
        """
        messages = [_with_marks(each) for each in messages]
        if any(each.steps for each in messages) and self.call_form is None:
            messages = [each.without_steps() for each in messages]
        if self._template["source"] is None:
            turns = [f"<|im_start|>{m.role}\n{self._plain(m.content)}{CHATML_END}\n" for m in messages]
            return self._with_prefill("".join(turns) + "<|im_start|>assistant\n", prefill, (CHATML_END,))
        try:
            variables = template_variables(thinking)
            if tools and self.call_form is not None:
                variables["tools"] = [each.to_openai() for each in tools]
            text = self._render_any(_variants(messages), variables)
        except (TemplateError, OSError) as error:
            raise UserError("chat_template_failed", detail=str(error)) from error
        return self._with_prefill(text, prefill)

    def _with_prefill(self, text: str, prefill: str, stop: tuple[str, ...] = ()) -> Prompt:
        """Continue a prompt with the beginning of the answer, in the model's own marks."""
        at_end = thought_at_end(text)
        start, marks, opened = at_end or (len(text), self.marks, None)
        if not prefill:
            if opened is not None:
                return Prompt(text, stop, ThoughtStream(marks, thinks=True, opened=THOUGHT_OPEN + opened))
            return Prompt(text, stop, ThoughtStream(marks, thinks=False if at_end else None))
        thought, has_ended, answer = split_thought(prefill)
        if answer == prefill:
            # Without a thought: an empty one in the prompt stays, an opened one does not.
            text = text if opened is None else text[:start]
            header = "" if opened is None and (at_end or text.endswith(marks.answer)) else marks.answer
            return Prompt(text + header + self._plain(prefill), stop, ThoughtStream(marks, thinks=False))
        end = marks.close + self._plain(answer) if has_ended else ""
        text = f"{text[:start]}{marks.open}{self._plain(thought)}{end}"
        return Prompt(text, stop, ThoughtStream(marks, thinks=not has_ended))

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _render_any(self, variants: Iterable[Sequence[PromptMessage]], variables: Mapping[str, Any]) -> str:
        """Return the prompt of the first variant that the template accepts."""
        problem = TemplateError()
        for messages in variants:
            try:
                return self._ask(self._plain_messages(messages), variables)
            except TemplateError as error:
                problem = error
        raise problem

    def _ask(self, messages: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> str:
        request: dict[str, Any] = {"messages": messages, "variables": variables}
        try:
            process = self._process
            if process is None or not process.is_alive():
                process = self._start()
            if not self._has_template:
                request |= self._template
                self._has_template = True
            answer = process.ask(request, self._limit_s, self._raise_if_stopped)
        except BaseException:
            self.close()
            raise
        if answer is not None and "text" in answer:
            return str(answer["text"])
        if answer is not None and "refused" in answer:
            raise TemplateError(answer["refused"])
        self.close()
        raise UserError("chat_template_too_costly", seconds=f"{self._limit_s:g}", limit_bytes=MEMORY_LIMIT_BYTES)

    def _plain_messages(self, messages: Sequence[PromptMessage]) -> list[dict[str, Any]]:
        """Return the messages as a template expects them: calls and results are separate messages."""
        plain: list[dict[str, Any]] = []
        for values in openai_messages(messages):
            if "reasoning_content" in values:
                # The template decides whether it repeats a thought; these are its usual names.
                values["thinking"] = values["reasoning_content"]
            if self._takes_parts and isinstance(values.get("content"), str):
                values["content"] = [{"type": "text", "text": values["content"]}]
            for call in values.get("tool_calls", ()):
                if self.call_form is not None and self.call_form.arguments_are_text:
                    call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
            plain.append(
                {name: value if name == "role" else self._plain_value(value) for name, value in values.items()}
            )
        return plain

    def _plain_value(self, value: Any) -> Any:
        """Mark all texts in a value."""
        if isinstance(value, str):
            return self._plain(value)
        if isinstance(value, Mapping):
            return {self._plain(name): self._plain_value(each) for name, each in value.items()}
        return [self._plain_value(each) for each in value] if isinstance(value, list) else value

    def _start(self) -> LimitedProcess:
        self.close()
        self._process = LimitedProcess(TEMPLATE_RENDERER, MEMORY_LIMIT_BYTES)
        self._has_template = False
        return self._process

    def _raise_if_stopped(self) -> bool:
        if self._is_stopped():
            raise Cancelled
        return False


def digest_of(picture: Picture) -> str:
    """Return the digest that stands for a picture in a prompt."""
    data = picture.data
    return (data if len(data) == DIGEST_BYTES else picture_digest(data)).hex()


def pictures_of(messages: Sequence[PromptMessage]) -> dict[str, Picture]:
    """Return the pictures of some messages by their digests."""
    return {digest_of(picture): picture for each in messages for picture in each.pictures}


def _with_marks(message: PromptMessage) -> PromptMessage:
    """Return the message with marks in front of its text in place of pictures."""
    marks = "".join(f"{PICTURE}{digest_of(each)}{PICTURE}" for each in message.pictures)
    text = message.content.replace(PICTURE, "") if PICTURE in message.content else message.content
    if not marks and text is message.content:
        return message
    return replace(message, content=marks + text, pictures=())


def _variants(messages: Sequence[PromptMessage]) -> Iterator[Sequence[PromptMessage]]:
    """Yield the messages, and what templates accept instead that have no system role or need alternating roles."""
    alternating = _alternating(messages)
    for each in (messages,) if alternating == [*messages] else (messages, alternating):
        yield each
        if each[0].role is Role.SYSTEM and len(each) > 1:
            # Gemma's: the system prompt then begins the first question.
            system, first, *rest = each
            yield [replace(first, content=f"{system.content}\n\n{first.content}"), *rest]


def _alternating(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Return the messages with neighbours of one role joined, and an empty question before a leading answer.

    Imported conversations contain both.
    """
    found: list[PromptMessage] = []
    for message in messages:
        if found and found[-1].role is message.role and not message.steps:
            found[-1] = replace(found[-1], content=f"{found[-1].content}\n\n{message.content}")
            continue
        if message.role is Role.ASSISTANT and (not found or found[-1].role is Role.SYSTEM):
            found.append(PromptMessage(Role.USER, ""))
        found.append(message)
    return found
