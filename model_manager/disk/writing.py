"""Moving many bytes between places of open files, and what a full or failing disk means in words.

Shared by what rewrites files that lie on the disk already; which bytes go where is the callers' business.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from model_manager.errors import UserError

CHUNK_BYTES = 16 << 20
"""What is moved between two looks at whether to go on."""
SPARE_BYTES = 32 << 20
"""Room that is left on a disk for everybody else."""

_BUFFER_BYTES = 4 << 20
_NO_SPACE = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_HERE = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM})


def writing_error(path: Path, error: OSError) -> UserError:
    """The ``UserError`` for what the system said about writing ``path``: disk_full(path), file_too_large(path) for a
    file system that takes no file of that size, file_not_writable(path, detail).
    """
    if error.errno in _NO_SPACE or getattr(error, "winerror", None) in (39, 112):
        return UserError("disk_full", path=path)
    if error.errno == errno.EFBIG:
        return UserError("file_too_large", path=path)
    return UserError("file_not_writable", path=path, detail=error.strerror or type(error).__name__)


def free_bytes(folder: Path) -> int:
    """Bytes that may be written in a folder.  Raises ``OSError``."""
    return shutil.disk_usage(folder).free


def is_ours_alone(path: Path) -> bool:
    """Whether the content may be changed in place: no link to a file elsewhere, and no second name of it."""
    return not path.is_symlink() and path.stat().st_nlink == 1


class Mover:
    """Copies ranges of bytes between open files, or within one where the ranges do not overlap.

    The files are opened unbuffered.  Memory: one buffer of 4 MiB, where the system cannot copy by itself.
    """

    def __init__(self) -> None:
        self._by_system = hasattr(os, "copy_file_range")
        self._buffer: memoryview | None = None

    def chunks(self, source: BinaryIO, start: int, target: BinaryIO, place: int, length: int) -> Iterator[int]:
        """Copy ``length`` bytes from ``start`` in ``source`` to ``place`` in ``target``; yields the bytes of each step.

        Raises ``OSError``, also where ``source`` ends too early.
        """
        done = 0
        while done < length:
            count = min(CHUNK_BYTES, length - done)
            self._copy(source, start + done, target, place + done, count)
            done += count
            yield count

    def _copy(self, source: BinaryIO, start: int, target: BinaryIO, place: int, length: int) -> None:
        done = 0
        while done < length:
            count = 0
            if self._by_system:
                count = self._system_copy(source, start + done, target, place + done, length - done)
            if not count:
                count = self._plain_copy(source, start + done, target, place + done, length - done)
            done += count

    def _system_copy(self, source: BinaryIO, start: int, target: BinaryIO, place: int, length: int) -> int:
        try:
            return os.copy_file_range(source.fileno(), target.fileno(), length, start, place)  # type: ignore[attr-defined,no-any-return,unused-ignore]
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            self._by_system = False
            return 0

    def _plain_copy(self, source: BinaryIO, start: int, target: BinaryIO, place: int, length: int) -> int:
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        source.seek(start)
        count: int = source.readinto(self._buffer[: min(length, _BUFFER_BYTES)])  # type: ignore[attr-defined]
        if not count:
            raise OSError(errno.EIO, "the file ended too early")
        write_at(target, place, self._buffer[:count])
        return count


def write_at(file: BinaryIO, place: int, content: bytes | memoryview) -> None:
    """Write all of ``content`` at ``place`` of an unbuffered file.  Raises ``OSError``."""
    file.seek(place)
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def sync(file: BinaryIO) -> None:
    """Wait until the content of ``file`` is safe from a power cut.  Raises ``OSError``."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(file.fileno())
    else:
        os.fsync(file.fileno())


def reserve(file: BinaryIO, n_bytes: int) -> None:
    """Make an empty file ``n_bytes`` long with its room on the disk taken, where the file system can do that.

    Raises ``OSError`` where there is no room.
    """
    if n_bytes and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
    file.truncate(n_bytes)


def remove_unfinished(path: Path) -> None:
    """Take away what a crash left of ``files.replace_file(path, ...)``; nobody may be writing ``path`` now."""
    with suppress(OSError):
        for each in path.parent.iterdir():
            if each.name.startswith(f".{path.name}.") and each.name.endswith(".new"):
                each.unlink()


@contextmanager
def sole_holder(path: Path, lock_name: str, code: str) -> Iterator[None]:
    """Hold what is done to ``path`` against all other threads and processes of this machine.

    Raises ``UserError``: ``code`` (path) where another holds it, folder_missing(path), and as ``writing_error``.
    """
    lock_path = path.with_name(lock_name)
    lock = FileLock(lock_path, timeout=0)
    try:
        if not path.parent.exists():
            raise UserError("folder_missing", path=path.parent)  # the lock would make it
        lock.acquire()
    except Timeout as error:
        raise UserError(code, path=path) from error
    except OSError as error:
        raise writing_error(path, error) from error
    try:
        yield
    finally:
        # While it is held: whoever opened it before finds out, once it has the lock, that the file is gone.
        with suppress(OSError):
            lock_path.unlink()
        lock.release()
        if os.name == "nt":
            with suppress(OSError):
                lock_path.unlink()
