"""The bar at the top right of the transcript that searches the conversation."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from ui.transcript.finder import Finder
from ui.widgets.icons import icon
from ui.widgets.translated import TranslatedWidget

WIDTH, HEIGHT = 360, 44
BUTTON_SIZE, ICON_SIZE = 30, 16
TYPING_MS = 120
"""Pause in typing after which the text is searched."""
_STEPS = {Qt.Key.Key_Return: 1, Qt.Key.Key_Enter: 1, Qt.Key.Key_F3: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


class FindBar(TranslatedWidget):
    """A field, the number of matches, two arrows and a cross; the search itself is the finder's."""

    def __init__(self, finder: Finder, parent: QWidget) -> None:
        super().__init__(parent)
        self._finder = finder
        self.setObjectName("findBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.field = QLineEdit(self)
        self.field.setObjectName("findField")
        self.field.setFrame(False)
        for watched in (self, self.field):
            watched.installEventFilter(self)
        self._count = QLabel(self)
        self._count.setObjectName("findCount")
        self._previous = self._button("findPreviousButton", "chevron-up", lambda: self.step(-1))
        self._next = self._button("findNextButton", "chevron-down", lambda: self.step(1))
        self._close = self._button("findCloseButton", "close", self.close_bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(self.field, 1)
        layout.addWidget(self._count)
        layout.addSpacing(6)
        for button in (self._previous, self._next, self._close):
            layout.addWidget(button)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._search)
        self._searched = ""
        self._previous_focus: QWidget | None = None
        self.field.textEdited.connect(lambda _text: self._typing.start())
        finder.changed.connect(self._show_count)
        self.resize(WIDTH, HEIGHT)
        self.hide()
        self._retranslate()

    def _button(self, name: str, picture: str, handler: Callable[[], None]) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setFixedSize(BUTTON_SIZE, BUTTON_SIZE)
        button.setAutoRaise(True)
        button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        button.setIcon(icon(picture, "text"))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(handler)
        return button

    def open_bar(self, text: str = "") -> None:
        """Show the bar with the focus in the field; ``text`` is searched at once."""
        if not self.isVisible():
            self._previous_focus = QApplication.focusWidget()
        if text:
            self.field.setText(text)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._search()

    def close_bar(self) -> None:
        """Hide the bar and give the focus back."""
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        self._typing.stop()
        self.hide()
        self._searched = ""
        self._finder.search("")
        if had_focus and self._previous_focus is not None:
            self._previous_focus.setFocus(Qt.FocusReason.OtherFocusReason)
        self._previous_focus = None

    def step(self, step: int) -> None:
        """Go to the next match (1) or the one before (-1); text that was just typed is searched first."""
        if not self.isVisible():
            return
        if self.field.text() != self._searched:
            self._search()
        else:
            self._finder.step(step)

    def _show_count(self) -> None:
        finder = self._finder
        text = "…" if finder.is_searching else ""
        if self._searched and finder.total:
            text = self.tr("{place} of {count}").format(place=finder.place, count=finder.total) + text
        elif self._searched and not finder.is_searching:
            text = self.tr("No matches")
        self._count.setText(text)
        self._count.setAccessibleName(text)
        for button in (self._previous, self._next):
            button.setEnabled(finder.total > 0)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Handle Enter, Escape, the arrows and F3, also where they are shortcuts of the window."""
        if event.type() not in {QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride} or not isinstance(event, QKeyEvent):
            return False
        key = Qt.Key(event.key())
        if key != Qt.Key.Key_Escape and key not in _STEPS:
            return False
        event.accept()
        if event.type() == QEvent.Type.ShortcutOverride:
            return True
        if key == Qt.Key.Key_Escape:
            self.close_bar()
        else:
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEPS[key])
        return True

    def _search(self) -> None:
        self._typing.stop()
        self._searched = self.field.text()
        self._finder.search(self._searched)

    def _retranslate(self) -> None:
        label = self.tr("Find in this conversation")
        self.setAccessibleName(label)
        self.field.setPlaceholderText(label)
        self.field.setAccessibleName(label)
        for button, label, keys in (
            (self._previous, self.tr("Previous match"), "Shift+F3"),
            (self._next, self.tr("Next match"), "F3"),
            (self._close, self.tr("Close"), "Esc"),
        ):
            button.setAccessibleName(label)
            button.setToolTip(f"{label} ({keys})")
