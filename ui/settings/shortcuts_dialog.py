"""Dialog with all shortcuts, in two columns of groups, or one where the width does not suffice."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from ui.settings.shortcuts import ANSWERS, READING, SHORTCUTS, key_text, translated
from ui.widgets.dialog_parts import MARGIN, SMALL_SIZE, arrange, button, heading, scrolled
from ui.widgets.layouts import RIGHT, TOP, hbox, vbox
from ui.widgets.theme import interface_font

TWO_COLUMNS_WIDTH = 640
RIGHT_COLUMN = (ANSWERS, READING)


class ShortcutsDialog(QDialog):
    """Lists the shortcuts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        title = self.tr("Keyboard shortcuts")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._groups = {name: self._group(name) for name in SHORTCUTS}
        self._columns = (vbox(None, spacing=20), vbox(None, spacing=20))
        self._has_two_columns: bool | None = None
        close = button("closeButton", self.tr("Close"))
        close.clicked.connect(self.accept)
        page = QWidget()
        self._body = hbox(*((column, 1) for column in self._columns), spacing=2 * MARGIN)
        vbox(heading(title), self._body, None, parent=page, spacing=16, margins=(MARGIN, MARGIN, MARGIN, MARGIN))
        arrange(self, scrolled(page), None, close)
        self.resize(860, 620)
        self._arrange()

    def _group(self, name: str) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        title = QLabel(translated(name))
        title.setFont(interface_font(SMALL_SIZE, bold=True))
        grid.addWidget(title, 0, 0, 1, 2)
        for row, shortcut in enumerate(SHORTCUTS[name], start=1):
            action = QLabel(translated(shortcut.text))
            action.setWordWrap(True)
            texts = [key_text(each) for each in shortcut.keys]
            keys = QLabel(self.tr("{one} or {other}").format(one=texts[0], other=texts[1]) if texts[1:] else texts[0])
            keys.setProperty("quiet", True)
            keys.setTextFormat(Qt.TextFormat.PlainText)
            keys.setAccessibleName(f"{action.text()}: {keys.text()}")
            grid.addWidget(action, row, 0)
            grid.addWidget(keys, row, 1, RIGHT | TOP)
        return box

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
