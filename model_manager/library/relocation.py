"""Relocation of the models folder, for example to another drive: everything moves or nothing does.

Within a file system the files are renamed.  Otherwise they are copied as ``NAME.moving``, read back and compared, while
the old folder stays unchanged and in use.  Once every copy is right the relocation is committed: the new folder becomes
the models folder, the copies get their names and the originals are deleted.  A journal in both folders records this, so
that an interruption before the commit is rolled back and one after it is completed.

What moves: files with ``.gguf`` in their names, which includes partial downloads, journals, origins and quarantined
files, and the download queue.  Everything else stays.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.copies import copy_link, copy_verified
from model_manager.disk.files import (
    FileLock,
    disk_error,
    disk_errors,
    error_detail,
    read_bytes,
    remove_temporary_files,
    replace_durably,
    write_atomically,
)
from model_manager.disk.json_file import JsonError, from_json, to_json
from model_manager.disk.space import SPARE_BYTES, allocated_bytes, require_free
from model_manager.errors import UserError
from model_manager.progress import OnProgress, Progress, ignore_progress

JOURNAL_NAME = ".models-move.json"
QUEUE_NAME = "downloads.json"
"""The download queue, which is kept in the models folder."""
FAT32_MAX_BYTES = 1 << 32
"""FAT refuses files of this size."""

_FORMAT = 1
_LOCK_NAME = ".models-move.lock"
_PROBE_NAME = ".models-move.probe"
_COPY_SUFFIX = ".moving"
_WINDOWS_NOT_SAME_DEVICE = 17  # ERROR_NOT_SAME_DEVICE

Rename = Callable[[Path, Path], object]


@dataclass(frozen=True)
class CopiedFile:
    """A verified copy: its name relative to both folders, and size and modification time of the original."""

    name: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Relocation:
    """An unfinished relocation, as stored in its journal; a committed one can only be completed."""

    source: Path
    target: Path
    committed: bool = False
    copied: tuple[CopiedFile, ...] = ()
    format: int = _FORMAT


def unfinished_relocation(folder: Path) -> Relocation | None:
    """Return the relocation from or to a folder that a crash interrupted.

    A committed one is completed by ``relocate_models`` with the same two folders, which takes moments; any other is
    rolled back by ``roll_back``.
    """
    found = _read_journal(folder)
    if found is None or not (_is_same(found.source, folder) or _is_same(found.target, folder)):
        return None
    return found


def roll_back(relocation: Relocation) -> None:
    """Delete the copies in the new folder.

    Raises ``ValueError`` for a committed relocation, and ``UserError``: move_running(path).
    """
    if relocation.committed:
        raise ValueError("a committed relocation can only be completed")
    with _lock(relocation.source):
        _delete_copies(relocation.source, relocation.target)


def relocate_models(
    source: Path,
    target: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    on_commit: Callable[[], None] = lambda: None,
    *,
    rename: Rename = os.rename,
) -> None:
    """Move all models from one folder to another, or complete a committed relocation of these two.

    ``on_commit()`` makes the new folder the models folder in the settings.  It may be called again after a crash; when
    it raises, the relocation is rolled back.  ``ModelLibrary.relocate`` is called afterwards.

    Raises ``Cancelled``, and ``UserError``: folder_missing(path), folders_nested(path, other), file_exists(path) for a
    file in the new folder that would be overwritten, disk_too_small(path, needed_bytes, free_bytes),
    file_too_large(path), move_running(path), models_in_use(path), move_unfinished(path, target) where another
    relocation must be completed first, original_stays(path, detail) where everything was moved but a file in the old
    folder can't be deleted; and as ``copy_verified``.
    """
    old, new = Path(os.path.abspath(source)), Path(os.path.abspath(target))  # noqa: PTH100
    pending = _read_journal(new)
    if not old.is_dir() and pending is not None and pending.committed and _is_same(pending.source, old):
        # Everything was copied, and the old folder was removed before its journal.
        _complete(pending, rename)
        return
    _check_folders(old, new)
    with _lock(old), ExitStack() as held:
        relocation = _pending(old, new) or Relocation(old, new)
        total = sum(_size(old / name) for name in _model_files(old))
        if relocation.committed:
            _lock_models(old, held)
            on_commit()
        else:
            try:
                for folder in (new, old):
                    _write_journal(folder, relocation)
                _lock_models(old, held)
                relocation = _prepare(relocation, on_progress, cancel, rename)
                for folder in (new, old):
                    _write_journal(folder, relocation)
                on_commit()
            except BaseException:
                _delete_copies(old, new)
                raise
        _complete(relocation, rename)
    on_progress(Progress(total, total))
    with suppress(OSError):
        old.rmdir()


# Before the commit


def _check_folders(old: Path, new: Path) -> None:
    if not old.is_dir():
        raise UserError("folder_missing", path=old)
    real_old, real_new = old.resolve(), new.resolve()
    if real_old.is_relative_to(real_new) or real_new.is_relative_to(real_old):
        raise UserError("folders_nested", path=new, other=old)
    with disk_errors(new):
        new.mkdir(parents=True, exist_ok=True)
        if new.samefile(old):
            raise UserError("folders_nested", path=new, other=old)


def _pending(old: Path, new: Path) -> Relocation | None:
    """Return the committed relocation of these two folders, and roll back one that was interrupted before its commit.

    Raises ``UserError``: move_unfinished(path, target) for other folders.
    """
    found = [each for each in (_read_journal(old), _read_journal(new)) if each is not None]
    for each in found:
        if not (_is_same(each.source, old) and _is_same(each.target, new)):
            raise UserError("move_unfinished", path=each.source, target=each.target)
    # Committed once the old folder's journal says so; that one is removed first at the end.
    if found and found[0].committed:
        return found[0]
    if found:
        _delete_copies(old, new)
    return None


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / _LOCK_NAME, UserError("move_running", path=folder / JOURNAL_NAME))


def _lock_models(folder: Path, held: ExitStack) -> None:
    """Hold the locks of all downloads, conversions and joins in the folder."""
    of_partial_files = (path.with_name(f"{path.name}.lock") for path in folder.rglob("*.gguf.part"))
    for lock in sorted({*folder.rglob("*.gguf*.lock"), *of_partial_files}):
        held.enter_context(FileLock(lock, UserError("models_in_use", path=lock.with_suffix(""))))


def _prepare(relocation: Relocation, on_progress: OnProgress, cancel: CancelToken, rename: Rename) -> Relocation:
    """Copy everything where the files can't be renamed; return the committed relocation."""
    old, new = relocation.source, relocation.target
    cancel.raise_if_cancelled()
    for name in _model_files(old):
        # A download queue in the new folder stays: partial downloads are found without one.
        if os.path.lexists(new / name) and name != QUEUE_NAME:
            raise UserError("file_exists", path=new / name)
    copied: dict[str, CopiedFile] = {}
    if _can_rename(old, new, rename):
        return replace(relocation, committed=True)
    # A partial download counts with its full size, which it will need.
    sizes = {name: (_size(old / name), allocated_bytes(old / name)) for name in _model_files(old)}
    needed = sum(size if name.endswith(".part") else min(size, used) for name, (size, used) in sizes.items())
    require_free(new, needed + SPARE_BYTES, "disk_too_small", new)

    def names_to_copy() -> list[str]:
        names = [name for name in _model_files(old) if not os.path.lexists(new / name)]
        # The largest first: some file systems refuse it at once.
        names.sort(key=lambda name: _size(old / name), reverse=True)
        return [name for name in names if copied.get(name) != _original(old, name)]

    # Another round for files that arrived or changed meanwhile.
    while names := names_to_copy():
        total = sum(_size(old / name) for name in _model_files(old))
        for name in names:
            finished = sum(each.bytes for each in copied.values() if each.name != name)
            copied[name] = _copy(old, new, name, partial(_report, on_progress, finished, total), cancel)
    cancel.raise_if_cancelled()
    return replace(relocation, committed=True, copied=tuple(copied.values()))


