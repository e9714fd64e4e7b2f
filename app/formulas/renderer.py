"""The drawing of formulas as the window and the exporters ask for it: from any thread, at once or with a callback."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from app.formulas.drawing import Drawn, Shape
from app.formulas.limits import LIMIT_S, depth, may_be_drawn
from app.formulas.process import DrawingProcess

IDLE_S = 180.0
"""Seconds without a formula after which the process ends."""
CACHE_BYTES = 24 << 20
SIMPLE_DEPTH = 8
"""Formulas nested deeper wait for the others: they may take a second, and nobody else shall wait for that."""
WAIT_S = 20.0
"""Seconds that ``draw`` waits in all, behind whatever else was asked for."""

Formula = tuple[str, bool]
"""LaTeX without its dollars, and whether it stands on a line of its own."""
Told = Callable[[str, bool], None]

_STOP = 1 << 60
_OF_NO_USE = 64
_TRIES = 2
"""Starts of the process that may fail; after that it is left alone and formulas stay source."""


class Mathematics:
    """Draws formulas in a process of its own, which starts with the first one and rests when none comes.

    A formula that is broken, too deep or too dear is remembered as such and shown as its source by whoever asked.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, idle_s: float = IDLE_S, cache_bytes: int = CACHE_BYTES) -> None:
        """Costs nothing until the first formula.  ``limit_s`` are seconds of the processor for each of them."""
        self._limit_s, self._idle_s, self._cache_bytes = limit_s, idle_s, cache_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[Formula, Shape | None] = OrderedDict()
        self._bytes = 0
        self._wanted: dict[Formula, list[Told]] = {}
        self._queue: queue.PriorityQueue[tuple[int, int, Formula]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._process: DrawingProcess | None = None
        self._closed = False
        self._failed_starts = 0

    def draw(self, formula: str, display: bool, size: float, colour: str, *, wait_s: float = WAIT_S) -> Drawn | None:
        """The picture for a size of text in pixels and a colour such as ``#1b1b1d``.

        None where it cannot be drawn, or not within ``wait_s``: then its source is shown.
        """
        shape = self.shape(formula, display, wait_s=wait_s)
        return shape.at(size, colour) if shape else None

    def shape(self, formula: str, display: bool, *, wait_s: float = WAIT_S) -> Shape | None:
        """The same for every size and colour."""
        arrived = threading.Event()
        self.ask([(formula, display)], lambda _formula, _display: arrived.set())
        arrived.wait(wait_s)
        return self.known(formula, display)

    def is_known(self, formula: str, display: bool) -> bool:
        """Whether ``known`` can tell without drawing."""
        with self._lock:
            key = (formula, display)
            return key in self._known or (key not in self._wanted and not may_be_drawn(formula))

    def known(self, formula: str, display: bool) -> Shape | None:
        """What was drawn before; None where it was not, or cannot be."""
        with self._lock:
            key = (formula, display)
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def ask(self, formulas: Iterable[Formula], told: Told) -> None:
        """Draw these; ``told`` is called for each, from another thread, or at once where the answer is known."""
        at_once = []
        with self._lock:
            for key in formulas:
                if self._closed or key in self._known or not may_be_drawn(key[0]):
                    at_once.append(key)
                elif key in self._wanted:
                    self._wanted[key].append(told)
                else:
                    self._wanted[key] = [told]
                    self._queue.put((max(0, depth(key[0]) - SIMPLE_DEPTH), next(self._order), key))
            if self._wanted and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="mathematics", daemon=True)
                self._thread.start()
        for key in at_once:
            told(*key)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        process = self._process
        return process is not None and process.is_alive()

    def close(self) -> None:
        """End the process and the thread; what still waits is told that there is nothing."""
        with self._lock:
            self._closed = True
            thread, process = self._thread, self._process
            self._queue.put((-1, _STOP, ("", False)))
        if process is not None:
            process.close()
        if thread is not None:
            thread.join(self._limit_s + 2)
        for key, waiting in self._take_all():
            for told in waiting:
                told(*key)

    def _take_all(self) -> list[tuple[Formula, list[Told]]]:
        with self._lock:
            waiting = list(self._wanted.items())
            self._wanted.clear()
        return waiting

    def _work(self) -> None:
        while True:
            try:
                _, order, key = self._queue.get(timeout=self._idle_s)
            except queue.Empty:
                if self._rest():
                    return
                continue
            if order == _STOP:
                self._end_process()
                return
            shape = self._draw(*key)
            with self._lock:
                self._keep(key, shape)
                waiting = self._wanted.pop(key, [])
            for told in waiting:
                told(*key)

    def _rest(self) -> bool:
        with self._lock:
            if not self._queue.empty():
                return False
            self._thread = None
            process, self._process = self._process, None
        if process is not None:
            process.close()
        return True

    def _draw(self, formula: str, display: bool) -> Shape | None:
        answer: dict[str, Any] | None = None
        # A second try where the process was ended from outside between two formulas.
        for _ in range(2):
            try:
                process = self._running_process()
                if process is None:
                    return None
                answer = process.ask(formula, display=display, limit_s=self._limit_s)
            except OSError:
                self._failed_starts += 1
                self._end_process()
                return None
            self._failed_starts = 0
            if answer is not None:
                break
            was_ended = not process.is_alive()
            self._end_process()
            if not was_ended:
                return None
        if answer is None or "svg" not in answer:
            return None
        return Shape(answer["svg"], answer["width"], answer["height"], answer["baseline"])

    def _running_process(self) -> DrawingProcess | None:
        with self._lock:
            if self._closed or self._failed_starts >= _TRIES:
                return None
            if self._process is not None and self._process.is_alive():
                return self._process
            old, self._process = self._process, None
            if old is not None:
                old.close()
            self._process = DrawingProcess()
            return self._process

    def _end_process(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _keep(self, key: Formula, shape: Shape | None) -> None:
        self._known[key] = shape
        self._bytes += shape.cost if shape else _OF_NO_USE + len(key[0])
        while self._bytes > self._cache_bytes and len(self._known) > 1:
            (formula, _), old = self._known.popitem(last=False)
            self._bytes -= old.cost if old else _OF_NO_USE + len(formula)
