import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path

import filelock
import pytest

from app.config.settings import DAILY
from app.conversation import Status
from app.store.backups import BackupKind, database_damage, newest_restorable, replace_damaged
from app.store.migrations import STEPS
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.store.processes import start


def filled(folder: Path) -> str:
    with ConversationStore.open(folder) as store:
        conversation = store.create(title="天")
        for number in range(40):
            _, answer = store.begin_turn(conversation.id, f"{number} " + "字" * 1000)
            store.finish_answer(answer.id, "!", Status.COMPLETE)
        return conversation.id


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("conversations.sqlite3*") if "-shm" not in path.name}


def refusal(folder: Path) -> UserError:
    with pytest.raises(UserError) as raised:
        ConversationStore.open(folder, busy_timeout_s=0.1)
    return raised.value


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit for the size of a file there")
def test_a_full_disk_while_saving_loses_nothing(store: ConversationStore, folder: Path) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    store.save_text(answer.id, "saved before")
    with file_size_limit(64 * 1024), pytest.raises(UserError) as raised:
        store.save_text(answer.id, "long " * 50_000)
    assert raised.value.code == "disk_full"
    assert raised.value.data["path"] == folder / "conversations.sqlite3"
    assert store.message(answer.id).content == "saved before"
    store.save_text(answer.id, "long " * 50_000)
    assert store.finish_answer(answer.id, "done", Status.COMPLETE).content == "done"


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=600k none "{disk}" && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], capture_output=True).returncode != 0:
        pytest.skip("no disk of its own for a test here")
    with start("fill_disk", disk, before=mount) as child:
        assert child.report == {
            "codes": ["disk_full", "disk_full", "disk_full"],
            "before": "saved before",
            "after": "finished",
            "left_over": [],
        }
        child.end()


def test_a_file_that_is_not_a_database_is_refused_unchanged(folder: Path) -> None:
    folder.mkdir()
    (folder / "conversations.sqlite3").write_bytes(b"These are my notes. " * 500)
    before = contents(folder)
    error = refusal(folder)
    assert error.code == "database_damaged"
    assert error.data["path"] == folder / "conversations.sqlite3"
    assert contents(folder) == before


def test_a_database_of_another_program_is_refused_unchanged(folder: Path) -> None:
    folder.mkdir()
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = contents(folder)
    assert refusal(folder).code == "database_damaged"
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("version", "damage"),
    [
        *product(
            [2, len(STEPS)],
            [
                b"invalid UTF-8",
                "DROP TABLE attachments",
                "DROP TABLE messages",
                "DROP INDEX messages_by_time",
                "ALTER TABLE conversations DROP COLUMN sampling",
            ],
        ),
        (len(STEPS), "DROP TRIGGER message_to_index"),
    ],
)
def test_a_damaged_schema_is_refused_unchanged_and_recoverable(folder: Path, damage: str | bytes, version: int) -> None:
    filled(folder)
    with ConversationStore.open(folder) as store:
        made = store.backup_now()
    path = folder / "conversations.sqlite3"
    if version == 2:
        shutil.copy(Path(__file__).parents[1] / "data" / "conversations-v2.sqlite3", path)
    if isinstance(damage, str):
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(damage)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    else:
        path.write_bytes(path.read_bytes().replace(b"CREATE TABLE attachments", b"CREATE TABLE attach\xff\xfe\x80x "))
    before = path.read_bytes()
    assert refusal(folder).code == "database_damaged"
    assert path.read_bytes() == before
    assert newest_restorable(folder) == made
    replace_damaged(folder, made.path)
    with ConversationStore.open(folder) as store:
        assert [each.title for each in store.list()] == ["天"]


@pytest.mark.parametrize("content", ["missing", "nothing", "one byte", "no tables"])
def test_a_missing_or_empty_database_beside_backups_is_refused(folder: Path, content: str) -> None:
    conversation_id = filled(folder)
    with ConversationStore.open(folder) as store:
        made = store.backup_if_due(DAILY)
    assert made is not None
    path = folder / "conversations.sqlite3"
    path.unlink()
    if content == "no tables":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA application_id = 1")
    elif content != "missing":
        path.write_bytes(b"S" * (content == "one byte"))
    for _ in range(2):
        error = refusal(folder)
        assert (error.code, error.data) == ("database_missing", {"path": path})
        assert path.exists() == (content != "missing")
    replace_damaged(folder, None)
    with ConversationStore.open(folder) as store:
        assert store.list() == []
        (kept,) = store.backups()
        assert (kept.kind, kept.made_at, kept.bytes) == (BackupKind.MANUAL, made.made_at, made.bytes)
        store.restore_backup(kept.path)
        assert [each.id for each in store.list()] == [conversation_id]
    path.unlink()
    replace_damaged(folder, kept.path)
    with ConversationStore.open(folder) as store:
        assert [each.id for each in store.list()] == [conversation_id]


