"""Announces a growing answer to screen readers, paragraph by paragraph, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.conversation import Status
from app.markdown.blocks import plain_text
from ui.transcript.item import TranscriptStrings
from ui.transcript.message import MessageView
from ui.widgets.announcement import announce


class Announcer:
    """Follows one answer at a time; what was there when it began to follow is not announced."""

    def __init__(self, source: QObject) -> None:
        self._source = source
        self._id, self._count = "", 0
        """The answer, and how many of its blocks were announced."""

    def follow(self, view: MessageView, strings: TranscriptStrings) -> None:
        """Announce the new complete blocks of an answer, and its end."""
        item, blocks = view.item, view.body.blocks
        is_growing = item.status is Status.STREAMING
        complete = len(blocks) - is_growing
        if item.is_question or (item.id != self._id and not is_growing):
            return
        if item.id != self._id:
            self._id, self._count = item.id, max(0, complete)
        announce(self._source, plain_text(blocks[self._count : max(0, complete)]))
        self._count = max(self._count, complete)
        if not is_growing:
            self._id = ""
            announce(self._source, item.note or strings.finished)
