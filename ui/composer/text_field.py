"""The text field of the composer: sends on Enter, never inside an input method's composition; passes files on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.chat.attachments import LONG_PASTE
from ui.widgets.theme import TEXT_SIZE, interface_font


class ComposerField(QPlainTextEdit):
    """The text field.  ``objectName`` is ``composer``: this is what has the keyboard."""

    send_wanted = Signal()
    focus_changed = Signal()
    edit_last_wanted = Signal()
    """The arrow up in an empty field."""
    files_given = Signal(list)
    """Paths that were pasted or dropped."""
    long_pasted = Signal(str)
    """A text too long to stand among one's words."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._size = TEXT_SIZE
        self.setFont(interface_font(self._size))
        self.setStyleSheet("QPlainTextEdit { background: transparent; border: none; }")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(4)
        self._composing = False

    def set_text_size(self, size: int) -> None:
        """The size of the text in device-independent pixels."""
        self._size = size
        self.setFont(interface_font(size))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter sends; with Shift it breaks the line; while a composition is open it belongs to the input method."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._composing:
                event.accept()
                return
            if not event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
                event.accept()
                self.send_wanted.emit()
                return
        is_plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() == Qt.Key.Key_Up and is_plain and not self._composing and self.document().isEmpty():
            event.accept()
            self.edit_last_wanted.emit()
            return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Watch whether a composition is open."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Files too: they are passed on."""
        return bool(local_files(source)) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Pass on files and long texts; the rest is text among the words."""
        paths = local_files(source)
        if paths:
            self.files_given.emit(paths)
        elif source.hasText() and len(source.text()) > LONG_PASTE:
            self.long_pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the text's size when the application's font is set anew."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(interface_font(self._size))
        super().changeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: D102
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: D102
        super().focusOutEvent(event)
        self._composing = False
        self.focus_changed.emit()


def local_files(source: QMimeData) -> list[Path]:
    """The files and folders of this machine that are being handed over."""
    return [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
