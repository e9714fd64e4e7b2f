"""Conversion of a file in place, with little additional disk space, that survives a crash at any moment.

Beside ``NAME.gguf`` there are meanwhile ``NAME.gguf.repair``, the journal (layout, moves, and a line for each batch
that is on the disk), and ``NAME.gguf.repair-kept``, the saved bytes.  The file itself is called ``NAME.gguf.repairing``
while it is neither the old one nor the new one, so that nothing loads it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.copies import RangeCopier
from model_manager.disk.files import (
    disk_errors,
    error_detail,
    is_file,
    read_bytes,
    replace_durably,
    sync,
    write_at,
    write_atomically,
)
from model_manager.disk.json_file import JsonError, from_json, to_json
from model_manager.disk.space import reserve
from model_manager.errors import UserError
from model_manager.layout.file_names import with_suffix
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin, write_origin
from model_manager.layout.permutation import Batch, Permutation
from model_manager.progress import OnProgress, Progress, ignore_progress

FORMAT = 1
WORKING, JOURNAL, SAVED = ".repairing", ".repair", ".repair-kept"


@dataclass(frozen=True)
class _Journal:
    """First line of the journal."""

    format: int
    layout: TensorLayout
    kept_bytes: int
    batches: tuple[Batch, ...]

    @property
    def plan(self) -> Permutation:
        return Permutation(self.batches, self.kept_bytes)


def begin_in_place(path: Path, layout: TensorLayout, plan: Permutation) -> None:
    """Prepare the conversion of ``path`` for ``finish_in_place``.

    Raises ``UserError`` as ``disk_error``; then nothing is changed.
    """
    saved = with_suffix(path, SAVED)
    journal = to_json(_Journal(FORMAT, layout, plan.saved_bytes, plan.batches))
    try:
        with disk_errors(path):
            path.open("r+b").close()  # fails here where the file is read-only
            saved.unlink(missing_ok=True)
            with saved.open("xb", buffering=0) as file:
                reserve(file, plan.saved_bytes)
                sync(file)
        write_atomically(with_suffix(path, JOURNAL), journal + b"\n")
    except UserError:
        with suppress(OSError):
            saved.unlink(missing_ok=True)
        raise


def finish_in_place(
    path: Path,
    origin_for: Callable[[TensorLayout], Origin],
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
) -> bool:
    """Complete a prepared or interrupted conversion.  False where there is none for the file at ``path``.

    ``origin_for`` returns what is stored beside the finished file.  ``on_progress`` counts all bytes written, saved
    ones included, every 16 MiB.

    Raises ``Cancelled`` where nothing was changed yet, and ``UserError``: repair_stopped(path, working) when it was
    cancelled later and repair_interrupted(path, working, detail) when the disk failed or is full, both completed by
    another call; repair_blocked(path, working) where another file has the name; repair_record_lost(path, working)
    without a readable journal; file_missing(path); and as ``write_origin``.
    """
    working = with_suffix(path, WORKING)
    try:
        found = _read_journal(path)
        if found is None:
            if is_file(working):
                raise UserError("repair_record_lost", path=path, working=working)
            return False
        journal, done, journal_bytes = found
        layout = journal.layout
        if is_file(working):
            if path.exists():
                raise UserError("repair_blocked", path=path, working=working)
        elif _is_file_with(path, layout.target_bytes, layout.target_head):
            _remove_work_files(path)
            return True
        elif done == 0 and _is_file_with(path, layout.source_bytes, layout.source_head):
            if cancel.is_cancelled:
                _remove_work_files(path)
                cancel.raise_if_cancelled()
            replace_durably(path, working)
        else:
            if not path.exists():
                raise UserError("file_missing", path=path)
            _remove_work_files(path)
            return False
        _rewrite(path, journal, done, journal_bytes, on_progress, cancel)
        write_origin(path, origin_for(layout))
        replace_durably(working, path)
        _remove_work_files(path)
    except OSError as error:
        raise UserError("repair_interrupted", path=path, working=working, detail=error_detail(error)) from error
    return True


def _rewrite(
    path: Path, journal: _Journal, done: int, journal_bytes: int, on_progress: OnProgress, cancel: CancelToken
) -> None:
    layout, plan = journal.layout, journal.plan
    with ExitStack() as stack:
        file, saved, record = (
            stack.enter_context(with_suffix(path, suffix).open("r+b", buffering=0))
            for suffix in (WORKING, SAVED, JOURNAL)
        )
        record.truncate(journal_bytes)
        record.seek(0, os.SEEK_END)
        if layout.target_bytes > os.fstat(file.fileno()).st_size:
            file.truncate(layout.target_bytes)
        copier = RangeCopier()
        done_bytes = sum(move.length for batch in plan.batches[:done] for move in batch)
        for number, batch in enumerate(plan.batches[done:], done + 1):
            for count in _carry_out(copier, batch, file, saved):
                done_bytes += count
                on_progress(Progress(done_bytes, plan.bytes))
                if cancel.is_cancelled:
                    raise UserError("repair_stopped", path=path, working=with_suffix(path, WORKING))
            sync(saved)
            sync(file)
            record.write(b"%d\n" % number)
            sync(record)
        for offset, content in layout.unpublished():
            write_at(file, offset, content)
        file.truncate(layout.target_bytes)
        os.fsync(file.fileno())


def _carry_out(copier: RangeCopier, batch: Batch, file: BinaryIO, saved: BinaryIO) -> Iterator[int]:
    for move in batch:
        source, target = saved if move.from_saved else file, saved if move.to_saved else file
        yield from copier.copy(source, move.source, target, move.target, move.length)


def _is_file_with(path: Path, n_bytes: int, head: bytes) -> bool:
    if not is_file(path) or path.stat().st_size != n_bytes:
        return False
    with path.open("rb") as file:
        return file.read(len(head)) == head


def _remove_work_files(path: Path) -> None:
    with_suffix(path, SAVED).unlink(missing_ok=True)
    with_suffix(path, JOURNAL).unlink(missing_ok=True)


def _read_journal(path: Path) -> tuple[_Journal, int, int] | None:
    """Return the journal, the number of completed batches and the journal's size up to its last complete line."""
    try:
        content = read_bytes(with_suffix(path, JOURNAL))
    except FileNotFoundError:
        return None
    first, _, lines = content.partition(b"\n")
    try:
        journal = from_json(first, _Journal)
    except JsonError:
        return None
    if journal.format != FORMAT:
        return None
    # A line is written once its batch is on the disk; the last line may be incomplete.
    complete = lines[: lines.rfind(b"\n") + 1]
    done = min(len(complete.splitlines()), len(journal.batches))
    return journal, done, len(first) + 1 + len(complete)
