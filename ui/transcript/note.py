"""The sentence below a message: why it was not finished, or that it is shown in part."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from ui.transcript.style import TextStyle
from ui.widgets import icons

SPACE = 10
"""Between the icon and the words."""
_FLAGS = int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)


class Note:
    """A sentence behind an icon, or nothing."""

    def __init__(self) -> None:
        self._text = ""
        self._rect = QRectF()

    def lay_out(self, text: str, style: TextStyle, top: float, width: float, *, at_right: bool) -> float:
        """Find its place; returns the bottom."""
        self._text = text
        if not text:
            return top
        least = float(style.icon + SPACE)
        bounds = style.small_metrics.boundingRect(QRectF(0, 0, width - least, 10_000), _FLAGS, text)
        left = width - bounds.width() - 2 if at_right else least
        self._rect = QRectF(left, top, width - left, bounds.height())
        return self._rect.bottom()

    def paint(self, painter: QPainter, style: TextStyle, *, failed: bool) -> None:
        """Draw it; what failed stands out."""
        if not self._text:
            return
        role = "bad" if failed else "quiet_text"
        icon, ratio = "warning" if failed else "info", painter.device().devicePixelRatioF()
        picture = icons.pixmap(icon, getattr(style.theme, role), style.icon, ratio)
        top = self._rect.top() + (style.small_metrics.height() - style.icon) / 2
        painter.drawPixmap(QPointF(self._rect.left() - style.icon - SPACE, top), picture)
        painter.setFont(style.small_font)
        painter.setPen(style.colour(role))
        painter.drawText(self._rect, _FLAGS, self._text)
