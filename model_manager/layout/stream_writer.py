"""Writes a file in its layout from the first byte to the last, out of the published one, and hashes it meanwhile.

Hashing and waiting for the disk happen in threads of their own.  Where the copy goes, and what becomes of the old file,
is the callers' business.
"""

from __future__ import annotations

import errno
import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import read_error, sync, write_at
from model_manager.disk.ranges import RangeCopier
from model_manager.disk.space import reserve
from model_manager.errors import UserError
from model_manager.layout.layout import Layout
from model_manager.layout.permutation import gaps
from model_manager.progress import OnProgress, Progress, ignore_progress

_HASHED_AT_ONCE = 256 << 10
_HASHED_TOGETHER = 16 << 20
_MAX_LAG = 16
"""How many times that the hash may be behind."""
_SYNC_EVERY_BYTES = 128 << 20
_ZEROS = bytes(1 << 20)

Job = TypeVar("Job")


def write_laid_down(
    path: Path,
    source: BinaryIO,
    layout: Layout,
    new: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
) -> str | None:
    """Write the file of ``layout`` to ``new`` out of ``source``, the published one, opened unbuffered.

    Returns its SHA-256, or None where hashing could not keep up with the disk: it can be made later, and is no reason
    to wait twice as long now.  All of the file is safe on the disk when this returns, and no more than 384 MiB wait for
    the disk meanwhile, so that progress means something on a slow one.

    ``on_progress`` and ``cancel`` run in the calling thread, every 16 MiB; ``path`` names
    the source in errors.  Memory: some MiB.  Raises ``Cancelled``, ``UserError`` as ``read_error`` makes it and
    file_changed(path) where the source ends too early, and ``OSError`` for ``new``.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_HASHED_AT_ONCE))
    with new.open("wb", buffering=0) as target, new.open("rb", buffering=0) as written:
        reserve(target, layout.target_bytes)

        def hash_next(count: int) -> None:
            while count:
                got = written.readinto(buffer[: min(count, len(buffer))])
                if not got:
                    raise OSError(errno.EIO, "the file got shorter while it was written")
                digest.update(buffer[:got])
                count -= got

        with _Behind("repair-hash", hash_next, _MAX_LAG) as hasher, _Behind("repair-sync", sync, 1) as syncer:
            done = synced = hashed = 0
            keeps_up = True
            for count in _written(path, source, layout, target):
                done += count
                if keeps_up and done - hashed >= _HASHED_TOGETHER:
                    keeps_up = hasher.offer(done - hashed)
                    hashed = done
                if done - synced >= _SYNC_EVERY_BYTES:
                    syncer.put(target)
                    synced = done
                on_progress(Progress(done, layout.target_bytes))
                cancel.raise_if_cancelled()
            hasher.put(done - hashed)
        sync(target)
    return digest.hexdigest() if keeps_up else None


def _written(path: Path, source: BinaryIO, layout: Layout, target: BinaryIO) -> Iterator[int]:
    """Write the new file in its order; yields the bytes of each step."""
    copier = RangeCopier()
    write_at(target, 0, layout.target_head)
    place = len(layout.target_head)
    yield place
    for start, length in _runs(layout):
        if start is None:
            for begin in range(place, place + length, len(_ZEROS)):
                count = min(len(_ZEROS), place + length - begin)
                write_at(target, begin, _ZEROS[:count])
                yield count
        else:
            try:
                yield from copier.copy(source, start, target, place, length)
            except OSError as error:
                _blame(path, source, start, length)
                raise error from None
        place += length


def _runs(layout: Layout) -> Iterator[tuple[int | None, int]]:
    """What follows the head, in order: each stretch's place in the old file, None for zeros, and its length."""
    stretches: list[tuple[int, int | None, int]] = [
        (segment.target, segment.source, segment.length) for segment in layout.segments
    ]
    stretches += [(place, None, length) for place, length in gaps(layout)]
    for _, source, length in sorted(stretches, key=lambda each: each[0]):
        yield source, length


def _blame(path: Path, source: BinaryIO, start: int, length: int) -> None:
    """Raise a ``UserError`` where it is the old file that cannot be read: a copy made by the system does not tell."""
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


class _Behind(Generic[Job]):
    """Does jobs one after the other in a thread of its own; no more than ``waiting`` of them wait.

    What a job raises comes out where the next is handed over, or where the block ends.
    """

    def __init__(self, name: str, work: Callable[[Job], None], waiting: int) -> None:
        self._work = work
        self._jobs: queue.Queue[Job | None] = queue.Queue(waiting)
        self._error: Exception | None = None
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> _Behind[Job]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._jobs.put(None)
        self._thread.join()
        if kind is None and self._error:
            raise self._error

    def put(self, job: Job) -> None:
        """Have a job done; waits while too many are waiting."""
        if self._error:
            raise self._error
        self._jobs.put(job)

    def offer(self, job: Job) -> bool:
        """Have a job done, unless too many are waiting; then none of those is done either."""
        if self._error:
            raise self._error
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._given_up = True
        return not self._given_up

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is None and not self._given_up:
                try:
                    self._work(job)
                except Exception as error:
                    self._error = error
