"""Search in titles, messages, attachments and documents of folders.

A message is found where it contains all words of the text, or phrases in quotation marks, in any order.  Both are
folded: case, accents, width and composition of characters don't matter.  ``search_index`` returns candidates, or else
all messages are scanned.  SQLite compares them roughly, and regular expressions over the folded text decide.
"""

from __future__ import annotations

import heapq
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, DocumentHit, SearchHit
from app.store import search_index
from app.store.folding import composed, fold, original_position
from app.tool_calls import CALL, FAILED, RESULT

_BEFORE = 40
_AFTER = 80
_LONGEST_HIT = 200
_LONGEST_PART = 1000
_MOST_PARTS = 10
_CUT = "…"
_WORD = 16
"""A cut word at the start or the end of a snippet is dropped where it has fewer characters."""
_MARKS = re.compile(
    rf"`{{3,}}(?:{CALL}|{RESULT}|{FAILED})\b|{THOUGHT_OPEN}|{THOUGHT_CLOSE}"
    r"|[*`]+|(?<=\n)(?:#{1,6} |> ?)|(?<!\|)\|(?!\|)|:?-{3,}:?(?= *\|)"
)
"""Marks of thoughts and tools, and Markdown marks of emphasis, code, headings, quotes and tables."""
_TERM = re.compile(r'"([^"]+)"|(\S+)')
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]+")
"""Characters that folding doesn't change."""
_IS_NOT_ASCII = "length(CAST({0} AS BLOB)) > length({0})"

_NEWEST_FIRST = "ORDER BY messages.created_at DESC, messages.number DESC"
_Found = tuple[str, SearchHit]
_Condition = tuple[str, list[str]]
"""SQL condition on the column ``{0}``, and its parameters."""
_Terms = Sequence[re.Pattern[str]]
_Span = tuple[int, int]
_ALL = "INDEXED BY messages_by_time", "true"
"""In this order the caller can stop early; a few selected messages are sorted."""
_NUMBERED = "NOT INDEXED", "messages.number IN (SELECT value FROM json_each(?))"
_IN_ONE = "INDEXED BY messages_of_conversation", "messages.conversation_id = ?"
_MOST_SORTED = 3000
"""Up to this number of candidates is sorted by SQLite; with more, the order of all messages is read."""
_READ_AT_ONCE = 500
"""Candidates in this order; frequent texts occur among the first of them."""


def search(
    connection: sqlite3.Connection,
    text: str,
    limit: int,
    *,
    most_in_one: int | None = None,
    only_in: str | None = None,
    folder_id: str | None = None,
    use_index: bool = True,
) -> list[SearchHit]:
    """Return titles and messages that contain all words of ``text``, newest first, one hit for each.

    ``most_in_one`` limits the messages of one conversation.  Deleted ones are excluded.  ``only_in``: id of a
    conversation whose messages alone are searched; ``folder_id``: a folder whose conversations alone are.
    """
    phrases = _phrases(text)
    if not phrases:
        return []
    words = [word for phrase in phrases for word in phrase]
    terms, prefilter = _prepare(connection, phrases)
    condition, values = prefilter
    if only_in is not None:
        rows = _read(connection, prefilter, _IN_ONE, only_in)
        return [hit for _, hit in islice(_hits(connection, rows, terms), limit)]
    titles: Iterable[sqlite3.Row] = connection.execute(
        f"""
        SELECT id AS conversation_id, NULL AS message_id, title, title AS content, updated_at AS time
        FROM conversations
        WHERE deleted_at IS NULL AND {condition.format("title")}
        ORDER BY updated_at DESC, number DESC
        """,
        values,
    )
    candidates = search_index.candidates(connection, words) if use_index else None
    messages: Iterable[sqlite3.Row]
    messages = _read(connection, prefilter) if candidates is None else _look_up(connection, candidates)
    if folder_id is not None:
        rows = connection.execute(
            "SELECT id FROM conversations WHERE folder_id IN (SELECT id FROM folders WHERE ? IN (id, parent_id))",
            (folder_id,),
        )
        inside = {row[0] for row in rows}
        titles, messages = (filter(lambda row: row["conversation_id"] in inside, each) for each in (titles, messages))
    counts = Counter[str]()
    messages = (row for row in messages if counts[row["conversation_id"]] != most_in_one)
    found = heapq.merge(
        _hits(connection, titles, terms), _hits(connection, messages, terms), key=lambda item: item[0], reverse=True
    )
    hits = []
    for _, hit in islice(found, limit):
        counts[hit.conversation_id] += hit.message_id is not None
        hits.append(hit)
    return hits


