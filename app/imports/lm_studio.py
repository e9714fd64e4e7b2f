"""LM Studio: its folder ``conversations``, one ``*.conversation.json`` for each.

A message has ``versions``, of which one is selected; what follows belongs to that one.  A version has content, or steps
with content, thoughts and tool calls.  The layout is that of zeveck/json_to_md (LM Studio 0.3) and, for the older one,
of byteowlz/hstry (adapters/lmstudio).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.conversation import Role
from app.imports.draft import Draft, DraftMessage, content_id
from app.imports.notes import Notes, joined
from app.imports.program import ImportedFile, each_object, program
from app.imports.values import identity, mapping, mappings, text, time

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.ASSISTANT}
_KEYS = {"createdAt", "systemPrompt", "modelIdentifier", "usePerChatPredictionConfig", "perChatPredictionConfig"}
_USED = ("name", "title", "messages", "systemPrompt", "createdAt", "pinned")
_ROOT_FOLDER = "conversations"


def _recognises(head: Mapping[str, Any], name: str) -> bool:
    return "messages" in head and (bool(head.keys() & _KEYS) or name.endswith(".conversation.json"))


def _draft(values: dict[str, Any], file: ImportedFile) -> Draft | None:
    if not isinstance(values.get("messages"), list):
        return None
    created = time(values.get("createdAt"))
    messages: list[DraftMessage] = []
    parent: str | None = None
    fields = mappings(mapping(values.get("perChatPredictionConfig")).get("fields"))
    prompts = (text(each.get("value")) for each in fields if each.get("key") == "llm.prediction.systemPrompt")
    prompt = text(values.get("systemPrompt")) or next(prompts, "")
    for entry in mappings(values["messages"]):
        versions = mappings(entry.get("versions")) or [entry]
        selected = entry.get("currentlySelected")
        selected = selected if isinstance(selected, int) and 0 <= selected < len(versions) else len(versions) - 1
        added: list[DraftMessage] = []
        for version in versions:
            if version.get("role") == "system":
                prompt = prompt or joined(*_texts(version, [], file.notes))
                continue
            message = _message(version, file.notes)
            message.parent, message.id = parent, content_id(parent, message)
            message.time = message.time or created
            added.append(message)
        if added:
            messages += added
            parent = added[min(selected, len(added) - 1)].id
    folders = file.folders
    below = folders[folders.index(_ROOT_FOLDER) + 1 :] if _ROOT_FOLDER in folders else folders[1:]
    return Draft(
        id=identity(values.get("createdAt")) or file.stem,
        title=text(values.get("name")) or text(values.get("title")),
        messages=messages,
        leaf=parent,
        created=created,
        updated=time(values.get("assistantLastMessagedAt")) or time(values.get("userLastMessagedAt")) or file.modified,
        system_prompt=prompt,
        is_pinned=values.get("pinned") is True,
        folder="/".join(below),
        source={key: value for key, value in values.items() if key not in _USED},
    )


def _message(version: Mapping[str, Any], notes: Notes) -> DraftMessage:
    role = _ROLES.get(text(version.get("role")))
    thoughts: list[str] = []
    texts, model = list(_texts(version, thoughts, notes)), text(mapping(version.get("senderInfo")).get("senderName"))
    for step in mappings(version.get("steps")):
        if step.get("type") == "contentBlock":
            is_thought = mapping(step.get("style")).get("type") == "thinking"
            found = list(_texts(step, thoughts, notes))
            (thoughts if is_thought else texts).extend(found)
            model = model or text(mapping(step.get("genInfo")).get("identifier"))
    return DraftMessage(
        "",
        None,
        role,
        joined(*texts),
        joined(*thoughts),
        time(version.get("timestamp")) or time(version.get("createdAt")),
        (model or text(version.get("model"))) if role is Role.ASSISTANT else "",
        continues=version.get("role") == "tool",
    )


def _texts(values: Mapping[str, Any], thoughts: list[str], notes: Notes) -> Iterator[str]:
    yield text(values.get("content")) or text(values.get("text"))
    for part in mappings(values.get("content")):
        match part.get("type"):
            case "text" if part.get("isStructural") is not True:
                yield text(part.get("text"))
            case "reasoning":
                thoughts.append(text(part.get("text")))
            case "file":
                is_picture = part.get("fileType") == "image"
                name = part.get("fileName") or part.get("name")
                yield notes.picture(name) if is_picture else notes.file(name)
            case "image" | "image_url":
                yield notes.picture()
            case "toolCallRequest":
                yield notes.tool_call(part.get("name"), part.get("parameters"))
            case "toolCallResult":
                yield notes.tool_result(part.get("name"), part.get("content"))


LM_STUDIO = program("lmstudio", "LM Studio", _recognises, each_object(_draft))
