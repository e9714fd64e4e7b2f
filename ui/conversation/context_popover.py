"""What a click on the gauge opens: the figures of the context, and what happens when it is full."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from app.chat.context_use import ContextUse
from app.conversation import ContextPolicy
from ui.conversation.context_gauge import ContextGauge, paint_bar
from ui.widgets.dialog_parts import button, hairline, quiet_label
from ui.widgets.numbers import grouped
from ui.widgets.theme import Theme, interface_font

WIDTH, MARGIN, SPACE, BELOW = 340, 16, 10, 6


class ContextPopover(QFrame):
    """A small card below the gauge.  Escape and a click elsewhere close it."""

    policy_chosen = Signal(object)
    """The ``ContextPolicy`` that the shown conversation shall have."""
    larger_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("contextPopover")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._use = ContextUse(0, 0)
        self._title = QLabel()
        self._title.setFont(interface_font(bold=True))
        self._bar = _Bar(theme)
        self._names = {key: QLabel() for key in ("used", "free", "pinned", "left_out")}
        self._figures = {key: QLabel() for key in self._names}
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
            radio.clicked.connect(lambda _checked=False, policy=policy: self.policy_chosen.emit(policy))
        self.larger.clicked.connect(self._ask_for_larger)
        self._retranslate()

    def show_below(self, gauge: QWidget, policy: ContextPolicy, *, can_be_larger: bool) -> None:
        """Open it at the gauge."""
        self.radios[policy].setChecked(True)
        self.larger.setEnabled(can_be_larger)
        self.adjustSize()
        corner = gauge.mapToGlobal(QPoint(gauge.width() - self.width(), gauge.height() + BELOW))
        room = gauge.screen().availableGeometry()
        self.move(max(room.left(), min(corner.x(), room.right() - self.width())), corner.y())
        self.show()
        self.radios[policy].setFocus(Qt.FocusReason.PopupFocusReason)

    def set_use(self, use: ContextUse) -> None:
        """Show these figures."""
        self._use = use
        self._bar.set_use(use)
        self._retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        self.setFixedWidth(WIDTH)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, key in enumerate(self._names):
            self._names[key].setProperty("quiet", True)
            self._figures[key].setObjectName(f"context_{key}")
            grid.addWidget(self._names[key], row, 0)
            grid.addWidget(self._figures[key], row, 1, Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(SPACE)
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

    def _ask_for_larger(self) -> None:
        self.close()
        self.larger_wanted.emit()

    def _retranslate(self) -> None:
        use = self._use
        self._title.setText(self.tr("Conversation context"))
        self.setAccessibleName(self._title.text())
        self._names["used"].setText(self.tr("Used"))
        self._names["free"].setText(self.tr("Free"))
        self._names["pinned"].setText(self.tr("Pinned"))
        self._names["left_out"].setText(self.tr("Left out"))
        about = self.tr("about {count} tokens") if use.is_estimate else self.tr("{count} tokens")
        self._figures["used"].setText(about.format(count=grouped(use.used)))
        self._figures["free"].setText(
            self.tr("{free} of {size}").format(free=about.format(count=grouped(use.free)), size=grouped(use.size))
        )
        self._figures["pinned"].setText(self._messages(len(use.pinned)))
        self._figures["left_out"].setText(self._messages(len(use.left_out)))
        for key, figure in self._figures.items():
            figure.setAccessibleName(f"{self._names[key].text()}: {figure.text()}")
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
    """The same bar as in the gauge, wider."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._use = theme, ContextUse(0, 0)
        self.setFixedHeight(8)

    def set_use(self, use: ContextUse) -> None:
        self._use = use
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH - 2 * MARGIN, 8)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bar(painter, self._theme, QRectF(self.rect()), self._use)
        painter.end()


class ContextOpener(QObject):
    """Opens the card at the gauge, once at a time, and keeps its figures true."""

    policy_chosen = Signal(object)
    larger_wanted = Signal()

    def __init__(self, gauge: ContextGauge) -> None:
        super().__init__(gauge)
        self._gauge = gauge
        self._popover: ContextPopover | None = None
        self._opened = 0

    def open(self, theme: Theme, policy: ContextPolicy, *, can_be_larger: bool) -> None:
        """Open it."""
        popover = ContextPopover(theme, self._gauge.window())
        popover.set_use(self._gauge.use)
        popover.policy_chosen.connect(self.policy_chosen)
        popover.larger_wanted.connect(self.larger_wanted)
        self._opened += 1
        popover.destroyed.connect(partial(self._forget, self._opened))
        self._popover = popover
        popover.show_below(self._gauge, policy, can_be_larger=can_be_larger)

    def set_use(self, use: ContextUse) -> None:
        """Show these figures in the gauge and in the card."""
        self._gauge.set_use(use)
        if self._popover is not None:
            self._popover.set_use(use)

    def _forget(self, number: int) -> None:
        # Another one may have been opened before this one was gone.
        if number == self._opened:
            self._popover = None
