import copy
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.bounds import MAX_TITLE_CHARACTERS
from app.context import ContextPolicy
from app.conversation import Attachment, ConversationTree, ImportResult, SkippedConversation, Status
from app.export.export import FORMATS, export_conversations
from app.export.formats import ExportOptions
from app.export.json_format import FORMAT_VERSION
from app.imports import json_stream
from app.imports.apus import APUS
from app.imports.importer import import_conversations
from app.imports.program import ImportedFile
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.export.conftest import PROVENANCE


def document(trees: list[ConversationTree]) -> dict[str, Any]:
    """The document of these conversations as plain JSON."""
    plain: dict[str, Any] = json.loads(FORMATS["json"].write(trees, ExportOptions()))
    return plain


def read_bytes(content: bytes) -> list[ConversationTree | SkippedConversation]:
    """What an import makes of a file."""
    file = ImportedFile("all.json", datetime.now(UTC), lambda: io.BytesIO(content), head={"version": FORMAT_VERSION})
    return list(APUS.read(file))


def read(values: object) -> list[ConversationTree | SkippedConversation]:
    """What an import makes of a document."""
    return read_bytes(json.dumps(values).encode())


def written(store: ConversationStore, path: Path) -> Path:
    export_conversations(store, None, FORMATS["json"], path)
    return path


