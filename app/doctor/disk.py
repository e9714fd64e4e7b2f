"""The disks: room, how fast the one with the models reads, and how long a load takes at that speed."""

from __future__ import annotations

import mmap
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from app.doctor.diagnostic import Finding, State, Text
from model_manager.errors import Cancelled, UserError
from model_manager.hub.catalogue import APUS
from model_manager.library.library import LocalModel, ModelLibrary

SECONDS = 2.0
BLOCK_BYTES = 4 << 20
LEAST_BYTES = 64 << 20
"""A shorter file tells more about the start of a read than about the disk."""
TEMPORARY_BYTES = 128 << 20
LITTLE_ROOM_BYTES = 2 << 30
LONG_LOAD_S = 180.0


@dataclass(frozen=True)
class WantedFile:
    """What a load would read: a name for a person, its size, and where it lies, None where it is not here."""

    name: str
    n_bytes: int
    path: Path | None = None


@dataclass(frozen=True)
class ReadSpeed:
    """Bytes per second; ``from_disk`` false: the system would not let its memory of the file be passed by."""

    bytes_per_second: float
    from_disk: bool


def look(root: Path, models: Path, wanted: WantedFile, is_cancelled: Callable[[], bool]) -> Iterator[Finding]:
    """The data folder, the models' folder, and the speed of the latter's disk.

    Raises:
        Cancelled: ``is_cancelled()`` became true; nothing that was written stays.
    """
    yield _room("data_folder", root)
    if models.exists() and models != root / "models":
        yield _room("models_folder", models)
    yield _speed(wanted, models if models.exists() else root, is_cancelled)


def wanted_file(model_id: str | None, library: ModelLibrary) -> WantedFile:
    """The file that is used now where it is a large one, else what is here of the home model, else its smallest."""
    try:
        here = [model for model in library.list() if model.ready]
    except UserError:
        here = []
    large = [model for model in here if model.bytes >= LITTLE_ROOM_BYTES]
    chosen = [model for model in large if model.id == model_id] or large
    if chosen:
        return _of(chosen[0])
    # The disk is measured on whatever lies there, the load is told of what the program is made for.
    longest = max(here, key=lambda model: model.bytes, default=None)
    path = longest.path if longest is not None and longest.in_models_folder else None
    return WantedFile(f"{APUS[0].name} {APUS[0].quantisation}", APUS[0].bytes, path)


def read_speed(path: Path, seconds: float, is_cancelled: Callable[[], bool]) -> ReadSpeed:
    """Read the file for so long at most.

    Raises:
        OSError: it cannot be read.
        Cancelled: as it says.
    """
    file, from_disk = _open(path)
    # Page-aligned, as reading past the system's memory of a file asks for.
    block = mmap.mmap(-1, BLOCK_BYTES)
    count, begun = 0, time.perf_counter()
    try:
        while time.perf_counter() - begun < seconds:
            if is_cancelled():
                raise Cancelled
            read = file.readinto(memoryview(block))
            if not read:
                break
            count += read
    finally:
        file.close()
    return ReadSpeed(count / max(time.perf_counter() - begun, 1e-6), from_disk)


def _of(model: LocalModel) -> WantedFile:
    return WantedFile(model.name or model.id, model.bytes, model.path)


def _room(id_: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    facts = {"path": str(folder), "free_bytes": free}
    if not os.access(folder, os.W_OK):
        return Finding(id_, State.BAD, Text("folder", facts), remedy=Text("make_writable", facts))
    if free < LITTLE_ROOM_BYTES:
        return Finding(id_, State.WARNING, Text("folder", facts), remedy=Text("make_room", facts))
    return Finding(id_, State.OK, Text("folder", facts))


def _speed(wanted: WantedFile, folder: Path, is_cancelled: Callable[[], bool]) -> Finding:
    try:
        if wanted.path is not None and wanted.path.stat().st_size >= LEAST_BYTES:
            speed = read_speed(wanted.path, SECONDS, is_cancelled)
        elif shutil.disk_usage(folder).free > LITTLE_ROOM_BYTES:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".speed-", suffix=".part") as written:
                _fill(written.fileno(), is_cancelled)
                speed = read_speed(Path(written.name), SECONDS, is_cancelled)
        else:
            return Finding("disk_speed", State.OK, Text("no_room_to_measure"))
    except OSError as error:
        return Finding("disk_speed", State.WARNING, Text("disk_unreadable", {"detail": str(error)}))
    seconds = wanted.n_bytes / max(speed.bytes_per_second, 1.0)
    facts = {
        "speed_bytes": round(speed.bytes_per_second),
        "name": wanted.name,
        "size_bytes": wanted.n_bytes,
        "duration_s": seconds,
    }
    slow = seconds > LONG_LOAD_S
    return Finding(
        "disk_speed",
        State.WARNING if slow else State.OK,
        Text("disk_speed" if speed.from_disk else "disk_speed_cached", facts),
        remedy=Text("faster_disk") if slow else None,
    )


def _fill(descriptor: int, is_cancelled: Callable[[], bool]) -> None:
    # Bytes that no file system can make fewer of.
    noise = os.urandom(BLOCK_BYTES)
    begun = time.perf_counter()
    for _ in range(TEMPORARY_BYTES // BLOCK_BYTES):
        if is_cancelled():
            raise Cancelled
        view = memoryview(noise)
        while view:
            view = view[os.write(descriptor, view) :]
        if time.perf_counter() - begun > SECONDS:
            break
    os.fsync(descriptor)


def _open(path: Path, system: str = sys.platform) -> tuple[FileIO, bool]:
    """The file, past the system's memory of it where that can be."""
    if system == "win32":
        return _open_on_windows(path)
    if hasattr(os, "O_DIRECT"):
        try:
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_DIRECT), "rb", buffering=0)
            # Some file systems take the flag and refuse the first read.
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
