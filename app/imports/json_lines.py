"""Conversations in the messages format of OpenAI: JSON Lines with ``messages`` in each, or one list of messages.

As in training files, requests to servers and our own export (platform.openai.com, "Chat completions"), also ShareGPT's
``conversations`` of ``from`` and ``value``.  Lines of our own export with the same conversation become its branches.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.conversation import Attachment, Role, SkippedConversation
from app.imports.draft import Draft, DraftMessage, chained, content_id
from app.imports.notes import joined
from app.imports.program import ImportedFile, program
from app.imports.values import mapping, mappings, sequence, text, time
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

_ROLES = {
    **dict.fromkeys(("user", "human"), Role.USER),
    **dict.fromkeys(("assistant", "gpt", "model", "tool", "function"), Role.ASSISTANT),
    **dict.fromkeys(("system", "developer"), Role.SYSTEM),
}


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return bool({"messages", "conversations"} & head.keys()) or {"role", "content"} <= head.keys()


def _drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
    of_file: list[dict[str, Any]] = []
    previous: Draft | None = None
    for number, values in enumerate(file.objects()):
        place = f"{file.name} [{number}]"
        if isinstance(values, JsonError):
            yield SkippedConversation(place, UserError("import_unfit", detail=str(values)))
        elif "role" in values:
            of_file.append(values)
        elif (draft := _draft(values, file)) is None:
            yield SkippedConversation(place, UserError("import_layout"))
        elif previous is not None and draft.id == previous.id:
            known = {each.id for each in previous.messages}
            added = [each for each in draft.messages if each.id not in known]
            previous = replace(previous, messages=[*previous.messages, *added])
        else:
            if previous is not None:
                yield previous
            previous = draft
    if of_file and (draft := _draft({"messages": of_file, "title": file.stem}, file)) is not None:
        yield draft
    if previous is not None:
        yield previous


def _draft(values: Mapping[str, Any], file: ImportedFile) -> Draft | None:
    listed = values.get("messages", values.get("conversations"))
    if not isinstance(listed, list):
        return None
    metadata = mapping(values.get("metadata"))
    messages, prompts = [], []
    for each in mappings(listed):
        message = _message(each, file)
        if message.role is Role.SYSTEM:
            prompts.append(message.text)
        else:
            messages.append(message)
    prompt = joined(*prompts)
    messages = chained(messages)
    identity = text(metadata.get("conversation_id")) or text(values.get("id"))
    if not identity and messages:
        identity = content_id(messages[-1].id, DraftMessage("", None, Role.SYSTEM, prompt))
    return Draft(
        id=identity or str(uuid.uuid4()),
        title=text(values.get("title")) or text(metadata.get("title")),
        messages=messages,
        created=time(values.get("created_at")) or time(values.get("created")),
        system_prompt=prompt,
        source={**metadata, **{key: each for key, each in values.items() if isinstance(each, str)}},
    )


def _message(values: Mapping[str, Any], file: ImportedFile) -> DraftMessage:
    notes, attachments = file.notes, list[Attachment]()
    name = text(values.get("role")) or text(values.get("from"))
    role = _ROLES.get(name.lower())
    pictures = attachments if role is Role.USER else None
    content = joined(*_parts(values.get("content", values.get("value")), file, pictures))
    if name in ("tool", "function"):
        content = notes.tool_result(values.get("name"), content)
    calls = [mapping(each.get("function")) for each in mappings(values.get("tool_calls"))]
    called = [notes.tool_call(each.get("name"), each.get("arguments")) for each in calls]
    return DraftMessage(
        "",
        None,
        role,
        joined(content, *called),
        text(values.get("reasoning_content")) or text(values.get("reasoning")),
        time(values.get("created_at")) or time(values.get("timestamp")),
        text(values.get("model")),
        tuple(attachments),
        continues=role is Role.ASSISTANT,
    )


def _parts(content: object, file: ImportedFile, pictures: list[Attachment] | None) -> Iterator[str]:
    """Yield the texts of a content; its pictures are added to ``pictures``, without which they become notes."""
    yield text(content)
    for part in sequence(content):
        values = mapping(part)
        kind = text(values.get("type"))
        if kind in ("text", "input_text", "output_text", "") or isinstance(part, str):
            yield text(part) or text(values.get("text"))
        elif "image" in kind:
            address = values.get("image_url")
            url = address if isinstance(address, str) else mapping(address).get("url")
            picture = file.picture(url) if pictures is not None else None
            if picture is None or pictures is None:
                yield file.notes.picture()
            else:
                pictures.append(picture)
        else:
            yield file.notes.file(kind)


JSON_LINES = program("jsonl", "JSON Lines", _recognises, _drafts)
