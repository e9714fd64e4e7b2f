"""Makes a file that was made before April 2024 loadable: its experts are stacked, none of its values changes.

As a streaming copy where the disk has room for one, for then the old file is whole until the new one is; in place where
it has not.  What goes where is decided in ``stacking``; verification of the result against what was published is done
elsewhere, through what is kept beside the new file (``origin``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import (
    disk_errors,
    has_single_name,
    is_file,
    move_over,
    open_regular,
    remove_temporary_files,
)
from model_manager.disk.lock import FileLock
from model_manager.disk.space import SPARE_BYTES, free_bytes
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.shards import read_model
from model_manager.layout.in_place import begin_in_place, finish_in_place, journal_path, origin_after, working_path
from model_manager.layout.layout import Layout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.layout.permutation import MovePlan, plan_moves
from model_manager.layout.stacking import read_layout
from model_manager.layout.stream_writer import write_laid_down
from model_manager.progress import OnProgress, ignore_progress
from model_manager.published import HubFile

_SUFFIXES = (".repairing", ".repair", ".repair-kept", ".repair.part")
_LOCK = ".repair.lock"


def repair(
    path: Path,
    out: Path | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    *,
    in_place: bool | None = None,
) -> Path:
    """Stack the experts of the file at ``path``, into ``out`` or, without it, under the file's own name.

    Without ``out`` the old file is replaced once the new one is complete and safe on the disk, or rewritten in place
    where there is no room for both (or as ``in_place`` says); a repair in place that was interrupted is gone on with,
    be it called with the file's own name or with the one that it has meanwhile.  A file that loads as it is stays as it
    is.  Links to files elsewhere, and files with a second name, are never rewritten in place: others rely on them.

    ``on_progress`` and ``cancel`` run in the calling thread, after at most 16 MiB.
    Memory: some MiB.  Returns the path of the repaired file; its origin is written beside it, with its SHA-256 where it
    was copied and hashing kept up with the disk.

    Raises ``Cancelled`` where all is as before, and ``UserError``: as ``read_header``, ``shard_paths`` and
    ``layout_for`` do (experts_differ, experts_missing, experts_in_shards...); repair_not_needed(path) where there is
    nothing to write to ``out``; file_exists(path) for an ``out`` that is there; repair_running(path) by somebody else;
    repair_no_room(path, needed_bytes, free_bytes); disk_full(path), file_too_large(path),
    file_not_writable(path, detail), file_changed(path); and as ``finish_in_place`` does.
    """
    path = own_path(path)
    to_itself = out is None or out == path or (is_file(out) and is_file(path) and out.samefile(path))
    held = path if out is None or to_itself else out
    with FileLock(held.with_name(f"{held.name}{_LOCK}"), UserError("repair_running", path=held)):
        for each in (journal_path(path), origin_path(held)):
            remove_temporary_files(each)
        if is_file(working_path(path)) or is_file(journal_path(path)):
            if not to_itself:
                raise UserError("repair_stopped", path=path, working=working_path(path))
            if finish_in_place(path, lambda layout: _origin(path, layout, None), on_progress, cancel):
                return path
        if to_itself:
            _remove_left_over(path)
        _refuse_shards(path)
        _, layout = read_layout(path)
        if layout.is_identity:
            if not to_itself:
                raise UserError("repair_not_needed", path=path)
            return path
        if not to_itself:
            assert out is not None
            if out.exists() or out.is_symlink():
                raise UserError("file_exists", path=out)
            return _copied(path, layout, out, on_progress, cancel)
        plan = _plan_in_place(path, layout, in_place)
        if plan is None:
            return _copied(path, layout, path, on_progress, cancel)
        begin_in_place(path, layout, plan)
        finish_in_place(path, lambda layout: _origin(path, layout, None), on_progress, cancel)
    return path


def needs_repair(path: Path) -> bool:
    """Whether ``repair`` is what this file needs before it loads.  Raises ``UserError`` as ``read_header`` does."""
    if is_file(working_path(own_path(path))):
        return True
    return read_header(path, whole=False).experts_in_separate_tensors


def unfinished_repairs(folder: Path) -> tuple[Path, ...]:
    """The files in ``folder`` whose repair was interrupted, under their own names, to be given to ``repair`` again.

    A file that was being rewritten in place is not there under that name until its repair is finished.
    """
    found = set()
    with suppress(OSError):
        for each in folder.iterdir():
            path = own_path(each)
            if path != each and (is_file(path) or is_file(working_path(path))):
                found.add(path)
    return tuple(sorted(found))


def files_of_repair(path: Path) -> tuple[Path, ...]:
    """What an unfinished repair of ``path`` has left on the disk, for those who give the file up altogether."""
    return tuple(each for suffix in (*_SUFFIXES, _LOCK) if is_file(each := path.with_name(path.name + suffix)))


def own_path(path: Path) -> Path:
    """The file's own name, where ``path`` is one that belongs to its repair."""
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(f".gguf{suffix}"):
            return path.with_name(path.name[: -len(suffix)])
    return path


def _remove_left_over(path: Path) -> None:
    """What a crash left of a repair that never touched the file."""
    for suffix in _SUFFIXES:
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()


def _refuse_shards(path: Path) -> None:
    header = read_header(path)
    if header.split_count == 1:
        return
    for each in read_model(path):
        if each.experts_in_separate_tensors:
            raise UserError("experts_in_shards", path=each.path, count=header.split_count)


def _plan_in_place(path: Path, layout: Layout, in_place: bool | None) -> MovePlan | None:
    """The moves where the file is to be rewritten in place, None where there is room for a copy."""
    free = free_bytes(path.parent)
    needed = layout.target_bytes + SPARE_BYTES
    if in_place is False or (in_place is None and free >= needed):
        return None
    if not has_single_name(path):
        raise UserError("repair_no_room", path=path, needed_bytes=needed, free_bytes=free)
    plan = plan_moves(layout)
    needed = plan.kept_bytes + SPARE_BYTES
    if free < needed:
        raise UserError("repair_no_room", path=path, needed_bytes=needed, free_bytes=free)
    return plan


def _copied(
    path: Path,
    layout: Layout,
    out: Path,
    on_progress: OnProgress,
    cancel: CancelToken,
) -> Path:
    free = free_bytes(out.parent)
    part = out.with_name(f"{out.name}.repair.part")
    with suppress(OSError):
        part.unlink()
    if free < layout.target_bytes:
        raise UserError("repair_no_room", path=out, needed_bytes=layout.target_bytes, free_bytes=free)
    source, before = open_regular(path)
    try:
        with disk_errors(out):
            with source:
                sha256 = write_laid_down(path, source, layout, part, on_progress, cancel)
                after = os.fstat(source.fileno())
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise UserError("file_changed", path=path)
            _put_in_place(part, out, _origin(path, layout, sha256))
    finally:
        with suppress(OSError):
            part.unlink()
    return out


def _put_in_place(part: Path, out: Path, origin: Origin) -> None:
    # The origin first: without it nobody could tell any more what the new file was before.
    before = origin_path(out).read_bytes() if is_file(origin_path(out)) else None
    write_origin(out, origin)
    try:
        move_over(part, out)
    except OSError:
        if before is None:
            origin_path(out).unlink()
        else:
            origin_path(out).write_bytes(before)
        raise


def _origin(path: Path, layout: Layout, sha256: str | None) -> Origin:
    parts = (HubFile(path.name, layout.source_bytes),)
    fresh = Origin(model_id="", repository="", commit="", parts=parts, layout=layout, sha256=sha256)
    return origin_after(read_origin(path), fresh)
