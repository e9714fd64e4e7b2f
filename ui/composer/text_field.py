"""Text field of the composer: sends on Enter, except while an input method is composing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QImage, QInputMethodEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from ui.widgets.theme import TEXT_SIZE, interface_font

LONG_PASTE = 4000
"""A paste with more characters becomes an attachment."""


class ComposerField(QPlainTextEdit):
    """The text field; its object name is ``composer``."""

    send_requested = Signal()
    focus_changed = Signal()
    edit_last_requested = Signal()
    """Arrow up was pressed in the empty field."""
    files_received = Signal(list)
    """``Path`` of each pasted or dropped file."""
    long_pasted = Signal(str)
    """A pasted text of more than ``LONG_PASTE`` characters."""
    picture_received = Signal(object)
    """The ``QImage`` of a pasted or dropped picture."""
    _left_at = -1
    """Revision of the text at which the window undoes what was done later; -1 for none."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(interface_font(TEXT_SIZE))
        self.setStyleSheet("QPlainTextEdit { background: transparent; border: none; }")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(4)
        self._composing = False

    def leave_undo(self, leaves: bool) -> None:
        """Leave the keys of undo to the window until the text changes."""
        self._left_at = self.document().revision() if leaves else -1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Send on Enter, break the line on Shift+Enter; leave both to an input method that is composing."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._composing:
                event.accept()
                return
            if not event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
                event.accept()
                self.send_requested.emit()
                return
        is_plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() == Qt.Key.Key_Up and is_plain and not self._composing and self.document().isEmpty():
            event.accept()
            self.edit_last_requested.emit()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Leave the keys of undo to the window where nothing was written since it did something."""
        is_undo = isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Undo)
        leaves = self.document().revision() == self._left_at or not self.document().isUndoAvailable()
        if is_undo and event.type() == QEvent.Type.ShortcutOverride and leaves:
            event.ignore()
            return False
        return super().event(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Track whether an input method is composing."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Accept files and pictures."""
        return bool(local_files(source)) or has_picture(source) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Emit files, pictures and long texts; insert other text."""
        paths = local_files(source)
        if paths:
            self.files_received.emit(paths)
        elif has_picture(source):
            self.picture_received.emit(QImage(source.imageData()))
        elif source.hasText() and len(source.text()) > LONG_PASTE:
            self.long_pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the size of the text when the application's font changes."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(interface_font(TEXT_SIZE))
        super().changeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: D102
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: D102
        super().focusOutEvent(event)
        self._composing = False
        self.focus_changed.emit()


def has_picture(source: QMimeData) -> bool:
    """Return whether dropped or pasted data is a picture; programs that copy texts often add a picture of them."""
    return source.hasImage() and not source.hasText()


def local_files(source: QMimeData) -> list[Path]:
    """Return the local files and folders in dropped or pasted data."""
    return [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
