"""Incremental Markdown parser: closed blocks are parsed once, only the open end is parsed again.

The blocks are those of a full parse of the same text, except for links whose reference is defined later, and for
footnotes, which are numbered and moved to the end: unless ``is_exact``, the message must be parsed once more when it is
complete.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.markdown.blocks import Block, Code, Table
from app.markdown.math_syntax import OPEN_LINE, PREVIEW
from app.markdown.parser import Place, as_thought, parse_part, parser, table_row
from app.thoughts import split_thought

if TYPE_CHECKING:
    from markdown_it.token import Token

_FENCE = re.compile(r"((?:> ?)*)( *)(`{3,}|~{3,})[^|]*")
_MARKS_ONLY = re.compile(
    r"[ \t]*(#{1,6}|[-*+_=>|]{1,3}|\d{1,9}[.)]?|`{1,3}|~{1,3}|(?:[-*+]|\d{1,9}[.)])[ \t]+\[?[ xX]?\]?)[ \t]*"
)
_PART_OF_TAG = re.compile(r"</?[a-zA-Z]{0,10}\Z")
_PART_OF_FENCE = re.compile(r" {0,3}(`{1,3}|~{1,3})")
_REFERENCE = re.compile(r"^[ >\t]*\[[^\]\n]+\]:", re.MULTILINE)
_HAS_OPEN_SYNTAX = re.compile(r"[$\\<]").search
"""Finds formulas and tags, the only syntax that a preview reads differently."""
_ITEM_INDENT = 3
_MANY_COLUMNS = 60
"""A row of a wider table is not shown before it is complete."""


class StreamingMarkdown:
    """Parser of a growing text; the first ``settled`` of its ``blocks`` do not change any more."""

    def __init__(self) -> None:
        self._thought = _Part()
        self._answer: _Part | None = None
        self._carriage_return = ""
        self._before = ""
        """The text before the answer."""
        self._fed = 0
        """Characters of the thought that are in its part; the others may be the beginning of a tag."""
        self._untagged: list[str] = []
        """The answer so far, while a closing tag may still make it a thought."""

    def feed(self, text: str) -> None:
        """Append text."""
        text = self._carriage_return + text
        self._carriage_return = "\r" if text.endswith("\r") else ""
        text = text.removesuffix(self._carriage_return)
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
        if self._answer is None:
            self._before += text
            head = self._before.lstrip()
            if len(head) < len(THOUGHT_OPEN) and THOUGHT_OPEN.startswith(head):
                return
            thought, closed, text = split_thought(self._before)
            end = len(thought)
            if not closed:
                end -= next((n for n in range(len(THOUGHT_CLOSE) - 1, 0, -1) if thought.endswith(THOUGHT_CLOSE[:n])), 0)
            self._thought.feed(thought[self._fed : end])
            self._fed = end
            if not closed:
                return
            self._answer = _Part()
            self._untagged = [text] if text == self._before and THOUGHT_CLOSE not in text else []
        elif self._untagged and text:
            self._untagged.append(text)
            if THOUGHT_CLOSE in "".join(self._untagged[-len(THOUGHT_CLOSE) :]):
                self._restart()
                return
        self._answer.feed(text)

    def _restart(self) -> None:
        """Read the text again at its first closing tag: what came before may have been a thought."""
        whole = "".join(self._untagged)
        thought, _, answer = split_thought(whole)
        self._untagged = []
        self._thought, self._answer = _Part(), _Part()
        self._thought.feed(thought)
        self._answer.feed(answer)

    @property
    def settled(self) -> int:
        """Number of final blocks at the front."""
        if self._answer is None:
            return len(self._thought.settled)
        return len(self._thought.blocks()) + len(self._answer.settled)

    @property
    def open_characters(self) -> int:
        """Length of the text that each call parses again; open code and tables are not."""
        return (self._answer or self._thought).open_characters

    @property
    def is_exact(self) -> bool:
        """Whether a full parse of the same text gives the same blocks."""
        return not (self._thought.has_references or (self._answer and self._answer.has_references))

    def blocks(self, *, preview: bool = False) -> list[Block]:
        """Return all blocks.

        With ``preview`` a last line of Markdown syntax alone is left out: a lone ``-`` or ``##`` would be shown as text
        until the next token.
        """
        if self._answer is not None:
            return [*map(as_thought, self._thought.blocks()), *self._answer.blocks(preview=preview)]
        thought, has_no_thought, text = split_thought(self._before)
        if has_no_thought:
            return [] if preview else parse_part(text)
        waiting = "" if preview else thought[self._fed :]
        return [as_thought(block) for block in self._thought.blocks(preview=preview, more=waiting)]


class _Part:
    """The thought or the answer: its closed blocks and its open end."""

    def __init__(self) -> None:
        self.settled: list[Block] = []
        self._tail = ""
        self._seen = 0
        """Length of the tail that was searched for closed blocks."""
        self._references: dict[str, Any] = {}
        self._parsed: tuple[tuple[str, bool], tuple[list[Token], dict[str, Any]]] | None = None
        """The last text that was parsed, whether as a preview, and the result."""
        self._number: int | None = None
        """Number of the next item, if the tail continues an ordered list."""
        self._fence: _Fence | None = None
        """The open code block at the end of the tail."""
        self._table: Table | None = None
        """The table without its last line, if the tail is one open table."""

    @property
    def open_characters(self) -> int:
        return 0 if self._fence or self._table else len(self._tail)

    @property
    def has_references(self) -> bool:
        return bool(self._references) or bool(_REFERENCE.search(self._tail))

    def feed(self, text: str) -> None:
        self._tail += text
        if "\n" not in text:
            return
        while self._settle():
            pass

    def blocks(self, *, preview: bool = False, more: str = "") -> list[Block]:
        tail = self._tail + more
        code = self._fence.code(tail[self._seen :], preview=preview) if self._fence and not more else None
        if self._fence and code:
            return [*self.settled, *self._fence.before, code]
        if self._table and not more:
            table = self._open_table(self._table, preview)
            if table:
                return [*self.settled, table]
        if preview:
            start = tail.rfind("\n") + 1
            if _MARKS_ONLY.fullmatch(tail, start):
                tail = tail[:start]
            tail = _PART_OF_TAG.sub("", tail)
        if not tail.strip():
            return list(self.settled)
        return [*self.settled, *Place(self._number).blocks(self._parse(tail, preview=preview)[0])]

    def _parse(self, text: str, *, preview: bool = False) -> tuple[list[Token], dict[str, Any]]:
        """Return the tokens of a text, and the environment of the parser.

        With ``preview`` a formula without its end is a formula too.
        """
        preview = preview and bool(_HAS_OPEN_SYNTAX(text))
        if self._parsed is None or self._parsed[0] != (text, preview):
            environment = {"references": dict(self._references), PREVIEW: preview}
            self._parsed = (text, preview), (parser().parse(text, environment), environment)
        return self._parsed[1]

    def _open_table(self, table: Table, preview: bool) -> Table | None:
        last = self._tail[self._seen :]
        if not last or (preview and (_MARKS_ONLY.fullmatch(last) or len(table.align) > _MANY_COLUMNS)):
            return table
        return self._with_rows(table, last) if last.startswith("|") else None

    def _with_rows(self, table: Table, lines: str) -> Table:
        environment = {"references": self._references}
        rows = (table_row(line, len(table.align), environment) for line in lines.split("\n") if line)
        return replace(table, rows=(*table.rows, *rows))

    def _settle(self) -> bool:
        """Move closed blocks from the tail to ``settled``; returns whether to try again."""
        if self._fence:
            end = self._tail.rfind("\n") + 1
            if not self._fence.add(self._tail[self._seen : end]):
                self._fence, self._seen = None, 0
                return True
            self._seen = end
            return False
        whole_lines = self._tail[: self._tail.rfind("\n") + 1]
        if len(whole_lines) == self._seen:
            return False
        if self._table:
            rows = whole_lines[self._seen :]
            if all(line.startswith("|") for line in rows.splitlines()):
                self._table = self._with_rows(self._table, rows)
                self._seen = len(whole_lines)
                return False
            self._table = None
        self._seen = len(whole_lines)
        tokens, environment = self._parse(whole_lines)
        lines = whole_lines.split("\n")
        cut = _closed_lines(tokens, lines, environment.get(OPEN_LINE))
        if cut:
            self._commit(sum(len(line) + 1 for line in lines[:cut]))
            return True
        if environment.get(OPEN_LINE) is None:
            self._enter_fence(tokens, lines[:-1])
        self._enter_table(tokens, whole_lines)
        return False

    def _commit(self, size: int) -> None:
        piece, self._tail, self._seen = self._tail[:size], self._tail[size:], 0
        tokens, environment = self._parse(piece)
        self._references, self._parsed = environment["references"], None
        place = Place(self._number)
        self.settled += place.blocks(tokens)
        self._number = None
        if tokens and tokens[-1].type == "ordered_list_close":
            ahead, _ = self._parse(self._tail)
            if ahead and ahead[0].type == "ordered_list_open" and ahead[0].markup == tokens[-1].markup:
                self._number = place.next_number

    def _enter_table(self, tokens: list[Token], lines: str) -> None:
        if not tokens or tokens[0].type != "table_open" or not re.fullmatch(r"(\|.*\n)+", lines):
            return
        if sum(1 for token in tokens if token.level == 0 and token.nesting >= 0) == 1:
            (table,) = Place().blocks(tokens)
            assert isinstance(table, Table)
            self._table = table

    def _enter_fence(self, tokens: list[Token], lines: list[str]) -> None:
        fence = next((token for token in reversed(tokens) if token.nesting >= 0), None)
        if fence is None or fence.type != "fence" or not fence.map or fence.map[1] < len(lines) or _is_closed(fence):
            return
        opening = _FENCE.fullmatch(lines[fence.map[0]])
        *before, code = Place(self._number).blocks(tokens)
        if opening and isinstance(code, Code) and len(code.quotes) == opening[1].count(">"):
            entered = _Fence(before, replace(code, text=""), opening)
            written = "".join(f"{line}\n" for line in lines[fence.map[0] + 1 :])
            # Lines that are indented less are left to the parser.
            if entered.add(written) and entered.text == fence.content:
                self._fence = entered


class _Fence:
    """An open code block, at the top level, in quotes or in list items, whose lines need no parser."""

    def __init__(self, before: list[Block], code: Code, opening: re.Match[str]) -> None:
        self.before = before
        """The blocks of the tail above it."""
        self.text = ""
        """The complete lines."""
        self._code = code
        self._marks = re.compile("> ?" * len(code.quotes))
        self._indent = len(opening[2])
        self._closing = re.compile(rf" {{0,3}}{re.escape(opening[3][0])}{{{len(opening[3])},}}[ \t]*")

    def add(self, lines: str) -> bool:
        """Add complete lines; false, and nothing is added, if the block may end there."""
        added = []
        for line in lines.split("\n")[:-1]:
            stripped = self._stripped(line)
            if stripped is None or self._closing.fullmatch(stripped):
                return False
            added.append(stripped)
        if added:
            self.text += "\n".join([*added, ""])
        return True

    def code(self, last: str, *, preview: bool) -> Code | None:
        """Return the block with its last, incomplete line; None if it may end there."""
        is_begun = last.count(">") < len(self._code.quotes) and not last.strip("> ")
        stripped = "" if is_begun else self._stripped(last)
        if stripped is None:
            return None
        closes = bool(self._closing.fullmatch(stripped))
        if closes and self._indent and stripped.startswith(" "):
            # Whether this is too far to the right to close it depends on the list item.
            return None
        # The parser ignores a blank last line.
        if not stripped.strip() or closes or (preview and _PART_OF_FENCE.fullmatch(stripped)):
            stripped = ""
        return replace(self._code, text=(self.text + stripped).removesuffix("\n"))

    def _stripped(self, line: str) -> str | None:
        """Return a line without the marks of quotes and the indentation of the block, None if it has less."""
        marks = self._marks.match(line)
        if marks is None:
            return None
        line = line[marks.end() :]
        return None if line[: self._indent].strip(" ") else line[self._indent :]


def _closed_lines(tokens: list[Token], lines: list[str], open_line: int | None) -> int:
    """Return how many of these complete lines belong to blocks that no later text can change.

    From ``open_line`` on a formula is open, and apparent blocks may be part of it.
    """
    top = [token for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
    if not top:
        return 0
    starts = [token.map[0] for token in top if token.map]
    last = top[-1]
    if last.type in {"bullet_list_open", "ordered_list_open"}:
        at = tokens.index(last)
        items = [token for token in tokens[at:] if token.type == "list_item_open" and token.level == 1]
        starts += [item.map[0] for item in items if item.map and _indent(lines[item.map[0]]) <= _ITEM_INDENT]
    cut = max(starts)
    # A heading with a bar may be the head of a table.
    is_whole = last.type == "hr" or (last.type == "heading_open" and "|" not in lines[last.map[0] if last.map else 0])
    if last.map and (is_whole or (last.type == "fence" and _is_closed(last))):
        cut = last.map[1]
    if open_line is not None:
        cut = min(cut, _before(starts, open_line))
    # A link reference has no token, and the next line may be its title: only a blank line ends it.
    covered = {line for token in top if token.map for line in range(*token.map)}
    for line in range(cut):
        if line not in covered and lines[line].strip() and not (line + 1 < cut and not lines[line + 1].strip()):
            return min(cut, _before(starts, line))
    return cut


def _before(starts: list[int], line: int) -> int:
    return max((start for start in starts if start <= line), default=0)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_closed(fence: Token) -> bool:
    assert fence.map
    return fence.content.count("\n") == fence.map[1] - fence.map[0] - 2
