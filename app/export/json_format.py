"""Conversations as JSON: everything that is stored.  ``app.imports.apus`` reads it again.

One object: ``format`` and ``version``, and ``conversations`` with all their ``messages``, parents before their
children.  Version 2 added pins, attachments, and sampling and context policy of a conversation; version 3 the source of
an imported conversation, and answers whose sampling is not known; version 4 summaries;
version 5 pictures, whose data is base64.
Before the conversations there can be ``folders``, each with its ``documents`` and before those in it;
``folder_id`` of a conversation refers to them, and ``preset_id`` of a folder to the ``presets`` before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from app.conversation import Attachment, Conversation, ConversationTree, Message
from app.export.formats import ExportFormat, ExportOptions
from app.store.records import column_value
from app.translation import QT_TRANSLATE_NOOP
from model_manager.disk.json_file import to_json

FORMAT_NAME = "apus-chat-conversations"
FORMAT_VERSION = 5
CONVERSATIONS = "conversations"
"""Key of the list."""
FIELDS = {"pinned": "is_pinned", "made_by": "provenance"}
"""Fields by their keys, where these differ."""
FOLDERS, PRESETS = "folders", "presets"
"""Keys of the folders and of their presets."""
_NOT_EXPORTED = ("conversation_id", "message_count", "deleted_at")
_ATTACHMENT_KEYS = ("name", "tokens", "content")


def _keys(type_: type[Conversation | Message]) -> tuple[str, ...]:
    keys = {field: key for key, field in FIELDS.items()}
    return tuple(keys.get(each.name, each.name) for each in fields(type_) if each.name not in _NOT_EXPORTED)


CONVERSATION_KEYS, MESSAGE_KEYS = _keys(Conversation), _keys(Message)


def _parts(trees: Iterable[ConversationTree], options: ExportOptions) -> Iterator[bytes]:
    """Yield the parts of a document.  Times are ISO 8601 in UTC.

    Lossless regardless of the options, so that an import restores everything.
    """
    yield f'{{\n  "format": "{FORMAT_NAME}",\n  "version": {FORMAT_VERSION},\n'.encode()
    if options.presets:
        yield f'  "{PRESETS}": '.encode() + _indented(options.presets, 2) + b",\n"
    if options.folders:
        folders = [{**vars(each.folder), "documents": _documents(each.documents)} for each in options.folders]
        yield f'  "{FOLDERS}": '.encode() + _indented(folders, 2) + b",\n"
    yield f'  "{CONVERSATIONS}": ['.encode()
    separator = b"\n    "
    for tree in trees:
        conversation = _indented({**_as_json(tree.conversation, CONVERSATION_KEYS), "messages": []}, 4)
        head, _, end = conversation.rpartition(b"]")
        yield separator + head
        # One at a time, because the text of a long conversation would take several times the memory of the messages.
        for number, message in enumerate(tree.messages):
            yield (b",\n        " if number else b"\n        ") + _indented(_as_json(message, MESSAGE_KEYS), 8)
        yield (b"\n      ]" if tree.messages else b"]") + end
        separator = b",\n    "
    yield b"\n  ]\n}\n"


def _indented(value: object, indent: int) -> bytes:
    # A line break inside a string is escaped.
    return to_json(value, indent=2).replace(b"\n", b"\n" + b" " * indent)


JSON = ExportFormat(
    "json",
    QT_TRANSLATE_NOOP("export", "JSON"),
    QT_TRANSLATE_NOOP("export", "Whole conversations with all branches; can be imported again."),
    _parts,
    many_in_one_file=True,
    needs_history=True,
    is_lossless=True,
)


def _as_json(value: Conversation | Message, keys: Sequence[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key in keys:
        field = getattr(value, FIELDS.get(key, key))
        if isinstance(field, datetime):
            field = column_value(field)
        elif key == "attachments":
            field = _documents(field)
        plain[key] = field
    return plain


def _documents(attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    return [
        {name: getattr(each, name) for name in _ATTACHMENT_KEYS}
        | ({"picture": vars(each.picture)} if each.picture is not None else {})
        for each in attachments
    ]
