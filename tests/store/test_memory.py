"""Tests of conversations in memory, which are never written to a disk."""

import threading
from datetime import timedelta

import pytest

from app.config.settings import DAILY
from app.conversation import Attachment, Status
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.store.processes import start_script

WATCHED = """
import os, sys
from app.conversation import Attachment, Status
from app.store.connections import StoreClosed
from app.store.store import ConversationStore

os.environ.pop("SQLITE_TMPDIR", None)
opened = []
sys.addaudithook(lambda name, arguments: name == "open" and opened.append(arguments))
here = set(os.listdir("/proc/self/fd"))
with ConversationStore.in_memory() as store:
    for _ in range(20):
        talk = store.create(title="SECRET")
        _, answer = store.begin_turn(talk.id, "q" * 200_000, attachments=[Attachment("a", "b" * 200_000)])
        store.finish_answer(answer.id, "c" * 200_000, Status.COMPLETE)
    store.search("cc")
    store.trees()
    store.fork(talk.id, answer.id)
    links = [os.readlink(f"/proc/self/fd/{name}") for name in set(os.listdir("/proc/self/fd")) - here
             if os.path.exists(f"/proc/self/fd/{name}")]
    store.erase_everything()
import json
print(json.dumps({"written": [str(each) for each in opened if each[1] and "w" in str(each[1])],
                  "files": [link for link in links if link.startswith("/") and not link.startswith("/proc")]}))
"""


@pytest.fixture
def memory() -> ConversationStore:
    return ConversationStore.in_memory()


def test_a_store_in_memory_supports_every_operation(memory: ConversationStore) -> None:
    talk = memory.create(title="天空")
    question, begun = memory.begin_turn(talk.id, "为什么?", attachments=[Attachment("a", "瑞利")])
    memory.save_text(begun.id, "因")
    with pytest.raises(UserError, match="answer_in_progress"):
        memory.delete_message(question.id)
    memory.finish_answer(begun.id, "因为光。", Status.COMPLETE)
    assert [message.content for message in memory.branch(talk.id)] == ["为什么?", "因为光。"]
    assert len(memory.search("天空")) == 1
    copy = memory.fork(talk.id, begun.id)
    memory.delete_message(question.id)
    memory.delete(talk.id)
    assert memory.purge_deleted(timedelta(0)) == 1
    assert [each.id for each in memory.list()] == [copy.id]
    assert memory.backups() == []
    assert memory.backup_if_due(DAILY) is None
    memory.close()
    with pytest.raises(StoreClosed):
        memory.list()


def test_two_stores_in_memory_are_independent(memory: ConversationStore) -> None:
    memory.create(title="one")
    with ConversationStore.in_memory() as other:
        assert other.list() == []
    assert len(memory.list()) == 1
    memory.close()


def test_a_failed_call_changes_nothing(memory: ConversationStore) -> None:
    talk = memory.create()
    with pytest.raises(UserError, match="message_missing"):
        memory.begin_turn(talk.id, "?", instead_of="no")
    with pytest.raises(UserError, match="conversation_missing"):
        memory.get("no")
    assert memory.messages(talk.id) == []
    memory.close()


def test_many_threads_use_it_at_once(memory: ConversationStore) -> None:
    talk = memory.create()
    _, begun = memory.begin_turn(talk.id, "?")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(50):
                memory.save_text(begun.id, "x" * step)
                memory.rename(memory.create(title=str(number)).id, f"{number}.{step}")
                memory.branch(talk.id)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(memory.list()) == 201
    memory.close()


def test_nothing_is_written_to_a_disk() -> None:
    assert start_script(WATCHED) == {"written": [], "files": []}
