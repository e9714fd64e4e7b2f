"""The JSON Lines format: one conversation a line, in the messages format of training programs and servers.

``{"messages": [{"role": "user", "content": "..."}, ...]}``: the system prompt comes first, attachments are part of
their question as the model read them.  An example ends with an answer; what follows the last answer is left out, as is
every unfinished answer with what follows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from app.backend import content_parts
from app.chat.prompt import with_attachments
from app.conversation import ConversationTree, Message, Role, Status
from app.export.entries import branches
from app.export.formats import ExportFormat, ExportOptions, ThoughtExport
from app.thoughts import split_thought
from app.translation import QT_TRANSLATE_NOOP

_LINE_ENDS = {chr(code): f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Escapes of characters that JSON permits in a string and Python's ``splitlines`` takes for line ends."""


def examples(tree: ConversationTree, options: ExportOptions) -> Iterator[dict[str, Any]]:
    """Yield the examples of one conversation, of the shown branch or of all, without duplicates."""
    known: list[list[dict[str, str]]] = []
    for branch in branches(tree) if options.all_branches else [tree]:
        messages = _messages(branch, options)
        if not messages or messages in known:
            continue
        known.append(messages)
        yield {"messages": messages, **({"metadata": _metadata(branch)} if options.metadata else {})}


def _messages(tree: ConversationTree, options: ExportOptions) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if tree.conversation.system_prompt.strip():
        messages.append({"role": Role.SYSTEM.value, "content": tree.conversation.system_prompt})
    end = 0
    for message in tree.branch():
        content = _content(message, options)
        if message.role is Role.ASSISTANT:
            if not content.strip():
                # Later prompts contain neither an empty answer nor its question.
                if messages and messages[-1]["role"] == Role.USER:
                    messages.pop()
                continue
            if not (message.status is Status.COMPLETE or options.unfinished):
                break
            end = len(messages) + 1
        pictures = [each.picture for each in message.attachments if each.picture is not None]
        messages.append({"role": message.role.value, "content": content_parts(content, pictures)})
    return messages[:end]


def _content(message: Message, options: ExportOptions) -> str:
    if message.role is not Role.ASSISTANT or options.thoughts is not ThoughtExport.DROP:
        return with_attachments(message)
    _thought, _closed, answer = split_thought(message.content)
    return answer.lstrip("\n")


def _metadata(tree: ConversationTree) -> dict[str, Any]:
    provenance = [message.provenance for message in tree.branch() if message.provenance is not None]
    return {
        "conversation_id": tree.conversation.id,
        "leaf_id": tree.conversation.leaf_id,
        "title": tree.conversation.title,
        "models": sorted({each.model_id for each in provenance}),
        "file_sha256": sorted({each.file_sha256 for each in provenance if each.file_sha256}),
    }


def _parts(trees: Iterable[ConversationTree], options: ExportOptions) -> Iterator[bytes]:
    for tree in trees:
        for example in examples(tree, options):
            separator = b'{"messages": ['
            for message in example.pop("messages"):
                yield separator + _json(message)
                separator = b", "
            yield b"]" + b"".join(b', "%s": %s' % (key.encode(), _json(value)) for key, value in example.items())
            yield b"}\n"


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    for character, escape in _LINE_ENDS.items():
        text = text.replace(character, escape)
    return text.encode()


JSONL = ExportFormat(
    "jsonl",
    QT_TRANSLATE_NOOP("export", "JSON Lines"),
    QT_TRANSLATE_NOOP("export", "One conversation per line, for training or testing models."),
    _parts,
    many_in_one_file=True,
    needs_history=True,
    has_examples=True,
)
