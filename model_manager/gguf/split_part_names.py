"""Names of split parts: pieces of one GGUF file that was too large for a hub or a disk.

Only their names identify them: ``MODEL.gguf-split-a``, ``MODEL.gguf.part1of3`` and so on.  Used for listings of a hub
as well as for folders; ``join`` checks the parts against the header.  The files of ``gguf-split`` are ``shards``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from model_manager.errors import UserError

_PART = re.compile(
    r"(?P<base>.+\.gguf)(?P<mark>[-._](?:split-?(?P<split>[a-z]{1,2})"
    r"|part[-._]?(?:(?P<letter>[a-z])|(?P<number>[0-9]{1,6}))(?P<of>[-._]?of[-._]?(?P<count>[0-9]{1,6}))?"
    r"|(?P<bare>[0-9]{2,3})))",
    re.IGNORECASE,
)
_LETTERS = ("split", "letter")
_SHOWN = 5


@dataclass(frozen=True)
class PartName:
    """Parsed name of one part.

    ``base`` is the name of the whole file; ``number`` the part's number in the numbering ``style``, which the parts of
    one file share; ``count`` the number of parts, where the name contains it.
    """

    name: str
    base: str
    style: str
    number: int
    count: int | None
    span: tuple[int, int]
    """Place of the number in the name."""

    def sibling(self, number: int) -> str:
        """Return the name of another part of the same file."""
        start, end = self.span
        width = end - start
        if self.style in _LETTERS:
            text = "".join(chr(ord("a") + number // 26**place % 26) for place in reversed(range(width)))
        else:
            text = f"{number:0{width if self.style == 'bare' or self.name[start] == '0' else 1}}"
        return self.name[:start] + text + self.name[end:]


def part_of(name: str) -> PartName | None:
    """Return the parsed name, None where it isn't that of a split part.  ``name`` may contain folders."""
    match = _PART.fullmatch(name)
    if match is None:
        return None
    style = next(group for group in ("split", "letter", "number", "bare") if match[group] is not None)
    text = match[style].lower()
    number = int(text) if style not in _LETTERS else 0
    for letter in text if style in _LETTERS else "":
        number = number * 26 + ord(letter) - ord("a")
    count = int(match["count"]) if match["count"] else None
    return PartName(name, match["base"], style, number, count, match.span(style))


def ordered_parts(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of one file's parts in the order of their bytes.

    Raises ``UserError``: not_parts(name) for another name, or a part of another file; parts_twice(name, parts) for
    duplicate numbers or different numberings; parts_missing(name, missing).
    """
    parts: list[PartName] = []
    for name in names:
        part = part_of(name)
        if part is None or (parts and part.base != parts[0].base):
            raise UserError("not_parts", name=name)
        parts.append(part)
    if not parts:
        raise UserError("not_parts", name="")
    parts.sort(key=lambda part: part.number)
    first, last = parts[0], parts[-1]
    numbers = [part.number for part in parts]
    if len(set(numbers)) != len(numbers) or len({(part.style, part.count) for part in parts}) > 1:
        raise UserError("parts_twice", name=first.base, parts=[part.name for part in parts])
    # Letters begin with a, numbers with 0 or with 1.
    begin = 0 if first.style in _LETTERS or first.number == 0 else 1
    end = last.number if first.count is None else begin + first.count - 1
    if end < last.number:
        raise UserError("parts_twice", name=first.base, parts=[part.name for part in parts])
    there = set(numbers)
    missing = []
    for number in range(begin, end + 1):
        if number not in there:
            missing.append(first.sibling(number))
        if len(missing) > _SHOWN:
            missing[-1] = "..."
            break
    if missing:
        raise UserError("parts_missing", name=first.base, missing=missing)
    return tuple(part.name for part in parts)


def grouped_parts(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the parts among ``names`` by their file, in the given order; all other names are left out."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if part := part_of(name):
            groups.setdefault(part.base, []).append(name)
    return {base: tuple(group) for base, group in groups.items()}
