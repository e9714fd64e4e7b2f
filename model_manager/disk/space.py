"""Free disk space: checked and reserved before writing starts, so that a full disk is noticed at once."""

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

from model_manager.disk.files import disk_errors
from model_manager.errors import UserError

SPARE_BYTES = 16 << 20
"""Left free for journals, origins and the file system's own data."""

Reserve = Callable[[BinaryIO, int], None]

_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY}
_ANY_SYSTEM_BYTES = (1 << 32) - 1
_F_PREALLOCATE, _F_ALLOCATEALL, _F_PEOFPOSMODE = 42, 4, 3
_FSCTL_SET_SPARSE = 0x900C4


def free_bytes(folder: Path) -> int:
    """Return the bytes that may be written in a folder.  Raises ``UserError`` as ``disk_error``."""
    with disk_errors(folder):
        return shutil.disk_usage(folder).free


def room_for_files(folder: Path | None) -> int | None:
    """Return the bytes that new files can take in a folder, which may not exist yet; None where that is unknown."""
    while folder is not None and not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return max(0, free_bytes(folder) - SPARE_BYTES) if folder is not None else None
    except UserError:
        return None


def require_free(folder: Path, needed_bytes: int, code: str, path: Path) -> None:
    """Raise ``UserError`` ``code`` (path, needed_bytes, free_bytes) where so much can't be written in a folder."""
    if (free := free_bytes(folder)) < needed_bytes:
        raise UserError(code, path=path, needed_bytes=needed_bytes, free_bytes=free)


def check_space(folder: Path, sizes: dict[Path, int]) -> None:
    """Check that files of these final sizes (bytes) fit; what is allocated for them already counts.

    Raises ``UserError``: disk_too_small(path, needed_bytes, free_bytes), and as ``disk_error``.
    """
    with disk_errors(folder):
        missing = sum(max(0, n_bytes - allocated_bytes(path)) for path, n_bytes in sizes.items())
    if missing:
        require_free(folder, missing + SPARE_BYTES, "disk_too_small", folder)


def allocated_bytes(path: Path) -> int:
    """Return the bytes that a file takes on the disk, 0 where there is none.  Raises ``OSError``."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0
    # In units of 512 whatever the file system's block size; Windows has no such field and allocates the whole length.
    blocks = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else int(blocks) * 512


def reserve(file: BinaryIO, n_bytes: int) -> None:
    """Set the length of a file and allocate its space where the system can do that without writing zeros.

    Raises ``OSError``, at once where the file system doesn't support files of that size.
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
            # FAT would write zeros to extend the file; it grows as data is written.
            return
    if os.fstat(file.fileno()).st_size != n_bytes:
        file.truncate(n_bytes)


def make_sparse(file: BinaryIO) -> None:
    """Allow a file to have holes.  Only Windows needs this, and may refuse.

    Source: ``FSCTL_SET_SPARSE`` in ``winioctl.h``.
    """
    if sys.platform == "win32":
        import msvcrt

        written = ctypes.c_ulong()
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(file.fileno()))
        ctypes.windll.kernel32.DeviceIoControl(handle, _FSCTL_SET_SPARSE, None, 0, None, 0, ctypes.byref(written), None)


def _linux_fallocate(file: BinaryIO, n_bytes: int) -> None:
    # os.posix_fallocate writes zeros where the file system can't reserve: an hour for 64 GiB on a slow stick.
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
