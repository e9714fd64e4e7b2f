"""File lock between threads and processes; the system releases it when the process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import filelock

from model_manager.disk.files import disk_error
from model_manager.errors import UserError


class FileLock:
    """Exclusive lock on a lock file, for use as a context manager or with ``acquire`` and ``release``.

    ``busy`` is the error raised when another thread or process holds the lock for longer than ``timeout_s``.
    ``remove``: delete the lock file on release.  The folder must exist.  Any thread may release the lock.
    """

    def __init__(self, path: Path, busy: UserError, *, timeout_s: float = 0.0, remove: bool = True) -> None:
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
        except filelock.Timeout as error:
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
