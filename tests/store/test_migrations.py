import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.context import ContextPolicy
from app.conversation import Attachment, Status
from app.sampling import Sampling
from app.store.backups import BackupFolder, BackupKind
from app.store.connections import DamagedRow
from app.store.migrations import STEPS, Step, migrate, version_of
from app.store.store import ConversationStore
from model_manager.errors import UserError

DATA = Path(__file__).parents[1] / "data"
VERSION_1, VERSION_2 = DATA / "conversations-v1.sqlite3", DATA / "conversations-v2.sqlite3"
FIRST = STEPS[:1]


ADD_STARS = ("ALTER TABLE conversations ADD COLUMN starred INTEGER NOT NULL DEFAULT 0",)
REBUILD_MESSAGES = (
    "CREATE TABLE renewed AS SELECT * FROM messages",
    "DROP TABLE messages",
    "ALTER TABLE renewed RENAME TO messages",
)
FAIL_LATE = (
    "DELETE FROM messages",
    "ALTER TABLE conversations ADD COLUMN never INTEGER",
    "SELECT no_such_column FROM messages",
)
END_THE_TRANSACTION = ("COMMIT",)
BREAK_REFERENCES = ("DELETE FROM conversations",)


@contextmanager
def version_1(folder: Path) -> Iterator[tuple[sqlite3.Connection, Path, Path]]:
    path, backups = folder / "conversations.sqlite3", folder / "backups"
    backups.mkdir(parents=True)
    shutil.copy(VERSION_1, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection, path, backups


def migrate_with_backups(connection: sqlite3.Connection, steps: list[Step], path: Path) -> None:
    def back_up(version: int) -> None:
        BackupFolder(path.parent).add(connection, BackupKind.BEFORE_MIGRATION, version=version)

    migrate(connection, path, steps, back_up)


def everything(connection: sqlite3.Connection) -> list[str]:
    return list(connection.iterdump())


def versions_in(backups: Path) -> list[int]:
    versions = []
    for path in sorted(backups.iterdir()):
        assert path.stat().st_mode & 0o077 == 0
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM messages").fetchone()[0] > 0
            versions.append(version_of(connection))
    return versions


def test_a_database_of_version_1_opens_with_everything_in_it(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(VERSION_1, folder / "conversations.sqlite3")
    with ConversationStore.open(folder) as store:
        empty, sky, window = store.list()
        assert [each.title for each in (empty, sky, window)] == ["Empty", "天空的颜色", "窗户"]
        assert all(each.title_is_chosen and not each.is_pinned for each in (empty, sky, window))
        assert (sky.archived_at, sky.sampling, sky.context_policy) == (None, None, None)
        assert (sky.system_prompt, sky.model_id, sky.message_count) == ("请简短回答。", "apus:Q2_K", 5)
        question, first, second, later, failed = store.messages(sky.id)
        assert [each.status for each in (question, first, second, later, failed)] == [
            Status.COMPLETE,
            Status.COMPLETE,
            Status.STOPPED,
            Status.COMPLETE,
            Status.FAILED,
        ]
        assert first.parent_id == second.parent_id == question.id
        assert store.branch(sky.id) == [question, first]
        assert first.provenance is not None
        assert (first.provenance.seed, first.provenance.sampling.stop) == (1, ("<|im_end|>",))
        assert failed.error == {"code": "file_missing", "path": "model.gguf"}
        interrupted = store.branch(window.id)[-1]
        assert (interrupted.content, interrupted.status) == ("因为阳光 scatters 在空气里", Status.INTERRUPTED)


def test_steps_run_in_order_with_a_backup_before_each(folder: Path) -> None:
    with version_1(folder) as (connection, path, backups):
        before = connection.execute("SELECT * FROM messages ORDER BY number").fetchall()
        migrate_with_backups(connection, [*FIRST, ADD_STARS, REBUILD_MESSAGES], path)
        assert version_of(connection) == 3
        assert connection.execute("SELECT sum(starred) FROM conversations").fetchone()[0] == 0
        assert connection.execute("SELECT * FROM messages ORDER BY number").fetchall() == before
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert versions_in(backups) == [1, 2]
    assert [path.name[:17] for path in sorted(backups.iterdir())] == ["conversations-v1-", "conversations-v2-"]


def test_a_failed_step_leaves_the_previous_version(folder: Path) -> None:
    with version_1(folder) as (connection, path, backups):
        migrate_with_backups(connection, [*FIRST, ADD_STARS], path)
        before = everything(connection)
        with pytest.raises(sqlite3.OperationalError, match="no_such_column"):
            migrate_with_backups(connection, [*FIRST, ADD_STARS, FAIL_LATE], path)
        assert version_of(connection) == 2
        assert everything(connection) == before
    assert versions_in(backups) == [1, 2]


@pytest.mark.parametrize("step", [END_THE_TRANSACTION, BREAK_REFERENCES])
def test_an_invalid_step_is_refused(folder: Path, step: Step) -> None:
    with version_1(folder) as (connection, path, _):
        before = everything(connection)
        with pytest.raises((RuntimeError, DamagedRow)):
            migrate(connection, path, [*FIRST, step])
        assert version_of(connection) == 1
        assert everything(connection) == before


def test_a_database_of_version_2_opens_with_everything_in_it(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(VERSION_2, folder / "conversations.sqlite3")
    with ConversationStore.open(folder) as store:
        (sky,) = store.list()
        assert (sky.title, sky.title_is_chosen, sky.is_pinned) == ("天空的颜色", True, True)
        assert (sky.sampling, sky.context_policy) == (Sampling(temperature=0.1, stop=("</s>",)), ContextPolicy.ROLL)
        (put_away,) = store.list(archived=True)
        assert put_away.title == "Put away"
        (deleted,) = store.trash()
        assert (deleted.title, deleted.deleted_at is None) == ("In the bin", False)
        question, first, second = store.messages(sky.id)
        assert store.branch(sky.id) == [question, second]
        assert question.attachments == (Attachment("光.txt", "瑞利散射" * 10, 42), Attachment("b.csv", "1,2\n"))
        assert (question.is_pinned, first.is_pinned) == (True, False)
        assert first.provenance is not None
        assert (first.provenance.endpoint, first.provenance.thought_s, len(first.provenance.left_out)) == (
            "http://[::1]/",
            1.5,
            1,
        )
        hidden = first.provenance.left_out[0]
        with pytest.raises(UserError, match="message_missing"):
            store.message(hidden)
        store.restore_messages([hidden])
        assert store.message(hidden).content == "hidden"


def test_opening_migrates_with_a_backup_of_each_version(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(VERSION_1, folder / "conversations.sqlite3")
    with ConversationStore.open(folder) as store:
        assert len(store.list()) == 3
        store.begin_turn(store.create().id, "?")
        assert len(store.backups()) == len(STEPS) - 1


def test_a_new_database_is_not_backed_up(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        assert store.backups() == []


def test_old_migration_backups_are_deleted_and_other_files_kept(folder: Path) -> None:
    with version_1(folder) as (connection, path, backups):
        for year in range(2000, 2012):
            (backups / f"conversations-v9-{year}0101T000000000000Z.sqlite3").write_bytes(b"")
        (backups / "conversations-v1-before-the-holidays.sqlite3").write_bytes(b"mine")
        migrate_with_backups(connection, [*FIRST, ADD_STARS], path)
    names = sorted(path.name for path in backups.iterdir())
    assert "conversations-v1-before-the-holidays.sqlite3" in names
    assert len(names) == 10 + 1
    assert "conversations-v9-20020101T000000000000Z.sqlite3" not in names
    assert "conversations-v9-20030101T000000000000Z.sqlite3" in names
