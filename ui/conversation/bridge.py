"""From the inference worker's thread to the window's: queued signals, so that no widget is touched from elsewhere.

A fast model brings a thousand pieces a second.  One round of the event loop for each would leave no time to paint, so
what comes within some milliseconds arrives together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.backend import ChatEvent, Piece
from app.chat.turn import TurnResult

GATHER_MS = 12

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
        self._gather = QTimer(self, singleShot=True, interval=GATHER_MS, timerType=Qt.TimerType.PreciseTimer)
        self._gather.timeout.connect(self._deliver)
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
            self._gather.start()

    def _deliver(self) -> None:
        told = [self._told.popleft() for _ in range(len(self._told))]
        for message_id, each in joined(told):
            self.came.emit(message_id, each)
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
