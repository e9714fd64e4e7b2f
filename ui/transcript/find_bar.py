"""The slim bar that finds a text in the conversation, at the top right of the transcript."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from ui.widgets import icons
from ui.widgets.theme import Theme

WIDTH, HEIGHT = 360, 44
TYPING_MS = 120
"""How long a person may pause while typing before it is looked for."""


class FindBar(QFrame):
    """A field, the count, two arrows and a cross.  It knows no conversation: it asks and is told."""

    wanted = Signal(str)
    """Another text shall be found; empty when the bar closes."""
    stepped = Signal(int)
    """To the next hit (1) or the one before (-1)."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("findBar")
        self.field = QLineEdit(self)
        self.field.setObjectName("findField")
        self.field.setFrame(False)
        self.field.installEventFilter(self)
        self._count = QLabel(self)
        self._count.setObjectName("findCount")
        self._before = self._button("findPreviousButton", lambda: self.step(-1))
        self._after = self._button("findNextButton", lambda: self.step(1))
        self._cross = self._button("findCloseButton", self.leave)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(self.field, 1)
        layout.addWidget(self._count)
        layout.addSpacing(6)
        for button in (self._before, self._after, self._cross):
            layout.addWidget(button)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._ask)
        self._asked = ""
        self._came_from: QWidget | None = None
        self.field.textEdited.connect(lambda _text: self._typing.start())
        self.width_wanted = WIDTH
        self.resize(WIDTH, HEIGHT)
        self.hide()
        self._retranslate()

    def _button(self, name: str, act: object) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setFixedSize(30, 30)
        button.setAutoRaise(True)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(act)
        return button

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self.setStyleSheet(
            f"#findBar {{ background: {theme.raised}; border: 1px solid {theme.hairline}; border-radius: 10px; }}"
            f"#findField {{ background: transparent; border: none; padding: 0; color: {theme.text}; }}"
            f"#findCount {{ color: {theme.quiet_text}; }}"
            f"QToolButton {{ background: transparent; border: none; border-radius: 6px; }}"
            f"QToolButton:hover {{ background: {theme.hover}; }}"
            f"QToolButton:focus {{ border: 2px solid {theme.accent}; }}"
        )
        for button, name in ((self._before, "chevron-up"), (self._after, "chevron-down"), (self._cross, "close")):
            button.setIcon(icons.icon(name, theme.text))
            button.setIconSize(QSize(16, 16))

    def open(self, text: str = "") -> None:
        """Show it with the keyboard in the field; ``text`` is what is selected in the conversation."""
        if not self.isVisible():
            self._came_from = QApplication.focusWidget()
        if text:
            self.field.setText(text)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._ask()

    def leave(self) -> None:
        """Close it; the keyboard goes back to where it was."""
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        self._typing.stop()
        self.hide()
        self._asked = ""
        self.wanted.emit("")
        if had_focus and self._came_from is not None:
            self._came_from.setFocus(Qt.FocusReason.OtherFocusReason)
        self._came_from = None

    def step(self, way: int) -> None:
        """To the next hit or the one before; what is typed is looked for first."""
        if not self.isVisible():
            return
        if self.field.text() != self._asked:
            self._ask()
        else:
            self.stepped.emit(way)

    def tell(self, place: int, total: int, *, is_looking: bool) -> None:
        """Show how many hits there are and which is the present one."""
        if not self._asked:
            text = ""
        elif total:
            text = self.tr("{place} of {count}").format(place=place, count=total) + ("…" if is_looking else "")
        else:
            text = "…" if is_looking else self.tr("No matches")
        self._count.setText(text)
        self._count.setAccessibleName(text)
        for button in (self._before, self._after):
            button.setEnabled(total > 0)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Enter, Escape and F3 belong to the bar while one types in it."""
        if event.type() not in {QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride} or not isinstance(event, QKeyEvent):
            return False
        ways = {Qt.Key.Key_Return: 1, Qt.Key.Key_Enter: 1, Qt.Key.Key_F3: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if key != Qt.Key.Key_Escape and key not in ways:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            if key == Qt.Key.Key_Escape:
                self.leave()
            else:
                shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self.step(-1 if shift else ways[key])
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes it from its buttons too."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Nothing is told before something is found."""
        self.tell(0, 0, is_looking=False)
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _ask(self) -> None:
        self._typing.stop()
        self._asked = self.field.text()
        self.tell(0, 0, is_looking=bool(self._asked))
        self.wanted.emit(self._asked)

    def _retranslate(self) -> None:
        self.setAccessibleName(self.tr("Find in this conversation"))
        self.field.setPlaceholderText(self.tr("Find in this conversation"))
        self.field.setAccessibleName(self.tr("Find in this conversation"))
        for button, words, keys in (
            (self._before, self.tr("Previous match"), "Shift+F3"),
            (self._after, self.tr("Next match"), "F3"),
            (self._cross, self.tr("Close"), "Esc"),
        ):
            button.setAccessibleName(words)
            button.setToolTip(f"{words} ({keys})")
