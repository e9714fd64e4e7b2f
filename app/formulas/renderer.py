"""Renderer of formulas for the window and the exporters: from any thread, blocking or with a callback."""

from __future__ import annotations

import queue
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.process.child_process import FORMULAS, LimitedProcess

MAX_LENGTH = 6_000
"""Characters."""
MAX_DEPTH = 60
"""Nested braces, brackets and environments."""
LIMIT_S = 1.5
"""Processor time for one formula, in seconds; then its process is ended and its source is shown."""
PATIENCE = 4
"""Wall-clock time as a multiple of the processor time: other processes need the processor too."""
LIMIT_BYTES = 512 << 20
"""Memory of the process."""
MAX_SVG = 2_000_000
"""Characters of a drawing."""
IDLE_S = 180.0
"""Seconds without a formula after which the process ends."""
CACHE_BYTES = 24 << 20
WAIT_S = 20.0
"""Seconds that ``shape`` waits, including for formulas requested earlier."""
CHINESE_FAMILIES = "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
"""CSS font families for the characters that the mathematics font lacks."""

Formula = tuple[str, bool]
"""LaTeX without delimiters, and whether it is a display formula."""
Callback = Callable[[str, bool], None]

_NUMBERED = re.compile(r'(<svg [^>]*viewBox=")(\S+) (\S+) (\S+) (\S+)">(.*)<g>(.*)</g></svg>', re.DOTALL)
_NESTING = re.compile(r"\\left(?![a-z])|\\right(?![a-z])|\\.|[{}]", re.DOTALL)
_CHANGE = {"{": 1, "\\left": 1, "}": -1, "\\right": -1}
_MAX_FAILED_STARTS = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawn formula for all sizes, in ``currentColor``, with lengths in em; ``at`` gives one size and colour."""

    svg: str
    """An SVG element of paths, and of text for characters that the mathematics font lacks."""
    width: float
    height: float
    baseline: float
    """Distance from the top."""
    body: float = 0.0
    """Width without the number of the formula and the gap before it; 0 without a number."""
    tag: float = 0.0
    """Width of the number, which is the last group of the drawing; of several the widest."""

    def spread(self, width: float) -> Shape:
        """Return a numbered formula as wide as this: in its middle as far as possible, the number at the right.

        Any other and one that is wider remain as they are.
        """
        parts = _NUMBERED.fullmatch(self.svg) if self.tag and width > self.width else None
        if parts is None:
            return self
        start, left, top, old_width, height, body, tag = parts.groups()
        unit = float(old_width) / self.width
        right = width - self.width
        shift = min((width - self.body) / 2, right)
        groups = (
            f'<g transform="translate({distance * unit:.0f} 0)">{content}</g>'
            for distance, content in ((shift, body), (right, tag))
        )
        svg = f'{start}{left} {top} {width * unit:.0f} {height}">{"".join(groups)}</svg>'
        return replace(self, svg=svg, width=width)

    def split(self) -> tuple[Shape, Shape | None]:
        """Return the formula and its number, in drawings of the same height."""
        parts = _NUMBERED.fullmatch(self.svg) if self.tag else None
        if parts is None:
            return self, None
        start, left, top, old_width, height, body, tag = parts.groups()
        unit = float(old_width) / self.width

        def drawing(x: float, width: float, content: str) -> Shape:
            svg = f'{start}{x:.0f} {top} {width * unit:.0f} {height}">{content}</svg>'
            return Shape(svg, width, self.height, self.baseline)

        x = float(left)
        return drawing(x, self.body, body), drawing(x + (self.width - self.tag) * unit, self.tag, tag)

    def at(self, size: float, colour: str, *, families: str = CHINESE_FAMILIES) -> Shape:
        """Return it for a text size in pixels and a colour such as ``#1b1b1d``, with lengths in pixels."""
        width, height = self.width * size, self.height * size
        svg = self.svg.replace("<svg ", f'<svg width="{width:.2f}" height="{height:.2f}" ', 1)
        svg = svg.replace("currentColor", colour).replace("<text ", f'<text font-family="{families}" ')
        return Shape(svg, width, height, self.baseline * size)


