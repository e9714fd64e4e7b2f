"""Fuzzy search in many short texts: parts of words, first letters of words, and pinyin of Chinese characters.

All texts are one string with a line each, through which a regular expression runs.  Its quantifiers are possessive, so
that no text makes it slow.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import accumulate

from app.config.paths import resources

MOST_EXAMINED = 1000
"""Matches of one kind that are compared; the first texts are preferred."""
MAX_QUERY = 64
"""Characters of a query that are used: each one adds a millisecond, and a clipboard may contain a million."""
_FIRST_CODE = 0x3400
"""Rare Chinese characters stand for the sets of initials or syllables: they are letters in regular expressions."""
_LONGEST, _MOST_DIVISIONS = 6, 4
"""Letters of a syllable, and ways to divide a query into syllables."""


@dataclass(frozen=True)
class Match:
    """A text that matches.

    ``rank`` is 0 where it begins with the query, 1 where a word does, 2 where it contains the query, 3 for the first
    letters of words, and 4 for letters in the same order.  ``positions`` are the matched characters.
    """

    number: int
    rank: int
    positions: tuple[int, ...] = ()

    @property
    def is_scattered(self) -> bool:
        """Whether only its letters occur, in the same order."""
        return self.rank == 4


@dataclass(frozen=True)
class _Lines:
    """Some of the texts as the lines of one string."""

    text: str
    starts: Sequence[int]
    """Where the lines begin, and where another one would."""
    numbers: Sequence[int]
    """Of the texts."""
    characters: frozenset[str] = frozenset()
    """Those that occur: a set of a regular expression with all that can takes as long as the search."""

    def translated(self, codes: dict[int, int]) -> _Lines:
        """Return the same lines with codes in place of Chinese characters."""
        text = self.text.translate(codes)
        return replace(self, text=text, characters=frozenset(text))


class FuzzyIndex:
    """An index of texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        lines = [_lowered(text) for text in texts]
        self._count = len(lines)
        # Single characters are found many times faster than those of a set, which only Chinese ones need.
        self._plain = _joined(lines, [number for number, line in enumerate(lines) if line.isascii()])
        self._others = _joined(lines, [number for number, line in enumerate(lines) if not line.isascii()])
        self._initials = self._syllables = self._others
        if self._others.numbers:
            self._initials = self._others.translated(_initials()[0])
            self._syllables = self._others.translated(_syllables()[0])

    def search(self, query: str, limit: int) -> list[Match]:
        """Return the best matches, equal ones in the order of the texts; all texts for an empty query."""
        query = query[:MAX_QUERY]
        words = _lowered(query).split()
        if not words:
            return [Match(number, 0) for number in range(min(limit, self._count))]
        found: dict[int, Match] = {}
        for kinds in self._kinds(words, is_plain=query.isascii()):
            for kind, lines in kinds:
                for line, positions in kind.matches(lines.text, lines.starts):
                    number, begin = lines.numbers[line], lines.starts[line]
                    if number not in found:
                        rank = kind.rank or _rank_of_word(lines.text, begin, positions[0])
                        found[number] = Match(number, rank, tuple(each - begin for each in positions))
            if len(found) >= limit:
                break
        return sorted(found.values(), key=lambda match: (match.rank, match.number))[:limit]

    def _kinds(self, words: Sequence[str], *, is_plain: bool) -> Iterator[list[tuple[_Kind, _Lines]]]:
        """Yield the kinds of matches, the best first, each with the lines in which it is searched."""
        letters = "".join(words)
        parts: list[tuple[_Lines, Members]] = [(self._others, _escaped)]
        if is_plain:
            parts = [(self._plain, _escaped), (self._initials, partial(_members, self._initials.characters))]
        parts = [(lines, members) for lines, members in parts if lines.numbers]
        yield [(_Words(words, members), lines) for lines, members in parts]
        if self._others.numbers:
            for division in _divisions(letters):
                yield [(_Pinyin(division, self._syllables.characters), self._syllables)]
        for kind in (_FirstLetters, _Letters):
            if len(letters) >= kind.least:
                yield [(kind(letters, members), lines) for lines, members in parts]


