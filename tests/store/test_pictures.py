"""Pictures in the store: kept whole, copied, searched around, erased, backed up, refused where they are damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from app.conversation import Attachment, Status
from app.store.backups import BackupFolder, BackupKind
from app.store.store import ConversationStore
from tests.rigs.pictures import attached, png_bomb

TEXT = Attachment("notes.txt", "something about cats", 4)
PICTURES = (attached("cat.png"), TEXT, attached("狗 \N{DOG}.png", (30, 60)))


def asked(store: ConversationStore) -> tuple[str, str]:
    """Return the ids of a conversation with pictures and of its answer."""
    id_ = store.create(title="Animals").id
    question, answer = store.begin_turn(id_, "What are they?", attachments=PICTURES)
    assert question.attachments == PICTURES
    store.finish_answer(answer.id, "A cat and a dog.", Status.COMPLETE)
    return id_, answer.id


def test_pictures_are_kept_in_their_order(store: ConversationStore) -> None:
    id_, _ = asked(store)
    for messages in (store.branch(id_), store.messages(id_), store.trees([id_])[0].messages):
        assert messages[0].attachments == PICTURES
    assert store.message(messages[0].id).attachments == PICTURES


def test_versions_and_forks_have_their_own(store: ConversationStore) -> None:
    id_, answer_id = asked(store)
    question = store.branch(id_)[0]
    store.begin_turn(id_, "And now?", instead_of=question.id, attachments=question.attachments)
    fork = store.fork(id_, answer_id)
    store.delete(id_)
    store.purge(id_)
    assert store.branch(fork.id)[0].attachments == PICTURES


def test_search_and_lists_read_no_pictures(store: ConversationStore, folder: Path) -> None:
    id_, _ = asked(store)
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection:
        connection.execute("ALTER TABLE attachments RENAME COLUMN data TO elsewhere")
        connection.commit()
    assert [hit.conversation_id for hit in store.search("cats")] == [id_]
    assert [each.id for each in store.list()] == [id_]


def test_deleting_erases_them(store: ConversationStore, folder: Path) -> None:
    id_, _ = asked(store)
    picture = PICTURES[0].picture
    assert picture is not None
    path = folder / "conversations.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert picture.data[33:80] in path.read_bytes()
    store.delete(id_)
    store.purge_deleted(timedelta(0))
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM attachments").fetchone() == (0,)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert picture.data[33:80] not in path.read_bytes()


def test_undo_of_a_deletion_brings_them_back(store: ConversationStore) -> None:
    id_, _ = asked(store)
    question = store.branch(id_)[0]
    deleted = store.delete_message(question.id)
    assert store.branch(id_) == []
    store.restore_messages(deleted)
    assert store.branch(id_)[0].attachments == PICTURES


def test_backups_contain_them(store: ConversationStore, folder: Path) -> None:
    asked(store)
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection:
        backup = BackupFolder(folder).add(connection, BackupKind.BEFORE_MIGRATION, version=1)
    assert backup is not None
    (path,) = (folder / "backups").iterdir()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, data FROM attachments ORDER BY position").fetchall()
    assert rows == [(each.name, each.picture.data if each.picture else None) for each in PICTURES]


def test_damaged_picture_leaves_its_name(store: ConversationStore, folder: Path) -> None:
    id_, _ = asked(store)
    with closing(sqlite3.connect(folder / "conversations.sqlite3")) as connection:
        connection.execute(
            "UPDATE attachments SET data = ?, width = 100000, height = 100000 WHERE position = 0", (png_bomb(),)
        )
        connection.commit()
    assert store.branch(id_)[0].attachments[0] == replace(PICTURES[0], picture=None)


def test_temporary_conversations_keep_them_in_memory() -> None:
    store = ConversationStore.in_memory()
    id_, _ = asked(store)
    assert store.branch(id_)[0].attachments == PICTURES