def _report(on_progress: OnProgress, finished: int, total: int, n_bytes: int) -> None:
    # Each byte of the current file counts half when it is copied and half when it is compared.
    on_progress(Progress(min(finished + n_bytes // 2, total), total))


def _copy(old: Path, new: Path, name: str, on_bytes: Callable[[int], None], cancel: CancelToken) -> CopiedFile:
    copy = _copy_path(new / name)
    original = _original(old, name)
    with disk_errors(copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
    if (old / name).is_symlink():
        copy_link(old / name, copy, old)
    else:
        if original.bytes >= FAT32_MAX_BYTES:
            with disk_errors(new / name), copy.open("wb") as file:
                file.truncate(original.bytes)
        copy_verified(old / name, copy, on_bytes, cancel)
    return original


def _can_rename(old: Path, new: Path, rename: Rename) -> bool:
    """Return whether files can be renamed from one folder to the other; tried, since device numbers can mislead."""
    probe = old / _PROBE_NAME
    try:
        probe.write_bytes(b"")
        rename(probe, new / _PROBE_NAME)
    except OSError as error:
        if error.errno == errno.EXDEV or getattr(error, "winerror", None) == _WINDOWS_NOT_SAME_DEVICE:
            return False
        raise disk_error(error, new) from error
    else:
        return True
    finally:
        _remove_probe(old, new)


def _remove_probe(old: Path, new: Path) -> None:
    for folder in (old, new):
        with suppress(OSError):
            (folder / _PROBE_NAME).unlink(missing_ok=True)


def _delete_copies(old: Path, new: Path) -> None:
    _remove_probe(old, new)
    journal = _read_journal(new)
    if journal is not None and _is_same(journal.source, old):
        for copy in new.rglob(f"*{_COPY_SUFFIX}"):
            with suppress(OSError):
                copy.unlink()
        _remove_empty_folders(new)
        _remove_journal(new)
    _remove_journal(old)


# After the commit


def _complete(relocation: Relocation, rename: Rename) -> None:
    """Carry out a committed relocation, as far as that hasn't happened yet."""
    old, new = relocation.source, relocation.target
    with disk_errors(new):
        for copied in relocation.copied:
            copy = _copy_path(new / copied.name)
            if os.path.lexists(copy):
                if os.path.lexists(new / copied.name):
                    raise UserError("file_exists", path=new / copied.name)
                replace_durably(copy, new / copied.name)
        for name in _model_files(old):
            if not os.path.lexists(new / name):
                _rename(old, new, name, rename)
    for copied in relocation.copied:
        # A file that was written to since then stays.
        if _original(old, copied.name) == copied and _size(new / copied.name) == copied.bytes:
            _delete_original(old / copied.name)
    for name in _model_files(old):
        if (old / name).is_symlink() and (new / name).is_symlink():
            _delete_original(old / name)
    _remove_journal(old)
    _remove_journal(new)
    _remove_empty_folders(old)


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
        # Another file system is mounted inside the old folder.
        copy_verified(old / name, _copy_path(new / name))
        replace_durably(_copy_path(new / name), new / name)
        _delete_original(old / name)


def _delete_original(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError("original_stays", path=path, detail=error_detail(error)) from error


def _remove_empty_folders(folder: Path) -> None:
    for parent, folders, _ in os.walk(folder, topdown=False):
        for name in folders:
            with suppress(OSError):
                Path(parent, name).rmdir()


# Files


def _model_files(folder: Path) -> list[str]:
    """Return the files that move, relative to the folder, sorted; links to folders are not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if _belongs_to_model(name) or path == folder / QUEUE_NAME:
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def _belongs_to_model(name: str) -> bool:
    return ".gguf" in name.casefold() and not name.startswith(".") and not name.endswith((_COPY_SUFFIX, ".lock"))


def _copy_path(path: Path) -> Path:
    """Return the name of a file in the new folder before the commit."""
    return path.with_name(f"{path.name}{_COPY_SUFFIX}")


def _original(folder: Path, name: str) -> CopiedFile:
    """Return size (-1 where there is no file) and modification time of a file, or of the link itself."""
    try:
        status = (folder / name).lstat()
    except OSError:
        return CopiedFile(name, -1, 0)
    return CopiedFile(name, status.st_size, status.st_mtime_ns)


def _size(path: Path) -> int:
    return max(0, _original(path.parent, path.name).bytes)


# Journal


def _read_journal(folder: Path) -> Relocation | None:
    try:
        journal = from_json(read_bytes(folder / JOURNAL_NAME), Relocation)
    except (OSError, JsonError):
        return None
    return journal if journal.format == _FORMAT else None


def _write_journal(folder: Path, relocation: Relocation) -> None:
    remove_temporary_files(folder / JOURNAL_NAME)
    write_atomically(folder / JOURNAL_NAME, to_json(relocation))


def _remove_journal(folder: Path) -> None:
    with suppress(OSError):
        (folder / JOURNAL_NAME).unlink(missing_ok=True)


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two paths are the same by spelling alone: either may be gone."""
    return os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))  # noqa: PTH100
