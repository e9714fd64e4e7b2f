"""Attachments of the composer: reads files and long pastes, counts their tokens, and shows their text."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage, QTextCursor
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from app.chat.token_estimate import estimated_tokens
from app.conversation import Attachment, GivenPassage
from app.documents.attachments import attachment_from_paste
from app.documents.vectors import PassageVectors
from app.engine.local_engine import LocalEngine
from app.units import grouped, rounded
from model_manager.errors import UserError
from ui.composer.attachment_chips import AttachmentChip
from ui.composer.composer import Composer
from ui.pictures.viewer import PictureViewer
from ui.widgets.dialog_parts import MARGIN, arrange, button, heading, quiet_label, resize_within_screen, show_dialog
from ui.widgets.file_dialogs import ask_for_file
from ui.widgets.job import Job, run_job
from ui.widgets.layouts import vbox
from ui.widgets.theme import mono_font

MAX_ATTACHMENTS = 20
"""Attachments of one question."""
MAX_INSERT_CHARACTERS = 100_000
"""The composer is no editor for longer texts."""

logger = logging.getLogger(__name__)


class AttachmentLoader(QObject):
    """Adds attachments to the composer."""

    failed = Signal(UserError)
    closed = Signal()
    """What ``show`` showed was closed."""

    def __init__(self, engine: LocalEngine, vectors: PassageVectors, composer: Composer, window: QWidget) -> None:
        super().__init__(window)
        self._engine, self._vectors, self._composer, self._window = engine, vectors, composer, window
        chips = composer.chips
        composer.attach_button.clicked.connect(self.choose)
        composer.field.long_pasted.connect(self.paste)
        composer.field.picture_received.connect(self.paste_picture)
        chips.passages_needed.connect(self._read_passages_of)
        chips.opened.connect(lambda attachment: self.show(attachment, can_insert=True))
        chips.arrived.connect(self._add)
        chips.failed.connect(self.failed)
        chips.reading_changed.connect(lambda: composer.set_waiting(chips.is_reading))

    def choose(self) -> None:
        """Let the user choose files."""
        kinds = self.tr(
            "Pictures, documents and text files (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.avif *.tif *.tiff *.pdf "
            "*.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md *.json *.log *.py *.c *.cpp *.h "
            "*.java *.js *.ts *.tex);;All files (*)"
        )
        ask_for_file(self._window, self.tr("Attach files"), kinds, self._composer.chips.read)

    def paste(self, text: str) -> None:
        """Attach a long paste."""
        try:
            name = self._unused(self.tr("Pasted text"), self.tr("Pasted text {number}"))
            self._add(attachment_from_paste(text, name))
        except UserError as error:
            self.failed.emit(error)

    def paste_picture(self, image: QImage) -> None:
        """Attach a picture of the clipboard, or one that was dropped."""
        name = self._unused(self.tr("Pasted picture"), self.tr("Pasted picture {number}"))
        self._composer.chips.read_picture(image, name)

    def _unused(self, name: str, numbered: str) -> str:
        """Return a name that no attachment has, with a number where it needs one."""
        used, number = self._composer.chips.names(), 1
        while name in used:
            number += 1
            name = numbered.format(number=number)
        return name

    def count(self) -> None:
        """Count the tokens of the attachments that have only an estimate, where a model is loaded."""
        attachments = self._composer.chips.attachments()
        uncounted = [each for each in attachments if each.tokens is None and each.picture is None]
        engine = self._engine
        if not uncounted or engine.state is None:
            return

        def show(counts: tuple[int, ...] | None) -> None:
            for attachment, tokens in zip(uncounted, counts or (), strict=False):
                self._composer.chips.replace(attachment, replace(attachment, tokens=tokens))

        texts = [each.content for each in uncounted]
        run_job(self, lambda: engine.count_if_idle(texts), show, lambda _error: None)

    def read_passages(self, attachment: Attachment) -> Job:
        """Let the library's embedding model read the passages in the background, where that isn't done yet."""
        job = Job(self)
        job.failed.connect(lambda error: logger.warning("no vectors of %s: %s", attachment.name, error.code))
        job.start(lambda: self._vectors.compute(attachment.content, job.token, job.report))
        return job

    def _read_passages_of(self, chip: AttachmentChip) -> None:
        job = self.read_passages(chip.attachment)
        job.progress.connect(chip.set_share)
        job.finished.connect(chip.finish_passages)
        chip.remove_button.clicked.connect(job.cancel)

    def show(self, attachment: Attachment, passages: Sequence[GivenPassage] = (), *, can_insert: bool = False) -> None:
        """Show a picture, or the text of an attachment with ``passages`` of it selected.

        ``can_insert`` offers to insert it into the message instead.
        """
        if attachment.picture is not None:
            picture = PictureViewer(attachment, attachment.picture, self._window)
            picture.finished.connect(self.closed)
            show_dialog(picture)
            return
        viewer = AttachmentViewer(attachment, self._window)
        viewer.insert.setVisible(can_insert and len(attachment.content) <= MAX_INSERT_CHARACTERS)
        viewer.insert.clicked.connect(lambda: self._insert(attachment))
        viewer.finished.connect(self.closed)
        show_dialog(viewer)
        if passages:
            viewer.select(passages[0].start, passages[-1].end)

    def _insert(self, attachment: Attachment) -> None:
        self._composer.chips.remove(attachment)
        self._composer.insert_text(attachment.content)

    def _add(self, attachment: Attachment) -> None:
        present = self._composer.chips.attachments()
        if any(replace(each, tokens=None) == replace(attachment, tokens=None) for each in present):
            return
        if len(present) >= MAX_ATTACHMENTS:
            self.failed.emit(UserError("attachments_too_many", limit=MAX_ATTACHMENTS))
            return
        self._composer.chips.add(attachment)
        self._composer.field.setFocus()
        self.count()


class AttachmentViewer(QDialog):
    """The text of an attachment, read-only."""

    def __init__(self, attachment: Attachment, parent: QWidget) -> None:
        super().__init__(parent)
        self._content = attachment.content
        self.setObjectName("attachmentViewer")
        self.setWindowTitle(attachment.name)
        self.setAccessibleName(self.tr("Attachment {name}").format(name=attachment.name))
        size = self.tr("What the model reads: {lines} lines, about {tokens} tokens")
        tokens = rounded(estimated_tokens(attachment.content))
        if attachment.tokens is not None:
            size, tokens = self.tr("What the model reads: {lines} lines, {tokens} tokens"), attachment.tokens
        lines = len(attachment.content.rstrip("\n").split("\n"))
        size = size.format(lines=grouped(lines), tokens=grouped(tokens))
        self.text = QPlainTextEdit(attachment.content)
        self.text.setObjectName("attachmentText")
        self.text.setAccessibleName(self.tr("Text"))
        self.text.setReadOnly(True)
        self.text.setFont(mono_font(13))
        self.text.document().setDocumentMargin(8)
        self.insert = button("insertAttachmentButton", self.tr("Insert into message"), quiet=True)
        copy = button("copyAttachmentButton", self.tr("Copy"))
        close = button("closeButton", self.tr("Close"))
        items = heading(attachment.name), 4, quiet_label(size), 12, (self.text, 1)
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), self.insert, None, copy, close)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(attachment.content))
        self.insert.clicked.connect(self.accept)
        close.clicked.connect(self.accept)
        resize_within_screen(self, 640, 520)

    def select(self, start: int, end: int) -> None:
        """Select a part of the text and scroll to its beginning."""
        # Qt counts in UTF-16.
        start, end = (len(self._content[:each].encode("utf-16-le", "replace")) // 2 for each in (start, end))
        cursor = self.text.textCursor()
        cursor.setPosition(min(end, self.text.document().characterCount() - 1))
        cursor.setPosition(min(start, cursor.position()), QTextCursor.MoveMode.KeepAnchor)
        self.text.setTextCursor(cursor)
        self.text.centerCursor()
