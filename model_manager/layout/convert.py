"""Conversion of a file made before April 2024: its experts are stacked, none of its values changes.

Where the disk has room, a copy is written and replaces the old file when it is complete; otherwise the file is
rewritten in place.  The new arrangement of the bytes is computed by ``stacking``.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.copies import RangeCopier
from model_manager.disk.files import (
    FileLock,
    disk_errors,
    is_file,
    is_sole_link,
    open_unmodified,
    read_bytes,
    read_error,
    remove_temporary_files,
    replace_durably,
    sync,
    write_at,
)
from model_manager.disk.space import SPARE_BYTES, free_bytes, require_free, reserve
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.shards import read_model
from model_manager.layout.file_names import model_path, with_suffix
from model_manager.layout.in_place import JOURNAL, SAVED, WORKING, begin_in_place, finish_in_place
from model_manager.layout.layout import ByteRange, TensorLayout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.layout.permutation import Permutation, plan_moves
from model_manager.layout.stacking import read_layout
from model_manager.progress import OnProgress, Progress, ignore_progress
from model_manager.published import HubFile

_READ_BYTES = 256 << 10
_SYNC_BYTES = 128 << 20
_MAX_HASHED_LATER = 256 << 20
"""Hashing a copy is given up where more of it waits."""
_PART = ".repair.part"
_SUFFIXES = (WORKING, JOURNAL, SAVED, _PART)


def stack_experts(
    path: Path,
    out: Path | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    *,
    in_place: bool | None = None,
) -> Path:
    """Stack the experts of the file at ``path``, into ``out`` or, without it, under the file's own name.

    Without ``out`` the old file is replaced once the new one is on the disk, or rewritten in place where there is no
    room for both (or as ``in_place`` says).  An interrupted conversion in place is continued, whether ``path`` is the
    file's own name or the name it has meanwhile.  A file that loads already is unchanged.  Links, and files with a
    second name, are never rewritten in place.

    Progress is reported every 16 MiB.  Memory: a few MiB.  Returns the path of the converted file.  Its origin is
    stored beside it, with its SHA-256 where it was copied and hashing kept up with the disk.

    Raises ``Cancelled`` where nothing changed, and ``UserError``: as ``read_header``, ``shard_paths``, ``layout_for``
    (experts_differ, experts_missing, experts_in_shards...) and ``finish_in_place``; repair_not_needed(path) where there
    is nothing to write to ``out``; file_exists(path) for an existing ``out``; repair_running(path) in another process;
    repair_no_room(path, needed_bytes, free_bytes); file_changed(path); and as ``disk_error``.
    """
    path = model_path(path, _SUFFIXES)
    if out is None or (is_file(out) and is_file(path) and out.samefile(path)):
        out = path
    with FileLock(with_suffix(out, ".repair.lock"), UserError("repair_running", path=out)):
        for each in (with_suffix(path, JOURNAL), origin_path(out)):
            remove_temporary_files(each)

        def finish() -> bool:
            return finish_in_place(path, lambda layout: _origin(path, layout, None), on_progress, cancel)

        if is_file(with_suffix(path, WORKING)) or is_file(with_suffix(path, JOURNAL)):
            if out != path:
                raise UserError("repair_stopped", path=path, working=with_suffix(path, WORKING))
            if finish():
                return path
        if out == path:
            _remove_work_files(path)
        _refuse_shards(path)
        _, layout = read_layout(path)
        if layout.is_identity:
            if out != path:
                raise UserError("repair_not_needed", path=path)
            return path
        if out != path and (out.exists() or out.is_symlink()):
            raise UserError("file_exists", path=out)
        plan = _plan_in_place(path, layout, in_place) if out == path else None
        if plan is None:
            _write_copy(path, layout, out, on_progress, cancel)
        else:
            begin_in_place(path, layout, plan)
            finish()
    return out


def _remove_work_files(path: Path) -> None:
    for suffix in _SUFFIXES:
        with suppress(OSError):
            with_suffix(path, suffix).unlink()


def _refuse_shards(path: Path) -> None:
    header = read_header(path)
    if header.split_count == 1:
        return
    for each in read_model(path):
        if each.experts_in_separate_tensors:
            raise UserError("experts_in_shards", path=each.path, count=header.split_count)


def _plan_in_place(path: Path, layout: TensorLayout, in_place: bool | None) -> Permutation | None:
    """Return the moves where the file is to be rewritten in place, None where there is room for a copy."""
    free = free_bytes(path.parent)
    needed = layout.target_bytes + SPARE_BYTES
    if in_place is False or (in_place is None and free >= needed):
        return None
    if not is_sole_link(path):
        raise UserError("repair_no_room", path=path, needed_bytes=needed, free_bytes=free)
    plan = plan_moves(layout)
    require_free(path.parent, plan.saved_bytes + SPARE_BYTES, "repair_no_room", path)
    return plan


def _write_copy(path: Path, layout: TensorLayout, out: Path, on_progress: OnProgress, cancel: CancelToken) -> None:
    part = with_suffix(out, _PART)
    with suppress(OSError):
        part.unlink()
    require_free(out.parent, layout.target_bytes, "repair_no_room", out)
    try:
        with disk_errors(out):
            with open_unmodified(path) as (source, _), disk_errors(out):
                sha256 = _write(path, source, layout, part, on_progress, cancel)
            _put_in_place(part, out, _origin(path, layout, sha256))
    finally:
        with suppress(OSError):
            part.unlink()


def _write(
    path: Path, source: BinaryIO, layout: TensorLayout, new: Path, on_progress: OnProgress, cancel: CancelToken
) -> str | None:
    """Write the file of ``layout`` to ``new`` from ``source``; ``path`` names the source in errors.

    Returns its SHA-256, or None where hashing couldn't keep up with the disk: waiting for it would double the time, and
    it can be computed later.  The file is on the disk when this returns, and few hundred MiB wait for the disk
    meanwhile, so that progress is meaningful on a slow one.
    """
    with new.open("wb", buffering=0) as target, new.open("rb", buffering=0) as written, ThreadPoolExecutor(2) as pool:
        reserve(target, layout.target_bytes)
        hasher = _HashBehind(written)
        hashing, syncing = pool.submit(hasher.advance, 0), pool.submit(sync, target)
        done = synced = 0
        try:
            for count in _copy_in_order(path, source, layout, target):
                done += count
                if done - hasher.position > _MAX_HASHED_LATER:
                    hasher.is_stopped = True
                elif hashing.done():
                    hashing.result()
                    hashing = pool.submit(hasher.advance, done)
                if done - synced >= _SYNC_BYTES:
                    syncing.result()
                    syncing, synced = pool.submit(sync, target), done
                on_progress(Progress(done, layout.target_bytes))
                cancel.raise_if_cancelled()
            if not hasher.is_stopped:
                hashing.result()
                hasher.advance(done)
            syncing.result()
        except BaseException:
            hasher.is_stopped = True
            raise
        sync(target)
    return None if hasher.is_stopped else hasher.digest.hexdigest()


class _HashBehind:
    """SHA-256 of a growing file up to ``position``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self.digest = hashlib.sha256()
        self.position = 0
        self.is_stopped = False

    def advance(self, end: int) -> None:
        while self.position < end and not self.is_stopped:
            count = self._file.readinto(self._buffer[: end - self.position])  # type: ignore[attr-defined]
            if not count:
                raise OSError(errno.EIO, "the file was truncated while it was written")
            self.digest.update(self._buffer[:count])
            self.position += count


