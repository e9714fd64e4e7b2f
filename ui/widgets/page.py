"""Pages of the main window, in place of the chat: a title with a button that leads back, and a body."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from ui.widgets.dialog_parts import heading
from ui.widgets.layouts import hbox, vbox
from ui.widgets.tool_button import set_name, tool_button

HEAD_HEIGHT = 48
P = TypeVar("P", bound="Page")


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
        self.first_focus: QWidget = self.back_button
        """Gets the keyboard focus when the page is shown for the first time; Qt gives it back later."""
        self._is_new = True

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

    def refresh(self) -> None:
        """Show settings that were changed elsewhere."""

    def go_back(self) -> bool:
        """Go back within the page; return false where that leads to what was shown before it."""
        return False

    def take_focus(self) -> None:
        """Give the keyboard focus to ``first_focus``, once."""
        if self._is_new:
            self._is_new = False
            self.first_focus.setFocus()

    def start_search(self) -> None:
        """Give the search field of the page the focus, where it has one."""


class PageStack(QStackedWidget):
    """Shows its first widget, the chat, or a page in its place."""

    changed = Signal()
    """Another page is shown, or the first widget."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[Page] = []

    @property
    def page(self) -> Page | None:
        """The shown page."""
        return self._open[-1] if self._open else None

    def find_page(self, kind: type[P]) -> P | None:
        """Return a page that is open, or works on after it was left."""
        return next((each for each in self._pages() if isinstance(each, kind)), None)

    def refresh(self) -> None:
        """Let all pages show settings that were changed elsewhere."""
        for page in self._pages():
            page.refresh()

    def show_page(self, page: Page) -> None:
        """Show a page; its way back leads to what is shown now."""
        if self.indexOf(page) < 0:
            self.addWidget(page)
            page.back_requested.connect(self.leave)
            page.work_finished.connect(partial(self._end_work, page))
        if self.page is not None and self.page is not page:
            self.page.finish()
        self._open = [*(each for each in self._open if each is not page), page]
        self._show_last()

    def leave(self) -> None:
        """Show what was shown before the page."""
        page = self._open.pop()
        page.finish()
        self._show_last()
        if not page.is_busy():
            self._drop(page)

    def show_first(self) -> None:
        """Leave all pages."""
        while self._open:
            self.leave()

    def drop_hidden(self) -> None:
        """Delete the pages below the shown one, whose texts are in another language."""
        for page in self._open[:-1]:
            self._drop(page)
        self._open = self._open[-1:]

    def _pages(self) -> Iterator[Page]:
        widgets = (self.widget(place) for place in range(1, self.count()))
        return (each for each in widgets if isinstance(each, Page))

    def _show_last(self) -> None:
        shown = self.indexOf(self.page) if self.page is not None else 0
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        widgets = [widget for place in range(self.count()) if (widget := self.widget(place)) is not None]
        widgets[shown].setEnabled(True)
        self.setCurrentIndex(shown)
        for place, widget in enumerate(widgets):
            # A hidden widget would take the keyboard focus where it is set, and the keys that follow.
            widget.setEnabled(place == shown)
        current = self.currentWidget()
        if had_focus and current is not None and (last := current.focusWidget()) is not None:
            last.setFocus()
        self.changed.emit()

    def _end_work(self, page: Page, succeeded: bool) -> None:
        """Show a page again whose work failed after it was left."""
        if page in self._open:
            return
        if succeeded:
            self._drop(page)
        else:
            self.show_page(page)

    def _drop(self, page: Page) -> None:
        self.removeWidget(page)
        page.deleteLater()
