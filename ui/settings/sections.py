"""List of the sections of the settings, which follows the scrolling of the page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QScrollArea, QWidget

WIDTH = 168
ROW_HEIGHT = 34
HEADING_DISTANCE = 60
"""A section is the current one once its heading is this near to the top."""


class SectionList(QListWidget):
    """Selects the section at the top of the page, and scrolls the page to the selected one."""

    def __init__(self, scroll: QScrollArea, headings: Sequence[QWidget], margin: int) -> None:
        super().__init__()
        self.setObjectName("settingsSections")
        self.setFixedWidth(WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll, self._headings, self._margin = scroll, headings, margin
        self._is_scrolling = False
        self._target: int | None = None
        page = scroll.widget()
        assert page is not None
        page.installEventFilter(self)
        for _ in headings:
            QListWidgetItem(self).setSizeHint(QSize(0, ROW_HEIGHT))
        self.setCurrentRow(0)
        self.currentRowChanged.connect(self._scroll_to)
        scroll.verticalScrollBar().valueChanged.connect(self._follow)

    def select(self, number: int) -> None:
        """Select a section and scroll to it, also where it is selected already."""
        self.setCurrentRow(number)
        self._scroll_to(number)

    def set_texts(self, titles: Sequence[str], name: str) -> None:
        """Set the titles and the accessible name."""
        self.setAccessibleName(name)
        for number, title in enumerate(titles):
            self.item(number).setText(title)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the target at the top while the sections above it change their heights."""
        if event.type() == QEvent.Type.Resize and self._target is not None:
            QTimer.singleShot(0, self, self._scroll_to_target)
        return super().eventFilter(watched, event)

    def _scroll_to(self, number: int) -> None:
        self._target = number
        self._scroll_to_target()

    def _scroll_to_target(self) -> None:
        if self._target is None:
            return
        self._is_scrolling = True
        self._scroll.verticalScrollBar().setValue(self._headings[self._target].y() - self._margin)
        self._is_scrolling = False

    def _follow(self, value: int) -> None:
        if self._is_scrolling:
            # The last sections are too short to reach the top: keep the selection.
            return
        self._target = None
        bar = self._scroll.verticalScrollBar()
        limit = value + HEADING_DISTANCE
        passed = [number for number, title in enumerate(self._headings) if title.y() - self._margin <= limit]
        with QSignalBlocker(self):
            self.setCurrentRow(len(self._headings) - 1 if value >= bar.maximum() > 0 else max(passed, default=0))
