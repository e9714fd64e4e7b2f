"""Copies one large file so that the original may be deleted afterwards: read back from the disk and compared.

A copy that was cut short goes on where it ended.  Holes stay holes, so that a partial download takes no more room in
its new place than it did in the old one.  When a copy gets its final name, and what becomes of the original, is decided
by ``moving``.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from model_manager.disk.files import disk_error, open_regular, read_error, sync
from model_manager.errors import UserError

_CHUNK_BYTES = 1 << 20
_TRIES = 2
_NO_HOLES = frozenset({errno.EINVAL, errno.ENOTTY, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True)
class Copied:
    """A finished copy: size in bytes and time of change of both files, and the CRC-32 of their data."""

    bytes: int
    mtime_ns: int
    crc32: int


def copy_and_compare(source: Path, target: Path, tell: Callable[[int], None], look: Callable[[], None]) -> Copied:
    """Copy ``source`` to ``target``, wait for the disk, read it back.  A ``target`` that is there is gone on with.

    ``tell(bytes)`` is called as bytes are done, each byte once when it is copied and once when it is compared;
    ``look()`` before each chunk of 1 MiB, and may raise.

    Raises ``UserError`` as ``open_regular`` and ``disk_error`` do, file_changed(path) when the source was written to
    meanwhile, copy_differs(path) when the disk twice gives back something else than was written.
    """
    told = 0

    def count(n_bytes: int) -> None:
        nonlocal told
        told += n_bytes
        tell(n_bytes)

    for _ in range(_TRIES):
        file, before = open_regular(source)
        with file:
            extents = tuple(_data(file, before.st_size))
            expected = _copy(source, file, target, extents, before, count, look)
            after = os.fstat(file.fileno())
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise UserError("file_changed", path=source)
        if _read_back(target, extents, before.st_size, count, look) == expected:
            return Copied(before.st_size, before.st_mtime_ns, expected)
        count(-told)
        try:
            target.unlink()
        except OSError as error:
            raise disk_error(error, target) from error
    raise UserError("copy_differs", path=target)


def copy_link(link: Path, copy: Path, old: Path) -> None:
    """Another link to the same file; one that leads to a neighbour leads to the neighbour's new place.

    ``old`` is the folder that moves.  Raises ``UserError`` as ``disk_error``.
    """
    place = os.readlink(link)  # noqa: PTH115 (as text: a Path has lost whether it was "./x")
    leads_to = Path(os.path.abspath(link.parent / place))  # noqa: PTH100
    try:
        copy.unlink(missing_ok=True)
        copy.symlink_to(place if leads_to.is_relative_to(old) and not os.path.isabs(place) else leads_to)  # noqa: PTH117
    except OSError as error:
        raise disk_error(error, copy) from error


def _copy(
    source: Path,
    file: BinaryIO,
    target: Path,
    extents: tuple[tuple[int, int], ...],
    status: os.stat_result,
    tell: Callable[[int], None],
    look: Callable[[], None],
) -> int:
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    crc32 = 0
    told = 0
    try:
        # Made where it is not there; what is there of an earlier attempt is kept.
        with os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", 0) as out:
            there = out.seek(0, os.SEEK_END)
            for place, piece in _pieces(source, file, extents, buffer, look):
                crc32 = zlib.crc32(piece, crc32)
                if place + len(piece) > there:
                    _write(out, place, piece)
                tell(place + len(piece) - told)
                told = place + len(piece)
            out.truncate(status.st_size)
            tell(status.st_size - told)
            sync(out)
            os.fsync(out.fileno())
            if hasattr(os, "posix_fadvise"):
                # What is compared must come from the disk, not from memory.
                with suppress(OSError):
                    os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        raise disk_error(error, target) from error
    return crc32


def _read_back(
    target: Path,
    extents: tuple[tuple[int, int], ...],
    n_bytes: int,
    tell: Callable[[int], None],
    look: Callable[[], None],
) -> int | None:
    file, status = open_regular(target)
    crc32 = 0
    told = 0
    with file:
        if status.st_size != n_bytes:
            return None
        for place, piece in _pieces(target, file, extents, memoryview(bytearray(_CHUNK_BYTES)), look):
            crc32 = zlib.crc32(piece, crc32)
            tell(place + len(piece) - told)
            told = place + len(piece)
    tell(n_bytes - told)
    return crc32


def _pieces(
    path: Path,
    file: BinaryIO,
    extents: tuple[tuple[int, int], ...],
    buffer: memoryview,
    look: Callable[[], None],
) -> Iterator[tuple[int, memoryview]]:
    for start, end in extents:
        place = start
        while place < end:
            look()
            try:
                file.seek(place)
                count = file.readinto(buffer[: min(len(buffer), end - place)])  # type: ignore[attr-defined]
            except OSError as error:
                raise read_error(error, path) from error
            if not count:
                raise UserError("file_changed", path=path)
            yield place, buffer[:count]
            place += count


def _data(file: BinaryIO, n_bytes: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of each stretch that is no hole."""
    place = 0
    while place < n_bytes:
        start, end = place, n_bytes
        if hasattr(os, "SEEK_DATA"):
            try:
                start = os.lseek(file.fileno(), place, os.SEEK_DATA)
                end = min(os.lseek(file.fileno(), start, os.SEEK_HOLE), n_bytes)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return  # a hole up to the end
                if error.errno not in _NO_HOLES:
                    raise
        yield start, end
        place = end


def _write(out: BinaryIO, place: int, piece: memoryview) -> None:
    out.seek(place)
    while piece:
        piece = piece[out.write(piece) :]
