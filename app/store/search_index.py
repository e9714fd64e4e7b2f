"""An index of what messages and their attachments say: a text of two signs is looked up, not searched for.

It holds the pieces of every run of letters and figures: two signs long in scripts without spaces between words, else
three, cut short at the end of a run, so that any piece of a word begins one of them.  It says only where to look; the
exact look is the search's.  It is derived from the messages, filled in small steps while nobody waits, and never part
of a copy: what is not in it yet stands in ``search_todo``, and is read through.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import pairwise

from app.store.errors import code_of

_RUN = re.compile(r"[^\W_]+")
# Han, kana, Hangul and what belongs to them; Thai, Lao, Burmese and Khmer have no spaces between words either.
_DENSE = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff]+)"
)
# Python finds each of these for an i, whatever the case.
_DOTLESS = str.maketrans("\u0130\u0131", "ii")
_STALE = -1
"""In ``search_todo``: a program without FTS5 has changed the messages, and the index must be made anew."""
_MOST_PIECES = 40
"""Of one search text: more of them would find no less."""


def grams(text: str) -> set[str]:
    """The pieces under which ``text`` can be found, in one case."""
    found: set[str] = set()
    for run, dense in _runs(text):
        if dense:
            found.update(map("".join, pairwise(run)))
        else:
            found.update(map("".join, zip(run, run[1:], run[2:], strict=False)))
            found.add(run[-2:])
        found.add(run[-1])
    return found


def expression(words: Iterable[str]) -> str | None:
    """What to look up for a text of these words; None where the index cannot tell it from anything else."""
    whole: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    for word in words:
        for run, dense in _runs(word):
            length = 2 if dense else 3
            if len(run) >= length:
                whole.update(dict.fromkeys(run[at : at + length] for at in range(len(run) - length + 1)))
            elif dense or len(run) == 2:
                beginnings[run] = None
    # A beginning is looked up in many places and tells little: only where there is nothing better.
    if whole:
        return " AND ".join(f'"{piece}"' for piece in list(whole)[:_MOST_PIECES])
    return " AND ".join(f'"{piece}" *' for piece in list(beginnings)[:_MOST_PIECES]) or None


def prepare(connection: sqlite3.Connection) -> None:
    """Make the index where there is none, all of it yet to be done.  Writes only where it has to."""
    exists = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_index'").fetchone() is not None
    stale = connection.execute("SELECT 1 FROM search_todo WHERE number = ?", (_STALE,)).fetchone() is not None
    if not _has_fts5(connection):
        if exists and not stale:
            connection.execute("INSERT OR IGNORE INTO search_todo VALUES (?)", (_STALE,))
        return
    if exists and not stale:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TABLE IF EXISTS search_index")
    # Without positions and sizes, which nobody asks for, it is a third smaller.  The tokens are made here; this
    # tokenizer splits them at the spaces and takes every other sign as it is.
    connection.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5(grams, content='', detail='none', columnsize=0, tokenize='ascii')"
    )
    connection.execute("DELETE FROM search_todo")
    connection.execute("INSERT INTO search_todo SELECT number FROM messages")
    connection.execute("COMMIT")


def is_usable(connection: sqlite3.Connection) -> bool:
    """Whether there is an index, and this SQLite can read it."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_index'").fetchone()
    return found is not None and _has_fts5(connection)


def lookup(connection: sqlite3.Connection, wanted: str, limit: int) -> list[int]:
    """The numbers of the messages that hold every piece of an ``expression``, of many only some."""
    rows = connection.execute("SELECT rowid FROM search_index WHERE search_index MATCH ? LIMIT ?", (wanted, limit))
    return [row[0] for row in rows]


def add_some(connection: sqlite3.Connection, limit: int) -> bool:
    """Take up to ``limit`` messages into the index, the newest first, and tell whether more wait.

    An answer that is being written waits for its end.
    """
    if not is_usable(connection):
        return False
    rows = connection.execute(
        """
        SELECT search_todo.number FROM search_todo CROSS JOIN messages ON messages.number = search_todo.number
        WHERE status <> 'streaming' ORDER BY search_todo.number DESC LIMIT ?
        """,
        (limit + 1,),
    )
    numbers = [row[0] for row in rows]
    taken = numbers[:limit]
    connection.executemany("INSERT INTO search_index (rowid, grams) VALUES (?, ?)", _entries(connection, taken))
    connection.executemany("DELETE FROM search_todo WHERE number = ?", [(number,) for number in taken])
    return len(numbers) > limit


def forget(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> None:
    """Take the messages of this condition out of the index, before they are changed or removed."""
    if not is_usable(connection):
        return
    rows = connection.execute(
        f"SELECT number FROM messages WHERE ({condition}) AND number NOT IN (SELECT number FROM search_todo)", values
    )
    numbers = [row[0] for row in rows]
    # An index without the texts must be told them to forget them.
    connection.executemany(
        "INSERT INTO search_index (search_index, rowid, grams) VALUES ('delete', ?, ?)", _entries(connection, numbers)
    )
    connection.executemany("INSERT INTO search_todo VALUES (?)", [(number,) for number in numbers])


def forget_all(connection: sqlite3.Connection) -> None:
    """Empty the index."""
    if is_usable(connection):
        connection.execute("INSERT INTO search_index (search_index) VALUES ('delete-all')")


def leave_out(copy: sqlite3.Connection) -> None:
    """Take the index out of a copy of the database: it is half of its size, and made anew where it is opened."""
    try:
        copy.execute("DROP TABLE IF EXISTS search_index")
        copy.execute("VACUUM")
    except sqlite3.OperationalError as error:
        # Without FTS5 it cannot be dropped; with it the copy is as good.
        if code_of(error) is not None:
            raise


def _runs(text: str) -> Iterable[tuple[str, bool]]:
    for run in _RUN.findall(text.translate(_DOTLESS).casefold()):
        if run.isascii():
            yield run, False
            continue
        for place, part in enumerate(_DENSE.split(run)):
            if part:
                yield part, place % 2 == 1


def _entries(connection: sqlite3.Connection, numbers: Iterable[int]) -> list[tuple[int, str]]:
    entries = []
    for number in numbers:
        id_, content = connection.execute("SELECT id, content FROM messages WHERE number = ?", (number,)).fetchone()
        pieces = grams(content)
        for name, text in connection.execute("SELECT name, content FROM attachments WHERE message_id = ?", (id_,)):
            pieces |= grams(name) | grams(text)
        entries.append((number, " ".join(pieces)))
    return entries


def _has_fts5(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None
