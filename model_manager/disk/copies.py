"""Copies of files: ranges of bytes between open files, and whole files that are compared with their originals."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import disk_errors, open_regular, open_unmodified, read_error, sync, write_at
from model_manager.errors import UserError

CHUNK_BYTES = 16 << 20
"""Copied between two progress steps."""

_COMPARED_BYTES = 1 << 20
_ATTEMPTS = 2
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


def copy_verified(
    source: Path,
    target: Path,
    on_bytes: Callable[[int], None] = lambda _n_bytes: None,
    cancel: CancelToken = NEVER_CANCELLED,
) -> None:
    """Copy ``source`` over ``target`` with its modification time, and compare what the disk returns.

    Holes remain holes, so that a partial download takes no more space.  ``on_bytes(count)`` reports progress up to
    twice the file's size: each byte once when it is copied and once when it is compared.

    Raises ``Cancelled``; ``UserError`` as ``open_unmodified`` and ``disk_error``, and copy_differs(path) if the
    comparison fails twice.
    """
    for _ in range(_ATTEMPTS):
        with open_unmodified(source) as (file, before):
            chunks = tuple(_data_chunks(file, before.st_size))
            with disk_errors(target), target.open("wb", buffering=0) as out:
                expected = _copy(source, file, out, chunks, on_bytes, cancel)
                out.truncate(before.st_size)
                sync(out)
                if hasattr(os, "posix_fadvise"):
                    # The comparison must read from the disk, not from memory.
                    with suppress(OSError):
                        os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        copy, status = open_regular(target)
        with copy:
            found = zlib.crc32(b"")
            for offset, piece in _pieces(target, copy, chunks, cancel):
                found = zlib.crc32(piece, found)
                on_bytes(before.st_size + offset + len(piece))
        if (status.st_size, found) == (before.st_size, expected):
            with disk_errors(target):
                os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
            return
    raise UserError("copy_differs", path=target)


def copy_link(link: Path, copy: Path, folder: Path) -> None:
    """Create a link ``copy`` to the same file as ``link``, which is in ``folder``.

    A relative link to a file in ``folder`` stays relative.  Raises ``UserError`` as ``disk_error``.
    """
    destination = os.readlink(link)  # noqa: PTH115 (as text: a Path drops a leading "./")
    absolute = Path(os.path.abspath(link.parent / destination))  # noqa: PTH100
    stays_relative = absolute.is_relative_to(folder) and not os.path.isabs(destination)  # noqa: PTH117
    with disk_errors(copy):
        copy.unlink(missing_ok=True)
        copy.symlink_to(destination if stays_relative else absolute)


def _copy(
    source: Path,
    file: BinaryIO,
    out: BinaryIO,
    chunks: Sequence[tuple[int, int]],
    on_bytes: Callable[[int], None],
    cancel: CancelToken,
) -> int:
    crc32 = zlib.crc32(b"")
    for offset, piece in _pieces(source, file, chunks, cancel):
        crc32 = zlib.crc32(piece, crc32)
        write_at(out, offset, piece)
        on_bytes(offset + len(piece))
    return crc32


def _pieces(
    path: Path, file: BinaryIO, chunks: Sequence[tuple[int, int]], cancel: CancelToken
) -> Iterator[tuple[int, memoryview]]:
    buffer = memoryview(bytearray(_COMPARED_BYTES))
    for start, length in chunks:
        cancel.raise_if_cancelled()
        done = 0
        while done < length:
            try:
                file.seek(start + done)
                count = file.readinto(buffer[: length - done])  # type: ignore[attr-defined]
            except OSError as error:
                raise read_error(error, path) from error
            if not count:
                raise UserError("file_changed", path=path)
            yield start + done, buffer[:count]
            done += count


def _data_chunks(file: BinaryIO, n_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each chunk of the file that isn't a hole."""
    offset = 0
    while (offset := _next_data(file, offset, n_bytes)) < n_bytes:
        length = min(_COMPARED_BYTES, n_bytes - offset)
        yield offset, length
        offset += length


def _next_data(file: BinaryIO, offset: int, n_bytes: int) -> int:
    if not hasattr(os, "SEEK_DATA"):
        return offset
    try:
        return os.lseek(file.fileno(), offset, os.SEEK_DATA)
    except OSError as error:
        # ENXIO: a hole up to the end of the file; anything else: the file system doesn't report holes.
        return n_bytes if error.errno == errno.ENXIO else offset
