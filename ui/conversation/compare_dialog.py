"""Dialog with two versions of a message side by side, or one above the other where it is narrow.

A version of a question is shown with its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QDialog, QSplitter, QWidget

from app.formulas import FormulaRenderer
from app.parameter import parameters
from app.sampling import Sampling, shown_samplers
from ui.transcript.item import Item
from ui.transcript.transcript import Transcript
from ui.widgets.controls import ChoiceBox
from ui.widgets.dialog_parts import StatusLine, arrange, button, hairline, quiet_label, resize_within_screen
from ui.widgets.layouts import MAX_WIDGET_SIZE, hbox, vbox
from ui.widgets.theme import current_theme

SIDE_BY_SIDE_WIDTH = 640
DEFAULT_SIZE = (1120, 720)
LONGEST_QUESTION = 200
"""Characters of the question above its answers."""


class CompareDialog(QDialog):
    """The versions of a message, of which two are shown."""

    kept = Signal(str)
    """Id of the version to continue with."""

    def __init__(
        self,
        versions: Sequence[Sequence[Item]],
        names: Sequence[str],
        settings: Sequence[Sampling | None],
        current_id: str,
        renderer: FormulaRenderer,
        parent: QWidget,
        *,
        question: str = "",
    ) -> None:
        """Each version is an answer, or a question and its answer, and has the id of its first message.

        ``names`` are those of the models, ``settings`` what the answers were made with, where that is known.  The
        version ``current_id`` and its neighbour are shown first.  ``question`` is that of answers.
        """
        super().__init__(parent)
        self.setObjectName("compareDialog")
        self.setWindowTitle(self.tr("Compare versions"))
        self.setAccessibleName(self.tr("Compare versions"))
        labels = {}
        rows = zip(versions, names, differences(settings), strict=True)
        for number, (version, *about) in enumerate(rows, start=1):
            place = self.tr("Version {number}").format(number=number)
            labels[version[0].id] = " · ".join(filter(None, (place, *about)))
        right = max(1, list(labels).index(current_id))
        self.sides = tuple(VersionView(versions, labels, place, renderer) for place in (right - 1, right))
        self._splitter = QSplitter()
        self._splitter.setChildrenCollapsible(False)
        for side in self.sides:
            self._splitter.addWidget(side)
            side.keep.clicked.connect(lambda _checked=False, side=side: self._keep(side.choice.value()))
            side.transcript.link_activated.connect(self._ask_to_open)
        self.status = StatusLine("compareStatus")
        close = button("closeButton", self.tr("Close"))
        close.clicked.connect(self.reject)
        asked = quiet_label(shortened(question))
        asked.setObjectName("comparedQuestion")
        asked.setContentsMargins(16, 12, 16, 0)
        if not question:
            asked.hide()
        arrange(self, vbox(asked, (self._splitter, 1)), self.status, close)
        resize_within_screen(self, *map(min, DEFAULT_SIZE, parent.size().toTuple()))
        self.sides[1].choice.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the versions side by side where there is room."""
        is_wide = event.size().width() >= SIDE_BY_SIDE_WIDTH
        self._splitter.setOrientation(Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical)
        super().resizeEvent(event)

    def _ask_to_open(self, address: str) -> None:
        """Show where a link leads before it is opened; a question would be a dialog over this one."""
        action = self.tr("Open link"), lambda: QDesktopServices.openUrl(QUrl(address))
        self.status.show_message(address, action=action)

    def _keep(self, message_id: str) -> None:
        self.accept()
        self.kept.emit(message_id)


def differences(settings: Sequence[Sampling | None]) -> list[str]:
    """Return the samplers in which settings differ, with their values, for each of them."""
    values = [dict(shown_samplers(each)) if each is not None else {} for each in settings]
    declared, texts = parameters(Sampling), [list[str]() for _ in values]
    for name in dict.fromkeys(name for each in values for name in each):
        known = [(text, each[name]) for text, each in zip(texts, values, strict=True) if name in each]
        if len({value for _, value in known}) > 1:
            label = QCoreApplication.translate("parameters", declared[name].label)
            for text, value in known:
                text.append(f"{label} {value:g}")
    return [", ".join(text) for text in texts]


def shortened(question: str) -> str:
    """Return the beginning of a question in one line."""
    text = " ".join(question.split())
    return text if len(text) <= LONGEST_QUESTION else text[: LONGEST_QUESTION - 1] + "…"


class VersionView(QWidget):
    """One version, chosen in a combo box, with a button to continue with it."""

    def __init__(
        self,
        versions: Sequence[Sequence[Item]],
        labels: dict[str, str],
        place: int,
        renderer: FormulaRenderer,
    ) -> None:
        super().__init__()
        # Only the text: actions, dividers and the next steps belong to the conversation.
        self._items = {
            version[0].id: [
                replace(item, actions=(), author="", version=None, divider="", is_pinned=False, is_last=False)
                for item in version
            ]
            for version in versions
        }
        self.choice = ChoiceBox("versionChoice", labels)
        self.choice.setMinimumWidth(120)
        self.choice.setMaximumWidth(MAX_WIDGET_SIZE)
        self.choice.setAccessibleName(self.tr("Version"))
        self.keep = button("keepVersionButton", self.tr("Continue with this version"))
        self.transcript = Transcript(with_previews=False)
        self.transcript.use_formula_renderer(renderer)
        self.transcript.set_theme(current_theme())
        self.transcript.setAccessibleName(self.tr("Version"))
        head = hbox((self.choice, 1), margins=(16, 12, 16, 12))
        foot = hbox(self.keep, None, margins=(16, 8, 16, 12))
        vbox(head, hairline(), (self.transcript, 1), foot, parent=self)
        self.choice.changed.connect(self._show)
        self.choice.set_value(versions[place][0].id)
        self._show(versions[place][0].id)

    def _show(self, message_id: str) -> None:
        self.transcript.set_items(self._items[message_id])
        # From its beginning, while a conversation opens at its end.
        self.transcript.scroll_to_item(message_id)
