"""Conversations as JSON Lines in the messages format that training programs and servers read.

One object a line: ``{"messages": [{"role": "user", "content": "..."}, ...]}``.  The system prompt comes first, attached
texts stand in their question as the model saw them.  An example ends with an answer: what follows the last one is left
out, and so is every answer that did not come to its end, together with what followed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from app.chat.prompt import with_attachments
from app.conversation import Message, Role, Status
from app.export.entries import branches, watched
from app.export.formats import Format, Options, Thoughts
from app.markdown.parser import split_thought
from app.store.conversation_trees import ConversationTree


def examples(tree: ConversationTree, options: Options) -> Iterator[dict[str, Any]]:
    """The examples of one conversation: of the branch that is shown, or of each; none twice."""
    known: list[list[dict[str, str]]] = []
    for branch in branches(tree) if options.all_branches else [tree]:
        messages = _messages(branch, options)
        if not messages or messages in known:
            continue
        known.append(messages)
        yield {"messages": messages, **({"metadata": _metadata(branch)} if options.metadata else {})}


def _messages(tree: ConversationTree, options: Options) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    if tree.conversation.system_prompt.strip():
        found.append(_as_json(Role.SYSTEM, tree.conversation.system_prompt))
    end = 0
    for message in tree.branch():
        content = _content(message, options)
        if message.role is Role.ASSISTANT:
            if not content.strip():
                # It never came; the question that it left open was not sent again either.
                if found and found[-1]["role"] == Role.USER:
                    found.pop()
                continue
            if not (message.status is Status.COMPLETE or options.unfinished):
                break
            end = len(found) + 1
        found.append(_as_json(message.role, content))
    return found[:end]


def _content(message: Message, options: Options) -> str:
    if message.role is not Role.ASSISTANT or options.thoughts is not Thoughts.DROP:
        return with_attachments(message)
    _thought, _closed, answer = split_thought(message.content)
    return answer.lstrip("\n")


def _as_json(role: Role, content: str) -> dict[str, str]:
    return {"role": role.value, "content": content}


def _metadata(tree: ConversationTree) -> dict[str, Any]:
    made = [message.made_by for message in tree.branch() if message.made_by is not None]
    return {
        "conversation_id": tree.conversation.id,
        "leaf_id": tree.conversation.leaf_id,
        "title": tree.conversation.title,
        "models": sorted({each.model_id for each in made}),
        "file_sha256": sorted({each.file_sha256 for each in made if each.file_sha256}),
    }


def _write(trees: Sequence[ConversationTree], options: Options) -> bytes:
    lines: list[str] = []
    for tree, part in watched(trees, options):
        lines += [json.dumps(each, ensure_ascii=False) for each in examples(tree, part)]
        part.watch.progress(1.0)
    return "".join(f"{line}\n" for line in lines).encode()


JSONL = Format(suffix=".jsonl", many_in_one_file=True, write=_write, needs_the_way=True)
