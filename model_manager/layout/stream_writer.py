"""Writing a file in its layout from beginning to end, from the published file, while hashing it.

Hashing and waiting for the disk happen in separate threads.
"""

from __future__ import annotations

import errno
import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import read_error, sync, write_at
from model_manager.disk.ranges import RangeCopier
from model_manager.disk.space import reserve
from model_manager.errors import UserError
from model_manager.layout.in_place import ZEROS
from model_manager.layout.layout import Layout
from model_manager.progress import OnProgress, Progress, ignore_progress

_READ_BYTES = 256 << 10
_HASH_BYTES = 16 << 20
"""Hashed by one task."""
_MAX_WAITING_HASHES = 16
_SYNC_BYTES = 128 << 20


def write_in_layout(
    path: Path,
    source: BinaryIO,
    layout: Layout,
    new: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
) -> str | None:
    """Write the file of ``layout`` to ``new`` from ``source``, the published file, opened unbuffered.

    Returns its SHA-256, or None where hashing couldn't keep up with the disk: waiting for it would double the time, and
    it can be computed later.  The file is on the disk when this returns, and at most 384 MiB wait for the disk
    meanwhile, so that progress is meaningful on a slow one.

    Progress is reported every 16 MiB; ``path`` names the source in errors.  Memory: a few MiB.  Raises ``Cancelled``,
    ``UserError`` as ``read_error`` and file_changed(path) where the source ends too early, and ``OSError`` for ``new``.
    """
    with new.open("wb", buffering=0) as target, new.open("rb", buffering=0) as written:
        reserve(target, layout.target_bytes)
        hasher = _HashBehind(written)
        syncer = ThreadPoolExecutor(1, "conversion-sync")
        try:
            done = synced = 0
            syncing: Future[None] | None = None
            for count in _write(path, source, layout, target):
                done += count
                hasher.advance(done)
                if done - synced >= _SYNC_BYTES:
                    if syncing is not None:
                        syncing.result()
                    syncing = syncer.submit(sync, target)
                    synced = done
                on_progress(Progress(done, layout.target_bytes))
                cancel.raise_if_cancelled()
            digest = hasher.finish(done)
            if syncing is not None:
                syncing.result()
        finally:
            hasher.shut_down()
            syncer.shutdown()
        sync(target)
    return digest


class _HashBehind:
    """Hashes a growing file in a thread; gives up where too much is waiting."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._pool = ThreadPoolExecutor(1, "conversion-hash")
        self._waiting: deque[Future[None]] = deque()
        self._submitted = 0
        self._keeps_up = True

    def advance(self, written: int) -> None:
        """Hash what was written so far, in tasks of 16 MiB."""
        if self._keeps_up and written - self._submitted >= _HASH_BYTES:
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft().result()
            self._keeps_up = len(self._waiting) <= _MAX_WAITING_HASHES
            if self._keeps_up:
                self._submit(written)

    def finish(self, written: int) -> str | None:
        """Hash the rest; returns the digest, None where hashing didn't keep up."""
        if not self._keeps_up:
            return None
        self._submit(written)
        for each in self._waiting:
            each.result()
        return self._digest.hexdigest()

    def shut_down(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, written: int) -> None:
        self._waiting.append(self._pool.submit(self._hash, written - self._submitted))
        self._submitted = written

    def _hash(self, count: int) -> None:
        while count:
            n_bytes = self._file.readinto(self._buffer[: min(count, len(self._buffer))])  # type: ignore[attr-defined]
            if not n_bytes:
                raise OSError(errno.EIO, "the file was truncated while it was written")
            self._digest.update(self._buffer[:n_bytes])
            count -= n_bytes


def _write(path: Path, source: BinaryIO, layout: Layout, target: BinaryIO) -> Iterator[int]:
    """Write the new file in its order; yields the bytes of each step."""
    copier = RangeCopier()
    write_at(target, 0, layout.target_head)
    yield len(layout.target_head)
    runs: list[tuple[int, int | None, int]] = [(each.target, each.source, each.length) for each in layout.segments]
    runs += [(offset, None, length) for offset, length in layout.gaps()]
    for offset, start, length in sorted(runs, key=lambda run: run[0]):
        if start is None:
            for begin in range(offset, offset + length, len(ZEROS)):
                count = min(len(ZEROS), offset + length - begin)
                write_at(target, begin, ZEROS[:count])
                yield count
            continue
        try:
            yield from copier.copy(source, start, target, offset, length)
        except OSError as error:
            _raise_read_error(path, source, start, length)
            raise error from None


def _raise_read_error(path: Path, source: BinaryIO, start: int, length: int) -> None:
    """Raise a ``UserError`` where the source can't be read: the system's copy doesn't say which file failed."""
    buffer = memoryview(bytearray(1 << 20))
    try:
        source.seek(start)
        while length:
            count: int = source.readinto(buffer[: min(length, len(buffer))])  # type: ignore[attr-defined]
            if not count:
                raise UserError("file_changed", path=path)
            length -= count
    except OSError as error:
        raise read_error(error, path) from error
