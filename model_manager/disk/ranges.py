"""Copying ranges of bytes between open files, or within one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import BinaryIO

from model_manager.disk.files import write_at

CHUNK_BYTES = 16 << 20
"""Copied between two progress steps."""

_BUFFER_BYTES = 4 << 20
_UNSUPPORTED = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM})


class RangeCopier:
    """Copies ranges between unbuffered files, or within one where the ranges don't overlap.

    Uses the system's ``copy_file_range`` where it works, which shares blocks on some file systems.  Memory: one buffer
    of 4 MiB otherwise.
    """

    def __init__(self) -> None:
        self._system_copies = hasattr(os, "copy_file_range")
        self._buffer: memoryview | None = None

    def copy(self, source: BinaryIO, start: int, target: BinaryIO, offset: int, length: int) -> Iterator[int]:
        """Copy ``length`` bytes from ``start`` in ``source`` to ``offset`` in ``target``; yields each step's bytes.

        Raises ``OSError``, also where ``source`` ends too early.
        """
        done = 0
        while done < length:
            step = min(CHUNK_BYTES, length - done)
            end = done + step
            while done < end:
                arguments = source, start + done, target, offset + done, end - done
                done += self._system_copy(*arguments) or self._buffered_copy(*arguments)
            yield step

    def _system_copy(self, source: BinaryIO, start: int, target: BinaryIO, offset: int, length: int) -> int:
        if not self._system_copies:
            return 0
        try:
            return os.copy_file_range(source.fileno(), target.fileno(), length, start, offset)  # type: ignore[attr-defined,no-any-return,unused-ignore]
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._system_copies = False
            return 0

    def _buffered_copy(self, source: BinaryIO, start: int, target: BinaryIO, offset: int, length: int) -> int:
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        source.seek(start)
        count: int = source.readinto(self._buffer[: min(length, _BUFFER_BYTES)])  # type: ignore[attr-defined]
        if not count:
            raise OSError(errno.EIO, "the file ended too early")
        write_at(target, offset, self._buffer[:count])
        return count
