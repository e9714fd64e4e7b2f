"""Full-text index (FTS5) of messages and attachments over n-grams, so that texts of two characters are found fast.

It contains the n-grams of every run of letters and digits of the folded text: bigrams in scripts without spaces between
words, else trigrams, shorter at the end of a run, so that any part of a word is a prefix of one of them.  It returns
candidates, which ``search`` verifies.  It is derived from the messages, filled in small steps in the background, and
not part of backups: messages that it doesn't contain yet are listed in ``search_todo`` and scanned.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Sequence

from app.store.connections import error_code
from app.store.folding import fold

_RUN = re.compile(r"[^\W_]+")
# Han, kana, Hangul and related blocks; Thai, Lao, Burmese and Khmer have no spaces between words either.
_DENSE = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff]+)"
)
_NAME, _EARLIER_NAME = "search_grams", "search_index"
"""Tables of the index; the earlier one, whose entries aren't folded, is replaced."""
_STEP_S = 0.015
"""Processor time of one step before its entries are written, which takes about as long."""
_STALE = -1
"""Entry in ``search_todo``: SQLite without FTS5 changed the messages, and the index must be rebuilt."""
_MOST_GRAMS = 40
"""For one search text; more would hardly exclude further candidates."""


def ngrams(text: str) -> set[str]:
    """Return the n-grams of a folded text."""
    found: set[str] = set()
    for run, dense in _runs(text):
        length = 2 if dense else 3
        found.update([run[at : at + length] for at in range(len(run) - length + 1)])
        found.add(run[1 - length :])
    return found


def fts_query(words: Iterable[str]) -> str | None:
    """Return the FTS5 query for messages with these folded words; None where the index can't narrow the search."""
    complete: dict[str, None] = {}
    prefixes: dict[str, None] = {}
    for word in words:
        for run, dense in _runs(word):
            length = 2 if dense else 3
            if len(run) >= length:
                complete.update(dict.fromkeys(run[at : at + length] for at in range(len(run) - length + 1)))
            elif dense or len(run) == 2:
                prefixes[run] = None
    # A prefix query reads many entries and excludes few: only without complete n-grams.
    if complete:
        return " AND ".join(f'"{gram}"' for gram in list(complete)[:_MOST_GRAMS])
    return " AND ".join(f'"{gram}" *' for gram in list(prefixes)[:_MOST_GRAMS]) or None


def create_index(connection: sqlite3.Connection) -> None:
    """Create the index where it is missing or stale, with all messages waiting.  Writes only when necessary."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    stale = connection.execute("SELECT 1 FROM search_todo WHERE number = ?", (_STALE,)).fetchone() is not None
    exists = _NAME in names
    if not _has_fts5(connection):
        if exists and not stale:
            connection.execute("INSERT OR IGNORE INTO search_todo VALUES (?)", (_STALE,))
        return
    if exists and not stale and _EARLIER_NAME not in names:
        return
    connection.execute("BEGIN IMMEDIATE")
    for name in (_NAME, _EARLIER_NAME):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    # A third smaller without positions and sizes, which aren't used.  The tokens are made here; this tokenizer splits
    # them at spaces and keeps every other character.
    connection.execute(
        f"CREATE VIRTUAL TABLE {_NAME} USING fts5(grams, content='', detail='none', columnsize=0, tokenize='ascii')"
    )
    connection.execute("DELETE FROM search_todo")
    connection.execute("INSERT INTO search_todo SELECT number FROM messages")
    connection.execute("COMMIT")


def is_usable(connection: sqlite3.Connection) -> bool:
    """Return whether there is an index that this SQLite can read."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (_NAME,)).fetchone()
    return found is not None and _has_fts5(connection)


def lookup(connection: sqlite3.Connection, query: str, limit: int) -> list[int]:
    """Return the numbers of up to ``limit`` messages that match an ``fts_query``."""
    rows = connection.execute("SELECT rowid FROM search_grams WHERE search_grams MATCH ? LIMIT ?", (query, limit))
    return [row[0] for row in rows]


def index_pending(connection: sqlite3.Connection, limit: int) -> bool:
    """Add up to ``limit`` messages to the index, the newest first, and return whether more are waiting.

    Adds fewer where they take long.  Streaming answers are added once they are finished.
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
    added = 0
    deadline = time.thread_time() + _STEP_S
    for number in numbers[:limit]:
        connection.executemany("INSERT INTO search_grams (rowid, grams) VALUES (?, ?)", _entries(connection, [number]))
        connection.execute("DELETE FROM search_todo WHERE number = ?", (number,))
        added += 1
        if time.thread_time() > deadline:
            break
    return len(numbers) > added


def remove(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> None:
    """Remove the messages that fulfil the condition from the index, before they are changed or deleted."""
    if not is_usable(connection):
        return
    rows = connection.execute(
        f"SELECT number FROM messages WHERE ({condition}) AND number NOT IN (SELECT number FROM search_todo)", values
    )
    numbers = [row[0] for row in rows]
    # A contentless index needs the tokens again to delete an entry.
    connection.executemany(
        "INSERT INTO search_grams (search_grams, rowid, grams) VALUES ('delete', ?, ?)", _entries(connection, numbers)
    )
    connection.executemany("INSERT INTO search_todo VALUES (?)", [(number,) for number in numbers])


def remove_all(connection: sqlite3.Connection) -> None:
    """Empty the index."""
    if is_usable(connection):
        connection.execute("INSERT INTO search_grams (search_grams) VALUES ('delete-all')")


def drop_index(copy: sqlite3.Connection) -> None:
    """Drop the index from a copy of the database: it is half of its size, and rebuilt when the copy is opened."""
    try:
        for name in (_NAME, _EARLIER_NAME):
            copy.execute(f"DROP TABLE IF EXISTS {name}")
        copy.execute("VACUUM")
    except sqlite3.OperationalError as error:
        # Without FTS5 it can't be dropped, and the copy is valid with it.
        if error_code(error) is not None:
            raise


def _runs(text: str) -> Iterable[tuple[str, bool]]:
    for run in dict.fromkeys(_RUN.findall(text)):
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
        found = ngrams(fold(content))
        for name, text in connection.execute("SELECT name, content FROM attachments WHERE message_id = ?", (id_,)):
            found |= ngrams(fold(name)) | ngrams(fold(text))
        entries.append((number, " ".join(found)))
    return entries


def _has_fts5(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None
