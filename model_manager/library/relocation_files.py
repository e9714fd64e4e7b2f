"""What moves with the models folder: which files, how large, and which of them have been copied.

Names are relative to the folder, with slashes.  ``moving`` does the work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from model_manager.library.relocation_journal import MoveJournal

QUEUE = "downloads.json"
"""The queue of downloads (``downloads``), which lies in the models folder."""

_COPY = ".moving"


def needed_bytes(path: Path) -> int:
    """Bytes that a copy takes; of a partial download what it will take, for its room is spoken for."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    blocks = getattr(status, "st_blocks", None)
    if blocks is None or path.name.endswith(".part"):
        return status.st_size
    return min(status.st_size, int(blocks) * 512)


def moved_names(folder: Path) -> list[str]:
    """What moves, relative to the folder, in the order of the names.  Links to folders are not followed."""

    def found() -> Iterator[str]:
        for place, folders, files in os.walk(folder):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for name in files:
                path = Path(place, name)
                if _belongs(name) or (name == QUEUE and path.parent == folder):
                    yield path.relative_to(folder).as_posix()

    return sorted(found())


def still_to_copy(journal: MoveJournal) -> list[str]:
    """What is still to be copied."""
    return [
        name
        for name in moved_names(journal.source)
        if not is_copied(journal, name) and not os.path.lexists(journal.target / name)
    ]


def is_copied(journal: MoveJournal, name: str) -> bool:
    """Whether there is a finished copy of the file as it is now."""
    copied = journal.copied.get(name)
    if copied is None or stamp_of(journal.source / name) != (copied.bytes, copied.mtime_ns):
        return False
    copy = copy_of(journal.target / name)
    return copy.is_symlink() or size_of(copy) == copied.bytes


def copy_of(path: Path) -> Path:
    """What a file in the new folder is called until the move is committed."""
    return path.with_name(f"{path.name}{_COPY}")


def stamp_of(path: Path) -> tuple[int, int]:
    """Size in bytes (-1 where there is no file) and time of change in nanoseconds, of a link itself."""
    try:
        status = path.lstat()
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns


def size_of(path: Path) -> int:
    """Size in bytes, 0 where there is no file."""
    return max(0, stamp_of(path)[0])


def _belongs(name: str) -> bool:
    return ".gguf" in name.casefold() and not name.startswith(".") and not name.endswith((_COPY, ".lock"))
