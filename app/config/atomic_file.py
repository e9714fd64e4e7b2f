"""Files saved whole or not at all: written beside their place, synced, then moved there in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_manager.disk.files import move_over
from model_manager.errors import UserError

_NO_SPACE = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def is_disk_full(error: OSError) -> bool:
    """Whether the system refused for want of space, or of the person's share of it."""
    return error.errno in _NO_SPACE


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about ``path`` into something that can be worded.

    Raises:
        UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
    """
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise UserError("disk_full", path=path) from error
        raise UserError("file_not_writable", path=path, detail=error.strerror or str(error)) from error


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield the path of a new, empty file that takes the place of ``path`` when the block ends without an exception.

    Until then ``path`` is as it was, and after an exception it still is.  A link is followed; permissions of a file
    that is replaced are kept.  ``private`` lets nobody but the owner read it.

    Raises:
        UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
    """
    with file_errors(path):
        target = Path(os.path.realpath(path))
        temporary = target.with_name(f".{uuid.uuid4().hex}.part")
        # Created by hand, not by tempfile: the system then applies the person's umask.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
    try:
        yield temporary
        with file_errors(path):
            if target.exists() and not private:
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            move_over(temporary, target)
    finally:
        # Gone already where all went well; where the disk is in trouble its own error matters more than this one.
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write ``content`` to ``path``, whole or not at all.  ``private`` lets nobody but the owner read it.

    Raises:
        UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
    """
    with replacing(path, private=private) as temporary, file_errors(path):
        temporary.write_bytes(content)


def make_folder(path: Path) -> None:
    """Make ``path`` and the folders above it where they are missing.

    Raises:
        UserError: ``disk_full`` (path) or ``file_not_writable`` (path, detail).
    """
    with file_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def set_aside(path: Path) -> Path | None:
    """Give a file that cannot be understood another name beside its own, so that nothing writes over it.

    None where the system does not let it be renamed.
    """
    for number in range(1000):
        aside = path.with_name(f"{path.name}.damaged{f'-{number}' if number else ''}")
        if not aside.exists():
            with contextlib.suppress(OSError):
                path.rename(aside)
                return aside
            return None
    return None
