"""The words that stand in exported files, in the language of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.conversation import Status
from app.export.formats import Labels


def export_labels() -> Labels:
    """To be handed to the exporters, which know English alone."""
    return Labels(
        # Translated like the words: into the code of the language they are in then.
        language=QCoreApplication.translate("export", "en"),
        untitled=QCoreApplication.translate("export", "Conversation"),
        system=QCoreApplication.translate("export", "System prompt"),
        user=QCoreApplication.translate("export", "You"),
        assistant=QCoreApplication.translate("export", "Assistant"),
        statuses={
            Status.STREAMING: QCoreApplication.translate("export", "in progress"),
            Status.STOPPED: QCoreApplication.translate("export", "stopped"),
            Status.INTERRUPTED: QCoreApplication.translate("export", "interrupted"),
            Status.FAILED: QCoreApplication.translate("export", "failed"),
        },
        thoughts=QCoreApplication.translate("export", "Thoughts"),
        attachment=QCoreApplication.translate("export", "Attachment"),
        details=QCoreApplication.translate("export", "Details"),
        time=QCoreApplication.translate("export", "Time"),
        model=QCoreApplication.translate("export", "Model"),
        endpoint=QCoreApplication.translate("export", "Server"),
        quantisation=QCoreApplication.translate("export", "Quantisation"),
        file_sha256=QCoreApplication.translate("export", "File SHA-256"),
        plan=QCoreApplication.translate("export", "Memory plan"),
        seed=QCoreApplication.translate("export", "Seed"),
        sampling=QCoreApplication.translate("export", "Sampling"),
        prompt_tokens=QCoreApplication.translate("export", "Prompt tokens"),
        left_out=QCoreApplication.translate("export", "Messages left out"),
        completion_tokens=QCoreApplication.translate("export", "Answer tokens"),
        finish_reason=QCoreApplication.translate("export", "Stop reason"),
        thought_time=QCoreApplication.translate("export", "Thinking time"),
        tokens_per_second=QCoreApplication.translate("export", "Tokens per second"),
        engine=QCoreApplication.translate("export", "Engine"),
        program=QCoreApplication.translate("export", "Program"),
        page=QCoreApplication.translate("export", "Page {number}"),
    )
