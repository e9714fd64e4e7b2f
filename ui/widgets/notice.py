"""Notice bar above the composer: a message and at most one button."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from model_manager.errors import UserError
from ui.widgets.announcement import announce
from ui.widgets.dialog_parts import set_style_property
from ui.widgets.error_text import error_text
from ui.widgets.icons import IconLabel
from ui.widgets.layouts import hbox
from ui.widgets.tool_button import PushButton, set_name, tool_button

SHOWN_MS, SHOWN_WITH_BUTTON_MS = 10_000, 30_000
"""How long a message is shown."""
UNDO_S, MOST_UNDOS = 600.0, 50
"""How long what was done can be undone, and how much of it."""
CHECK_MS = 500
"""Time between two questions whether what a message says is still true."""


class NoticeBar(QFrame):
    """Shows one message at a time: errors until they are closed, others for ``SHOWN_MS``.

    What it offers to undo can be undone after the message is gone too.
    """

    needed = Signal()
    """A message is going to be shown."""
    left = Signal()
    """The message was closed, or its button pressed, and one of these had the focus."""
    undo_changed = Signal(bool)
    """Something was done that ``undo`` undoes, or was undone; whether there is more to undo."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        # Set before the first message, which would polish the bar once more.
        self.setProperty("error", False)
        self._action: Callable[[], None] | None = None
        self._undos: deque[tuple[float, Callable[[], None]]] = deque(maxlen=MOST_UNDOS)
        """Until when each can be undone (monotonic time); the last done is the last."""
        self._icon = IconLabel("info", "quiet_text")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self.button = PushButton(self)
        self.button.setProperty("quiet", True)
        self.button.clicked.connect(self._act)
        self._close = tool_button("closeNoticeButton", "close", size=16)
        self._close.clicked.connect(self._leave)
        hbox(self._icon, (self._text, 1), self.button, self._close, parent=self, spacing=8, margins=(11, 5, 5, 5))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self._is_true: Callable[[], bool] = lambda: True
        self._check = QTimer(self, interval=CHECK_MS)
        self._check.timeout.connect(self.refresh)
        self.hide()

    def show_message(
        self,
        text: str,
        button: str = "",
        action: Callable[[], None] | None = None,
        *,
        is_error: bool = False,
        is_true: Callable[[], bool] | None = None,
    ) -> None:
        """Show a message for a while, or an error until it is closed; with a button where ``action`` is given.

        It is hidden as soon as ``is_true`` returns false: when the state that it is about has ended.
        """
        self._action = action
        self._is_true = is_true or (lambda: True)
        set_style_property(self, error=is_error)
        self._text.setText(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        set_name(self._close, self.tr("Close"))
        self.setAccessibleName(text)
        self._icon.set_icon(*(("warning", "bad") if is_error else ("info", "quiet_text")))
        self._timer.start(SHOWN_WITH_BUTTON_MS if button else SHOWN_MS)
        if is_error:
            self._timer.stop()
        self.needed.emit()
        self.show()
        announce(self, text)

    def show_error(
        self,
        text: str,
        button: str = "",
        action: Callable[[], None] | None = None,
        is_true: Callable[[], bool] | None = None,
    ) -> None:
        """Show an error until it is closed or no longer true."""
        self.show_message(text, button, action, is_error=True, is_true=is_true)

    def show_undo(self, text: str, undo: Callable[[], None]) -> None:
        """Show what was done, with a button that undoes it, as Ctrl+Z does for ``UNDO_S``."""
        self.show_message(text, self.tr("Undo"), self.undo)
        self.keep_undo(undo)

    def keep_undo(self, undo: Callable[[], None]) -> None:
        """Let Ctrl+Z do this next."""
        self._undos.append((time.monotonic() + UNDO_S, undo))
        self.undo_changed.emit(True)

    def undo(self) -> None:
        """Undo what was done last, where that is not too long ago."""
        if self._action == self.undo:
            self.hide()
        until, undo = self._undos.pop() if self._undos else (0.0, None)
        if undo is not None and time.monotonic() < until:
            undo()
        self.undo_changed.emit(bool(self._undos))

    def refresh(self) -> None:
        """Hide a message that is no longer true."""
        if not self._is_true():
            self.hide()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102
        super().showEvent(event)
        self._check.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102
        super().hideEvent(event)
        self._check.stop()

    def attempt(self, action: Callable[[], object]) -> bool:
        """Call ``action`` and show its error; return whether it succeeded."""
        try:
            action()
        except UserError as error:
            self.show_error(error_text(error))
            return False
        return True

    def text(self) -> str:
        """Return the shown text."""
        return self._text.text()

    def _leave(self) -> None:
        had_focus = self.button.hasFocus() or self._close.hasFocus()
        self.hide()
        if had_focus:
            self.left.emit()

    def _act(self) -> None:
        action, self._action = self._action, None
        self._leave()
        if action is not None:
            action()
