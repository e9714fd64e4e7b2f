"""Head of the memory plan: verdict, notes and the current activity."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ui.plan.bar_data import VerdictKind
from ui.widgets.dialog_parts import HEADING_SIZE, quiet_label
from ui.widgets.icons import set_icon
from ui.widgets.layouts import TOP, hbox, vbox
from ui.widgets.theme import interface_font

ICON = 20
_ICONS: dict[VerdictKind, str] = {"good": "check", "warning": "info", "bad": "warning"}


class PlanHead(QWidget):
    """Verdict with an icon, and up to three lines below."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: VerdictKind = "good"
        """Rating that determines icon and colour."""
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
        first = hbox((self._icon, 0, TOP), (self.headline, 1), spacing=8)
        below = vbox(self.notes, self.hint, self.busy, spacing=2, margins=(ICON + 8, 0, 0, 0))
        self._layout = vbox(first, below, parent=self, spacing=4)
        self.show_busy("")

    def show_verdict(self, verdict: str, notes: str, hint: str, kind: VerdictKind) -> None:
        """Show the verdict of a plan; an empty one hides it."""
        self.kind = kind
        self.headline.setText(verdict)
        self.headline.setAccessibleName(f"{verdict} {notes}".strip())
        _set_text(self.notes, notes)
        _set_text(self.hint, hint)
        self._icon.setVisible(bool(verdict))
        set_icon(self._icon, _ICONS[self.kind], self.kind, ICON)
        self._keep_height()

    def reset_height(self) -> None:
        """Shrink to the required height."""
        self.setMinimumHeight(0)
        self._keep_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adapt the height to the new width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.reset_height()

    def _keep_height(self) -> None:
        # The height only grows: a line that comes and goes while a slider is moved would move the slider.
        needed = self._layout.totalHeightForWidth(self.width()) if self.isVisible() else 0
        if needed > self.minimumHeight():
            self.setMinimumHeight(needed)

    def show_busy(self, text: str) -> None:
        """Show the current activity; an empty text hides it."""
        _set_text(self.busy, text)


def _set_text(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
