"""Index of messages and attachments over n-grams, so that texts of one or two characters are found fast.

It contains the n-grams of the folded texts without white space: pairs, in alphabets also triples, and the single
characters of other scripts.  Each is hashed to a bucket.  The index returns candidates, which ``search`` verifies.
It is derived from the messages, filled in small steps in the background, and not part of backups: messages that it
doesn't contain yet are listed in ``search_todo`` and scanned.

A batch of messages is indexed at once and never changed.  The row ``batch << 12 | group`` of ``search_entries`` has the
sorted entries ``bucket % 16 << 12 | place`` of the buckets of a group, as 16-bit integers, where ``place`` is the
position of a message in the batch; the row of group 0 has the numbers of these messages, as 64-bit integers.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from app.store.connections import error_code
from app.store.folding import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH, SMALLEST_BATCH = 120_000, 30_000
"""Characters of a batch: many share a row, and a step remains short.  Fewer waiting ones are scanned as fast."""
STEP_S = 0.025
"""Processor time of a step; where steps take longer, the batches become smaller."""
_MESSAGE = 50
"""Characters that each message counts in addition, so that a batch has fewer than 4096 messages."""
_FIRST_DENSE = 0x0E00
"""Thai is the first script without spaces between words, or with many characters; the alphabets are before it."""
_SINGLES, _DENSE_PAIRS, _PAIRS, _TRIPLES = (16, 8191), (8208, 32749), (40960, 4093), (45056, 16381)
"""First bucket and number of buckets of each kind of n-gram."""
_FACTOR = 1_000_003
_MOST_BUCKETS = 24
"""For one search text; more would hardly exclude further candidates."""
_BATCHES_AT_ONCE = 60
_EARLIER_NAMES = ("search_grams", "search_index")
"""Tables (FTS5) of the index of earlier versions."""
_STEP_ROWS = 1000
"""Rows of an earlier index that are deleted in one step."""


def create_index(connection: sqlite3.Connection) -> None:
    """Create the index where it is missing, with all messages waiting.  Writes only when necessary."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    # An earlier version of the program, which has its own index, has indexed the waiting messages.
    if "search_entries" in names and names.isdisjoint(_EARLIER_NAMES):
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TABLE IF EXISTS search_entries")
    connection.execute("CREATE TABLE search_entries (id INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT")
    connection.execute("DELETE FROM search_todo")
    connection.execute("INSERT INTO search_todo SELECT number FROM messages")
    connection.execute("COMMIT")


class Candidates:
    """Numbers of messages that may contain some folded words, read from the index in steps, the newest batches first.

    ``found`` are those read so far; those that aren't indexed yet are among them.
    """

    def __init__(self, connection: sqlite3.Connection, wanted: Sequence[int]) -> None:
        """``wanted`` are the buckets that a message needs."""
        self.found = {row[0] for row in connection.execute("SELECT number FROM search_todo")}
        self._connection = connection
        self._wanted = wanted
        self._groups = sorted({0, *(bucket >> 4 for bucket in wanted)})
        rows = connection.execute(
            "SELECT substr(entries, 1, 8), id FROM search_entries WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps([batch << 12 for batch in _batches(connection)]),),
        )
        # The first number of a batch is the highest.
        self._unread = sorted((array("q", first)[0], id_) for first, id_ in rows)

    @property
    def highest_unread(self) -> int:
        """No higher number is in a batch that isn't read yet; 0 after the last one."""
        return self._unread[-1][0] if self._unread else 0

    def read(self) -> None:
        """Read some batches."""
        batches = [id_ for _, id_ in self._unread[-_BATCHES_AT_ONCE:]]
        del self._unread[-_BATCHES_AT_ONCE:]
        rows = self._connection.execute(
            """
            SELECT id >> 12, id & 4095, entries FROM search_entries
            WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id
            """,
            (json.dumps([id_ | group for id_ in batches for group in self._groups]),),
        )
        for _, batch in groupby(rows, itemgetter(0)):
            by_group = {group: entries for _, group, entries in batch}
            if len(by_group) == len(self._groups):
                self.found.update(_in_batch(by_group, self._wanted))


