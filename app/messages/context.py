"""Sentences about a conversation that no longer fits into the context."""

from __future__ import annotations

from typing import Any

from app.messages.marking import QT_TRANSLATE_NOOP

CONTEXT: dict[str, str] = {
    "context_full": QT_TRANSLATE_NOOP(
        "errors",
        "The context is full: with room for an answer the conversation needs {needed} tokens, and the context holds "
        "{context}. Leave out the oldest turns, begin a new conversation, or choose a larger context.",
    ),
    "question_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The last question alone, with what is attached to it, the system prompt and room for an answer, needs "
        "{needed} tokens, and the context holds {context}. Shorten it, or choose a larger context.",
    ),
    "pinned_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The pinned messages and the last question need {needed} tokens with room for an answer, and the context holds "
        "{context}. Take out a pin, or choose a larger context.",
    ),
}
LEFT_OUT = QT_TRANSLATE_NOOP(
    "errors", "The context of {context} tokens is full: the oldest messages are left out ({count})."
)


def left_out_sentence(count: int, context: int, translate: Any) -> str:
    """That so many messages are not seen; the text is first sent through ``translate``."""
    return str(translate(LEFT_OUT)).format(count=count, context=context)
