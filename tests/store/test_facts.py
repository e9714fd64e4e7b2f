"""Facts of the memory in the store: bounds, backups, salvage, and the deletion of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bounds import MAX_FACT_CHARACTERS, MAX_FACTS_BYTES
from app.store.salvage import salvage
from app.store.store import ConversationStore
from model_manager.errors import UserError


def texts(store: ConversationStore) -> list[str]:
    return [each.text for each in store.facts()]


def test_facts_are_added_edited_and_deleted(tmp_path: Path) -> None:
    with ConversationStore.open(tmp_path) as store:
        first = store.add_fact(" I'm\n vegetarian. ")
        assert store.add_fact("I'm vegetarian.") == first
        second = store.add_fact("我住在上海")
        store.edit_fact(second.id, "我住在北京\ud800")
        assert texts(store) == ["I'm vegetarian.", "我住在北京\ufffd"]
        store.delete_fact(first.id)
        for change in (lambda: store.delete_fact(first.id), lambda: store.edit_fact(first.id, "x")):
            with pytest.raises(UserError, match="fact_missing"):
                change()
    with ConversationStore.open(tmp_path) as store:
        assert texts(store) == ["我住在北京\ufffd"]


def test_facts_are_bounded(tmp_path: Path) -> None:
    with ConversationStore.open(tmp_path) as store:
        for text, code in (("  ", "fact_empty"), ("x" * (MAX_FACT_CHARACTERS + 1), "fact_too_long")):
            with pytest.raises(UserError, match=code):
                store.add_fact(text)
        count = MAX_FACTS_BYTES // MAX_FACT_CHARACTERS
        facts = [store.add_fact(f"{number:03}" + "x" * (MAX_FACT_CHARACTERS - 3)) for number in range(count)]
        with pytest.raises(UserError, match="facts_full"):
            store.add_fact("one more")
        with pytest.raises(UserError, match="facts_full"):
            store.edit_fact(facts[0].id, "字" * MAX_FACT_CHARACTERS)
        # A database from elsewhere may have more.
        with store._connections.writing() as connection:
            for number in range(50):
                row = (str(number), "2200-01-01T00:00:00+00:00", "y" * 10_000)
                connection.execute("INSERT INTO facts (id, created_at, content) VALUES (?, ?, ?)", row)
        assert sum(len(each.encode()) for each in texts(store)) <= MAX_FACTS_BYTES


def test_facts_are_in_backups_and_gone_after_the_deletion_of_everything(tmp_path: Path) -> None:
    with ConversationStore.open(tmp_path / "a") as store:
        store.add_fact("I'm vegetarian.")
        store.backup(tmp_path / "backup.sqlite3")
        store.erase_everything()
        assert texts(store) == []
        for path in (tmp_path / "a").rglob("*"):
            assert path.is_dir() or b"vegetarian" not in path.read_bytes()
        store.restore_backup(tmp_path / "backup.sqlite3")
        assert texts(store) == ["I'm vegetarian."]


def test_facts_are_salvaged(tmp_path: Path) -> None:
    with ConversationStore.open(tmp_path) as store:
        store.add_fact("I'm vegetarian.")
        store.begin_turn(store.create().id, "Hello")
    salvage(tmp_path)
    with ConversationStore.open(tmp_path) as store:
        assert texts(store) == ["I'm vegetarian."]
