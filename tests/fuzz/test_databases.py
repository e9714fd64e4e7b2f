"""Damaged databases: whatever is used of one works or ends in one line, and a refused one is unchanged."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.conversation import Attachment, Status
from app.store.backups import database_damage, newest_restorable
from app.store.salvage import salvage
from app.store.store import ConversationStore
from model_manager.errors import UserError
from tests.fuzz.hostile import Hostile, assert_one_line, case_count, hostile_cases, write

PAGE = 4096


def filled(folder: Path) -> bytes:
    """Return a database with something in every table, indexed for the search in part."""
    with ConversationStore.open(folder) as store:
        store.add_fact("a fact")
        inner = store.add_folder("folder")
        for number in range(8):
            id_ = store.create(title=f"title {number}", folder_id=inner.id if number % 2 else None).id
            attachments = [Attachment(f"{number}.txt", "attached words " * 40)]
            _, answer = store.begin_turn(id_, f"question {number} 好 " + "lorem ipsum " * 150, attachments=attachments)
            store.finish_answer(answer.id, "an answer of many words " * 100, Status.COMPLETE)
            if number == 5:
                while store.update_search_index():
                    pass
        store.delete(store.create(title="deleted").id)
    return (folder / "conversations.sqlite3").read_bytes()


def damaged(dice: Hostile, content: bytes) -> bytes:
    changed, page = bytearray(content), dice.randrange(len(content) // PAGE) * PAGE
    match dice.randrange(6):
        case 0:
            changed[page : page + PAGE] = bytes(PAGE)
        case 1:
            size = dice.choice((PAGE, PAGE // 2, 100))
            changed[page : page + size] = dice.randbytes(size)
        case 2:
            for _ in range(dice.choice((1, 20))):
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        case 3:
            changed[dice.randrange(16, 100)] ^= 0xFF
        case 4:
            word = dice.choice(
                (b"lorem", b"words", b"title", b"question", b"CREATE TABLE", b"folder", b"complete", b".txt")
            )
            places = [at for at in range(len(changed) - 20) if changed.startswith(word, at)]
            at = dice.choice(places)
            changed[at : at + 3] = dice.choice((b"\xff\xfe\x80", b"\0\0\0", dice.randbytes(3)))
        case _:
            return dice.damaged(content)
    return bytes(changed)


def uses(store: ConversationStore) -> list[Callable[[], object]]:
    return [
        store.list,
        lambda: store.list(archived=True),
        store.trash,
        store.folders,
        store.facts,
        lambda: store.titles(100),
        lambda: store.search("lorem"),
        lambda: store.search("question lorem words"),
        store.update_search_index,
        store.trees,
        lambda: [store.branch(each.id) for each in store.list()],
        lambda: [store.rename(each.id, "new") for each in store.list()],
        lambda: store.begin_turn(store.create(title="another").id, "?"),
        store.backup_now,
        lambda: store.purge(*[each.id for each in store.trash()]),
    ]


@case_count
def test_damaged_databases(count: int, tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    sound = filled(folder)
    path, ends = folder / "conversations.sqlite3", Counter[str]()
    for dice in hostile_cases(count // 10):
        shutil.rmtree(folder)
        (folder / "running").mkdir(parents=True)
        content = damaged(dice, sound)
        write(path, content)
        if dice.chance(0.5):
            # As after a crash: the pages are checked at the opening.
            (folder / "running" / "00000000-0000-0000-0000-000000000000.lock").touch()
        try:
            try:
                with ConversationStore.open(folder, busy_timeout_s=0.1) as store:
                    for use in uses(store):
                        try:
                            use()
                        except UserError as error:
                            assert_one_line(error)
                            ends[error.code] += 1
                ends["opened"] += 1
            except UserError as error:
                assert_one_line(error)
                ends["refused"] += 1
                assert path.read_bytes() == content
            database_damage(path, lambda: False)
            newest_restorable(folder)
            with suppress(UserError):
                salvage(folder)
        except BaseException as error:
            error.add_note(f"{dice!r}")
            raise
    assert ends["opened"] > count / 50, ends
    assert ends["refused"] > count / 50, ends
