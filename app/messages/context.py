"""Error messages about a full context."""

from __future__ import annotations

from typing import Any

from app.translation import QT_TRANSLATE_NOOP

CONTEXT: dict[str, str] = {
    "context_full": QT_TRANSLATE_NOOP(
        "errors",
        "The context is full: the conversation and space for an answer need {needed} tokens, but the "
        "context holds {context}. Leave out the oldest messages, start a new conversation, or choose a "
        "longer context.",
    ),
    "question_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The last question, with its attachments, the system prompt and space for an answer, needs "
        "{needed} tokens, but the context holds {context}. Shorten the question, or choose a longer "
        "context.",
    ),
    "pinned_too_long": QT_TRANSLATE_NOOP(
        "errors",
        "The pinned messages, the last question and space for an answer need {needed} tokens, but the "
        "context holds {context}. Unpin a message, or choose a longer context.",
    ),
}
LEFT_OUT = QT_TRANSLATE_NOOP(
    "errors", "The context of {context} tokens is full. The oldest messages are left out ({count})."
)


def left_out_sentence(count: int, context: int, translate: Any) -> str:
    """Return the notice that ``count`` messages are left out; the string is passed through ``translate`` first."""
    return str(translate(LEFT_OUT)).format(count=count, context=context)
