"""Selected text and whole messages as plain text or as Markdown."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.markdown.blocks import plain_text
from app.markdown.control_characters import visible
from app.markdown.parser import parse, split_thought
from ui.transcript.item import Item
from ui.transcript.state import END, TranscriptState


def item_text(item: Item, *, with_thought: bool = True) -> str:
    """Return the plain text of a whole message, with or without its thoughts."""
    if item.is_question:
        return visible(item.content)
    content = item.content if with_thought else split_thought(item.content)[2]
    return plain_text(parse(visible(content)))


def selected_text(state: TranscriptState, *, markdown: bool = False) -> str:
    """Return the selected text; messages are separated by blank lines.

    The Markdown of a whole message is its source.  Messages that were never shown are not laid out.
    """
    page, selection = state.page, state.selection
    if selection.is_empty:
        return ""
    texts = []
    for number in range(selection.start[0], min(selection.end[0] + 1, len(page.items))):
        item, view = page.items[number], page.views.get(number)
        is_whole = _is_whole(state, number)
        if is_whole and markdown:
            texts.append(item.content)
        elif is_whole and (view is None or view.is_cut):
            texts.append(item_text(item, with_thought=state.thoughts.is_open(item)))
        else:
            view = page.view(number)
            places = selection.within(number, view.body.end)
            texts.append(view.body.text(*places, markdown=markdown) if places else "")
    if len(texts) > 1 and markdown:
        texts = [text.strip("\n") for text in texts]
    return "\n\n".join(text for text in texts if text)


def _is_whole(state: TranscriptState, number: int) -> bool:
    """Whether the whole of a message is selected."""
    start, end, view = state.selection.start, state.selection.end, state.page.views.get(number)
    if start > (number, 0, 0):
        return False
    return end >= (number, END, 0) or end[0] > number or (view is not None and end >= (number, *view.body.end))


def copy(state: TranscriptState, *, markdown: bool = False) -> None:
    """Copy the selected text; where nothing is selected, the message that has the keyboard focus."""
    text = selected_text(state, markdown=markdown)
    if not text and 0 <= state.focused_message < len(state.page.items):
        item = state.page.items[state.focused_message]
        text = item.content if markdown else item_text(item, with_thought=False)
    if text:
        QGuiApplication.clipboard().setText(text)
