"""Attachments of the composer: reads files and long pastes, counts their tokens, and shows their text."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QGuiApplication, QImage, QSyntaxHighlighter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QTextEdit, QWidget

from app.chat.token_estimate import estimated_tokens
from app.conversation import Attachment, GivenPassage
from app.documents.attachments import attachment_from_paste
from app.documents.passages import page_count
from app.documents.vectors import PassageVectors
from app.engine.local_engine import LocalEngine
from app.units import grouped, rounded
from model_manager.errors import UserError
from ui.composer.attachment_chips import AttachmentChip
from ui.composer.composer import Composer
from ui.pictures.viewer import PictureViewer
from ui.widgets.dialog_parts import (
    HEADING_SIZE,
    MARGIN,
    arrange,
    button,
    heading,
    quiet_label,
    resize_within_screen,
    show_dialog,
)
from ui.widgets.file_dialogs import ask_for_file
from ui.widgets.formats import list_text, sentences
from ui.widgets.job import Job, run_job
from ui.widgets.layouts import vbox
from ui.widgets.theme import INTERFACE_SIZE, current_theme, interface_font, mono_font

MAX_ATTACHMENTS = 20
"""Attachments of one question."""
MAX_INSERT_CHARACTERS = 100_000
"""The composer is no editor for longer texts."""
DOCUMENTS = (".docx", ".pptx", ".xlsx", ".xls", ".ods", ".epub", ".html", ".htm", ".xhtml", ".md")
"""Files whose text is Markdown; a PDF has pages."""
MAX_HIGHLIGHTED_CHARACTERS = 1_000_000
"""In longer documents headings are not formatted."""
LONG_LINE = 200
"""Characters of a text of one line that is measured in characters."""
HEADING = re.compile(r"(#{1,6}) +")
PAGE_NUMBER = re.compile(r"\[Page \d+\]")

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

    def show(
        self,
        attachment: Attachment,
        passages: Sequence[GivenPassage] = (),
        *,
        given: Sequence[GivenPassage] = (),
        can_insert: bool = False,
    ) -> None:
        """Show a picture, or the text of an attachment with ``passages`` of it selected.

        ``given`` are all passages of it that an answer was made from.  ``can_insert`` offers to insert it into the
        message instead.
        """
        if attachment.picture is not None:
            picture = PictureViewer(attachment, attachment.picture, self._window)
            picture.finished.connect(self.closed)
            show_dialog(picture)
            return
        viewer = AttachmentViewer(attachment, self._window, given)
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
    """The text of an attachment, read-only, with the passages marked that an answer was made from."""

    def __init__(self, attachment: Attachment, parent: QWidget, given: Sequence[GivenPassage] = ()) -> None:
        super().__init__(parent)
        self._content, self._given = attachment.content, given
        self.setObjectName("attachmentViewer")
        self.setWindowTitle(attachment.name)
        self.setAccessibleName(self.tr("Attachment {name}").format(name=attachment.name))
        pages = page_count(attachment.content)
        is_document = pages > 0 or attachment.name.lower().endswith(DOCUMENTS)
        text = self.tr("What the model reads: {size}.").format(size=self._size(attachment, pages, is_document))
        if given:
            marked = self.tr("The answer was made from 1 passage of it, which is marked.")
            if len(given) > 1:
                marked = self.tr("The answer was made from {count} passages of it, which are marked.")
            text = sentences(text, marked.format(count=grouped(len(given))))
        self.text = QPlainTextEdit(attachment.content)
        self.text.setObjectName("attachmentText")
        self.text.setAccessibleName(self.tr("Text"))
        self.text.setReadOnly(True)
        self.text.setFont(interface_font() if is_document else mono_font(13))
        short = is_document and len(attachment.content) <= MAX_HIGHLIGHTED_CHARACTERS
        self.highlighter = DocumentHighlighter(self.text.document()) if short else None
        self.text.document().setDocumentMargin(8)
        self.insert = button("insertAttachmentButton", self.tr("Insert into message"), quiet=True)
        copy = button("copyAttachmentButton", self.tr("Copy"))
        close = button("closeButton", self.tr("Close"))
        self.next = button("nextPassageButton", self.tr("Next passage"), quiet=True)
        self.next.clicked.connect(self._show_next)
        if len(given) < 2:
            self.next.hide()
        items = heading(attachment.name), 4, quiet_label(text), 12, (self.text, 1)
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), self.insert, self.next, None, copy, close)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(attachment.content))
        self.insert.clicked.connect(self.accept)
        close.clicked.connect(self.accept)
        resize_within_screen(self, 640, 520)
        self._mark(given)

    def select(self, start: int, end: int) -> None:
        """Select a part of the text and scroll to its beginning."""
        self.text.setTextCursor(self._cursor(start, end))
        self.text.centerCursor()

    def _show_next(self) -> None:
        """Scroll to the passage after the one at the cursor, or to the first."""
        at = self.text.textCursor().selectionEnd()
        spans = [(each.start, each.end) for each in self._given]
        start, end = next((each for each in spans if self._cursor(*each).selectionStart() > at), spans[0])
        self.select(start, end)

    def _cursor(self, start: int, end: int) -> QTextCursor:
        # Qt counts in UTF-16.
        start, end = (len(self._content[:each].encode("utf-16-le", "replace")) // 2 for each in (start, end))
        cursor = self.text.textCursor()
        cursor.setPosition(min(end, self.text.document().characterCount() - 1))
        cursor.setPosition(min(start, cursor.position()), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _mark(self, passages: Sequence[GivenPassage]) -> None:
        """Mark passages and scroll to the first one."""
        marks = []
        for passage in passages:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = self._cursor(passage.start, passage.end)
            mark.format.setBackground(QColor(current_theme().selection))
            marks.append(mark)
        self.text.setExtraSelections(marks)
        if passages:
            self.text.setTextCursor(self._cursor(passages[0].start, passages[0].start))
            self.text.centerCursor()

    def _size(self, attachment: Attachment, pages: int, is_document: bool) -> str:
        """Return pages or lines, and tokens; of a single long line its characters."""
        tokens = self.tr("about {count} tokens").format(count=grouped(rounded(estimated_tokens(attachment.content))))
        if attachment.tokens is not None:
            tokens = self.tr("{count} tokens").format(count=grouped(attachment.tokens))
        count, one, several = pages, self.tr("1 page"), self.tr("{count} pages")
        if not pages and is_document:
            return tokens
        if not pages:
            count = len(attachment.content.rstrip("\n").split("\n"))
            one, several = self.tr("1 line"), self.tr("{count} lines")
            if count == 1 and len(attachment.content) > LONG_LINE:
                count, several = len(attachment.content), self.tr("{count} characters")
        return list_text([one if count == 1 else several.format(count=grouped(count)), tokens])


class DocumentHighlighter(QSyntaxHighlighter):
    """Shows headings in bold and larger letters, and the numbers of pages pale, as they are in Markdown."""

    def highlightBlock(self, text: str) -> None:
        """Format one line."""
        heading = HEADING.match(text)
        if heading is None and not PAGE_NUMBER.fullmatch(text):
            return
        pale = QTextCharFormat()
        pale.setForeground(QColor(current_theme().quiet_text))
        self.setFormat(0, len(heading[0]) if heading is not None else len(text), pale)
        if heading is not None:
            bold = QTextCharFormat()
            bold.setFont(interface_font(max(HEADING_SIZE - 2 * (len(heading[1]) - 1), INTERFACE_SIZE), bold=True))
            self.setFormat(len(heading[0]), len(text) - len(heading[0]), bold)