def search_documents(connection: sqlite3.Connection, text: str, folder_id: str | None = None) -> list[DocumentHit]:
    """Return the documents of folders that contain all words of ``text``, or whose names do, in their order.

    ``folder_id``: a folder that is searched alone, with the folders in it.  The index doesn't contain documents: few
    people have more than some megabytes of them, and reading these takes a fraction of a second.
    """
    phrases = _phrases(text)
    if not phrases:
        return []
    terms, (condition, values) = _prepare(connection, phrases)
    rows = connection.execute(
        f"""
        SELECT number, folder_id, name, content FROM folder_documents
        WHERE ({condition.format("content")} OR {condition.format("name")})
        AND (? OR folder_id IN (SELECT id FROM folders WHERE ? IN (id, parent_id))) ORDER BY number
        """,
        [*values, *values, folder_id is None, folder_id],
    )
    hits = []
    for number, folder, name, content in rows:
        if (found := _match([name], terms)) is not None:
            hits.append(DocumentHit(folder, number, name, *_snippet(*found, terms), (0, 0)))
        elif (found := _match([content], terms)) is not None:
            place = _original_span(composed(content), found[1])
            hits.append(DocumentHit(folder, number, name, *_snippet(*found, terms), place))
    return hits


def _phrases(text: str) -> list[list[str]]:
    return [words for each in _TERM.finditer(text) if (words := fold(each[1] or each[2]).split())]


def _prepare(connection: sqlite3.Connection, phrases: Sequence[Sequence[str]]) -> tuple[_Terms, _Condition]:
    """Return the patterns of all phrases together and of each, and the condition, whose function is created."""
    # All together, where they are in this order, make the best snippet.
    words = [word for phrase in phrases for word in phrase]
    terms = [_pattern(words), *map(_pattern, dict.fromkeys(map(tuple, phrases)))]
    # Called by SQLite: most candidates never become rows.
    connection.create_function("contains_terms", 1, partial(_contains_all, terms[1:]))
    return terms, _prefilter(phrases)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, words)))


def _read(
    connection: sqlite3.Connection, prefilter: _Condition, selected: tuple[str, str] = _ALL, *values: str
) -> Iterator[sqlite3.Row]:
    """Yield the selected messages that fulfil the prefilter, newest first; ``values`` are those of the selection."""
    (index, selection), (condition, rest) = selected, prefilter
    yield from connection.execute(
        f"""
        SELECT conversation_id, messages.id AS message_id, title, content, messages.created_at AS time
        FROM messages {index} CROSS JOIN conversations ON conversations.id = conversation_id
        WHERE conversations.deleted_at IS NULL AND messages.deleted_at IS NULL AND {selection} AND (
            ({condition.format("content")}) OR EXISTS (SELECT 1 FROM attachments WHERE message_id = messages.id)
        )
        {_NEWEST_FIRST}
        """,
        [*values, *rest],
    )


def _look_up(connection: sqlite3.Connection, candidates: search_index.Candidates) -> Iterator[sqlite3.Row]:
    """Yield the candidates that contain the terms, newest first.  A prefilter would exclude few of them."""
    while candidates.highest_unread and len(candidates.found) <= _MOST_SORTED:
        candidates.read()
    ordered, count = iter(candidates.found), _MOST_SORTED
    if len(candidates.found) > _MOST_SORTED:
        ordered, count = _by_time(connection, candidates), _READ_AT_ONCE
    while numbers := list(islice(ordered, count)):
        yield from _read(connection, ("contains_terms({0})", []), _NUMBERED, json.dumps(numbers))


