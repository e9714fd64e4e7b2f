"""Reading, replacing and locking single files, with the system's errors as ``UserError``.

Free space and reservation are in ``space``.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from model_manager.errors import UserError

_REPLACE_TRIES = 50
_REPLACE_PAUSE_S = 0.02
_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DEVICE_FAILED = {errno.EIO, errno.ENXIO, errno.ENODEV}
_WINDOWS_DISK_FULL = {39, 112}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_WINDOWS_FILE_TOO_LARGE = 223  # ERROR_FILE_TOO_LARGE
_MAX_NAME_BYTES = 255
MAX_BYTES = 256 << 20
"""Of files that are read as a whole."""
_TEMPORARY_SUFFIX = ".new"


# Errors


def is_disk_full(error: OSError) -> bool:
    """Return whether the disk, or the user's quota on it, is full."""
    return error.errno in _DISK_FULL or getattr(error, "winerror", None) in _WINDOWS_DISK_FULL


def disk_error(error: OSError, path: Path, *, downloading: bool = False) -> UserError:
    """Return the ``UserError`` for a system error while writing, renaming or deleting ``path``.

    disk_full(path), or disk_full_while_downloading(path) where the data so far is kept; file_too_large(path) for a
    file system with a limit; folder_missing(path of the folder); disk_failed(path, detail) for a failing drive;
    file_not_writable(path, detail) for everything else, such as permissions.
    """
    if is_disk_full(error):
        return UserError("disk_full_while_downloading" if downloading else "disk_full", path=path)
    if error.errno == errno.EFBIG or getattr(error, "winerror", None) == _WINDOWS_FILE_TOO_LARGE:
        return UserError("file_too_large", path=path)
    if error.errno == errno.ENOENT:
        return UserError("folder_missing", path=path if path.is_dir() else path.parent)
    code = "disk_failed" if error.errno in _DEVICE_FAILED else "file_not_writable"
    return UserError(code, path=path, detail=error_detail(error))


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise an ``OSError`` of the block as ``disk_error`` of ``path``."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def read_error(error: OSError | ValueError, path: Path) -> UserError:
    """Return the ``UserError`` for a system error while reading ``path``.

    file_missing(path), is_a_folder(path), file_unreadable(path, detail).
    """
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        # ValueError: a name that no file can have, such as one that contains a zero byte.
        return UserError("file_missing", path=path)
    if isinstance(error, IsADirectoryError):
        return UserError("is_a_folder", path=path)
    return UserError("file_unreadable", path=path, detail=error_detail(error))


def error_detail(error: OSError) -> str:
    """Return the system's description of an error, for the ``detail`` of a ``UserError``."""
    return error.strerror or type(error).__name__


# Reading


def open_regular(path: Path) -> tuple[BinaryIO, os.stat_result]:
    """Open a regular file for unbuffered reading; returns it with its status.

    Raises ``UserError`` as ``read_error``, and not_a_file(path) for a pipe, a socket or a device.
    """
    try:
        # Checked before opening too: opening a pipe without a writer blocks.
        _require_regular(path, path.stat())
        file = path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise read_error(error, path) from error
    try:
        status = os.fstat(file.fileno())
        _require_regular(path, status)
    except BaseException:
        file.close()
        raise
    return file, status