def _joined(lines: Sequence[str], numbers: Sequence[int]) -> _Lines:
    chosen = [lines[number] for number in numbers]
    return _Lines("\n".join(chosen), [0, *accumulate(len(line) + 1 for line in chosen)], numbers)


Members = Callable[[str], str]
"""Returns what stands for a character inside a set of a regular expression."""


class _Kind:
    """A kind of match."""

    rank = 0
    """0: by the place of the match."""
    least = 1
    """Shortest query."""
    pattern: re.Pattern[str]

    def matches(self, text: str, starts: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Yield the number of each line that matches, and the positions of the matched characters."""
        place = 0
        for _ in range(MOST_EXAMINED):
            match = self._next(text, place)
            if match is None:
                return
            first = match.start(1)
            number = bisect_right(starts, first) - 1
            place = starts[number + 1]
            if positions := self._positions(match, text, starts[number], place - 1):
                yield number, positions

    def _next(self, text: str, place: int) -> re.Match[str] | None:
        return self.pattern.search(text, place)

    def _positions(self, match: re.Match[str], text: str, begin: int, end: int) -> list[int]:  # noqa: ARG002
        return [match.start(each) for each in range(1, self.pattern.groups + 1)]


class _Words(_Kind):
    """Each word of the query is in the text."""

    def __init__(self, words: Sequence[str], members: Members) -> None:
        first, *others = sorted(words, key=len, reverse=True)
        self.pattern = _contiguous(first, members)
        self._others = [_contiguous(word, members) for word in others]

    def _positions(self, match: re.Match[str], text: str, begin: int, end: int) -> list[int]:
        positions = list(range(*match.span(1)))
        for pattern in self._others:
            other = pattern.search(text, begin, end)
            if other is None:
                return []
            positions += range(*other.span(1))
        return sorted(set(positions))


class _Pinyin(_Kind):
    """Neighbouring Chinese characters are read so: syllables or their first letters, the last perhaps not complete."""

    def __init__(self, parts: Sequence[str], present: frozenset[str]) -> None:
        _, whole, begun = _syllables()
        classes = [re.escape(part) if len(part) == 1 else "" for part in parts]
        for at, part in enumerate(parts):
            table = begun if len(part) == 1 or at == len(parts) - 1 else whole
            classes[at] += "".join(present.intersection(table.get(part, "")))
        # There can be a space or a sign between them.
        self.pattern = re.compile("(" + r"[^\w\n]*+".join(f"[{each}]" if each else "(?!)" for each in classes) + ")")

    def _positions(self, match: re.Match[str], text: str, begin: int, end: int) -> list[int]:  # noqa: ARG002
        return list(range(*match.span(1)))


class _FirstLetters(_Kind):
    """The letters begin neighbouring words."""

    rank, least = 3, 2

    def __init__(self, letters: str, members: Members) -> None:
        first, *others = map(members, letters)
        self.pattern = re.compile(rf"([{first}])(?<!\w.)" + "".join(rf"\w*+[^\w\n]++([{each}])" for each in others))


class _Letters(_Kind):
    """The letters are in the text in the same order, the first one at the beginning of a word."""

    rank, least = 4, 3

    def __init__(self, letters: str, members: Members) -> None:
        sets = [*map(members, letters)]
        self._sets = [re.compile(f"[{each}]") for each in sets]
        # Skips the lines before the next one with the letters; groups for them would take longer than all lines.
        wanted = "".join(rf"[^{each}\n]*+[{each}]" for each in sets)
        self.pattern = re.compile(rf"(?:(?!{wanted})[^\n]*+\n)*+()")

    def _next(self, text: str, place: int) -> re.Match[str] | None:
        return self.pattern.match(text, place) if place < len(text) else None

    def _positions(self, match: re.Match[str], text: str, begin: int, end: int) -> list[int]:  # noqa: ARG002
        positions: list[int] = []
        for each in self._sets:
            found = each.search(text, positions[-1] + 1 if positions else begin, end)
            if found is None:
                return []
            positions.append(found.start())
        is_inside = positions[0] > begin and text[positions[0] - 1].isalnum()
        return [] if is_inside else positions


def _contiguous(word: str, members: Members) -> re.Pattern[str]:
    return re.compile("(" + "".join(f"[{members(each)}]" for each in word) + ")")


def _rank_of_word(text: str, begin: int, position: int) -> int:
    if position == begin:
        return 0
    return 2 if text[position - 1].isalnum() else 1


def _lowered(text: str) -> str:
    """Return one line in lower case with as many characters."""
    text = text.replace("\n", " ")
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _escaped(character: str) -> str:
    return re.escape(character)


def _members(present: frozenset[str], character: str) -> str:
    """Return the members of a character class: the character, and the codes of Chinese ones that begin with it."""
    return re.escape(character) + "".join(present.intersection(_initials()[1].get(character, "")))


def _divisions(letters: str) -> list[list[str]]:
    """Return the best ways to divide letters into syllables and at most as many single letters.

    The last part can be the beginning of a syllable.
    """
    if not letters.isascii():
        return []
    _, whole, begun = _syllables()
    ways: list[list[list[str]]] = [[[]]]
    for end in range(1, len(letters) + 1):
        known = whole if end < len(letters) else begun
        begins = [each for each in range(max(0, end - _LONGEST), end) if end - each == 1 or letters[each:end] in known]
        found = [[*way, letters[begin:end]] for begin in begins for way in ways[begin]]
        ways.append(sorted(found, key=_rank_of_division)[:_MOST_DIVISIONS])
    return [way for way in ways[-1] if 2 * _rank_of_division(way)[0] <= len(way)]


def _rank_of_division(parts: Sequence[str]) -> tuple[int, int]:
    return sum(len(part) == 1 for part in parts), len(parts)


@cache
def _readings() -> list[tuple[list[str], str]]:
    """Return the sets of syllables with the characters that are read so, from ``resources/pinyin.txt``."""
    lines = (line.split(" ") for line in (resources() / "pinyin.txt").read_text("utf-8").splitlines())
    return [(readings.split(","), characters) for readings, characters in lines]


@cache
def _syllables() -> tuple[dict[int, int], dict[str, str], dict[str, str]]:
    """Return the code of each Chinese character by its syllables, and the codes by syllable and by its beginning."""
    codes: dict[int, int] = {}
    whole: dict[str, str] = {}
    begun: dict[str, str] = {}
    for code, (readings, characters) in enumerate(_readings(), start=_FIRST_CODE):
        codes |= dict.fromkeys(map(ord, characters), code)
        whole |= {each: whole.get(each, "") + chr(code) for each in readings}
        beginnings = {each[:end] for each in readings for end in range(1, len(each) + 1)}
        begun |= {each: begun.get(each, "") + chr(code) for each in beginnings}
    return codes, whole, begun


@cache
def _initials() -> tuple[dict[int, int], dict[str, str]]:
    """Return the code of each Chinese character by its initials, and for each letter the codes that contain it."""
    sets: dict[str, str] = {}
    for readings, characters in _readings():
        initials = "".join(sorted({each[0] for each in readings}))
        sets[initials] = sets.get(initials, "") + characters
    codes: dict[int, int] = {}
    letters: dict[str, str] = {}
    for code, (initials, characters) in enumerate(sets.items(), start=_FIRST_CODE):
        codes |= dict.fromkeys(map(ord, characters), code)
        for letter in initials:
            letters[letter] = letters.get(letter, "") + chr(code)
    return codes, letters
