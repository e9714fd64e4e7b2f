"""Drafts of imported conversations, and the tree of messages that is made of one.

The ids are derived from those of the other program, so that the same conversation has the same ids at each import.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.bounds import MAX_TITLE_CHARACTERS, within_bounds
from app.conversation import (
    THOUGHT_CLOSE,
    THOUGHT_OPEN,
    Attachment,
    Conversation,
    ConversationTree,
    Folder,
    Message,
    Provenance,
    Role,
    Status,
)
from app.imports.notes import Notes, joined
from app.store.records import clean_text

_NAMESPACE = uuid.UUID("6f0a4ad1-6a8b-5a0e-9d0f-1f8f6d1c2b7e")
_TITLE_CHARACTERS = 60
_MAX_SOURCE_FIELDS, _MAX_SOURCE_CHARACTERS = 50, 1000


@dataclass
class DraftMessage:
    """A message of another program."""

    id: str
    parent: str | None
    """A missing one makes this the first message of a branch."""
    role: Role | None
    """None for a message that isn't shown: those below it follow its parent."""
    text: str = ""
    thought: str = ""
    time: datetime | None = None
    model: str = ""
    attachments: tuple[Attachment, ...] = ()
    status: Status = Status.COMPLETE
    continues: bool = False
    """Belongs to the answer above it, as what follows a tool call."""


@dataclass
class Draft:
    """A conversation of another program."""

    id: str
    """Unique within the program; the same at each export."""
    title: str
    messages: Sequence[DraftMessage]
    leaf: str | None = None
    """Last message of the selected branch; None for the last message."""
    created: datetime | None = None
    updated: datetime | None = None
    system_prompt: str = ""
    is_pinned: bool = False
    archived: datetime | None = None
    folder: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    """Further fields of the program; simple ones are kept as text."""


@dataclass
class _Answer:
    """An answer that is put together from the messages of a run."""

    first: DraftMessage
    id: str
    parent: str | None
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    model: str = ""
    status: Status = Status.COMPLETE

    def add(self, message: DraftMessage) -> None:
        self.texts.append(message.text)
        self.thoughts.append(message.thought)
        self.model, self.status = message.model or self.model, message.status

    def content(self) -> str:
        thought, text = joined(*self.thoughts).strip(), joined(*self.texts)
        if not thought:
            return text
        # A thought that contains the closing tag would end there.
        return f"{THOUGHT_OPEN}\n{thought.replace(THOUGHT_CLOSE, '')}\n{THOUGHT_CLOSE}\n\n{text}"


def chained(messages: Iterable[DraftMessage]) -> list[DraftMessage]:
    """Give each message the one before it as parent, and an id made of all texts down to it.

    For programs without ids: a changed message becomes a version beside the old one.
    """
    found: list[DraftMessage] = []
    for message in messages:
        message.parent = found[-1].id if found else None
        message.id = content_id(message.parent, message)
        found.append(message)
    return found


def in_sequence(messages: Sequence[DraftMessage]) -> list[DraftMessage]:
    """Give each message the one before it as parent; a duplicate id is changed."""
    known: dict[str, DraftMessage] = {}
    previous: str | None = None
    for message in messages:
        if message.id in known:
            message.id = f"{message.id}\0{len(known)}"
        message.parent, previous = previous, message.id
        known[message.id] = message
    return list(known.values())


def content_id(parent: str | None, message: DraftMessage) -> str:
    """Return an id made of a message and its parent's id."""
    return str(_derived(_NAMESPACE, parent or "", str(message.role), message.thought, message.text))


def build(program: str, label: str, draft: Draft, fallback: datetime, notes: Notes) -> ConversationTree | None:
    """Return the conversation; None without any message.

    Missing parents, duplicate ids and circular parents are tolerated.  ``fallback`` is the time where none is known.
    """
    conversation_id = _derived(_NAMESPACE, program, draft.id)
    start = draft.created or draft.updated or fallback
    builder = _TreeBuilder(label, conversation_id, start, notes)
    builder.add_all(draft.messages)
    messages = builder.messages
    if not messages:
        return None
    leaf_id = builder.found(draft.leaf) or messages[-1].id
    latest = max(each.created_at for each in messages)
    models = {each.id: each.provenance.model_id for each in messages if each.provenance is not None}
    title = " ".join(draft.title.split())
    folders = _folders(program, draft.folder)
    conversation = Conversation(
        id=str(conversation_id),
        folder_id=folders[-1].id if folders else None,
        title=title or _first_line(messages),
        created_at=start,
        updated_at=draft.updated or latest,
        system_prompt=draft.system_prompt,
        leaf_id=leaf_id,
        message_count=sum(each.role is not Role.SYSTEM for each in messages),
        is_pinned=draft.is_pinned and draft.archived is None,
        archived_at=draft.archived,
        title_is_chosen=bool(title),
        source=_source(program, draft, next(reversed(models.values()), "")),
    )
    return ConversationTree(within_bounds(conversation), tuple(map(within_bounds, messages)), folders)


