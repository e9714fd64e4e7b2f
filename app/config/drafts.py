"""Unsent messages of all conversations, saved in one JSON file."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from app.bounds import within_bounds
from app.conversation import Attachment
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError

NEW = ""
"""Key of the conversation that has not begun."""


@dataclass(frozen=True)
class Draft:
    """Content of the composer."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    instead_of: str | None = None
    """Id of the earlier question that is being edited."""
    before: Draft | None = None
    """Content before the editing began, which returns after it."""

    queue: tuple[Draft, ...] = ()
    """Questions that wait for the end of the running answer, each without a queue."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing worth saving."""
        return not (self.text.strip() or self.attachments or self.instead_of or self.queue)

    def after(self) -> Draft:
        """Return the content after this draft was sent or discarded."""
        return replace(self.before or Draft(), queue=self.queue)


class Drafts:
    """All drafts and their file.  Thread-safe: ``put`` is called on every keystroke, ``save`` in the background."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, _StoredDrafts, _StoredDrafts({}), private=True)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._drafts = {id_: _usable(draft) for id_, draft in self._file.read().drafts.items()}
        self._written = dict(self._drafts)

    @property
    def problem(self) -> UserError | None:
        """Why the file could not be read, if so."""
        return self._file.problem

    def get(self, conversation_id: str | None) -> Draft:
        """Return the draft of a conversation; None for the one that has not begun."""
        with self._lock:
            return self._drafts.get(conversation_id or NEW, Draft())

    def put(self, conversation_id: str | None, draft: Draft) -> bool:
        """Replace a draft, and return whether there are unsaved changes."""
        with self._lock:
            if draft.is_empty:
                self._drafts.pop(conversation_id or NEW, None)
            else:
                self._drafts[conversation_id or NEW] = draft
            return self._drafts != self._written

    def conversation_ids(self) -> frozenset[str]:
        """Return the ids of the conversations that have a draft, except for a new one."""
        with self._lock:
            return frozenset(self._drafts.keys() - {NEW})

    def keep_only(self, conversation_ids: Collection[str]) -> None:
        """Drop the drafts of all other conversations."""
        with self._lock:
            self._drafts = {id_: draft for id_, draft in self._drafts.items() if id_ in (NEW, *conversation_ids)}

    def erase(self) -> None:
        """Delete all drafts.  Raises as ``save``."""
        with self._lock:
            self._drafts = {}
        self.save()

    def save(self) -> None:
        """Write the file if drafts changed since the last time.

        Raises:
            UserError: as ``JsonFile.write``; the drafts remain in memory.
        """
        with self._writing:
            with self._lock:
                drafts = dict(self._drafts)
            if drafts != self._written:
                self._file.write(_StoredDrafts(drafts))
                self._written = drafts


def _usable(draft: Draft) -> Draft:
    """Return a draft with numbers within their bounds."""
    before = draft.before and _usable(replace(draft.before, before=None, queue=()))
    queue = tuple(_usable(replace(each, before=None, queue=())) for each in draft.queue)
    return replace(draft, attachments=tuple(map(within_bounds, draft.attachments)), before=before, queue=queue)


@dataclass(frozen=True)
class _StoredDrafts:
    drafts: dict[str, Draft]
    version: int = 1
