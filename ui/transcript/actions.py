"""What a person does with a message: presses one of its buttons, copies, looks up a hit."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from ui.transcript.code import CodePart
from ui.transcript.copying import item_text, selected_markdown, selected_text
from ui.transcript.finder import pieces
from ui.transcript.parts import find_in, pattern_of
from ui.transcript.row import icon_of, rare_actions
from ui.widgets import icons

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

READ_S = 0.08
"""How long one waits for a long message in which something was found."""


def press(transcript: Transcript, number: int, key: str) -> None:
    """A button of a message is pressed."""
    kind, _, name = key.partition(":")
    item = transcript.page.items[number]
    if kind == "thought":
        transcript.set_thought_open(number, not transcript.thoughts.is_open(item))
        return
    if kind == "code":
        part = transcript.page.view(number).parts[int(name)]
        assert isinstance(part, CodePart)
        QGuiApplication.clipboard().setText(part.code)
        transcript.show_done(f"{number} {key}")
        return
    if name == "more":
        menu = more_menu(transcript, number)
        rect = next(button.rect for button in transcript.page.view(number).buttons if button.key == key)
        top = dict(transcript.page.visible).get(number, 0.0)
        corner = rect.bottomLeft() + QPointF(transcript.page.left, top + 2)
        menu.popup(transcript.viewport().mapToGlobal(QPoint(round(corner.x()), round(corner.y()))))
        return
    if name == "copy":
        transcript.show_done(f"{number} {key}")
    ask(transcript, number, name)


def ask(transcript: Transcript, number: int, name: str) -> None:
    """Ask for an action; another version of a message shall stand where this one stands."""
    if name in {"previous", "next"}:
        top = dict(transcript.page.visible).get(number)
        transcript.switching = (number, top) if top is not None else None
    transcript.action_requested.emit(name, transcript.page.items[number].id)


def more_menu(transcript: Transcript, number: int) -> QMenu:
    """What is rarely wanted of a message."""
    menu = QMenu(transcript)
    menu.setObjectName("moreMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    item, words = transcript.page.items[number], transcript.words
    for name in rare_actions(item):
        if name == "delete":
            menu.addSeparator()
        icon = icons.icon(icon_of(name), transcript.text_style.theme.text)
        menu.addAction(icon, words.action(name, is_pinned=item.is_pinned), partial(ask, transcript, number, name))
    return menu


def copy(transcript: Transcript) -> None:
    """The selection as text, or the message that has the keyboard."""
    text = selected_text(transcript.page, transcript.selection)
    if not text and 0 <= transcript.keyboard.message < len(transcript.page.items):
        text = item_text(transcript.page.items[transcript.keyboard.message], with_thought=False)
    if text:
        QGuiApplication.clipboard().setText(text)


def copy_markdown(transcript: Transcript) -> None:
    """The selection as it was written, or the message that has the keyboard."""
    text = selected_markdown(transcript.page, transcript.selection)
    if not text and 0 <= transcript.keyboard.message < len(transcript.page.items):
        text = transcript.page.items[transcript.keyboard.message].content
    if text:
        QGuiApplication.clipboard().setText(text)


def first_hit(transcript: Transcript, number: int, needle: str) -> tuple[int, int, int] | None:
    """Where a text first stands in a message; a thought is unfolded where it stands only there."""
    if not needle:
        return None
    view, item = transcript.page.view(number), transcript.page.items[number]
    if view.is_behind:
        view.read_on(time.perf_counter() + READ_S)
        transcript.page.measure_again(number)
        view = transcript.page.view(number)
    found = find_in(view.parts, needle)
    if not found and view.has_thought and not view.thought_open:
        pattern = pattern_of(needle)
        if any(is_thought and pattern.search(text) for is_thought, text in pieces(item)):
            transcript.set_thought_open(number, True)
            found = find_in(transcript.page.view(number).parts, needle)
    if not found:
        return None
    first = min(found)
    return first, *found[first][0]