def test_import_restores_everything(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    store.create(title="empty")
    path = written(store, tmp_path / "all.json")
    assert import_conversations(other_store, path) == ImportResult(2, 5)
    assert other_store.trees() == store.trees()
    assert other_store.branch(conversation_id) == store.branch(conversation_id)
    assert written(other_store, tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_file_chooses_no_tools(store: ConversationStore, other_store: ConversationStore, tmp_path: Path) -> None:
    created = store.create(title="acts", sampling=Sampling(tools=("files",), top_k=7))
    import_conversations(other_store, written(store, tmp_path / "all.json"))
    assert other_store.get(created.id).sampling == Sampling(top_k=7)


def test_importing_again_changes_nothing(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    path = written(store, tmp_path / "all.json")
    for target in (store, other_store, other_store):
        import_conversations(target, path)
    before = store.trees()
    assert import_conversations(store, path) == ImportResult(0, 0, already_there=1)
    assert store.trees() == other_store.trees() == before


def test_import_merges_with_existing_conversations(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    import_conversations(other_store, written(store, tmp_path / "first.json"))
    store.begin_turn(conversation_id, "here")
    there_question, there = other_store.begin_turn(conversation_id, "there")
    other_store.finish_answer(there.id, "kept", Status.COMPLETE)
    other_store.rename(conversation_id, "my own title")
    before = other_store.get(conversation_id)
    result = import_conversations(other_store, written(store, tmp_path / "second.json"))
    assert result == ImportResult(0, 2, already_there=1)
    after = other_store.get(conversation_id)
    assert (after.title, after.leaf_id, after.updated_at) == ("my own title", there.id, before.updated_at)
    contents = [message.content for message in other_store.messages(conversation_id)]
    assert contents[-4:] == ["there", "kept", "here", ""]
    assert other_store.branch(conversation_id)[-2:] == [there_question, other_store.message(there.id)]


def test_streaming_answer_is_interrupted_after_import(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    store.save_text(answer.id, "half")
    path = written(store, tmp_path / "all.json")
    import_conversations(other_store, path)
    import_conversations(store, path)
    assert store.message(answer.id).status is Status.STREAMING
    assert other_store.message(answer.id).status is Status.INTERRUPTED
    assert other_store.message(answer.id).content == "half"


def test_import_restores_a_deleted_conversation(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    path = written(store, tmp_path / "all.json")
    before = store.trees()
    store.delete(conversation_id)
    assert json.loads(written(store, tmp_path / "none.json").read_bytes())["conversations"] == []
    assert import_conversations(store, path) == ImportResult(1, 0)
    assert store.trees() == before


def test_empty_conversation_shows_imported_messages(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    conversation = store.create()
    import_conversations(other_store, written(store, tmp_path / "empty.json"))
    store.begin_turn(conversation.id, "?")
    import_conversations(other_store, written(store, tmp_path / "more.json"))
    assert len(other_store.branch(conversation.id)) == 2


def test_message_of_another_conversation_is_refused(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    values = document(store.trees())
    twin = copy.deepcopy(values["conversations"][0])
    twin["id"], twin["title"] = str(uuid.uuid4()), "双胞胎"
    store.create(title="after it")
    values["conversations"] += [twin, document(store.trees())["conversations"][-1]]
    path = tmp_path / "twins.json"
    path.write_text(json.dumps(values))
    result = import_conversations(other_store, path)
    assert (result.conversations_added, result.messages_added) == (2, 5)
    ((what, error),) = [(each.what, each.error) for each in result.refused]
    assert (what, error.code, error.data["conversation_id"]) == ("双胞胎", "import_conflict", conversation_id)
    assert other_store.trees() == store.trees()


def spoilt(store: ConversationStore, path: Path) -> Path:
    values = document(store.trees())
    values["conversations"][0]["messages"][1]["role"] = "robot"
    values["conversations"].insert(0, "hello")
    path.write_text(json.dumps(values))
    return path


def test_valid_conversations_of_a_damaged_file_are_imported(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    kept = store.create(title="sound")
    result = import_conversations(other_store, spoilt(store, tmp_path / "some.json"))
    assert (result.conversations_added, result.messages_added) == (1, 0)
    assert [(each.what, each.error.data["detail"]) for each in result.refused] == [
        ("conversations[0]", "conversations[0]"),
        ("天空的颜色", "conversations[1].messages[1].role"),
    ]
    assert other_store.trees() == store.trees([kept.id])


def test_file_without_valid_conversations_is_refused(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path
) -> None:
    path = spoilt(store, tmp_path / "none.json")
    with pytest.raises(UserError) as raised:
        import_conversations(other_store, path)
    assert (raised.value.code, raised.value.data) == ("import_unreadable", {"path": path, "detail": "conversations[0]"})


def test_bytes_that_are_no_utf8_cost_one_conversation(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path
) -> None:
    for number in range(5):
        store.begin_turn(store.create(title=f"谈话 {number}").id, f"question {number} ✓")
    path = written(store, tmp_path / "all.json")
    path.write_bytes(path.read_bytes().replace("question 2 ✓".encode(), b"question 2 \xe2\x9c\xff\xfe"))
    result = import_conversations(other_store, path)
    assert [each.what for each in result.refused] == ["谈话 2"]
    assert [tree.conversation.title for tree in other_store.trees()] == [f"谈话 {number}" for number in (0, 1, 3, 4)]


@pytest.fixture(params=["Asia/Shanghai", "America/New_York"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process can't be changed here")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("time_zone")
def test_times_and_numbers_are_clamped(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str
) -> None:
    values = document(store.trees())
    (talk,) = values["conversations"]
    question, answer = talk["messages"][:2]
    talk.update(created_at="0001-01-01T00:00:00+23:59", updated_at="9999-12-31T23:59:59.999999-23:59")
    talk.update(
        archived_at="9999-12-31T23:59:59Z", title="T\n" * 50_000, sampling={"temperature": 1e999, "top_k": 10**30}
    )
    question.update(created_at="0001-01-01T00:00:00Z", attachments=[{"name": "a", "content": "b", "tokens": 10**30}])
    answer["made_by"].update(seed=-(10**30), prompt_tokens=10**30, thought_s=1e308, tokens_per_second=float("-inf"))
    answer["made_by"]["sampling"].update(max_tokens=-(10**30), top_p=float("nan"))
    (tree,) = read(values)
    assert isinstance(tree, ConversationTree)
    assert tree.conversation.title.startswith("T T T")
    other_store.merge([tree])
    assert other_store.trees() == [tree]
    # Stored by an earlier version, which did not clamp.
    title = "x" * 100_000
    with other_store._connections.writing() as connection:
        connection.execute(
            "UPDATE conversations SET updated_at = '9999-12-31T23:59:59.999999+00:00', title = ?", [title]
        )
        connection.execute("UPDATE messages SET created_at = '0001-01-01T00:00:00.000000+00:00'")
        connection.execute("UPDATE attachments SET tokens = ?", (-(1 << 63),))
        connection.execute("UPDATE messages SET made_by = replace(made_by, '\"seed\":0,', ?)", [f'"seed":{10**30},'])
    (stored,) = other_store.list(archived=True)
    messages = other_store.messages(stored.id)
    times = [stored.created_at, stored.updated_at, stored.archived_at, *(each.created_at for each in messages)]
    assert all(1970 <= each.astimezone().year <= 2200 for each in times if each is not None)
    assert len(stored.title) <= MAX_TITLE_CHARACTERS
    assert messages[0].attachments[0].tokens == 0
    made_by = messages[1].provenance
    assert made_by is not None
    figures = [*vars(made_by).values(), *vars(made_by.sampling).values(), *vars(stored.sampling or Sampling()).values()]
    assert all(abs(each) <= 1 << 53 for each in figures if isinstance(each, int | float))


@pytest.mark.parametrize("share", [0.35, 0.65, 0.95])
def test_truncated_file_gives_its_complete_conversations(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path, share: float
) -> None:
    for number in range(10):
        talk = store.create(title=f"谈话 {number}")
        store.begin_turn(talk.id, "字" * 3000)
    content = written(store, tmp_path / "all.json").read_bytes()
    path = tmp_path / "cut.json"
    path.write_bytes(content[: int(len(content) * share)])
    result = import_conversations(other_store, path)
    whole = int(10 * share)
    assert (result.conversations_added, result.messages_added) == (whole, 2 * whole)
    assert [each.what for each in result.refused] == [f"conversations[{whole}]"]
    assert [tree.conversation.title for tree in other_store.trees()] == [f"谈话 {number}" for number in range(whole)]


@pytest.mark.parametrize(
    "order", [("conversations", "format", "version"), ("version", "more", "format", "conversations")]
)
def test_keys_in_any_order(
    store: ConversationStore, other_store: ConversationStore, conversation_id: str, tmp_path: Path, order: tuple[str]
) -> None:
    values = {**document(store.trees()), "more": [1.5e3, {"conversations": []}]}
    path = tmp_path / "sorted.json"
    path.write_text(json.dumps({key: values[key] for key in order}, ensure_ascii=True, indent=1))
    assert import_conversations(other_store, path) == ImportResult(1, 5)
    assert other_store.trees() == store.trees()


def test_conversations_longer_than_a_chunk(
    store: ConversationStore, other_store: ConversationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for length in (0, 1, 5000, 3, 40_000):
        _, answer = store.begin_turn(store.create(title=str(length)).id, "天a😀" * length)
        store.finish_answer(answer.id, "", Status.COMPLETE)
    path = written(store, tmp_path / "all.json")
    for size in (7, 64, 4096):
        monkeypatch.setattr(json_stream, "CHUNK_BYTES", size)
        assert read_bytes(path.read_bytes()) == store.trees()
    import_conversations(other_store, path)
    assert other_store.trees() == store.trees()


def test_fields_of_version_2(store: ConversationStore, other_store: ConversationStore, tmp_path: Path) -> None:
    talk = store.create(title="program's")
    store.update(talk.id, sampling=Sampling(temperature=0.1, max_tokens=5, json_schema='{"type": "object"}'))
    store.update(talk.id, context_policy=ContextPolicy.ROLL)
    store.update(talk.id, is_pinned=True)
    question, answer = store.begin_turn(
        talk.id, "?", attachments=[Attachment("a.txt", "瑞利\0", 3), Attachment("b", "")]
    )
    store.finish_answer(answer.id, "!", Status.COMPLETE, replace(PROVENANCE, thought_s=1.5, left_out=(question.id,)))
    store.pin_message(question.id, True)
    store.rename(store.create(title="x").id, "person's")
    store.archive(store.create(title="put away").id)
    _, gone = store.begin_turn(talk.id, "gone")
    store.finish_answer(gone.id, "", Status.COMPLETE)
    store.delete_message(store.message(gone.id).parent_id or "")
    path = written(store, tmp_path / "all.json")
    assert "gone" not in path.read_text(encoding="utf-8")
    assert import_conversations(other_store, path) == ImportResult(3, 2)
    assert other_store.trees() == store.trees()
    assert [each.title for each in other_store.list()] == [each.title for each in store.list()]


def test_file_of_version_1(store: ConversationStore, conversation_id: str) -> None:
    values = document(store.trees())
    values["version"] = 1
    (talk,) = values["conversations"]
    for key in ("pinned", "archived_at", "title_is_chosen", "sampling", "context_policy"):
        talk.pop(key)
    for message in talk["messages"]:
        message.pop("pinned")
        message.pop("attachments")
    (tree,) = read(values)
    (here,) = store.trees()
    assert tree.messages == here.messages
    assert tree.conversation == replace(here.conversation, title_is_chosen=True)


def test_import_restores_deleted_messages(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    path = written(store, tmp_path / "all.json")
    before = store.messages(conversation_id)
    store.delete_message(before[1].id)
    assert import_conversations(store, path).messages_added == 3
    assert store.messages(conversation_id) == before


def test_file_is_readable(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    text = written(store, tmp_path / "all.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "format": "apus-chat-conversations",\n  "version": 5,\n')
    assert "为什么天是蓝的?" in text


def test_file_with_a_byte_order_mark(store: ConversationStore, conversation_id: str, tmp_path: Path) -> None:
    content = written(store, tmp_path / "all.json").read_bytes()
    assert read_bytes(b"\xef\xbb\xbf" + content) == store.trees()


def test_newer_file_is_refused(other_store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "newer.json"
    path.write_text('{"format": "apus-chat-conversations", "version": 6, "talks": []}')
    with pytest.raises(UserError) as raised:
        import_conversations(other_store, path)
    assert (raised.value.code, raised.value.data) == ("import_newer", {"path": path, "version": 6, "known": 5})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": 1}',
        b"\xff\xfe",
        b"# Title\n",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"format": "apus-chat-conversations", "version": true, "conversations": []}',
    ],
)
def test_other_files_are_refused(other_store: ConversationStore, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        import_conversations(other_store, path)
    assert (raised.value.code, raised.value.data["path"]) == ("import_unreadable", path)


def nested(depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for _ in range(depth):
        values = {"deeper": values}
    return values


SPOILERS: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("conversations[0].id", lambda talk: talk.update(id="1")),
    ("conversations[0].id", lambda talk: talk.update(id=talk["id"].upper())),
    ("conversations[0].title", lambda talk: talk.pop("title")),
    ("conversations[0].created_at", lambda talk: talk.update(created_at="2026-01-01T00:00:00")),
    ("conversations[0].messages[1].created_at", lambda talk: talk["messages"][1].update(created_at="2026-01-01T00:00")),
    ("conversations[0].leaf_id", lambda talk: talk.update(leaf_id=str(uuid.uuid4()))),
    ("conversations[0].messages", lambda talk: talk.update(messages={})),
    ("conversations[0].messages[1]", lambda talk: talk["messages"].__setitem__(1, "hello")),
    ("conversations[0].messages[1].id", lambda talk: talk["messages"][1].update(id=talk["messages"][0]["id"])),
    ("conversations[0].messages[0].role", lambda talk: talk["messages"][0].update(role="robot")),
    ("conversations[0].messages[0].status", lambda talk: talk["messages"][0].update(status=None)),
    ("conversations[0].messages[0].content", lambda talk: talk["messages"][0].update(content=["a"])),
    ("conversations[0].messages[1].parent_id", lambda talk: talk["messages"].reverse()),
    ("conversations[0].messages[0].parent_id", lambda talk: talk["messages"][0].pop("parent_id")),
    ("conversations[0].messages[1].made_by", lambda talk: talk["messages"][1].update(made_by=[])),
    ("conversations[0].messages[1].made_by.seed", lambda talk: talk["messages"][1]["made_by"].update(seed=1.5)),
    (
        "conversations[0].messages[1].made_by.sampling.top_p",
        lambda talk: talk["messages"][1]["made_by"]["sampling"].update(top_p=10**400),
    ),
    (
        "conversations[0].messages[1].made_by.sampling.stop[0]",
        lambda talk: talk["messages"][1]["made_by"]["sampling"].update(stop=[1]),
    ),
    ("conversations[0]", lambda talk: talk["messages"][1]["made_by"].update(plan=nested(200))),
    ("conversations[0].pinned", lambda talk: talk.update(pinned=1)),
    ("conversations[0].archived_at", lambda talk: talk.update(archived_at="yesterday")),
    ("conversations[0].context_policy", lambda talk: talk.update(context_policy="forget")),
    ("conversations[0].sampling", lambda talk: talk.update(sampling=[])),
    ("conversations[0].messages[0].attachments", lambda talk: talk["messages"][0].update(attachments={})),
    ("conversations[0].messages[0].attachments[0]", lambda talk: talk["messages"][0].update(attachments=["a"])),
    (
        "conversations[0].messages[0].attachments[0].content",
        lambda talk: talk["messages"][0].update(attachments=[{"name": "a"}]),
    ),
]


@pytest.mark.parametrize(("place", "spoil"), SPOILERS)
def test_invalid_value_is_reported_with_its_place(
    store: ConversationStore, conversation_id: str, place: str, spoil: Callable[[dict[str, Any]], None]
) -> None:
    values = document(store.trees())
    assert read(values) == store.trees()
    if place.endswith("parent_id"):
        values["conversations"][0]["messages"] = values["conversations"][0]["messages"][:2]
    spoil(values["conversations"][0])
    (refused,) = read(values)
    assert isinstance(refused, SkippedConversation)
    assert refused.error.code == "import_unfit"
    if not place.endswith("parent_id"):
        assert refused.error.data == {"detail": place}


def test_lone_surrogates_are_replaced(other_store: ConversationStore, store: ConversationStore) -> None:
    store.begin_turn(store.create().id, "?")
    values = document(store.trees())
    values["conversations"][0]["messages"][0]["content"] = "\ud83d"
    values["conversations"][0]["model_id"] = values["conversations"][0]["folder_id"] = "\ude00"
    (tree,) = read(values)
    other_store.merge([tree])
    assert other_store.messages(tree.conversation.id)[0].content == "\ufffd"


def test_unknown_keys_are_ignored(other_store: ConversationStore, store: ConversationStore) -> None:
    store.begin_turn(store.create().id, "?")
    values = document(store.trees())
    values["conversations"][0]["colour"] = "blue"
    assert read(values) == store.trees()


def test_missing_file(store: ConversationStore, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="file_missing"):
        import_conversations(store, tmp_path / "none.json")
    with pytest.raises(UserError, match="import_unreadable"):
        import_conversations(store, tmp_path)
