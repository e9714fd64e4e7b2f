"""Context gauge in the header: used and total context, with a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget
from shiboken6 import isValid

from app.conversation import ContextPolicy, ContextUse
from ui.conversation.context_bar import paint_bar
from ui.widgets.theme import current_theme, interface_font

if TYPE_CHECKING:
    from ui.conversation.context_popover import ContextPopover

BAR_WIDTH, BAR_HEIGHT = 56, 6
PADDING, HEIGHT = 8, 30
SMALL_SIZE = 13


class ContextGauge(QAbstractButton):
    """Used and total context; hidden while the size is not known.  A tilde marks an estimate."""

    policy_chosen = Signal(ContextPolicy)
    larger_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextGauge")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(interface_font(SMALL_SIZE))
        self._popover: ContextPopover | None = None
        self.use = ContextUse(0, 0)
        self.hide()
        self._retranslate()

    def set_use(self, use: ContextUse) -> None:
        """Show the use of a context, also in the open popover."""
        if use == self.use:
            return
        self.use = use
        self.setVisible(use.size > 0)
        self._retranslate()
        if self._popover is not None and isValid(self._popover):
            self._popover.set_use(use)

    def show_popover(self, policy: ContextPolicy, *, can_grow: bool) -> None:
        """Open the details; ``can_grow`` says whether a larger context can be chosen."""
        # Imported where it is needed, as it would delay the start.
        from ui.conversation.context_popover import ContextPopover

        popover = self._popover = ContextPopover(self.window())
        popover.set_use(self.use)
        popover.policy_chosen.connect(self.policy_chosen)
        popover.larger_requested.connect(self.larger_requested)
        popover.show_below(self, policy, can_grow=can_grow)

    def sizeHint(self) -> QSize:
        """Return the size with the whole text."""
        return QSize(self._width_of(self.text()), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return the size with the numbers alone."""
        return QSize(self._width_of(self._numbers()), HEIGHT)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the text, the bar, and the state as a button."""
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.underMouse() or self.isDown():
            painter.setBrush(QColor(theme.pressed if self.isDown() else theme.hover))
            painter.drawRoundedRect(frame, 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(theme.accent))
            painter.drawRoundedRect(frame, 6, 6)
        # A clipped number would read as another number: text without room is left out.
        for text in (self.text(), self._numbers()):
            if self._width_of(text) <= self.width():
                painter.setPen(QColor(theme.quiet_text))
                room = frame.adjusted(0, 0, -(BAR_WIDTH + 2 * PADDING), 0)
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
                break
        left, top = self.width() - PADDING - BAR_WIDTH, (self.height() - BAR_HEIGHT) / 2
        paint_bar(painter, QRectF(left, top, BAR_WIDTH, BAR_HEIGHT), self.use)
        painter.end()

    def _width_of(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + BAR_WIDTH + 3 * PADDING

    def _numbers(self) -> str:
        about = "~" if self.use.is_estimate else ""
        return f"{about}{thousands(self.use.used)} / {thousands(self.use.size)}"

    def _retranslate(self) -> None:
        about = "~" if self.use.is_estimate else ""
        used, size = about + thousands(self.use.used), thousands(self.use.size)
        self.setText(self.tr("Context {used} / {size}").format(used=used, size=size))
        self.setToolTip(
            self.tr("{used} of {size} context tokens used").format(used=f"{about}{self.use.used}", size=self.use.size)
        )
        self.setAccessibleName(self.toolTip() if self.use.size else self.tr("Context"))
        self.setAccessibleDescription(
            self.tr("Shows pinned and left-out messages and what happens when the context is full")
        )
        self.updateGeometry()
        self.update()


def thousands(count: int) -> str:
    """Return a token count in few characters: 940, 3.1k, 32k (units of 1024)."""
    if count < 1024:
        return str(count)
    return f"{count / 1024:.1f}k".replace(".0k", "k")
