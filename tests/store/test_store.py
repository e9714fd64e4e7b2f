import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.conversation import Provenance, Role, Status
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.errors import UserError

PROVENANCE = Provenance(
    model_id="apus:Q2_K",
    sampling=Sampling(temperature=0, stop=("</s>", "用户:"), seed=7, max_tokens=100),
    seed=7,
    prompt_tokens=12,
    completion_tokens=34,
    finish_reason="stop",
    tokens_per_second=8.25,
    prompt_tokens_per_second=100.5,
    time_to_first_token_s=0.75,
    file_sha256="ab" * 32,
    quantisation="Q2_K",
    engine="llama.cpp (llama-cpp-python 0.3.36)",
    program="0.1.0",
    plan={"context": 4096, "tensor_split": [1.0, 2.0]},
)


def code_of(raised: pytest.ExceptionInfo[UserError]) -> str:
    return raised.value.code


def test_a_new_conversation_reads_back(store: ConversationStore) -> None:
    made = store.create(title="天空", system_prompt="Be brief.", model_id="starter")
    assert store.get(made.id) == made
    assert store.list() == [made]
    assert made.created_at.tzinfo is UTC
    assert store.messages(made.id) == store.branch(made.id) == []


def test_a_turn_begins_with_a_question_and_an_empty_answer(store: ConversationStore) -> None:
    conversation = store.create()
    question, answer = store.begin_turn(conversation.id, "为什么?")
    assert store.branch(conversation.id) == [question, answer]
    assert (question.role, question.status, question.content) == (Role.USER, Status.COMPLETE, "为什么?")
    assert (answer.role, answer.status, answer.content) == (Role.ASSISTANT, Status.STREAMING, "")
    assert (question.parent_id, answer.parent_id) == (None, question.id)
    read = store.get(conversation.id)
    assert (read.leaf_id, read.message_count, read.title) == (answer.id, 2, "")


def test_an_answer_grows_and_ends_with_its_provenance(store: ConversationStore) -> None:
    conversation = store.create()
    _, answer = store.begin_turn(conversation.id, "?")
    store.save_text(answer.id, "因")
    store.save_text(answer.id, "因为")
    assert store.message(answer.id).content == "因为"
    finished = store.finish_answer(answer.id, "因为光。", Status.COMPLETE, PROVENANCE)
    assert finished == store.message(answer.id)
    assert (finished.status, finished.content, finished.provenance) == (Status.COMPLETE, "因为光。", PROVENANCE)


def test_rows_of_a_version_without_some_parameters_read_with_their_defaults(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        conversation = store.create()
        store.update(conversation.id, sampling=PROVENANCE.sampling)
        _, answer = store.begin_turn(conversation.id, "?")
        store.finish_answer(answer.id, "!", Status.COMPLETE, PROVENANCE)
    with closing(sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)) as connection:
        connection.execute("UPDATE messages SET made_by = json_remove(made_by, '$.sampling.min_p', '$.plan')")
        connection.execute("UPDATE conversations SET sampling = json_remove(sampling, '$.min_p')")
    with ConversationStore.open(folder) as store:
        provenance = store.message(answer.id).provenance
        assert provenance is not None
        assert provenance == replace(PROVENANCE, plan={}, sampling=replace(PROVENANCE.sampling, min_p=Sampling.min_p))
        assert store.get(conversation.id).sampling == provenance.sampling


def test_text_after_the_end_of_an_answer_is_ignored(store: ConversationStore) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    store.finish_answer(answer.id, "the end", Status.STOPPED)
    store.save_text(answer.id, "the e")
    assert store.message(answer.id).content == "the end"


def test_an_error_is_stored_as_code_and_data(store: ConversationStore) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    error = {"code": "file_missing", "path": Path("/模型"), "rate": float("inf")}
    store.finish_answer(answer.id, "", Status.FAILED, None, error)
    assert store.message(answer.id).error == {"code": "file_missing", "path": str(Path("/模型")), "rate": None}


