"""Popover of the context gauge: the figures of the context, and what happens when it is full."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from app.conversation import ContextPolicy, ContextUse
from app.units import grouped
from ui.conversation.context_bar import paint_bar
from ui.widgets.dialog_parts import button, hairline, quiet_label
from ui.widgets.theme import interface_font

WIDTH, MARGIN, SPACING, OFFSET = 340, 16, 10, 6


class ContextPopover(QFrame):
    """Figures of the context, and the choice of what happens when it is full."""

    policy_chosen = Signal(ContextPolicy)
    larger_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("contextPopover")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._use = ContextUse(0, 0)
        self._title = QLabel()
        self._title.setFont(interface_font(bold=True))
        self._bar = _Bar()
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
        corner = gauge.mapToGlobal(QPoint(gauge.width() - self.width(), gauge.height() + OFFSET))
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
        self.setFixedWidth(WIDTH)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACING)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, key in enumerate(self._labels):
            self._labels[key].setProperty("quiet", True)
            self._figures[key].setObjectName(f"context_{key}")
            grid.addWidget(self._labels[key], row, 0)
            grid.addWidget(self._figures[key], row, 1, Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(SPACING)
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

    def __init__(self) -> None:
        super().__init__()
        self._use = ContextUse(0, 0)
        self.setFixedHeight(8)

    def set_use(self, use: ContextUse) -> None:
        self._use = use
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bar(painter, QRectF(self.rect()), self._use)
        painter.end()
