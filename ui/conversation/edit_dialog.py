"""Dialog in which an answer is edited; the result becomes another version of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from ui.widgets.dialog_parts import MARGIN, arrange, button, heading, quiet_label, resize_within_screen
from ui.widgets.layouts import vbox
from ui.widgets.theme import mono_font

DEFAULT_SIZE = (760, 600)


class EditDialog(QDialog):
    """The source of an answer."""

    closed = Signal(str, bool)
    """The text, and whether to save it."""

    def __init__(self, answer: str, text: str, parent: QWidget) -> None:
        """``text`` is an earlier, unsaved change of the ``answer``, or the same."""
        super().__init__(parent)
        self._answer = answer
        self.setObjectName("editDialog")
        self.setWindowTitle(self.tr("Edit answer"))
        self.setAccessibleName(self.tr("Edit answer"))
        self.field = QPlainTextEdit(text)
        self.field.setObjectName("answerText")
        self.field.setAccessibleName(self.tr("Answer"))
        self.field.setFont(mono_font(13))
        self.field.setTabChangesFocus(True)
        self.field.document().setDocumentMargin(8)
        cancel = button("cancelButton", self.tr("Cancel"))
        self.save = button("saveButton", self.tr("Save as a new version"), primary=True)
        note = quiet_label(self.tr("The original stays as another version. The model sees the version that is shown."))
        items = heading(self.tr("Edit answer")), 4, note, 12, (self.field, 1)
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), None, cancel, self.save)
        cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self.accept)
        self.field.textChanged.connect(self._refresh)
        QShortcut(QKeySequence("Ctrl+Return"), self, self.save.click)
        resize_within_screen(self, *map(min, DEFAULT_SIZE, parent.size().toTuple()))
        self.field.moveCursor(QTextCursor.MoveOperation.Start)
        self.field.setFocus()
        self._refresh()

    def done(self, result: int) -> None:
        """Close, and report the text."""
        self.closed.emit(self.field.toPlainText(), result == self.DialogCode.Accepted)
        super().done(result)

    def _refresh(self) -> None:
        text = self.field.toPlainText()
        self.save.setEnabled(bool(text.strip()) and text != self._answer)
