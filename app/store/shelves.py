"""Shelves of conversations: the list, the archive and the trash, as the numbers of their rows.

The indexes are derived from the rows and therefore no migration step: an older version of the program still opens the
database.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise

from app.conversation import Conversation, Shelf, ShelfOrder
from app.store.records import CONVERSATIONS, column_value, conversation_of

_SHELVES = {
    Shelf.CONVERSATIONS: ("deleted_at IS NULL AND archived_at IS NULL", ("pinned", "updated_at")),
    Shelf.ARCHIVE: ("deleted_at IS NULL AND archived_at IS NOT NULL", ("archived_at",)),
    Shelf.TRASH: ("deleted_at IS NOT NULL", ("deleted_at",)),
}
"""Condition and order of each; the last column is the time that it is divided by."""
_FOLDER = "deleted_at IS NULL AND archived_at IS NULL AND folder_id IS ?"
"""Condition of the conversations in a folder, or for NULL outside of all."""


def create_indexes(connection: sqlite3.Connection) -> None:
    """Create the indexes that are missing."""
    for shelf, (condition, order) in _SHELVES.items():
        # With the columns of the condition, or SQLite would read each row to check it.
        columns = ", ".join((*order, "number", *(each for each in ("deleted_at", "archived_at") if each not in order)))
        connection.execute(f"CREATE INDEX IF NOT EXISTS shelf_{shelf} ON conversations ({columns}) WHERE {condition}")
    columns = "folder_id, pinned, updated_at, number, deleted_at, archived_at"
    condition = _SHELVES[Shelf.CONVERSATIONS][0]
    connection.execute(f"CREATE INDEX IF NOT EXISTS list_of_folder ON conversations ({columns}) WHERE {condition}")


def count(connection: sqlite3.Connection, shelf: Shelf) -> int:
    """Return the number of conversations of a shelf."""
    found = connection.execute(f"SELECT count(*) FROM conversations WHERE {_SHELVES[shelf][0]}")
    return int(found.fetchone()[0])


def count_in_folders(connection: sqlite3.Connection, folder_ids: Sequence[str]) -> dict[str, int]:
    """Return the numbers of conversations in these folders, without the archive."""
    condition = f"{_SHELVES[Shelf.CONVERSATIONS][0]} AND folder_id IN (SELECT value FROM json_each(?))"
    rows = connection.execute(
        f"SELECT folder_id, count(*) FROM conversations WHERE {condition} GROUP BY folder_id",
        (json.dumps(folder_ids),),
    )
    return dict(map(tuple, rows))


def read_order(connection: sqlite3.Connection, shelf: Shelf, periods: Sequence[datetime]) -> ShelfOrder:
    """Return the order of a shelf; ``periods`` are the beginnings of periods, the latest first."""
    return _order(connection, *_SHELVES[shelf], (), periods)


def read_folder(connection: sqlite3.Connection, folder_id: str | None, periods: Sequence[datetime]) -> ShelfOrder:
    """Return the order of the list of one folder, or for None of what is outside of all."""
    return _order(connection, _FOLDER, _SHELVES[Shelf.CONVERSATIONS][1], (folder_id,), periods)


def _order(
    connection: sqlite3.Connection,
    condition: str,
    order: Sequence[str],
    values: Sequence[str | None],
    periods: Sequence[datetime],
) -> ShelfOrder:
    (numbers,) = connection.execute(
        f"SELECT json_group_array(number) FROM (SELECT number FROM conversations WHERE {condition} {_by(order)})",
        values,
    ).fetchone()
    found = json.loads(numbers)
    # With pins, the values of a row are compared as (pinned, time).
    begins: list[tuple[object, ...]] = [(column_value(begin),) for begin in periods]
    if has_pins := "pinned" in order:
        begins = [(1,), *((0, *begin) for begin in begins)]
    columns = f"SELECT {', '.join(order)} FROM conversations WHERE number = ?"

    def is_before(number: int, begin: tuple[object, ...]) -> bool:
        return tuple(connection.execute(columns, (number,)).fetchone()) < begin

    ends = [bisect_left(found, True, key=partial(is_before, begin=begin)) for begin in begins]
    ends = [0, *([] if has_pins else [0]), *ends, len(found)]
    return ShelfOrder(found, [end - begin for begin, end in pairwise(ends)])


def place(connection: sqlite3.Connection, number: int) -> int:
    """Return how many conversations of its folder, or outside of all, are before this one in the list."""
    columns = ", ".join((*_SHELVES[Shelf.CONVERSATIONS][1], "number"))
    row = connection.execute(f"SELECT folder_id, {columns} FROM conversations WHERE number = ?", (number,)).fetchone()
    before = f"SELECT count(*) FROM conversations WHERE {_FOLDER} AND ({columns}) > (?, ?, ?)"
    return int(connection.execute(before, tuple(row)).fetchone()[0])


def read_all(connection: sqlite3.Connection, shelf: Shelf) -> list[Conversation]:
    """Return the conversations of a shelf in their order."""
    condition, order = _SHELVES[shelf]
    return [conversation_of(row) for row in connection.execute(f"{CONVERSATIONS} WHERE {condition} {_by(order)}")]


def read_numbered(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, Conversation]:
    """Return the conversations with these numbers; those that were permanently deleted are missing."""
    rows = connection.execute(
        f"{CONVERSATIONS} WHERE number IN (SELECT value FROM json_each(?))", (json.dumps(list(numbers)),)
    )
    return {row["number"]: conversation_of(row) for row in rows}


def _by(columns: Iterable[str]) -> str:
    return "ORDER BY " + ", ".join(f"{column} DESC" for column in (*columns, "number"))
