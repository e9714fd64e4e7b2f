"""Search in titles, messages and attachments.

``search_index`` returns candidates among the indexed messages; SQLite scans the others for parts of the text, where it
ignores the case of ASCII letters only.  A regular expression decides on each candidate.
"""

from __future__ import annotations

import heapq
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from app.conversation import SearchHit
from app.store import search_index

_BEFORE = 40
_AFTER = 80
_LONGEST_PART = 1000
_MOST_PARTS = 10
_CUT = "…"
_WORD = 16
"""A cut word at the start of a snippet is dropped when it ends within this number of characters."""
_MARKS = re.compile(r"[*`]+|(?<=\n)(?:#{1,6} |> ?)|(?<!\|)\|(?!\|)|:?-{3,}:?(?= *\|)")
"""Markdown marks of emphasis, code, headings, quotes and tables."""

_Found = tuple[str, SearchHit]
_Condition = tuple[str, list[str]]
"""SQL condition on the column ``{0}``, and its parameters."""
_NEWEST = 3000
"""Number of newest messages that are scanned first: frequent texts occur among them."""
_MOST_SORTED = 3000
"""Up to this number of candidates is sorted; with more, all messages are read in the order of time."""


def search(
    connection: sqlite3.Connection, text: str, limit: int, *, most_in_one: int | None = None, use_index: bool = True
) -> list[SearchHit]:
    """Return titles and messages that contain ``text``, newest first, one hit for each.

    ``most_in_one`` limits the messages of one conversation.  Case is ignored and any white space equals any other.
    Deleted ones are excluded.
    """
    words = text.split()
    if not words:
        return []
    exact = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    prefilter = _prefilter(words)
    condition, values = prefilter
    titles = connection.execute(
        f"""
        SELECT id AS conversation_id, NULL AS message_id, title, title AS content, updated_at AS time
        FROM conversations
        WHERE deleted_at IS NULL AND ({condition.format("title")})
        ORDER BY updated_at DESC, number DESC
        """,
        values,
    )
    query = search_index.fts_query(words) if use_index and search_index.is_usable(connection) else None
    messages = _scan(connection, prefilter) if query is None else _scan_then_look_up(connection, query, prefilter)
    counts = Counter[str]()
    messages = (row for row in messages if counts[row["conversation_id"]] != most_in_one)
    found = heapq.merge(
        _hits(connection, titles, exact), _hits(connection, messages, exact), key=lambda item: item[0], reverse=True
    )
    hits = []
    for _, hit in islice(found, limit):
        counts[hit.conversation_id] += hit.message_id is not None
        hits.append(hit)
    return hits


_MESSAGES = """
    SELECT conversation_id, messages.id AS message_id, title, content, messages.created_at AS time
    FROM messages {by} CROSS JOIN conversations ON conversations.id = conversation_id
    WHERE conversations.deleted_at IS NULL AND messages.deleted_at IS NULL
"""
_NEWEST_FIRST = "ORDER BY messages.created_at DESC, messages.number DESC"


def _scan(
    connection: sqlite3.Connection,
    prefilter: _Condition,
    further: str = "",
    parameters: Sequence[object] = (),
    by: str = "INDEXED BY messages_by_time",
) -> Iterator[sqlite3.Row]:
    """Yield the messages that fulfil the prefilter and a further condition, newest first.

    In the order of the time index the caller can stop early; ``by="NOT INDEXED"`` sorts a few selected messages.
    """
    condition, values = prefilter
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
        [*parameters, *values, *values, *values],
    )


def _scan_then_look_up(connection: sqlite3.Connection, query: str, prefilter: _Condition) -> Iterator[sqlite3.Row]:
    last = connection.execute(
        f"SELECT created_at, number FROM messages {_NEWEST_FIRST} LIMIT 1 OFFSET ?", (_NEWEST,)
    ).fetchone()
    if last is None:
        yield from _scan(connection, prefilter)
        return
    yield from _scan(connection, prefilter, "AND (messages.created_at, messages.number) > (?, ?)", tuple(last))
    older = "AND (messages.created_at, messages.number) <= (?, ?) AND messages.number IN"
    numbers = search_index.lookup(connection, query, _MOST_SORTED + 1)
    if len(numbers) > _MOST_SORTED:
        candidates = (
            "(SELECT rowid FROM search_index WHERE search_index MATCH ? UNION ALL SELECT number FROM search_todo)"
        )
        yield from _scan(connection, prefilter, f"{older} {candidates}", (*last, query))
    else:
        candidates = "(SELECT value FROM json_each(?) UNION ALL SELECT number FROM search_todo)"
        yield from _scan(connection, prefilter, f"{older} {candidates}", (*last, json.dumps(numbers)), "NOT INDEXED")


def _prefilter(words: Iterable[str]) -> _Condition:
    """Return a condition that is true wherever the regular expression will find ``words``."""
    parts = ["".join(part)[:_LONGEST_PART] for word in words for is_exact, part in groupby(word, _is_exact) if is_exact]
    if not parts:
        letter = next(iter("".join(words)))
        cases = [case for case in (letter.lower(), letter.upper()) if len(case) == 1]
        return " OR ".join("instr({0}, ?)" for _ in cases), cases
    # Text without case is found twice as fast by a comparison of bytes.
    same = [part for part in parts if part.lower() == part.upper()][:_MOST_PARTS]
    folded = [f"%{_escaped(part)}%" for part in parts if part.lower() != part.upper()][:_MOST_PARTS]
    conditions = ["instr({0}, ?)"] * len(same) + ["{0} LIKE ? ESCAPE '\\'"] * len(folded)
    return " AND ".join(conditions), same + folded


def _escaped(text: str) -> str:
    return re.sub(r"[%_\\]", r"\\\g<0>", text)


def _is_exact(character: str) -> bool:
    """Return whether ``LIKE`` finds the character in every case that the regular expression accepts."""
    return character != "\0" and (character.isascii() or character.lower() == character.upper())


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
    """Return one line around the hit, and the position of the hit in it."""
    text = match.string
    first, last = max(0, match.start() - _BEFORE), min(len(text), match.end() + _AFTER)
    before = _plain(text[first : match.start()]).lstrip()
    hit = _one_line(match[0])
    after = _plain(text[match.end() : last]).rstrip()
    if first > 0 and text[first - 1].isalnum() and " " in before[:_WORD]:
        # Don't start in the middle of a word.
        before = before.partition(" ")[2]
    if first > 0:
        before = _CUT + before
    if last < len(text):
        after += _CUT
    return before + hit + after, (len(before), len(before) + len(hit))


def _plain(text: str) -> str:
    """Return one line without Markdown marks."""
    return _one_line(_MARKS.sub("", text))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
