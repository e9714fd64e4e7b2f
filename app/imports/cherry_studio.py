"""Cherry Studio: the JSON or the database of its backups, alone, in an archive or compressed with gzip.

In JSON ``indexedDB`` has the topics with their messages and the ``message_blocks`` with the contents; names are in
``localStorage`` as JSON in JSON.  The layout is that of Chevey339/kelivo (cherry_importer.dart) and of
CherryHQ/cherry-studio (src/renderer/src/services/BackupService.ts), versions 2 to 5.

From version 2.0 of the program on there is a SQLite database, ``Data/cherrystudio.sqlite`` in backups of version 7 and
``backup.sqlite`` in later ones (``.cherrybackup``).  Its tables ``topic``, ``message`` and ``assistant`` are those of
CherryHQ/cherry-studio (src/main/data/db/schemas, docs/references/chat/message-tree.md); ``message.data`` has the parts
of a ``UIMessage`` of the AI SDK, and those in src/shared/data/types/uiParts.ts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from app.conversation import Role, SkippedConversation
from app.imports.draft import Draft, DraftMessage
from app.imports.notes import Notes, fenced, joined
from app.imports.program import ImportedFile, program
from app.imports.values import mapping, mappings, sequence, text, time
from model_manager.disk.json_file import JsonError, from_json
from model_manager.errors import UserError

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
_BROWSER_VERSION = 6
"""Version of backups that contain the databases of the built-in browser, which no other program reads."""
_DATABASES = ("Data/cherrystudio.sqlite", "cherrystudio.sqlite")
"""Beside the ``metadata.json`` of later ones."""
_STATE = "persist:cherry-studio"


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    """Return whether this is a backup, or the ``metadata.json`` of one whose conversations are in a database."""
    return _is_metadata(head) or bool({"localStorage", "indexedDB"} & head.keys())


def _is_metadata(head: Mapping[str, Any]) -> bool:
    version = head.get("version")
    return head.get("appName") == "Cherry Studio" and isinstance(version, int) and version >= _BROWSER_VERSION


def _drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
    if file.is_database:
        yield from _drafts_of_database(file)
        return
    if _is_metadata(file.head):
        if not any(map(file.beside, _DATABASES)):
            yield SkippedConversation(file.name, UserError("import_cherry_browser"))
        return
    for values in file.objects():
        if isinstance(values, JsonError):
            yield SkippedConversation(file.name, UserError("import_unfit", detail=str(values)))
            continue
        database = mapping(values.get("indexedDB"))
        if not isinstance(database.get("topics"), list):
            yield SkippedConversation(file.name, UserError("import_layout"))
            continue
        blocks: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for block in mappings(database.get("message_blocks")):
            blocks[text(block.get("messageId"))].append(block)
        names = _topics(values)
        for topic in mappings(database["topics"]):
            assistant, named = names.get(text(topic.get("id")), ({}, {}))
            messages, leaf = _messages(topic, blocks, file.notes)
            yield Draft(
                id=text(topic.get("id")),
                title=text(named.get("name")) or text(topic.get("name")),
                messages=messages,
                leaf=leaf,
                created=time(named.get("createdAt")),
                updated=time(named.get("updatedAt")),
                system_prompt=text(named.get("prompt")) or text(assistant.get("prompt")),
                is_pinned=named.get("pinned") is True,
                folder=text(assistant.get("name")),
            )


def _drafts_of_database(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
    with file.database() as database:
        if not {"topic", "message"} <= database.tables:
            yield SkippedConversation(file.name, UserError("import_layout"))
            return
        assistants = {text(row.get("id")): row for row in database.rows("assistant")}
        topics = {text(row.get("id")): row for row in database.rows("topic") if row.get("deleted_at") is None}
        rows = database.rows("message", "topic_id", "created_at", "rowid")
        for id_, found in groupby(rows, lambda row: text(row.get("topic_id"))):
            messages = [_message_of_row(row, file.notes) for row in found if row.get("deleted_at") is None]
            if (topic := topics.get(id_)) is None:
                continue
            assistant = assistants.get(text(topic.get("assistant_id")), {})
            named = assistant or _parsed(topic.get("assistant_meta"))
            yield Draft(
                id=id_,
                title=text(topic.get("name")),
                messages=messages,
                leaf=text(topic.get("active_node_id")) or None,
                created=time(topic.get("created_at")),
                updated=time(topic.get("updated_at")),
                system_prompt=text(topic.get("prompt")) or text(assistant.get("prompt")),
                is_pinned=topic.get("is_pinned") == 1,
                folder=text(named.get("name")),
            )


def _message_of_row(row: Mapping[str, Any], notes: Notes) -> DraftMessage:
    role = _ROLES.get(text(row.get("role")))
    model = _parsed(row.get("model_snapshot") or row.get("model_meta"))
    named = text(model.get("name")) or text(row.get("model_id")).rpartition("::")[2]
    thoughts, texts = [], []
    for part in mappings(_parsed(row.get("data")).get("parts")):
        kind, data = text(part.get("type")), mapping(part.get("data"))
        if kind == "reasoning":
            thoughts.append(text(part.get("text")))
        elif kind == "dynamic-tool" or kind.startswith("tool-"):
            name = text(part.get("toolName")) or kind.removeprefix("tool-")
            texts.append(notes.tool_call(name, part.get("input")))
            texts.append(notes.tool_result(name, part.get("output") or part.get("errorText")))
        elif kind == "file" and text(part.get("mediaType")).startswith(("image/", "video/")):
            texts.append(notes.picture(part.get("filename")))
        elif kind == "file":
            texts.append(notes.file(part.get("filename")))
        elif kind == "data-video":
            texts.append(notes.picture())
        elif kind == "data-error":
            texts.append(notes.error(data.get("message")))
        elif kind == "data-code":
            texts.append(fenced(text(data.get("content")), text(data.get("language"))))
        else:
            # Text, translations and summaries; other parts are for the program itself.
            texts.append(text(part.get("text")) or text(data.get("content")))
    return DraftMessage(
        text(row.get("id")),
        text(row.get("parent_id")) or None,
        role,
        joined(*texts),
        joined(*thoughts),
        time(row.get("created_at")),
        named if role is Role.ASSISTANT else "",
    )


def _topics(values: Mapping[str, Any]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return the assistant and the names of each topic."""
    state = _parsed(mapping(values.get("localStorage")).get(_STATE))
    assistants = _parsed(state.get("assistants"))
    listed = [mapping(assistants.get("defaultAssistant")), *mappings(assistants.get("assistants"))]
    return {
        text(topic.get("id")): (assistant, topic) for assistant in listed for topic in mappings(assistant.get("topics"))
    }