def candidates(connection: sqlite3.Connection, words: Iterable[str]) -> Candidates | None:
    """Return the messages that may contain these folded words; None where the index can't narrow the search."""
    wanted = list(dict.fromkeys(bucket for word in words for bucket in _buckets(word)))[:_MOST_BUCKETS]
    return Candidates(connection, wanted) if wanted else None


def index_pending(connection: sqlite3.Connection, characters: int) -> bool:
    """Add the newest waiting messages to the index, once they have this number of characters together.

    Returns whether there may be more to do.  Streaming answers are added once they are finished.
    """
    if _remove_earlier(connection):
        return True
    rows = connection.execute(
        """
        SELECT search_todo.number, id, content
        FROM search_todo CROSS JOIN messages ON messages.number = search_todo.number
        WHERE status <> 'streaming' ORDER BY search_todo.number DESC
        """
    )
    numbers, texts, size = array("q"), [], 0
    for number, id_, content in rows:
        parts = [content]
        for attachment in connection.execute("SELECT name, content FROM attachments WHERE message_id = ?", (id_,)):
            parts += attachment
        text = fold("\n".join(parts))
        numbers.append(number)
        texts.append(text)
        size += len(text) + _MESSAGE
        if size >= characters:
            break
    else:
        return False
    batch = len(_batches(connection)) + 1 << 12
    added = [(batch, numbers.tobytes()), *((batch | group, entries) for group, entries in _entries(texts))]
    connection.executemany("INSERT INTO search_entries VALUES (?, ?)", added)
    connection.executemany("DELETE FROM search_todo WHERE number = ?", [(number,) for number in numbers])
    return True


def queue(connection: sqlite3.Connection, message_id: str) -> None:
    """Let a changed message be indexed again.  Its earlier entries remain until its batch is removed."""
    connection.execute("INSERT OR IGNORE INTO search_todo SELECT number FROM messages WHERE id = ?", (message_id,))


def remove(connection: sqlite3.Connection, condition: str, values: Sequence[object]) -> None:
    """Remove the batches of the messages that fulfil the condition, before these are deleted; the others wait again."""
    gone = {row[0] for row in connection.execute(f"SELECT number FROM messages WHERE {condition}", values)}
    for batch in _batches(connection) if gone else ():
        row = connection.execute("SELECT entries FROM search_entries WHERE id = ?", (batch << 12,)).fetchone()
        if row is not None and not gone.isdisjoint(numbers := array("q", row[0])):
            connection.execute("DELETE FROM search_entries WHERE id BETWEEN ? AND ?", (batch << 12, batch << 12 | 4095))
            connection.execute(
                """
                INSERT OR IGNORE INTO search_todo
                SELECT number FROM messages WHERE number IN (SELECT value FROM json_each(?))
                """,
                (json.dumps(list(numbers)),),
            )


def remove_all(connection: sqlite3.Connection) -> None:
    """Empty the index."""
    connection.execute("DELETE FROM search_entries")


def drop_index(copy: sqlite3.Connection) -> None:
    """Drop the index from a copy of the database: it is large, and rebuilt when the copy is opened."""
    try:
        for name in ("search_entries", *_EARLIER_NAMES):
            copy.execute(f"DROP TABLE IF EXISTS {name}")
        copy.execute("VACUUM")
    except sqlite3.OperationalError as error:
        # Without FTS5 an earlier index can't be dropped, and the copy is valid with it.
        if error_code(error) is not None:
            raise


def _remove_earlier(connection: sqlite3.Connection) -> bool:
    """Remove a part of the index of an earlier version, and return whether there was one."""
    for name in _EARLIER_NAMES:
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is None:
            continue
        # The first rows are needed to drop the table.
        rows = f"SELECT id FROM {name}_data WHERE id > 10 LIMIT {_STEP_ROWS}"
        if connection.execute(f"DELETE FROM {name}_data WHERE id IN ({rows})").rowcount == 0:
            connection.execute(f"DROP TABLE {name}")
        return True
    return False


