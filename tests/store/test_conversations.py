"""What a person does with whole conversations: pin, put away, delete, bring back."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.context import ContextPolicy
from app.conversation import Attachment, Conversation, ConversationTree, Shelf, Status
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.errors import UserError


def titles(conversations: list[Conversation]) -> list[str]:
    return [each.title for each in conversations]


def three(store: ConversationStore) -> list[str]:
    return [store.create(title=title).id for title in ("one", "two", "three")]


def test_pinned_conversations_are_listed_first(store: ConversationStore) -> None:
    one, *_ = three(store)
    store.update(one, is_pinned=True)
    assert titles(store.list()) == ["one", "three", "two"]
    assert [each.is_pinned for each in store.list()] == [True, False, False]
    store.update(one, is_pinned=False)
    assert titles(store.list()) == ["three", "two", "one"]


def test_conversations_are_archived_and_unarchived(store: ConversationStore) -> None:
    one, two, three_ = three(store)
    store.update(one, is_pinned=True)
    store.archive(one)
    assert store.archive(one, two, "none") == (two,)
    assert titles(store.list()) == ["three"]
    assert sorted(titles(store.list(archived=True))) == ["one", "two"]
    assert all(each.archived_at is not None for each in store.list(archived=True))
    assert store.get(one).is_pinned is False
    assert len(store.trees()) == 3, "put away is not gone"
    assert len(store.search("one")) == 1
    assert store.unarchive(one, two, three_) == (one, two)
    store.unarchive(one)
    assert sorted(titles(store.list())) == ["one", "three", "two"]
    assert store.list(archived=True) == []


def test_conversations_are_deleted_and_restored(store: ConversationStore) -> None:
    one, two, three_ = three(store)
    store.delete(two)
    assert store.delete(one, two, "none") == (one,)
    assert titles(store.list()) == ["three"]
    assert titles(store.trash()) == ["one", "two"]
    assert all(each.deleted_at is not None for each in store.trash())
    assert store.restore(one, three_, "none") == (one,)
    assert store.get(one).deleted_at is None
    assert titles(store.trash()) == ["two"]


def test_only_conversations_in_the_trash_are_purged(store: ConversationStore) -> None:
    one, two, three_ = three(store)
    store.delete(one, two)
    assert store.purge(one, three_, "none") == (one,)
    assert titles(store.trash()) == ["two"]
    assert titles(store.list()) == ["three"]
    assert store.restore(one) == ()


def test_an_archived_conversation_is_restored_to_the_archive(store: ConversationStore) -> None:
    one, *_ = three(store)
    store.archive(one)
    store.delete(one)
    assert store.list(archived=True) == []
    store.restore(one)
    assert titles(store.list(archived=True)) == ["one"]


def test_a_shelf_is_read_as_numbers_in_sections(store: ConversationStore) -> None:
    now = datetime.now(UTC)
    days = {"now": 0, "yesterday": 1, "old": 40, "pinned": 41, "archived": 3, "deleted": 2}
    trees = [
        ConversationTree(
            Conversation(name, name, now, now - timedelta(days=days[name]), is_pinned=name == "pinned"), ()
        )
        for name in days
    ]
    store.merge(trees)
    store.archive("archived")
    store.delete("deleted", "archived")
    store.restore("archived")

    def read(shelf: Shelf, periods: Sequence[datetime] = ()) -> tuple[list[str], list[int]]:
        order = store.order(shelf, periods)
        conversations = store.numbered(order.numbers)
        return [conversations[number].title for number in order.numbers], order.sections

    periods = [now - timedelta(hours=1), now - timedelta(days=2)]
    assert read(Shelf.CONVERSATIONS, periods) == (["pinned", "now", "yesterday", "old"], [1, 1, 1, 1])
    assert read(Shelf.CONVERSATIONS) == (titles(store.list()), [1, 3])
    assert read(Shelf.ARCHIVE, periods) == (["archived"], [0, 1, 0, 0])
    assert read(Shelf.TRASH) == (["deleted"], [0, 1])
    assert [store.count(shelf) for shelf in Shelf] == [4, 1, 1]
    number = store.number_of("deleted")
    assert number is not None
    store.purge("deleted")
    assert store.numbered([number]) == {}
    assert store.number_of("deleted") is store.number_of(None) is None


def test_an_automatic_title_does_not_replace_the_users(store: ConversationStore) -> None:
    conversation = store.create(title="First words")
    store.set_automatic_title(conversation.id, "天空的颜色")
    assert (store.get(conversation.id).title, store.get(conversation.id).title_is_chosen) == ("天空的颜色", False)
    store.rename(conversation.id, "Mine")
    store.set_automatic_title(conversation.id, "Something else")
    assert (store.get(conversation.id).title, store.get(conversation.id).title_is_chosen) == ("Mine", True)
    with pytest.raises(UserError, match="conversation_missing"):
        store.set_automatic_title("no", "")


def test_a_conversation_has_its_own_sampling_and_policy(store: ConversationStore) -> None:
    conversation = store.create()
    sampling = Sampling(temperature=0.1, seed=3, stop=("停",))
    store.update(conversation.id, sampling=sampling)
    store.update(conversation.id, context_policy=ContextPolicy.ROLL)
    read = store.get(conversation.id)
    assert (read.sampling, read.context_policy) == (sampling, ContextPolicy.ROLL)
    store.update(conversation.id, sampling=None)
    store.update(conversation.id, context_policy=None)
    assert store.get(conversation.id) == conversation


@pytest.mark.parametrize("column", ["sampling = '{'", "sampling = '[]'", "context_policy = 'forget'"])
def test_invalid_columns_of_a_conversation_are_damage(folder: Path, column: str) -> None:
    with ConversationStore.open(folder) as store:
        store.create()
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute(f"UPDATE conversations SET {column}")
    connection.close()
    with ConversationStore.open(folder) as store, pytest.raises(UserError, match="database_damaged"):
        store.list()


def test_missing_ids_are_errors(store: ConversationStore) -> None:
    conversation = store.create()
    store.delete(conversation.id)
    for act in (
        lambda: store.update(conversation.id, is_pinned=True),
        lambda: store.update(conversation.id, sampling=None),
        lambda: store.update(conversation.id, context_policy=None),
        lambda: store.siblings(conversation.id),
        lambda: store.fork(conversation.id, "no"),
    ):
        with pytest.raises(UserError, match="conversation_missing"):
            act()


def test_erased_text_is_in_no_file(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        conversation = store.create(title="SECRET-title", system_prompt="SECRET-system")
        for _ in range(50):
            attached = [Attachment("SECRET-name", "SECRET-attachment " * 500)]
            _, answer = store.begin_turn(conversation.id, "SECRET-question 秘密", attachments=attached)
            store.finish_answer(answer.id, "SECRET-answer " * 500, Status.COMPLETE)
        store.backup_now()
        store.begin_turn(conversation.id, "?")
        with pytest.raises(UserError, match="answer_in_progress"):
            store.erase_everything()
        assert len(store.list()) == 1
        store.finish_answer(store.branch(conversation.id)[-1].id, "", Status.STOPPED)
        store.erase_everything()
        assert store.list() == store.trash() == store.backups() == store.search("SECRET") == []
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert folder / "conversations.sqlite3" in files
        for path in files:
            assert b"SECRET" not in path.read_bytes(), path.name
        store.begin_turn(store.create().id, "goes on")
    assert not list(folder.rglob("*.part"))


def test_purging_deletes_attachments(folder: Path) -> None:
    with ConversationStore.open(folder) as store:
        conversation = store.create()
        store.begin_turn(conversation.id, "?", attachments=[Attachment("a", "b")])
        store.delete(conversation.id)
        assert store.purge_deleted(timedelta(0)) == 1
    connection = sqlite3.connect(folder / "conversations.sqlite3")
    for table in ("conversations", "messages", "attachments"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()