def _copy_in_order(path: Path, source: BinaryIO, layout: TensorLayout, target: BinaryIO) -> Iterator[int]:
    """Write the new file in its order; yields the bytes of each step."""
    copier = RangeCopier()
    runs: list[tuple[int, ByteRange | bytes]] = [(each.target, each) for each in layout.segments]
    for offset, run in sorted([*runs, *layout.unpublished()], key=lambda each: each[0]):
        if isinstance(run, bytes):
            write_at(target, offset, run)
            yield len(run)
            continue
        try:
            yield from copier.copy(source, run.source, target, offset, run.length)
        except OSError as error:
            _raise_read_error(path, source, run.source, run.length)
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


def _put_in_place(part: Path, out: Path, origin: Origin) -> None:
    # The origin first: without it the published bytes of the new file are unknown.
    before = read_bytes(origin_path(out)) if is_file(origin_path(out)) else None
    write_origin(out, origin)
    try:
        replace_durably(part, out)
    except OSError:
        if before is None:
            origin_path(out).unlink()
        else:
            origin_path(out).write_bytes(before)
        raise


def _origin(path: Path, layout: TensorLayout, sha256: str | None) -> Origin:
    """Return the origin of the converted file: that of the old one, where it is known, with the new layout."""
    parts = (HubFile(path.name, layout.source_bytes),)
    unknown = Origin(model_id="", repository="", commit="", parts=parts, layout=layout, sha256=sha256)
    before = read_origin(path)
    if before is None or before.layout.source_bytes != layout.source_bytes:
        return unknown
    if not before.layout.is_identity and before.layout.source_head != layout.source_head:
        return unknown
    return replace(before, layout=layout, sha256=sha256, verified_at=None)
