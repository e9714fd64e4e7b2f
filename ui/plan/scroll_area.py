"""Scroll area in which the verdict and the bars of a memory plan stay in view beside its controls."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from ui.plan.bars import SummaryBars
from ui.plan.view import PlanView
from ui.widgets.dialog_parts import hairline, quiet_label, set_kind
from ui.widgets.layouts import vbox

MOST_OF_HEIGHT = 0.45
"""Largest part of the area's height for what stays in view."""


class PlanScrollArea(QScrollArea):
    """Vertical scroll area.  Where the bars of a plan are scrolled out of view, compact ones cover its upper end."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view: PlanView | None = None
        self.pinned = QWidget(self)
        self.pinned.setObjectName("pinnedPlan")
        self.pinned.setAutoFillBackground(True)
        self.verdict, self.bars = quiet_label(), SummaryBars()
        self._column = vbox(self.verdict, self.bars, hairline(), parent=self.pinned, spacing=8, margins=(0, 0, 12, 0))
        self.pinned.hide()
        self.verticalScrollBar().valueChanged.connect(self._place)
        self.verticalScrollBar().rangeChanged.connect(self._handle_range)

    def set_plan(self, view: PlanView | None) -> None:
        """Keep the verdict and the bars of ``view`` in view, which is in the area; None: nothing."""
        self._view = view
        self._show()
        if view is not None:
            view.shown.connect(self._show)

    def _handle_range(self, _minimum: int, maximum: int) -> None:
        # The keys scroll it; without anything to scroll the focus passes over it.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if maximum else Qt.FocusPolicy.NoFocus)
        self._place()

    def _show(self) -> None:
        view = self._view
        if view is not None:
            self.verdict.setText(view.head.headline.text())
            set_kind(self.verdict, view.kind)
            self.bars.show_bars(view.bars)
        self._place()

    def _place(self) -> None:
        view, viewport = self._view, self.viewport()
        is_needed, height = False, 0
        if view is not None and view.panel.isVisible():
            height = self._column.heightForWidth(viewport.width())
            bars = view.legend.mapTo(viewport, QPoint()).y()
            controls = view.panel.mapTo(viewport, view.panel.rect().bottomLeft()).y()
            is_needed = bars < height < controls and height <= MOST_OF_HEIGHT * viewport.height()
        self.pinned.setVisible(is_needed)
        if is_needed:
            self.pinned.setGeometry(viewport.x(), viewport.y(), viewport.width(), height)
            self.pinned.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cover the upper end in the new size."""
        super().resizeEvent(event)
        self._place()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Move the keyboard focus, which the pinned part must not cover."""
        moved = super().focusNextPrevChild(next)
        now = self.focusWidget()
        if moved and now is not None and self.pinned.isVisible() and self.viewport().isAncestorOf(now):
            covered = self.pinned.height() - now.mapTo(self.viewport(), QPoint()).y()
            if covered > 0:
                self.verticalScrollBar().setValue(self.verticalScrollBar().value() - covered)
        return moved
