"""Model files in the page cache: whether they are there, and their removal after a load."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from model_manager.gguf.header import GgufHeader

SAMPLES, CACHED_SHARE = 64, 0.75
"""Places of a file that are looked up in the page cache; from this share on it is read from there."""


def is_cached(path: Path) -> bool:
    """Whether most of a file is in the page cache: then it is read faster from there than from the disk."""
    if sys.platform != "linux":
        return False
    size, found, byte = path.stat().st_size, 0, bytearray(1)
    with path.open("rb", buffering=0) as file:
        for number in range(SAMPLES):
            # Raises what would have to be read, or on file systems that cannot say.
            with suppress(OSError):
                found += os.preadv(file.fileno(), [byte], size * number // SAMPLES, os.RWF_NOWAIT)
    return found >= CACHED_SHARE * SAMPLES


class PageCache:
    """The files of a model in the page cache."""

    def __init__(self, headers: Sequence[GgufHeader]) -> None:
        """Files that are there already stay there."""
        self._places = {
            tensor.name: (header.path, header.data_offset + tensor.offset, tensor.n_bytes)
            for header in headers
            if not is_cached(header.path)
            for tensor in header.tensors
        }

    def drop(self, name: str) -> None:
        """Remove a tensor that was read, where the system lets programs do so."""
        if sys.platform == "linux" and name in self._places:
            path, start, n_bytes = self._places[name]
            # Some file systems take no advice.
            with suppress(OSError), path.open("rb", buffering=0) as file:
                os.posix_fadvise(file.fileno(), start, n_bytes, os.POSIX_FADV_DONTNEED)
