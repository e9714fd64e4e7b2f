"""Loader of attachments: reads files and long pastes into the composer and counts their tokens."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.chat.attachments import pasted, read_attachment
from app.conversation import Attachment
from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from ui.composer.attachment_viewer import AttachmentViewer
from ui.composer.composer import Composer
from ui.widgets.dialog_parts import ask_for_file, show_dialog
from ui.widgets.job import run_job

MAX_ATTACHMENTS = 20
"""Attachments of one question."""


class AttachmentLoader(QObject):
    """Adds attachments to the composer."""

    failed = Signal(UserError)

    def __init__(self, engine: LocalEngine, composer: Composer, window: QWidget) -> None:
        super().__init__(window)
        self._engine, self._composer, self._window = engine, composer, window
        self._reading = 0
        composer.attach_requested.connect(self.choose)
        composer.field.long_pasted.connect(self.paste)
        composer.attachment_opened.connect(self._show_chip)

    def choose(self) -> None:
        """Let the user choose files."""
        kinds = self.tr(
            "Text files (*.txt *.md *.csv *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All files (*)"
        )
        ask_for_file(self._window, self.tr("Attach text files"), kinds, self.add_file)

    def add_file(self, path: Path) -> None:
        """Read a text file and attach it."""
        self._reading += 1
        self._composer.set_waiting(True)
        job = run_job(self, partial(read_attachment, path), self._add, self.failed.emit)
        job.finished.connect(self._finish_reading)

    def paste(self, text: str) -> None:
        """Attach a long paste."""
        used = {each.name for each in self._composer.chips.attachments()}
        name, number = self.tr("Pasted text"), 1
        while name in used:
            number += 1
            name = self.tr("Pasted text {number}").format(number=number)
        try:
            self._add(pasted(text, name))
        except UserError as error:
            self.failed.emit(error)

    def count(self) -> None:
        """Count the tokens of the attachments that have only an estimate, where a model is loaded."""
        uncounted = [each for each in self._composer.chips.attachments() if each.tokens is None]
        engine = self._engine
        if not uncounted or engine.state is None:
            return

        def show(counts: tuple[int, ...] | None) -> None:
            for attachment, tokens in zip(uncounted, counts or (), strict=False):
                self._composer.chips.replace(attachment, replace(attachment, tokens=tokens))

        texts = [each.content for each in uncounted]
        run_job(self, lambda: engine.count_if_idle(texts), show, lambda _error: None)

    def show(self, attachment: Attachment) -> None:
        """Show the text of an attachment."""
        show_dialog(AttachmentViewer(attachment, self._window))

    def _show_chip(self, attachment: Attachment) -> None:
        viewer = AttachmentViewer(attachment, self._window, can_insert=True)
        viewer.insert_requested.connect(self._insert)
        show_dialog(viewer)

    def _insert(self, attachment: Attachment) -> None:
        self._composer.chips.remove(attachment)
        self._composer.insert_text(attachment.content)

    def _finish_reading(self) -> None:
        self._reading -= 1
        self._composer.set_waiting(self._reading > 0)

    def _add(self, attachment: Attachment) -> None:
        present = self._composer.chips.attachments()
        if any((each.name, each.content) == (attachment.name, attachment.content) for each in present):
            return
        if len(present) >= MAX_ATTACHMENTS:
            self.failed.emit(UserError("attachments_too_many", limit=MAX_ATTACHMENTS))
            return
        self._composer.chips.add(attachment)
        self._composer.field.setFocus()
        self.count()
