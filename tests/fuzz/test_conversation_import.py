"""Hostile conversation exports: each is imported or refused in one line, and what is imported can be used."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from app.conversation import Attachment, ConversationTree, ImportResult, Message, Provenance, Status
from app.export.export import FORMATS
from app.export.formats import ExportOptions
from app.imports.importer import import_conversations
from app.messages import error_message, sentence
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.fuzz.hostile import Hostile, case_count, hostile_cases, write
from tests.imports.chatgpt_export import conversation
from tests.imports.exports import MAKERS

Trees = Sequence[ConversationTree]
ZONES = [timezone(timedelta(hours=hours)) for hours in (-12, 14)]
PROVENANCE = Provenance(
    model_id="apus:Q2_K",
    sampling=Sampling(seed=7, max_tokens=100, stop=("</s>",)),
    seed=7,
    prompt_tokens=12,
    completion_tokens=34,
    finish_reason="stop",
    tokens_per_second=8.25,
    plan={"context": 4096, "tensor_split": [1.0, 2.0], "devices": [{"name": "CUDA0"}]},
    thought_s=0.5,
)


def fill(store: ConversationStore) -> None:
    """Add two conversations with everything that an export contains."""
    talk = store.create(title="天空", system_prompt="Be brief.", model_id="apus:Q2_K", sampling=Sampling(top_k=3))
    question, first = store.begin_turn(talk.id, "why?", attachments=[Attachment("a.txt", "light", 3)])
    store.finish_answer(first.id, "<think>hm</think>\n\n# So\n\n$x^2$", Status.COMPLETE, PROVENANCE)
    second = store.begin_answer(talk.id, question.id)
    error = {"code": "disk_full", "path": "/x", "bytes": 5}
    store.finish_answer(second.id, "half", Status.INTERRUPTED, PROVENANCE, error)
    store.pin_message(question.id, True)
    store.archive(store.create(title="other").id)


def document(store: ConversationStore) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(FORMATS["json"].write(store.trees(), ExportOptions()))
    return values


def use(store: ConversationStore, tree: ConversationTree, dice: Hostile) -> None:
    """Do with a conversation what the program does: list, show, export and search it, and continue it."""
    conversation = store.get(tree.conversation.id)
    times = [conversation.created_at, conversation.updated_at, conversation.archived_at]
    messages = store.branch(conversation.id)
    for time in (*times, *(each.created_at for each in messages)):
        assert all(time.astimezone(zone).year > 1900 for zone in ZONES if time is not None)
    for message in messages:
        show(message)
    for name in ("md", "txt", "html", "jsonl") if dice.chance(0.1) else ("jsonl",):
        FORMATS[name].write([tree], ExportOptions())
    store.siblings(conversation.id)
    store.search(tree.conversation.title)
    asked, answer = store.begin_turn(conversation.id, "and then?")
    store.finish_answer(answer.id, "?", Status.COMPLETE)
    assert [each.id for each in store.branch(conversation.id)][-2:] == [asked.id, answer.id]


def show(message: Message) -> None:
    if message.error is not None:
        error_message(message.error.get("code", ""), message.error, str)
    if message.provenance is not None:
        assert f"{message.provenance.thought_s or 0:.1f}{message.provenance.tokens_per_second or 0:.2f}"


def attempt(store: ConversationStore, before: Trees, path: Path, dice: Hostile) -> int:
    """Import the file, and return the number of conversations that were added; use them in a quarter of the cases."""
    try:
        result = import_conversations(store, path)
    except UserError as error:
        refused, result = [error], ImportResult(0, 0)
    else:
        refused = [each.error for each in result.refused]
    assert all("\n" not in sentence(each) for each in refused)
    trees = [tree for tree in store.trees() if tree not in before]
    added = [tree.conversation.id for tree in trees]
    assert len(added) == result.conversations_added
    for tree in trees if dice.chance(0.25) else []:
        again = write(path.with_suffix(".again"), FORMATS["json"].write([tree], ExportOptions()))
        assert (import_conversations(store, again).messages_added, store.trees([tree.conversation.id])) == (0, [tree])
        use(store, tree, dice)
    if added:
        store.delete(*added)
        assert set(store.purge(*added)) == set(added)
    assert store.trees() == before
    return len(added)


@case_count
def test_hostile_exports(tmp_path: Path, count: int) -> None:
    with ConversationStore.in_memory() as source, ConversationStore.in_memory() as store:
        fill(source)
        valid = document(source)
        mine = store.create(title="mine")
        store.finish_answer(store.begin_turn(mine.id, "keep")[1].id, "this", Status.COMPLETE)
        before, added = store.trees(), 0
        for dice in hostile_cases(count):
            path = write(tmp_path / "export.json", dice.json_bytes(dice.mutated(valid)))
            try:
                added += attempt(store, before, path, dice)
            except BaseException as error:
                error.add_note(repr(dice))
                raise
    assert added > count / 2, "most of them are nearly valid"


@case_count
def test_hostile_exports_of_other_programs(tmp_path: Path, count: int) -> None:
    valid = [[conversation()]]
    for name, make in MAKERS.items():
        path = make(tmp_path / name)
        paths = [path] if path.is_file() else sorted(path.rglob("*.json*"))
        texts = [gzip.decompress(each.read_bytes()) if each.suffix == ".bak" else each.read_bytes() for each in paths]
        valid += [[json.loads(line) for line in text.splitlines()] for text in texts]
    added = 0
    with ConversationStore.in_memory() as store:
        for dice in hostile_cases(count // 4):
            changed = dice.mutated(dice.choice(valid))
            lines = changed if isinstance(changed, list) else [changed]
            path = write(tmp_path / "export.json", b"\n".join(map(dice.json_bytes, lines)))
            try:
                added += attempt(store, [], path, dice)
            except BaseException as error:
                error.add_note(repr(dice))
                raise
    assert added > count / 16, "many of them are nearly valid"
