"""From messages to the prompt text: the file's own chat template, or ChatML where it has none.

The published APUS files have none, and their model card names ChatML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from app.chat.conversation import Role
from app.chat.source import PromptMessage
from model_manager.errors import UserError

CHATML_END = "<|im_end|>"


@dataclass(frozen=True)
class Prompt:
    """The text to tokenise, and strings that end the answer beside the vocabulary's own end tokens."""

    text: str
    stop: tuple[str, ...] = ()


class PromptTemplate:
    """Writes a conversation as this file's model was taught to read it.  The template runs in a sandbox."""

    def __init__(self, source: str | None, bos: str, eos: str) -> None:
        self._formatter: Jinja2ChatFormatter | None = None
        if source:
            try:
                self._formatter = Jinja2ChatFormatter(template=source, bos_token=bos, eos_token=eos)
            except jinja2.TemplateError as error:
                raise UserError("chat_template_failed", detail=str(error)) from error

    def prompt(self, messages: Sequence[PromptMessage], prefill: str) -> Prompt:
        """The prompt up to where the answer begins, or goes on after ``prefill``.

        Raises:
            UserError: ``chat_template_failed`` when the template refuses the conversation.
        """
        if self._formatter is None:
            turns = [f"<|im_start|>{m.role}\n{m.content}{CHATML_END}\n" for m in messages]
            return Prompt("".join(turns) + "<|im_start|>assistant\n" + prefill, (CHATML_END,))
        try:
            text = self._render(messages)
        except (jinja2.TemplateError, ValueError, TypeError) as error:
            if messages[0].role is not Role.SYSTEM:
                raise UserError("chat_template_failed", detail=str(error)) from error
            text = self._render_without_system(messages)
        return Prompt(text + prefill)

    def _render(self, messages: Sequence[PromptMessage]) -> str:
        assert self._formatter is not None
        plain: list[Any] = [{"role": str(m.role), "content": m.content} for m in messages]
        return self._formatter(messages=plain).prompt

    def _render_without_system(self, messages: Sequence[PromptMessage]) -> str:
        # Some templates know no system role (Gemma's): the system prompt then opens the first question.
        system, first, *rest = messages
        merged = PromptMessage(first.role, f"{system.content}\n\n{first.content}")
        try:
            return self._render([merged, *rest])
        except (jinja2.TemplateError, ValueError, TypeError) as error:
            raise UserError("chat_template_failed", detail=str(error)) from error
