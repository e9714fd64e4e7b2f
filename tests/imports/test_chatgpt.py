"""Import of ChatGPT's export."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.conversation import ConversationTree, ImportResult, Role
from app.export.export import FORMATS, export_conversations
from app.imports.importer import import_conversations, preview_import
from app.store.store import ConversationStore
from app.thoughts import split_thought
from tests.imports.chatgpt_export import START, conversation, mapping, message


def archive(path: Path, **parts: list[object]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("user.json", '{"id": "user-1"}')
        made.writestr("chat.html", "<html></html>")
        for name, values in parts.items():
            made.writestr(f"{name}.json", json.dumps(values))
    return path


def test_conversation_with_versions_thoughts_and_tools(store: ConversationStore, tmp_path: Path) -> None:
    path = archive(tmp_path / "export.zip", conversations=[conversation()])
    assert import_conversations(store, path) == ImportResult(1, 7)
    (talk,) = store.list()
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Mariana trench", True, "I sail.\n\nBe brief.")
    assert talk.updated_at == datetime.fromtimestamp(START + 20, UTC)
    assert talk.source == {
        "program": "chatgpt",
        "id": "11111111-0000-4000-8000-000000000001",
        "model": "o3",
        "is_archived": "False",
        "is_starred": "True",
        "gizmo_id": "g-p-1",
        "default_model_slug": "gpt-4o",
    }
    question, answer, second, last = store.branch(talk.id)
    assert question.content == "How deep is the **Mariana** trench?"
    thought, _, text = split_thought(answer.content)
    assert thought.strip() == "Boats\n\nThink of boats."
    assert text.strip() == (
        "> Tool call: python\n\n```python\nprint(10984)\n```\n\n"
        "> Result of the tool: python\n\n```\n10984\n```\n\n10,984 m."
    )
    assert answer.created_at == datetime.fromtimestamp(START + 2, UTC)
    assert answer.provenance is not None
    assert (answer.provenance.model_id, answer.provenance.program) == ("gpt-4o", "ChatGPT")
    assert (second.content, last.content) == ("And the 最深 point?", "It is the Challenger Deep.")
    versions = {id_: [store.message(each).content for each in ids] for id_, ids in store.siblings(talk.id).items()}
    assert versions == {
        second.id: ["> Picture, not imported\n\nAnd this?", "And the 最深 point?"],
        last.id: ["Challenger Deep.", "It is the Challenger Deep."],
    }


def test_later_export_adds_what_is_new(store: ConversationStore, tmp_path: Path) -> None:
    import_conversations(store, archive(tmp_path / "first.zip", conversations=[conversation()]))
    (talk,) = store.list()
    before = store.trees()
    again = archive(tmp_path / "again.zip", conversations=[conversation()])
    assert import_conversations(store, again) == ImportResult(0, 0, already_there=1)
    assert store.trees() == before
    continued = conversation(current_node="q3", update_time=START + 90)
    continued["mapping"] |= mapping(("q3", "a2c", message("user", "Thanks", START + 80)))
    parts = {"conversations-000": [continued], "conversations-001": [conversation("2", title="Other")]}
    later = archive(tmp_path / "later.zip", **parts)
    preview = preview_import(store, later)
    assert (preview.programs, preview.conversations, preview.already_there) == (["ChatGPT"], 2, 1)
    assert (preview.messages, dict(preview.notes)) == (15, {"tool calls": 2, "pictures": 2})
    assert import_conversations(store, later) == ImportResult(1, 8, already_there=1)
    assert store.branch(talk.id)[-1].content == "Thanks"
    assert store.get(talk.id).updated_at == datetime.fromtimestamp(START + 90, UTC)


def test_own_export_keeps_everything(store: ConversationStore, tmp_path: Path) -> None:
    import_conversations(store, archive(tmp_path / "export.zip", conversations=[conversation()]))
    (path,) = export_conversations(store, None, FORMATS["json"], tmp_path / "own.json")
    with ConversationStore.open(tmp_path / "other") as other:
        assert import_conversations(other, path) == ImportResult(1, 7)
        assert other.trees() == store.trees()
    (text,) = export_conversations(store, None, FORMATS["md"], tmp_path)
    assert "Challenger Deep" in text.read_text(encoding="utf-8")


def tree(store: ConversationStore, path: Path, values: object) -> ConversationTree:
    path.write_text(json.dumps(values), encoding="utf-8")
    import_conversations(store, path)
    return store.trees()[-1]


def test_circular_and_missing_parents(store: ConversationStore, tmp_path: Path) -> None:
    nodes = mapping(
        ("a", "b", message("user", "first of a circle")),
        ("b", "a", message("assistant", "second of a circle")),
        ("c", "gone", message("user", "without a parent")),
        ("d", "d", message("user", "its own parent")),
    )
    found = tree(store, tmp_path / "conversations.json", [conversation(mapping=nodes, current_node="nowhere")])
    assert sorted(each.content for each in found.messages) == [
        "first of a circle",
        "its own parent",
        "second of a circle",
        "without a parent",
    ]
    assert found.branch()


@pytest.mark.parametrize(
    "spoil",
    [
        {"create_time": float("nan"), "update_time": 1e400},
        {"create_time": "yesterday", "title": None},
        {"mapping": {"a": None, "b": [], "c": {"message": "text", "parent": 7}}},
        {"mapping": {"a": {"message": {"author": "me", "content": {"parts": {"x": 1}}, "metadata": []}}}},
        {"id": {}, "conversation_id": [], "current_node": 5, "title": "\ud83d", "gizmo_id": {"a": [1]}},
    ],
)
def test_other_types_are_tolerated(store: ConversationStore, tmp_path: Path, spoil: dict[str, object]) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(**spoil), conversation("sound", title="sound")]))
    import_conversations(store, path)
    titles = [each.title for each in store.list()]
    assert "sound" in titles
    assert all(1970 <= each.created_at.year <= 2200 for each in store.list())
    assert all(each.role in (Role.USER, Role.ASSISTANT) for found in store.trees() for each in found.messages)


def test_command_line(store: ConversationStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.__main__ import main

    path = archive(tmp_path / "export.zip", conversations=[conversation(), {"title": "changed", "nodes": []}])
    arguments = ["conversations", "import", str(path), "--json", "--data-dir", str(tmp_path / "cli")]
    found = []
    for more in (["--dry-run"], ["--from", "chatgpt"], []):
        assert main([*arguments, *more]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert (found[0]["conversations"], found[0]["first"][:10]) == (1, "2023-11-14")
    assert [(each["imported"], each["already_there"]) for each in found[1:]] == [(1, 0), (0, 1)]
    ((problem),) = found[2]["problems"]
    assert problem["what"] == "conversations.json [1]"
    assert "layout" in problem["reason"]
