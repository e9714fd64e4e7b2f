"""The journal of a move of the models folder: from where, to where, what was copied, and whether it is committed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import write_atomically
from model_manager.disk.verified_copy import Copied

JOURNAL_NAME = ".models-move.json"
FORMAT = 1


@dataclass(frozen=True)
class MoveJournal:
    """``copied``: finished copies by their names, relative to both folders."""

    source: Path
    target: Path
    committed: bool
    copied: Mapping[str, Copied]


def read_move(folder: Path) -> MoveJournal | None:
    """The journal in a folder; None where there is none or it cannot be read."""
    try:
        stored = json.loads((folder / JOURNAL_NAME).read_bytes())
        if stored["format"] != FORMAT:
            return None
        return MoveJournal(
            source=Path(stored["source"]),
            target=Path(stored["target"]),
            committed=bool(stored["committed"]),
            copied={
                str(each["name"]): Copied(int(each["bytes"]), int(each["mtime_ns"]), int(each["crc32"]))
                for each in stored["copied"]
            },
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_move(folder: Path, journal: MoveJournal) -> None:
    """Keep the journal.  Raises ``UserError`` as ``disk_error``."""
    stored = {
        "format": FORMAT,
        "source": str(journal.source),
        "target": str(journal.target),
        "committed": journal.committed,
        "copied": [{"name": name, **vars(copied)} for name, copied in journal.copied.items()],
    }
    write_atomically(folder / JOURNAL_NAME, json.dumps(stored).encode())


def remove_move(folder: Path) -> None:
    """Forget the move, where the folder is there."""
    with suppress(OSError):
        (folder / JOURNAL_NAME).unlink(missing_ok=True)


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths name one place, by their spelling alone: either may be gone."""
    return os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))  # noqa: PTH100
