"""Conversations as JSON: everything that is stored, in a form that can be imported again.

One object: ``format`` and ``version``, and ``conversations`` with all their ``messages``, parents before their
children.  Version 2 added pins, attachments, and sampling and context policy of a conversation.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.conversation import Attachment, ContextPolicy, Conversation, MadeBy, Message, Role, Sampling, Status
from app.export.formats import Format, Options
from app.store.conversation_trees import ConversationTree, Refused
from app.store.records import clean_text, column_value
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import JsonError, from_plain, to_json
from model_manager.errors import UserError

FORMAT_NAME = "apus-chat-conversations"
FORMAT_VERSION = 2
_DEEPEST = 50
"""Levels of nested lists and objects in a conversation."""


def document(trees: Iterable[ConversationTree]) -> dict[str, Any]:
    """Return the document for ``to_json``."""
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "conversations": [
            {**conversation_to_json(tree.conversation), "messages": [message_to_json(each) for each in tree.messages]}
            for tree in trees
        ],
    }


def conversation_to_json(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation without its messages.  Times are ISO 8601 in UTC."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": column_value(conversation.created_at),
        "updated_at": column_value(conversation.updated_at),
        "system_prompt": conversation.system_prompt,
        "model_id": conversation.model_id,
        "leaf_id": conversation.leaf_id,
        "pinned": conversation.is_pinned,
        "archived_at": column_value(conversation.archived_at),
        "title_is_chosen": conversation.title_is_chosen,
        "sampling": conversation.sampling,
        "context_policy": conversation.context_policy,
    }


def message_to_json(message: Message) -> dict[str, Any]:
    """Return one message.  Times are ISO 8601 in UTC."""
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "status": message.status,
        "content": message.content,
        "created_at": column_value(message.created_at),
        "made_by": message.made_by,
        "error": message.error,
        "pinned": message.is_pinned,
        "attachments": [
            {"name": each.name, "tokens": each.tokens, "content": each.content} for each in message.attachments
        ],
    }


def check_head(head: object) -> None:
    """Check format and version of a document.

    Raises:
        JsonError: it is not an export of this program.
        UserError: ``import_newer`` (version, known).
    """
    stored = from_plain(head, _Head)
    if stored.format != FORMAT_NAME:
        raise JsonError("unknown format - at `$.format`")
    if stored.version > FORMAT_VERSION:
        raise UserError("import_newer", version=stored.version, known=FORMAT_VERSION)


def tree_of(values: object, number: int) -> ConversationTree | Refused:
    """Return the conversation with this number in a document, or why it is refused: ``import_unfit`` (detail)."""
    place = f"conversations[{number}]"
    try:
        return _tree(values)
    except JsonError as error:
        title = values.get("title") if isinstance(values, dict) else None
        what = clean_text(title) if isinstance(title, str) and title.strip() else place
        detail = f"{place}.{error.place}" if error.place else place
        return Refused(what, UserError("import_unfit", detail=detail))


def _write(trees: Sequence[ConversationTree], _options: Options) -> bytes:
    # Lossless regardless of the options, so that an import restores everything.
    return to_json(document(trees), indent=2) + b"\n"


JSON = Format(
    "json",
    QT_TRANSLATE_NOOP("export", "JSON"),
    QT_TRANSLATE_NOOP("export", "Everything, including all branches; can be imported again."),
    _write,
    many_in_one_file=True,
    needs_history=True,
    is_lossless=True,
)


@dataclass(frozen=True)
class _Head:
    format: str
    version: int


@dataclass(frozen=True)
class _StoredMessage:
    id: str
    parent_id: str | None
    role: Role
    status: Status
    content: str
    created_at: datetime
    made_by: MadeBy | None = None
    error: dict[str, Any] | None = None
    pinned: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class _StoredConversation:
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    system_prompt: str
    messages: tuple[_StoredMessage, ...]
    model_id: str | None = None
    leaf_id: str | None = None
    pinned: bool = False
    archived_at: datetime | None = None
    title_is_chosen: bool | None = None
    """Missing in version 1, where any title may be the user's."""
    sampling: Sampling | None = None
    context_policy: ContextPolicy | None = None


def _tree(values: object) -> ConversationTree:
    _refuse_deep(values)
    stored = from_plain(values, _StoredConversation)
    messages: dict[str, Message] = {}
    for number, each in enumerate(stored.messages):
        place = f"messages[{number}]"
        if each.id in messages:
            raise JsonError(f"duplicate - at `$.{place}.id`")
        if each.parent_id is not None and each.parent_id not in messages:
            raise JsonError(f"no such message - at `$.{place}.parent_id`")
        messages[each.id] = Message(
            id=_uuid(each.id, f"{place}.id"),
            conversation_id=stored.id,
            parent_id=each.parent_id,
            role=each.role,
            status=each.status,
            content=each.content,
            created_at=_utc(each.created_at, f"{place}.created_at"),
            made_by=each.made_by,
            error=each.error,
            is_pinned=each.pinned,
            attachments=each.attachments,
        )
    if stored.leaf_id is not None and stored.leaf_id not in messages:
        raise JsonError("no such message - at `$.leaf_id`")
    conversation = Conversation(
        id=_uuid(stored.id, "id"),
        title=stored.title,
        created_at=_utc(stored.created_at, "created_at"),
        updated_at=_utc(stored.updated_at, "updated_at"),
        system_prompt=stored.system_prompt,
        model_id=stored.model_id,
        leaf_id=stored.leaf_id,
        message_count=sum(message.role is not Role.SYSTEM for message in messages.values()),
        is_pinned=stored.pinned,
        archived_at=None if stored.archived_at is None else _utc(stored.archived_at, "archived_at"),
        title_is_chosen=bool(stored.title) if stored.title_is_chosen is None else stored.title_is_chosen,
        sampling=stored.sampling,
        context_policy=stored.context_policy,
    )
    return ConversationTree(conversation, tuple(messages.values()))


def _uuid(text: str, place: str) -> str:
    try:
        is_canonical = str(uuid.UUID(text)) == text
    except ValueError:
        is_canonical = False
    if not is_canonical:
        raise JsonError(f"not a UUID - at `$.{place}`")
    return text


def _utc(time: datetime, place: str) -> datetime:
    try:
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except OverflowError:
        pass
    raise JsonError(f"not a time with a time zone - at `$.{place}`")


def _refuse_deep(values: object) -> None:
    level = [values]
    for _ in range(_DEEPEST):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise JsonError("nested too deeply")
