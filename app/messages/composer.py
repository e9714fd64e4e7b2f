"""Sentences about what a person writes and brings along: attachments, presets."""

from __future__ import annotations

from app.messages.marking import QT_TRANSLATE_NOOP

WRITING: dict[str, str] = {
    "attachment_too_large": QT_TRANSLATE_NOOP(
        "errors",
        "{name} has {bytes}; texts of up to {limit_bytes} can be attached. Attach the part that the question is about.",
    ),
    "attachment_not_text": QT_TRANSLATE_NOOP(
        "errors", "{name} holds no plain text. Save it as text, or copy the passage and paste it here."
    ),
    "attachment_empty": QT_TRANSLATE_NOOP("errors", "{name} is empty. Choose another file."),
    "attachment_is_a_folder": QT_TRANSLATE_NOOP("errors", "{name} is a folder. Choose the text files in it."),
    "attachments_too_many": QT_TRANSLATE_NOOP(
        "errors", "Up to {limit} texts can be attached to a question. Remove one first, or put several into one file."
    ),
    "presets_damaged": QT_TRANSLATE_NOOP(
        "errors",
        "Your presets could not be read; the file was put aside as {path}, and those of the program are there. Mend "
        "it and give it back its name, or go on with new ones.",
    ),
}
