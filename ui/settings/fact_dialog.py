"""Dialog with the text of a fact that models are to be given."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from app.bounds import MAX_FACT_CHARACTERS
from ui.widgets.dialog_parts import MARGIN, arrange, button, heading, quiet_label
from ui.widgets.layouts import vbox

SIZE = (480, 320)


class FactDialog(QDialog):
    """A field for one sentence, with the room that is left."""

    saved = Signal(str)

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("factDialog")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.field = QPlainTextEdit(" ".join(text.split())[:MAX_FACT_CHARACTERS])
        self.field.setObjectName("factText")
        self.field.setAccessibleName(self.tr("Fact"))
        self.field.setPlaceholderText(self.tr("One sentence, such as “I'm vegetarian.”"))
        self.field.setTabChangesFocus(True)
        self.field.document().setDocumentMargin(8)
        self.count = quiet_label()
        cancel = button("cancelButton", self.tr("Cancel"))
        self.save = button("saveButton", self.tr("Save"), primary=True)
        note = quiet_label(self.tr("Models get it in later conversations. Settings > Memory lists all facts."))
        items = heading(title), 4, note, 12, (self.field, 1), 4, self.count
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), None, cancel, self.save)
        cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self.accept)
        self.accepted.connect(lambda: self.saved.emit(self.field.toPlainText()))
        self.field.textChanged.connect(self._refresh)
        QShortcut(QKeySequence("Ctrl+Return"), self, self.save.click)
        self.resize(*SIZE)
        self.field.selectAll()
        self.field.setFocus()
        self._refresh()

    def _refresh(self) -> None:
        length = len(" ".join(self.field.toPlainText().split()))
        text = self.tr("{count} of {limit} characters").format(count=length, limit=MAX_FACT_CHARACTERS)
        self.count.setText(text)
        self.save.setEnabled(0 < length <= MAX_FACT_CHARACTERS)
