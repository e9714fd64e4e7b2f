"""Search over titles and contents.

SQLite looks first, which takes some milliseconds for ten thousand messages but knows only the letters of English;
whatever else has two cases is a wildcard to it, and an exact look at the few candidates decides.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from app.chat.conversation import SearchHit

_BEFORE = 40
_AFTER = 80
_LONGEST_PATTERN = 1000
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
    rough = _rough_pattern(words)
    titles = connection.execute(
        """
        SELECT id AS conversation_id, NULL AS message_id, title, title AS content, updated_at AS time
        FROM conversations
        WHERE deleted_at IS NULL AND title LIKE ? ESCAPE '\\'
        ORDER BY updated_at DESC, number DESC
        """,
        (rough,),
    )
    messages = connection.execute(
        """
        SELECT conversation_id, messages.id AS message_id, title, content, messages.created_at AS time
        FROM messages JOIN conversations ON conversations.id = conversation_id
        WHERE deleted_at IS NULL AND content LIKE ? ESCAPE '\\'
        ORDER BY messages.created_at DESC, messages.number DESC
        """,
        (rough,),
    )
    found = heapq.merge(_hits(titles, exact), _hits(messages, exact), key=lambda item: item[0], reverse=True)
    return [hit for _, hit in islice(found, limit)]


def _rough_pattern(words: Iterable[str]) -> str:
    """A LIKE pattern that matches at least whatever the exact look will accept."""
    pattern = "%".join("".join(map(_rough, word)) for word in "\0".join(words)[:_LONGEST_PATTERN].split("\0"))
    return f"%{pattern}%"


def _rough(character: str) -> str:
    if character in "%_\\":
        return f"\\{character}"
    if not character.isascii() and (character.lower() != character or character.upper() != character):
        return "_"
    return character


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
