"""Prompt text from messages: the file's own chat template, or ChatML where it has none.

The published APUS files have none, and their model card names ChatML.  A template is untrusted code and is rendered in
a separate process (``template_child``), which is ended when it takes too much time or memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.backend import PromptMessage
from app.conversation import Role
from app.engine.child.template_child import MEMORY_LIMIT_BYTES, TIME_LIMIT_S
from app.process.child_process import TEMPLATE_RENDERER, LimitedProcess
from model_manager.errors import Cancelled, UserError

CHATML_END = "<|im_end|>"


class TemplateError(Exception):
    """The template rejected the conversation; the text says why."""


@dataclass(frozen=True)
class Prompt:
    """The text to tokenise, and strings that end the answer besides the vocabulary's own end tokens."""

    text: str
    stop: tuple[str, ...] = ()


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
    ) -> None:
        """``source`` is the template of the file, None for ChatML; ``limit_s`` is the time limit of a prompt.

        ``is_stopped`` returns whether the request was cancelled.
        """
        self._template = {"source": source, "bos": bos, "eos": eos}
        self._is_stopped = is_stopped
        self._limit_s = limit_s
        self._process: LimitedProcess | None = None
        self._has_template = False
        if source is not None:
            with contextlib.suppress(OSError):
                self._start()

    def prompt(self, messages: Sequence[PromptMessage], prefill: str) -> Prompt:
        """Make the prompt up to the beginning of the answer, or to its continuation after ``prefill``.

        Raises:
            UserError: ``chat_template_failed`` when the template rejects the conversation or its process could not be
                started, ``chat_template_too_costly`` with ``seconds`` and ``limit_bytes`` for one that takes too much.
            Cancelled: stopped meanwhile.
        """
        if self._template["source"] is None:
            turns = [f"<|im_start|>{m.role}\n{m.content}{CHATML_END}\n" for m in messages]
            return Prompt("".join(turns) + "<|im_start|>assistant\n" + prefill, (CHATML_END,))
        try:
            try:
                text = self._render(messages)
            except TemplateError:
                if messages[0].role is not Role.SYSTEM or len(messages) < 2:
                    raise
                # Some templates have no system role (Gemma's): the system prompt then begins the first question.
                system, first, *rest = messages
                text = self._render([PromptMessage(first.role, f"{system.content}\n\n{first.content}"), *rest])
        except (TemplateError, OSError) as error:
            raise UserError("chat_template_failed", detail=str(error)) from error
        return Prompt(text + prefill)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _render(self, messages: Sequence[PromptMessage]) -> str:
        request: dict[str, object] = {
            "messages": [{"role": str(each.role), "content": each.content} for each in messages]
        }
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

    def _start(self) -> LimitedProcess:
        self.close()
        self._process = LimitedProcess(TEMPLATE_RENDERER, MEMORY_LIMIT_BYTES)
        self._has_template = False
        return self._process

    def _raise_if_stopped(self) -> bool:
        if self._is_stopped():
            raise Cancelled
        return False