def test_without_a_sound_backup_a_missing_database_is_created(folder: Path) -> None:
    (folder / "backups").mkdir(parents=True)
    shutil.copy(__file__, folder / "backups" / "conversations-daily-20260101T000000000000Z.sqlite3")
    with ConversationStore.open(folder) as store:
        assert store.list() == []


def test_a_damaged_database_replaces_no_backup(folder: Path) -> None:
    filled(folder)
    schedule = replace(DAILY, kept=1)
    with ConversationStore.open(folder) as store:
        made = store.backup_if_due(schedule)
        assert made is not None
        yesterday = made.path.with_name("conversations-daily-20200101T000000000000Z.sqlite3")
        made.path.rename(yesterday)
    damage_a_message(folder)
    with ConversationStore.open(folder) as store, pytest.raises(UserError, match="database_damaged"):
        store.backup_if_due(schedule)
    assert [path.name for path in (folder / "backups").iterdir()] == [yesterday.name]
    assert refusal(folder).code == "database_damaged", "it was found to be damaged"


def damage_a_message(folder: Path) -> None:
    path = folder / "conversations.sqlite3"
    at = path.read_bytes().index("20 字字".encode())
    with path.open("r+b") as file:
        file.seek(at // 4096 * 4096)
        file.write(b"\xff" * 4096)


def test_damage_is_reported_when_it_is_read_and_at_the_next_opening(folder: Path) -> None:
    conversation_id = filled(folder)
    damage_a_message(folder)
    with ConversationStore.open(folder) as store:
        assert store.get(conversation_id).title == "天"
        with pytest.raises(UserError) as raised:
            store.messages(conversation_id)
    assert raised.value.code == "database_damaged"
    assert refusal(folder).code == "database_damaged"
    assert refusal(folder).code == "database_damaged"


def test_an_unknown_format_of_the_schema_is_damage(folder: Path) -> None:
    filled(folder)
    path = folder / "conversations.sqlite3"
    content = bytearray(path.read_bytes())
    content[44:48] = b"\0\0\0\x09"
    path.write_bytes(content)
    assert refusal(folder).code == "database_damaged"
    assert path.read_bytes() == content


@pytest.mark.parametrize("is_indexed", [False, True])
def test_damage_is_reported_by_the_search(folder: Path, is_indexed: bool) -> None:
    filled(folder)
    with ConversationStore.open(folder) as store:
        while is_indexed and store.update_search_index():
            pass
    path = folder / "conversations.sqlite3"
    path.write_bytes(path.read_bytes().replace("20 字字".encode(), b"20 \xff\xfe\xff\xe5\xad\x97"))
    with ConversationStore.open(folder) as store, pytest.raises(UserError) as raised:
        store.search("字字 20")
    assert raised.value.code == "database_damaged"


def test_damage_that_the_doctor_finds_is_refused_at_the_next_opening(folder: Path) -> None:
    filled(folder)
    damage_a_message(folder)
    assert database_damage(folder / "conversations.sqlite3", lambda: False)
    assert refusal(folder).code == "database_damaged"


def test_a_crash_causes_a_thorough_check_until_it_passes(folder: Path) -> None:
    filled(folder)
    with start("open_only", folder) as child:
        child.kill()
    damage_a_message(folder)
    before = contents(folder)
    assert refusal(folder).code == "database_damaged"
    assert refusal(folder).code == "database_damaged"
    assert contents(folder) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE messages SET role = 'nobody'",
        "UPDATE messages SET created_at = 'yesterday'",
        "UPDATE messages SET made_by = '{'",
        "UPDATE messages SET made_by = '[]'",
        "UPDATE messages SET content = CAST(X'FFFE' AS TEXT)",
    ],
)
def test_invalid_columns_of_a_message_are_damage(folder: Path, damage: str) -> None:
    conversation_id = filled(folder)
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute(damage)
    connection.close()
    with ConversationStore.open(folder) as store, pytest.raises(UserError) as raised:
        store.messages(conversation_id)
    assert raised.value.code == "database_damaged"


