"""Room on the disk: known and reserved before the first byte is fetched, so that a full disk is no surprise at the end.

Which errors of a disk mean what to a person is told here too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from model_manager.errors import UserError

SPARE_BYTES = 16 << 20
"""For journals, origins and what the file system keeps about a large file."""

Reserve = Callable[[BinaryIO, int], None]

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY}
_WINDOWS_FULL = {39, 112}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_WINDOWS_TOO_LARGE = 223  # ERROR_FILE_TOO_LARGE
_ANY_SYSTEM_BYTES = (1 << 32) - 1
_F_PREALLOCATE, _F_ALLOCATEALL, _F_PEOFPOSMODE = 42, 4, 3


def check_space(folder: Path, wanted: dict[Path, int]) -> None:
    """Refuse when the files, each to become so many bytes, do not fit; what they hold already counts.

    Raises ``UserError``: disk_too_small(path, needed_bytes, free_bytes), and as ``disk_error`` does.
    """
    try:
        missing = sum(max(0, n_bytes - _allocated(path)) for path, n_bytes in wanted.items())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise disk_error(folder, error) from error
    if missing and missing + SPARE_BYTES > free:
        raise UserError("disk_too_small", path=folder, needed_bytes=missing + SPARE_BYTES, free_bytes=free)


def reserve(file: BinaryIO, n_bytes: int) -> None:
    """Take the room for ``n_bytes`` where the system can without writing zeros, and make the file so long.

    Raises ``OSError``, at once where the file system takes no file of that size.
    """
    try:
        if sys.platform.startswith("linux"):
            _linux_fallocate(file, n_bytes)
        elif sys.platform == "darwin":
            _darwin_preallocate(file, n_bytes)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        if os.fstat(file.fileno()).st_size <= n_bytes < _ANY_SYSTEM_BYTES:
            # FAT would write zeros to make it longer; it grows by itself as the data comes.
            return
    if os.fstat(file.fileno()).st_size != n_bytes:
        file.truncate(n_bytes)


def disk_error(path: Path, error: OSError, *, downloading: bool = False) -> UserError:
    """What a person is told about an error of the disk; ``downloading`` tells whether some of the file is here.

    disk_full_while_downloading(path), disk_full(path), file_too_large(path), folder_missing(path),
    folder_not_writable(path, detail), disk_failed(path, detail).
    """
    detail = error.strerror or type(error).__name__
    folder = path if path.is_dir() else path.parent
    windows = getattr(error, "winerror", None)
    if error.errno in _FULL or windows in _WINDOWS_FULL:
        return UserError("disk_full_while_downloading" if downloading else "disk_full", path=path)
    if error.errno == errno.EFBIG or windows == _WINDOWS_TOO_LARGE:
        return UserError("file_too_large", path=path)
    if error.errno in _NOT_ALLOWED:
        return UserError("folder_not_writable", path=folder, detail=detail)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return UserError("folder_missing", path=folder)
    return UserError("disk_failed", path=path, detail=detail)


def _allocated(path: Path) -> int:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0
    # 512 whatever the file system's own blocks are; Windows tells none and gives room for the whole length.
    blocks = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else int(blocks) * 512


def _linux_fallocate(file: BinaryIO, n_bytes: int) -> None:
    # os.posix_fallocate writes zeros where the file system cannot reserve: an hour for 64 GiB on a slow stick.
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", None)
    if fallocate is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while fallocate(file.fileno(), 0, 0, n_bytes):
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def _darwin_preallocate(file: BinaryIO, n_bytes: int) -> None:
    import fcntl

    missing = n_bytes - os.fstat(file.fileno()).st_size
    if missing > 0:
        # fstore_t: flags, position mode, offset, length, bytes allocated
        request = struct.pack("=Iiqqq", _F_ALLOCATEALL, _F_PEOFPOSMODE, 0, missing, 0)
        fcntl.fcntl(file.fileno(), _F_PREALLOCATE, request)