def test_an_interrupted_answer_is_resumed_where_it_was(store: ConversationStore) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    store.finish_answer(answer.id, "half", Status.INTERRUPTED, None, {"code": "engine_died"})
    resumed = store.resume_answer(answer.id)
    assert (resumed.status, resumed.content, resumed.error) == (Status.STREAMING, "half", None)
    store.save_text(answer.id, "half and more")
    assert store.message(answer.id).content == "half and more"


def test_answers_to_one_question_are_siblings_and_each_has_its_branch(store: ConversationStore) -> None:
    conversation = store.create()
    question, first = store.begin_turn(conversation.id, "1?")
    store.finish_answer(first.id, "first", Status.COMPLETE)
    later, below_first = store.begin_turn(conversation.id, "2?")
    second = store.begin_answer(conversation.id, question.id)
    assert second.parent_id == question.id
    assert [message.id for message in store.branch(conversation.id)] == [question.id, second.id]
    assert store.select_leaf(conversation.id, first.id) == below_first.id
    assert [each.id for each in store.branch(conversation.id)] == [question.id, first.id, later.id, below_first.id]
    assert [each.id for each in store.messages(conversation.id)] == [
        question.id,
        first.id,
        later.id,
        below_first.id,
        second.id,
    ]
    assert store.select_leaf(conversation.id, question.id) == second.id, "the newest below it, on whatever branch"
    assert store.get(conversation.id).message_count == 5


def test_an_edited_question_is_a_sibling_of_the_old_one(store: ConversationStore) -> None:
    conversation = store.create()
    first, _ = store.begin_turn(conversation.id, "teh?")
    anew, answer = store.begin_turn(conversation.id, "the?", instead_of=first.id)
    assert anew.parent_id is None
    assert store.branch(conversation.id) == [anew, answer]
    assert len(store.messages(conversation.id)) == 4


def test_a_conversation_of_thousands_of_turns_is_read_and_purged(store: ConversationStore) -> None:
    conversation = store.create()
    for number in range(1200):
        store.begin_turn(conversation.id, str(number))
    assert len(store.branch(conversation.id)) == 2400
    first = store.branch(conversation.id)[0]
    assert store.select_leaf(conversation.id, first.id) == store.branch(conversation.id)[-1].id
    store.delete(conversation.id)
    assert store.purge_deleted(timedelta(0)) == 1


def test_the_list_is_sorted_by_the_last_activity(store: ConversationStore) -> None:
    first, second = store.create(title="first"), store.create(title="second")
    assert [each.title for each in store.list()] == ["second", "first"]
    _, answer = store.begin_turn(first.id, "?")
    assert [each.title for each in store.list()] == ["first", "second"]
    store.begin_turn(second.id, "?")
    store.finish_answer(answer.id, "!", Status.COMPLETE)
    assert [each.title for each in store.list()] == ["first", "second"]
    before = store.get(second.id).updated_at
    store.rename(second.id, "二")
    store.update(second.id, system_prompt="短")
    store.update(second.id, model_id="starter")
    read = store.get(second.id)
    assert (read.title, read.system_prompt, read.model_id, read.updated_at) == ("二", "短", "starter", before)


def test_deletion_is_undone_until_it_is_purged(store: ConversationStore) -> None:
    kept, gone = store.create(title="kept"), store.create(title="gone")
    _, answer = store.begin_turn(gone.id, "?")
    store.delete(gone.id)
    assert [each.title for each in store.list()] == ["kept"]
    with pytest.raises(UserError, match="conversation_missing"):
        store.messages(gone.id)
    store.save_text(answer.id, "an answer under way goes on")
    assert store.purge_deleted(timedelta(days=30)) == 0
    assert store.restore(gone.id) == (gone.id,)
    assert store.get(gone.id).message_count == 2
    assert store.message(answer.id).content == "an answer under way goes on"
    store.delete(gone.id)
    assert store.purge_deleted(timedelta(0)) == 1
    assert store.restore(gone.id) == ()
    with pytest.raises(UserError) as raised:
        store.save_text(answer.id, "")
    assert code_of(raised) == "message_missing"
    assert [each.id for each in store.list()] == [kept.id]


