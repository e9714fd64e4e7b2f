"""Cherry Studio: the JSON of its backups, alone, in an archive or compressed with gzip.

``indexedDB`` has the topics with their messages and the ``message_blocks`` with the contents; names are in
``localStorage`` as JSON in JSON.  The layout is that of Chevey339/kelivo (cherry_importer.dart) and of
CherryHQ/cherry-studio (src/renderer/src/services/BackupService.ts), versions 2 to 5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from app.conversation import Role, SkippedConversation
from app.imports.draft import Draft, DraftMessage
from app.imports.notes import Notes, fenced, joined
from app.imports.program import ImportedFile, program
from app.imports.values import mapping, mappings, sequence, text, time
from model_manager.disk.json_file import JsonError, from_json
from model_manager.errors import UserError

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
MAX_VERSION = 5
_STATE = "persist:cherry-studio"


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    """Return whether this is a backup, or the ``metadata.json`` of those from version 6 on, which are databases."""
    version = head.get("version")
    is_newer = head.get("appName") == "Cherry Studio" and isinstance(version, int) and version > MAX_VERSION
    return is_newer or bool({"localStorage", "indexedDB"} & head.keys())


def _drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
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
