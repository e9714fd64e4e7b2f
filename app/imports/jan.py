"""Jan: its folder ``threads``, with ``thread.json`` and ``messages.jsonl`` for each thread.

The layout is documented in janhq/jan (docs/docs/specs/threads.md and messages.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.conversation import Role, SkippedConversation
from app.imports.draft import Draft, DraftMessage, in_sequence
from app.imports.notes import Notes, joined
from app.imports.program import ImportedFile, program
from app.imports.values import mapping, mappings, text, time
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.ASSISTANT}
_USED = ("id", "title", "object", "created", "updated", "assistants", "metadata")


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return "thread_id" in head


def _drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
    lines: list[dict[str, Any]] = []
    for number, values in enumerate(file.objects()):
        if isinstance(values, JsonError):
            error = UserError("import_unfit", detail=str(values))
            yield SkippedConversation(f"{file.name} [{number}]", error)
        else:
            lines.append(values)
    beside = file.beside("thread.json")
    threads = [each for each in beside.objects() if isinstance(each, dict)] if beside is not None else []
    thread = threads[0] if threads else {}
    assistant = next(iter(mappings(thread.get("assistants"))), {})
    model = text(mapping(assistant.get("model")).get("id")) or text(thread.get("model_id"))
    messages = [_message(each, str(number), model, file.notes) for number, each in enumerate(lines)]
    if all(each.time is not None for each in messages):
        messages.sort(key=lambda each: each.time or file.modified)
    messages = in_sequence(messages)
    metadata = mapping(thread.get("metadata"))
    yield Draft(
        id=text(thread.get("id")) or text(lines[0].get("thread_id") if lines else "") or "/".join(file.folders),
        title=text(thread.get("title")) or text(metadata.get("title")) or text(thread.get("summary")),
        messages=messages,
        created=time(thread.get("created")) or time(thread.get("created_at")),
        updated=time(thread.get("updated")) or time(thread.get("updated_at")),
        system_prompt=text(assistant.get("instructions")),
        is_pinned=metadata.get("is_favorite") is True or thread.get("isFavorite") is True,
        folder=text(mapping(metadata.get("project")).get("name")),
        source={"assistant": assistant.get("assistant_name"), **{k: v for k, v in thread.items() if k not in _USED}},
    )


def _message(values: Mapping[str, Any], number: str, model: str, notes: Notes) -> DraftMessage:
    role = _ROLES.get(text(values.get("role")))
    thoughts, texts = [], [text(values.get("content"))]
    for part in mappings(values.get("content")):
        found = part.get("text")
        content = text(found) or text(mapping(found).get("value"))
        match part.get("type"):
            case "text":
                texts.append(content)
            case "reasoning":
                thoughts.append(content)
            case "image_url" | "image":
                texts.append(notes.picture())
            case "tool_call":
                texts.append(notes.tool_call(part.get("tool_name"), part.get("input")))
            case kind:
                texts.append(content or notes.file(kind))
    metadata = mapping(values.get("metadata"))
    for call in mappings(metadata.get("tool_calls")):
        function = mapping(mapping(call.get("tool")).get("function"))
        texts.append(notes.tool_call(function.get("name"), function.get("arguments")))
    return DraftMessage(
        text(values.get("id")) or number,
        None,
        role,
        joined(*texts),
        joined(*thoughts),
        time(values.get("created_at")) or time(values.get("created")),
        text(metadata.get("modelId")) or model if role is Role.ASSISTANT else "",
        continues=values.get("role") == "tool",
    )


JAN = program("jan", "Jan", _recognises, _drafts)