def test_missing_ids_are_errors(store: ConversationStore) -> None:
    conversation, other = store.create(), store.create()
    question, _ = store.begin_turn(other.id, "?")
    for act in (
        lambda: store.get("no"),
        lambda: store.rename("no", ""),
        lambda: store.begin_turn("no", ""),
        lambda: store.branch("no"),
    ):
        with pytest.raises(UserError) as raised:
            act()
        assert (code_of(raised), raised.value.data) == ("conversation_missing", {"id": "no"})
    for act in (
        lambda: store.message("no"),
        lambda: store.save_text("no", ""),
        lambda: store.finish_answer("no", "", Status.COMPLETE),
        lambda: store.resume_answer("no"),
        lambda: store.begin_answer(conversation.id, question.id),
        lambda: store.select_leaf(conversation.id, question.id),
        lambda: store.begin_turn(conversation.id, "", instead_of=question.id),
    ):
        with pytest.raises(UserError) as raised:
            act()
        assert code_of(raised) == "message_missing"
    assert store.messages(conversation.id) == []


def test_any_text_is_stored(store: ConversationStore) -> None:
    odd = "a\0b \ud83d\ude00 \ud83d 𠮷 '; DROP TABLE messages --"
    question, answer = store.begin_turn(store.create(title=odd).id, odd)
    assert store.message(question.id).content == "a\0b 😀 \ufffd 𠮷 '; DROP TABLE messages --"
    assert store.list()[0].title == question.content
    store.finish_answer(answer.id, odd, Status.COMPLETE, replace(PROVENANCE, plan={odd: [odd]}))
    provenance = store.message(answer.id).provenance
    assert provenance is not None
    assert provenance.plan == {question.content: [question.content]}


def test_everything_is_there_after_closing_and_opening(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        conversation = store.create(title="天")
        _, answer = store.begin_turn(conversation.id, "?")
        store.finish_answer(answer.id, "!", Status.COMPLETE, PROVENANCE)
        before = store.trees()
    with ConversationStore.open(folder) as store:
        assert store.trees() == before
    assert sorted(path.name for path in folder.iterdir()) == ["backups", "conversations.sqlite3", "running"]
    assert [path.name for path in (folder / "running").iterdir()] == ["opening.lock"]


def test_times_are_now(store: ConversationStore) -> None:
    before = datetime.now(UTC)
    question, _ = store.begin_turn(store.create().id, "?")
    assert before <= question.created_at <= datetime.now(UTC)


def test_a_backup_is_one_file_that_opens_as_a_store(store: ConversationStore, tmp_path: Path) -> None:
    store.begin_turn(store.create(title="天").id, "?")
    copy = tmp_path / "copy" / "conversations.sqlite3"
    copy.parent.mkdir()
    copy.write_bytes(b"an older backup")
    store.backup(copy)
    assert [path.name for path in copy.parent.iterdir()] == ["conversations.sqlite3"]
    with ConversationStore.open(copy.parent) as other:
        assert [each.title for each in other.list()] == ["天"]


def test_a_backup_that_cannot_be_written_is_an_error(store: ConversationStore, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        store.backup(tmp_path / "no such folder" / "copy.sqlite3")
    assert code_of(raised) == "folder_missing"


def test_only_the_owner_can_read_the_files(store: ConversationStore, folder: Path) -> None:
    store.create()
    made, asked = store.backup_now().path, folder / "asked.sqlite3"
    asked.touch(0o644)
    store.backup(asked)
    paths = [folder, made.parent, made, asked, *folder.glob("conversations.sqlite3*")]
    assert [path.name for path in paths if path.stat().st_mode & 0o077] == []
    # As after a copy of the data folder, or as an earlier version created them.
    for path in (folder, made.parent, folder / "conversations.sqlite3"):
        path.chmod(path.stat().st_mode | 0o055)
    with ConversationStore.open(folder):
        assert [path.name for path in paths if path.stat().st_mode & 0o077] == []
