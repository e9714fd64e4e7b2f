"""Checks of the stored data: database and backups; free space, read speed, and the time a load takes at that speed."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from io import FileIO
from pathlib import Path

from app.config.paths import DataFolder
from app.doctor.diagnostic import Diagnostic, Severity
from app.store.backups import BackupFolder, database_damage
from model_manager.cancellation import CancelToken
from model_manager.disk.files import file_size
from model_manager.errors import UserError
from model_manager.library.library import ModelLibrary

SECONDS = 2.0
BLOCK_BYTES = 4 << 20
MIN_BYTES = 64 << 20
"""Smaller files are not used to measure the read speed."""
TEMPORARY_BYTES = 128 << 20
LOW_SPACE_BYTES = 2 << 30
LONG_LOAD_S = 180.0


@dataclass(frozen=True)
class LoadFile:
    """File read by a load: displayed name, size in bytes, and path (None where it is not read to measure the speed)."""

    name: str
    n_bytes: int
    path: Path | None = None


@dataclass(frozen=True)
class DiskUse:
    """Bytes of the program's files by kind; ``states`` is the conversation cache."""

    models: int
    conversations: int
    backups: int
    states: int
    other: int

    @property
    def total(self) -> int:
        """All kinds together."""
        return self.models + self.conversations + self.backups + self.states + self.other


def disk_use(folder: DataFolder, library: ModelLibrary) -> DiskUse:
    """Return what the files in the data folder and the models in another models folder take.

    Files that appear or vanish meanwhile may be counted.  For background threads.

    Raises:
        UserError: as ``ModelLibrary.list``.
    """
    kinds = {
        folder.models: "models",
        folder.states: "states",
        **{each.path: "backups" for each in BackupFolder(folder.conversations).list()},
        folder.conversations: "conversations",
    }
    sizes = dict.fromkeys((*kinds.values(), "backups", "other"), 0)
    for parent, _, names in os.walk(folder.root):
        for path in (Path(parent, name) for name in names):
            kind = next((kind for place, kind in kinds.items() if path.is_relative_to(place)), "other")
            with contextlib.suppress(OSError):
                sizes[kind] += path.lstat().st_size
    elsewhere = (each for each in library.list() if each.in_models_folder)
    sizes["models"] += sum(each.bytes for each in elsewhere if not each.path.is_relative_to(folder.root))
    return DiskUse(**sizes)


def check_conversations(folder: Path, token: CancelToken) -> Iterator[Diagnostic]:
    """Check the whole database without writing to it.

    Raises:
        Cancelled: ``token`` was cancelled.
    """
    path = folder / "conversations.sqlite3"
    backups = BackupFolder(folder).list()
    if not file_size(path):
        if backups:
            yield Diagnostic("database", Severity.BAD, "database_missing", {"path": path}, remedy="restore_backup")
        else:
            yield Diagnostic("database", Severity.OK, "no_database")
        return
    n_bytes = file_size(path) + file_size(path.with_name(f"{path.name}-wal"))
    damage = database_damage(path, lambda: token.is_cancelled)
    data = {"size_bytes": n_bytes, "path": path, "detail": damage}
    if damage:
        yield Diagnostic("database", Severity.BAD, "database_damaged", data, remedy="restore_backup")
    else:
        yield Diagnostic("database", Severity.OK, "database", data)
    if backups:
        data = {"count": len(backups), "time": backups[0].made_at, "size_bytes": backups[0].bytes}
        yield Diagnostic("backups", Severity.OK, "backups", data)
    else:
        yield Diagnostic("backups", Severity.OK, "no_backups")


def check_disk(root: Path, models: Path, file: LoadFile, token: CancelToken) -> Iterator[Diagnostic]:
    """Check the data folder, the models folder and the read speed of its disk.

    Raises:
        Cancelled: ``token`` was cancelled; temporary files are removed.
    """
    yield _space("data_folder", root)
    if models.exists() and models != root / "models":
        yield _space("models_folder", models)
    yield _speed(file, models if models.exists() else root, token)


def check_disk_use(folder: DataFolder, library: ModelLibrary) -> Diagnostic:
    """Return what the program's files take.  Raises ``UserError`` as ``disk_use``."""
    use = disk_use(folder, library)
    data = {f"{each.name}_bytes": getattr(use, each.name) for each in fields(use)}
    return Diagnostic("disk_use", Severity.OK, "disk_use", {"total_bytes": use.total, **data})


def load_file(model_id: str | None, library: ModelLibrary) -> LoadFile:
    """Return the file of the selected model if it is large, else of the largest; without a name if there is none."""
    try:
        here = [model for model in library.list() if model.ready]
    except UserError:
        here = []
    large = [model for model in here if model.bytes >= LOW_SPACE_BYTES]
    model = next((each for each in large if each.id == model_id), None)
    model = model or max(here, key=lambda each: each.bytes, default=None)
    if model is None:
        return LoadFile("", 0)
    # A small one, such as the starter, can be on another disk.
    path = model.path if large or model.in_models_folder else None
    return LoadFile(model.name or model.id, model.bytes, path)


