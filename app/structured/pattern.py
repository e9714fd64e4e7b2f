"""Regular expressions of JSON schemas (ECMA 262, without flags) as expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from app.structured.expressions import LAST, Expression, Expressions, Ranges, complement, ranges_of

MAX_DEPTH = 50
_LINE_ENDS = ranges_of([(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)])
_CLASSES: Mapping[str, tuple[Ranges, Callable[[str], bool]]] = {
    "d": (((0x30, 0x39),), str.isdecimal),
    "w": (((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)), str.isalnum),
    "s": (((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x2028, 0x2029), (0x3000, 0x3000)), str.isspace),
}
"""Members in ECMA 262, and what other validators (Python's) count as well.  The negated classes contain neither."""
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_COUNT = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}")
_ANCHORS = ("^", "$")
_Item = Expression | tuple[str, Expression] | str
"""An expression, a look-ahead with its sign, or an anchor."""


class PatternError(ValueError):
    """The pattern is wrong, or contains something that is not supported; the text names it."""


def parse_pattern(pattern: str, expressions: Expressions) -> Expression:
    """Return the texts in which the pattern is found.

    Raises:
        PatternError: a back reference, a look-behind, ``\\b``, ``\\p``, flags, an anchor or look-ahead inside a group.
    """
    parser = _Parser(pattern, expressions)
    result = parser.search()
    if parser.rest:
        raise PatternError(parser.rest[:1])
    return result


class _Parser:
    def __init__(self, pattern: str, expressions: Expressions) -> None:
        self.rest = pattern
        self._make = expressions
        self._depth = 0

    def search(self, *, at_start: bool = False) -> Expression:
        """Parse alternatives that may have anchors and look-aheads; ``at_start``: they match at the beginning."""
        make = self._make
        found = []
        for items in self._alternatives():
            anchored = at_start or items[:1] == ["^"]
            body = items[items[:1] == ["^"] :]
            result = make.empty if body[-1:] == ["$"] else make.anything
            for item in reversed(body[:-1] if body[-1:] == ["$"] else body):
                if isinstance(item, Expression):
                    result = make.sequence(item, result)
                elif isinstance(item, tuple):
                    result = make.both(item[1] if item[0] == "=" else make.other(item[1]), result)
                else:
                    raise PatternError(item)
            found.append(result if anchored else make.sequence(make.anything, result))
        return make.union(*found)

    def _alternatives(self) -> list[list[_Item]]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PatternError("(" * 3)
        found: list[list[_Item]] = [[]]
        while self.rest and not self.rest.startswith(")"):
            if self._takes("|"):
                found.append([])
            else:
                found[-1].append(self._item())
        self._depth -= 1
        return found

    def _item(self) -> _Item:
        for anchor in _ANCHORS:
            if self._takes(anchor):
                return anchor
        for sign in ("=", "!"):
            if self._takes(f"(?{sign}"):
                ahead = self.search(at_start=True)
                self._expect(")")
                return sign, ahead
        return self._quantified(self._atom())

    def _atom(self) -> Expression:
        make = self._make
        if self._takes("("):
            if name := re.match(r"\?<[A-Za-z_]\w*>", self.rest, re.ASCII):
                self.rest = self.rest[name.end() :]
            elif not self._takes("?:") and self.rest.startswith("?"):
                raise PatternError(f"({self.rest[:3]}")
            options = []
            for items in self._alternatives():
                for item in items:
                    if not isinstance(item, Expression):
                        raise PatternError(item if isinstance(item, str) else f"(?{item[0]}")
                options.append(make.sequence(*(item for item in items if isinstance(item, Expression))))
            self._expect(")")
            return make.union(*options)
        if self._takes("["):
            return make.characters(self._class())
        if self._takes("."):
            return make.characters(complement(_LINE_ENDS))
        if self.rest[0] in "*+?":
            raise PatternError(self.rest[0])
        return make.characters(self._character())

    def _quantified(self, atom: Expression) -> Expression:
        counts: tuple[int, int | None] | None = None
        if match := _COUNT.match(self.rest):
            least = int(match[1])
            counts = least, (int(match[3]) if match[3] else None) if match[2] else least
            self.rest = self.rest[match.end() :]
        else:
            for sign, each in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
                if counts is None and self._takes(sign):
                    counts = each
        if counts is None:
            return atom
        if counts[1] is not None and counts[1] < counts[0]:
            raise PatternError(f"{{{counts[0]},{counts[1]}}}")
        self._takes("?")  # the shortest match: the same texts
        if self.rest[:1] in tuple("*+?"):
            raise PatternError(self.rest[:1])
        return self._make.repeat(atom, *counts)

    def _class(self) -> Ranges:
        is_negated = self._takes("^")
        pairs: list[tuple[int, int]] = []
        while not self._takes("]"):
            low = self._character(in_class=True)
            if len(self.rest) > 1 and self.rest[0] == "-" and self.rest[1] != "]" and _single(low) is not None:
                self.rest = self.rest[1:]
                high = self._character(in_class=True)
                start, end = _single(low), _single(high)
                if start is None or end is None or end < start:
                    raise PatternError("-")
                pairs.append((start, end))
            else:
                pairs += low
        ranges = ranges_of(pairs)
        return complement(ranges) if is_negated else ranges

    def _character(self, *, in_class: bool = False) -> Ranges:
        if not self.rest:
            raise PatternError("[" if in_class else "\\")
        first, self.rest = self.rest[0], self.rest[1:]
        if first != "\\":
            return ((ord(first), ord(first)),)
        if not self.rest:
            raise PatternError("\\")
        letter, self.rest = self.rest[0], self.rest[1:]
        if letter.lower() in _CLASSES:
            return _CLASSES[letter][0] if letter.islower() else _outside(letter.lower())
        digits = {"x": 2, "u": 4}.get(letter, 0)
        if digits and re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", self.rest[:digits]):
            point, self.rest = int(self.rest[:digits], 16), self.rest[digits:]
            low = re.match(r"\\u(D[C-F][0-9A-F]{2})", self.rest, re.IGNORECASE)
            if 0xD800 <= point < 0xDC00 and low:
                self.rest = self.rest[low.end() :]
                point = 0x10000 + ((point - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        elif letter in _CONTROLS and not (letter == "0" and self.rest[:1].isdigit()):
            point = _CONTROLS[letter]
        elif letter == "b" and in_class:
            point = 8
        elif not letter.isalnum():
            point = ord(letter)
        else:
            raise PatternError(f"\\{letter}")
        return ((point, point),)

    def _takes(self, text: str) -> bool:
        is_next = self.rest.startswith(text)
        if is_next:
            self.rest = self.rest[len(text) :]
        return is_next

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise PatternError(text)


@cache
def _outside(letter: str) -> Ranges:
    members, is_member = _CLASSES[letter]
    more = ((point, point) for point in range(LAST + 1) if is_member(chr(point)))
    return complement(ranges_of([*members, (0xFEFF, 0xFEFF), *more] if letter == "s" else [*members, *more]))


def _single(ranges: Ranges) -> int | None:
    return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None
