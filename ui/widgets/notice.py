"""A line above the composer: something happened, and what can be done about it with one press."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from model_manager.errors import UserError
from ui.widgets.error_text import error_text
from ui.widgets.icons import icon, pixmap
from ui.widgets.theme import Theme

SHOWN_MS = 10_000
"""How long a notice with an undo stays."""


class NoticeBar(QWidget):
    """One notice at a time; errors stay until they are closed, the others go by themselves."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self._theme = theme
        self._is_error = False
        self._action: Callable[[], None] | None = None
        self._sign = QLabel(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._button = QPushButton(self)
        self._button.setProperty("quiet", True)
        self._button.clicked.connect(self._act)
        self._close = QToolButton(self)
        self._close.setIconSize(QSize(16, 16))
        self._close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.setSpacing(8)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._button)
        layout.addWidget(self._close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_message(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """Show a notice that goes by itself, with an action where there is one."""
        self._show(text, button, action, is_error=False)
        self._timer.start(SHOWN_MS)

    def show_error(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """Show an error that stays."""
        self._timer.stop()
        self._show(text, button, action, is_error=True)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do it, and complain where it fails; whether it was done."""
        try:
            action()
        except UserError as error:
            self.show_error(error_text(error))
            return False
        return True

    def text(self) -> str:
        """What is shown."""
        return self._text.text()

    def trigger_action(self) -> bool:
        """Do what the button does, where one is shown."""
        if self.isVisible() and self._action is not None:
            self._act()
            return True
        return False

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self._dress()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the rounded ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(self._theme.bad if self._is_error else self._theme.hairline))
        painter.setBrush(QColor(self._theme.raised))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        painter.end()

    def _show(self, text: str, button: str, action: Callable[[], None] | None, *, is_error: bool) -> None:
        self._is_error, self._action = is_error, action
        self._text.setText(text)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self._close.setToolTip(self.tr("Close"))
        self._close.setAccessibleName(self.tr("Close"))
        self.setAccessibleName(text)
        self._dress()
        self.show()

    def _dress(self) -> None:
        theme = self._theme
        name, colour = ("warning", theme.bad) if self._is_error else ("info", theme.quiet_text)
        self._sign.setPixmap(pixmap(name, colour, 18, self.devicePixelRatioF()))
        self._close.setIcon(icon("close", theme.quiet_text, 16))
        self.update()

    def _act(self) -> None:
        action, self._action = self._action, None
        self.hide()
        if action is not None:
            action()
