"""The context menu of the transcript; it also brings every action of a message to the keyboard."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu

from ui.transcript.actions import ask
from ui.transcript.copying import item_text
from ui.transcript.row import icon_of
from ui.widgets import icons

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript

MARKDOWN_KEYS = QKeySequence("Ctrl+Shift+C")


def make_menu(transcript: Transcript, point: QPointF) -> QMenu:
    """The menu for the message at a point of the viewport."""
    menu, words = QMenu(transcript), transcript.words
    menu.setObjectName("messageMenu")
    chosen = not transcript.selection.is_empty
    place = transcript.page.message_at(point.y())
    link = transcript.pointer.link_at(point) or transcript.keyboard.link_at(point)
    if link:
        menu.addAction(words.open_link, lambda: transcript.link_activated.emit(link))
        menu.addAction(words.copy_link, lambda: QGuiApplication.clipboard().setText(link))
        menu.addSeparator()
    copy = menu.addAction(words.copy, transcript.copy)
    copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    copy.setEnabled(chosen)
    as_markdown = menu.addAction(words.copy_markdown, transcript.copy_markdown)
    as_markdown.setShortcut(MARKDOWN_KEYS)
    as_markdown.setEnabled(chosen)
    if place is not None:
        item = transcript.page.items[place[0]]
        menu.addSeparator()
        for label, text in (
            (words.copy_message, lambda: item_text(item, with_thought=False)),
            (words.copy_message_markdown, lambda: item.content),
        ):
            menu.addAction(label, partial(_copy, text)).setEnabled(bool(item.content))
        others = [name for name in item.actions if name != "copy"]
        if others:
            menu.addSeparator()
        for name in others:
            icon = icons.icon(icon_of(name), transcript.text_style.theme.text)
            label = words.action(name, is_pinned=item.is_pinned)
            menu.addAction(icon, label, partial(ask, transcript, place[0], name))
        menu.addSeparator()
    everything = menu.addAction(words.select_all, transcript.select_all)
    everything.setShortcut(QKeySequence(QKeySequence.StandardKey.SelectAll))
    everything.setEnabled(bool(transcript.page.items))
    return menu


def _copy(text: object) -> None:
    QGuiApplication.clipboard().setText(text())  # type: ignore[operator]
