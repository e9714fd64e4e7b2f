"""ChatGPT: ``conversations.json``, also in numbered parts, in the archive that "Export data" sends.

A list of conversations, each with its messages as a tree in ``mapping``.  OpenAI publishes no schema; the layout is
that of github.com/mitkury/chatgpt-export-parser (docs/chatgpt-data-export-format.md) and of byteowlz/hstry
(adapters/chatgpt), with the content types of pionxzh/chatgpt-exporter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.conversation import Role, Status
from app.imports.draft import Draft, DraftMessage
from app.imports.notes import fenced, joined
from app.imports.program import ImportedFile, each_object, program
from app.imports.values import mapping, mappings, sequence, text, time

_CITATION = re.compile("\ue200[^\ue201]{0,1000}\ue201|[\ue200-\ue206]")
"""Marks of sources, which only the web page can show."""
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.ASSISTANT, "system": Role.SYSTEM}
_HIDDEN = ("model_editable_context", "reasoning_recap")
"""Content types that the page doesn't show or that repeat others."""
_USED = ("id", "conversation_id", "title", "mapping", "current_node", "create_time", "update_time")


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return "mapping" in head


def _draft(values: dict[str, Any], file: ImportedFile) -> Draft | None:
    if not isinstance(values.get("mapping"), dict):
        return None
    nodes = {id_: mapping(node) for id_, node in values["mapping"].items()}
    messages = [_message(id_, node, file) for id_, node in nodes.items()]
    prompts = [_instructions(mapping(node.get("message"))) for node in nodes.values()]
    updated = time(values.get("update_time"))
    return Draft(
        id=text(values.get("conversation_id")) or text(values.get("id")) or next(iter(nodes), ""),
        title=text(values.get("title")),
        messages=messages,
        leaf=text(values.get("current_node")) or None,
        created=time(values.get("create_time")),
        updated=updated,
        system_prompt=next(filter(None, prompts), ""),
        is_pinned=bool(values.get("is_starred") or values.get("pinned_time")),
        archived=(updated or file.modified) if values.get("is_archived") is True else None,
        source={key: value for key, value in values.items() if key not in _USED},
    )


def _message(id_: str, node: Mapping[str, Any], file: ImportedFile) -> DraftMessage:
    message, metadata = mapping(node.get("message")), mapping(mapping(node.get("message")).get("metadata"))
    author = mapping(message.get("author"))
    role = _ROLES.get(text(author.get("role")))
    is_hidden = metadata.get("is_visually_hidden_from_conversation") is True
    if is_hidden or role is None or mapping(message.get("content")).get("content_type") in _HIDDEN:
        return DraftMessage(id_, text(node.get("parent")), None)
    thought, content = _content(message, metadata, file)
    # System messages of the export are those of the program; the user's own are in ``_instructions``.
    if role is Role.SYSTEM or not (thought or content):
        role = None
    interrupted = mapping(metadata.get("finish_details")).get("type") == "interrupted"
    return DraftMessage(
        id_,
        text(node.get("parent")),
        role,
        content,
        thought,
        time(message.get("create_time")),
        text(metadata.get("model_slug")) if author.get("role") == "assistant" else "",
        status=Status.STOPPED if interrupted else Status.COMPLETE,
        continues=role is Role.ASSISTANT,
    )


def _content(message: Mapping[str, Any], metadata: Mapping[str, Any], file: ImportedFile) -> tuple[str, str]:
    """Return the thought and the text of a message."""
    content, name = mapping(message.get("content")), mapping(message.get("author")).get("name")
    is_tool = mapping(message.get("author")).get("role") == "tool"
    notes = file.notes
    match content.get("content_type"):
        case "thoughts":
            steps = mappings(content.get("thoughts"))
            return joined(*(joined(text(each.get("summary")), text(each.get("content"))) for each in steps)), ""
        case "user_editable_context":
            return "", ""
        case "code":
            body = text(content.get("text"))
            if text(message.get("recipient")) in ("", "all"):
                return "", fenced(body, _language(content))
            return "", notes.tool_call(message.get("recipient"), body, _language(content))
        case "execution_output" | "system_error":
            return "", notes.tool_result(name, content.get("text"))
        case "tether_quote":
            title, quote = joined(text(content.get("title")), text(content.get("url"))), text(content.get("text"))
            return "", notes.tool_result(name, joined(title, quote))
        case "tether_browsing_display":
            return "", notes.tool_result(name, content.get("result") or content.get("summary"))
    parts = [_part(each, file) for each in sequence(content.get("parts"))]
    body = _CITATION.sub("", joined(*parts, text(content.get("text"))))
    if is_tool:
        has_picture = any(isinstance(each, dict) for each in sequence(content.get("parts")))
        return "", body if has_picture else notes.tool_result(name, body)
    if text(message.get("recipient")) not in ("", "all") and body:
        return "", notes.tool_call(message.get("recipient"), body)
    files = [each for each in mappings(metadata.get("attachments")) if not _is_picture(each)]
    return "", joined(*(notes.file(each.get("name")) for each in files), body)


def _part(part: object, file: ImportedFile) -> str:
    if isinstance(part, str):
        return part
    values = mapping(part)
    kind = text(values.get("content_type"))
    if kind == "audio_transcription":
        return text(values.get("text"))
    if kind == "image_asset_pointer":
        return file.notes.picture(mapping(mapping(values.get("metadata")).get("dalle")).get("prompt"))
    # Voice: the transcription is beside it.
    return "" if not kind or "audio" in kind else file.notes.file(kind)


def _is_picture(attachment: Mapping[str, Any]) -> bool:
    return text(attachment.get("mime_type")).startswith("image/") or "width" in attachment


def _language(content: Mapping[str, Any]) -> str:
    language = text(content.get("language"))
    return language if language.isalnum() and language != "unknown" else ""


def _instructions(message: Mapping[str, Any]) -> str:
    """Return the user's custom instructions, which are a hidden message."""
    content = mapping(message.get("content"))
    if content.get("content_type") != "user_editable_context":
        return ""
    return joined(text(content.get("user_profile")), text(content.get("user_instructions")))


CHATGPT = program("chatgpt", "ChatGPT", _recognises, each_object(_draft))
