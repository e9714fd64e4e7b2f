"""Regular languages of code points as expressions, and their automata (Brzozowski, Derivatives of Regular Expressions).

Derivatives give intersection and complement, which a JSON schema needs: several patterns and lengths for one text, keys
other than the named ones, multiples within a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Ranges = tuple[tuple[int, int], ...]
"""Code points as sorted ranges with both ends, neither overlapping nor touching."""
LAST = 0x10FFFF
ANY: Ranges = ((0, 0xD7FF), (0xE000, LAST))
"""All characters: code points without surrogates."""
MAX_STEPS = 30_000
"""Derivatives for all automata of one schema; half a second, seconds for some."""


class TooLargeError(Exception):
    """An automaton takes too many states or too much time."""


def ranges_of(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return the union of some ranges."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        else:
            joined.append((low, high))
    return tuple(joined)


def intersection(first: Ranges, second: Ranges) -> Ranges:
    """Return the code points that are in both."""
    pairs = ((max(a, c), min(b, d)) for a, b in first for c, d in second)
    return tuple(sorted((low, high) for low, high in pairs if low <= high))


def complement(ranges: Ranges) -> Ranges:
    """Return all other characters."""
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), LAST]
    return intersection(ANY, tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high))


class Expression:
    """A regular language.  Equal expressions of one ``Expressions`` are the same object."""

    __slots__ = ("arguments", "is_nullable", "kind", "points")

    def __init__(self, kind: str, arguments: tuple[Any, ...], *, is_nullable: bool, points: frozenset[int]) -> None:
        self.kind, self.arguments = kind, arguments
        self.is_nullable = is_nullable
        """Whether the empty text belongs to it."""
        self.points = points
        """First code points of the ranges between which the first character makes a difference."""


@dataclass(frozen=True)
class State:
    """A state of an automaton: whether a text may end here, and the next states by disjoint ranges."""

    is_end: bool
    edges: tuple[tuple[Ranges, int], ...]


class Expressions:
    """Makes expressions and their automata, within a limit of work for all of them together."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], Expression] = {}
        self._derivatives: dict[tuple[Expression, int], Expression] = {}
        self._steps = 0
        self.nothing = self.characters(())
        self.empty = self._make("repeat", self.nothing, 0, 0, is_nullable=True)
        """The empty text."""
        self.anything = self.repeat(self.characters(ANY))

    def characters(self, ranges: Ranges) -> Expression:
        """One character."""
        ranges = intersection(ranges, ANY)
        points = frozenset(point for low, high in ranges for point in (low, high + 1))
        return self._make("characters", ranges, is_nullable=False, points=points)

    def text(self, text: str) -> Expression:
        """One text."""
        return self.sequence(*(self.characters(((ord(each), ord(each)),)) for each in text))

    def sequence(self, *parts: Expression) -> Expression:
        """One after the other."""
        result = self.empty
        for part in reversed(parts):
            result = self._pair(part, result)
        return result

    def _pair(self, first: Expression, second: Expression) -> Expression:
        if self.nothing in (first, second):
            return self.nothing
        if first is self.empty or second is self.empty:
            return second if first is self.empty else first
        if first.kind == "pair":
            return self._pair(first.arguments[0], self._pair(first.arguments[1], second))
        points = first.points | second.points if first.is_nullable else first.points
        is_nullable = first.is_nullable and second.is_nullable
        return self._make("pair", first, second, is_nullable=is_nullable, points=points)

    def union(self, *parts: Expression) -> Expression:
        """Any of them."""
        flat = self._flat("union", parts) - {self.nothing}
        if self.anything in flat:
            return self.anything
        sets = {part for part in flat if part.kind == "characters"}
        if len(sets) > 1:
            flat = flat - sets | {self.characters(ranges_of(pair for part in sets for pair in part.arguments[0]))}
        return self._several("union", flat, self.nothing, any)

    def both(self, *parts: Expression) -> Expression:
        """All of them at once."""
        flat = self._flat("both", parts) - {self.anything}
        return self.nothing if self.nothing in flat else self._several("both", flat, self.anything, all)

    def other(self, part: Expression) -> Expression:
        """All other texts."""
        if part.kind == "other":
            return part.arguments[0]  # type: ignore[no-any-return]
        if part in (self.nothing, self.anything):
            return self.anything if part is self.nothing else self.nothing
        return self._make("other", part, is_nullable=not part.is_nullable, points=part.points)

    def repeat(self, part: Expression, least: int = 0, most: int | None = None) -> Expression:
        """So many times; ``most`` None for any number."""
        least = 0 if part.is_nullable else least
        if most == 0 or part is self.empty or (part is self.nothing and not least):
            return self.empty
        if part is self.nothing or (least == most == 1):
            return part
        is_nullable = least == 0
        return self._make("repeat", part, least, most, is_nullable=is_nullable, points=part.points)

    def multiples(self, divisor: int, remainder: int = 0) -> Expression:
        """Digits that continue a number, which has this remainder so far, to a multiple of the divisor."""
        points = frozenset(range(ord("0"), ord("9") + 2))
        return self._make("multiples", divisor, remainder, is_nullable=remainder == 0, points=points)

    def matches(self, part: Expression, text: str) -> bool:
        """Whether a text belongs to the language."""
        for character in text:
            part = self._derive(part, ord(character))
        return part.is_nullable

    def automaton(self, start: Expression) -> list[State]:
        """Return the states, the first one first, without those that lead to no end; empty for no text at all.

        Raises:
            TooLargeError: it takes too many steps.
        """
        numbers = {start: 0}
        found: list[dict[Expression, list[tuple[int, int]]]] = []
        for state in (order := [start]):
            edges: dict[Expression, list[tuple[int, int]]] = {}
            points = sorted({0, *state.points} - {LAST + 1})
            for low, high in zip(points, [*(point - 1 for point in points[1:]), LAST], strict=True):
                within = intersection(((low, high),), ANY)
                if within and (target := self._derive(state, within[0][0])) is not self.nothing:
                    edges.setdefault(target, []).extend(within)
                    if target not in numbers:
                        numbers[target] = len(numbers)
                        order.append(target)
            found.append(edges)
        sources: dict[Expression, list[Expression]] = {}
        for state, edges in zip(order, found, strict=True):
            for target in edges:
                sources.setdefault(target, []).append(state)
        alive = {state for state in order if state.is_nullable}
        for state in (waiting := list(alive)):
            fresh = [source for source in sources.get(state, ()) if source not in alive]
            alive.update(fresh)
            waiting += fresh
        if start not in alive:
            return []
        kept = {state: number for number, state in enumerate(state for state in order if state in alive)}
        return [
            State(
                state.is_nullable,
                tuple((ranges_of(pairs), kept[to]) for to, pairs in found[numbers[state]].items() if to in kept),
            )
            for state in kept
        ]

    def _derive(self, part: Expression, point: int) -> Expression:
        """Return the rests of the texts that begin with this character."""
        known = self._derivatives.get((part, point))
        if known is not None:
            return known
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooLargeError
        arguments = part.arguments
        match part.kind:
            case "characters":
                result = self.empty if any(low <= point <= high for low, high in arguments[0]) else self.nothing
            case "pair":
                first, second = arguments
                result = self._pair(self._derive(first, point), second)
                if first.is_nullable:
                    result = self.union(result, self._derive(second, point))
            case "repeat":
                inner, least, most = arguments
                rest = self.repeat(inner, max(0, least - 1), None if most is None else most - 1) if most != 0 else inner
                result = self._pair(self._derive(inner, point), rest)
            case "multiples":
                divisor, remainder = arguments
                digit = point - ord("0")
                result = (
                    self.multiples(divisor, (10 * remainder + digit) % divisor) if 0 <= digit <= 9 else self.nothing
                )
            case "other":
                result = self.other(self._derive(arguments[0], point))
            case "union":
                result = self.union(*(self._derive(each, point) for each in arguments[0]))
            case _:
                result = self.both(*(self._derive(each, point) for each in arguments[0]))
        self._derivatives[part, point] = result
        return result

    @staticmethod
    def _flat(kind: str, parts: Iterable[Expression]) -> frozenset[Expression]:
        return frozenset(each for part in parts for each in (part.arguments[0] if part.kind == kind else (part,)))

    def _several(
        self, kind: str, parts: frozenset[Expression], none: Expression, of: Callable[[Iterable[bool]], bool]
    ) -> Expression:
        if len(parts) < 2:
            return next(iter(parts), none)
        points = frozenset().union(*(part.points for part in parts))
        return self._make(kind, parts, is_nullable=of(part.is_nullable for part in parts), points=points)

    def _make(self, kind: str, *arguments: Any, is_nullable: bool, points: frozenset[int] = frozenset()) -> Expression:
        key = (kind, *arguments)
        if key not in self._nodes:
            self._nodes[key] = Expression(kind, arguments, is_nullable=is_nullable, points=points)
        return self._nodes[key]
