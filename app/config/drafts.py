"""What was written and not sent yet, for each conversation, in one JSON file: it outlives the program.

A draft is taken at every key and written now and then: ``save`` may be called from another thread.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.conversation import Attachment
from model_manager.disk.files import set_aside, write_atomically

VERSION = 1
NEW = ""
"""The key of the conversation that has not begun."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """What stands in the composer."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    instead_of: str | None = None
    """Id of the earlier question that is being edited."""
    before: Draft | None = None
    """What stood there before the editing began, and will again."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be lost with it."""
        return not (self.text.strip() or self.attachments or self.instead_of)

    def after(self) -> Draft:
        """What stands there once this is sent or given up."""
        return self.before or Draft()


class Drafts:
    """All drafts and the file they are kept in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._drafts: dict[str, Draft] = self._read()
        self._written = dict(self._drafts)

    def of(self, conversation_id: str | None) -> Draft:
        """The draft of a conversation; None is the one that has not begun."""
        with self._lock:
            return self._drafts.get(conversation_id or NEW, Draft())

    def put(self, conversation_id: str | None, draft: Draft) -> bool:
        """Take a draft, and tell whether there is something to save now."""
        with self._lock:
            if draft.is_empty:
                self._drafts.pop(conversation_id or NEW, None)
            else:
                self._drafts[conversation_id or NEW] = draft
            return self._drafts != self._written

    def has_any(self) -> bool:
        """Whether any conversation that has begun has a draft."""
        with self._lock:
            return bool(self._drafts.keys() - {NEW})

    def keep_only(self, conversation_ids: Collection[str]) -> None:
        """Forget the drafts of conversations that are gone for good."""
        with self._lock:
            self._drafts = {id_: draft for id_, draft in self._drafts.items() if id_ in (NEW, *conversation_ids)}

    def erase(self) -> None:
        """Forget all of them.  Raises as ``save``."""
        with self._lock:
            self._drafts = {}
        self.save()

    def save(self) -> None:
        """Write them where something changed since the last time.

        Raises:
            UserError: ``disk_full`` or ``file_not_writable``; the drafts are still there until the program ends.
        """
        with self._writing:
            with self._lock:
                drafts = dict(self._drafts)
            if drafts == self._written:
                return
            content = {"version": VERSION, "drafts": {id_: _to_json(draft) for id_, draft in drafts.items()}}
            write_atomically(
                self._path, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"), private=True
            )
            self._written = drafts

    def _read(self) -> dict[str, Draft]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            logger.warning("drafts not readable: %s", error)
            return {}
        try:
            return {str(id_): _from_json(entry) for id_, entry in json.loads(text)["drafts"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("drafts not readable: %s", error)
            set_aside(self._path)
            return {}


def _to_json(draft: Draft) -> dict[str, Any]:
    return {
        "text": draft.text,
        "attachments": [
            {"name": each.name, "content": each.content, "tokens": each.tokens} for each in draft.attachments
        ],
        "instead_of": draft.instead_of,
        "before": _to_json(draft.before) if draft.before else None,
    }


def _from_json(entry: dict[str, Any]) -> Draft:
    return Draft(
        text=str(entry["text"]),
        attachments=tuple(
            Attachment(str(each["name"]), str(each["content"]), int(each["tokens"]) if each["tokens"] else None)
            for each in entry["attachments"]
        ),
        instead_of=str(entry["instead_of"]) if entry["instead_of"] else None,
        before=_from_json(entry["before"]) if entry["before"] else None,
    )
