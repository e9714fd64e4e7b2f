import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.conversation import Attachment, Shelf
from app.store.salvage import salvage
from app.store.store import ConversationStore
from model_manager.errors import UserError

VERSION_2 = Path(__file__).parents[1] / "data" / "conversations-v2.sqlite3"
REPORT = Attachment("report.pdf", "Rainfall was 14 mm.", 7)


def names(store: ConversationStore) -> list[str]:
    return [f"{'  ' if each.parent_id else ''}{each.name}" for each in store.folders()]


def everything(store: ConversationStore) -> object:
    conversations = [*store.list(), *store.list(archived=True), *store.trash()]
    places = {each.title: (each.folder_id, each.deleted_at is None) for each in conversations}
    folders = store.folders()
    return folders, places, store.folder_documents(*(each.id for each in folders))


def filled(store: ConversationStore) -> dict[str, str]:
    """Work with Reports in it, and Home; a conversation in each, one archived, one deleted, one outside."""
    work = store.add_folder("Work").id
    reports, home = store.add_folder("Reports", work).id, store.add_folder("Home").id
    for title, folder_id in {"w": work, "r": reports, "h": home, "kept": work, "gone": work, "outside": None}.items():
        store.create(title=title, folder_id=folder_id)
    ids = {each.title: each.id for each in store.list()}
    store.archive(ids["kept"])
    store.delete(ids["gone"])
    store.add_documents(work, [REPORT])
    store.add_documents(reports, [Attachment("figures.csv", "a,b")])
    return {"Work": work, "Reports": reports, "Home": home, **ids}


def test_an_old_database_gets_folders_and_keeps_its_conversations(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(VERSION_2, folder / "conversations.sqlite3")
    with ConversationStore.open(folder) as store:
        before = store.list()
        assert before
        assert store.folders() == []
        assert {each.folder_id for each in before} == {None}
        work = store.add_folder("工作")
        store.move_to_folder(work.id, before[0].id)
        assert store.get(before[0].id).folder_id == work.id
        assert {each.id for each in store.list()} == {each.id for each in before}
    with ConversationStore.open(folder) as store:
        assert store.folders() == [work]


def test_folders_are_nested_one_level_and_moved(store: ConversationStore) -> None:
    ids = filled(store)
    assert names(store) == ["Work", "  Reports", "Home"]
    for parent_id in (ids["Reports"], ids["Home"]):
        with pytest.raises(UserError, match="folder_nested"):
            store.move_folder(ids["Work"], parent_id)
    with pytest.raises(UserError, match="folder_nested"):
        store.add_folder("Deep", ids["Reports"])
    with pytest.raises(UserError, match="folder_nested"):
        store.move_folder(ids["Home"], ids["Home"])
    store.move_folder(ids["Home"], None, 0)
    assert names(store) == ["Home", "Work", "  Reports"]
    store.move_folder(ids["Home"], ids["Work"], 0)
    assert names(store) == ["Work", "  Home", "  Reports"]
    assert [each.name for each in store.folder_path(ids["Home"])] == ["Work", "Home"]
    store.move_folder(ids["Reports"], None)
    assert names(store) == ["Work", "  Home", "Reports"]


def test_conversations_are_listed_by_folder(store: ConversationStore) -> None:
    ids = filled(store)
    work = ids["Work"]
    assert store.move_to_folder(work, ids["h"], ids["w"], "none") == {ids["h"]: ids["Home"]}
    store.update(ids["w"], is_pinned=True)
    numbers = store.folder_order(work).numbers
    assert [store.numbered([number])[number].title for number in numbers] == ["w", "h"]
    assert store.folder_order(work).sections == [1, 1]
    assert store.place(numbers[1]) == 1
    assert store.folder_counts(work, ids["Reports"], ids["Home"]) == {work: 2, ids["Reports"]: 1}
    assert store.count(Shelf.CONVERSATIONS) == 4
    with pytest.raises(UserError, match="conversation_folder_missing"):
        store.move_to_folder("none", ids["w"])


@pytest.mark.parametrize("name", ["Work", "Reports"])
@pytest.mark.parametrize("with_conversations", [False, True])
def test_a_deleted_folder_loses_nothing_and_is_restored(
    store: ConversationStore, name: str, with_conversations: bool
) -> None:
    ids = filled(store)
    before = everything(store)
    removed: list[str] = []
    store.on_delete = removed.extend
    deleted = store.delete_folder(ids[name], with_conversations=with_conversations)
    assert len(store.list()) + len(store.list(archived=True)) + len(store.trash()) == 6
    if not with_conversations:
        assert len(store.trash()) == 1
        assert store.get(ids["r"]).folder_id == (ids["Work"] if name == "Reports" else ids["Reports"])
        assert name not in [each.strip() for each in names(store)]
    elif name == "Work":
        assert names(store) == ["Home"]
        assert {each.title for each in store.trash()} == {"w", "r", "kept", "gone"}
    assert sorted(removed) == sorted(deleted.trashed)
    store.restore_folder(deleted)
    assert everything(store) == before


def test_folders_survive_backup_restore_and_salvage(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        ids = filled(store)
        store.update_folder(ids["Work"], name="Büro", instructions="Answer briefly.", preset_id="code", model_id="m")
        _, answer = store.begin_turn(ids["w"], "Question")
        before, backup = everything(store), store.backup_now()
        store.delete_folder(ids["Work"], with_conversations=True)
        store.finish_answer(answer.id, "Answer", answer.status.COMPLETE)
        store.restore_backup(backup.path)
        assert everything(store) == before
    path = folder / "conversations.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM folders WHERE name = 'Home'")
        connection.execute("UPDATE folders SET parent_id = 'lost' WHERE name = 'Reports'")
        connection.commit()
    salvage(folder)
    with ConversationStore.open(folder) as store:
        assert sorted(names(store)) == ["Büro", "Reports"]
        assert {each.title: each.folder_id for each in store.list()} == {
            "w": ids["Work"], "r": ids["Reports"], "h": None, "outside": None
        }  # fmt: skip
        assert [each.name for each in store.folder_documents(ids["Work"]).values()] == ["report.pdf"]