def _by_time(connection: sqlite3.Connection, candidates: search_index.Candidates) -> Iterator[int]:
    """Yield the numbers of candidates, newest first; of the index no more is read than that takes."""
    rows = connection.cursor()
    # Tuples are made faster than rows.
    rows.row_factory = None
    rows.execute(f"SELECT number FROM messages INDEXED BY messages_by_time {_NEWEST_FIRST}")
    found, unread = candidates.found, candidates.highest_unread
    for (number,) in rows:
        while number <= unread:
            candidates.read()
            unread = candidates.highest_unread
        if number in found:
            yield number


def _prefilter(phrases: Iterable[Sequence[str]]) -> _Condition:
    """Return a condition that is true where the folded text contains all ``phrases``.

    In ASCII, SQLite excludes most texts itself; elsewhere by characters that folding doesn't change.
    """
    conditions, values = [], []
    for phrase in islice(phrases, _MOST_PARTS):
        parts = [word[:_LONGEST_PART] for word in phrase[:_MOST_PARTS]]
        if all(map(str.isascii, parts)):
            # At least one space is between two words.
            conditions.append(f"({{0}} LIKE ? ESCAPE '\\' OR {_IS_NOT_ASCII})")
            values.append(f"%{'_%'.join(map(_escaped, parts))}%")
        else:
            unchanged = [each for part in parts for each in _HAN.findall(part)][:_MOST_PARTS]
            conditions += ["instr({0}, ?)"] * len(unchanged) or [_IS_NOT_ASCII]
            values += unchanged
    return " AND ".join([*conditions, "contains_terms({0})"]), values


def _escaped(text: str) -> str:
    return re.sub(r"[%_\\]", r"\\\g<0>", text)


def _hits(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row], terms: _Terms) -> Iterator[_Found]:
    for row in rows:
        texts = [row["content"]]
        found = _match(texts, terms)
        if found is None and row["message_id"] is not None:
            attachments = connection.execute(
                "SELECT name, content FROM attachments WHERE message_id = ? ORDER BY position", (row["message_id"],)
            )
            texts += [text for attachment in attachments for text in attachment]
            found = _match(texts, terms) if len(texts) > 1 else None
        if found is not None:
            snippet, spans = _snippet(*found, terms)
            yield row["time"], SearchHit(row["conversation_id"], row["message_id"], row["title"], snippet, spans)


def _contains_all(terms: _Terms, text: str) -> bool:
    folded = fold(text)
    return all(term.search(folded) for term in terms)


def _match(texts: Sequence[str], terms: _Terms) -> tuple[str, _Span] | None:
    """Return the text with the best match and its position in the folded text; None unless all terms are found."""
    folded = [(text, fold(text)) for text in texts]
    best = None
    for term in reversed(terms):
        found = next(((text, match.span()) for text, each in folded if (match := term.search(each))), None)
        if found is None and term is not terms[0]:
            return None
        best = found or best
    return best


def _snippet(text: str, folded_span: _Span, terms: _Terms) -> tuple[str, tuple[_Span, ...]]:
    """Return one line around the best match, and the positions of the terms in it."""
    text = composed(text)
    start, end = _original_span(text, folded_span)
    end = min(end, start + _LONGEST_HIT)
    first, last = max(0, start - _BEFORE), min(len(text), end + _AFTER)
    before = _plain(text[first:start]).lstrip()
    hit = _one_line(text[start:end])
    after = _plain(text[end:last]).rstrip()
    # Neither start nor end in the middle of a word.
    if first > 0 and not text[first - 1].isspace() and " " in before[:_WORD]:
        before = before.partition(" ")[2]
    if last < len(text) and not text[last].isspace() and " " in after[-_WORD:]:
        after = after.rpartition(" ")[0]
    if first > 0:
        before = _CUT + before
    if last < len(text):
        after += _CUT
    snippet = before + hit + after
    start, end = len(before), len(before) + len(hit)
    any_term = re.compile("|".join(term.pattern for term in terms[1 : _MOST_PARTS + 1]))
    others = (_original_span(snippet, match.span()) for match in any_term.finditer(fold(snippet)))
    return snippet, tuple(sorted([(start, end), *(each for each in others if each[1] <= start or each[0] >= end)]))


def _original_span(text: str, folded_span: _Span) -> _Span:
    start, end = folded_span
    return original_position(text, start), original_position(text, end - 1) + 1


def _plain(text: str) -> str:
    """Return one line without Markdown marks."""
    return _one_line(_MARKS.sub("", text))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
