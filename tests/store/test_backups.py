"""Tests of database backups: automatic, manual and restored."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.config.settings import DAILY, WEEKLY, BackupSchedule
from app.conversation import Attachment, Status
from app.store.backups import BackupKind, newest_restorable, replace_damaged
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.store.processes import start

DATA = Path(__file__).parents[1] / "data"
UNFIT = Path(__file__)


def named(folder: Path, kind: str, time: datetime) -> Path:
    path = folder / "backups" / f"conversations-{kind}-{time:%Y%m%dT%H%M%S%f}Z.sqlite3"
    path.write_bytes(b"an old copy")
    return path


def fill(store: ConversationStore, title: str = "天") -> str:
    talk = store.create(title=title)
    question, answer = store.begin_turn(talk.id, "?", attachments=[Attachment("a.txt", "光")])
    store.finish_answer(answer.id, f"{title} 因为光", Status.COMPLETE)
    return question.conversation_id


@pytest.mark.parametrize("schedule", [DAILY, WEEKLY], ids=lambda schedule: schedule.id)
def test_a_backup_is_due_once_per_interval_and_not_for_an_empty_database(
    store: ConversationStore, folder: Path, schedule: BackupSchedule
) -> None:
    assert store.backup_if_due(schedule) is None
    fill(store)
    made = store.backup_if_due(schedule)
    assert made is not None
    assert (made.kind, made.bytes, store.backups()) == (BackupKind.AUTOMATIC, made.path.stat().st_size, [made])
    assert made.path.stat().st_mode & 0o077 == 0
    assert datetime.now(UTC) - made.made_at < timedelta(minutes=1)
    assert store.backup_if_due(schedule) is None
    made.path.unlink()
    recent = named(folder, "daily", datetime.now(UTC) - schedule.interval + timedelta(minutes=1))
    assert store.backup_if_due(schedule) is None
    recent.unlink()
    earlier = named(folder, "daily", datetime.now(UTC) - schedule.interval - timedelta(minutes=1))
    named(folder, "daily", datetime.now(UTC) + timedelta(days=400))
    assert store.backup_if_due(schedule) is not None
    assert earlier.exists()


@pytest.mark.parametrize("schedule", [DAILY, WEEKLY], ids=lambda schedule: schedule.id)
def test_old_automatic_backups_are_deleted_and_manual_ones_kept(
    store: ConversationStore, folder: Path, schedule: BackupSchedule
) -> None:
    fill(store)
    now = datetime.now(UTC)
    automatic = [named(folder, "daily", now - number * schedule.interval) for number in range(2, 12)]
    asked = [named(folder, "asked", now - timedelta(days=day)) for day in range(2, 12)]
    migrated = named(folder, "v1", now - timedelta(days=500))
    mine = folder / "backups" / "conversations-daily-mine.sqlite3"
    mine.write_bytes(b"mine")
    nonsense = folder / "backups" / "conversations-daily-20269999T999999999999Z.sqlite3"
    nonsense.write_bytes(b"no such day")
    store.backup_if_due(schedule)
    assert [path.exists() for path in automatic] == [True] * (schedule.kept - 1) + [False] * (11 - schedule.kept)
    store.backup_now()
    assert all(path.exists() for path in [*asked, migrated, mine, nonsense])
    listed = store.backups()
    assert [each.kind for each in listed[:2]] == [BackupKind.MANUAL, BackupKind.AUTOMATIC]
    assert listed[-1].kind is BackupKind.BEFORE_MIGRATION
    assert len(listed) == schedule.kept + 11 + 1


def test_a_backup_is_returned_even_if_another_process_removes_it_at_once(
    store: ConversationStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    list_folder = Path.iterdir

    def list_emptied_folder(path: Path) -> Iterator[Path]:
        for each in path.glob("conversations-asked-*"):
            each.unlink()
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", list_emptied_folder)
    made = store.backup_now()
    assert (made.kind, made.path.parent, made.path.exists()) == (BackupKind.MANUAL, folder / "backups", False)
    assert made.bytes > 0


def test_a_new_backup_stays_beside_later_ones_of_a_clock_that_was_wrong(store: ConversationStore, folder: Path) -> None:
    fill(store)
    (folder / "backups").mkdir(exist_ok=True)
    later = [named(folder, "daily", datetime.now(UTC) + timedelta(days=day)) for day in range(1, DAILY.kept + 2)]
    made = store.backup_if_due(DAILY)
    assert made is not None
    assert made.path.exists()
    assert [path.exists() for path in later] == [False, False] + [True] * (DAILY.kept - 1)


def test_a_restore_replaces_everything_and_backs_up_the_previous_data(store: ConversationStore) -> None:
    first = fill(store, "first")
    before = store.trees()
    made = store.backup_now()
    store.rename(first, "changed")
    second = fill(store, "second")
    kept = store.restore_backup(made.path)
    assert store.trees() == before
    assert [hit.conversation_id for hit in store.search("因为")] == [first]
    assert kept.kind is BackupKind.BEFORE_RESTORE
    fill(store, "third")
    store.restore_backup(kept.path)
    assert sorted(each.title for each in store.list()) == ["changed", "second"]
    assert store.branch(second)[0].attachments == (Attachment("a.txt", "光"),)
    assert [hit.conversation_id for hit in store.search("second 因为")] == [second]


@pytest.mark.parametrize("version", [1, 2])
def test_a_backup_of_an_older_version_is_migrated(store: ConversationStore, folder: Path, version: int) -> None:
    old = DATA / f"conversations-v{version}.sqlite3"
    before = old.read_bytes()
    fill(store)
    store.restore_backup(old)
    assert "天空的颜色" in [each.title for each in store.list()]
    assert "天" not in [each.title for each in store.list()]
    assert old.read_bytes() == before
    store.begin_turn(store.create().id, "goes on")
    assert [path.name for path in folder.iterdir() if path.name.endswith((".part", "-journal"))] == []


def test_an_unfinished_answer_of_a_backup_is_interrupted(store: ConversationStore) -> None:
    _, answer = store.begin_turn(store.create().id, "?")
    made = store.backup_now()
    store.finish_answer(answer.id, "", Status.COMPLETE)
    store.restore_backup(made.path)
    assert store.message(answer.id).status is Status.INTERRUPTED


@pytest.mark.parametrize("spoil", ["cut", "text", "other", "newer", "empty", "missing"])
def test_an_invalid_backup_is_refused_without_changes(
    store: ConversationStore, folder: Path, tmp_path: Path, spoil: str
) -> None:
    for number in range(20):
        fill(store, f"{number} " + "字" * 2000)
    path = tmp_path / "copy.sqlite3"
    store.backup(path)
    match spoil:
        case "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "text":
            shutil.copy(UNFIT, path)
        case "other" | "newer":
            if spoil == "other":
                path.unlink()
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA user_version = 99" if spoil == "newer" else "CREATE TABLE bookmarks (url)")
            connection.close()
        case "empty":
            path.write_bytes(b"")
        case "missing":
            path.unlink()
    before = store.trees()
    with pytest.raises(UserError) as raised:
        store.restore_backup(path)
    code = {"newer": "backup_newer", "missing": "file_missing"}.get(spoil, "backup_unsound")
    assert (raised.value.code, raised.value.data["path"]) == (code, path)
    assert store.trees() == before
    assert store.backups() == []
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []


def test_a_restore_is_refused_while_an_answer_is_running(store: ConversationStore, folder: Path) -> None:
    talk = fill(store)
    made = store.backup_now()
    _, answer = store.begin_turn(talk, "?")
    with pytest.raises(UserError, match="answer_in_progress"):
        store.restore_backup(made.path)
    store.finish_answer(answer.id, "kept", Status.COMPLETE)
    with start("answer", folder) as child:
        with pytest.raises(UserError, match="answer_in_progress"):
            store.restore_backup(made.path)
        assert store.backups() == [made]
        child.kill()
        store.restore_backup(made.path)
    assert [each.id for each in store.list()] == [talk]


def test_other_threads_read_the_old_or_the_new_state(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        for number in range(30):
            fill(store, f"old {number}")
        made = store.backup_now()
        for number in range(30):
            fill(store, f"new {number}")
        counts: set[int] = set()
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                counts.add(len(store.list()))

        reader = threading.Thread(target=read)
        reader.start()
        store.restore_backup(made.path)
        done.set()
        reader.join()
        assert counts <= {30, 60}
        assert len(store.list()) == 30


def test_leftovers_of_killed_processes_are_removed_once_no_other_is_alive(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        fill(store)
        made = store.backup_now()
    names = [".0123.part", ".0123.part-wal", ".conversations.sqlite3.01234567.new"]
    left = [folder / name for name in names] + [folder / "backups" / f".{made.path.name}.01234567.new-journal"]
    with start("answer", folder) as child:
        for path in left:
            path.write_text("private words")
        with ConversationStore.open(folder):
            assert all(path.exists() for path in left), "the other process may be using them"
        child.kill()
    with ConversationStore.open(folder) as store:
        assert not any(path.exists() for path in left)
        for path in left:
            path.write_text("private words")
        store.erase_everything()
    assert not any(path.exists() for path in left)


def damage(folder: Path) -> bytes:
    path = folder / "conversations.sqlite3"
    path.write_bytes(b"x" * 5000)
    return path.read_bytes()


def test_the_newest_restorable_backup_replaces_a_damaged_database(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        talk = fill(store, "kept")
        sound = store.backup_now()
        unsound = store.backup_now()
    shutil.copy(UNFIT, unsound.path)
    damaged = damage(folder)
    with pytest.raises(UserError, match="database_damaged"):
        ConversationStore.open(folder)
    assert newest_restorable(folder) == sound
    aside = replace_damaged(folder, sound.path)
    assert aside.read_bytes() == damaged
    assert aside.parent == folder
    with ConversationStore.open(folder) as store:
        assert [each.id for each in store.list()] == [talk]
        assert len(store.search("kept")) == 2
        store.erase_everything()
    assert not aside.exists(), "it holds conversations too"


def test_no_backup_is_restorable(folder: Path) -> None:
    assert newest_restorable(folder) is None
    with ConversationStore.open(folder):
        pass
    shutil.copy(UNFIT, named(folder, "daily", datetime.now(UTC)))
    assert newest_restorable(folder) is None


def test_the_database_of_a_living_process_is_not_replaced(folder: Path) -> None:
    with start("answer", folder), ConversationStore.open(folder) as store:
        made = store.backup_now()
        with pytest.raises(UserError, match="database_locked"):
            replace_damaged(folder, made.path)
        assert len(store.list()) == 1
