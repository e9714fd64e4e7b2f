"""Random texts of the grammars that ``app.structured`` makes."""

from __future__ import annotations

import random
import re

_SYMBOL = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\](?:\{\d+(?:,\d+)?\})?|\w+|\|')
_CHARACTER = re.compile(r"\\x([0-9A-F]{2})|\\u([0-9A-F]{4})|\\U([0-9A-F]{8})|\\(.)|(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
MANY = 400
"""Steps after which a text is brought to an end."""


class RandomTexts:
    def __init__(self, grammar: str, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._rules: dict[str, list[list[str]]] = {}
        for line in grammar.rstrip().split("\n"):
            name, _, body = line.partition(" ::= ")
            alternatives: list[list[str]] = [[]]
            for symbol in _SYMBOL.findall(body):
                if symbol == "|":
                    alternatives.append([])
                else:
                    alternatives[-1].append(symbol)
            self._rules[name] = alternatives
        self._heights = self._measure()

    def text(self) -> str:
        out: list[str] = []
        waiting, steps = ["root"], 0
        while waiting:
            symbol = waiting.pop()
            if symbol not in self._rules:
                out.append(self._terminal(symbol))
                continue
            steps += 1
            options = self._rules[symbol]
            if steps > MANY:
                options = [min(options, key=self._height)]
            waiting += reversed(self._random.choice(options))
        return "".join(out)

    def _terminal(self, symbol: str) -> str:
        if symbol.startswith('"'):
            return "".join(_characters(symbol[1:-1]))
        body, _, counts = symbol.rpartition("]")
        found = _characters(body[1:])
        pairs, at = [], 0
        while at < len(found):
            if at + 2 < len(found) and found[at + 1] == "-":
                pairs.append((found[at], found[at + 2]))
                at += 3
            else:
                pairs.append((found[at], found[at]))
                at += 1
        least, most = 1, 1
        if counts:
            numbers = [int(number) for number in counts.strip("{}").split(",")]
            least, most = numbers[0], numbers[-1]
        return "".join(self._one_of(pairs) for _ in range(self._random.randint(least, most)))

    def _one_of(self, pairs: list[tuple[str, str]]) -> str:
        low, high = (ord(each) for each in self._random.choice(pairs))
        return chr(self._random.choice((low, high, self._random.randint(low, min(high, low + 100)))))

    def _measure(self) -> dict[str, int]:
        heights: dict[str, int] = {}
        changed = True
        while changed:
            changed = False
            for name, alternatives in self._rules.items():
                known = [
                    1 + max((heights.get(each, 0) for each in alternative), default=0)
                    for alternative in alternatives
                    if all(each in heights or each not in self._rules for each in alternative)
                ]
                if known and min(known) < heights.get(name, 1 << 30):
                    heights[name], changed = min(known), True
        assert heights.keys() == self._rules.keys()
        return heights

    def _height(self, alternative: list[str]) -> int:
        return max((self._heights.get(each, 0) for each in alternative), default=0)


def _characters(text: str) -> list[str]:
    found = []
    for two, four, eight, escaped, plain in _CHARACTER.findall(text):
        code = two or four or eight
        found.append(chr(int(code, 16)) if code else _ESCAPES.get(escaped, escaped) or plain)
    return found
