"""A shorter way for the body of a fast answer: from the connection itself, past the parser that copies it three times.

At some gigabits a second the parser takes as much of a processor as the hash.  The shorter way is taken only once the
parser was seen to hand on, byte for byte, what it had just read, so that nothing can be left inside it.  The connection
cannot be used again afterwards, which costs nothing that one would notice at such a speed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2

READ_BYTES = 256 << 10
KNOWN_AFTER_BYTES = 2 << 20
WORTH_IT_BYTES = 4 << 20
FAST_BYTES_PER_S = 64 << 20


class FastBody:
    """The shorter way for one answer, if it comes to that; ``left`` bytes of it are still to come."""

    def __init__(self, response: httpx2.Response) -> None:
        self._stream: Any = response.extensions.get("network_stream")
        timeout = response.request.extensions.get("timeout", {})
        self._timeout: float | None = timeout.get("read")
        self.left = _plain_length(response) if self._stream is not None else 0
        self._length = self.left
        self._began = time.monotonic()
        self._last_read = b""
        self._watching = False

    def may_begin(self, chunk: bytes) -> bool:
        """Whether ``rest`` may take over after ``chunk``, the last one that the parser gave."""
        self.left -= len(chunk)
        if self.left < WORTH_IT_BYTES or self._length - self.left < KNOWN_AFTER_BYTES:
            return False
        if self._watching:
            return len(chunk) > 0 and chunk == self._last_read
        seconds = time.monotonic() - self._began
        if (self._length - self.left) / max(seconds, 1e-6) >= FAST_BYTES_PER_S:
            self._watch()
        return False

    def rest(self) -> Iterator[bytes]:
        """The body from here on, as far as it comes.  Raises as the library's lower half does."""
        self.end()
        while self.left > 0:
            data: bytes = self._stream.read(min(READ_BYTES, self.left), timeout=self._timeout)
            if not data:
                return
            self.left -= len(data)
            yield data

    def end(self) -> None:
        """Look no longer at what the parser reads."""
        if self._watching:
            self._watching = False
            del self._stream.read

    def _watch(self) -> None:
        read = self._stream.read

        def watched(max_bytes: int, timeout: float | None = None) -> bytes:
            self._last_read = read(max_bytes, timeout=timeout)
            return self._last_read

        try:
            self._stream.read = watched
        except AttributeError:
            self.left = 0
            return
        self._watching = True


def _plain_length(response: httpx2.Response) -> int:
    """Bytes of a body that follow each other on the connection; 0 where they are wrapped in anything."""
    headers = response.headers
    plain = response.http_version == "HTTP/1.1" and "Transfer-Encoding" not in headers
    length = headers.get("Content-Length", "")
    return int(length) if plain and length.isascii() and length.isdigit() else 0
