"""Copy of a large file that is read back from the disk and compared, so that the original may be deleted."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import disk_errors, open_regular, read_error, sync, write_at
from model_manager.errors import UserError

_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 2


def copy_verified(
    source: Path,
    target: Path,
    on_bytes: Callable[[int], None] = lambda _n_bytes: None,
    cancel: CancelToken = NEVER_CANCELLED,
) -> None:
    """Copy ``source`` over ``target`` with its modification time, and compare what the disk returns.

    Holes remain holes, so that a partial download takes no more space.  ``on_bytes(count)`` reports progress up to
    twice the file's size: each byte once when it is copied and once when it is compared.

    Raises ``Cancelled``; ``UserError`` as ``open_regular`` and ``disk_error``, file_changed(path) if the source changes
    during the copy, copy_differs(path) if the comparison fails twice.
    """
    for _ in range(_ATTEMPTS):
        file, before = open_regular(source)
        with file:
            chunks = tuple(_data_chunks(file, before.st_size))
            with disk_errors(target), target.open("wb", buffering=0) as out:
                expected = _copy(source, file, out, chunks, on_bytes, cancel)
                out.truncate(before.st_size)
                sync(out)
                if hasattr(os, "posix_fadvise"):
                    # The comparison must read from the disk, not from memory.
                    with suppress(OSError):
                        os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            after = os.fstat(file.fileno())
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UserError("file_changed", path=source)
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
    buffer = memoryview(bytearray(_CHUNK_BYTES))
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
        length = min(_CHUNK_BYTES, n_bytes - offset)
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
