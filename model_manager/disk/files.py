"""Reading and replacing single files, with the system's errors turned into ones a person can act on."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from model_manager.errors import UserError

_REPLACE_TRIES = 50
_REPLACE_PAUSE_S = 0.02


def open_regular(path: Path) -> tuple[BinaryIO, os.stat_result]:
    """Open a regular file for unbuffered reading; returns it with its size and times.

    Raises ``UserError``: file_missing(path), is_a_folder(path), not_a_file(path) for a pipe, a socket or a device,
    file_unreadable(path, detail).
    """
    try:
        # Looked at before it is opened: opening a pipe that nobody writes to waits for ever.
        _refuse_all_but_regular(path, path.stat())
        file = path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise reading_error(path, error) from error
    try:
        status = os.fstat(file.fileno())
        _refuse_all_but_regular(path, status)
    except BaseException:
        file.close()
        raise
    return file, status


def is_file(path: Path) -> bool:
    """Whether a regular file is there, as far as can be seen: false where we may not look, or no name could be so."""
    # Path.is_file raises on Python 3.11 to 3.13 for a folder that is closed to us and for a name that is too long.
    return os.path.isfile(path)  # noqa: PTH113


def reading_error(path: Path, error: OSError | ValueError) -> UserError:
    """The ``UserError`` for what the system said about reading ``path``."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        # ValueError: a name that no file can have, such as one with a zero byte in it.
        return UserError("file_missing", path=path)
    if isinstance(error, IsADirectoryError):
        return UserError("is_a_folder", path=path)
    return UserError("file_unreadable", path=path, detail=error.strerror or type(error).__name__)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: after a crash it holds the old content or the new, nothing between.

    Raises ``OSError`` when the folder cannot be written; then nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        move_over(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def _refuse_all_but_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UserError("is_a_folder", path=path)
    if not stat.S_ISREG(status.st_mode):
        raise UserError("not_a_file", path=path)


def move_over(new: Path, path: Path) -> None:
    """Put ``new`` in the place of ``path`` in one step, so that it is there after a power cut too.  Raises OSError."""
    _replace(new, path)
    if sys.platform == "win32":
        return
    # The file itself is safe by now; some file systems do not sync folders and say so.
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(new: Path, path: Path) -> None:
    for _ in range(_REPLACE_TRIES):
        try:
            new.replace(path)
        except PermissionError:
            # Windows refuses while anybody has the old file open, be it another reader for a moment or a virus scanner.
            if sys.platform != "win32":
                raise
            time.sleep(_REPLACE_PAUSE_S)
        else:
            return
    new.replace(path)
