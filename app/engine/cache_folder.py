"""Folder of the conversation cache: one file for each conversation, with the state of the engine after its last answer.

The engine child writes and reads the files (``app.engine.child.conversation_cache``); here they are named, counted and
deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import disk_errors

SUFFIX, PARTIAL = ".state", ".partial"


@dataclass(frozen=True)
class CacheUsage:
    """Number of conversations whose state is on the disk, and the bytes of their files."""

    conversations: int
    n_bytes: int


class CacheFolder:
    """Any process may use the folder at any time: files appear complete, and a missing one costs reading again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, conversation_id: str) -> Path:
        """Return the path for a conversation; the id may come from an imported file."""
        return self.path / (hashlib.blake2b(conversation_id.encode(), digest_size=16).hexdigest() + SUFFIX)

    def files(self) -> list[Path]:
        """Return the complete files.  Raises ``UserError`` as ``disk_error``."""
        with disk_errors(self.path):
            return list(self.path.glob(f"*{SUFFIX}"))

    def usage(self) -> CacheUsage:
        """Return what the files take.  Raises ``UserError`` as ``disk_error``."""
        sizes = []
        for path in self.files():
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                continue
        return CacheUsage(len(sizes), sum(sizes))

    def delete(self, conversation_ids: Iterable[str] | None = None, *, all_but: Iterable[str] = ()) -> None:
        """Delete the states of these conversations; without them, of all but some.

        Raises ``UserError`` as ``disk_error``.
        """
        kept = {self.file(each) for each in all_but}
        if conversation_ids is not None:
            paths = list(map(self.file, conversation_ids))
        else:
            paths = self.files() if kept else [*self.files(), *self.path.glob(f"*{PARTIAL}")]
        for path in paths:
            with disk_errors(path):
                if path not in kept:
                    path.unlink(missing_ok=True)
