"""The transcript: a virtualised, scrolling view of one conversation that paints its messages itself.

It displays ``Item`` values and emits the user's requests as signals; it doesn't depend on the engine or the store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QWidget

from app.conversation import Status
from app.formulas import FormulaRenderer
from app.markdown.blocks import Table, block_text
from app.markdown.highlight import code_file_name
from ui.pictures.drawings import Drawings
from ui.pictures.thumbnails import Thumbnails
from ui.transcript.announcer import Announcer
from ui.transcript.blocks.code import CodePart
from ui.transcript.blocks.formula import FormulaCache, RenderContext
from ui.transcript.blocks.markdown import table_csv, table_markdown
from ui.transcript.decorations import ButtonStates, icon_of, paint_ring, rare_actions
from ui.transcript.finder import BAR_MARGIN, BAR_WIDTH, FindBar, Finder
from ui.transcript.item import ACTIONS, Item, TranscriptStrings
from ui.transcript.keyboard import MARKDOWN_KEYS, Keyboard
from ui.transcript.message import MessageView
from ui.transcript.pointer import Pointer
from ui.transcript.state import LINE_STEP, Selection, TranscriptState
from ui.transcript.style import TextStyle
from ui.widgets import icons
from ui.widgets.theme import LIGHT, TEXT_SIZE, Theme
from ui.widgets.tool_button import ToolButton
from ui.widgets.translated import Translated

READ_MS, READ_PAUSE_MS = 8, 4
"""Reading and highlighting of long messages: milliseconds of work, then of pause."""
DONE_MS = 1500
"""How long a copy button shows a tick."""
SECOND_MS = 1000
CARET_STEP_MS, CARET_PERIOD_S = 60, 1.6
"""Animation of the caret at the end of a growing answer."""
CARET_ROOM = 8
JUMP_SIZE, JUMP_SPACE, JUMP_BOTTOM = 36, 12, 16
MAX_AREAS = 4
"""Areas that are painted one by one; more are painted as one."""
CURRENT_MATCH_ALPHA = 80
"""Of 255."""


class Transcript(Translated, QAbstractScrollArea):
    """The messages of one conversation."""

    action_requested = Signal(str, str)
    """One of ``item.ACTIONS`` and the id of the message."""
    wrapping_changed = Signal(bool)
    """The user wraps long lines of code, or scrolls them."""
    save_requested = Signal(str, str)
    """Name and text of a file to be written."""
    picture_requested = Signal(object)
    """The ``Attachment`` of a drawing to be shown large."""
    browser_requested = Signal(str)
    """HTML to be opened in the browser."""

    def __init__(self, parent: QWidget | None = None, *, with_previews: bool = True) -> None:
        """``with_previews`` offers to show code as a drawing or in the browser."""
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.state = state = TranscriptState(
            lambda item: MessageView(item, self._context, state.strings, state.thoughts), self
        )
        self.page = state.page
        self.link_activated, self.zoom_requested = state.link_activated, state.zoom_requested
        self.jump_to_newest = state.jump_to_newest
        self.finder = Finder(state, self)
        self.find_bar = FindBar(self.finder, self)
        self.pointer = Pointer(state, self.viewport())
        self.keyboard = Keyboard(state, self.find_bar, self)
        self.formulas = FormulaCache(self)
        self.thumbnails = Thumbnails(self)
        self.drawings = Drawings(self) if with_previews else None
        self._announcer = Announcer(self)
        self._waiting: dict[str, str] = {}
        """By message id the line shown instead of an answer that has not begun."""
        self._edited_id = ""
        """Of the question that is edited."""
        self._version_place: tuple[int, float] | None = None
        """Number and top of the message whose other version was requested."""
        self._setting_bar = False
        self._reduced_motion = False
        self._read_timer = QTimer(self, singleShot=True, interval=READ_PAUSE_MS)
        self._answer_timer = QTimer(self)
        self._done_timer = QTimer(self, singleShot=True, interval=DONE_MS)
        self._jump = ToolButton(self)
        self._jump.setObjectName("jumpToNewestButton")
        self._jump.setFixedSize(JUMP_SIZE, JUMP_SIZE)
        self._jump.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self._jump.setIcon(icons.icon("arrow-down", "text"))
        self._jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self._jump.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._jump.hide()
        self._connect()
        self._context = RenderContext(TextStyle(LIGHT), self.formulas, self.thumbnails, self.drawings)
        self._retranslate()

    def _connect(self) -> None:
        state = self.state
        state.arrange_requested.connect(self._arrange)
        state.repaint_requested.connect(self.viewport().update)
        state.focus_moved.connect(self._announce_focus)
        state.button_pressed.connect(self.press)
        self.keyboard.menu_requested.connect(self.show_menu)
        self.finder.changed.connect(self.viewport().update)
        self.formulas.rendered.connect(self._update_formulas)
        self.thumbnails.ready.connect(self.viewport().update)
        if self.drawings is not None:
            self.drawings.changed.connect(self._update_drawings)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self._jump.clicked.connect(state.jump_to_newest)
        self._read_timer.timeout.connect(self._read_more)
        self._answer_timer.timeout.connect(self._animate)
        self._done_timer.timeout.connect(lambda: self._show_done(-1, ""))

    def set_items(self, items: list[Item]) -> None:
        """Show another conversation from its end, or the same one in another state at the same place."""
        version_place, self._version_place = self._version_place, None
        before = self.page.items
        is_same = bool(before and items) and (before[0].id == items[0].id or version_place is not None)
        self.state.selection = Selection()
        self.page.set_items(items, keep=is_same)
        if is_same and version_place is not None and version_place[0] < len(items):
            self.page.show(*version_place)
        self.pointer.reset()
        if not is_same:
            self._waiting.clear()
            self.keyboard.reset()
        self._arrange()
        self.finder.restart()
        self._watch_answer()

    def update_item(self, item: Item) -> None:
        """Show another state of a message; one of another conversation is ignored."""
        if self._replace(item) is not None:
            if item.status is not Status.STREAMING:
                self._waiting.pop(item.id, None)
            self._arrange()
            self._watch_answer()

    def _replace(self, item: Item) -> int | None:
        """Replace a message; return its number, or None for one of another conversation."""
        number = self.page.index.get(item.id)
        if number is not None:
            self.state.thoughts.measure(item)
            self.page.replace(item)
            self.finder.refresh(number)
            if QAccessible.isActive():
                self._announcer.follow(self.page.view(number), self.state.strings)
        return number

    def append_item(self, item: Item) -> None:
        """Add a message at the end; a question scrolls there."""
        self.page.add(item)
        if item.is_question:
            self.page.show_end()
        self._arrange()
        self.finder.refresh(len(self.page.items) - 1)
        self._watch_answer()

    def append_text(self, item_id: str, text: str) -> None:
        """Append to an answer that is being written; one of another conversation is ignored."""
        number = self.page.index.get(item_id)
        if number is not None:
            self.set_text(item_id, self.page.items[number].content + text)

    def set_text(self, item_id: str, text: str) -> None:
        """Replace the text of an answer that is being written; one of another conversation is ignored."""
        number = self.page.index.get(item_id)
        if number is not None:
            self._replace(replace(self.page.items[number], content=text))
            self._arrange(number)

    def set_waiting(self, item_id: str, text: str) -> None:
        """Set the line shown instead of an answer before its first token."""
        self._waiting[item_id] = text
        self.viewport().update()

    def set_edited(self, item_id: str) -> None:
        """Mark the question that is edited; empty for none."""
        self._edited_id = item_id
        self.viewport().update()

    def use_formula_renderer(self, renderer: FormulaRenderer) -> None:
        """Render formulas with this; without it they are shown as their source."""
        self.formulas.renderer = renderer
        self._relayout()

    def _update_formulas(self) -> None:
        if self.page.update_formulas():
            self._arrange()
        self.viewport().update()

    def set_theme(self, theme: Theme, text_size: int = TEXT_SIZE) -> None:
        """Use other colours, or another text size."""
        style = TextStyle(theme, text_size)
        wraps = self._context.wraps_code
        self._context = RenderContext(style, self.formulas, self.thumbnails, self.drawings, wraps_code=wraps)
        self._relayout()

    def set_wraps_code(self, wraps: bool) -> None:
        """Wrap long lines of code, or scroll them."""
        if wraps != self._context.wraps_code:
            self._context.wraps_code = wraps
            self._update_drawings()

    def _update_drawings(self) -> None:
        """Lay out the code again that is wrapped, or shown as a drawing, or no longer."""
        self.page.wrap_code()
        self._arrange()
        self.viewport().update()

    def set_reduced_motion(self, reduced: bool) -> None:
        """Turn the animation of the caret of a growing answer off or on."""
        self._reduced_motion = reduced
        self._watch_answer()

    def _retranslate(self) -> None:
        self.state.strings = TranscriptStrings()
        jump = self.tr("Jump to the newest message")
        self._jump.setToolTip(f"{jump} (End)")
        self._jump.setAccessibleName(jump)
        self.setAccessibleName(self.tr("Conversation"))
        self._relayout()

    def _relayout(self) -> None:
        self.page.forget_views()
        self._arrange()

    def scroll_to_item(self, item_id: str, text: str = "") -> None:
        """Scroll to a message, and to the first place where a text occurs in it, which is marked."""
        number = self.page.index.get(item_id)
        if number is not None:
            self.state.show_message(number)
            self.finder.search_message(number, text)

    def open_find(self) -> None:
        """Show the bar that finds a text; one selected line is searched at once."""
        if self.isVisible():
            start, end = self.state.selection.start, self.state.selection.end
            selected = self.state.selected_text() if start[:2] == end[:2] else ""
            self.find_bar.open_bar("" if "\n" in selected else selected)

    def _arrange(self, grown: int | None = None) -> None:
        """Find the messages on the screen and update the scroll bar; ``grown`` is the only message that changed."""
        page, bar = self.page, self.verticalScrollBar()
        if page.height <= 0:
            return
        before = page.visible
        page.arrange()
        # The bar has whole pixels and the anchor has not: it only shows where the page is.
        self._setting_bar = True
        bar.setPageStep(int(page.height))
        bar.setSingleStep(LINE_STEP)
        maximum = max(0, math.ceil(page.total - page.height))
        bar.setRange(0, maximum)
        bar.setValue(maximum if page.following else round(page.offset))
        self._setting_bar = False
        self._jump.setVisible(bool(page.items) and not page.following)
        views = [page.view(number) for number, _ in page.visible]
        if any(view.is_behind or view.body.needs_highlight or view.body.is_stale for view in views):
            self._read_timer.start()
        distance = None if grown is None or self.find_bar.isVisible() else _scrolled_up(before, page.visible, grown)
        has_whole_pixels = self.viewport().devicePixelRatioF().is_integer()
        if distance is None or not distance.is_integer() or not has_whole_pixels:
            self.viewport().update()
            return
        # An answer grows by a line or less: painting everything else again would cost more than all the rest.
        if distance:
            self.viewport().scroll(0, -int(distance))
            if views[0].body.holds_head:
                self.viewport().update(0, 0, self.viewport().width(), views[0].style.code_head)
        changed = max(0, int(page.visible[-1][1] + views[-1].changed_from) - CARET_ROOM)
        self.viewport().update(0, changed, self.viewport().width(), self.viewport().height() - changed)

    def _scrolled(self, value: int) -> None:
        if self._setting_bar:
            return
        distance = value - self.page.offset
        if abs(distance) <= 2 * self.page.height:
            self.page.scroll_by(distance)
        else:
            self.page.scroll_to(value)
        self._arrange()

    def _read_more(self) -> None:
        """Read the long messages on the screen and highlight their code for a moment."""
        deadline, page = time.perf_counter() + READ_MS / 1000, self.page
        for number, _ in page.visible:
            view = page.view(number)
            if view.is_behind:
                view.read_until(deadline)
                page.measure_again(number)
                if not view.is_behind:
                    self.finder.handle_read(number)
            elif view.body.is_stale:
                page.lay_out_more(number, deadline)
            else:
                view.body.highlight_until(deadline)
            if time.perf_counter() > deadline:
                break
        self._arrange()

    def _watch_answer(self) -> None:
        """Animate the caret and count the seconds of thinking while an answer grows that can be seen; announce it."""
        if self.page.items and QAccessible.isActive():
            # From the beginning: an answer can be stopped before its first token.
            self._announcer.follow(self.page.view(len(self.page.items) - 1), self.state.strings)
        self._answer_timer.start(SECOND_MS if self._reduced_motion else CARET_STEP_MS)

    def _animate(self) -> None:
        if not self.isVisible() or all(item.status is not Status.STREAMING for item in self.page.items[-2:]):
            self._answer_timer.stop()
        for number, top in self.page.visible:
            view = self.page.view(number)
            if view.item.status is not Status.STREAMING:
                continue
            if not self._reduced_motion:
                rect = view.caret_rect().translated(self.page.left, top).adjusted(-2, -2, 2, 2)
                self.viewport().update(rect.toAlignedRect())
            seconds = self.state.thoughts.seconds(view.item)
            if view.is_thinking and round(seconds or 0) != round(view.thought_s or 0):
                self.page.measure_again(number)
                self._arrange()

    def _announce_focus(self) -> None:
        """Let a screen reader announce what has the keyboard focus."""
        interface = QAccessible.queryAccessibleInterface(self) if QAccessible.isActive() else None
        child = interface.focusChild() if interface is not None else None
        if child is not None:
            QAccessible.updateAccessibility(QAccessibleEvent(child, QAccessible.Event.Focus))

    def press(self, number: int, key: str) -> None:
        """Press a button of a message."""
        kind, _, name = key.partition(":")
        item, view = self.page.items[number], self.page.view(number)
        if kind == "thought":
            self.state.set_thought_open(number, not self.state.thoughts.is_open(item))
        elif kind == "fold":
            self.state.set_folded(number, not view.is_folded)
        elif kind in {"code", "save", "wrap", "preview", "picture", "browser"}:
            part = view.parts[int(name)]
            assert isinstance(part, CodePart)
            self._press_code(part, kind)
            if kind == "code":
                self._show_done(number, key)
        elif kind == "table":
            menu = self._new_menu("tableMenu")
            self._add_table_actions(menu, number, key, view.body.table(int(name)))
            self._open_menu_below(menu, number, key)
        elif name == "more":
            menu = self._new_menu("moreMenu")
            self._add_actions(menu, number, rare_actions(item))
            self._open_menu_below(menu, number, key)
        else:
            if name == "copy":
                self._show_done(number, key)
            self._request_action(number, name)

    def _press_code(self, part: CodePart, kind: str) -> None:
        code = part.block
        if kind == "code":
            QGuiApplication.clipboard().setText(code.text)
        elif kind == "save":
            self.save_requested.emit(code_file_name(code.text, code.language), f"{code.text}\n")
        elif kind == "preview" and self.drawings is not None:
            self.drawings.toggle(code.text)
        elif kind == "picture" and part.drawing is not None:
            self.picture_requested.emit(part.drawing.attachment)
        elif kind == "browser":
            self.browser_requested.emit(code.text)
        else:
            self.set_wraps_code(not self._context.wraps_code)
            self.wrapping_changed.emit(self._context.wraps_code)

    def _add_table_actions(self, menu: QMenu, number: int, key: str, table: Table) -> None:
        csv, icon = table_csv(table), self._context.style.theme.text

        def copy(text: str) -> None:
            QGuiApplication.clipboard().setText(text)
            self._show_done(number, key)

        for label, text in (
            (self.tr("Copy as CSV"), csv),
            (self.tr("Copy as Markdown"), table_markdown(table)),
            (self.tr("Copy for a spreadsheet"), block_text(table)),
        ):
            menu.addAction(icons.icon("copy", icon), label, partial(copy, text))
        save = partial(self.save_requested.emit, "table.csv", csv)
        menu.addAction(icons.icon("save", icon), self.tr("Save as CSV…"), save)

    def _request_action(self, number: int, name: str) -> None:
        if name in {"previous", "next"}:
            # The other version is shown in the same place.
            top = self.page.top_of(number)
            self._version_place = (number, top) if top is not None else None
        self.action_requested.emit(name, self.page.items[number].id)

    def show_copied(self, message_id: str) -> None:
        """Show at the button of a message that it was copied, as by its shortcut."""
        number = next((at for at, item in enumerate(self.page.items) if item.id == message_id), -1)
        buttons = self.page.view(number).buttons if number >= 0 else ()
        key = next((each.key for each in buttons if each.key.rpartition(":")[2] == "copy"), "")
        if key:
            self._show_done(number, key)

    def _show_done(self, number: int, key: str) -> None:
        self.state.done = (number, key)
        if key:
            self._done_timer.start()
        self.viewport().update()

    def show_menu(self, point: QPointF | None = None) -> None:
        """Open the context menu at a point of the viewport, or where the keyboard focus is."""
        if point is None:
            point = self.keyboard.focus_point()
            target = self.state.focused_target()
            link = target.address if target else ""
        else:
            link = self.pointer.link_at(point)
        state, found = self.state, self.page.message_at(point.y())
        menu, set_clipboard = self._new_menu("messageMenu"), QGuiApplication.clipboard().setText

        def add(label: str, handler: Callable[[], object], *, enabled: bool = True, keys: Any = None) -> None:
            action = menu.addAction(label, handler)
            action.setEnabled(enabled)
            if keys is not None:
                action.setShortcut(QKeySequence(keys))

        if link:
            add(self.tr("Open link…"), lambda: self.link_activated.emit(link))
            add(self.tr("Copy link address"), lambda: set_clipboard(link))
            menu.addSeparator()
        if formula := self._formula_at(point):
            add(self.tr("Copy formula as LaTeX"), lambda: set_clipboard(formula))
            menu.addSeparator()
        has_selection = not state.selection.is_empty
        if has_selection:
            add(state.strings.copy, state.copy, keys=QKeySequence.StandardKey.Copy)
            add(self.tr("Copy as Markdown"), partial(state.copy, markdown=True), keys=MARKDOWN_KEYS)
            menu.addSeparator()
        if found is not None:
            item = self.page.items[found[0]]
            has_text, copy = bool(item.content), partial(state.copy_message, found[0])
            add(self.tr("Copy message as text"), partial(copy, markdown=False), enabled=has_text)
            add(self.tr("Copy message as Markdown"), partial(copy, markdown=True), enabled=has_text)
            menu.addSeparator()
            self._add_actions(menu, found[0], [name for name in ACTIONS if name in item.actions and name != "copy"])
            menu.addSeparator()
        add(
            self.tr("Select all"),
            state.select_all,
            enabled=bool(self.page.items),
            keys=QKeySequence.StandardKey.SelectAll,
        )
        self._open_menu(menu, point)

    def _formula_at(self, point: QPointF) -> str:
        found = self.page.message_at(point.y())
        if found is None:
            return ""
        point = point - QPointF(self.page.left, found[1])
        part = self.page.view(found[0]).body.part_at(point)
        return part.formula_at(point - part.rect.topLeft()) if part is not None else ""

    def _new_menu(self, name: str) -> QMenu:
        menu = QMenu(self)
        menu.setObjectName(name)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _add_actions(self, menu: QMenu, number: int, names: Iterable[str]) -> None:
        for name in names:
            if name == "delete":
                menu.addSeparator()
            label = self.state.strings.action(name, is_pinned=self.page.items[number].is_pinned)
            icon = icons.icon(icon_of(name), self._context.style.theme.text)
            menu.addAction(icon, label, partial(self._request_action, number, name))

    def _open_menu_below(self, menu: QMenu, number: int, key: str) -> None:
        corner = next(button.rect.bottomLeft() for button in self.page.view(number).buttons if button.key == key)
        self._open_menu(menu, corner + QPointF(self.page.left, (self.page.top_of(number) or 0.0) + 2))

    def _open_menu(self, menu: QMenu, point: QPointF) -> None:
        menu.popup(self.viewport().mapToGlobal(QPoint(round(point.x()), round(point.y()))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the column to the width; the line that is being read stays in place."""
        size = self.viewport().size()
        # The margin has room for the scroll bar, which appears without moving the column.
        self.page.resize(self.width(), size.height())
        self._arrange()
        # The button is right of the text where there is space, else over its middle: at its end are buttons of code.
        left = round(self.page.left + self.page.column) + JUMP_SPACE
        if left + JUMP_SIZE > size.width():
            left = (size.width() - JUMP_SIZE) // 2
        self._jump.move(left, size.height() - JUMP_SIZE - JUMP_BOTTOM)
        self.find_bar.resize(min(BAR_WIDTH, size.width() - 2 * BAR_MARGIN), self.find_bar.height())
        self.find_bar.move(size.width() - self.find_bar.width() - BAR_MARGIN, BAR_MARGIN)
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Start the animation of the caret."""
        super().showEvent(event)
        self._watch_answer()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Do nothing: the page is painted again where the bar was moved."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Focus a message where the focus came with the Tab key."""
        super().focusInEvent(event)
        if event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}:
            self.keyboard.enter(backwards=event.reason() is Qt.FocusReason.BacktabFocusReason)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the marks of the keyboard focus."""
        super().focusOutEvent(event)
        self.viewport().update()

    def focusNextPrevChild(self, following: bool) -> bool:
        """Go through the buttons of a message with the Tab key before leaving."""
        return (self.hasFocus() and self.keyboard.walk(1 if following else -1)) or super().focusNextPrevChild(following)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the message under the mouse, or of the one with the keyboard focus."""
        point = QPointF(self.viewport().mapFromGlobal(event.globalPos()))
        self.show_menu(None if event.reason() is QContextMenuEvent.Reason.Keyboard else point)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the messages on the screen."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # A held head of code and the end of a growing answer are far apart.
        areas = [event.rect()]
        if event.region().rectCount() <= MAX_AREAS:
            areas = list(event.region())  # type: ignore[call-overload]  # QRegion can be iterated.
        for area in map(QRectF, areas):
            painter.setClipRect(area)
            painter.fillRect(area, self._context.style.colour("page"))
            for number, top in self.page.visible:
                clip = area.translated(-self.page.left, -top)
                if clip.bottom() < 0 or clip.top() > self.page.heights[number]:
                    continue
                painter.save()
                painter.translate(self.page.left, top)
                self._paint_message(painter, number, clip)
                painter.restore()
        painter.end()

    def _paint_message(self, painter: QPainter, number: int, clip: QRectF) -> None:
        state, view = self.state, self.page.view(number)
        marks, match = self.finder.marks(number), self.finder.current_match(number)
        if match is not None and match[0] in marks:
            # It is marked below.
            marks = {**marks, match[0]: [span for span in marks[match[0]] if span != match[1:]]}
        view.paint(painter, clip, state.selection.within(number, view.body.end), marks)
        if view.item.id == self._edited_id:
            paint_ring(painter, view.style, view.bubble)
        if match is not None and match[0] < len(view.parts):
            part = view.parts[match[0]]
            tint = view.style.colour("accent")
            tint.setAlpha(CURRENT_MATCH_ALPHA)
            for rect in part.line_rects(*match[1:]):
                place = rect.translated(part.x, part.y).adjusted(-2, -1, 2, 1)
                paint_ring(painter, view.style, place, 1.5, tint)
        has_focus = self.hasFocus() and number == state.focused_message
        is_last_answer = number == len(self.page.items) - 1 and not view.item.is_question
        buttons = (state.hovered, state.pressed, state.done, (number, state.focused_key) if has_focus else (-1, ""))
        states = ButtonStates(*(key if message == number else "" for message, key in buttons))
        near = has_focus or is_last_answer or number == self.pointer.message
        view.paint_buttons(painter, clip, states, near=near)
        if self.hasFocus():
            self.keyboard.paint(painter, number)
        if view.item.status is Status.STREAMING:
            phase = 0 if self._reduced_motion else time.monotonic() / CARET_PERIOD_S * 2 * math.pi
            view.paint_progress(painter, self._waiting.get(view.item.id, ""), 0.625 + 0.375 * math.cos(phase))


def _scrolled_up(before: list[tuple[int, float]], after: list[tuple[int, float]], grown: int) -> float | None:
    """Return how far all messages moved up while the last one grew, or None where more has changed."""
    if not before or not after or before[-1][0] != grown or after[-1][0] != grown:
        return None
    old = dict(before)
    distances = {old[number] - top if number in old else None for number, top in after}
    return distances.pop() if len(distances) == 1 else None
