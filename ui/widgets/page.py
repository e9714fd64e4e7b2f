"""Page of the main window, in place of the conversation: a title with a button that leads back, and a body."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ui.widgets.dialog_parts import heading
from ui.widgets.layouts import hbox, vbox
from ui.widgets.tool_button import set_name, tool_button

HEAD_HEIGHT = 48


class Page(QWidget):
    """Base of the pages; a page is deleted when it is left, but not while it works.

    Subclasses add their body to ``column``.
    """

    back_requested = Signal()
    work_finished = Signal(bool)
    """Whether the work succeeded during which the page is kept."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.back_button = tool_button("backButton", "arrow-left")
        self.back_button.clicked.connect(self.back_requested)
        self._title = heading()
        head = QWidget()
        head.setFixedHeight(HEAD_HEIGHT)
        self.head = hbox(self.back_button, self._title, None, parent=head, spacing=8, margins=(12, 0, 24, 0))
        self.column = vbox(head, parent=self)

    def set_title(self, title: str) -> None:
        """Set the title, in the current language."""
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._title.setText(title)
        set_name(self.back_button, self.tr("Back"), "Esc")

    def is_busy(self) -> bool:
        """Return whether work is running that needs the page."""
        return False

    def finish(self) -> None:
        """Apply input that was typed but not confirmed; called before the page is left."""

    def go_back(self) -> bool:
        """Go back within the page; return false where that leads to what was shown before it."""
        return False

    def take_focus(self) -> None:
        """Give the keyboard focus to what had it last, or to the first control."""
        (self.focusWidget() or self.back_button).setFocus()

    def start_search(self) -> None:
        """Give the search field of the page the focus, where it has one."""