class FormulaRenderer:
    """Draws formulas in a child process, which starts with the first one and ends when idle.

    Formulas that are malformed, too deep or too expensive are remembered as such; their source is shown.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, idle_s: float = IDLE_S, cache_bytes: int = CACHE_BYTES) -> None:
        """``limit_s`` is the processor time for each formula in seconds."""
        self._limit_s, self._idle_s, self._cache_bytes = limit_s, idle_s, cache_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[Formula, Shape | None] = OrderedDict()
        self._bytes = 0
        self._requested: dict[Formula, list[Callback]] = {}
        self._queue: queue.SimpleQueue[Formula] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._process: DrawingProcess | None = None
        self._closed = False
        self._failed_starts = 0

    def shape(self, formula: str, display: bool, *, wait_s: float = WAIT_S) -> Shape | None:
        """Return a drawn formula; None if it cannot be drawn, or not within ``wait_s``."""
        drawn = threading.Event()
        self.request([(formula, display)], lambda _formula, _display: drawn.set())
        drawn.wait(wait_s)
        return self.known(formula, display)

    def is_known(self, formula: str, display: bool) -> bool:
        """Whether ``known`` gives the final result."""
        with self._lock:
            key = (formula, display)
            return key in self._known or (key not in self._requested and not is_within_limits(formula))

    def known(self, formula: str, display: bool) -> Shape | None:
        """Return a formula that was drawn before; None if it was not or cannot be drawn."""
        with self._lock:
            key = (formula, display)
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def request(self, formulas: Iterable[Formula], callback: Callback) -> None:
        """Draw formulas; ``callback`` is called for each, from another thread, or immediately if it is known."""
        known = []
        with self._lock:
            for key in formulas:
                if self._closed or key in self._known or not is_within_limits(key[0]):
                    known.append(key)
                elif key in self._requested:
                    self._requested[key].append(callback)
                else:
                    self._requested[key] = [callback]
                    self._queue.put(key)
            if self._requested and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="formulas", daemon=True)
                self._thread.start()
        for key in known:
            callback(*key)

    def close(self) -> None:
        """End the process and the thread; calls the callbacks of all requests."""
        with self._lock:
            self._closed = True
            thread, process = self._thread, self._process
        self._queue.put(("", False))
        if process is not None:
            process.close()
        if thread is not None:
            thread.join(self._limit_s + 2)
        with self._lock:
            requested = list(self._requested.items())
            self._requested.clear()
        for key, callbacks in requested:
            for callback in callbacks:
                callback(*key)

    def _work(self) -> None:
        while True:
            try:
                key = self._queue.get(timeout=self._idle_s)
            except queue.Empty:
                with self._lock:
                    if not self._queue.empty():
                        continue
                    self._thread = None
                    process, self._process = self._process, None
                if process is not None:
                    process.close()
                return
            if self._closed:
                self._end_process()
                return
            shape = self._draw(*key)
            with self._lock:
                self._remember(key, shape)
                callbacks = self._requested.pop(key, [])
            for callback in callbacks:
                callback(*key)

    def _draw(self, formula: str, display: bool) -> Shape | None:
        # Twice, in case the process was ended from outside between two formulas.
        for _ in range(2):
            try:
                process = self._running_process()
                if process is None:
                    return None
                answer = process.draw(formula, display=display, limit_s=self._limit_s)
            except OSError:
                self._failed_starts += 1
                self._end_process()
                return None
            self._failed_starts = 0
            if answer is not None:
                return Shape(**answer) if "svg" in answer else None
            was_ended = not process.is_alive()
            self._end_process()
            if not was_ended:
                return None
        return None

    def _running_process(self) -> DrawingProcess | None:
        with self._lock:
            if self._closed or self._failed_starts >= _MAX_FAILED_STARTS:
                return None
            if self._process is None or not self._process.is_alive():
                if self._process is not None:
                    self._process.close()
                self._process = DrawingProcess()
            return self._process

    def _end_process(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _remember(self, key: Formula, shape: Shape | None) -> None:
        self._known[key] = shape
        self._bytes += _cost(key, shape)
        while self._bytes > self._cache_bytes and len(self._known) > 1:
            self._bytes -= _cost(*self._known.popitem(last=False))


class DrawingProcess(LimitedProcess):
    """Draws one formula at a time.  Used by one thread, except for ``close``, which any thread may call."""

    def __init__(self) -> None:
        """Raises OSError."""
        super().__init__(FORMULAS, LIMIT_BYTES, quiet=True)

    def draw(self, formula: str, *, display: bool, limit_s: float) -> dict[str, Any] | None:
        """Return its answer; None if the time, the memory or the process came to an end.

        ``limit_s`` is processor time in seconds.  Raises OSError if the process does not start.
        """
        self.wait_until_ready()
        end = self.cpu_seconds() + limit_s
        request = {"formula": formula, "display": display}
        return self.ask(request, limit_s * PATIENCE, lambda: self.cpu_seconds() >= end)


def is_within_limits(formula: str) -> bool:
    """Whether a formula is worth drawing."""
    return bool(formula.strip()) and len(formula) <= MAX_LENGTH and depth(formula) <= MAX_DEPTH


def depth(formula: str) -> int:
    """Return the nesting depth of a formula."""
    current = deepest = 0
    for match in _NESTING.finditer(formula):
        current += _CHANGE.get(match[0], 0)
        deepest = max(deepest, current)
    return deepest


def _cost(key: Formula, shape: Shape | None) -> int:
    """Return the approximate size in memory, in bytes."""
    return 200 + len(shape.svg if shape else key[0])
