"""Reading a model's files in order, past the page cache, and whether a file is in it."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import sys
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock

SAMPLES, CACHED_SHARE = 64, 0.75
"""Places of a file that are looked up in the page cache; from this share on it is read from there."""
BLOCK_BYTES = 4096
"""Direct reads begin and end at multiples of it in the file and in memory."""
HUGE_BYTES = 2 << 20
"""A huge page.  A disk gets each page of a buffer as a piece, and has a limit of pieces in a request."""
BEHIND_BYTES = 8 << 20
"""Bytes before a part that are removed with it: a large page stays if a part ends inside it, until the next part."""


def is_cached(path: Path) -> bool:
    """Whether most of a file is in the page cache: then it is read faster from there than from the disk."""
    if sys.platform != "linux":
        return False
    # Other places each time: the system may begin to read a page that is asked for.
    size, found, byte = max(1, path.stat().st_size), 0, bytearray(1)
    with path.open("rb", buffering=0) as file:
        for _ in range(SAMPLES):
            # Raises what would have to be read, or on file systems that cannot say.
            with suppress(OSError):
                found += os.preadv(file.fileno(), [byte], random.randrange(size), os.RWF_NOWAIT)
    return found >= CACHED_SHARE * SAMPLES


def reading_buffer(n_bytes: int) -> memoryview:
    """Return memory for parts of so many bytes."""
    if sys.platform != "linux":
        return memoryview(bytearray(n_bytes))
    size = -(-(n_bytes + 2 * BLOCK_BYTES) // HUGE_BYTES) * HUGE_BYTES
    memory = mmap.mmap(-1, size + HUGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # Refused where the system has none.
    with suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    start = -address_of(memoryview(memory)) % HUGE_BYTES
    return memoryview(memory)[start : start + size]


def address_of(memory: memoryview) -> int:
    """Return the address of memory that can be written to."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


class WeightsReader:
    """Reads parts of files for several threads.

    On Linux a file that is not in the page cache is read past it.  Where its file system refuses that, the threads take
    turns, so that the system reads ahead, and what was read is removed from the page cache at once.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._cached = {path for path in paths if is_cached(path)}
        self._turn = Lock()
        self._file: FileIO | None = None
        self._direct: dict[Path, int | None] = {}
        """By path; None for files that are read through the page cache."""

    def read(self, path: Path, start: int, n_bytes: int, buffer: memoryview) -> memoryview:
        """Return a part of a file, in a ``reading_buffer``; fastest is the part that follows the last one.

        Raises:
            OSError: the file cannot be read, or ends before.
        """
        if (file := self._open_direct(path)) is not None:
            # Some file systems refuse the read instead.
            with suppress(OSError):
                return _read_direct(file, path, start, n_bytes, buffer)
        with self._turn:
            return self._read_buffered(path, start, buffer[:n_bytes])

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        for file in self._direct.values():
            if file is not None:
                os.close(file)

    def _open_direct(self, path: Path) -> int | None:
        with self._turn:
            if path not in self._direct:
                self._direct[path] = None
                if sys.platform == "linux" and path not in self._cached:
                    with suppress(OSError):
                        self._direct[path] = os.open(path, os.O_RDONLY | os.O_DIRECT)
            return self._direct[path]

    def _read_buffered(self, path: Path, start: int, part: memoryview) -> memoryview:
        if self._file is None or self._file.name != path:
            if self._file is not None:
                self._file.close()
            self._file = FileIO(path)
        self._file.seek(start)
        done = 0
        while done < len(part):
            if not (count := self._file.readinto(part[done:])):
                raise OSError(f"{path} ends at byte {start + done}")
            done += count
        if sys.platform == "linux" and path not in self._cached:
            begin = max(0, start - BEHIND_BYTES)
            # Some file systems take no advice.
            with suppress(OSError):
                os.posix_fadvise(self._file.fileno(), begin, start + done - begin, os.POSIX_FADV_DONTNEED)
        return part


def _read_direct(file: int, path: Path, start: int, n_bytes: int, buffer: memoryview) -> memoryview:
    before = start % BLOCK_BYTES
    blocks = buffer[: -(-(before + n_bytes) // BLOCK_BYTES) * BLOCK_BYTES]
    done = 0
    while done < before + n_bytes:
        if not (count := os.preadv(file, [blocks[done:]], start - before + done)):
            raise OSError(f"{path} ends at byte {start - before + done}")
        done += count
    return buffer[before : before + n_bytes]
