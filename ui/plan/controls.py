"""The two controls everybody may want below the bars: how long the context is, and how finely its cache is kept."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSlider, QVBoxLayout, QWidget

from model_manager.plan import KvType, KvWish
from ui.plan.figures import nearest_step
from ui.plan.strings import tokens_short, tokens_text
from ui.widgets.dialog_parts import SMALL_SIZE, wheel_only_with_focus
from ui.widgets.theme import current_theme, interface_font

HANDLE = 16
"""Width of the slider's handle in the style sheet."""
LABEL_HEIGHT = 18
KV_CHOICES: tuple[KvWish, ...] = ("auto", "f16", "q8_0", "q4_0")


class _Steps(QWidget):
    """The names of a slider's steps below it; a click goes to the nearest."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFont(interface_font(SMALL_SIZE))
        self.setFixedHeight(LABEL_HEIGHT)
        self.names: tuple[str, ...] = ()
        self.chosen = 0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if self.names:
            centres = [self._centre(place) for place in range(len(self.names))]
            x = event.position().x()
            self.picked.emit(min(range(len(centres)), key=lambda place: abs(centres[place] - x)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw those that have room, the chosen one first."""
        theme, painter = current_theme(), QPainter(self)
        metrics = QFontMetrics(self.font())
        taken: list[QRect] = []
        for place in sorted(range(len(self.names)), key=lambda place: place != self.chosen):
            width = metrics.horizontalAdvance(self.names[place])
            left = min(max(0, round(self._centre(place) - width / 2)), self.width() - width)
            rect = QRect(left, 0, width, self.height())
            if any(rect.adjusted(-5, 0, 5, 0).intersects(other) for other in taken):
                continue
            taken.append(rect)
            painter.setPen(theme.text if place == self.chosen and self.isEnabled() else theme.quiet_text)
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), self.names[place])
        painter.end()

    def _centre(self, place: int) -> float:
        spare = self.width() - HANDLE
        return HANDLE / 2 + (spare * place / (len(self.names) - 1) if len(self.names) > 1 else 0)


class ContextSlider(QWidget):
    """Contexts in steps."""

    chosen = Signal(int)
    """Tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("planContext")
        self.slider.setFixedHeight(20)
        self.slider.setPageStep(1)
        wheel_only_with_focus(self.slider)
        self.labels = _Steps()
        self._steps: tuple[int, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.slider)
        layout.addWidget(self.labels)
        self.setFocusProxy(self.slider)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.slider.valueChanged.connect(self._changed)
        self.labels.picked.connect(self._pick)

    def show_steps(self, steps: Sequence[int], now: int) -> None:
        """Offer these contexts, the one of now chosen."""
        self._steps = tuple(steps)
        place = nearest_step(self._steps, now)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._steps) - 1)
        self.slider.setValue(place)
        self.slider.blockSignals(False)
        self.labels.names = tuple(tokens_short(step) for step in self._steps)
        self.labels.chosen = place
        self.labels.update()
        self.slider.setAccessibleDescription(tokens_text(now))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self.labels.update()
        super().changeEvent(event)

    def sizeHint(self) -> QSize:
        """A slider with a line of text."""
        return QSize(240, 20 + 2 + LABEL_HEIGHT)

    def _changed(self, place: int) -> None:
        self.labels.chosen = place
        self.labels.update()
        self.chosen.emit(self._steps[place])

    def _pick(self, place: int) -> None:
        self.slider.setValue(place)


class KvChoice(QComboBox):
    """How finely the KV cache is kept."""

    chosen = Signal(str)
    """A ``KvWish``."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("planKvType")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for wish in KV_CHOICES:
            self.addItem("", wish)
        wheel_only_with_focus(self)
        self._now: KvType = "f16"
        self.activated.connect(self._tell)
        self.retranslate()

    def show_choice(self, wish: KvWish, now: KvType, possible: Sequence[str]) -> None:
        """What is wished, what the plan made of it, and which types this model can have."""
        self._now = now
        self.setCurrentIndex(KV_CHOICES.index(wish))
        model = self.model()
        for place, choice in enumerate(KV_CHOICES):
            allowed = choice == "auto" or choice in possible
            # The standard model keeps an item's flags there; None are those of an ordinary item.
            model.setData(model.index(place, 0), None if allowed else 0, Qt.ItemDataRole.UserRole - 1)
        self.retranslate()

    def retranslate(self) -> None:
        """Say the same in the language of now."""
        texts = {
            "auto": self.tr("Automatic ({kind})").format(kind=self._now),
            "f16": self.tr("f16: exact"),
            "q8_0": self.tr("q8_0: half the memory, almost no loss"),
            "q4_0": self.tr("q4_0: a quarter of the memory, less exact"),
        }
        for place, wish in enumerate(KV_CHOICES):
            if self.itemText(place) != texts[wish]:
                self.setItemText(place, texts[wish])

    def _tell(self, place: int) -> None:
        self.chosen.emit(self.itemData(place))