class _TreeBuilder:
    def __init__(self, label: str, conversation_id: uuid.UUID, start: datetime, notes: Notes) -> None:
        self._notes = notes
        self._label, self._conversation_id, self._start = label, conversation_id, start
        self.messages: list[Message] = []
        self._times: dict[str, datetime] = {}
        self._ids: dict[str, str | None] = {}
        """Ids of our messages by those of the draft's; None where the text is not in any."""
        self._above: dict[str, str | None] = {}
        """Parents of messages without content, which are left out."""

    def found(self, draft_id: str | None) -> str | None:
        """Return our id of a message of the draft, or of the nearest one above it."""
        return self._existing(self._ids.get(draft_id or ""))

    def add_all(self, drafts: Iterable[DraftMessage]) -> None:
        """Add the messages, parents before their children, versions in the order of their times."""
        known: dict[str, DraftMessage] = {}
        for draft in drafts:
            if draft.id in known:
                draft.id = f"{draft.id}\0{len(known)}"
            known[draft.id] = draft
        children: dict[str | None, list[DraftMessage]] = defaultdict(list)
        for draft in known.values():
            children[draft.parent if draft.parent in known else None].append(draft)
        for family in children.values():
            if all(each.time is not None for each in family):
                family.sort(key=lambda each: each.time or self._start)
        # After the roots, whatever remains is in circles of parents, each of which is opened at its first message.
        for root in (*children[None], *known.values()):
            waiting: list[tuple[DraftMessage, str | None, _Answer | None]] = [(root, None, None)]
            while waiting:
                draft, parent, answer = waiting.pop()
                if draft.id in self._ids:
                    continue
                parent, answer = self._add(draft, parent, answer)
                below = [each for each in children[draft.id] if each.id not in self._ids]
                if answer is not None and len(below) != 1:
                    parent, answer = self._finish(answer), None
                waiting += [(each, parent, answer) for each in reversed(below)]

    def _add(
        self, draft: DraftMessage, parent: str | None, answer: _Answer | None
    ) -> tuple[str | None, _Answer | None]:
        """Add a message, and return the parent of the next one and the answer that the next one may continue."""
        if draft.role is None or (answer is not None and draft.role is Role.ASSISTANT and draft.continues):
            self._ids[draft.id] = parent if answer is None else answer.id
            if draft.role is not None and answer is not None:
                answer.add(draft)
            return parent, answer
        if answer is not None:
            parent = self._finish(answer)
        id_ = str(_derived(self._conversation_id, draft.id))
        self._ids[draft.id] = id_
        new = _Answer(draft, id_, parent)
        new.add(draft)
        self._times[id_] = draft.time or self._times.get(parent or "", self._start)
        return (parent, new) if draft.role is Role.ASSISTANT else (self._finish(new), None)

    def _finish(self, answer: _Answer) -> str | None:
        """Add the message of an answer or a question, and return the parent of what follows it."""
        draft, content = answer.first, self._notes.translated(answer.content())
        parent = self._existing(answer.parent)
        if not content.strip() and not draft.attachments:
            self._above[answer.id] = parent
            return parent
        assert draft.role is not None
        self.messages.append(
            Message(
                id=answer.id,
                conversation_id=str(self._conversation_id),
                parent_id=parent,
                role=draft.role,
                status=answer.status,
                content=content,
                created_at=self._times[answer.id],
                provenance=_provenance(answer.model, self._label) if draft.role is Role.ASSISTANT else None,
                attachments=draft.attachments,
            )
        )
        return answer.id

    def _existing(self, id_: str | None) -> str | None:
        while id_ in self._above:
            id_ = self._above[id_]
        return id_


def _folders(program: str, name: str) -> tuple[Folder, ...]:
    """Return the folder of a conversation, in LM Studio below the one that contains it."""
    name = clean_text(" ".join(name.split()))
    names = name.split("/", 1) if program == "lmstudio" else [name]
    folders: list[Folder] = []
    for number, each in enumerate(filter(None, names)):
        id_ = str(_derived(_NAMESPACE, program, "folder", *names[: number + 1]))
        folders.append(Folder(id_, each[:MAX_TITLE_CHARACTERS], folders[0].id if folders else None))
    return tuple(folders)


def _derived(namespace: uuid.UUID, *names: str) -> uuid.UUID:
    return uuid.uuid5(namespace, clean_text("\0".join(names)))


def _provenance(model: str, label: str) -> Provenance | None:
    if not model:
        return None
    return Provenance(
        model_id=clean_text(model),
        sampling=None,
        seed=None,
        prompt_tokens=0,
        completion_tokens=0,
        finish_reason="",
        program=label,
    )


def _first_line(messages: Sequence[Message]) -> str:
    text = next((each.content for each in messages if each.role is Role.USER), "")
    line = " ".join(text[: 10 * _TITLE_CHARACTERS].split())
    return line if len(line) <= _TITLE_CHARACTERS else line[: _TITLE_CHARACTERS - 1].rstrip() + "…"


def _source(program: str, draft: Draft, model: str) -> dict[str, str]:
    known = {"program": program, "id": draft.id, "folder": draft.folder, "model": model}
    values = {**dict(list(draft.source.items())[:_MAX_SOURCE_FIELDS]), **known}
    texts = {key: _source_text(value) for key, value in values.items()}
    return {clean_text(key[:100]): clean_text(value) for key, value in texts.items() if value}


def _source_text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return str(value)[:_MAX_SOURCE_CHARACTERS]
    return ""
