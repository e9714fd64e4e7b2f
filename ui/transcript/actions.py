"""Menus of a message: the context menu, which also brings every action to the keyboard, and the rare actions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from ui.transcript.clipboard import copy, item_text
from ui.transcript.decorations import icon_of, rare_actions
from ui.transcript.keyboard import MARKDOWN_KEYS
from ui.transcript.state import TranscriptState
from ui.widgets import icons


def rare_menu(state: TranscriptState, number: int, parent: QWidget) -> QMenu:
    """Make the menu of a message's rarely used actions."""
    menu = _menu("moreMenu", parent)
    _add_actions(menu, state, number, rare_actions(state.page.items[number]))
    return menu


def context_menu(state: TranscriptState, number: int | None, link: str, parent: QWidget) -> QMenu:
    """Make the menu for a message, if there is one, and for the address that was clicked, if there is one."""
    menu, strings, clipboard = _menu("messageMenu", parent), state.strings, QGuiApplication.clipboard()
    if link:
        menu.addAction(strings.open_link, lambda: state.link_activated.emit(link))
        menu.addAction(strings.copy_link, lambda: clipboard.setText(link))
        menu.addSeparator()
    for label, keys, markdown in (
        (strings.copy, QKeySequence(QKeySequence.StandardKey.Copy), False),
        (strings.copy_markdown, QKeySequence(MARKDOWN_KEYS), True),
    ):
        action = menu.addAction(label, partial(copy, state, markdown=markdown))
        action.setShortcut(keys)
        action.setEnabled(not state.selection.is_empty)
    menu.addSeparator()
    if number is not None:
        item = state.page.items[number]
        text = menu.addAction(strings.copy_message, lambda: clipboard.setText(item_text(item, with_thought=False)))
        source = menu.addAction(strings.copy_message_markdown, lambda: clipboard.setText(item.content))
        for action in (text, source):
            action.setEnabled(bool(item.content))
        menu.addSeparator()
        _add_actions(menu, state, number, [name for name in item.actions if name != "copy"])
        menu.addSeparator()
    everything = menu.addAction(strings.select_all, state.select_all)
    everything.setShortcut(QKeySequence(QKeySequence.StandardKey.SelectAll))
    everything.setEnabled(bool(state.page.items))
    return menu


def _menu(name: str, parent: QWidget) -> QMenu:
    menu = QMenu(parent)
    menu.setObjectName(name)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return menu


def _add_actions(menu: QMenu, state: TranscriptState, number: int, names: Iterable[str]) -> None:
    is_pinned = state.page.items[number].is_pinned
    colour = state.page.view(number).style.theme.text
    for name in names:
        if name == "delete":
            menu.addSeparator()
        label = state.strings.action(name, is_pinned=is_pinned)
        request = partial(state.action_requested.emit, number, name)
        menu.addAction(icons.icon(icon_of(name), colour), label, request)
