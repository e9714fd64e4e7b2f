"""Dialog with the text of an attachment, read-only."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.chat.token_estimate import estimated_tokens
from app.conversation import Attachment
from app.units import grouped, rounded
from ui.widgets.dialog_parts import MARGIN, TranslatedDialog, arrange, button, heading, quiet_label
from ui.widgets.theme import mono_font

MAX_INSERT_CHARACTERS = 100_000
"""Characters; the composer is no editor for longer texts."""


class AttachmentViewer(TranslatedDialog):
    """Shows one attachment; ``can_insert`` offers to insert its text into the message instead."""

    insert_requested = Signal(Attachment)

    def __init__(self, attachment: Attachment, parent: QWidget, *, can_insert: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName("attachmentViewer")
        self._attachment = attachment
        self._heading = heading()
        self._heading.setText(attachment.name)
        self._size = quiet_label()
        self.text = QPlainTextEdit()
        self.text.setObjectName("attachmentText")
        self.text.setReadOnly(True)
        self.text.setFont(mono_font(13))
        self.text.document().setDocumentMargin(8)
        self.text.setPlainText(attachment.content)
        self._insert = button("insertAttachmentButton", quiet=True)
        self._insert.setVisible(can_insert and len(attachment.content) <= MAX_INSERT_CHARACTERS)
        self._copy = button("copyAttachmentButton")
        self._close = button("closeButton")
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(4)
        column.addWidget(self._heading)
        column.addWidget(self._size)
        column.addSpacing(8)
        column.addWidget(self.text, 1)
        arrange(self, column, self._insert, None, self._copy, self._close)
        self._copy.clicked.connect(self._copy_all)
        self._insert.clicked.connect(self._request_insert)
        self._close.clicked.connect(self.accept)
        self.resize(640, 520)
        self._finish_setup()

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText(self._attachment.content)

    def _request_insert(self) -> None:
        self.insert_requested.emit(self._attachment)
        self.accept()

    def _retranslate(self) -> None:
        attachment = self._attachment
        self.setWindowTitle(attachment.name)
        self.setAccessibleName(self.tr("Attachment {name}").format(name=attachment.name))
        size = self.tr("{lines} lines, about {tokens} tokens")
        tokens = rounded(estimated_tokens(attachment.content))
        if attachment.tokens is not None:
            size, tokens = self.tr("{lines} lines, {tokens} tokens"), attachment.tokens
        lines = len(attachment.content.rstrip("\n").split("\n"))
        self._size.setText(size.format(lines=grouped(lines), tokens=grouped(tokens)))
        self.text.setAccessibleName(self.tr("Text"))
        self._insert.setText(self.tr("Insert into message"))
        self._copy.setText(self.tr("Copy"))
        self._close.setText(self.tr("Close"))
