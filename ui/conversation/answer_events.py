"""Events of answers on their way from the threads of their jobs to the window's.

This is the only buffer between the engine's process and the transcript.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.backend import ChatEvent, TextDelta
from app.chat.answer import AnswerResult, RunningAnswer
from ui.widgets.job import Relay

INTERVAL_MS = 32
PAUSE_PER_WORK = 3
"""Pause after a delivery, in multiples of the time that its layout took.  A long table makes each piece expensive, and
layout takes at most a quarter of the window's thread."""

Event = ChatEvent | AnswerResult


class AnswerEvents(QObject):
    """Joins the pieces that arrive within ``INTERVAL_MS``: one layout and one repaint for all of them.

    A fast model produces a thousand pieces a second.
    """

    received = Signal(RunningAnswer, object)
    """An answer, and one of its ``ChatEvent`` or at last its ``AnswerResult``; in the window's thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._events: deque[tuple[RunningAnswer, Event]] = deque()
        self._is_announced = False
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._deliver)
        self._work_s = 0.0
        self._added = Relay(self, self._schedule)

    def post(self, answer: RunningAnswer, event: Event) -> None:
        """Add an event, in any thread."""
        self._events.append((answer, event))
        if not self._is_announced or isinstance(event, AnswerResult):
            self._is_announced = True
            self._added()

    def _schedule(self) -> None:
        if any(isinstance(event, AnswerResult) for _, event in tuple(self._events)):
            self._timer.stop()
            self._deliver()
        elif not self._timer.isActive():
            self._timer.start(max(INTERVAL_MS, round(1000 * PAUSE_PER_WORK * self._work_s)))

    def _deliver(self) -> None:
        started = time.thread_time()
        # Before the events are taken: those added meanwhile are announced again.
        self._is_announced = False
        events = [self._events.popleft() for _ in range(len(self._events))]
        for answer, event in join_pieces(events):
            self.received.emit(answer, event)
        self._work_s = time.thread_time() - started
        if self._events:
            self._schedule()


def join_pieces(events: Iterable[tuple[RunningAnswer, Event]]) -> Iterator[tuple[RunningAnswer, Event]]:
    """Join consecutive pieces of each answer; those of several answers are put one after another."""
    by_answer: dict[int, list[tuple[RunningAnswer, Event]]] = {}
    for each in events:
        by_answer.setdefault(id(each[0]), []).append(each)
    last: tuple[RunningAnswer, Event] | None = None
    for answer, event in itertools.chain.from_iterable(by_answer.values()):
        if last is not None and last[0] is answer and isinstance(last[1], TextDelta) and isinstance(event, TextDelta):
            last = answer, replace(event, text=last[1].text + event.text)
            continue
        if last is not None:
            yield last
        last = answer, event
    if last is not None:
        yield last
