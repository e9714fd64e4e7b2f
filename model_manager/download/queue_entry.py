"""What the queue of downloads shows of each, and which of them it finds again after a restart."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_manager.disk.files import write_atomically
from model_manager.errors import UserError

DownloadState = Literal[
    "queued", "preparing", "downloading", "waiting", "verifying", "paused", "failed", "done", "cancelled"
]

ACTIVE: frozenset[DownloadState] = frozenset({"queued", "preparing", "downloading", "waiting", "verifying"})
"""States that change by themselves."""
FORMAT = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DownloadStatus:
    """One download.  Bytes of the published files; ``bytes_total`` is 0 until the hub told.

    ``problem`` says why it waits or failed; ``retry_in_s`` when it goes on by itself; ``paths`` what a finished one
    made, the file that stands for the model first.  ``bytes_uploaded`` is what a magnet link gave to others.
    """

    id: str
    state: DownloadState
    bytes_done: int = 0
    bytes_total: int = 0
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    problem: UserError | None = None
    retry_in_s: float | None = None
    paths: tuple[Path, ...] = ()
    bytes_uploaded: int = 0


def read_list(folder: Path) -> dict[str, bool]:
    """Ids in their order, each with whether it rests until a person says so; empty where there is no queue."""
    try:
        stored = json.loads((folder / "downloads.json").read_bytes())
        return {str(model_id): bool(rests) for model_id, rests in stored["downloads"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def keep_list(folder: Path, rests: dict[str, bool]) -> None:
    """Write the list, where it says something else by now; a folder that cannot be written loses only the order."""
    if rests == read_list(folder) and list(rests) == list(read_list(folder)):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"format": FORMAT, "downloads": rests}).encode()
        write_atomically(folder / "downloads.json", content)
    except (OSError, UserError) as error:
        # The journals beside the files still tell what was under way.
        _log.warning("the queue of downloads cannot be kept: %s", error)
