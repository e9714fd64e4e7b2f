"""Bar of the used share of a context."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.conversation import ContextUse
from ui.widgets.theme import current_theme

WARNING_SHARE = 0.85
"""The bar takes the warning colour above this share."""


def paint_bar(painter: QPainter, bar: QRectF, use: ContextUse) -> None:
    """Draw the used share of a context."""
    theme = current_theme()
    share = min(1.0, use.used / use.size) if use.size else 0.0
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.hairline))
    radius = bar.height() / 2
    painter.drawRoundedRect(bar, radius, radius)
    painter.setBrush(QColor(theme.warning if share > WARNING_SHARE else theme.accent))
    painter.setClipRect(QRectF(bar.x(), bar.y(), bar.width() * share, bar.height()))
    painter.drawRoundedRect(bar, radius, radius)
    painter.restore()