def _parsed(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            return from_json(value, dict[str, Any])
        except JsonError:
            return {}
    return mapping(value)


def _messages(
    topic: Mapping[str, Any], blocks: Mapping[str, list[dict[str, Any]]], notes: Notes
) -> tuple[list[DraftMessage], str | None]:
    """Return the messages and the last one; answers of several models to a question (``askId``) are its versions."""
    found: list[DraftMessage] = []
    last: str | None = None
    question: tuple[str | None, str | None] = None, None
    for number, values in enumerate(mappings(topic.get("messages"))):
        id_ = text(values.get("id")) or str(number)
        message = _message(values, id_, _ordered(values, blocks.get(id_, [])), notes)
        asked = text(values.get("askId"))
        if asked and question[0] == asked:
            # Another answer to the same question; the next question follows the chosen one.
            message.parent = question[1]
            last = id_ if values.get("foldSelected") is True or values.get("useful") is True else last
        else:
            message.parent, question = last, (asked or None, last)
            last = id_
        found.append(message)
    return found, last


def _ordered(values: Mapping[str, Any], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {id_: place for place, id_ in enumerate(sequence(values.get("blocks"))) if isinstance(id_, str)}
    return sorted(found, key=lambda block: order.get(text(block.get("id")), len(order)))


def _message(values: Mapping[str, Any], id_: str, blocks: list[dict[str, Any]], notes: Notes) -> DraftMessage:
    role = _ROLES.get(text(values.get("role")))
    model = text(mapping(values.get("model")).get("name")) or text(values.get("modelId"))
    thoughts, texts = [text(values.get("reasoning_content"))], [text(values.get("content"))]
    for block in blocks:
        content = text(block.get("content"))
        match block.get("type"):
            case "main_text" | "translation":
                texts.append(content)
            case "thinking":
                thoughts.append(content)
            case "code":
                texts.append(fenced(content, text(block.get("language"))))
            case "image" | "video":
                texts.append(notes.picture(_file_name(block)))
            case "file":
                texts.append(notes.file(_file_name(block)))
            case "tool":
                name = block.get("toolName") or block.get("toolId")
                texts.append(notes.tool_call(name, block.get("arguments")))
                texts.append(notes.tool_result(name, block.get("content")))
            case "error":
                texts.append(notes.error(mapping(block.get("error")).get("message") or content))
    texts += [notes.file(each.get("origin_name") or each.get("name")) for each in mappings(values.get("files"))]
    return DraftMessage(
        id_,
        None,
        role,
        joined(*texts),
        joined(*thoughts),
        time(values.get("createdAt")),
        model if role is Role.ASSISTANT else "",
    )


def _file_name(block: Mapping[str, Any]) -> str:
    file = mapping(block.get("file"))
    return text(file.get("origin_name")) or text(file.get("name"))


CHERRY_STUDIO = program("cherry", "Cherry Studio", _recognises, _drafts)