def _batches(connection: sqlite3.Connection) -> range:
    """Return the numbers of all batches, the newest first; some may have been removed."""
    (last,) = connection.execute("SELECT max(id) FROM search_entries").fetchone()
    return range((last or 0) >> 12, 0, -1)


def _in_batch(by_group: dict[int, bytes], wanted: Sequence[int]) -> Iterable[int]:
    """Return the numbers of the messages of a batch that have entries in all wanted buckets."""
    parts = []
    for bucket in wanted:
        entries = array("H", by_group[bucket >> 4])
        first = (bucket & 15) << 12
        parts.append((first, entries[bisect_left(entries, first) : bisect_left(entries, first + 4096)]))
    parts.sort(key=lambda part: len(part[1]))
    before, shortest = parts[0]
    found = set(shortest)
    for first, part in parts[1:]:
        found = set(part).intersection(map((before ^ first).__xor__, found)) if found else found
        before = first
    return map(array("q", by_group[0]).__getitem__, map(before.__xor__, found))


def _buckets(word: str) -> Iterable[int]:
    """Return the buckets of the n-grams of a word that narrow a search."""
    codes = [ord(character) for character in word]
    for code in codes:
        if code >= _FIRST_DENSE:
            yield _bucket(_SINGLES, code)
    for place in range(len(codes) - 1):
        first, second, *third = codes[place : place + 3]
        if max(first, second) >= _FIRST_DENSE:
            yield _bucket(_DENSE_PAIRS, first * _FACTOR + second)
        elif third and third[0] < _FIRST_DENSE:
            yield _bucket(_TRIPLES, (first * _FACTOR + second) * _FACTOR + third[0])
        elif place == 0 or codes[place - 1] >= _FIRST_DENSE:
            # Otherwise the triple before contains it.
            yield _bucket(_PAIRS, first * _FACTOR + second)


def _bucket(kind: tuple[int, int], value: Any) -> Any:
    """Return the bucket of an n-gram, or those of an array of them."""
    first, count = kind
    return first + value % count


def _entries(texts: Sequence[str]) -> Iterable[tuple[int, bytes]]:
    """Return the entries of a batch of folded texts by their groups, in order."""
    import numpy as np

    # Each text ends with a newline, so that no n-gram reaches into the next one.
    codes = np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-32")[4:], np.uint32)
    places = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) + 1 for text in texts])
    parts = []
    for begin in range(0, len(codes), BATCH):
        parts.append(_keys(codes[begin : begin + BATCH + 2], places[begin : begin + BATCH + 2]))
    keys = _distinct(parts)
    groups = keys >> 16
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    entries = keys.astype(np.uint16).tobytes()
    ends = [*begins[1:].tolist(), len(keys)][: len(begins)]
    for group, begin, end in zip(groups[begins].tolist(), begins.tolist(), ends, strict=True):
        yield group, entries[2 * begin : 2 * end]


def _keys(characters: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """Return ``bucket << 12 | place`` of the n-grams of these characters, each once."""
    import numpy as np

    codes = characters.astype(np.int64)
    is_text, is_dense = (codes != ord(" ")) & (codes != ord("\n")), codes >= _FIRST_DENSE
    pairs = codes[:-1] * _FACTOR + codes[1:]
    triples = pairs[:-1] * _FACTOR + codes[2:]
    is_pair, has_dense = is_text[:-1] & is_text[1:], is_dense[:-1] | is_dense[1:]
    kinds = (
        (_SINGLES, codes, is_dense),
        (_DENSE_PAIRS, pairs, is_pair & has_dense),
        (_PAIRS, pairs, is_pair & ~has_dense),
        (_TRIPLES, triples, is_pair[:-1] & is_pair[1:] & ~(has_dense[:-1] | has_dense[1:])),
    )
    return _distinct([_bucket(kind, values[mask]) << 12 | places[: len(mask)][mask] for kind, values, mask in kinds])


def _distinct(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the values of all parts, sorted and each once; ``numpy.unique`` takes fifty times as long."""
    import numpy as np

    values = np.concatenate(parts).astype(np.int32)
    values.sort()
    distinct: NDArray[Any] = values[np.diff(values, prepend=-1) != 0]
    return distinct
