"""Sentences about what a person writes and brings along: attachments, presets."""

from __future__ import annotations

from app.translation import QT_TRANSLATE_NOOP

WRITING: dict[str, str] = {
    "attachment_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "{name} is {bytes}, but attachments are limited to {limit_bytes}. Attach only the part your question is about.",
    ),
    "attachment_not_text": QT_TRANSLATE_NOOP(
        "errors",
        "{name} can't be attached because it isn't plain text. Save it as text, or copy the passage and paste it here.",
    ),
    "attachment_empty": QT_TRANSLATE_NOOP("errors", "{name} is empty. Choose another file."),
    "attachment_is_a_folder": QT_TRANSLATE_NOOP("errors", "{name} is a folder. Choose text files in it instead."),
    "attachments_too_many": QT_TRANSLATE_NOOP(
        "errors", "A question can have up to {limit} attachments. Remove one first, or combine several into one file."
    ),
}
