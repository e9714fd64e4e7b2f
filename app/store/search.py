"""Search over titles, contents and attachments.

The index tells which messages may contain the text, for those that it knows; the others SQLite looks through for
pieces of the text, with the letters of English alone in both cases.  An exact look at the few candidates decides.
"""

from __future__ import annotations

import heapq
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import groupby, islice

from app.conversation import SearchHit
from app.store import search_index

_BEFORE = 40
_AFTER = 80
_LONGEST_PIECE = 1000
_MOST_PIECES = 10
_CUT = "…"
_WORD = 16
"""A word that was cut is left out where it ends within so many characters."""
_MARKS = re.compile(r"[*`]+|(?<=\n)(?:#{1,6} |> ?)")

_Found = tuple[str, SearchHit]
_Rough = tuple[str, list[str]]
"""A condition on the column ``{0}``, and its values."""


_NEWEST = 3000
"""So many of the newest messages are looked through first: what is frequent is found among them at once."""
_MOST_SORTED = 3000
"""Up to so many candidates are put in order; of more, all messages are walked through by time."""


def search(connection: sqlite3.Connection, text: str, limit: int, *, use_index: bool = True) -> list[SearchHit]:
    """The titles and messages that contain ``text``, newest first; one hit for each.

    Upper and lower case are the same, any white space equals any other.  What is deleted is left out.
    """
    words = text.split()
    if not words:
        return []
    exact = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    rough = _rough_condition(words)
    condition, values = rough
    titles = connection.execute(
        f"""
        SELECT id AS conversation_id, NULL AS message_id, title, title AS content, updated_at AS time
        FROM conversations
        WHERE deleted_at IS NULL AND ({condition.format("title")})
        ORDER BY updated_at DESC, number DESC
        """,
        values,
    )
    wanted = search_index.expression(words) if use_index and search_index.is_usable(connection) else None
    messages = _scanned(connection, rough) if wanted is None else _newest_then_looked_up(connection, wanted, rough)
    found = heapq.merge(
        _hits(connection, titles, exact), _hits(connection, messages, exact), key=lambda item: item[0], reverse=True
    )
    return [hit for _, hit in islice(found, limit)]


_MESSAGES = """
    SELECT conversation_id, messages.id AS message_id, title, content, messages.created_at AS time
    FROM messages {by} CROSS JOIN conversations ON conversations.id = conversation_id
    WHERE conversations.deleted_at IS NULL AND messages.deleted_at IS NULL
"""
_NEWEST_FIRST = "ORDER BY messages.created_at DESC, messages.number DESC"


def _scanned(
    connection: sqlite3.Connection,
    rough: _Rough,
    further: str = "",
    more: Sequence[object] = (),
    by: str = "INDEXED BY messages_by_time",
) -> Iterator[sqlite3.Row]:
    """The messages that may contain the text, of those that fulfil a further condition.

    By time, whoever has enough of them stops; without an index the few that are named are put in order.
    """
    condition, values = rough
    yield from connection.execute(
        f"""
        {_MESSAGES.format(by=by)} {further} AND (
            ({condition.format("content")}) OR EXISTS (
                SELECT 1 FROM attachments
                WHERE message_id = messages.id
                    AND (({condition.format("attachments.content")}) OR ({condition.format("name")}))
            )
        )
        {_NEWEST_FIRST}
        """,
        [*more, *values, *values, *values],
    )


def _newest_then_looked_up(connection: sqlite3.Connection, wanted: str, rough: _Rough) -> Iterator[sqlite3.Row]:
    last = connection.execute(
        f"SELECT created_at, number FROM messages {_NEWEST_FIRST} LIMIT 1 OFFSET ?", (_NEWEST,)
    ).fetchone()
    if last is None:
        yield from _scanned(connection, rough)
        return
    yield from _scanned(connection, rough, "AND (messages.created_at, messages.number) > (?, ?)", tuple(last))
    older = "AND (messages.created_at, messages.number) <= (?, ?) AND messages.number IN"
    numbers = search_index.lookup(connection, wanted, _MOST_SORTED + 1)
    if len(numbers) > _MOST_SORTED:
        among = "(SELECT rowid FROM search_index WHERE search_index MATCH ? UNION ALL SELECT number FROM search_todo)"
        yield from _scanned(connection, rough, f"{older} {among}", (*last, wanted))
    else:
        among = "(SELECT value FROM json_each(?) UNION ALL SELECT number FROM search_todo)"
        yield from _scanned(connection, rough, f"{older} {among}", (*last, json.dumps(numbers)), "NOT INDEXED")


def _rough_condition(words: Iterable[str]) -> _Rough:
    """A condition on the column ``{0}``, with its values, that holds wherever the exact look will find ``words``."""
    pieces = [
        "".join(piece)[:_LONGEST_PIECE]
        for word in words
        for kind, piece in groupby(word, _kind)
        if kind is not _Kind.OTHER_LETTER
    ]
    if not pieces:
        letter = next(iter("".join(words)))
        cases = [case for case in (letter.lower(), letter.upper()) if len(case) == 1]
        return " OR ".join("instr({0}, ?)" for _ in cases), cases
    # What has no case is found twice as fast byte by byte.
    same = [piece for piece in pieces if piece.lower() == piece.upper()][:_MOST_PIECES]
    folded = [f"%{_escaped(piece)}%" for piece in pieces if piece.lower() != piece.upper()][:_MOST_PIECES]
    conditions = ["instr({0}, ?)"] * len(same) + ["{0} LIKE ? ESCAPE '\\'"] * len(folded)
    return " AND ".join(conditions), same + folded


def _escaped(text: str) -> str:
    return re.sub(r"[%_\\]", r"\\\g<0>", text)


class _Kind(Enum):
    ASCII = auto()
    OTHER_LETTER = auto()
    WITHOUT_CASE = auto()


def _kind(character: str) -> _Kind:
    if character.isascii() and character != "\0":
        return _Kind.ASCII
    return _Kind.WITHOUT_CASE if character.lower() == character.upper() else _Kind.OTHER_LETTER


def _hits(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row], exact: re.Pattern[str]) -> Iterator[_Found]:
    for row in rows:
        match = exact.search(row["content"])
        if match is None and row["message_id"] is not None:
            match = _in_attachments(connection, row["message_id"], exact)
        if match is not None:
            snippet, span = _snippet(match)
            yield row["time"], SearchHit(row["conversation_id"], row["message_id"], row["title"], snippet, span)


def _in_attachments(connection: sqlite3.Connection, message_id: str, exact: re.Pattern[str]) -> re.Match[str] | None:
    rows = connection.execute(
        "SELECT name, content FROM attachments WHERE message_id = ? ORDER BY position", (message_id,)
    )
    return next((match for row in rows for text in row if (match := exact.search(text)) is not None), None)


def _snippet(match: re.Match[str]) -> tuple[str, tuple[int, int]]:
    """One line around the hit, and where in it the hit lies."""
    text = match.string
    first, last = max(0, match.start() - _BEFORE), min(len(text), match.end() + _AFTER)
    before = _plain(text[first : match.start()]).lstrip()
    hit = _one_line(match[0])
    after = _plain(text[match.end() : last]).rstrip()
    if first > 0 and text[first - 1].isalnum() and " " in before[:_WORD]:
        # Not in the middle of a word.
        before = before.partition(" ")[2]
    if first > 0:
        before = _CUT + before
    if last < len(text):
        after += _CUT
    return before + hit + after, (len(before), len(before) + len(hit))


def _plain(text: str) -> str:
    """One line without the marks of Markdown that are only in the way there."""
    return _one_line(_MARKS.sub("", text))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
