"""What stands above the picture of a plan: what becomes of it, what else there is to know, and what is being done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ui.plan.figures import VerdictKind
from ui.widgets.dialog_parts import HEADING_SIZE, LazyText, quiet_label
from ui.widgets.icons import pixmap
from ui.widgets.theme import current_theme, interface_font

ICON = 20
_ICONS: dict[VerdictKind, str] = {"good": "check", "warning": "info", "bad": "warning"}


class PlanHead(QWidget):
    """The verdict with its sign, and up to three quieter lines below."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: VerdictKind = "good"
        """The role whose colour the sign has."""
        self._icon = QLabel()
        self._icon.setObjectName("planVerdict")
        self._icon.setFixedSize(ICON, ICON)
        self.headline = QLabel()
        self.headline.setObjectName("planSentence")
        self.headline.setFont(interface_font(HEADING_SIZE, bold=True))
        self.headline.setWordWrap(True)
        self.headline.setTextFormat(Qt.TextFormat.PlainText)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.notes, self.hint, self.busy = quiet_label(), quiet_label(), quiet_label()
        for label, name in ((self.notes, "planNotes"), (self.hint, "planHint"), (self.busy, "planBusy")):
            label.setObjectName(name)
        self._busy_words: LazyText | None = None
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        first.addWidget(self.headline, 1)
        words = QVBoxLayout()
        words.setContentsMargins(ICON + 8, 0, 0, 0)
        words.setSpacing(2)
        for label in (self.notes, self.hint, self.busy):
            words.addWidget(label)
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(first)
        layout.addLayout(words)

    def say(self, verdict: str, notes: str, hint: str, kind: VerdictKind) -> None:
        """Show what becomes of a plan; an empty verdict shows none."""
        self.kind = kind
        self.headline.setText(verdict)
        self.headline.setAccessibleName(f"{verdict} {notes}".strip())
        _say(self.notes, notes)
        _say(self.hint, hint)
        self._icon.setVisible(bool(verdict))
        self._colour()
        self._keep_height()

    def settle(self) -> None:
        """Take no more height than is needed now."""
        self.setMinimumHeight(0)
        self._keep_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other lines, another height."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.settle()

    def _keep_height(self) -> None:
        # A line that comes and goes while a slider is moved would move the slider.
        needed = self._layout.totalHeightForWidth(self.width()) if self.isVisible() else 0
        if needed > self.minimumHeight():
            self.setMinimumHeight(needed)

    def say_busy(self, words: LazyText | None) -> None:
        """Say what is being done, None where nothing is."""
        self._busy_words = words
        self.retranslate()

    def retranslate(self) -> None:
        """Say what is being done in the language of now; the rest is said by ``say``."""
        _say(self.busy, self._busy_words() if self._busy_words is not None else "")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._colour()

    def _colour(self) -> None:
        colour = getattr(current_theme(), self.kind)
        self._icon.setPixmap(pixmap(_ICONS[self.kind], colour, ICON, self.devicePixelRatioF()))


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
