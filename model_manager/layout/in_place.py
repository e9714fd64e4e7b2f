"""Gives a file on disk its layout where it lies, with little more room than it takes, and survives every crash.

Beside ``NAME.gguf`` lie meanwhile ``NAME.gguf.repair``, the journal: layout, moves, and how many batches are done and
safe on the disk; and ``NAME.gguf.repair-kept``, the bytes that are put aside.  The file itself is called
``NAME.gguf.repairing`` as long as it is neither the old one nor the new one, so that nobody loads it.  Whether a file
is rewritten in place or copied is decided in ``repair``, in which order its bytes move in ``moves``.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import disk_errors, error_detail, is_file, move_over, sync, write_at, write_atomically
from model_manager.disk.ranges import RangeCopier
from model_manager.disk.space import reserve
from model_manager.errors import Cancelled, UserError
from model_manager.layout.layout import Layout
from model_manager.layout.origin import Origin, write_origin
from model_manager.layout.permutation import Batch, Move, MovePlan, gaps
from model_manager.progress import OnProgress, Progress, ignore_progress

FORMAT = 1
_ZEROS = bytes(1 << 20)


def working_path(path: Path) -> Path:
    """The name of a file between the old and the new."""
    return path.with_name(f"{path.name}.repairing")


def journal_path(path: Path) -> Path:
    """What is remembered about its repair."""
    return path.with_name(f"{path.name}.repair")


def kept_path(path: Path) -> Path:
    """The bytes that are put aside."""
    return path.with_name(f"{path.name}.repair-kept")


@dataclass(frozen=True)
class _Journal:
    layout: Layout
    plan: MovePlan
    done: int
    safe_bytes: int
    """Length of the journal up to its last whole line."""


def begin_in_place(path: Path, layout: Layout, plan: MovePlan) -> None:
    """Prepare the repair of ``path``: from here on ``finish_in_place`` can do it.

    Raises ``UserError``: disk_full(path) where there is no room for what is put aside, file_too_large(path),
    file_not_writable(path, detail); then nothing is changed.
    """
    try:
        with disk_errors(path):
            path.open("r+b").close()  # fail now where the file is read-only
            with kept_path(path).open("wb", buffering=0) as kept:
                reserve(kept, plan.kept_bytes)
                sync(kept)
        write_atomically(journal_path(path), _to_bytes(layout, plan))
    except UserError:
        with suppress(OSError):
            kept_path(path).unlink(missing_ok=True)
        raise


def finish_in_place(
    path: Path,
    origin_for: Callable[[Layout], Origin],
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
) -> bool:
    """Go on with a repair that was begun, up to its end.  False where there is none: the file is another one by now.

    ``origin_for`` makes what is kept beside the finished file.  ``on_progress`` counts bytes
    written, those put aside included; it and ``cancel`` run in the calling thread after every 16 MiB.

    Raises ``Cancelled`` where nothing was changed yet, and ``UserError``: repair_stopped(path, working) when it was
    cancelled later, repair_interrupted(path, working, detail) when the disk failed or filled up, both to be gone on
    with by the same call; repair_blocked(path, working) when another file has taken the name meanwhile;
    repair_record_lost(path, working) without a readable journal; file_missing(path).
    """
    working = working_path(path)
    try:
        journal = _read(path)
        if journal is None:
            if is_file(working):
                raise UserError("repair_record_lost", path=path, working=working)
            return False
        if is_file(working):
            if path.exists():
                raise UserError("repair_blocked", path=path, working=working)
        elif _is(path, journal.layout.target_bytes, journal.layout.target_head):
            _tidy(path)
            return True
        elif journal.done == 0 and _is(path, journal.layout.source_bytes, journal.layout.source_head):
            if cancel.is_cancelled:
                _tidy(path)
                raise Cancelled
            move_over(path, working)
        else:
            if not path.exists():
                raise UserError("file_missing", path=path)
            _tidy(path)
            return False
        _rewrite(path, journal, on_progress, cancel)
        write_origin(path, origin_for(journal.layout))
        move_over(working, path)
        _tidy(path)
    except OSError as error:
        raise UserError("repair_interrupted", path=path, working=working, detail=error_detail(error)) from error
    return True


def _rewrite(
    path: Path,
    journal: _Journal,
    on_progress: OnProgress,
    cancel: CancelToken,
) -> None:
    layout, plan = journal.layout, journal.plan
    with ExitStack() as stack:
        file, kept, record = (
            stack.enter_context(each.open("r+b", buffering=0))
            for each in (working_path(path), kept_path(path), journal_path(path))
        )
        record.truncate(journal.safe_bytes)
        record.seek(0, os.SEEK_END)
        if layout.target_bytes > os.fstat(file.fileno()).st_size:
            file.truncate(layout.target_bytes)
        copier = RangeCopier()
        done_bytes = sum(move.length for batch in plan.batches[: journal.done] for move in batch)
        for number, batch in enumerate(plan.batches[journal.done :], journal.done + 1):
            for count in _moved(copier, batch, file, kept):
                done_bytes += count
                on_progress(Progress(done_bytes, plan.bytes))
                if cancel.is_cancelled:
                    raise UserError("repair_stopped", path=path, working=working_path(path))
            for each in (kept, file):
                sync(each)
            record.write(b"%d\n" % number)
            sync(record)
        for place, length in gaps(layout):
            for start in range(place, place + length, len(_ZEROS)):
                write_at(file, start, _ZEROS[: min(len(_ZEROS), place + length - start)])
        write_at(file, 0, layout.target_head)
        file.truncate(layout.target_bytes)
        os.fsync(file.fileno())


def _moved(copier: RangeCopier, batch: Batch, file: BinaryIO, kept: BinaryIO) -> Iterator[int]:
    for move in batch:
        source, target = kept if move.from_kept else file, kept if move.to_kept else file
        yield from copier.copy(source, move.source, target, move.target, move.length)


def _is(path: Path, n_bytes: int, head: bytes) -> bool:
    """Whether the file at ``path`` is the one with that size and head."""
    if not is_file(path) or path.stat().st_size != n_bytes:
        return False
    with path.open("rb") as file:
        return file.read(len(head)) == head


def _tidy(path: Path) -> None:
    kept_path(path).unlink(missing_ok=True)
    journal_path(path).unlink(missing_ok=True)


def _to_bytes(layout: Layout, plan: MovePlan) -> bytes:
    batches = [
        [[move.source, move.target, move.length, int(move.from_kept), int(move.to_kept)] for move in batch]
        for batch in plan.batches
    ]
    stored = {"format": FORMAT, "layout": layout.to_json(), "kept_bytes": plan.kept_bytes, "batches": batches}
    return json.dumps(stored, separators=(",", ":")).encode() + b"\n"


def _read(path: Path) -> _Journal | None:
    """The journal of ``path``; None where there is none that can be read."""
    try:
        content = journal_path(path).read_bytes()
    except FileNotFoundError:
        return None
    first, _, lines = content.partition(b"\n")
    try:
        stored = json.loads(first)
        if stored["format"] != FORMAT:
            return None
        batches = tuple(tuple(_move(each) for each in batch) for batch in stored["batches"])
        layout = Layout.from_json(stored["layout"])
        plan = MovePlan(batches, int(stored["kept_bytes"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error):
        return None
    # A line is written once its batch is safe; the last one may be cut short.
    whole = lines[: lines.rfind(b"\n") + 1]
    done = len(whole.splitlines())
    return _Journal(layout, plan, min(done, len(batches)), len(first) + 1 + len(whole))


def _move(stored: Sequence[int]) -> Move:
    source, target, length, from_kept, to_kept = stored
    return Move(int(source), int(target), int(length), bool(from_kept), bool(to_kept))


def origin_after(before: Origin | None, fresh: Origin) -> Origin:
    """What is kept beside a repaired file: who published it, as far as that was known, with the new layout."""
    same = (
        before is not None
        and before.layout.source_bytes == fresh.layout.source_bytes
        and (before.layout.is_identity or before.layout.source_head == fresh.layout.source_head)
    )
    if before is None or not same:
        return fresh
    return replace(before, layout=fresh.layout, sha256=fresh.sha256, verified_at=None)
