"""Reading a model's files in order, and whether a file is in the page cache."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

SAMPLES, CACHED_SHARE = 64, 0.75
"""Places of a file that are looked up in the page cache; from this share on it is read from there."""
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


class WeightsReader:
    """Reads parts of files, and removes from the page cache what was not there, where the system lets programs do so.

    On Linux this is as fast as a plain read: the system reads ahead, and has the same few pages for each part.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._cached = {path for path in paths if is_cached(path)}
        self._file: FileIO | None = None

    def read(self, path: Path, start: int, into: memoryview) -> None:
        """Fill memory from a file, fastest with the part that follows the last one.

        Raises:
            OSError: the file cannot be read, or ends before.
        """
        if self._file is None or self._file.name != path:
            self.close()
            self._file = FileIO(path)
        self._file.seek(start)
        done = 0
        while done < len(into):
            if not (count := self._file.readinto(into[done:])):
                raise OSError(f"{path} ends at byte {start + done}")
            done += count
        if sys.platform == "linux" and path not in self._cached:
            begin = max(0, start - BEHIND_BYTES)
            # Some file systems take no advice.
            with suppress(OSError):
                os.posix_fadvise(self._file.fileno(), begin, start + len(into) - begin, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