@contextmanager
def open_unmodified(path: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """Open a regular file as ``open_regular`` for the block, which reads it.

    Raises ``UserError`` as ``open_regular`` and ``read_error``, and file_changed(path) at the end where the file was
    written to meanwhile.
    """
    file, before = open_regular(path)
    with file:
        try:
            yield file, before
            after = os.fstat(file.fileno())
        except OSError as error:
            raise read_error(error, path) from error
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UserError("file_changed", path=path)


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a regular file.

    Raises ``OSError``, also for a pipe or a device, which may never end, and for a file of more than ``max_bytes``.
    """
    try:
        status = path.stat()
    except ValueError as error:
        # A name that no file can have, such as one that contains a zero byte.
        raise OSError(errno.EINVAL, str(error)) from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(errno.EINVAL, "Not a file")
    if status.st_size > max_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return path.read_bytes()


def is_file(path: Path) -> bool:
    """Return whether ``path`` is a regular file; false for a name that is too long and in a folder without access."""
    # Path.is_file raises in these cases on Python 3.11 to 3.13.
    return os.path.isfile(path)  # noqa: PTH113


def is_nameable(path: str) -> bool:
    """Return whether a file can have this path: false with characters that the file system can't encode."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def is_sole_link(path: Path) -> bool:
    """Return whether the file is no link and has no second hard link, so that it may be rewritten in place."""
    return not path.is_symlink() and path.stat().st_nlink < 2


def file_identity(path: Path) -> object:
    """Return a key that is equal for two names of one file: a link and its target, or another spelling."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return os.path.normcase(path)
    return status.st_dev, status.st_ino


def is_folder(path: Path) -> bool:
    """Return whether ``path`` is a folder; false below a folder without access."""
    # Path.is_dir raises in this case on Python 3.11 to 3.13.
    return os.path.isdir(path)  # noqa: PTH112


def file_size(path: Path) -> int:
    """Return the size in bytes; 0 for a file that is missing or inaccessible."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


# Writing


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield the path of a new empty file that replaces ``path`` when the block ends without an exception.

    Before that, and after an exception or a crash, ``path`` is unchanged.  A link is followed, and the permissions of
    a file that is replaced are kept.  ``private``: only the owner may read the file.

    Raises ``UserError`` as ``disk_error``.
    """
    with disk_errors(path):
        target = Path(os.path.realpath(path))
        # Not created by tempfile, so that the user's umask applies.
        temporary = target.with_name(f"{_temporary_prefix(target)}{os.urandom(4).hex()}{_TEMPORARY_SUFFIX}")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
    try:
        yield temporary
        with disk_errors(path):
            if target.exists() and not private:
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            replace_durably(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_atomically(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file completely or not at all: after a crash it has the old content or the new.

    ``private``: only the owner may read the file.  Raises ``UserError`` as ``disk_error``.
    """
    with replacing(path, private=private) as temporary, disk_errors(path):
        temporary.write_bytes(data)


def remove_temporary_files(path: Path) -> None:
    """Remove the temporary files of ``write_atomically(path)`` that a crash left; no writer may be active."""
    with suppress(OSError):
        for each in path.parent.iterdir():
            if each.name.startswith(_temporary_prefix(path)) and each.name.endswith(_TEMPORARY_SUFFIX):
                each.unlink()


def replace_durably(new: Path, path: Path) -> None:
    """Rename ``new`` to ``path``, replacing it, and wait until the rename is on the disk.  Raises ``OSError``."""
    _replace(new, path)
    if sys.platform == "win32":
        return
    # Some file systems can't sync folders.
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file to ``NAME.damaged`` (numbered), so that it isn't overwritten; returns the new path.

    None where the file can't be renamed.
    """
    for number in range(1000):
        aside = path.with_name(f"{path.name}.damaged{f'-{number}' if number else ''}")
        if not aside.exists():
            with suppress(OSError):
                path.rename(aside)
                return aside
            return None
    return None


def make_private(path: Path) -> None:
    """Let only the owner use an existing file or folder, where the system permits it."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)


def make_folder(path: Path) -> None:
    """Create a folder and the folders above it where missing.  Raises ``UserError`` as ``disk_error``."""
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def write_at(file: BinaryIO, offset: int, content: bytes | memoryview) -> None:
    """Write all of ``content`` at ``offset`` of an unbuffered file.  Raises ``OSError``."""
    file.seek(offset)
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def sync(file: BinaryIO) -> None:
    """Wait until the content of ``file`` is on the disk.  Raises ``OSError``."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(file.fileno())
    else:
        os.fsync(file.fileno())


def _require_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UserError("is_a_folder", path=path)
    if not stat.S_ISREG(status.st_mode):
        raise UserError("not_a_file", path=path)


def _temporary_prefix(path: Path) -> str:
    longest = _MAX_NAME_BYTES - len(f"..12345678{_TEMPORARY_SUFFIX}")
    name = path.name if len(os.fsencode(path.name)) <= longest else path.name[:50]
    return f".{name}."


def _replace(new: Path, path: Path) -> None:
    for _ in range(_REPLACE_TRIES):
        try:
            new.replace(path)
        except PermissionError:
            # Windows refuses while another process has the old file open, for example a virus scanner.
            if sys.platform != "win32":
                raise
            time.sleep(_REPLACE_PAUSE_S)
        else:
            return
    new.replace(path)


# Locking


class FileLock:
    """Exclusive lock between threads and processes, for use as a context manager or with ``acquire`` and ``release``.

    The system releases it when the process ends, however it ends.

    ``busy`` is the error raised when another thread or process holds the lock for longer than ``timeout_s``.
    ``remove``: delete the lock file on release.  The folder must exist.  Any thread may release the lock.
    """

    def __init__(self, path: Path, busy: UserError, *, timeout_s: float = 0.0, remove: bool = True) -> None:
        # Imported where it is needed: most importers of this module don't lock.
        import filelock

        self.path = path
        self._busy = busy
        self._remove = remove
        self._lock = filelock.FileLock(path, timeout=timeout_s, thread_local=False)

    def acquire(self) -> None:
        """Take the lock.  Raises the ``busy`` error, folder_missing(path), and as ``disk_error``."""
        if not self.path.parent.exists():
            raise UserError("folder_missing", path=self.path.parent)  # filelock would create it
        try:
            self._lock.acquire()
        except TimeoutError as error:
            raise self._busy from error
        except OSError as error:
            raise disk_error(error, self.path) from error

    def release(self) -> None:
        """Give the lock back."""
        if self._remove:
            # Unlinked while held: another process that has the old file open notices that after it gets the lock.
            with suppress(OSError):
                self.path.unlink()
        self._lock.release()
        if self._remove and os.name == "nt":
            # Windows keeps the file while it is open.
            with suppress(OSError):
                self.path.unlink()

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
