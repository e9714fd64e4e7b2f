"""Compact bars of a plan without controls, for the models page and the first start."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.plan.bar_data import Bar, full_bytes
from ui.plan.bars import MemoryBar
from ui.plan.rows import ElidedLabel
from ui.plan.strings import bar_title, used_text
from ui.widgets.layouts import clear, hbox, vbox

GAP = 10


class SummaryBars(QWidget):
    """One bar per device and one for RAM."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("planGlance")
        self.bars: tuple[Bar, ...] = ()
        self._column = vbox(parent=self, spacing=GAP)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these bars; without bars the widget is hidden."""
        self.bars = tuple(bars)
        clear(self._column)
        gpus = [bar for bar in bars if not bar.is_ram]
        names = []
        for bar in bars:
            memory, title, figure = MemoryBar(), ElidedLabel(quiet=True), ElidedLabel(quiet=True, right=True)
            memory.set_bar(bar, full_bytes([bar] if bar.is_ram else gpus), as_forecast=True)
            title.set_text(bar_title(bar))
            figure.set_text(used_text(bar))
            row = QWidget()
            vbox(hbox((title, 3), (figure, 2), spacing=8), memory, parent=row)
            self._column.addWidget(row)
            names.append(memory.accessibleName())
        self.setAccessibleName("; ".join(names))
        self.setVisible(bool(bars))
