"""The names of the settings' sections at the left: where one is, and the way to each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QScrollArea, QWidget

WIDTH = 168
ROW = 34
LOOK_AHEAD = 60
"""A section counts as the one that is read once its heading is so near to the top."""


class SectionList(QListWidget):
    """Follows the scrolling of a page, and scrolls it."""

    def __init__(self, scroll: QScrollArea, headings: Sequence[QWidget], margin: int) -> None:
        super().__init__()
        self.setObjectName("settingsSections")
        self.setFixedWidth(WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll, self._headings, self._margin = scroll, headings, margin
        self._is_led = False
        self._led_to: int | None = None
        page = scroll.widget()
        assert page is not None
        page.installEventFilter(self)
        for _ in headings:
            QListWidgetItem(self).setSizeHint(QSize(0, ROW))
        self.setCurrentRow(0)
        self.currentRowChanged.connect(self.show_section)
        scroll.verticalScrollBar().valueChanged.connect(self._follow)

    def show_section(self, number: int) -> None:
        """Bring a section to the top, as far as the page reaches."""
        if number >= 0:
            self._led_to = number
            self._lead()

    def lead_to(self, number: int) -> None:
        """Choose a section and bring it to the top, also where it is chosen already."""
        self.setCurrentRow(number)
        self.show_section(number)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep a section that was asked for at the top while those above it find their heights."""
        if event.type() == QEvent.Type.Resize and self._led_to is not None:
            QTimer.singleShot(0, self, self._lead)
        return super().eventFilter(watched, event)

    def _lead(self) -> None:
        if self._led_to is None:
            return
        self._is_led = True
        self._scroll.verticalScrollBar().setValue(self._headings[self._led_to].y() - self._margin)
        self._is_led = False

    def set_texts(self, titles: Sequence[str], name: str) -> None:
        """Word the sections."""
        self.setAccessibleName(name)
        for number, title in enumerate(titles):
            self.item(number).setText(title)

    def _follow(self, value: int) -> None:
        if self._is_led:
            # The last sections are too short to reach the top: the choice stays on what was chosen.
            return
        self._led_to = None
        bar = self._scroll.verticalScrollBar()
        passed = [n for n, heading in enumerate(self._headings) if heading.y() - self._margin <= value + LOOK_AHEAD]
        number = len(self._headings) - 1 if value >= bar.maximum() > 0 else max(passed, default=0)
        with QSignalBlocker(self):
            self.setCurrentRow(number)
