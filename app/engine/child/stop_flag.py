"""A flag that another thread sets and that the engine reads between two operations, at no cost.

``llama_set_abort_callback`` wants ``bool f(void * data)`` and calls it for every node of the graph, a thousand times
a token: a Python function there would halve the speed.  The C library's ``strlen`` has that very shape: over a buffer
that begins with a zero byte it returns 0, over ``"\\x01"`` it returns 1.
"""

from __future__ import annotations

import ctypes
import sys

import llama_cpp


class StopFlag:
    """Set from the thread that reads commands, seen by the thread that computes."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        address = ctypes.cast(library.strlen, ctypes.c_void_p).value
        self.callback = llama_cpp.ggml_abort_callback(address or 0)
        """For ``llama_context_params.abort_callback``, with ``data`` as its data."""

    @property
    def data(self) -> int:
        """Address of the buffer."""
        return ctypes.addressof(self._buffer)

    def set(self) -> None:
        """Ask for the end of the running work."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Begin new work."""
        self._buffer[0] = b"\x00"

    def is_set(self) -> bool:
        """Whether the running work is to end."""
        return bool(self._buffer[0] != b"\x00")
