"""Dialog with the summary that the model gets instead of the oldest messages; it can be edited and removed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from ui.widgets.dialog_parts import MARGIN, arrange, button, heading, quiet_label, resize_within_screen
from ui.widgets.layouts import vbox


class SummaryDialog(QDialog):
    """A summary of ``count`` messages."""

    changed = Signal(str)
    """The user's text."""
    removed = Signal()

    def __init__(self, summary: str, count: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("summaryDialog")
        title = self.tr("Summary of {count} messages").format(count=count)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        explanation = self.tr(
            "The context was full. The model gets this text instead of the messages above the line, which stay in the "
            "conversation unchanged. Changes apply from the next answer."
        )
        self.text = QPlainTextEdit(summary)
        self.text.setObjectName("summaryText")
        self.text.setAccessibleName(self.tr("Summary"))
        self.text.document().setDocumentMargin(8)
        self.remove = button("removeSummaryButton", self.tr("Undo summary"), quiet=True)
        self.remove.setToolTip(self.tr("The model gets the messages themselves again"))
        cancel = button("cancelButton", self.tr("Cancel"))
        self.save = button("saveButton", self.tr("Save"), primary=True)
        items = heading(title), 4, quiet_label(explanation), 12, (self.text, 1)
        arrange(self, vbox(*items, margins=(MARGIN, MARGIN, MARGIN, 16)), self.remove, None, cancel, self.save)
        self.text.textChanged.connect(self._refresh)
        self.remove.clicked.connect(self._remove)
        cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        self._before = summary
        self._refresh()
        resize_within_screen(self, 560, 440)

    def _refresh(self) -> None:
        text = self.text.toPlainText().strip()
        self.save.setEnabled(bool(text) and text != self._before.strip())

    def _save(self) -> None:
        self.accept()
        self.changed.emit(self.text.toPlainText().strip())

    def _remove(self) -> None:
        self.accept()
        self.removed.emit()
