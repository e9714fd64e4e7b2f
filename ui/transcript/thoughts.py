"""Which thoughts of the model are unfolded, and how long it has been thinking.  Kept while the program runs."""

from __future__ import annotations

import time

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, Status
from ui.transcript.item import Item
from ui.transcript.reading import is_thinking


class Thoughts:
    """What the person and the clock say about thoughts, by the message's id."""

    def __init__(self) -> None:
        self._chosen: dict[str, bool] = {}
        self._while_thinking = False
        self._began: dict[str, float] = {}
        self._lasted: dict[str, float] = {}

    def is_open(self, item: Item) -> bool:
        """Whether it is shown: as the person left it; folded when it is over.

        A thought that never ended is all there is of a finished answer, so it is shown.
        """
        if item.id in self._chosen:
            return self._chosen[item.id]
        if item.status is Status.STREAMING:
            return self._while_thinking and is_thinking(item.content)
        return item.status is Status.COMPLETE and is_thinking(item.content)

    def set_open(self, item: Item, is_open: bool) -> None:
        """The person unfolds or folds it; what they do while the model thinks holds for the next thoughts too."""
        self._chosen[item.id] = is_open
        if item.status is Status.STREAMING and is_thinking(item.content):
            self._while_thinking = is_open

    def watch(self, item: Item) -> None:
        """Look at an answer that is being written."""
        if item.id in self._lasted or not item.content.lstrip().startswith(THOUGHT_OPEN):
            return
        now = time.monotonic()
        began = self._began.setdefault(item.id, now)
        if THOUGHT_CLOSE in item.content:
            self._lasted[item.id] = now - began

    def seconds(self, item: Item) -> float | None:
        """How long the model thought, or has been thinking; None where nobody knows."""
        if item.thought_s is not None:
            return item.thought_s
        if item.id in self._lasted:
            return self._lasted[item.id]
        if item.status is Status.STREAMING and item.id in self._began:
            return time.monotonic() - self._began[item.id]
        return None
