"""Brings texts into the composer: files that were chosen or dropped, long pastes; and has their tokens counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.chat.attachments import pasted, read_attachment
from app.conversation import Attachment
from app.services import Services
from model_manager.errors import UserError
from ui.composer.attachment_viewer import AttachmentViewer
from ui.composer.composer import Composer
from ui.widgets.dialog_parts import ask_for_file, show_dialog
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

MOST = 20
"""Attachments of one question."""


class Attaching(QObject):
    """Between the files of a person and the composer's chips."""

    complaint = Signal(str)

    def __init__(self, services: Services, composer: Composer, window: QWidget) -> None:
        super().__init__(window)
        self._services, self._composer, self._window = services, composer, window
        self._reading = 0
        composer.attach_wanted.connect(self.choose)
        composer.field.long_pasted.connect(self.paste)
        composer.attachment_opened.connect(self._show_chip)

    def choose(self) -> None:
        """Let the person choose files."""
        kinds = self.tr(
            "Text files (*.txt *.md *.csv *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All files (*)"
        )
        ask_for_file(self._window, self.tr("Attach text files"), kinds, self._take_one)

    def take(self, paths: Sequence[Path]) -> None:
        """Read files and attach them."""
        for path in paths:
            self._take_one(path)

    def paste(self, text: str) -> None:
        """Attach a long paste."""
        taken = {each.name for each in self._composer.chips.attachments()}
        name, number = self.tr("Pasted text"), 1
        while name in taken:
            number += 1
            name = self.tr("Pasted text {number}").format(number=number)
        try:
            self._add(pasted(text, name))
        except UserError as error:
            self.complaint.emit(error_text(error))

    def count(self, *_anything: object) -> None:
        """Have the chips counted that are not, where an engine is there that can."""
        uncounted = [each for each in self._composer.chips.attachments() if each.tokens is None]
        engine = self._services.engine
        if not uncounted or engine.state is None:
            return

        def done(counts: tuple[int, ...] | None) -> None:
            for attachment, tokens in zip(uncounted, counts or (), strict=False):
                self._composer.chips.replace(attachment, dataclasses.replace(attachment, tokens=tokens))

        texts = [each.content for each in uncounted]
        # Where it cannot be counted the estimate stands.
        run_job(self, lambda: engine.count_aside(texts), done, lambda _error: None)

    def show(self, attachment: Attachment) -> None:
        """Open the text of an attachment to be read."""
        show_dialog(AttachmentViewer(attachment, self._window))

    def _show_chip(self, attachment: Attachment) -> None:
        viewer = AttachmentViewer(attachment, self._window, can_insert=True)
        viewer.insert_wanted.connect(self._insert)
        show_dialog(viewer)

    def _insert(self, attachment: Attachment) -> None:
        self._composer.chips.remove(attachment)
        self._composer.insert_text(attachment.content)

    def _take_one(self, path: Path) -> None:
        self._reading += 1
        self._composer.set_waiting(True)
        run_job(self, lambda: read_attachment(path), self._read, self._not_read)

    def _read(self, attachment: Attachment) -> None:
        self._done_reading()
        self._add(attachment)
        self._composer.field.setFocus()

    def _not_read(self, error: UserError) -> None:
        self._done_reading()
        self.complaint.emit(error_text(error))

    def _done_reading(self) -> None:
        self._reading -= 1
        self._composer.set_waiting(self._reading > 0)

    def _add(self, attachment: Attachment) -> None:
        there = self._composer.chips.attachments()
        if any(each.name == attachment.name and each.content == attachment.content for each in there):
            return
        if len(there) >= MOST:
            self.complaint.emit(error_text(UserError("attachments_too_many", limit=MOST)))
            return
        self._composer.chips.add(attachment)
        self.count()
