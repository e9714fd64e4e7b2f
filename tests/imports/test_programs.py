"""Import from each program."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.conversation import Conversation, ImportResult
from app.export.export import FORMATS, export_conversations
from app.imports import PROGRAM_NAMES
from app.imports.importer import PROGRAMS, import_conversations, preview_import
from app.store.store import ConversationStore
from tests.imports.exports import (
    MAKERS,
    cherry_archive,
    cherry_database,
    cherry_studio,
    claude,
    jan,
    lm_studio,
    open_webui,
    silly_tavern,
    write,
)


def only(store: ConversationStore) -> Conversation:
    (talk,) = store.list()
    return talk


def contents(store: ConversationStore) -> list[str]:
    return [each.content for each in store.branch(only(store).id)]


def versions(store: ConversationStore) -> list[list[str]]:
    return [[store.message(id_).content for id_ in ids] for ids in store.siblings(only(store).id).values()]


def models(store: ConversationStore) -> list[str | None]:
    return [each.provenance and each.provenance.model_id for each in store.messages(only(store).id)]


def test_claude(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, claude(tmp_path)) == ImportResult(1, 4)
    talk = only(store)
    assert (talk.title, talk.updated_at) == ("Tides", datetime(2025, 3, 2, tzinfo=UTC))
    assert talk.source == {"program": "claude", "id": "c-1", "folder": "Sailing", "summary": "About tides"}
    assert contents(store) == ["> File, not imported: moon.png\n\nWhy tides?", "The moon's gravity.", "谢谢"]
    question, first = store.messages(talk.id)[:2]
    assert [(each.name, each.content) for each in question.attachments] == [("notes.txt", "tides")]
    assert first.content == (
        "<think>\nThe moon.\n</think>\n\nGravity.\n\n> Tool call: artifacts: Sea\n\n```md\n# Sea\n```\n\n"
        "> Result of the tool: artifacts\n\n```\nOK\n```"
    )
    assert versions(store) == [[first.content, "The moon's gravity."]]


def test_lm_studio(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, lm_studio(tmp_path)) == ImportResult(1, 4)
    talk = only(store)
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Harbours", True, "Be brief.")
    assert talk.source is not None
    assert talk.source["folder"] == "Work"
    assert contents(store) == [
        "Rotterdam?",
        "<think>\nIt is large.\n</think>\n\nThe largest in Europe.",
        "> Picture, not imported: a.png",
    ]
    assert versions(store) == [["<think>\nIt is large.\n</think>\n\nThe largest in Europe.", "In the Netherlands."]]
    assert models(store) == [None, "qwen3-8b", None, "qwen3-8b"]


def test_open_webui(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, open_webui(tmp_path)) == ImportResult(1, 5)
    talk = only(store)
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Salt", True, "Be kind.")
    assert talk.source is not None
    assert (talk.source["tags"], talk.source["folder_id"]) == ("sea, chemistry", "f-1")
    thought = "<think>\nSalt & sun\nmore\n</think>\n\nBecause of rivers."
    assert contents(store) == [
        "> Picture, not imported\n\nWhy is it salty?",
        thought,
        "And lakes?",
        "> Error: No memory",
    ]
    assert versions(store) == [[thought, "Rivers."]]


def test_jan(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, jan(tmp_path)) == ImportResult(1, 2)
    talk = only(store)
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Fog", True, "Answer as a pilot.")
    assert contents(store) == ["Why fog?\n\n> Picture, not imported", "<think>\nAir.\n</think>\n\nCold air."]
    assert models(store) == [None, "gemma-3"]


def test_silly_tavern(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, silly_tavern(tmp_path)) == ImportResult(1, 5, already_there=1)
    talk = only(store)
    assert talk.title == "Ahab - 2024-5-6"
    assert talk.created_at == datetime(2024, 5, 6, 7, 8, 9, 10_000).astimezone(UTC)
    assert contents(store) == ["Ahoy.", "Where is it?", "<think>\nWhite.\n</think>\n\nThere!"]
    assert versions(store) == [["Below.", "<think>\nWhite.\n</think>\n\nThere!"], ["Where is it?", "Is it near?"]]
    assert models(store) == [None, None, "llama", "mistral", None]


def test_cherry_studio(store: ConversationStore, tmp_path: Path) -> None:
    assert import_conversations(store, cherry_studio(tmp_path)) == ImportResult(1, 4)
    talk = only(store)
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Winds", True, "You know winds.")
    assert talk.source == {"program": "cherry", "id": "t-1", "folder": "气象", "model": "glm-4"}
    code = "See:\n\n```python\nwind()\n```"
    assert contents(store) == [
        "什么是信风?",
        code,
        "And this?\n\n> File, not imported: map.pdf",
    ]
    assert versions(store) == [["<think>\nTropics.\n</think>\n\nTrade winds.", code]]


@pytest.mark.parametrize(
    ("name", "version", "database"),
    [
        ("backup.zip", 7, "Data/cherrystudio.sqlite"),
        ("earlier.zip", 7, "cherrystudio.sqlite"),
        ("later.cherrybackup", 8, "backup.sqlite"),
    ],
)
def test_cherry_studio_from_version_2(
    name: str, version: int, database: str, store: ConversationStore, tmp_path: Path
) -> None:
    path = cherry_archive(tmp_path / name, version, database)
    assert preview_import(store, path).programs == ["Cherry Studio"]
    assert import_conversations(store, path) == ImportResult(1, 5)
    talk = only(store)
    assert (talk.title, talk.is_pinned, talk.system_prompt) == ("Winds", True, "You know winds.")
    assert talk.source == {"program": "cherry", "id": "t-1", "folder": "气象", "model": "GLM 4"}
    code = "See:\n\n```python\nwind()\n```"
    question = "And this?\n\n> File, not imported: map.pdf"
    assert contents(store) == ["什么是信风?", code, question]
    assert versions(store) == [["<think>\nTropics.\n</think>\n\nTrade winds.", code]]
    (tree,) = store.trees()
    assert models(store) == [None, "qwen", "GLM 4", None, None]
    assert tree.messages[-1].content == (
        '> Tool call: wind\n\n```\n{\n  "at": 1\n}\n```\n\n> Result of the tool: wind\n\n```\n5 m/s\n```\n\n'
        "> Picture, not imported\n\n> Error: Request was aborted"
    )
    assert import_conversations(store, path).already_there == 1


def test_cherry_studio_of_version_1_and_2_are_the_same_conversation(store: ConversationStore, tmp_path: Path) -> None:
    import_conversations(store, cherry_studio(tmp_path))
    assert import_conversations(store, cherry_database(tmp_path / "renamed.db")) == ImportResult(0, 1, already_there=1)


def test_database_of_a_running_cherry_studio_is_read_with_its_log(store: ConversationStore, tmp_path: Path) -> None:
    path = cherry_database(tmp_path / "Data" / "cherrystudio.sqlite")
    with closing(sqlite3.connect(path)) as running:
        running.execute("PRAGMA journal_mode = WAL")
        running.execute("UPDATE topic SET name = 'Newest'")
        running.commit()
        before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
        import_conversations(store, path.parent)
        assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before
    assert only(store).title == "Newest"


def test_json_lines(store: ConversationStore, tmp_path: Path) -> None:
    call = {"function": {"name": "sounding", "arguments": '{"at": 1}'}}
    first = [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": [{"type": "text", "text": "Depth?"}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "Measure."},
        {"role": "tool", "content": "12"},
        {"role": "assistant", "content": "12 m"},
    ]
    talk = [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "您好"}]
    path = write(tmp_path / "data.jsonl", {"messages": first}, "no object", {"conversations": talk})
    result = import_conversations(store, path)
    assert (result.conversations_added, result.messages_added, len(result.refused)) == (2, 4, 1)
    found = {each.title: [message.content for message in store.branch(each.id)] for each in store.list()}
    assert found == {
        "Depth? > Picture, not imported": [
            "Depth?\n\n> Picture, not imported",
            '<think>\nMeasure.\n</think>\n\n> Tool call: sounding\n\n```\n{"at": 1}\n```\n\n'
            "> Result of the tool\n\n```\n12\n```\n\n12 m",
        ],
        "你好": ["你好", "您好"],
    }
    assert import_conversations(store, path, translate=str.upper).already_there == 2


def test_own_json_lines_do_not_double_conversations(store: ConversationStore, tmp_path: Path) -> None:
    import_conversations(store, open_webui(tmp_path))
    (path,) = export_conversations(store, None, FORMATS["jsonl"], tmp_path / "all.jsonl")
    before = store.trees()
    assert import_conversations(store, path) == ImportResult(0, 0, already_there=1)
    assert store.trees() == before


@pytest.mark.parametrize("name", MAKERS)
def test_each_is_recognised_and_never_doubled(name: str, store: ConversationStore, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "export")
    preview = preview_import(store, path)
    assert (preview.programs, store.list()) == ([PROGRAMS[name].label], [])
    import_conversations(store, path, name)
    before = store.trees()
    # Also in another language, in which the notes are different.
    result = import_conversations(store, path, translate=str.upper)
    assert (result.conversations_added, result.messages_added, store.trees()) == (0, 0, before)


def test_everything_in_one_archive(store: ConversationStore, tmp_path: Path) -> None:
    for make in MAKERS.values():
        make(tmp_path / "all" / make.__name__)
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted((tmp_path / "all").rglob("*.json*")):
            archive.write(each, each.relative_to(tmp_path).as_posix())
    preview = preview_import(store, path)
    assert sorted(preview.programs) == sorted(PROGRAMS[name].label for name in MAKERS.keys() - {"cherry"})
    import_conversations(store, path)
    assert sorted(each.title for each in store.list()) == ["Ahab - 2024-5-6", "Fog", "Harbours", "Salt", "Tides"]
    assert tuple(PROGRAMS) == PROGRAM_NAMES


def test_silly_tavern_of_2023(store: ConversationStore, tmp_path: Path) -> None:
    greeting = {"name": "Megumin", "is_user": False, "send_date": "2023-4-21 @20h 02m 47s 124ms", "mes": "Hi!"}
    for number in range(2):
        header = {"user_name": "You", "character_name": "Megumin", "create_date": 1674559900991 + number}
        write(tmp_path / "chats" / f"{number}.jsonl", header, greeting)
    assert import_conversations(store, tmp_path / "chats") == ImportResult(2, 2)
    assert [each.source and each.source["id"] for each in store.list()] == [
        "Megumin/1674559900992",
        "Megumin/1674559900991",
    ]


def test_layouts_that_other_converters_have_met(store: ConversationStore, tmp_path: Path) -> None:
    step = {"type": "contentBlock", "content": [{"type": "text", "text": "Where is the reef?"}]}
    answers = [{"type": "debugInfoBlock", "debugInfo": "x"}, {**step, "content": [{"type": "text", "text": "South."}]}]
    versions_of_answer = [
        {"type": "multiStep", "role": "assistant", "steps": [{"type": "contentBlock", "content": []}]},
        {"type": "multiStep", "role": "assistant", "senderInfo": {"senderName": "qwen"}, "steps": answers},
    ]
    asked = {"versions": [{"type": "singleStep", "role": "user", "steps": [step]}], "currentlySelected": 0}
    talk = {"name": "Reef", "createdAt": 1780959551824, "lastUsedModel": {"identifier": "qwen"}}
    talk["messages"] = [asked, {"versions": versions_of_answer, "currentlySelected": 1}]
    said = [{"sender": "human", "text": "Hello"}, {"sender": "assistant", "text": "Hi"}, {"future_field": {"x": 1}}]
    greeting = {"name": "Mara", "is_user": False, "send_date": "2026-10-05T14:30:00.000Z", "mes": "Ahoy.", "extra": {}}
    header = {"user_name": "You", "character_name": "Mara", "create_date": "2026-10-05 @09h 30m 00s"}
    write(tmp_path / "1780959551824.conversation.json", talk)
    write(tmp_path / "claude.json", {"conversation_id": "abc", "name": "One alone", "chat_messages": said, "m": 2})
    write(tmp_path / "Mara.jsonl", header, greeting)
    result = import_conversations(store, tmp_path)
    assert (result.conversations_added, result.refused) == (3, ())
    found = {each.title: [message.content for message in store.branch(each.id)] for each in store.list()}
    assert found["Reef"] == ["Where is the reef?", "South."]
    assert found["One alone"] == ["Hello", "Hi"]
    assert found["Mara"][-1].endswith("Ahoy.")
