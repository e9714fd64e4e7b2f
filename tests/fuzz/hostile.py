"""Seeded generators of hostile input: JSON-like values, mutations of valid documents, damaged bytes.

Every case has its seed, which its ``repr`` shows: ``Hostile(1234)`` makes the failing input again.  The suite
tries ``FEW`` cases, ``pytest -m fuzz`` tries ``MANY``; ``FUZZ_FROM=100000 pytest -m fuzz`` tries others.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.messages import sentence
from model_manager.errors import UserError

FEW, MANY = 2_000, 100_000
case_count = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.fuzz)])
"""Parametrises a test by ``count``, the number of cases to try."""

INTEGERS = (
    *(0, 1, -1, 2, 3, 7, 255, 256, 65_535, 65_536, 10**6),
    *(2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 10**30),
)
FLOATS = (0.0, -0.0, 0.5, -1.5, 1e-320, 1e16, 1e300, -1e300, math.inf, -math.inf, math.nan)
TIMES = (
    "9999-12-31T23:59:59.999999+00:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "1969-12-31",
    "2024-02-30T25:61:61",
    "2024-01-01T00:00:00+99:99",
)
TEXTS = (
    *("", " ", "\n", "a", "0", "-1", "NaN", "null", "true", "1e999", "{}", "[", '"', "\\", "%s", "{0}", "{{ x }}"),
    *("\0", "\x1b[31mred\x1b]0;title\x07", "\u202eback", "\u200b", "\ufeff", "\ud800", "\udfff\ud800", "e\u0301"),
    *("漢字", "👨‍👩‍👧", "ß", "İ", "<script>alert(1)</script>", "javascript:alert(1)", "'; DROP TABLE message; --"),
    *("..", "../../etc/passwd", "/etc/passwd", "C:\\con", "nul", "file:///etc/passwd", "http://[::1", "a/b:c.gguf"),
    *("<|im_end|>", "<|im_start|>system", "</think>", "<0x00>"),
)
RAW_JSON = (
    *("NaN", "-Infinity", "1e999", "-0", "9" * 5_000, "1." + "9" * 5_000, "0" * 50, "01", "'a'", "undefined", "\x00"),
    *('"\\ud800"', '"\\u0000"', '"\t"', '{"a":1,"a":2}', "[1,]", "[" * 50_000, "[" * 50_000 + "]" * 50_000),
    *('{"a":' * 20_000 + "1" + "}" * 20_000, "/* */ 1", "9" * 400),
)
"""Texts in place of a JSON value that ``json.dumps`` doesn't write."""
_SCALAR = re.compile(r'-?\b\d[\d.eE+-]*|true|false|null|"[^"\\]*"(?!\s*:)')
_MAX_DEPTH = 60
_MAX_REPEATED = 2_000


