"""Notice bar above the composer: a message and at most one button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QWidget

from model_manager.errors import UserError
from ui.widgets.dialog_parts import set_style_property
from ui.widgets.error_text import error_text
from ui.widgets.icons import IconLabel
from ui.widgets.layouts import hbox
from ui.widgets.tool_button import set_name, tool_button

SHOWN_MS = 10_000
"""How long a message is shown."""


class NoticeBar(QFrame):
    """Shows one message at a time: errors until they are closed, others for ``SHOWN_MS``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._action: Callable[[], None] | None = None
        self._icon = IconLabel("info", "quiet_text")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton(self)
        self.button.setProperty("quiet", True)
        self.button.clicked.connect(self._act)
        self._close = tool_button("closeNoticeButton", "close", size=16)
        self._close.clicked.connect(self.hide)
        hbox(self._icon, (self._text, 1), self.button, self._close, parent=self, spacing=8, margins=(11, 5, 5, 5))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_message(
        self, text: str, button: str = "", action: Callable[[], None] | None = None, *, is_error: bool = False
    ) -> None:
        """Show a message for a while, or an error until it is closed; with a button where ``action`` is given."""
        self._action = action
        set_style_property(self, error=is_error)
        self._text.setText(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        set_name(self._close, self.tr("Close"))
        self.setAccessibleName(text)
        self._icon.set_icon(*(("warning", "bad") if is_error else ("info", "quiet_text")))
        self._timer.start(SHOWN_MS)
        if is_error:
            self._timer.stop()
        self.show()

    def show_error(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """Show an error until it is closed."""
        self.show_message(text, button, action, is_error=True)

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

    def _act(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()