def read_speed(path: Path, seconds: float, token: CancelToken) -> tuple[float, bool]:
    """Read the file for at most ``seconds``.

    Return the speed in bytes per second, and whether it is that of the disk: the file cache was bypassed.

    Raises:
        OSError: it cannot be read.
        Cancelled: ``token`` was cancelled.
    """
    file, from_disk = _open(path)
    # Page-aligned, as reads that bypass the file cache require.
    block = mmap.mmap(-1, BLOCK_BYTES)
    count, started = 0, time.perf_counter()
    with file:
        while time.perf_counter() - started < seconds:
            token.raise_if_cancelled()
            read = file.readinto(memoryview(block))
            if not read:
                break
            count += read
    return count / max(time.perf_counter() - started, 1e-6), from_disk


def _space(id_: str, folder: Path) -> Diagnostic:
    free = shutil.disk_usage(folder).free
    result = Diagnostic(id_, Severity.OK, "folder", {"path": folder, "free_bytes": free})
    if not os.access(folder, os.W_OK):
        return replace(result, state=Severity.BAD, remedy="make_writable")
    return result.warning_if(free < LOW_SPACE_BYTES, "make_room")


def _speed(file: LoadFile, folder: Path, token: CancelToken) -> Diagnostic:
    try:
        if file.path is not None and file.path.stat().st_size >= MIN_BYTES:
            speed, from_disk = read_speed(file.path, SECONDS, token)
        elif shutil.disk_usage(folder).free > LOW_SPACE_BYTES:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".speed-", suffix=".part") as temporary:
                _fill(temporary.fileno(), token)
                speed, from_disk = read_speed(Path(temporary.name), SECONDS, token)
        else:
            return Diagnostic("disk_speed", Severity.OK, "no_room_to_measure")
    except OSError as error:
        return Diagnostic("disk_speed", Severity.WARNING, "disk_unreadable", {"detail": error})
    seconds = file.n_bytes / max(speed, 1.0)
    data = {"speed_bytes": round(speed), "name": file.name, "size_bytes": file.n_bytes, "duration_s": seconds}
    code = "disk_speed" if from_disk else "disk_speed_cached"
    if not file.name:
        code = "read_speed" if from_disk else "read_speed_cached"
    result = Diagnostic("disk_speed", Severity.OK, code, data)
    return result.warning_if(seconds > LONG_LOAD_S, "faster_disk")


def _fill(descriptor: int, token: CancelToken) -> None:
    # Random bytes cannot be compressed by the file system.
    noise = os.urandom(BLOCK_BYTES)
    started = time.perf_counter()
    for _ in range(TEMPORARY_BYTES // BLOCK_BYTES):
        token.raise_if_cancelled()
        view = memoryview(noise)
        while view:
            view = view[os.write(descriptor, view) :]
        if time.perf_counter() - started > SECONDS:
            break
    os.fsync(descriptor)


def _open(path: Path, system: str = sys.platform) -> tuple[FileIO, bool]:
    """Open the file and return whether reads bypass the file cache."""
    if system == "win32":
        return _open_on_windows(path)
    if hasattr(os, "O_DIRECT"):
        try:
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_DIRECT), "rb", buffering=0)
            # Some file systems accept the flag but fail at the first read.
            file.readinto(memoryview(mmap.mmap(-1, mmap.PAGESIZE)))
            file.seek(0)
        except OSError:
            pass
        else:
            return file, True
    file = FileIO(str(path))
    if system == "darwin":
        import fcntl

        fcntl.fcntl(file.fileno(), 48, 1)  # F_NOCACHE of <fcntl.h>
        return file, True
    return file, False


def _open_on_windows(path: Path) -> tuple[FileIO, bool]:
    import ctypes

    library = getattr(ctypes, "windll").kernel32  # noqa: B009
    library.CreateFileW.restype = ctypes.c_void_p
    # GENERIC_READ, FILE_SHARE_READ | WRITE | DELETE, OPEN_EXISTING, FILE_FLAG_NO_BUFFERING | SEQUENTIAL_SCAN
    handle = library.CreateFileW(str(path), 0x80000000, 7, None, 3, 0x20000000 | 0x08000000, None)
    if handle in (None, ctypes.c_void_p(-1).value):
        return FileIO(str(path)), False
    import msvcrt

    return FileIO(getattr(msvcrt, "open_osfhandle")(handle, os.O_RDONLY | getattr(os, "O_BINARY", 0))), True  # noqa: B009
