"""Context gauge in the header, and the popover with its details."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.conversation import ContextPolicy, ContextUse
from ui.widgets.dialog_parts import button, hairline, quiet_label
from ui.widgets.numbers import grouped
from ui.widgets.theme import Theme, interface_font

BAR_WIDTH, BAR_HEIGHT = 56, 6
PADDING, HEIGHT = 8, 30
WARNING_SHARE = 0.85
"""The bar takes the warning colour above this share."""
SMALL_SIZE = 13
POPOVER_WIDTH, POPOVER_MARGIN, POPOVER_SPACING, POPOVER_OFFSET = 340, 16, 10, 6


class ContextGauge(QAbstractButton):
    """Used and total context; hidden while the size is not known.  A tilde marks an estimate."""

    policy_chosen = Signal(ContextPolicy)
    larger_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextGauge")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(interface_font(SMALL_SIZE))
        self._theme = theme
        self._popover: ContextPopover | None = None
        self.use = ContextUse(0, 0)
        self.hide()
        self._retranslate()

    def set_theme(self, theme: Theme) -> None:
        """Apply the colours."""
        self._theme = theme
        self.update()

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
        popover = self._popover = ContextPopover(self._theme, self.window())
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
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.underMouse() or self.isDown():
            painter.setBrush(QColor(self._theme.pressed if self.isDown() else self._theme.hover))
            painter.drawRoundedRect(frame, 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(self._theme.accent))
            painter.drawRoundedRect(frame, 6, 6)
        # A clipped number would read as another number: text without room is left out.
        for text in (self.text(), self._numbers()):
            if self._width_of(text) <= self.width():
                painter.setPen(QColor(self._theme.quiet_text))
                room = frame.adjusted(0, 0, -(BAR_WIDTH + 2 * PADDING), 0)
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
                break
        left, top = self.width() - PADDING - BAR_WIDTH, (self.height() - BAR_HEIGHT) / 2
        paint_bar(painter, self._theme, QRectF(left, top, BAR_WIDTH, BAR_HEIGHT), self.use)
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


class ContextPopover(QFrame):
    """Figures of the context, and the choice of what happens when it is full."""

    policy_chosen = Signal(ContextPolicy)
    larger_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("contextPopover")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._use = ContextUse(0, 0)
        self._title = QLabel()
        self._title.setFont(interface_font(bold=True))
        self._bar = _Bar(theme)
        self._labels = {key: QLabel() for key in ("used", "free", "pinned", "left_out")}
        self._figures = {key: QLabel() for key in self._labels}
        self._question = QLabel()
        self._question.setFont(interface_font(bold=True))
        self.radios = {policy: QRadioButton() for policy in ContextPolicy}
        self._explanations = {policy: quiet_label() for policy in ContextPolicy}
        self._group = QButtonGroup(self)
        self.larger = button("largerContextButton")
        self._lay_out()
        for policy, radio in self.radios.items():
            radio.setObjectName(f"contextPolicy_{policy}")
            self._group.addButton(radio)
            radio.clicked.connect(lambda _checked, policy=policy: self.policy_chosen.emit(policy))
        self.larger.clicked.connect(self._request_larger)
        self._retranslate()

    def show_below(self, gauge: QWidget, policy: ContextPolicy, *, can_grow: bool) -> None:
        """Open below the gauge."""
        self.radios[policy].setChecked(True)
        self.larger.setEnabled(can_grow)
        self.adjustSize()
        corner = gauge.mapToGlobal(QPoint(gauge.width() - self.width(), gauge.height() + POPOVER_OFFSET))
        room = gauge.screen().availableGeometry()
        self.move(max(room.left(), min(corner.x(), room.right() - self.width())), corner.y())
        self.show()
        self.radios[policy].setFocus(Qt.FocusReason.PopupFocusReason)

    def set_use(self, use: ContextUse) -> None:
        """Show the figures."""
        self._use = use
        self._bar.set_use(use)
        self._retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        self.setFixedWidth(POPOVER_WIDTH)
        grid = QGridLayout()
        grid.setHorizontalSpacing(POPOVER_SPACING)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, key in enumerate(self._labels):
            self._labels[key].setProperty("quiet", True)
            self._figures[key].setObjectName(f"context_{key}")
            grid.addWidget(self._labels[key], row, 0)
            grid.addWidget(self._figures[key], row, 1, Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(POPOVER_MARGIN, POPOVER_MARGIN, POPOVER_MARGIN, POPOVER_MARGIN)
        column.setSpacing(POPOVER_SPACING)
        column.addWidget(self._title)
        column.addWidget(self._bar)
        column.addLayout(grid)
        column.addWidget(hairline())
        column.addWidget(self._question)
        for policy, radio in self.radios.items():
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(radio)
            self._explanations[policy].setContentsMargins(24, 0, 0, 0)
            pair.addWidget(self._explanations[policy])
            column.addLayout(pair)
        column.addWidget(hairline())
        column.addWidget(self.larger)

    def _request_larger(self) -> None:
        self.close()
        self.larger_requested.emit()

    def _retranslate(self) -> None:
        use = self._use
        self._title.setText(self.tr("Conversation context"))
        self.setAccessibleName(self._title.text())
        self._labels["used"].setText(self.tr("Used"))
        self._labels["free"].setText(self.tr("Free"))
        self._labels["pinned"].setText(self.tr("Pinned"))
        self._labels["left_out"].setText(self.tr("Left out"))
        about = self.tr("about {count} tokens") if use.is_estimate else self.tr("{count} tokens")
        self._figures["used"].setText(about.format(count=grouped(use.used)))
        self._figures["free"].setText(
            self.tr("{free} of {size}").format(free=about.format(count=grouped(use.free)), size=grouped(use.size))
        )
        self._figures["pinned"].setText(self._messages(len(use.pinned)))
        self._figures["left_out"].setText(self._messages(len(use.left_out)))
        for key, figure in self._figures.items():
            figure.setAccessibleName(f"{self._labels[key].text()}: {figure.text()}")
        self._question.setText(self.tr("When the context is full"))
        self.radios[ContextPolicy.STOP].setText(self.tr("Stop and ask me"))
        self._explanations[ContextPolicy.STOP].setText(
            self.tr("Nothing is left out. A question that doesn't fit waits.")
        )
        self.radios[ContextPolicy.ROLL].setText(self.tr("Leave out the oldest turns"))
        self._explanations[ContextPolicy.ROLL].setText(
            self.tr("Pinned messages stay. A line marks where the model's view begins.")
        )
        for policy, radio in self.radios.items():
            radio.setAccessibleDescription(self._explanations[policy].text())
        self.larger.setText(self.tr("Increase context…"))
        self.larger.setAccessibleName(self.larger.text())

    def _messages(self, count: int) -> str:
        if not count:
            return self.tr("none")
        return self.tr("1 message") if count == 1 else self.tr("{count} messages").format(count=count)


class _Bar(QWidget):
    """The bar of the gauge, as wide as the popover."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._use = theme, ContextUse(0, 0)
        self.setFixedHeight(8)

    def set_use(self, use: ContextUse) -> None:
        self._use = use
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bar(painter, self._theme, QRectF(self.rect()), self._use)
        painter.end()


def paint_bar(painter: QPainter, theme: Theme, bar: QRectF, use: ContextUse) -> None:
    """Draw the used share of a context."""
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


def thousands(count: int) -> str:
    """Return a token count in few characters: 940, 3.1k, 32k (units of 1024)."""
    if count < 1024:
        return str(count)
    return f"{count / 1024:.1f}k".replace(".0k", "k")
