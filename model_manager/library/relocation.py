"""Moves the models folder to another place, on another drive for example: all of it or nothing.

Within a file system the files are renamed.  To another one they are first copied beside their future names and read
back (``copying``), while the old folder stays as it is and in use.  Only when every copy is right is the move
committed: from then on the new folder is the models folder.  The copies get their names and the originals go.

So there is no half-moved folder that anybody could meet: what is cancelled or fails before that moment goes back (the
copies are deleted), what is cut off after it goes on.  A journal in both folders tells which (``unfinished_move``).

What moves is what belongs to models: files with ``.gguf`` in their names, which includes partial downloads, their
journals, origins and files in quarantine, and the queue of downloads.  Everything else stays.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import disk_error, move_over
from model_manager.disk.lock import FileLock
from model_manager.disk.space import free_bytes
from model_manager.disk.verified_copy import Copied, copy_and_compare, copy_link
from model_manager.errors import Cancelled, UserError
from model_manager.library.relocation_files import (
    QUEUE,
    copy_of,
    is_copied,
    moved_names,
    needed_bytes,
    size_of,
    stamp_of,
    still_to_copy,
)
from model_manager.library.relocation_journal import (
    JOURNAL_NAME,
    MoveJournal,
    read_move,
    remove_move,
    same_place,
    write_move,
)
from model_manager.progress import OnProgress, Progress, ignore_progress

SPARE_BYTES = 64 << 20
"""Room that is left on the new disk."""

_LOCK = ".models-move.lock"
_PROBE = ".models-move.probe"

Rename = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Move:
    """A move that was begun and not finished; ``committed`` when it can only go on."""

    source: Path
    target: Path
    committed: bool


def unfinished_move(folder: Path) -> Move | None:
    """The move out of or into a folder that a crash or a power cut left unfinished.

    Where it is committed, ``move_models`` must be called again with the same two folders, which takes moments; else
    either that, which uses the copies that are there, or ``abandon_move``.
    """
    journal = read_move(folder)
    if journal is None or not (same_place(journal.source, folder) or same_place(journal.target, folder)):
        return None
    return Move(journal.source, journal.target, journal.committed)


def abandon_move(move: Move) -> None:
    """Go back: delete the copies in the new folder.

    Raises ``ValueError`` for a move that is committed, and ``UserError``: move_running(path).
    """
    if move.committed:
        raise ValueError("a committed move can only go on")
    with FileLock(move.source / _LOCK, UserError("move_running", path=move.source / JOURNAL_NAME)):
        _go_back(move.source, move.target)


def move_models(
    source: Path,
    target: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    on_commit: Callable[[], None] | None = None,
    *,
    rename: Rename = os.rename,
) -> None:
    """Move all models from one folder to another, or go on with a move of these two that was cut off.

    ``on_progress`` and ``cancel`` are called in this thread.  ``on_commit()`` is called
    when every file is sure to arrive: there the new folder becomes the models folder in the settings.  It may be called
    again after a crash; when it raises, the move goes back.  ``ModelLibrary.relocate`` is for afterwards.

    Raises ``Cancelled``, and ``UserError``: folder_missing(path), folders_nested(path, other), file_exists(path) for a
    file in the new folder that would have to be overwritten, disk_too_small(path, needed_bytes, free_bytes),
    file_too_large(path), move_running(path), models_in_use(path), move_unfinished(path, target) when another move
    has to be finished first, original_stays(path, detail) when all is moved but a file could not be deleted in the
    old folder; and as ``copy_and_compare`` does.
    """
    old, new = Path(os.path.abspath(source)), Path(os.path.abspath(target))  # noqa: PTH100
    if not old.is_dir() and (journal := read_move(new)) and journal.committed and same_place(journal.source, old):
        # All was copied, and somebody took the old folder away before its journal was.
        _finish(journal, rename)
        return
    _check_folders(old, new)
    with FileLock(old / _LOCK, UserError("move_running", path=old / JOURNAL_NAME)), ExitStack() as held:
        journal = _begin(old, new)
        total = sum(size_of(old / name) for name in moved_names(old))
        if not journal.committed:
            try:
                _hold_all(old, held)
                journal = _prepare(journal, on_progress, cancel, rename)
                _commit(journal, on_commit)
            except (UserError, Cancelled):
                _go_back(old, new)
                raise
        else:
            _hold_all(old, held)
            if on_commit is not None:
                on_commit()
        _finish(journal, rename)
    on_progress(Progress(total, total))
    with suppress(OSError):
        old.rmdir()


def _hold_all(folder: Path, held: ExitStack) -> None:
    """Take the locks of downloads, repairs and joinings: those that are there, and those of partial downloads."""
    partial = (path.with_name(f"{path.name}.lock") for path in folder.rglob("*.gguf.part"))
    for lock in sorted({*folder.rglob("*.gguf*.lock"), *partial}):
        held.enter_context(FileLock(lock, UserError("models_in_use", path=lock.with_suffix(""))))


def _check_folders(old: Path, new: Path) -> None:
    if not old.is_dir():
        raise UserError("folder_missing", path=old)
    real_old, real_new = old.resolve(), new.resolve()
    if real_old.is_relative_to(real_new) or real_new.is_relative_to(real_old):
        raise UserError("folders_nested", path=new, other=old)
    try:
        new.mkdir(parents=True, exist_ok=True)
        if new.samefile(old):
            raise UserError("folders_nested", path=new, other=old)
    except OSError as error:
        raise disk_error(error, new) from error


def _begin(old: Path, new: Path) -> MoveJournal:
    """The journal of this move, also of one that was cut off."""
    here, there = read_move(old), read_move(new)
    for found in (here, there):
        if found and not (same_place(found.source, old) and same_place(found.target, new)):
            raise UserError("move_unfinished", path=found.source, target=found.target)
    # The old folder's decides, until it is removed at the very end.
    if here is None and there is not None and there.committed:
        return there
    copied = there.copied if there is not None else {}
    journal = MoveJournal(old, new, committed=here is not None and here.committed, copied=copied)
    if not journal.committed:
        for folder in (new, old):
            write_move(folder, journal)
    return journal


def _prepare(journal: MoveJournal, on_progress: OnProgress, cancel: CancelToken, rename: Rename) -> MoveJournal:
    """Bring everything to where the move cannot fail any more; the journal with what was copied."""
    old, new = journal.source, journal.target
    progress = _Progress(journal, on_progress, cancel)
    progress.look()
    for name in moved_names(old):
        # A queue of downloads that is there already stays: what is partly here is found without one.
        if os.path.lexists(new / name) and name != QUEUE:
            raise UserError("file_exists", path=new / name)
    if _can_rename(old, new, rename):
        return journal
    _check_room(journal)
    # What comes into the old folder meanwhile comes along.
    while waiting := still_to_copy(journal):
        for name in waiting:
            copied = _copy(old, new, name, progress)
            journal = replace(journal, copied={**journal.copied, name: copied})
            write_move(new, journal)
    progress.look()
    return journal


def _commit(journal: MoveJournal, on_commit: Callable[[], None] | None) -> None:
    committed = replace(journal, committed=True)
    write_move(journal.target, committed)
    write_move(journal.source, committed)
    if on_commit is None:
        return
    try:
        on_commit()
    except BaseException:
        write_move(journal.source, journal)
        _go_back(journal.source, journal.target)
        raise


def _finish(journal: MoveJournal, rename: Rename) -> None:
    """Carry out a committed move, as far as that has not happened yet."""
    old, new = journal.source, journal.target
    try:
        for name in journal.copied:
            if os.path.lexists(copy_of(new / name)):
                if os.path.lexists(new / name):
                    raise UserError("file_exists", path=new / name)
                move_over(copy_of(new / name), new / name)
        for name in moved_names(old):
            if not os.path.lexists(new / name):
                _rename(old, new, name, rename)
    except OSError as error:
        raise disk_error(error, new) from error
    for name, copied in journal.copied.items():
        # A file that was written to since then is left where it is.
        if stamp_of(old / name) == (copied.bytes, copied.mtime_ns) and size_of(new / name) == copied.bytes:
            _unlink(old / name)
    for name in moved_names(old):
        if (old / name).is_symlink() and (new / name).is_symlink():
            _unlink(old / name)
    remove_move(old)
    remove_move(new)
    _remove_empty_folders(old)


def _go_back(old: Path, new: Path) -> None:
    """Delete the copies.  Where the new drive is gone, they are forgotten."""
    journal = read_move(new)
    if journal is not None and same_place(journal.source, old):
        # The one that is being written is not in the journal yet.
        for name in {*journal.copied, *moved_names(old)}:
            with suppress(OSError):
                copy_of(new / name).unlink(missing_ok=True)
        _remove_empty_folders(new)
        remove_move(new)
    remove_move(old)


class _Progress:
    def __init__(self, journal: MoveJournal, on_progress: OnProgress, cancel: CancelToken) -> None:
        self._on_progress = on_progress
        self._cancel = cancel
        # Each byte counts half when it is copied and half when it is read back.
        moved = moved_names(journal.source)
        self._total = sum(size_of(journal.source / name) for name in moved)
        self._done = sum(2 * size_of(journal.source / name) for name in moved if is_copied(journal, name))

    def look(self) -> None:
        self._cancel.raise_if_cancelled()

    def tell(self, n_bytes: int) -> None:
        self._done += n_bytes
        self._on_progress(Progress(min(self._done // 2, self._total), self._total))


def _copy(old: Path, new: Path, name: str, progress: _Progress) -> Copied:
    copy = copy_of(new / name)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, copy) from error
    if not (old / name).is_symlink():
        return copy_and_compare(old / name, copy, progress.tell, progress.look)
    copy_link(old / name, copy, old)
    return Copied(*stamp_of(old / name), crc32=0)


def _rename(old: Path, new: Path, name: str, rename: Rename) -> None:
    (new / name).parent.mkdir(parents=True, exist_ok=True)
    if (old / name).is_symlink():
        copy_link(old / name, new / name, old)
        return
    try:
        rename(old / name, new / name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A disk that is mounted in the middle of the old folder.
        copied = copy_and_compare(old / name, copy_of(new / name), lambda _: None, lambda: None)
        move_over(copy_of(new / name), new / name)
        if size_of(new / name) == copied.bytes:
            _unlink(old / name)


def _can_rename(old: Path, new: Path, rename: Rename) -> bool:
    """Tried out: the numbers of devices say nothing certain where folders are mounted twice."""
    probe, arrived = old / _PROBE, new / _PROBE
    try:
        probe.write_bytes(b"")
        rename(probe, arrived)
    except OSError as error:
        if error.errno == errno.EXDEV or getattr(error, "winerror", None) == 17:  # ERROR_NOT_SAME_DEVICE
            return False
        raise disk_error(error, new) from error
    else:
        return True
    finally:
        for path in (probe, arrived):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _check_room(journal: MoveJournal) -> None:
    """Refuse before the first byte what cannot fit, by its sum or by the size of one file (FAT ends at 4 GiB)."""
    old, new = journal.source, journal.target
    names = still_to_copy(journal)
    needed = sum(needed_bytes(old / name) - size_of(copy_of(new / name)) for name in names) + SPARE_BYTES
    probe = new / _PROBE
    try:
        free = free_bytes(new)
        if needed > free:
            raise UserError("disk_too_small", path=new, needed_bytes=needed, free_bytes=free)
        with probe.open("wb") as file:
            file.truncate(max((size_of(old / name) for name in names), default=0))
    except OSError as error:
        largest = max(names, key=lambda name: size_of(old / name), default="")
        raise disk_error(error, new / largest if error.errno == errno.EFBIG else new) from error
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError("original_stays", path=path, detail=error.strerror or type(error).__name__) from error


def _remove_empty_folders(folder: Path) -> None:
    for place, folders, _ in os.walk(folder, topdown=False):
        for name in folders:
            with suppress(OSError):
                Path(place, name).rmdir()
