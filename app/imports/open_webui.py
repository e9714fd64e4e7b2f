"""Open WebUI: the file of "Export chats", also of a single one.

A list of chats with their messages as a tree in ``chat.history``; older ones have no ``chat`` around it.  The layout is
documented in open-webui/docs (docs/features, import and export); thoughts and tools are ``<details>`` in the content.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from app.conversation import Role
from app.imports.draft import Draft, DraftMessage
from app.imports.notes import Notes, joined
from app.imports.program import ImportedFile, each_object, program
from app.imports.values import mapping, mappings, sequence, text, time

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
_OPEN, _CLOSE = "<details ", "</details>"
_SUMMARY = re.compile(r"<summary>[^<]{0,1000}</summary>")
_ATTRIBUTE = re.compile(r'\b(\w+)="([^"]*)"')
_USED = (
    "id",
    "title",
    "chat",
    "history",
    "messages",
    "created_at",
    "updated_at",
    "pinned",
    "archived",
    "user_id",
    "share_id",
    "meta",
)


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return "chat" in head or "history" in head


def _draft(values: dict[str, Any], file: ImportedFile) -> Draft | None:
    chat = mapping(values.get("chat")) or values
    history = mapping(chat.get("history"))
    found = history.get("messages")
    listed = list(found.items()) if isinstance(found, dict) else [("", each) for each in sequence(chat.get("messages"))]
    if not listed and not isinstance(found, dict):
        return None
    messages: list[DraftMessage] = []
    for key, each in listed:
        message = mapping(each)
        before = messages[-1].id if messages else None
        parent = text(message.get("parentId")) if "parentId" in message or key else before
        id_ = text(message.get("id")) or key or f"{before}/"
        messages.append(_message(message, id_, parent, file))
    updated = time(values.get("updated_at"))
    tags = mapping(values.get("meta")).get("tags") or [text(each.get("name")) for each in mappings(chat.get("tags"))]
    return Draft(
        id=text(values.get("id")) or text(chat.get("id")) or (messages[0].id if messages else ""),
        title=text(values.get("title")) or text(chat.get("title")),
        messages=messages,
        leaf=text(history.get("currentId")) or None,
        created=time(values.get("created_at")) or time(chat.get("timestamp")),
        updated=updated,
        system_prompt=text(mapping(chat.get("params")).get("system")) or text(chat.get("system")),
        is_pinned=values.get("pinned") is True,
        archived=(updated or file.modified) if values.get("archived") is True else None,
        source={"tags": tags, **{key: value for key, value in values.items() if key not in _USED}},
    )


def _message(values: Mapping[str, Any], id_: str, parent: str | None, file: ImportedFile) -> DraftMessage:
    notes = file.notes
    role = _ROLES.get(text(values.get("role")))
    thoughts: list[str] = []
    content = values.get("content")
    parts = [text(content), *(text(each.get("text")) for each in mappings(content))]
    body = _without_details(joined(*parts), thoughts, notes) if role is Role.ASSISTANT else joined(*parts)
    attached = mappings(values.get("files"))
    read = [file.picture(each.get("url"), text(each.get("name"))) if role is Role.USER else None for each in attached]
    files = [_file_note(each, notes) for each, picture in zip(attached, read, strict=True) if picture is None]
    error = values.get("error")
    failed = notes.error(mapping(error).get("content") or text(error)) if error else ""
    return DraftMessage(
        id_,
        parent,
        role,
        joined(*files, body, failed),
        joined(*thoughts),
        time(values.get("timestamp")),
        text(values.get("model")) if role is Role.ASSISTANT else "",
        tuple(filter(None, read)),
    )


def _file_note(file: Mapping[str, Any], notes: Notes) -> str:
    name = text(file.get("name")) or text(mapping(file.get("file")).get("filename"))
    is_picture = file.get("type") == "image" or text(file.get("content_type")).startswith("image/")
    return notes.picture(name) if is_picture else notes.file(name)


def _without_details(content: str, thoughts: list[str], notes: Notes) -> str:
    """Return the content without its folded parts; those of the model's reasoning are added to ``thoughts``."""
    texts, at = [], 0
    while (start := content.find(_OPEN, at)) >= 0 and (end := content.find(_CLOSE, start)) >= 0:
        head, _, body = content[start:end].partition(">")
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(head)}
        kind, body = attributes.get("type"), html.unescape(_SUMMARY.sub("", body, count=1)).strip()
        texts.append(content[at:start])
        at = end + len(_CLOSE)
        if kind == "reasoning":
            thoughts.append(re.sub(r"^> ?", "", body, flags=re.MULTILINE))
        elif kind in ("tool_calls", "code_interpreter"):
            name = attributes.get("name") or kind
            texts.append(notes.tool_call(name, attributes.get("arguments") or body))
            texts.append(notes.tool_result(name, attributes.get("result")))
        else:
            texts.append(content[start:at])
    return joined(*(each.strip("\n") for each in (*texts, content[at:])))


OPEN_WEBUI = program("openwebui", "Open WebUI", _recognises, each_object(_draft))
