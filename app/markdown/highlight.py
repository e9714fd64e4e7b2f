"""What the characters of a piece of code are: keyword, string, comment.  Which colour that gives is the theme's."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

Line = tuple[tuple[str, "CodeRole"], ...]

TOO_LONG = 100_000
"""Characters beyond which code stays in one colour."""


class CodeRole(StrEnum):
    """What a stretch of code is."""

    PLAIN = "text"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    NAME = "name"
    TYPE = "type"
    COMMENT = "comment"


def warm_up() -> None:
    """Import what rendering needs, so that the first answer does not wait for it."""
    from app.markdown.parser import parse

    parse("**a**")
    for language in ("python", "json", "bash"):
        _lexer(language)


def highlight(text: str, language: str) -> Iterator[tuple[str, CodeRole]]:
    """The text cut into stretches of one role, as they are found; joined they are the text again."""
    lexer = _lexer(language) if language and len(text) <= TOO_LONG else None
    if lexer is None:
        yield text, CodeRole.PLAIN
        return
    begun, role_begun, given = "", CodeRole.PLAIN, 0
    for kind, piece in lexer.get_tokens(text):
        role = _role(str(kind))
        if role is not role_begun and begun:
            yield begun, role_begun
            begun = ""
        # A lexer may change what it reads (line ends, tabs); from there on the text is given as it is.
        if not text.startswith(piece, given):
            break
        begun, role_begun, given = begun + piece, role, given + len(piece)
    if begun:
        yield begun, role_begun
    if given < len(text):
        yield text[given:], CodeRole.PLAIN


def coloured_lines(text: str, language: str) -> Iterator[Line]:
    """The lines of a text, each as stretches without its line break."""
    line: list[tuple[str, CodeRole]] = []
    for stretch, role in highlight(text, language):
        first, *others = stretch.split("\n")
        if first:
            line.append((first, role))
        for piece in others:
            yield tuple(line)
            line = [(piece, role)] if piece else []
    yield tuple(line)


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    # Pygments takes 27 ms to import, which the first window does not wait for.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=256)
def _role(kind: str) -> CodeRole:
    for start, role in (
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
        ("Token.Generic.Deleted", CodeRole.KEYWORD),
        ("Token.Generic.Heading", CodeRole.COMMENT),
    ):
        if kind.startswith(start):
            return role
    return CodeRole.PLAIN
