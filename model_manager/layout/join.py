"""Joins the raw parts of a GGUF file that lie on the disk already: ``MODEL.gguf-split-a``, ``MODEL.gguf-split-b``...

The parts are 20 to 40 GiB, so they are joined without a second copy: the first part becomes the beginning of the file,
and the others move into it from the last byte backwards, each part getting shorter as the file fills.  Beside
``MODEL.gguf`` lies meanwhile ``MODEL.gguf.join``, which remembers the parts; the file itself is called
``MODEL.gguf.joining`` until it is whole.  Which names are parts, and in what order, is decided in ``part_names``; a
download needs none of this, for it writes every part to its place at once.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import (
    disk_error,
    error_detail,
    has_single_name,
    is_file,
    move_over,
    open_regular,
    read_error,
    remove_temporary_files,
    sync,
    write_atomically,
)
from model_manager.disk.lock import FileLock
from model_manager.disk.ranges import RangeCopier
from model_manager.disk.space import SPARE_BYTES, free_bytes, make_sparse, reserve
from model_manager.errors import UserError
from model_manager.gguf.header import parse_header
from model_manager.gguf.split_part_names import PartName, grouped_parts, ordered_parts, part_of
from model_manager.progress import OnProgress, Progress, ignore_progress

__all__ = [
    "PartName",
    "files_of_join",
    "grouped_parts",
    "join_parts",
    "ordered_parts",
    "part_of",
    "parts_beside",
    "unfinished_joins",
]

FORMAT = 1
BLOCK_BYTES = 256 << 20
"""What lies on the disk twice while it moves."""

_LEAST_BLOCK_BYTES = 16 << 20
_MAGIC = b"GGUF"
_SUFFIXES = (".joining", ".join", ".join.part")
_LOCK = ".join.lock"


@dataclass(frozen=True)
class _Job:
    """A file to be made of parts: their paths and whole sizes, in order."""

    target: Path
    parts: tuple[tuple[Path, int], ...]

    @property
    def bytes(self) -> int:
        return sum(n_bytes for _, n_bytes in self.parts)

    @property
    def working(self) -> Path:
        return self.target.with_name(f"{self.target.name}.joining")

    @property
    def journal(self) -> Path:
        return self.target.with_name(f"{self.target.name}.join")


def join_parts(
    paths: Sequence[Path],
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    *,
    keep: bool = False,
    block_bytes: int = BLOCK_BYTES,
) -> Path:
    """Make one file of its parts; returns its path, which is the parts' common name without their endings.

    The parts go into the file and are gone afterwards; it takes ``block_bytes`` more room, or as little as 16 MiB where
    there is no more.  With ``keep`` they stay and the file is a copy; so it is too where a part is a link or has a
    second name, for then others rely on it.  Joining that was interrupted is gone on with, be it called with whichever
    parts are left or with the path of the file that is to be.

    ``on_progress`` and ``cancel`` run in the calling thread, after at most 16 MiB.

    Raises ``Cancelled`` where all is as before, and ``UserError``: as ``ordered_parts`` and ``parse_header`` do;
    parts_in_folders(name) that are not one; parts_are_shards(path) for a later part that is a GGUF file of its own;
    parts_do_not_fit(name, bytes, expected_bytes) by the header of the first; file_exists(path);
    join_running(path); join_no_room(path, needed_bytes, free_bytes); disk_full(path), file_too_large(path),
    file_not_writable(path, detail); join_stopped(path, working) when it was cancelled halfway,
    join_interrupted(path, working, detail) when the disk failed, both to be gone on with by the same call;
    join_record_lost(path, working).
    """
    if not paths:
        raise UserError("not_parts", name="")
    target = _target(paths)
    with FileLock(target.with_name(f"{target.name}{_LOCK}"), UserError("join_running", path=target)):
        remove_temporary_files(_Job(target, ()).journal)
        begun = _begun(target)
        try:
            if begun and is_file(begun.working):
                return _join(begun, on_progress, cancel, block_bytes)
            if begun and _is_done(begun):
                _tidy(begun)
                return target
            if target.exists() or target.is_symlink():
                raise UserError("file_exists", path=target)
            names = [path.name for path in paths]
            if begun and names == [target.name]:
                names = [path.name for path, _ in begun.parts]
            parts = tuple((each, _size(each)) for each in map(target.with_name, ordered_parts(names)))
            job = _Job(target, parts)
            _check(job)
            if keep or not all(has_single_name(path) for path, _ in parts):
                return _copy(job, on_progress, cancel)
            for path, _ in parts:
                with path.open("r+b"):
                    pass  # a part that may not be written is better found out now
            _affordable(job, block_bytes)
            cancel.raise_if_cancelled()
            _write_journal(job)
            _begin(job)
        except OSError as error:
            raise disk_error(error, target) from error
        return _join(job, on_progress, cancel, block_bytes)


def parts_beside(path: Path) -> tuple[Path, ...]:
    """All parts in the folder of ``path`` that belong to the same file, in order; empty for no part.  Of a file whose
    joining was interrupted those that are left.

    Raises ``UserError`` as ``ordered_parts`` does, and file_unreadable(path, detail) for the folder.
    """
    part = part_of(path.name)
    if part is None:
        return ()
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError as error:
        raise read_error(error, path.parent) from error
    found = grouped_parts(names).get(part.base, ())
    if found and not is_file(_Job(path.with_name(part.base), ()).working):
        found = ordered_parts(found)
    return tuple(path.with_name(name) for name in found)


def unfinished_joins(folder: Path) -> tuple[Path, ...]:
    """The files whose joining was interrupted, under the names they will have, to be given to ``join_parts`` alone."""
    found = set()
    with suppress(OSError):
        for each in folder.iterdir():
            target = _own_path(each)
            if target != each:
                found.add(target)
    return tuple(sorted(found))


def files_of_join(target: Path) -> tuple[Path, ...]:
    """What an unfinished joining has left beside the parts, for those who give the file up altogether."""
    return tuple(each for suffix in (*_SUFFIXES, _LOCK) if is_file(each := target.with_name(target.name + suffix)))


def _own_path(path: Path) -> Path:
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(f".gguf{suffix}"):
            return path.with_name(path.name[: -len(suffix)])
    return path


def _target(paths: Sequence[Path]) -> Path:
    part = part_of(paths[0].name)
    target = paths[0].with_name(part.base) if part else _own_path(paths[0])
    if len({path.parent for path in paths}) > 1:
        raise UserError("parts_in_folders", name=target.name)
    return target


def _size(path: Path) -> int:
    file, status = open_regular(path)
    file.close()
    return status.st_size


def _check(job: _Job) -> None:
    """Refuse parts that cannot be this file, before anything is touched."""
    for path, _ in job.parts[1:]:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                raise UserError("parts_are_shards", path=path)
    with cast("BinaryIO", io.BufferedReader(_EndToEnd(job), 1 << 20)) as file:
        header = parse_header(file, job.bytes, job.parts[0][0])
    # The last tensor's padding may or may not be there.
    expected = header.end_of_data
    if not expected <= job.bytes <= -(-expected // header.alignment) * header.alignment:
        raise UserError("parts_do_not_fit", name=job.target.name, bytes=job.bytes, expected_bytes=expected)


class _EndToEnd(io.RawIOBase):
    """The parts of a job, read as the one file that they will be."""

    def __init__(self, job: _Job) -> None:
        super().__init__()
        self._job = job
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of the whole."""
        self._at = offset + (0, self._at, self._job.bytes)[whence]
        return self._at

    def readinto(self, buffer: object) -> int:
        """Read on, up to the end of the part."""
        wanted = memoryview(cast("bytearray", buffer))
        start = 0
        for path, n_bytes in self._job.parts:
            if start <= self._at < start + n_bytes:
                with path.open("rb", buffering=0) as file:
                    file.seek(self._at - start)
                    count = file.readinto(wanted) or 0
                self._at += count
                return count
            start += n_bytes
        return 0


