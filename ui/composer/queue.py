"""Questions that wait above the text field for the end of the running answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.config.drafts import Draft
from ui.widgets.formats import list_text
from ui.widgets.icons import IconLabel
from ui.widgets.layouts import clear, hbox, vbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import set_name, tool_button
from ui.widgets.translated import TranslatedWidget

SMALL_SIZE = 13


class QuestionQueue(TranslatedWidget):
    """One line for each waiting question, with buttons to edit and to remove it; hidden without any."""

    edit_requested = Signal(int)
    """Place of the question."""
    changed = Signal()

    def __init__(self, questions: Sequence[Draft]) -> None:
        super().__init__()
        self.setObjectName("questionQueue")
        self._questions = tuple(questions)
        self._rows = vbox(parent=self, spacing=2)
        self._retranslate()

    def questions(self) -> tuple[Draft, ...]:
        """Return the questions in their order."""
        return self._questions

    def set_questions(self, questions: Sequence[Draft]) -> None:
        """Show other questions."""
        if self._questions != tuple(questions):
            self._questions = tuple(questions)
            self._retranslate()
            self.changed.emit()

    def take(self, place: int) -> Draft:
        """Remove a question and return it."""
        questions = list(self._questions)
        taken = questions.pop(place)
        self.set_questions(questions)
        return taken

    def _retranslate(self) -> None:
        clear(self._rows)
        self.setAccessibleName(self.tr("Questions that are sent next"))
        for place, question in enumerate(self._questions):
            names = list_text(each.name for each in question.attachments)
            text = " · ".join(filter(None, (" ".join(question.text.split()), names)))
            edit, remove = (
                tool_button("editQueuedButton", "edit", size=14),
                tool_button("removeQueuedButton", "close", size=14),
            )
            set_name(edit, self.tr("Edit the waiting question: {text}").format(text=text[:80]))
            set_name(remove, self.tr("Remove the waiting question: {text}").format(text=text[:80]))
            edit.setToolTip(self.tr("Edit"))
            remove.setToolTip(self.tr("Remove"))
            edit.clicked.connect(partial(self.edit_requested.emit, place))
            remove.clicked.connect(partial(self.take, place))
            row = QWidget()
            mark = QLabel(self.tr("Next"))
            mark.setProperty("quiet", True)
            mark.setFont(interface_font(SMALL_SIZE))
            hbox(IconLabel("arrow-down", "accent", 14), mark, (_Line(text), 1), edit, remove, parent=row, spacing=6)
            self._rows.addWidget(row)
        self.setVisible(bool(self._questions))


class _Line(QLabel):
    """One line of text that ends with "…" where there is no room."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._whole = text
        self.setFont(interface_font(SMALL_SIZE))
        self.setToolTip(text[:1000])
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))
