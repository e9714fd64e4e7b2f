"""From the inference worker's thread to the window's: queued signals, so that no widget is touched from elsewhere.

A fast model produces a thousand pieces a second.  Pieces that arrive within ``INTERVAL_MS`` are joined: one layout and
one repaint for all of them.  This is the only buffer between the engine's process and the transcript.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.backend import ChatEvent, Piece
from app.chat.turn import TurnResult

INTERVAL_MS = 24
PAUSE_PER_WORK = 3
"""Pause after a delivery, in multiples of the time that its layout took.  A long table makes each piece expensive, and
layout takes at most a quarter of the window's thread."""

_Told = tuple[str, ChatEvent]


class TurnSignals(QObject):
    """What answers tell the window.  ``tell`` and ``end`` are for the worker's thread, the signals for the window's."""

    came = Signal(str, object)
    """Message id, ChatEvent; pieces that came one after the other are one."""
    ended = Signal(str, object)
    """Message id, TurnResult: after all its events."""
    _waiting = Signal()
    _over = Signal(str, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._told: deque[_Told] = deque()
        self._gather = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._gather.timeout.connect(self._deliver)
        self._work_s = 0.0
        self._waiting.connect(self._begin_gathering)
        self._over.connect(self._end)

    def tell(self, message_id: str, event_: ChatEvent) -> None:
        """An event of an answer."""
        self._told.append((message_id, event_))
        # With more in it, whoever put the first in has announced them; what is taken out at this moment is announced
        # once too often, which costs nothing.
        if len(self._told) == 1:
            self._waiting.emit()

    def end(self, message_id: str, result: TurnResult) -> None:
        """An answer is over."""
        self._over.emit(message_id, result)

    def _begin_gathering(self) -> None:
        if not self._gather.isActive():
            self._gather.start(max(INTERVAL_MS, round(1000 * PAUSE_PER_WORK * self._work_s)))

    def _deliver(self) -> None:
        started = time.thread_time()
        told = [self._told.popleft() for _ in range(len(self._told))]
        for message_id, each in joined(told):
            self.came.emit(message_id, each)
        self._work_s = time.thread_time() - started
        if self._told:
            self._begin_gathering()

    def _end(self, message_id: str, result: TurnResult) -> None:
        self._gather.stop()
        self._deliver()
        self.ended.emit(message_id, result)


def joined(told: Iterable[_Told]) -> Iterator[_Told]:
    """The same with pieces of one answer that follow each other made one."""
    last: _Told | None = None
    for message_id, each in told:
        if last is not None and last[0] == message_id and isinstance(last[1], Piece) and isinstance(each, Piece):
            last = message_id, replace(each, text=last[1].text + each.text)
            continue
        if last is not None:
            yield last
        last = message_id, each
    if last is not None:
        yield last
