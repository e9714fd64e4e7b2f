import sqlite3
import threading
from pathlib import Path

from app.conversation import Status
from app.store.store import ConversationStore


def test_one_thread_writes_an_answer_while_another_uses_the_store(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        talking, other = store.create(title="talking"), store.create(title="other")
        _, answer = store.begin_turn(talking.id, "?")
        done = threading.Event()

        def write() -> None:
            for length in range(400):
                store.save_text(answer.id, "字" * length)
            store.finish_answer(answer.id, "字" * 400, Status.COMPLETE)
            done.set()

        worker = threading.Thread(target=write)
        worker.start()
        lengths = []
        number = 0
        while not done.is_set():
            lengths.append(len(store.branch(talking.id)[-1].content))
            store.rename(other.id, f"other {number}")
            number += 1
        worker.join()
        assert lengths == sorted(lengths)
        assert store.message(answer.id).content == "字" * 400
        assert store.get(other.id).title == f"other {number - 1}"


def test_reading_does_not_wait_for_a_writer(folder: Path) -> None:
    with ConversationStore.open(folder, busy_timeout_s=0) as store:
        conversation = store.create(title="天")
        writer = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM conversations")
        assert store.list() == [conversation]
        assert len(store.search("天")) == 1
        writer.close()


def test_finished_threads_leave_no_connection_open(folder: Path) -> None:
    store = ConversationStore.open(folder)
    for _ in range(5):
        thread = threading.Thread(target=store.create)
        thread.start()
        thread.join()
    store.close()
    assert sorted(path.name for path in folder.iterdir()) == ["backups", "conversations.sqlite3", "running"]
    with ConversationStore.open(folder) as store:
        assert len(store.list()) == 5
