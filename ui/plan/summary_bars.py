"""Compact bars of a plan without controls, for the models page and the first start."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from ui.plan.bar_data import Bar, full_bytes
from ui.plan.bars import MemoryBar
from ui.plan.rows import ElidedLabel
from ui.plan.strings import bar_title, used_text

GAP = 10


class SummaryBars(QWidget):
    """One bar per device and one for RAM."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("planGlance")
        self.bars: tuple[Bar, ...] = ()
        self._rows: list[_SummaryRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these bars; without bars the widget is hidden."""
        self.bars = tuple(bars)
        while len(self._rows) > len(bars):
            row = self._rows.pop()
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self._rows) < len(bars):
            row = _SummaryRow()
            self._rows.append(row)
            self._column.addWidget(row)
        gpus = [bar for bar in bars if not bar.is_ram]
        for row, bar in zip(self._rows, bars, strict=True):
            row.show_bar(bar, full_bytes([bar] if bar.is_ram else gpus))
        self.setAccessibleName("; ".join(row.bar.accessibleName() for row in self._rows))
        self.setVisible(bool(bars))


class _SummaryRow(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.bar = MemoryBar()
        self._title, self._figure = ElidedLabel(quiet=True), ElidedLabel(quiet=True, right=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        grid.addWidget(self._title, 0, 0, Qt.AlignmentFlag.AlignBottom)
        grid.addWidget(self._figure, 0, 1, Qt.AlignmentFlag.AlignBottom)
        grid.addWidget(self.bar, 1, 0, 1, 2)

    def show_bar(self, bar: Bar, full: int) -> None:
        self._title.set_text(bar_title(bar))
        self._figure.set_text(used_text(bar))
        self.bar.set_bar(bar, full, as_forecast=True)
