"""The list of all shortcuts, in two columns of groups, or one where there is no room for two."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ui.settings.shortcuts import ANSWERS, GROUPS, READING, SHORTCUTS, ShortcutStrings
from ui.widgets.dialog_frame import arrange, scrolled
from ui.widgets.dialog_parts import MARGIN, SMALL_SIZE, TranslatedDialog, button, heading
from ui.widgets.theme import interface_font

TWO_COLUMNS = 640
AT_THE_RIGHT = (ANSWERS, READING)


class ShortcutsDialog(TranslatedDialog):
    """What one can press."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        self._words = ShortcutStrings(self)
        self._heading = heading()
        self._titles: dict[str, QLabel] = {}
        self._actions: dict[str, QLabel] = {}
        self._keys: dict[str, QLabel] = {}
        self._groups = {group: self._group(group) for group in GROUPS}
        self._columns = (_column(), _column())
        self._are_two: bool | None = None
        self._close = button("closeButton", primary=True)
        self._close.clicked.connect(self.accept)
        self._lay_out()
        self.resize(860, 620)
        self._finish_setup()

    def _group(self, group: str) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        title = self._titles[group] = QLabel()
        title.setFont(interface_font(SMALL_SIZE, bold=True))
        grid.addWidget(title, 0, 0, 1, 2)
        for row, shortcut in enumerate((each for each in SHORTCUTS if each.group == group), start=1):
            action = self._actions[shortcut.id] = QLabel()
            action.setWordWrap(True)
            keys = self._keys[shortcut.id] = QLabel()
            keys.setProperty("quiet", True)
            keys.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(action, row, 0)
            grid.addWidget(keys, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        return box

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(16)
        column.addWidget(self._heading)
        self._body = QHBoxLayout()
        self._body.setSpacing(2 * MARGIN)
        for each in self._columns:
            self._body.addLayout(each, 1)
        column.addLayout(self._body)
        column.addStretch(1)
        scroll = scrolled(page)
        arrange(self, scroll, None, self._close)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One column where two have no room."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        are_two = self.width() >= TWO_COLUMNS
        if are_two == self._are_two:
            return
        self._are_two = are_two
        for name, group in self._groups.items():
            place = 1 if are_two and name in AT_THE_RIGHT else 0
            self._columns[1 - place].removeWidget(group)
            self._columns[place].removeWidget(group)
            self._columns[place].insertWidget(self._columns[place].count() - 1, group)
        for column, stretch in zip(self._columns, (1, int(are_two)), strict=True):
            self._body.setStretchFactor(column, stretch)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setAccessibleName(self.tr("Keyboard shortcuts"))
        self._heading.setText(self.tr("Keyboard shortcuts"))
        for group, text in self._words.groups().items():
            self._titles[group].setText(text)
        for id_, text in self._words.actions().items():
            self._actions[id_].setText(text)
        for shortcut in SHORTCUTS:
            texts = [QKeySequence(each).toString(QKeySequence.SequenceFormat.NativeText) for each in shortcut.keys]
            text = self.tr("{one} or {other}").format(one=texts[0], other=texts[1]) if len(texts) > 1 else texts[0]
            self._keys[shortcut.id].setText(text)
            self._keys[shortcut.id].setAccessibleName(f"{self._actions[shortcut.id].text()}: {text}")
        self._close.setText(self.tr("Close"))


def _column() -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(20)
    column.addStretch(1)
    return column
