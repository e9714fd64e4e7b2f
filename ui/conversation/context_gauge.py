"""Context gauge in the header, and its popover with the figures of the context and what happens when it is full."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.context import ContextPolicy, ContextUse
from app.units import grouped
from ui.widgets.dialog_parts import SMALL_SIZE, button, hairline, quiet_label
from ui.widgets.layouts import vbox
from ui.widgets.theme import current_theme, interface_font
from ui.widgets.translated import Translated

BAR_WIDTH, BAR_HEIGHT, POPOVER_BAR_HEIGHT = 56, 6, 8
PADDING, HEIGHT = 8, 30
WIDTH, MARGIN, SPACING, OFFSET = 340, 16, 10, 6
WARNING_SHARE = 0.85
"""The bar has the warning colour above this share."""
WIDEST_USE = "~88.8k"
"""Room for the used tokens."""


class ContextGauge(Translated, QAbstractButton):
    """Used and total context; hidden while the size is not known.  A tilde marks an estimate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("contextGauge")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(interface_font(SMALL_SIZE))
        # In a narrow header it leaves its word out before the name of the model is cut.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._is_narrow = False
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

    def show_popover(self, policy: ContextPolicy, *, can_grow: bool) -> ContextPopover:
        """Open the details and return them; ``can_grow`` offers a larger context."""
        popover = self._popover = ContextPopover(self.window(), policy, can_grow=can_grow)
        popover.set_use(self.use)
        popover.show_below(self)
        return popover

    def set_narrow(self, is_narrow: bool) -> None:
        """Set whether the bar is left out before the numbers."""
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the size with the whole text, which does not change while an answer grows."""
        return QSize(self._width_of(self._text(WIDEST_USE)), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return the size with the numbers alone, which does not change while an answer grows."""
        return QSize(self._width_of(self._numbers(WIDEST_USE), with_bar=not self._is_narrow), HEIGHT)

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
        # A clipped number would read as another number: what has no room is left out, the numbers last.
        numbers = self._numbers(self._used(short_token_count(self.use.used)))
        for text, with_bar in ((self.text(), True), (numbers, True), (numbers, False), ("", True)):
            if self._width_of(text, with_bar=with_bar) > self.width():
                continue
            room = frame.adjusted(0, 0, -PADDING - (BAR_WIDTH + PADDING if with_bar else 0), 0)
            painter.setPen(QColor(theme.quiet_text))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            if with_bar:
                left, top = self.width() - PADDING - BAR_WIDTH, (self.height() - BAR_HEIGHT) / 2
                groove = theme.edge if self.underMouse() or self.isDown() else theme.hairline
                _paint_bar(painter, QRectF(left, top, BAR_WIDTH, BAR_HEIGHT), self.use, groove)
            break
        painter.end()

    def _width_of(self, text: str, *, with_bar: bool = True) -> int:
        return self.fontMetrics().horizontalAdvance(text) + 2 * PADDING + (BAR_WIDTH + PADDING if with_bar else 0)

    def _used(self, used: str) -> str:
        return f"~{used}" if self.use.is_estimate else used

    def _numbers(self, used: str) -> str:
        return f"{used} / {short_token_count(self.use.size)}"

    def _text(self, used: str) -> str:
        return self.tr("Context {used} / {size}").format(used=used, size=short_token_count(self.use.size))

    def _retranslate(self) -> None:
        self.setText(self._text(self._used(short_token_count(self.use.used))))
        self.setToolTip(
            self.tr("{used} of {size} context tokens used").format(
                used=self._used(grouped(self.use.used)), size=grouped(self.use.size)
            )
        )
        self.setAccessibleName(self.toolTip() if self.use.size else self.tr("Context"))
        self.setAccessibleDescription(
            self.tr("Shows messages kept in context or left out, and what happens when the context is full")
        )
        self.updateGeometry()
        self.update()


