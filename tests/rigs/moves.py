"""Helpers for tests of moved folders: a second simulated disk and the content of a folder."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path


def other_disk(source: Path, target: Path) -> None:
    """``os.rename`` that fails as between two disks."""
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))


def content_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.suffix not in {".lock", ".new"}
    }
