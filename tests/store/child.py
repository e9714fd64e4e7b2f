"""What a second process does to a data folder, for tests: ``python child.py TASK FOLDER``.

It tells what happened as one line of JSON and then waits until its standard input is closed.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path

from app.conversation import Status
from app.store.store import ConversationStore
from model_manager.errors import UserError


def tell(**values: object) -> None:
    print(json.dumps(values), flush=True)
    sys.stdin.read()


def answer(folder: Path) -> None:
    """Write an answer and never finish it."""
    store = ConversationStore.open(folder)
    conversation = store.create(title="窗户")
    question, begun = store.begin_turn(conversation.id, "为什么天是蓝的?")
    store.save_text(begun.id, "因为")
    store.save_text(begun.id, "因为阳光 scatters 在空气里")
    tell(conversation_id=conversation.id, question_id=question.id, answer_id=begun.id)
    store.close()


def make_newer(folder: Path) -> None:
    """Raise the version of the database, and leave that in its log."""
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("PRAGMA user_version = 99")
    tell()
    connection.close()


def write_lock(folder: Path) -> None:
    """Hold a transaction that writes."""
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    tell()
    connection.close()


def write_half(folder: Path) -> None:
    """Write a part of a transaction into the file, as while an older database or a backup is first opened."""
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE messages SET content = hex(zeroblob(50000))")
    tell()
    connection.close()


def own(folder: Path) -> None:
    """Lock the database exclusively, also against reading."""
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("CREATE TABLE held (held)")
    connection.execute("ROLLBACK")
    tell()
    connection.close()


def open_only(folder: Path) -> None:
    """Open and count."""
    with ConversationStore.open(folder) as store:
        tell(conversations=len(store.list()))


def fill(path: Path) -> None:
    filler = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        while os.write(filler, b"x" * 4096):
            pass
    except OSError:
        os.close(filler)


def fill_disk(folder: Path) -> None:
    """Fill a small RAM disk in the middle of an answer, then free space."""
    codes = []
    store = ConversationStore.open(folder)
    conversation = store.create()
    _, begun = store.begin_turn(conversation.id, "?")
    store.save_text(begun.id, "saved before")
    for act in (
        lambda: store.save_text(begun.id, "long " * 50_000),
        lambda: store.backup(folder / "copy.sqlite3"),
        lambda: ConversationStore.open(folder / "another"),
    ):
        # Each time: what failed gives back the little that it took.
        fill(folder / "filler")
        try:
            act()
        except UserError as error:
            codes.append(error.code)
    before = store.message(begun.id).content
    left_over = [path.name for path in folder.iterdir() if path.suffix == ".part"]
    (folder / "filler").unlink()
    store.save_text(begun.id, "saved after")
    after = store.finish_answer(begun.id, "finished", Status.COMPLETE).content
    tell(codes=codes, before=before, after=after, left_over=left_over)
    store.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
