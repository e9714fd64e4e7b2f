"""How long an answer thought before it spoke: measured as it comes, between ``<think>`` and ``</think>``."""

from __future__ import annotations

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN


class Thinking:
    """A stop-watch over the thoughts at the beginning of an answer."""

    def __init__(self, begun: str = "") -> None:
        """``begun`` is the beginning of the answer that existed before; its thoughts were measured then."""
        self._start: float | None = None
        self._end: float | None = None
        self._text = ""
        self._open = not begun.strip()

    @property
    def seconds(self) -> float | None:
        """From the first word of the thoughts to their end; None where there were none or they did not end."""
        return None if self._start is None or self._end is None else self._end - self._start

    def take(self, text: str, now: float) -> None:
        """A piece that came at ``now``, in seconds of a clock that only goes forward."""
        if not self._open:
            return
        self._text += text
        if self._start is None:
            beginning = self._text.lstrip()
            if beginning.startswith(THOUGHT_OPEN):
                self._start = now
            elif not THOUGHT_OPEN.startswith(beginning):
                self._open = False
                return
        if self._start is not None:
            if THOUGHT_CLOSE in self._text:
                self._end, self._open = now, False
            self._text = self._text[-len(THOUGHT_CLOSE) :]
