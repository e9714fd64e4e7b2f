"""How full the context is, in the line above the conversation: two numbers and a bar that open the rest."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.chat.context_use import ContextUse
from ui.widgets.theme import Theme, interface_font

BAR_WIDTH, BAR_HEIGHT = 56, 6
ACROSS, HEIGHT = 8, 30
FULL_SHARE = 0.85
"""From so much on the bar warns."""
SMALL_SIZE = 13


class ContextGauge(QAbstractButton):
    """Used and whole context.  An estimate is marked with a tilde; without a known size there is no gauge."""

    popover_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextGauge")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(interface_font(SMALL_SIZE))
        self._theme = theme
        self.use = ContextUse(0, 0)
        self.clicked.connect(self.popover_wanted)
        self.hide()
        self._retranslate()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self.update()

    def set_use(self, use: ContextUse) -> None:
        """Show this."""
        if use == self.use:
            return
        self.use = use
        self.setVisible(use.size > 0)
        self._retranslate()

    def sizeHint(self) -> QSize:
        """As wide as its words and the bar."""
        return QSize(self._width_of(self.text()), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Without the words."""
        return QSize(self._width_of(self._numbers()), HEIGHT)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw words and bar; the ground shows that it can be pressed."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.underMouse() or self.isDown():
            painter.setBrush(QColor(self._theme.pressed if self.isDown() else self._theme.hover))
            painter.drawRoundedRect(whole, 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(self._theme.accent))
            painter.drawRoundedRect(whole, 6, 6)
        # Half a number would be another number: what has no room is left out as a whole.
        for words in (self.text(), self._numbers()):
            if self._width_of(words) <= self.width():
                painter.setPen(QColor(self._theme.quiet_text))
                room = whole.adjusted(0, 0, -(BAR_WIDTH + 2 * ACROSS), 0)
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)
                break
        left, top = self.width() - ACROSS - BAR_WIDTH, (self.height() - BAR_HEIGHT) / 2
        paint_bar(painter, self._theme, QRectF(left, top, BAR_WIDTH, BAR_HEIGHT), self.use)
        painter.end()

    def _width_of(self, words: str) -> int:
        return self.fontMetrics().horizontalAdvance(words) + BAR_WIDTH + 3 * ACROSS

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


def paint_bar(painter: QPainter, theme: Theme, bar: QRectF, use: ContextUse) -> None:
    """The accent for what is used, the warning colour when it is nearly full."""
    share = min(1.0, use.used / use.size) if use.size else 0.0
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.hairline))
    radius = bar.height() / 2
    painter.drawRoundedRect(bar, radius, radius)
    painter.setBrush(QColor(theme.warning if share > FULL_SHARE else theme.accent))
    painter.setClipRect(QRectF(bar.x(), bar.y(), bar.width() * share, bar.height()))
    painter.drawRoundedRect(bar, radius, radius)
    painter.restore()


def thousands(count: int) -> str:
    """A count in few characters: 940, 3.1k, 32k."""
    if count < 1024:
        return str(count)
    return f"{count / 1024:.1f}k".replace(".0k", "k")
