from pathlib import Path

import pytest

from app.conversation import Status
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.store.processes import start


def test_a_killed_process_leaves_an_interrupted_answer_with_all_that_was_saved(folder: Path) -> None:
    with start("answer", folder) as child:
        child.kill()
    with ConversationStore.open(folder) as store:
        question, answer = store.branch(child.report["conversation_id"])
        assert (question.content, question.status) == ("为什么天是蓝的?", Status.COMPLETE)
        assert (answer.content, answer.status) == ("因为阳光 scatters 在空气里", Status.INTERRUPTED)
        assert store.resume_answer(answer.id).status is Status.STREAMING
        assert len(list((folder / "running").iterdir())) == 2, "the lock of opening and ours"


def test_the_answer_of_a_living_process_is_unchanged_until_it_dies(folder: Path) -> None:
    with start("answer", folder) as child:
        answer_id = child.report["answer_id"]
        with ConversationStore.open(folder) as store:
            assert store.message(answer_id).status is Status.STREAMING
            for act in (
                lambda: store.resume_answer(answer_id),
                lambda: store.begin_turn(child.report["conversation_id"], "?"),
            ):
                with pytest.raises(UserError, match="answer_in_progress"):
                    act()
            store.save_text(answer_id, "not ours")
            assert store.message(answer_id).content == "因为阳光 scatters 在空气里"
            child.kill()
            assert store.resume_answer(answer_id).status is Status.STREAMING


def test_a_turn_after_an_answer_whose_process_died(folder: Path) -> None:
    with start("answer", folder) as child, ConversationStore.open(folder) as store:
        child.kill()
        store.begin_turn(child.report["conversation_id"], "?")
        assert store.message(child.report["answer_id"]).status is Status.INTERRUPTED


def test_another_store_in_the_same_process_counts_as_alive(folder: Path) -> None:
    with ConversationStore.open(folder) as first:
        _, answer = first.begin_turn(first.create().id, "?")
        with ConversationStore.open(folder) as second:
            assert second.message(answer.id).status is Status.STREAMING


def test_a_store_closed_in_the_middle_of_an_answer_interrupts_it(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        _, answer = store.begin_turn(store.create().id, "?")
        store.save_text(answer.id, "half")
    with ConversationStore.open(folder) as store:
        message = store.message(answer.id)
        assert (message.content, message.status) == ("half", Status.INTERRUPTED)


def test_a_restored_backup_has_no_writer(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    with ConversationStore.open(folder) as store:
        _, answer = store.begin_turn(store.create().id, "?")
        store.backup(copy / "conversations.sqlite3")
    with ConversationStore.open(copy) as store:
        assert store.message(answer.id).status is Status.INTERRUPTED
    assert [path.name for path in (copy / "running").iterdir()] == ["opening.lock"]


def test_several_processes_open_a_new_folder_at_once(folder: Path) -> None:
    with start("open_only", folder) as first, start("open_only", folder) as second, start("open_only", folder) as third:
        for child in (first, second, third):
            assert child.report == {"conversations": 0}
            child.end()
    assert list((folder / "backups").iterdir()) == []
