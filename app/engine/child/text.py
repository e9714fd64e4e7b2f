"""Text of an answer from the bytes of its tokens: whole UTF-8 characters, without stop strings."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Decodes the bytes of an answer; returns text that no later byte can change."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(filter(None, stop))
        self._held = ""
        self.stopped = False
        """Whether a stop string was reached, which ends the text."""

    def add(self, piece: bytes) -> str:
        """Add the bytes of one token; return the text that became final."""
        return self._final(self._decoder.decode(piece))

    def finish(self) -> str:
        """Return the rest, at the end of the answer.  An incomplete character is dropped."""
        if self.stopped:
            return ""
        rest, self._held = self._held, ""
        return rest

    def _final(self, text: str) -> str:
        if self.stopped:
            return ""
        if not self._stop:
            return text
        text = self._held + text
        found = [place for place in map(text.find, self._stop) if place >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        held = max((self._overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - held :] if held else ""
        return text[: len(text) - held]

    @staticmethod
    def _overlap(text: str, stop: str) -> int:
        """Number of characters at the end of the text that begin the stop string."""
        for length in range(min(len(stop) - 1, len(text)), 0, -1):
            if text.endswith(stop[:length]):
                return length
        return 0
