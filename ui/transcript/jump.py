"""The round button that leads to the newest message."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from ui.widgets import icons
from ui.widgets.theme import Theme

SIZE = 36


class JumpButton(QToolButton):
    """Shown while the end of the conversation is not on the screen; the End key does the same."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("jumpToNewestButton")
        self.setFixedSize(SIZE, SIZE)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self.setIcon(icons.icon("arrow-down", theme.text))
        self.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self.setStyleSheet(
            f"QToolButton {{ background: {theme.raised}; border: 1px solid {theme.edge};"
            f" border-radius: {SIZE // 2}px; }}"
            f"QToolButton:hover {{ background: {theme.hover}; }}"
        )

    def set_words(self, words: str) -> None:
        """Take the language."""
        self.setToolTip(f"{words} (End)")
        self.setAccessibleName(words)
