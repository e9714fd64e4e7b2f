"""The transcript: what the window calls.

It is handed finished items and words and gives back what a person asked for; it knows no conversation, no engine and
no store.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.conversation import Status
from app.formulas import FormulaRenderer
from ui.transcript import actions
from ui.transcript.copying import selected_text
from ui.transcript.formula import Formulas
from ui.transcript.item import Item
from ui.transcript.keyboard import LINE_STEP
from ui.transcript.message import grown
from ui.transcript.screen import Screen
from ui.transcript.selection import END, Selection
from ui.transcript.style import MARGIN, TextStyle
from ui.widgets.theme import LIGHT, TEXT_SIZE, Theme


class Transcript(Screen):
    """A conversation to read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switching: tuple[int, float] | None = None
        """The message whose other version was asked for, and where its top was."""
        self.formulas = Formulas(self)
        self.formulas.arrived.connect(self._take_formulas)
        self.jump.clicked.connect(self.jump_to_newest)
        self.set_theme(LIGHT)
        self._retranslate()

    # What is shown

    def set_items(self, items: list[Item]) -> None:
        """Another conversation, from its end; or the same one in another state, then its reader stays in place."""
        switching, self.switching = self.switching, None
        before = self.page.items
        same = bool(before and items) and (before[0].id == items[0].id or switching is not None)
        if not same:
            self.waiting.clear()
        self.selection = Selection()
        self.marked = (-1, "")
        self._behind.clear()
        self.page.set_items(items, keep=same)
        if same and switching is not None and switching[0] < len(items):
            self.page.show(*switching)
        self.pointer.reset()
        if not same:
            self.keyboard.reset()
        self.arrange()
        self.finder.restart()
        self.watch_breath()

    def update_item(self, item: Item) -> None:
        """Another state of a message; one of another conversation is passed over."""
        if item.id not in self.page.index:
            return
        if item.status is not Status.STREAMING:
            self.waiting.pop(item.id, None)
        self.page.replace(item)
        self._follow_thought(item)
        self.finder.refresh(self.page.index[item.id])
        self.arrange()
        self.watch_breath()

    def append_item(self, item: Item) -> None:
        """One more message at the end; a question brings the reader there."""
        self.page.append(item)
        if item.is_question:
            self.page.following = True
        self.arrange()
        self.finder.refresh(len(self.page.items) - 1)
        self.watch_breath()

    def append_text(self, item_id: str, text: str) -> None:
        """Append to an answer that is being written; one of another conversation is ignored."""
        number = self.page.index.get(item_id)
        if number is None:
            return
        item = grown(self.page.items[number], text)
        self.page.grow(item, text)
        self._follow_thought(item)
        self.finder.refresh(number)
        self.arrange(None if self.finder.needle else number)

    def set_waiting(self, item_id: str, text: str) -> None:
        """The line that stands in for an answer before its first word."""
        self.waiting[item_id] = text
        number = self.page.index.get(item_id, -1)
        if number in self.page.views:
            self.page.views[number].waiting = text
            self.viewport().update()

    def use_formula_renderer(self, formula_renderer: FormulaRenderer) -> None:
        """Draw formulas with this; without it they are shown as their source."""
        self.formulas.use(formula_renderer)
        self.relayout()

    def _take_formulas(self) -> None:
        held = self.page.hold()
        changed = [number for number, view in self.page.views.items() if view.take_formulas()]
        for number in changed:
            self.page.measure_again(number)
        if changed:
            self.page.come_back(held)
            self.arrange()
        self.viewport().update()

    def set_theme(self, theme: Theme, text_size: int = TEXT_SIZE) -> None:
        """Other colours, or another size of the text."""
        self.text_style = TextStyle(theme, text_size, self.formulas)
        self.jump.set_theme(theme)
        self.find_bar.set_theme(theme)
        self.relayout()

    def change_text_size(self, step: int) -> None:
        """Ask for a larger (1) or smaller (-1) text, or for the usual one (0)."""
        self.text_size_wanted.emit(step)

    def set_reduced_motion(self, reduced: bool) -> None:
        """Whether the caret stands still."""
        self._caret.reduced_motion = reduced
        self.watch_breath()

    # Going somewhere

    def scroll_to_item(self, item_id: str, needle: str = "") -> None:
        """Bring a message to the screen and mark where a text occurs in it."""
        number = self.page.index.get(item_id)
        if number is None:
            return
        self.marked = (number, needle)
        hit = actions.first_hit(self, number, needle)
        if hit:
            self.show_hit(number, hit)
        else:
            self.show_message(number)

    def show_message(self, number: int, below: float = MARGIN) -> None:
        """Bring a message's top to a distance below the top of the screen."""
        self.page.show(number, float(below))
        self.arrange()

    def show_hit(self, number: int, hit: tuple[int, int, int] | None) -> None:
        """Bring a stretch of a message to the screen, where it is not there already."""
        view, top = self.page.view(number), dict(self.page.visible).get(number)
        inside = view.top_of(hit[:2]) if hit else 0.0
        room = 2.0 * LINE_STEP
        if top is None or not room <= top + inside <= self.page.height - room:
            third = self.page.height / 3
            self.page.show(number, third - inside if hit and inside > third else float(MARGIN))
        self.arrange()

    def jump_to_newest(self) -> None:
        """Go to the end and follow it."""
        self.page.following = True
        self.arrange()

    def scroll_by(self, distance: float) -> None:
        """Move the page up by a distance."""
        self.page.scroll_by(distance)
        self.arrange()

    def open_find(self) -> None:
        """Show the bar that finds a text; one line that is selected is looked for at once."""
        if not self.isVisible():
            return
        chosen = self.selected_text()
        self.find_bar.open("" if "\n" in chosen else chosen)

    # What is asked for

    def press(self, number: int, key: str) -> None:
        """A button of a message is pressed."""
        actions.press(self, number, key)

    def set_thought_open(self, number: int, is_open: bool) -> None:
        """Unfold the thought of a message, or fold it."""
        self.thoughts.set_open(self.page.items[number], is_open)
        if number in self.page.views:
            self.page.views[number].set_thought_open(is_open)
        self.page.measure_again(number)
        self.arrange()

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
        """Put the selected text on the clipboard; where nothing is selected, the message that has the keyboard."""
        actions.copy(self)

    def copy_markdown(self) -> None:
        """The same as it was written."""
        actions.copy_markdown(self)

    def _follow_thought(self, item: Item) -> None:
        self.thoughts.watch(item)
        view = self.page.views.get(self.page.index[item.id])
        if view is not None:
            view.thought_s = self.thoughts.seconds(item)
            view.set_thought_open(self.thoughts.is_open(item))
