"""Flag that another thread sets and that the engine reads between two operations, at no cost.

``llama_set_abort_callback`` takes ``bool f(void * data)`` and calls it for every node of the graph, a thousand times
a token: a Python function there would halve the speed.  The C library's ``strlen`` has a compatible signature: for a
buffer that begins with a zero byte it returns 0, for ``"\\x01"`` it returns 1.
"""

from __future__ import annotations

import ctypes
import sys

from llama_cpp import llama_cpp

from model_manager.errors import Cancelled


class StopFlag:
    """Set from the thread that reads commands, seen by the thread that computes."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
        address = ctypes.cast(library.strlen, ctypes.c_void_p).value
        self.callback = llama_cpp.ggml_abort_callback(address or 0)
        self.data = ctypes.addressof(self._buffer)
        """The callback and its data, for ``llama_context_params``."""

    def set(self) -> None:
        """Request that the running command stops."""
        self._buffer[0] = b"\x01"

    def clear(self) -> None:
        """Begin a new command."""
        self._buffer[0] = b"\x00"

    def is_set(self) -> bool:
        """Return whether the running command should stop."""
        return bool(self._buffer[0] != b"\x00")

    def raise_if_set(self) -> None:
        """Raise ``Cancelled`` if the running command should stop."""
        if self.is_set():
            raise Cancelled
