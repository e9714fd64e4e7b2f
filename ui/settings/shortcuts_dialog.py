"""Dialog with all shortcuts, in two columns of groups, or one where the width does not suffice."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from ui.settings.shortcuts import ANSWERS, READING, SHORTCUTS, Shortcut, translated
from ui.widgets.dialog_frame import arrange, scrolled
from ui.widgets.dialog_parts import MARGIN, SMALL_SIZE, TranslatedDialog, button, heading
from ui.widgets.layouts import hbox, vbox
from ui.widgets.theme import interface_font

TWO_COLUMNS_WIDTH = 640
RIGHT_COLUMN = (ANSWERS, READING)


class ShortcutsDialog(TranslatedDialog):
    """Lists the shortcuts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        self._heading = heading()
        self._titles: dict[str, QLabel] = {}
        self._actions: dict[Shortcut, QLabel] = {}
        self._keys: dict[Shortcut, QLabel] = {}
        self._groups = {group: self._group(group) for group in SHORTCUTS}
        self._columns = (vbox(None, spacing=20), vbox(None, spacing=20))
        self._has_two_columns: bool | None = None
        self._close = button("closeButton")
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
        for row, shortcut in enumerate(SHORTCUTS[group], start=1):
            action = self._actions[shortcut] = QLabel()
            action.setWordWrap(True)
            keys = self._keys[shortcut] = QLabel()
            keys.setProperty("quiet", True)
            keys.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(action, row, 0)
            grid.addWidget(keys, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        return box

    def _lay_out(self) -> None:
        page = QWidget()
        self._body = hbox(*((column, 1) for column in self._columns), spacing=2 * MARGIN)
        vbox(self._heading, self._body, None, parent=page, spacing=16, margins=(MARGIN, MARGIN, MARGIN, MARGIN))
        arrange(self, scrolled(page), None, self._close)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the groups in one or two columns."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        two_columns = self.width() >= TWO_COLUMNS_WIDTH
        if two_columns == self._has_two_columns:
            return
        self._has_two_columns = two_columns
        for name, group in self._groups.items():
            place = 1 if two_columns and name in RIGHT_COLUMN else 0
            self._columns[1 - place].removeWidget(group)
            self._columns[place].removeWidget(group)
            self._columns[place].insertWidget(self._columns[place].count() - 1, group)
        for column, stretch in zip(self._columns, (1, int(two_columns)), strict=True):
            self._body.setStretchFactor(column, stretch)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setAccessibleName(self.tr("Keyboard shortcuts"))
        self._heading.setText(self.tr("Keyboard shortcuts"))
        for group, title in self._titles.items():
            title.setText(translated(group))
        for shortcut, action in self._actions.items():
            action.setText(translated(shortcut.text))
            texts = [QKeySequence(each).toString(QKeySequence.SequenceFormat.NativeText) for each in shortcut.keys]
            text = self.tr("{one} or {other}").format(one=texts[0], other=texts[1]) if len(texts) > 1 else texts[0]
            self._keys[shortcut].setText(text)
            self._keys[shortcut].setAccessibleName(f"{action.text()}: {text}")
        self._close.setText(self.tr("Close"))
