"""What made an answer: everything that is needed to make it again, to be read and to be copied as text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.conversation import Message
from ui.conversation.provenance_text import MadeByWords
from ui.widgets.dialog_frame import arrange, scrolled
from ui.widgets.dialog_parts import MARGIN, SMALL_SIZE, TranslatedDialog, button, heading, quiet_label
from ui.widgets.theme import interface_font, mono_font

HASH_LENGTH, HASH_SIZE = 64, 12


class DetailsDialog(TranslatedDialog):
    """The facts in groups: names at the left, values at the right."""

    def __init__(self, message: Message, model_name: str, parent: QWidget | None = None) -> None:
        """``message`` holds a ``made_by``; ``model_name`` is the name of its model for a person."""
        super().__init__(parent)
        self.setObjectName("detailsDialog")
        self._message, self._model_name = message, model_name
        self._words = MadeByWords(self)
        self._heading = heading()
        self._sentence = quiet_label()
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(MARGIN)
        self._facts.setVerticalSpacing(8)
        self._facts.setColumnStretch(1, 1)
        self._copy = button("copyDetailsButton")
        self._close = button("closeButton", primary=True)
        self._copy.clicked.connect(self._copy_all)
        self._close.clicked.connect(self.accept)
        self._lay_out()
        self.resize(680, 600)
        self._finish_setup()

    def facts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The groups: a title, and names with values."""
        made_by = self._message.made_by
        if made_by is None:
            return []
        at = QDateTime.fromSecsSinceEpoch(int(self._message.created_at.timestamp()))
        return self._words.groups(made_by, self._model_name, QLocale().toString(at, QLocale.FormatType.ShortFormat))

    def as_text(self) -> str:
        """All of it, to be pasted somewhere."""
        parts = [f"{title}\n" + "\n".join(f"  {name}: {value}" for name, value in rows) for title, rows in self.facts()]
        return "\n\n".join(parts) + "\n"

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(4)
        column.addWidget(self._heading)
        column.addWidget(self._sentence)
        column.addSpacing(12)
        column.addLayout(self._facts)
        column.addStretch(1)
        scroll = scrolled(page)
        arrange(self, scroll, None, self._copy, self._close)

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText(self.as_text())

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Answer details"))
        self.setAccessibleName(self.tr("Answer details"))
        self._heading.setText(self.tr("Answer details"))
        self._sentence.setText(self.tr("The same model file, settings, seed and memory plan produce the same answer."))
        self._copy.setText(self.tr("Copy as text"))
        self._close.setText(self.tr("Close"))
        self._fill(self.facts())

    def _fill(self, groups: Sequence[tuple[str, list[tuple[str, str]]]]) -> None:
        while (item := self._facts.takeAt(0)) is not None:
            label = item.widget()
            if label is not None:
                label.deleteLater()
        row = 0
        for title, facts in groups:
            heading_label = QLabel(title)
            heading_label.setFont(interface_font(SMALL_SIZE, bold=True))
            heading_label.setContentsMargins(0, 12 if row else 0, 0, 0)
            self._facts.addWidget(heading_label, row, 0, 1, 2)
            row += 1
            for name, value in facts:
                self._facts.addWidget(_name_label(name), row, 0, Qt.AlignmentFlag.AlignTop)
                self._facts.addWidget(_value_label(name, value), row, 1, Qt.AlignmentFlag.AlignTop)
                row += 1


def _name_label(name: str) -> QLabel:
    label = QLabel(name)
    label.setProperty("quiet", True)
    return label


def _value_label(name: str, value: str) -> QLabel:
    label = QLabel(value)
    label.setWordWrap(True)
    if len(value) == HASH_LENGTH and value.isalnum():
        # One long word: it does not wrap.
        label.setFont(mono_font(HASH_SIZE))
        label.setContentsMargins(0, 3, 0, 0)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setAccessibleName(f"{name}: {value}")
    return label
