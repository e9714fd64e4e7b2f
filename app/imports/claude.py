"""Claude: ``conversations.json`` in the archive that "Export data" sends.

Anthropic publishes no schema; the layout is that of LibreChat's importer (api/server/utils/import) and of
byteowlz/hstry (adapters/claude-web), with the branches of newer exports (``parent_message_uuid``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.conversation import Attachment, Role
from app.imports.draft import Draft, DraftMessage
from app.imports.notes import Notes, joined
from app.imports.program import ImportedFile, each_object, program
from app.imports.values import mapping, mappings, sequence, text, time

_ROLES = {"human": Role.USER, "user": Role.USER, "assistant": Role.ASSISTANT}
_USED = ("uuid", "name", "chat_messages", "created_at", "updated_at", "account", "is_starred")


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return "chat_messages" in head


def _draft(values: dict[str, Any], file: ImportedFile) -> Draft | None:
    if not isinstance(values.get("chat_messages"), list):
        return None
    messages: list[DraftMessage] = []
    model = text(values.get("model"))
    for each in mappings(values["chat_messages"]):
        before = messages[-1].id if messages else None
        id_ = text(each.get("uuid")) or f"{before}/"
        parent = text(each.get("parent_message_uuid")) if "parent_message_uuid" in each else before
        messages.append(_message(each, id_, parent, model, file.notes))
    return Draft(
        id=text(values.get("uuid")) or (messages[0].id if messages else ""),
        title=text(values.get("name")),
        messages=messages,
        leaf=text(values.get("current_leaf_message_uuid")) or None,
        created=time(values.get("created_at")),
        updated=time(values.get("updated_at")),
        is_pinned=values.get("is_starred") is True,
        folder=text(mapping(values.get("project")).get("name")),
        source={key: value for key, value in values.items() if key not in _USED},
    )


def _message(values: Mapping[str, Any], id_: str, parent: str | None, model: str, notes: Notes) -> DraftMessage:
    role = _ROLES.get(text(values.get("sender")))
    thoughts, texts = [], []
    for block in mappings(values.get("content")):
        match block.get("type"):
            case "text":
                texts.append(text(block.get("text")))
            case "thinking":
                thoughts.append(text(block.get("thinking")))
            case "tool_use":
                texts.append(_tool_call(block, notes))
            case "tool_result":
                parts = [text(each.get("text")) for each in mappings(block.get("content"))]
                texts.append(notes.tool_result(block.get("name"), joined(*parts)))
            case "image":
                texts.append(notes.picture())
            case kind:
                texts.append(text(block.get("text")) or text(block.get(str(kind))))
    attached = [each for each in mappings(values.get("attachments")) if text(each.get("extracted_content"))]
    files = [*mappings(values.get("attachments")), *mappings(values.get("files"))]
    names = [each.get("file_name") or each.get("name") for each in files if each not in attached]
    return DraftMessage(
        id_,
        parent,
        role,
        joined(*map(notes.file, names), *(texts if any(texts) else [text(values.get("text"))])),
        joined(*thoughts),
        time(values.get("created_at")),
        model if role is Role.ASSISTANT else "",
        tuple(Attachment(text(each.get("file_name")), each["extracted_content"]) for each in attached),
    )


def _tool_call(block: Mapping[str, Any], notes: Notes) -> str:
    arguments = mapping(block.get("input"))
    # An artifact: the document that the tool wrote, rather than its JSON.
    if content := text(arguments.get("content")):
        title = joined(text(block.get("name")), text(arguments.get("title"))).replace("\n\n", ": ")
        return notes.tool_call(title, content, text(arguments.get("language")))
    return notes.tool_call(block.get("name"), sequence(block.get("input")) or arguments)


CLAUDE = program("claude", "Claude", _recognises, each_object(_draft))