class Hostile(random.Random):
    """One case: the generator of everything random in it."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.case = seed

    def __repr__(self) -> str:
        return f"Hostile({self.case})"

    def chance(self, share: float) -> bool:
        """Return whether something of this probability happens."""
        return self.random() < share

    def integer(self) -> int:
        """Return an integer, usually one at a limit of some type."""
        if self.chance(0.3):
            return self.randrange(-10, 1000)
        return self.choice(INTEGERS) + (self.randrange(-2, 3) if self.chance(0.2) else 0)

    def number(self) -> int | float | bool:
        """Return an integer, a float (also NaN and infinite ones) or a boolean."""
        return self.choice((self.integer, self.integer, lambda: self.choice(FLOATS), lambda: self.chance(0.5)))()

    def text(self) -> str:
        """Return a text, now and then a long one or one of random characters (also lone surrogates)."""
        if self.chance(0.05):
            return self.choice(TEXTS) * self.choice((100, 2_000))
        if self.chance(0.1):
            return "".join(chr(self.randrange(1, 0x3000)) for _ in range(self.randrange(20)))
        return self.choice(TIMES if self.chance(0.1) else TEXTS)

    def scalar(self) -> Any:
        """Return None, a number or a text."""
        return self.choice((lambda: None, self.number, self.text))()

    def value(self, depth: int = 3) -> Any:
        """Return a value of JSON's types, sometimes nested deeply, as far as ``json.dumps`` writes it."""
        if self.chance(0.02):
            value = self.scalar()
            for _ in range(self.randrange(_MAX_DEPTH)):
                value = [value] if self.chance(0.5) else {"a": value}
            return value
        if depth == 0 or self.chance(0.6):
            return self.scalar()
        size = self.choice((0, 1, 2, 3, 20))
        if self.chance(0.5):
            return [self.value(depth - 1) for _ in range(size)]
        return {self.text(): self.value(depth - 1) for _ in range(size)}

    def mutated(self, document: Any) -> Any:
        """Return a copy of a valid document of JSON's types with a few changes; the types of leaves often stay."""
        root = [json.loads(json.dumps(document))]
        for _ in range(self.choice((1, 1, 1, 2, 3, 8))):
            if not (places := _places(root)):
                break
            container, key = self.choice(places)
            self._change(container, key, places)
        return root[0] if root else None

    def renumbered(self, document: Any) -> Any:
        """Return a copy of a valid document of JSON's types with a few other integers."""
        root = [json.loads(json.dumps(document))]
        places = [(container, key) for container, key in _places(root) if type(container[key]) is int]
        for _ in range(self.choice((1, 1, 2, 3)) if places else 0):
            container, key = self.choice(places)
            container[key] = self.integer() if self.chance(0.7) else container[key] + self.randrange(-9, 10)
        return root[0]

    def _change(self, container: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
        old = container[key]
        kind = self.randrange(8)
        if kind == 0:
            del container[key]
        elif kind == 1:
            container[key] = self.value()
        elif kind == 2:
            container[key] = [old] if self.chance(0.5) else {"a": old}
        elif kind == 3 and isinstance(container, list):
            container.insert(key, copy.deepcopy(old))
        elif kind == 4 and isinstance(container, dict):
            container[self.text() if self.chance(0.5) else key + " "] = container.pop(key)
        elif kind == 5:
            other, name = self.choice(places)
            container[key] = copy.deepcopy(other[name])
        elif isinstance(old, str):
            container[key] = self.text() if self.chance(0.7) else old + self.text()
        elif isinstance(old, list) and old and self.chance(0.5):
            # Repeated lists in repeated lists would be most of the work.
            times = 50 if len(places) < _MAX_REPEATED else 1
            container[key] = old[: self.randrange(len(old))] if self.chance(0.7) else old * times
        else:
            container[key] = self.number() if isinstance(old, int | float) else self.scalar()

    def json_bytes(self, value: Any) -> bytes:
        """Encode a value as JSON, now and then with one scalar that JSON doesn't allow, or damaged."""
        text = json.dumps(value, ensure_ascii=self.chance(0.5))
        if self.chance(0.2) and (scalars := list(_SCALAR.finditer(text))):
            place = self.choice(scalars)
            text = text[: place.start()] + self.choice(RAW_JSON) + text[place.end() :]
        content = text.encode(errors="surrogatepass")
        if self.chance(0.1):
            encoding = self.choice(("utf-8-sig", "utf-16", "utf-32", "latin-1"))
            content = text.encode(encoding, errors="replace")
        return self.damaged(content) if self.chance(0.15) else content

    def damaged(self, content: bytes) -> bytes:
        """Return bytes with a few places overwritten, cut out, repeated, or the end cut off."""
        changed = bytearray(content)
        for _ in range(self.choice((1, 1, 2, 8))):
            start = self.randrange(len(changed) + 1)
            end = min(len(changed), start + self.choice((1, 1, 4, 8, 100)))
            kind = self.randrange(5)
            if kind == 0:
                changed[start:end] = self.randbytes(end - start)
            elif kind == 1:
                changed[start:end] = (self.integer() % 2**64).to_bytes(8, "little")[: end - start]
            elif kind == 2:
                del changed[start:end]
            elif kind == 3:
                changed[start:start] = changed[start:end]
            else:
                del changed[start:]
        return bytes(changed)


def hostile_cases(count: int) -> Iterator[Hostile]:
    """Yield ``count`` cases."""
    first = int(os.environ.get("FUZZ_FROM", "0"))
    for seed in range(first, first + count):
        yield Hostile(seed)


def write(path: Path, content: bytes) -> Path:
    """Write a new file: some file systems write one that is truncated to the disk, which takes milliseconds."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return path


def assert_one_line(error: UserError) -> None:
    """Check that an error is one line for users."""
    assert len(sentence(error).splitlines()) == 1


@contextlib.contextmanager
def memory_limit(n_bytes: int = 400 << 20) -> Iterator[None]:
    """Let this process allocate this much more memory, beyond which it is a ``MemoryError``; on Linux only."""
    if sys.platform != "linux":
        yield
        return
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return every container of a document with each of its keys or indices."""
    places, containers = [], [document]
    for container in containers:
        for key, each in container.items() if isinstance(container, dict) else enumerate(container):
            places.append((container, key))
            if isinstance(each, dict | list):
                containers.append(each)
    return places
