"""The context menu of the transcript; it also brings every action of a message to the keyboard."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from ui.transcript.widget import Transcript


def make_menu(transcript: Transcript, point: QPointF) -> QMenu:
    """The menu for the message at a point of the viewport."""
    menu = QMenu(transcript)
    copy = menu.addAction(transcript.words.copy, transcript.copy)
    copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    copy.setEnabled(not transcript.selection.is_empty)
    place = transcript.page.message_at(point.y())
    if place is not None:
        item = transcript.page.items[place[0]]
        link = transcript.pointer.link_at(point)
        if link:
            menu.addAction(transcript.words.copy_link, lambda: QGuiApplication.clipboard().setText(link))
        menu.addAction(
            transcript.words.copy_markdown, lambda: QGuiApplication.clipboard().setText(item.content)
        ).setEnabled(bool(item.content))
        others = [name for name in item.actions if name != "copy"]
        if others:
            menu.addSeparator()
        for name in others:
            menu.addAction(transcript.words.action(name), partial(transcript.action_requested.emit, name, item.id))
        menu.addSeparator()
    everything = menu.addAction(transcript.words.select_all, transcript.select_all)
    everything.setShortcut(QKeySequence(QKeySequence.StandardKey.SelectAll))
    everything.setEnabled(bool(transcript.page.items))
    return menu