class ContextPopover(QFrame):
    """Figures of the context, and the choice of what happens when it is full; open until the next click outside."""

    policy_chosen = Signal(ContextPolicy)

    def __init__(self, parent: QWidget, policy: ContextPolicy, *, can_grow: bool) -> None:
        """``policy`` is the current choice; ``can_grow`` offers a larger context."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("contextPopover")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(WIDTH)
        self._use = ContextUse(0, 0)
        title, question = QLabel(self.tr("Conversation context")), QLabel(self.tr("When the context is full"))
        for label in (title, question):
            label.setFont(interface_font(bold=True))
        self.setAccessibleName(title.text())
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACING)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._figures: dict[str, tuple[str, QLabel]] = {}
        names = {
            "used": self.tr("Used"),
            "free": self.tr("Free"),
            "pinned": self.tr("Kept in context"),
            "left_out": self.tr("Left out"),
            "summarised": self.tr("Summarised"),
        }
        for row, (key, name) in enumerate(names.items()):
            label, figure = QLabel(name), QLabel()
            label.setProperty("quiet", True)
            figure.setObjectName(f"context_{key}")
            grid.addWidget(label, row, 0)
            grid.addWidget(figure, row, 1, Qt.AlignmentFlag.AlignRight)
            self._figures[key] = name, figure
        texts = {
            ContextPolicy.STOP: (
                self.tr("Stop and ask me"),
                self.tr("Nothing is left out. A question that doesn't fit isn't sent."),
            ),
            ContextPolicy.ROLL: (
                self.tr("Leave out the oldest turns"),
                self.tr("Messages kept in context stay. The model doesn't see the other messages above the line."),
            ),
            ContextPolicy.SUMMARISE: (
                self.tr("Summarise the oldest turns"),
                self.tr(
                    "The model gets its own summary of them, which you can edit or undo. Messages kept in context stay."
                ),
            ),
        }
        self.radios = {each: QRadioButton(text) for each, (text, _) in texts.items()}
        pairs = [self._pair(each, radio, texts[each][1]) for each, radio in self.radios.items()]
        self.larger = button("largerContextButton")
        self.larger.setText(self.tr("Increase context…"))
        self.larger.setAccessibleName(self.larger.text())
        self.larger.clicked.connect(self.close)
        self._bar, margins = QWidget(), (MARGIN, MARGIN, MARGIN, MARGIN)
        self._bar.setFixedHeight(POPOVER_BAR_HEIGHT)
        above: list[QWidget | QLayout] = [title, self._bar, grid, hairline(), question]
        rule = hairline()
        vbox(*above, *pairs, rule, self.larger, parent=self, spacing=SPACING, margins=margins)
        for each in (rule, self.larger):
            each.setVisible(can_grow)
        self._current = self.radios[policy]
        self._current.setChecked(True)

    def _pair(self, policy: ContextPolicy, radio: QRadioButton, text: str) -> QVBoxLayout:
        radio.setObjectName(f"contextPolicy_{policy}")
        radio.setAccessibleDescription(text)
        radio.clicked.connect(lambda: self.policy_chosen.emit(policy))
        explanation = quiet_label()
        explanation.setText(text)
        explanation.setContentsMargins(24, 0, 0, 0)
        return vbox(radio, explanation)

    def show_below(self, gauge: QWidget) -> None:
        """Open below the gauge."""
        self.adjustSize()
        corner = gauge.mapToGlobal(QPoint(gauge.width() - self.width(), gauge.height() + OFFSET))
        room = gauge.screen().availableGeometry()
        self.move(max(room.left(), min(corner.x(), room.right() - self.width())), corner.y())
        self.show()
        self._current.setFocus(Qt.FocusReason.PopupFocusReason)

    def set_use(self, use: ContextUse) -> None:
        """Show the figures."""
        self._use = use
        tokens = self.tr("about {count} tokens") if use.is_estimate else self.tr("{count} tokens")
        free = tokens.format(count=grouped(use.free))
        texts = {
            "used": tokens.format(count=grouped(use.used)),
            "free": self.tr("{free} of {size}").format(free=free, size=grouped(use.size)),
            "pinned": self._messages(len(use.pinned)),
            "left_out": self._messages(len(use.left_out)),
            "summarised": self._messages(len(use.summarised)),
        }
        for key, (name, figure) in self._figures.items():
            figure.setText(texts[key])
            figure.setAccessibleName(f"{name}: {texts[key]}")
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame and the bar."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_bar(painter, QRectF(self._bar.geometry()), self._use, current_theme().hairline)
        painter.end()

    def _messages(self, count: int) -> str:
        if not count:
            return self.tr("none")
        return self.tr("1 message") if count == 1 else self.tr("{count} messages").format(count=count)


def short_token_count(count: int) -> str:
    """Return a token count in few characters: 940, 3.1k, 32k (units of 1024)."""
    if count < 1024:
        return str(count)
    return f"{count / 1024:.1f}k".replace(".0k", "k")


def _paint_bar(painter: QPainter, bar: QRectF, use: ContextUse, groove: str) -> None:
    """Draw the used share of a context in a bar of the colour ``groove``."""
    theme, radius = current_theme(), bar.height() / 2
    share = min(1.0, use.used / use.size) if use.size else 0.0
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(groove))
    painter.drawRoundedRect(bar, radius, radius)
    painter.setBrush(QColor(theme.warning if share > WARNING_SHARE else theme.accent))
    painter.setClipRect(QRectF(bar.x(), bar.y(), bar.width() * share, bar.height()))
    painter.drawRoundedRect(bar, radius, radius)
