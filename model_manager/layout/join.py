"""Joining of split parts on disk into one GGUF file: ``MODEL.gguf-split-a``, ``MODEL.gguf-split-b``...

The parts have 20 to 40 GiB, so they are joined without a second copy: the first part becomes the beginning of the file,
and the others are moved into it from the last byte backwards while they get shorter.  Meanwhile ``MODEL.gguf.join``
records the parts and the file is called ``MODEL.gguf.joining``.  Names and order of parts are in ``split_part_names``;
downloads write every part to its place directly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.copies import RangeCopier
from model_manager.disk.files import (
    FileLock,
    disk_errors,
    error_detail,
    file_size,
    is_file,
    is_sole_link,
    open_regular,
    read_bytes,
    read_error,
    remove_temporary_files,
    replace_durably,
    sync,
    write_atomically,
)
from model_manager.disk.json_file import JsonError, from_json, to_json
from model_manager.disk.space import SPARE_BYTES, free_bytes, make_sparse, require_free, reserve
from model_manager.errors import UserError
from model_manager.gguf.header import MAGIC, GgufHeader, padded, read_header
from model_manager.gguf.split_part_names import grouped_parts, ordered_parts, part_of
from model_manager.layout.file_names import model_path, with_suffix
from model_manager.progress import OnProgress, Progress, ignore_progress

FORMAT = 1
BLOCK_BYTES = 256 << 20
"""Bytes that are on the disk twice while they are moved."""

_MIN_BLOCK_BYTES = 16 << 20
_WORKING, _JOURNAL, _COPY = ".joining", ".join", ".join.part"
_SUFFIXES = (_WORKING, _JOURNAL, _COPY)


@dataclass(frozen=True)
class _Journal:
    """Names and original sizes of the parts, in order."""

    parts: tuple[tuple[str, int], ...]
    format: int = FORMAT


@dataclass(frozen=True)
class _Join:
    """A file and its parts: their paths and original sizes, in order."""

    target: Path
    parts: tuple[tuple[Path, int], ...]

    @property
    def bytes(self) -> int:
        return sum(n_bytes for _, n_bytes in self.parts)

    @property
    def working(self) -> Path:
        return with_suffix(self.target, _WORKING)

    @property
    def journal(self) -> Path:
        return with_suffix(self.target, _JOURNAL)


def join_parts(
    paths: Sequence[Path], on_progress: OnProgress = ignore_progress, cancel: CancelToken = NEVER_CANCELLED
) -> Path:
    """Join the parts of one file; returns its path, which is the parts' common name without their endings.

    The parts are gone afterwards; ``BLOCK_BYTES`` of additional space are used, or as little as 16 MiB.  Where a part
    is a link or has a second name, the parts remain and the file is a copy.  An interrupted join is continued, whether
    ``paths`` are the remaining parts or the path of the file to be.  Progress is reported every 16 MiB.

    Raises ``Cancelled`` where nothing changed, and ``UserError``: as ``ordered_parts`` and ``check_parts``;
    parts_in_folders(name) for parts in several folders; file_exists(path); join_running(path) in another process;
    join_no_room(path, needed_bytes, free_bytes); as ``disk_error``; join_stopped(path, working) when it was cancelled
    later and join_interrupted(path, working, detail) when the disk failed, both completed by another call;
    join_record_lost(path, working).
    """
    if not paths:
        raise UserError("not_parts", name="")
    target = _target(paths)
    with FileLock(with_suffix(target, ".join.lock"), UserError("join_running", path=target)):
        remove_temporary_files(with_suffix(target, _JOURNAL))
        begun = _read_journal(target)
        if begun and is_file(begun.working):
            return _move_parts(begun, on_progress, cancel)
        with disk_errors(target):
            if begun and _is_complete(begun):
                _clean_up(begun)
                return target
            if target.exists() or target.is_symlink():
                raise UserError("file_exists", path=target)
            names = [path.name for path in paths]
            if begun and names == [target.name]:
                names = [path.name for path, _ in begun.parts]
            parts = [target.with_name(name) for name in ordered_parts(names)]
            check_parts(parts)
            join = _Join(target, tuple((path, path.stat().st_size) for path in parts))
            if not all(map(is_sole_link, parts)):
                return _copy_parts(join, on_progress, cancel)
            for path in parts:
                path.open("r+b").close()  # fails here where a part is read-only
            _block_bytes(join)
            cancel.raise_if_cancelled()
            write_atomically(join.journal, to_json(_Journal(tuple((path.name, size) for path, size in join.parts))))
            _begin(join)
        return _move_parts(join, on_progress, cancel)


def sibling_parts(path: Path) -> tuple[Path, ...]:
    """Return all parts in the folder of ``path`` that belong to the same file, in order; empty where it is no part.

    While a join is unfinished these are the remaining parts.

    Raises ``UserError`` as ``ordered_parts``, and file_unreadable(path, detail) for the folder.
    """
    part = part_of(path.name)
    if part is None:
        return ()
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError as error:
        raise read_error(error, path.parent) from error
    found = grouped_parts(names).get(part.base, ())
    if found and not is_file(with_suffix(path.with_name(part.base), _WORKING)):
        found = ordered_parts(found)
    return tuple(path.with_name(name) for name in found)


def check_parts(paths: Sequence[Path]) -> GgufHeader:
    """Check ordered parts against the header in the first, and return it.

    Raises ``UserError`` as ``read_header``; parts_are_shards(path) for a later part that is a GGUF file itself;
    parts_do_not_fit(name, bytes, expected_bytes).
    """
    n_bytes = 0
    for number, path in enumerate(paths):
        file, status = open_regular(path)
        n_bytes += status.st_size
        with file:
            try:
                if number and file.read(len(MAGIC)) == MAGIC:
                    raise UserError("parts_are_shards", path=path)
            except OSError as error:
                raise read_error(error, path) from error
    header = read_header(paths[0], whole=False)
    expected = header.end_of_data
    # The padding after the last tensor is optional.
    if not expected <= n_bytes <= padded(expected, header.alignment):
        part = part_of(paths[0].name)
        name = part.base if part else paths[0].name
        raise UserError("parts_do_not_fit", name=name, bytes=n_bytes, expected_bytes=expected)
    return header


def _target(paths: Sequence[Path]) -> Path:
    part = part_of(paths[0].name)
    target = paths[0].with_name(part.base) if part else model_path(paths[0], _SUFFIXES)
    if len({path.parent for path in paths}) > 1:
        raise UserError("parts_in_folders", name=target.name)
    return target


def _is_complete(join: _Join) -> bool:
    """Return whether only the empty parts are left to remove."""
    emptied = all(file_size(path) == 0 for path, n_bytes in join.parts if n_bytes)
    return emptied and is_file(join.target) and file_size(join.target) == join.bytes


def _begin(join: _Join) -> None:
    """Make the first part the beginning of the file, with its full length, or change nothing."""
    first, first_bytes = join.parts[0]
    replace_durably(first, join.working)
    try:
        with join.working.open("r+b", buffering=0) as file:
            make_sparse(file)
            file.truncate(join.bytes)
    except OSError:
        os.truncate(join.working, first_bytes)
        replace_durably(join.working, first)
        join.journal.unlink()
        raise


def _move_parts(join: _Join, on_progress: OnProgress, cancel: CancelToken) -> Path:
    """Move what is left of the parts into the file, and give it its name."""
    total = join.bytes - join.parts[0][1]
    try:
        if join.target.exists():
            raise UserError("file_exists", path=join.target)
        with join.working.open("r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != join.bytes:
                make_sparse(file)
                file.truncate(join.bytes)
            for done in _move_backwards(join, file):
                on_progress(Progress(done, total))
                if cancel.is_cancelled:
                    raise UserError("join_stopped", path=join.target, working=join.working)
            os.fsync(file.fileno())
        replace_durably(join.working, join.target)
        _clean_up(join)
    except OSError as error:
        detail = error_detail(error)
        raise UserError("join_interrupted", path=join.target, working=join.working, detail=detail) from error
    return join.target


def _move_backwards(join: _Join, file: BinaryIO) -> Iterator[int]:
    """Move the parts, last bytes first; yields the bytes moved so far."""
    if any(n_bytes and not is_file(path) for path, n_bytes in join.parts[1:]):
        raise UserError("join_record_lost", path=join.target, working=join.working)
    copier = RangeCopier()
    done = sum(n_bytes - file_size(path) for path, n_bytes in join.parts[1:])
    end = join.bytes
    for path, n_bytes in reversed(join.parts[1:]):
        offset = end - n_bytes
        with path.open("r+b", buffering=0) as part:
            while (size := os.fstat(part.fileno()).st_size) > 0:
                block = min(size, _block_bytes(join))
                for count in copier.copy(part, size - block, file, offset + size - block, block):
                    done += count
                    yield done
                # The part is cut only after its bytes are on the disk in the file.
                sync(file)
                part.truncate(size - block)
        end = offset


def _block_bytes(join: _Join) -> int:
    """Return how much to move at once in the space that is free."""
    folder = join.target.parent
    require_free(folder, min(BLOCK_BYTES, _MIN_BLOCK_BYTES), "join_no_room", join.target)
    return min(BLOCK_BYTES, max(_MIN_BLOCK_BYTES, free_bytes(folder) // 2))


def _copy_parts(join: _Join, on_progress: OnProgress, cancel: CancelToken) -> Path:
    require_free(join.target.parent, join.bytes + SPARE_BYTES, "join_no_room", join.target)
    copy = with_suffix(join.target, _COPY)
    copier = RangeCopier()
    start = 0
    try:
        copy.unlink(missing_ok=True)
        with copy.open("x+b", buffering=0) as file:
            reserve(file, join.bytes)
            for path, n_bytes in join.parts:
                done = start
                with path.open("rb", buffering=0) as source:
                    for count in copier.copy(source, 0, file, start, n_bytes):
                        done += count
                        on_progress(Progress(done, join.bytes))
                        cancel.raise_if_cancelled()
                start += n_bytes
            sync(file)
        replace_durably(copy, join.target)
    finally:
        with suppress(OSError):
            copy.unlink()
    return join.target


def _clean_up(join: _Join) -> None:
    for path, _ in join.parts:
        path.unlink(missing_ok=True)
    join.journal.unlink(missing_ok=True)


def _read_journal(target: Path) -> _Join | None:
    """Return the interrupted join.  Raises ``UserError``: join_record_lost(path, working)."""
    join = _Join(target, ())
    if not is_file(join.journal) and not is_file(join.working):
        return None
    try:
        journal = from_json(read_bytes(join.journal), _Journal)
    except (OSError, JsonError) as error:
        raise UserError("join_record_lost", path=target, working=join.working) from error
    if journal.format != FORMAT or not journal.parts:
        raise UserError("join_record_lost", path=target, working=join.working)
    return _Join(target, tuple((target.with_name(name), n_bytes) for name, n_bytes in journal.parts))