def _begun(target: Path) -> _Job | None:
    """The job that a journal tells of."""
    job = _Job(target, ())
    if is_file(job.journal):
        return _read_journal(target)
    if is_file(job.working):
        raise UserError("join_record_lost", path=target, working=job.working)
    return None


def _is_done(job: _Job) -> bool:
    """Whether nothing is left to do but to take away the empty parts."""
    emptied = all(not path.exists() or path.stat().st_size == 0 for path, n_bytes in job.parts if n_bytes)
    return emptied and is_file(job.target) and job.target.stat().st_size == job.bytes


def _begin(job: _Job) -> None:
    """Make the first part the beginning of the file, with its whole length, or leave everything as it was."""
    first = job.parts[0][0]
    move_over(first, job.working)
    try:
        with job.working.open("r+b", buffering=0) as file:
            make_sparse(file)
            file.truncate(job.bytes)
    except OSError:
        os.truncate(job.working, job.parts[0][1])
        move_over(job.working, first)
        job.journal.unlink()
        raise


def _join(job: _Job, on_progress: OnProgress, cancel: CancelToken, block_bytes: int) -> Path:
    """From wherever it stands: what is left of each part tells how far it is."""
    total = job.bytes - job.parts[0][1]
    try:
        if job.target.exists():
            raise UserError("file_exists", path=job.target)
        with job.working.open("r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != job.bytes:
                make_sparse(file)
                file.truncate(job.bytes)
            for done in _moved_back(job, file, block_bytes):
                on_progress(Progress(done, total))
                if cancel.is_cancelled:
                    raise UserError("join_stopped", path=job.target, working=job.working)
            os.fsync(file.fileno())
        move_over(job.working, job.target)
        _tidy(job)
    except OSError as error:
        detail = error_detail(error)
        raise UserError("join_interrupted", path=job.target, working=job.working, detail=detail) from error
    return job.target


def _moved_back(job: _Job, file: BinaryIO, block_bytes: int) -> Iterator[int]:
    """Move what is left of the parts into the file, last bytes first; yields the bytes of them that are there."""
    copier = RangeCopier()
    missing = [path for path, n_bytes in job.parts[1:] if n_bytes and not is_file(path)]
    if missing:
        raise UserError("join_record_lost", path=job.target, working=job.working)
    left = sum(path.stat().st_size for path, _ in job.parts[1:])
    done = job.bytes - job.parts[0][1] - left
    end = job.bytes
    for path, n_bytes in reversed(job.parts[1:]):
        place = end - n_bytes
        with path.open("r+b", buffering=0) as part:
            while (size := os.fstat(part.fileno()).st_size) > 0:
                block = min(size, _affordable(job, block_bytes))
                for count in copier.copy(part, size - block, file, place + size - block, block):
                    done += count
                    yield done
                # Only what is safe in its new place may go from the old.
                sync(file)
                part.truncate(size - block)
        end = place


def _affordable(job: _Job, block_bytes: int) -> int:
    free = free_bytes(job.target.parent)
    if free < min(block_bytes, _LEAST_BLOCK_BYTES):
        raise UserError("join_no_room", path=job.target, needed_bytes=_LEAST_BLOCK_BYTES, free_bytes=free)
    return min(block_bytes, max(_LEAST_BLOCK_BYTES, free // 2))


def _tidy(job: _Job) -> None:
    for path, _ in job.parts:
        path.unlink(missing_ok=True)
    job.journal.unlink(missing_ok=True)


def _copy(job: _Job, on_progress: OnProgress, cancel: CancelToken) -> Path:
    part = job.target.with_name(f"{job.target.name}.join.part")
    with suppress(OSError):
        part.unlink()
    free = free_bytes(job.target.parent)
    if free < job.bytes + SPARE_BYTES:
        raise UserError("join_no_room", path=job.target, needed_bytes=job.bytes + SPARE_BYTES, free_bytes=free)
    copier = RangeCopier()
    done = 0
    try:
        with part.open("w+b", buffering=0) as file:
            reserve(file, job.bytes)
            for path, n_bytes in job.parts:
                start = done
                with path.open("rb", buffering=0) as source:
                    for count in copier.copy(source, 0, file, start, n_bytes):
                        done += count
                        on_progress(Progress(done, job.bytes))
                        cancel.raise_if_cancelled()
            sync(file)
        move_over(part, job.target)
    finally:
        with suppress(OSError):
            part.unlink()
    return job.target


def _write_journal(job: _Job) -> None:
    stored = {"format": FORMAT, "parts": [[path.name, n_bytes] for path, n_bytes in job.parts]}
    write_atomically(job.journal, json.dumps(stored).encode())


def _read_journal(target: Path) -> _Job:
    job = _Job(target, ())
    try:
        stored = json.loads(job.journal.read_bytes())
        if stored["format"] != FORMAT:
            raise ValueError(stored["format"])
        parts = tuple((target.with_name(str(name)), int(n_bytes)) for name, n_bytes in stored["parts"])
        if not parts:
            raise ValueError(parts)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError("join_record_lost", path=target, working=job.working) from error
    return _Job(target, parts)
