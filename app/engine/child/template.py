"""Prompt text from messages: the file's own chat template, or ChatML where it has none.

The published APUS files have none, and their model card names ChatML.  A template is untrusted code and is rendered in
a separate process (``template_child``), which is ended when it takes too much time or memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.backend import PromptMessage
from app.conversation import Role
from app.engine.child.template_child import LIMIT_BYTES, LIMIT_S
from app.process.child_program import TEMPLATE_RENDERER
from app.process.limited_process import LimitedProcess
from model_manager.errors import Cancelled, UserError

CHATML_END = "<|im_end|>"
START_S = 30.0
"""Seconds for the start of the process: a tenth, unless the disk is slow or a virus scanner reads everything first."""
_INTERVAL_S = 0.02
"""Interval of the checks of its memory and of cancellation."""


class TemplateRefused(Exception):
    """The template rejected the conversation; the text says why."""


@dataclass(frozen=True)
class Prompt:
    """The text to tokenise, and strings that end the answer besides the vocabulary's own end tokens."""

    text: str
    stop: tuple[str, ...] = ()


class PromptTemplate:
    """Formats a conversation as this file's model expects it."""

    def __init__(self, source: str | None, bos: str, eos: str, is_stopped: Callable[[], bool]) -> None:
        """``is_stopped`` returns whether the request was cancelled."""
        self._renderer = TemplateRenderer(source, bos, eos, is_stopped) if source else None

    def prompt(self, messages: Sequence[PromptMessage], prefill: str) -> Prompt:
        """Make the prompt up to the beginning of the answer, or to its continuation after ``prefill``.

        Raises:
            UserError: ``chat_template_failed`` when the template rejects the conversation, ``chat_template_too_costly``
                when it takes too much time or memory.
            Cancelled: stopped meanwhile.
        """
        if self._renderer is None:
            turns = [f"<|im_start|>{m.role}\n{m.content}{CHATML_END}\n" for m in messages]
            return Prompt("".join(turns) + "<|im_start|>assistant\n" + prefill, (CHATML_END,))
        try:
            text = self._render(self._renderer, messages)
        except TemplateRefused as error:
            raise UserError("chat_template_failed", detail=str(error)) from error
        return Prompt(text + prefill)

    def close(self) -> None:
        """End the process of the template."""
        if self._renderer is not None:
            self._renderer.close()

    @staticmethod
    def _render(renderer: TemplateRenderer, messages: Sequence[PromptMessage]) -> str:
        try:
            return renderer.render(_plain(messages))
        except TemplateRefused:
            if messages[0].role is not Role.SYSTEM or len(messages) < 2:
                raise
        # Some templates have no system role (Gemma's): the system prompt then begins the first question.
        system, first, *rest = messages
        return renderer.render(_plain([PromptMessage(first.role, f"{system.content}\n\n{first.content}"), *rest]))


def _plain(messages: Sequence[PromptMessage]) -> list[dict[str, str]]:
    return [{"role": str(m.role), "content": m.content} for m in messages]


class TemplateRenderer:
    """Renders one template in a separate process.  Used by one thread.

    The process is started immediately, to be ready for the first prompt, and again after it was killed.
    """

    def __init__(
        self, source: str, bos: str, eos: str, is_stopped: Callable[[], bool] = lambda: False, limit_s: float = LIMIT_S
    ) -> None:
        """``is_stopped`` returns whether the request was cancelled; ``limit_s`` is the time limit of a prompt."""
        self._template = {"source": source, "bos": bos, "eos": eos}
        self._is_stopped = is_stopped
        self._limit_s = limit_s
        self._process: LimitedProcess | None = None
        self._has_template = False
        with contextlib.suppress(OSError):
            self._start()

    def render(self, messages: Sequence[dict[str, str]]) -> str:
        """Render the prompt.

        Raises:
            TemplateRefused: the template raised an error or is invalid.
            UserError: ``chat_template_too_costly`` with ``seconds`` and ``limit_bytes``; ``chat_template_failed`` where
                no process could be started.
            Cancelled: stopped.
        """
        try:
            answer = self._ask({"messages": list(messages)})
        except OSError as error:
            self.close()
            raise UserError("chat_template_failed", detail=str(error)) from error
        except BaseException:
            self.close()
            raise
        if answer is not None and "text" in answer:
            return str(answer["text"])
        if answer is not None and "refused" in answer:
            raise TemplateRefused(answer["refused"])
        self.close()
        raise UserError("chat_template_too_costly", seconds=f"{self._limit_s:g}", limit_bytes=LIMIT_BYTES)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _start(self) -> LimitedProcess:
        self.close()
        self._process = LimitedProcess(TEMPLATE_RENDERER, LIMIT_BYTES)
        self._has_template = False
        return self._process

    def _ask(self, request: dict[str, object]) -> dict[str, object] | None:
        """The process's answer, None where its time, its memory or the process came to an end."""
        process = self._process
        if process is None or not process.is_alive():
            process = self._start()
        if not self._has_template:
            if self._answer(process, START_S) is None:
                raise OSError("its process did not start")
            process.send_json(self._template)
            self._has_template = True
        process.send_json(request)
        return self._answer(process, self._limit_s)

    def _answer(self, process: LimitedProcess, limit_s: float) -> dict[str, object] | None:
        end = time.monotonic() + limit_s

        def is_over() -> bool:
            if self._is_stopped():
                raise Cancelled
            return time.monotonic() >= end

        return process.answer(is_over, _INTERVAL_S)
