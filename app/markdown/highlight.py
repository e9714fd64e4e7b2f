"""Syntax highlighting: code as stretches of one role.  Themes map roles to colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

Line = tuple[tuple[str, "CodeRole"], ...]

MAX_LENGTH = 100_000
"""Characters.  Longer code is not highlighted."""


PLAIN_LANGUAGES = ("text", "txt", "plain", "plaintext", "markdown", "md")
"""Languages of blocks that are not code."""
MAX_FIRST_LINE = 200
_WORD = re.compile(r"[^\W\d]\w*")
_FILE_NAMES = {"Docker": "Dockerfile", "Makefile": "Makefile"}
"""By the names of the lexers."""
_NAMED = re.compile(
    r"(?:#|//|--|/\*|<!--) *(?:file(?:name)?: *)?(?:[\w.-]{1,80}[/\\]){0,8}"
    r"([\w-][\w.-]{0,80}\.[a-z]\w{0,7}) *(?:\*/|-->)?"
)
"""First line that is the name of the file, as many models write."""


class CodeRole(StrEnum):
    """Role of a stretch of code."""

    PLAIN = "text"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    NAME = "name"
    TYPE = "type"
    COMMENT = "comment"
    DELETED = "deleted"
    """A line that a patch removes."""


_ROLES = (
    ("Token.Comment", CodeRole.COMMENT),
    ("Token.Keyword.Type", CodeRole.TYPE),
    ("Token.Keyword", CodeRole.KEYWORD),
    ("Token.Operator.Word", CodeRole.KEYWORD),
    ("Token.Literal.String", CodeRole.STRING),
    ("Token.Literal.Number", CodeRole.NUMBER),
    ("Token.Name.Function", CodeRole.NAME),
    ("Token.Name.Class", CodeRole.TYPE),
    ("Token.Name.Decorator", CodeRole.NAME),
    ("Token.Name.Builtin", CodeRole.TYPE),
    ("Token.Name.Tag", CodeRole.KEYWORD),
    ("Token.Name.Attribute", CodeRole.NAME),
    ("Token.Generic.Inserted", CodeRole.STRING),
    ("Token.Generic.Deleted", CodeRole.DELETED),
    ("Token.Generic.Heading", CodeRole.NAME),
    ("Token.Generic.Subheading", CodeRole.NAME),
    ("Token.Generic.Strong", CodeRole.TYPE),
    ("Token.Generic.Emph", CodeRole.TYPE),
    ("Token.Generic.Prompt", CodeRole.COMMENT),
)
"""Roles by the prefixes of Pygments token types; the first match counts."""
_LEXERS = dict.fromkeys(("sql", "sqlite", "mariadb"), "postgresql")
"""Lexers that read a language better than the one of its name: that for ``sql`` knows names as keywords (``c``,
``table_name``) and none of the window functions."""
_MORE_KEYWORDS = {
    "TypeScript": ("keyof", "satisfies"),
    "PostgreSQL SQL dialect": ("AUTO_INCREMENT", "AUTOINCREMENT", "IDENTITY", "TOP", "ENGINE", "CHARSET", "QUALIFY"),
}
_MORE_TYPES = {"PostgreSQL SQL dialect": ("NVARCHAR", "DATETIME", "TINYINT", "MEDIUMINT", "BLOB")}
"""Words that lexers lack, by the names of the lexers."""
_SQL_FUNCTIONS = {
    *("COALESCE", "NULLIF", "GREATEST", "LEAST", "EXTRACT", "SUBSTRING", "TRIM", "POSITION", "OVERLAY", "CAST"),
    *("REPLACE", "LEFT", "RIGHT", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TRUNCATE"),
}
"""Keywords that are functions in front of a parenthesis."""
_BEFORE_TABLES = {"INTO", "TABLE", "EXISTS", "REFERENCES", "ON", "AS", "WITH", "VIEW", "INDEX"}
"""Keywords in front of names that a list of columns may follow."""


def warm_up() -> None:
    """Import the libraries ahead of the first answer."""
    from app.markdown.parser import parse

    parse("**a**")
    for language in ("python", "json", "bash"):
        _lexer(language)


def highlight(text: str, language: str) -> Iterator[tuple[str, CodeRole]]:
    """Yield the text in stretches of one role; joined they are the text."""
    lexer = _lexer(language) if language and len(text) <= MAX_LENGTH else None
    if lexer is None:
        yield text, CodeRole.PLAIN
        return
    stretch, stretch_role, done = "", CodeRole.PLAIN, 0
    # Some lexers know a line only by its end.
    whole = text + "\n"
    roles = ((_role(str(kind)), piece) for kind, piece in lexer.get_tokens(whole))
    for role, piece in _sql_roles(roles) if lexer.name.startswith("PostgreSQL") else roles:
        if role is not stretch_role and stretch:
            yield stretch, stretch_role
            stretch = ""
        # Some lexers change the text (line ends, tabs); from there on it is not highlighted.
        if not whole.startswith(piece, done):
            break
        piece = piece[: len(text) - done]
        stretch, stretch_role, done = stretch + piece, role, done + len(piece)
    if stretch:
        yield stretch, stretch_role
    if done < len(text):
        yield text[done:], CodeRole.PLAIN


def _sql_roles(roles: Iterable[tuple[CodeRole, str]]) -> Iterator[tuple[CodeRole, str]]:
    """Correct the roles of SQL: names that are keywords elsewhere, and functions.

    Columns have names such as ``name`` and ``date``: beside a dot they are no keywords, and where the first keyword is
    in capitals, words in small letters are none; types among them follow a name.
    """
    has_capitals: bool | None = None
    before = ""
    for (role, piece), (_, after) in pairwise(chain(roles, [(CodeRole.PLAIN, "")])):
        if role is CodeRole.KEYWORD and has_capitals is None:
            has_capitals = piece.isupper()
        is_small = bool(has_capitals) and piece.islower()
        if piece == ".":
            role = CodeRole.PLAIN
        elif role in {CodeRole.PLAIN, CodeRole.KEYWORD, CodeRole.TYPE} and _WORD.fullmatch(piece):
            is_type = role is CodeRole.TYPE and (not is_small or before in {"::", "AS"} or before.islower())
            if "." in (before, after) or (is_small and not is_type):
                role = CodeRole.PLAIN
            is_name = role is CodeRole.PLAIN and before.upper() not in _BEFORE_TABLES
            if after == "(" and (is_name or (role is CodeRole.KEYWORD and piece.upper() in _SQL_FUNCTIONS)):
                role = CodeRole.NAME
        before = before if piece.isspace() else piece
        yield role, piece


def coloured_lines(text: str, language: str) -> Iterator[Line]:
    """Yield the lines of a text as stretches, without line breaks."""
    line: list[tuple[str, CodeRole]] = []
    for stretch, role in highlight(text, language):
        first, *others = stretch.split("\n")
        if first:
            line.append((first, role))
        for piece in others:
            yield tuple(line)
            line = [(piece, role)] if piece else []
    yield tuple(line)


def code_file_name(text: str, language: str) -> str:
    """Return a name for a file with this code: that in its first line, else one with the usual suffix."""
    named = _NAMED.fullmatch(text[:MAX_FIRST_LINE].partition("\n")[0].strip())
    if named:
        return named[1]
    lexer = _lexer(language)
    if lexer is not None and lexer.name in _FILE_NAMES:
        return _FILE_NAMES[lexer.name]
    suffixes = [name[1:] for name in lexer.filenames if re.fullmatch(r"\*\.[\w+-]+", name)] if lexer else []
    unknown = f".{language}" if re.fullmatch(r"[a-z0-9]{1,10}", language) else ".txt"
    return f"code{suffixes[0] if suffixes else unknown}"


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    # Deferred: importing Pygments takes 27 ms.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        # Some models write ``js:src/index.js``.
        name = language.partition(":")[0]
        lexer = get_lexer_by_name(_LEXERS.get(name, name), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    for words, kind in ((_MORE_KEYWORDS, "Keyword"), (_MORE_TYPES, "Keyword.Type")):
        if names := words.get(lexer.name):
            lexer.add_filter("highlight", names=[*names, *map(str.lower, names)], tokentype=kind)
    return lexer


@lru_cache(maxsize=256)
def _role(token_type: str) -> CodeRole:
    return next((role for prefix, role in _ROLES if token_type.startswith(prefix)), CodeRole.PLAIN)
