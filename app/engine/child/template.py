"""From messages to the prompt text: the file's own chat template, or ChatML where it has none.

The published APUS files have none, and their model card names ChatML.  How a template is run without harm is
``rendering``'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.backend import PromptMessage
from app.conversation import Role
from app.engine.child.template_process import Rendering, TemplateRefused
from model_manager.errors import UserError

CHATML_END = "<|im_end|>"


@dataclass(frozen=True)
class Prompt:
    """The text to tokenise, and strings that end the answer beside the vocabulary's own end tokens."""

    text: str
    stop: tuple[str, ...] = ()


class PromptTemplate:
    """Writes a conversation as this file's model was taught to read it."""

    def __init__(self, source: str | None, bos: str, eos: str, stopped: Callable[[], bool]) -> None:
        """``stopped`` tells whether the person wants an end."""
        self._rendering = Rendering(source, bos, eos, stopped) if source else None

    def prompt(self, messages: Sequence[PromptMessage], prefill: str) -> Prompt:
        """The prompt up to where the answer begins, or goes on after ``prefill``.

        Raises:
            UserError: ``chat_template_failed`` when the template refuses the conversation, ``chat_template_too_costly``
                when it takes too much time or memory.
            Cancelled: stopped meanwhile.
        """
        if self._rendering is None:
            turns = [f"<|im_start|>{m.role}\n{m.content}{CHATML_END}\n" for m in messages]
            return Prompt("".join(turns) + "<|im_start|>assistant\n" + prefill, (CHATML_END,))
        try:
            text = self._render(self._rendering, messages)
        except TemplateRefused as error:
            raise UserError("chat_template_failed", detail=str(error)) from error
        return Prompt(text + prefill)

    def close(self) -> None:
        """End what runs the template."""
        if self._rendering is not None:
            self._rendering.close()

    @staticmethod
    def _render(rendering: Rendering, messages: Sequence[PromptMessage]) -> str:
        try:
            return rendering.render(_plain(messages))
        except TemplateRefused:
            if messages[0].role is not Role.SYSTEM or len(messages) < 2:
                raise
        # Some templates know no system role (Gemma's): the system prompt then opens the first question.
        system, first, *rest = messages
        return rendering.render(_plain([PromptMessage(first.role, f"{system.content}\n\n{first.content}"), *rest]))


def _plain(messages: Sequence[PromptMessage]) -> list[dict[str, str]]:
    return [{"role": str(m.role), "content": m.content} for m in messages]