def test_a_log_without_its_database_is_kept(folder: Path) -> None:
    with start("answer", folder) as child:
        child.kill()
    (folder / "conversations.sqlite3").unlink()
    before = contents(folder)
    assert list(before) == ["conversations.sqlite3-wal"]
    assert refusal(folder).code == "database_damaged"
    assert contents(folder) == before


@pytest.mark.parametrize("version", [2, len(STEPS)])
def test_a_transaction_of_a_killed_process_is_taken_back(folder: Path, version: int) -> None:
    conversation_id = filled(folder)
    path = folder / "conversations.sqlite3"
    if version == 2:
        shutil.copy(Path(__file__).parents[1] / "data" / "conversations-v2.sqlite3", path)
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT id, content FROM messages").fetchall()
    for use in ("doctor", "open"):
        whole = path.read_bytes()
        with start("write_half", folder) as child:
            child.kill()
        assert path.read_bytes() != whole
        assert path.with_name(f"{path.name}-journal").stat().st_size > 0
        if use == "doctor":
            assert database_damage(path, lambda: False) == ""
        else:
            with ConversationStore.open(folder) as store:
                assert version == 2 or store.get(conversation_id).title == "天"
                kept = {each.id: each.content for tree in store.trees() for each in tree.messages}
            assert kept
            assert kept.items() <= dict(before).items(), "those in the trash are in no tree"


def test_a_newer_database_is_refused_unchanged(folder: Path) -> None:
    filled(folder)
    with start("make_newer", folder) as child:
        child.kill()
    before = contents(folder)
    assert "conversations.sqlite3-wal" in before
    error = refusal(folder)
    assert error.code == "database_newer"
    assert error.data == {"path": folder / "conversations.sqlite3", "version": 99, "known": len(STEPS)}
    assert contents(folder) == before


def test_a_process_that_keeps_writing_locks_writers_out_but_not_readers(folder: Path) -> None:
    conversation_id = filled(folder)
    with start("write_lock", folder) as child, ConversationStore.open(folder, busy_timeout_s=0.1) as store:
        assert len(store.messages(conversation_id)) == 80
        with pytest.raises(UserError) as raised:
            store.begin_turn(conversation_id, "?")
        assert raised.value.code == "database_locked"
        assert raised.value.data["path"] == folder / "conversations.sqlite3"
        assert len(store.messages(conversation_id)) == 80
        child.end()
        store.begin_turn(conversation_id, "?")


def test_an_exclusively_locked_database_is_refused(folder: Path) -> None:
    conversation_id = filled(folder)
    with start("own", folder) as child:
        assert refusal(folder).code == "database_locked"
        child.end()
    with ConversationStore.open(folder) as store:
        assert len(store.messages(conversation_id)) == 80


def test_opening_waits_for_another_process_until_the_timeout(folder: Path) -> None:
    filled(folder)
    with filelock.FileLock(folder / "running" / "opening.lock"):
        assert refusal(folder).code == "database_locked"


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refusal(tmp_path / "file" / "data")
    assert error.code == "data_folder_not_writable"
    assert error.data["path"] == tmp_path / "file" / "data" / "conversations.sqlite3"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not hold this person")
@pytest.mark.parametrize(("name", "mode"), [(".", 0o500), ("running", 0o500), ("conversations.sqlite3", 0o400)])
def test_missing_permissions_are_an_error_until_they_are_granted(folder: Path, name: str, mode: int) -> None:
    filled(folder)
    usual = (folder / name).stat().st_mode
    (folder / name).chmod(mode)
    try:
        assert refusal(folder).code == "data_folder_not_writable"
    finally:
        (folder / name).chmod(usual)
    filled(folder)


def test_a_refused_store_leaves_no_writer_behind(folder: Path) -> None:
    folder.mkdir()
    (folder / "conversations.sqlite3").write_bytes(b"x" * 5000)
    refusal(folder)
    assert {path.name for path in (folder / "running").iterdir()} <= {"opening.lock", "damaged.lock"}
