"""Search over titles and contents.

SQLite looks first for pieces of the text, which takes some milliseconds for ten thousand messages but knows only the
letters of English in both cases; an exact look at the few candidates decides.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from itertools import groupby, islice

from app.chat.conversation import SearchHit

_BEFORE = 40
_AFTER = 80
_LONGEST_PIECE = 1000
_MOST_PIECES = 10
_CUT = "…"

_Found = tuple[str, SearchHit]


def search(connection: sqlite3.Connection, text: str, limit: int) -> list[SearchHit]:
    """The titles and messages that contain ``text``, newest first; one hit for each.

    Upper and lower case are the same, any white space equals any other.  Deleted conversations are left out.
    """
    words = text.split()
    if not words:
        return []
    exact = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    condition, values = _rough_condition(words)
    titles = connection.execute(
        f"""
        SELECT id AS conversation_id, NULL AS message_id, title, title AS content, updated_at AS time
        FROM conversations
        WHERE deleted_at IS NULL AND ({condition.format("title")})
        ORDER BY updated_at DESC, number DESC
        """,
        values,
    )
    messages = connection.execute(
        f"""
        SELECT conversation_id, messages.id AS message_id, title, content, messages.created_at AS time
        FROM messages JOIN conversations ON conversations.id = conversation_id
        WHERE deleted_at IS NULL AND ({condition.format("content")})
        ORDER BY messages.created_at DESC, messages.number DESC
        """,
        values,
    )
    found = heapq.merge(_hits(titles, exact), _hits(messages, exact), key=lambda item: item[0], reverse=True)
    return [hit for _, hit in islice(found, limit)]


def _rough_condition(words: Iterable[str]) -> tuple[str, list[str]]:
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


def _hits(rows: Iterable[sqlite3.Row], exact: re.Pattern[str]) -> Iterator[_Found]:
    for row in rows:
        match = exact.search(row["content"])
        if match is not None:
            snippet, span = _snippet(match)
            yield row["time"], SearchHit(row["conversation_id"], row["message_id"], row["title"], snippet, span)


def _snippet(match: re.Match[str]) -> tuple[str, tuple[int, int]]:
    """One line around the hit, and where in it the hit lies."""
    text = match.string
    first, last = max(0, match.start() - _BEFORE), min(len(text), match.end() + _AFTER)
    before = _one_line(text[first : match.start()]).lstrip()
    hit = _one_line(match[0])
    after = _one_line(text[match.end() : last]).rstrip()
    if first > 0:
        before = _CUT + before
    if last < len(text):
        after += _CUT
    return before + hit + after, (len(before), len(before) + len(hit))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
