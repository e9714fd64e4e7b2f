"""The transcript widget: what the window calls, the scrolling, the painting and the keyboard.

It is handed finished items and words and gives back what a person asked for; it knows no conversation, no engine and
no store.  What the pointer does is in ``pointer``, where messages stand in ``page``.
"""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolButton, QWidget

from app.chat.conversation import Status
from ui import icons
from ui.theme import LIGHT, TEXT_SIZE, Theme
from ui.transcript.caret import Caret
from ui.transcript.item import Item, Words
from ui.transcript.menu import make_menu
from ui.transcript.message import MessageView, grown
from ui.transcript.page import Page
from ui.transcript.pointer import Pointer
from ui.transcript.selection import END, Selection, selected_text
from ui.transcript.style import MARGIN, TextStyle

GATHER_MS = 24
COLOUR_MS, COLOUR_PAUSE_MS = 8, 4
COPIED_MS = 1500
JUMP = 36
LINE_STEP = 48


class Transcript(QAbstractScrollArea):
    """A conversation to read."""

    action_requested = Signal(str, str)
    """An action and the id of its message."""
    link_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pointer = Pointer(self)
        self.viewport().setMouseTracking(True)
        self._style = TextStyle(LIGHT)
        self._words = self._make_words()
        self.page = Page(self._make_view)
        self.selection = Selection()
        self.done = ""
        """The copy button that just did its work: message and key."""
        self._marked: tuple[int, str] = (-1, "")
        self._waiting: dict[str, str] = {}
        self._pending: dict[str, list[str]] = {}
        self._setting_bar = False
        self._gather = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._gather.timeout.connect(self.flush)
        self._flush_cost = 0.0
        self._colouring = QTimer(self, singleShot=True, interval=COLOUR_PAUSE_MS)
        self._colouring.timeout.connect(self._colour_more)
        self._caret = Caret(self)
        self._caret.moved.connect(self._breathe)
        self._forget_done = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._forget_done.timeout.connect(lambda: self.show_done(""))
        self._jump = QToolButton(self)
        self._jump.setObjectName("jumpToNewestButton")
        self._jump.setFixedSize(JUMP, JUMP)
        self._jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self._jump.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._jump.clicked.connect(self.jump_to_newest)
        self._jump.hide()
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.set_theme(LIGHT)
        self._retranslate()

    # What is shown

    def set_items(self, items: list[Item]) -> None:
        """Another conversation, from its end."""
        self._pending.clear()
        self._waiting.clear()
        self.selection = Selection()
        self._marked = (-1, "")
        self.page.set_items(items)
        self.pointer.reset()
        self._arrange()
        self._watch_breath()

    def update_item(self, item: Item) -> None:
        """Another state of a message; one of another conversation is passed over."""
        self._pending.pop(item.id, None)
        if item.id not in self.page.index:
            return
        if item.status is not Status.STREAMING:
            self._waiting.pop(item.id, None)
        self.page.replace(item)
        self._arrange()
        self._watch_breath()

    def append_item(self, item: Item) -> None:
        """One more message at the end; a question brings the reader there."""
        self.page.append(item)
        if item.is_question:
            self.page.following = True
        self._arrange()
        self._watch_breath()

    def append_text(self, item_id: str, text: str) -> None:
        """More of an answer; shown a few hundredths of a second later, together with what comes until then."""
        self._pending.setdefault(item_id, []).append(text)
        if not self._gather.isActive():
            # A long table costs more to set than a paragraph; never spend more than a quarter of the time on it.
            self._gather.start(max(GATHER_MS, round(self._flush_cost * 3000)))

    def flush(self) -> None:
        """Show the text that was gathered."""
        started = time.perf_counter()
        pending, self._pending = self._pending, {}
        for item_id, pieces in pending.items():
            if item_id in self.page.index:
                text = "".join(pieces)
                self.page.grow(grown(self.page.items[self.page.index[item_id]], text), text)
        self._arrange()
        self._flush_cost = time.perf_counter() - started

    def set_waiting(self, item_id: str, text: str) -> None:
        """The line that stands in for an answer before its first word."""
        self._waiting[item_id] = text
        number = self.page.index.get(item_id, -1)
        if number in self.page.views:
            self.page.views[number].waiting = text
            self.viewport().update()

    def set_theme(self, theme: Theme, text_size: int = TEXT_SIZE) -> None:
        """Other colours, or another size of the text."""
        self._style = TextStyle(theme, text_size)
        self._jump.setIcon(icons.icon("arrow-down", theme.text))
        self._jump.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self._jump.setStyleSheet(
            f"QToolButton {{ background: {theme.raised}; border: 1px solid {theme.hairline};"
            f" border-radius: {JUMP // 2}px; }}"
            f"QToolButton:hover {{ background: {theme.hover}; }}"
        )
        self._relayout()

    def set_reduced_motion(self, reduced: bool) -> None:
        """Whether the caret stands still."""
        self._caret.reduced_motion = reduced
        self._watch_breath()

    def scroll_to_item(self, item_id: str, needle: str = "") -> None:
        """Bring a message to the screen and mark where a text occurs in it."""
        number = self.page.index.get(item_id)
        if number is None:
            return
        self._marked = (number, needle)
        view = self.page.view(number)
        hits = self._hits(view, number)
        first = min(hits) if hits else 0
        inside = view.top_of((first, hits[first][0][0])) if hits else 0.0
        room = self.page.height / 3 if hits else 0.0
        self.page.show(number, room - inside if inside > room else float(MARGIN))
        self._arrange()

    def jump_to_newest(self) -> None:
        """Go to the end and follow it."""
        self.page.following = True
        self._arrange()

    def show_done(self, key: str) -> None:
        """Put a tick on a copy button for a moment."""
        self.done = key
        if key:
            self._forget_done.start()
        self.viewport().update()

    # What is selected

    def selected_text(self) -> str:
        """The selected characters; messages are parted by blank lines."""
        return selected_text(self.page, self.selection)

    def select_all(self) -> None:
        """Select the whole conversation."""
        if self.page.items:
            self.set_selection(Selection((0, 0, 0), (len(self.page.items) - 1, END, END)))

    def set_selection(self, selection: Selection) -> None:
        """Select another stretch."""
        self.selection = selection
        self.viewport().update()

    def copy(self) -> None:
        """Put the selected text on the clipboard."""
        text = self.selected_text()
        if text:
            QGuiApplication.clipboard().setText(text)

    # Its own words

    def _make_words(self) -> Words:
        return Words(
            copy=self.tr("Copy"),
            copied=self.tr("Copied"),
            copy_code=self.tr("Copy code"),
            copy_link=self.tr("Copy link address"),
            copy_markdown=self.tr("Copy message as Markdown"),
            select_all=self.tr("Select all"),
            retry=self.tr("Try again"),
            go_on=self.tr("Continue"),
            edit=self.tr("Edit"),
            thought=self.tr("Thoughts"),
            you=self.tr("You"),
            answer=self.tr("Answer"),
        )

    def _retranslate(self) -> None:
        self._words = self._make_words()
        self._jump.setToolTip(self.tr("Jump to the newest message"))
        self._jump.setAccessibleName(self.tr("Jump to the newest message"))
        self.setAccessibleName(self.tr("Conversation"))
        self._relayout()

    @property
    def words(self) -> Words:
        """Its own words in the present language."""
        return self._words

    # Where things stand

    def _make_view(self, item: Item) -> MessageView:
        view = MessageView(item, self._style, self._words)
        view.waiting = self._waiting.get(item.id, "")
        return view

    def _relayout(self) -> None:
        self.page.forget_views()
        self._arrange()

    def _arrange(self) -> None:
        page, bar = self.page, self.verticalScrollBar()
        if page.height <= 0:
            return
        page.arrange()
        # The range has whole pixels and the anchor has not; the bar is only a picture of where the page stands.
        self._setting_bar = True
        bar.setPageStep(int(page.height))
        bar.setSingleStep(LINE_STEP)
        most = max(0, math.ceil(page.total - page.height))
        bar.setRange(0, most)
        bar.setValue(most if page.following else round(page.offset))
        self._setting_bar = False
        self._jump.setVisible(bool(page.items) and not page.following)
        if any(page.view(number).wants_colour for number, _ in page.visible):
            self._colouring.start()
        self.viewport().update()

    def _colour_more(self) -> None:
        until = time.perf_counter() + COLOUR_MS / 1000
        if any(self.page.view(number).colour_more(until) for number, _ in self.page.visible):
            self._colouring.start()
        self.viewport().update()

    def _scrolled(self, value: int) -> None:
        if self._setting_bar:
            return
        distance = value - self.page.offset
        if abs(distance) <= 2 * self.page.height:
            self.page.scroll_by(distance)
        else:
            self.page.scroll_to(value)
        self._arrange()

    def scroll_by(self, distance: float) -> None:
        """Move the page up by a distance."""
        self.page.scroll_by(distance)
        self._arrange()

    def _hits(self, view: MessageView, number: int) -> dict[int, list[tuple[int, int]]]:
        if number != self._marked[0] or not self._marked[1]:
            return {}
        found = {at: part.find(self._marked[1]) for at, part in enumerate(view.parts)}
        return {at: ranges for at, ranges in found.items() if ranges}

    # Qt's calls

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The column follows the width; the line one reads stays."""
        size = self.viewport().size()
        self.page.resize(size.width(), size.height())
        self._arrange()
        self._jump.move((size.width() - JUMP) // 2, size.height() - JUMP - 16)
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """The caret breathes only while it can be seen."""
        super().showEvent(event)
        self._watch_breath()

    def hideEvent(self, event: QHideEvent) -> None:
        """What cannot be seen needs no motion."""
        super().hideEvent(event)
        self._watch_breath()

    def changeEvent(self, event: QEvent) -> None:
        """Another language gives other words."""
        if event.type() is QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Nothing to move: what the bar says is painted anew."""

    def viewportEvent(self, event: QEvent) -> bool:
        """Leave and tooltips go to the pointer, which knows the buttons."""
        if self.pointer.handle(event):
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the messages on the screen."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dirty = QRectF(event.rect())
        painter.fillRect(dirty, self._style.colour("page"))
        page = self.page
        for number, top in page.visible:
            clip = dirty.translated(-page.left, -top)
            if clip.bottom() < 0 or clip.top() > page.heights[number]:
                continue
            view = page.view(number)
            painter.save()
            painter.translate(page.left, top)
            view.paint(painter, clip, self.selection.within(number, view.end), self._hits(view, number))
            over, pressed = self.pointer.over(number)
            done = self.done.removeprefix(f"{number} ") if self.done.startswith(f"{number} ") else ""
            near = number == self.pointer.message or (number == len(page.items) - 1 and not view.item.is_question)
            view.paint_buttons(painter, near=near, over=over, pressed=pressed, done=done)
            if view.item.status is Status.STREAMING:
                self._caret.paint(painter, view.caret(), self._style.colour("accent"))
            painter.restore()
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll, select and copy."""
        page = self.page
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif event.key() == Qt.Key.Key_Home:
            page.show(0, float(MARGIN))
            self._arrange()
        elif event.key() == Qt.Key.Key_End:
            self.jump_to_newest()
        elif event.key() in _SCROLL_KEYS:
            lines, pages = _SCROLL_KEYS[Qt.Key(event.key())]
            self.scroll_by(lines * LINE_STEP + pages * (page.height - LINE_STEP))
        elif event.key() == Qt.Key.Key_Escape and not self.selection.is_empty:
            self.set_selection(Selection())
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the message under the pointer."""
        menu = make_menu(self, QPointF(self.viewport().mapFromGlobal(event.globalPos())))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def _watch_breath(self) -> None:
        self._caret.watch(any(item.status is Status.STREAMING for item in self.page.items[-2:]) and self.isVisible())

    def _breathe(self) -> None:
        for number, top in self.page.visible:
            view = self.page.views.get(number)
            if view and view.item.status is Status.STREAMING:
                spot = view.caret().translated(self.page.left, top).adjusted(-2, -2, 2, 2)
                self.viewport().update(spot.toAlignedRect())


_SCROLL_KEYS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_PageUp: (0, -1),
    Qt.Key.Key_PageDown: (0, 1),
}
