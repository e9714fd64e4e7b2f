"""Conversations as JSON: everything that is stored, in a form that can be read again.

One object: ``format`` and ``version`` say what it is, ``conversations`` holds each conversation with all its
``messages``, parents before their children.  Version 2 adds pins, attachments and what a conversation decides for
itself; what a file of version 1 does not say is as it always was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from app.conversation import Attachment, ContextPolicy, Conversation, Message, Role, Status
from app.export.formats import Format, Options
from app.messages.marking import QT_TRANSLATE_NOOP
from app.store.conversation_trees import ConversationTree, Refused
from app.store.fields import Fields, Unfit, clean_text, plain, time_to_text
from app.store.provenance import made_by_from_json, made_by_to_json, sampling_from_json, sampling_to_json
from model_manager.errors import UserError

FORMAT_NAME = "apus-chat-conversations"
FORMAT_VERSION = 2

_Choice = TypeVar("_Choice", bound=StrEnum)


def document(trees: Iterable[ConversationTree]) -> dict[str, Any]:
    """The conversations as plain JSON."""
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "conversations": [
            {**conversation_to_json(tree.conversation), "messages": [message_to_json(each) for each in tree.messages]}
            for tree in trees
        ],
    }


def conversation_to_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation without its messages.  Times are ISO 8601 in UTC."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": time_to_text(conversation.created_at),
        "updated_at": time_to_text(conversation.updated_at),
        "system_prompt": conversation.system_prompt,
        "model_id": conversation.model_id,
        "leaf_id": conversation.leaf_id,
        "pinned": conversation.is_pinned,
        "archived_at": None if conversation.archived_at is None else time_to_text(conversation.archived_at),
        "title_is_chosen": conversation.title_is_chosen,
        "sampling": None if conversation.sampling is None else sampling_to_json(conversation.sampling),
        "context_policy": conversation.context_policy,
    }


def message_to_json(message: Message) -> dict[str, Any]:
    """One message.  Times are ISO 8601 in UTC."""
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role.value,
        "status": message.status.value,
        "content": message.content,
        "created_at": time_to_text(message.created_at),
        "made_by": None if message.made_by is None else made_by_to_json(message.made_by),
        "error": None if message.error is None else plain(message.error),
        "pinned": message.is_pinned,
        "attachments": [
            {"name": each.name, "tokens": each.tokens, "content": each.content} for each in message.attachments
        ],
    }


def check_head(fields: Fields) -> None:
    """See that the document is one of ours, and not of a later program.

    Raises:
        Unfit: it is something else.
        UserError: ``import_newer`` (version, known).
    """
    if fields.text("format") != FORMAT_NAME:
        raise Unfit("format")
    version = fields.whole("version")
    if version > FORMAT_VERSION:
        raise UserError("import_newer", version=version, known=FORMAT_VERSION)


def tree_of(values: object, number: int) -> ConversationTree | Refused:
    """The conversation of this number in a document, or why it cannot be taken: ``import_unfit`` (detail)."""
    place = f"conversations[{number}]"
    try:
        return _tree(Fields(values, place))
    except Unfit as error:
        title = values.get("title") if isinstance(values, dict) else None
        what = clean_text(title) if isinstance(title, str) and title.strip() else place
        return Refused(what, UserError("import_unfit", detail=str(error)))


def _write(trees: Sequence[ConversationTree], _options: Options) -> bytes:
    # Lossless whatever the options say: a file without what made an answer could not be imported again as it was.
    return (json.dumps(document(trees), ensure_ascii=False, indent=2) + "\n").encode()


JSON = Format(
    "json",
    QT_TRANSLATE_NOOP("export", "JSON"),
    QT_TRANSLATE_NOOP("export", "Everything, including all branches; can be imported again."),
    _write,
    many_in_one_file=True,
    needs_history=True,
    is_lossless=True,
)


def _tree(fields: Fields) -> ConversationTree:
    conversation_id = fields.identifier("id")
    messages: dict[str, Message] = {}
    for number, each in enumerate(fields.list_of_anything("messages")):
        inner = Fields(each, f"{fields.place_of('messages')}[{number}]")
        message = _message(inner, conversation_id)
        if message.id in messages:
            raise Unfit(inner.place_of("id"))
        if message.parent_id is not None and message.parent_id not in messages:
            raise Unfit(inner.place_of("parent_id"))
        messages[message.id] = message
    leaf_id = fields.optional_identifier("leaf_id")
    if leaf_id is not None and leaf_id not in messages:
        raise Unfit(fields.place_of("leaf_id"))
    conversation = Conversation(
        id=conversation_id,
        title=fields.text("title"),
        created_at=fields.time("created_at"),
        updated_at=fields.time("updated_at"),
        system_prompt=fields.text("system_prompt"),
        model_id=fields.optional_text("model_id"),
        leaf_id=leaf_id,
        message_count=sum(message.role is not Role.SYSTEM for message in messages.values()),
        is_pinned=fields.truth("pinned"),
        archived_at=fields.optional_time("archived_at"),
        # Before version 2 nobody wrote down who chose the title; what may be a person's own stays.
        title_is_chosen=fields.truth("title_is_chosen")
        if fields.has("title_is_chosen")
        else bool(fields.text("title")),
        sampling=sampling_from_json(fields.fields("sampling")) if fields.has("sampling") else None,
        context_policy=_choice(fields, "context_policy", ContextPolicy) if fields.has("context_policy") else None,
    )
    return ConversationTree(conversation, tuple(messages.values()))


def _message(fields: Fields, conversation_id: str) -> Message:
    return Message(
        id=fields.identifier("id"),
        conversation_id=conversation_id,
        parent_id=fields.optional_identifier("parent_id"),
        role=_choice(fields, "role", Role),
        status=_choice(fields, "status", Status),
        content=fields.text("content"),
        created_at=fields.time("created_at"),
        made_by=None if fields.optional_mapping("made_by") is None else made_by_from_json(fields.fields("made_by")),
        error=fields.optional_mapping("error"),
        is_pinned=fields.truth("pinned"),
        attachments=tuple(
            _attachment(Fields(each, f"{fields.place_of('attachments')}[{number}]"))
            for number, each in enumerate(fields.list_of_anything("attachments") if fields.has("attachments") else [])
        ),
    )


def _attachment(fields: Fields) -> Attachment:
    return Attachment(fields.text("name"), fields.text("content"), fields.optional_whole("tokens"))


def _choice(fields: Fields, key: str, kind: type[_Choice]) -> _Choice:
    try:
        return kind(fields.text(key))
    except ValueError as error:
        raise Unfit(fields.place_of(key)) from error
