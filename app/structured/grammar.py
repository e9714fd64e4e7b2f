"""Rules of a GBNF grammar of llama.cpp, with repetitions and automata.

Rules are made so that at each place few alternatives are open: llama.cpp keeps a stack for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from app.structured.expressions import Ranges, State, TooLargeError, complement, intersection, ranges_of

MAX_SYMBOLS = 200_000
"""Size of a grammar: some megabytes, which the engine reads in a tenth of a second."""
BLOCK = 100
"""Repetitions are counted in blocks of this many, because each number has a rule."""
Symbols = tuple[str, ...]
"""Names of rules, and terminals or sequences of them in GBNF, which begin with a quote or a bracket."""

_ESCAPED = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '\\"', 0x5C: "\\\\"}
_CONTROLS: Ranges = ((0, 0x1F),)
_PLAIN = complement(ranges_of([*_CONTROLS, (0x22, 0x22), (0x5C, 0x5C)]))
_NOTHING = '""'


class Grammar:
    """Rules by their names, each a list of alternatives."""

    def __init__(self) -> None:
        self.rules: dict[str, list[Symbols]] = {}
        self._size = 0
        self._named: dict[tuple[Symbols, ...], str] = {}
        self.space = self.rule([(), ('" "',), ('"\\n" [ \\t]{0,20}',)])
        """White space between tokens."""
        escapes = (
            r'"\\" ["\\/bfnrt]',
            r'"\\u" [0-9a-cA-CefEF] [0-9a-fA-F]{3}',
            r'"\\u" [dD] [0-7] [0-9a-fA-F]{2}',
            r'"\\u" [dD] [89abAB] [0-9a-fA-F]{2} "\\u" [dD] [c-fC-F] [0-9a-fA-F]{2}',
        )
        character = self.rule([(_class(_PLAIN),), *((each,) for each in escapes)])
        self.character: Symbols = (character,)
        """A code point of a JSON string."""

    def new(self) -> str:
        """Return the name of a new rule without alternatives."""
        name = f"r{len(self.rules)}"
        self.rules[name] = []
        return name

    def add(self, name: str, alternatives: Iterable[Symbols]) -> None:
        """Add alternatives to a rule.

        Raises:
            TooLargeError: the grammar becomes too large.
        """
        for alternative in alternatives:
            self._size += 1 + len(alternative)
            if self._size > MAX_SYMBOLS:
                raise TooLargeError
            self.rules[name].append(alternative)

    def rule(self, alternatives: Iterable[Symbols]) -> str:
        """Return the name of the rule with these alternatives."""
        key = tuple(alternatives)
        if key not in self._named:
            self._named[key] = self.new()
            self.add(self._named[key], key)
        return self._named[key]

    def repeat(self, one: Symbols, least: int, most: int | None) -> Symbols:
        """Return symbols for so many repetitions.  ``one`` is never empty text."""
        item = self.rule([one])
        if least > MAX_SYMBOLS:
            raise TooLargeError
        block = self.rule([(item,) * BLOCK]) if least >= BLOCK else ""
        exactly = (block,) * (least // BLOCK) + (item,) * (least % BLOCK)
        if most is None:
            name = self.new()
            self.add(name, [(item, name), ()])
            return (*exactly, name)
        return exactly + self._up_to(item, most - least)

    def _up_to(self, item: str, most: int) -> Symbols:
        name = ""
        count = most % BLOCK
        for _ in range(count):
            name = self.rule([(item, *filter(None, [name])), ()])
        if most >= BLOCK:
            block = self.rule([(item,) * BLOCK])
            less = self._up_to(item, BLOCK - 1)
            for _ in range(most // BLOCK):
                name = self.rule([(block, *filter(None, [name])), less])
        return (name,) if name else ()

    def automaton(self, states: Sequence[State], symbols: Callable[[Ranges], Iterable[Symbols]]) -> str:
        """Return the rule of an automaton; ``symbols`` gives the alternatives for a character of some ranges."""
        names = [self.new() for _ in states] or [self.new()]
        for name, state in zip(names, states, strict=False):
            self.add(name, ((*each, names[target]) for ranges, target in state.edges for each in symbols(ranges)))
            self.add(name, [()] if state.is_end else [])
        return names[0]

    def text(self, root: str) -> str | None:
        """Return the grammar in GBNF, without alternatives that never end; None if nothing is left."""
        uses: dict[str, list[str]] = {}
        for name, alternatives in self.rules.items():
            for symbol in {symbol for alternative in alternatives for symbol in alternative if _is_name(symbol)}:
                uses.setdefault(symbol, []).append(name)
        ending: set[str] = set()
        waiting = list(self.rules)
        while waiting:
            name = waiting.pop()
            if name not in ending and any(_ends(each, ending) for each in self.rules[name]):
                ending.add(name)
                waiting += uses.get(name, ())
        if root not in ending:
            return None
        lines, order = [f"root ::= {root}"], [root]
        seen = {root}
        for name in order:
            kept = [each for each in self.rules[name] if _ends(each, ending)]
            fresh = dict.fromkeys(symbol for each in kept for symbol in each if _is_name(symbol) and symbol not in seen)
            seen.update(fresh)
            order += fresh
            options = " | ".join(" ".join(each) or _NOTHING for each in kept)
            lines.append(f"{name} ::= {options}")
        return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Return a terminal for a text."""
    escaped = "".join(f"\\x{ord(c):02X}" if c < " " else f"\\{c}" if c in '"\\' else c for c in text)
    return f'"{escaped}"'


def json_literal(value: object) -> str:
    """Return a terminal for a JSON value."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value)
    return literal(text)


def plain(ranges: Ranges) -> list[Symbols]:
    """Return the alternatives for a character outside of strings."""
    return [(_class(ranges),)]


def in_string(ranges: Ranges) -> list[Symbols]:
    """Return the alternatives for a character in a JSON string, which escapes what it has to."""
    direct = intersection(ranges, _PLAIN)
    found: list[Symbols] = [(_class(direct),)] if direct else []
    escaped = intersection(ranges, complement(_PLAIN))
    if intersection(escaped, _CONTROLS) == _CONTROLS:
        found += [(r'"\\"', "[bfnrt]"), (r'"\\u00"', "[01]", "[0-9a-fA-F]")]
        escaped = intersection(escaped, ((0x22, 0x22), (0x5C, 0x5C)))
    for low, high in escaped:
        for point in range(low, high + 1):
            if point in _ESCAPED:
                found.append((rf'"\\{_ESCAPED[point]}"',))
            if point < 0x20:
                found.append((r'"\\u00"', f'"{point:02x}"'))
    return found


def _class(ranges: Ranges) -> str:
    return "".join(["[", *map(_range, ranges), "]"])


def _range(pair: tuple[int, int]) -> str:
    low, high = map(_escape, pair)
    return low if low == high else f"{low}-{high}"


def _escape(point: int) -> str:
    if chr(point).isascii() and chr(point).isalnum():
        return chr(point)
    return f"\\x{point:02X}" if point < 0x100 else f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}"


def _is_name(symbol: str) -> bool:
    return symbol[0] not in '"['


def _ends(alternative: Symbols, ending: set[str]) -> bool:
    return all(symbol in ending for symbol in alternative if _is_name(symbol))
