"""SillyTavern: the files of its folder ``chats``, JSON Lines with a header and a message in each line.

The versions of an answer are its ``swipes``.  A branch is a separate file with the header of the first one; both
become one conversation.  The layout is that of SillyTavern (src/endpoints/chats.js, public/scripts/chats.js).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.conversation import Role, SkippedConversation
from app.imports.draft import Draft, DraftMessage, content_id
from app.imports.notes import Notes, joined
from app.imports.program import ImportedFile, program
from app.imports.values import identity, mapping, mappings, sequence, text, time
from model_manager.disk.json_file import JsonError
from model_manager.errors import UserError

_UNNAMED = ("", "unused")
"""Names in the headers of newer versions."""


def _recognises(head: Mapping[str, Any], _name: str) -> bool:
    return bool({"chat_metadata", "user_name", "character_name", "is_user"} & head.keys())


def _drafts(file: ImportedFile) -> Iterator[Draft | SkippedConversation]:
    header: dict[str, Any] = {}
    lines: list[dict[str, Any]] = []
    for number, values in enumerate(file.objects()):
        if isinstance(values, JsonError):
            error = UserError("import_unfit", detail=str(values))
            yield SkippedConversation(f"{file.name} [{number}]", error)
        elif "mes" in values:
            lines.append(values)
        else:
            header = header or values
    names = {text(each.get("name")) for each in lines if each.get("is_user") is not True}
    character = text(header.get("character_name"))
    if character in _UNNAMED:
        character = next(iter(sorted(names)), "")
    messages: list[DraftMessage] = []
    parent: str | None = None
    for each in lines:
        versions = _versions(each, len(names) > 1, file.notes)
        for version in versions:
            version.parent, version.id = parent, content_id(parent, version)
        messages += versions
        parent = versions[_selected(each, len(versions))].id
    metadata = mapping(header.get("chat_metadata"))
    started = identity(header.get("create_date"))
    yield Draft(
        id=f"{character}/{started}" if started else text(metadata.get("integrity")) or file.stem,
        title=file.stem,
        messages=messages,
        leaf=parent,
        created=time(header.get("create_date")) or (messages[0].time if messages else None),
        folder=character,
        source={"character": character, "user": header.get("user_name")},
    )


def _selected(values: Mapping[str, Any], count: int) -> int:
    selected = values.get("swipe_id")
    return selected if isinstance(selected, int) and 0 <= selected < count else count - 1


def _versions(values: Mapping[str, Any], is_group: bool, notes: Notes) -> list[DraftMessage]:
    role = Role.USER if values.get("is_user") is True else Role.ASSISTANT
    extra, speaker = mapping(values.get("extra")), text(values.get("name"))
    swipes = [text(each) for each in sequence(values.get("swipes"))] if role is Role.ASSISTANT else []
    infos = [mapping(each) for each in sequence(values.get("swipe_info"))]
    # The message itself is the selected version, with later changes.
    swipes = swipes or [""]
    selected = _selected(values, len(swipes))
    swipes[selected] = text(values.get("mes"))
    media = [extra.get("image"), *(each.get("url") for each in mappings(extra.get("media")))]
    pictures = joined(*(notes.picture() for each in media if each))
    found = []
    for number, content in enumerate(swipes):
        info = infos[number] if number < len(infos) else {}
        further = extra if number == selected else mapping(info.get("extra"))
        named = f"**{speaker}:** {content}" if is_group and role is Role.ASSISTANT and speaker else content
        found.append(
            DraftMessage(
                "",
                None,
                role,
                joined(pictures, named) if number == selected else named,
                text(further.get("reasoning")),
                time(info.get("send_date")) or time(values.get("send_date")),
                text(further.get("model")) if role is Role.ASSISTANT else "",
            )
        )
    return found


SILLY_TAVERN = program("sillytavern", "SillyTavern", _recognises, _drafts)
