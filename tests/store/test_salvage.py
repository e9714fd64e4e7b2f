"""Salvage of a damaged database: what can be read is kept, and the damaged file too."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from app.conversation import Attachment, Status
from app.store.backups import BackupKind
from app.store.salvage import salvage
from app.store.store import ConversationStore
from app.store.writers import request_check
from model_manager.errors import UserError

PAGE = 4096
TABLE_LEAF = b"\x0d"
"""First byte of a page with rows of a table."""
CONVERSATIONS, TURNS = 4, 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a database of many pages, in one file."""
    folder = tmp_path / "conversations"
    with ConversationStore.open(folder) as store:
        for number in range(CONVERSATIONS):
            conversation = store.create(title=f"conversation {number}")
            for turn in range(TURNS):
                attached = (Attachment("notes.txt", f"notes {number} {turn}", 3),)
                text = f"question {number} {turn} " + "?" * 900
                _, answer = store.begin_turn(conversation.id, text, attachments=attached)
                store.finish_answer(answer.id, f"answer {number} {turn} " + "!" * 900, Status.COMPLETE)
        store.update_search_index(1000)
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as raised:
        ConversationStore.open(folder)
    return raised.value.code


def damage_page(folder: Path, text: bytes) -> bytes:
    """Overwrite the page of rows that contains a text; return the file."""
    path = folder / "conversations.sqlite3"
    content = bytearray(path.read_bytes())
    pages = range(0, len(content), PAGE)
    at = next(at for at in pages if content[at : at + 1] == TABLE_LEAF and text in content[at : at + PAGE])
    content[at : at + PAGE] = b"\x5a" * PAGE
    path.write_bytes(content)
    request_check(folder)
    return bytes(content)


def test_all_but_the_rows_of_a_damaged_page_is_kept(folder: Path) -> None:
    before = damage_page(folder, b"answer 2 2 ")
    assert refusal(folder) == "database_damaged"
    result = salvage(folder)
    assert result.damaged.read_bytes() == before
    with ConversationStore.open(folder) as store:
        assert [each.title for each in store.list()] == [
            f"conversation {number}" for number in reversed(range(CONVERSATIONS))
        ]
        found = [message for each in store.list() for message in store.branch(each.id)]
        assert len(found) == result.messages
        lost = CONVERSATIONS * TURNS * 2 - result.messages
        assert 1 <= lost <= 5, "a page contains four messages"
        assert not any(message.content.startswith("answer 2 2 ") for message in found)
        # The branch goes on after what was lost, with the attachments.
        (second,) = (each for each in store.list() if each.title == "conversation 2")
        assert store.branch(second.id)[-1].content.startswith("answer 2 4 ")
        assert store.branch(second.id)[-2].attachments[0].content == "notes 2 4"
        assert [each.kind for each in store.backups()] == [BackupKind.MANUAL]
        assert store.search("answer 2 4")


def test_conversations_are_found_by_their_messages(folder: Path) -> None:
    damage_page(folder, b"conversation 3")
    assert refusal(folder) == "database_damaged"
    assert salvage(folder).messages == CONVERSATIONS * TURNS * 2
    with ConversationStore.open(folder) as store:
        assert len(store.list()) == CONVERSATIONS
        assert all(len(store.branch(each.id)) == TURNS * 2 for each in store.list())


def test_a_schema_that_lacks_an_index_loses_nothing(folder: Path) -> None:
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("DROP INDEX messages_by_time")
    connection.close()
    assert refusal(folder) == "database_damaged"
    assert salvage(folder).messages == CONVERSATIONS * TURNS * 2
    with ConversationStore.open(folder) as store:
        assert len(store.list()) == CONVERSATIONS


@pytest.mark.parametrize("version", [1, 2])
def test_an_earlier_version_is_migrated(tmp_path: Path, version: int) -> None:
    source = Path(__file__).parents[1] / "data" / f"conversations-v{version}.sqlite3"
    path = tmp_path / "conversations" / "conversations.sqlite3"
    path.parent.mkdir()
    shutil.copy(source, path)
    connection = sqlite3.connect(path, isolation_level=None)
    count = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    connection.execute("DROP INDEX messages_by_time")
    connection.close()
    assert refusal(path.parent) == "database_damaged"
    assert salvage(path.parent).messages == count > 0
    ConversationStore.open(path.parent).close()


@pytest.mark.parametrize("content", [b"These are my notes. " * 500, b"SQLite format 3\0" + b"\x5a" * 5000])
def test_a_file_without_readable_rows_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "conversations" / "conversations.sqlite3"
    path.parent.mkdir()
    path.write_bytes(content)
    assert refusal(path.parent) == "database_damaged"
    with pytest.raises(UserError, match="nothing_salvaged"):
        salvage(path.parent)
    assert path.read_bytes() == content
    assert not list(path.parent.glob(".*"))
