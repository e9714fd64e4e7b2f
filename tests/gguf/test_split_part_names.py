"""Which names are raw parts, and in what order their bytes come."""

from __future__ import annotations

import random

import pytest

from model_manager.errors import UserError
from model_manager.layout.join import grouped_parts, ordered_parts, part_of


@pytest.mark.parametrize(
    ("name", "base", "number", "count"),
    [
        ("M.Q4_K_M.gguf-split-a", "M.Q4_K_M.gguf", 0, None),
        ("M.gguf.split-b", "M.gguf", 1, None),
        ("M.gguf-splitab", "M.gguf", 1, None),
        ("M.gguf-split-ba", "M.gguf", 26, None),
        ("M.gguf.part1of2", "M.gguf", 1, 2),
        ("M.gguf.part-02-of-12", "M.gguf", 2, 12),
        ("M.gguf.part_3.of.3", "M.gguf", 3, 3),
        ("M.gguf-part-a", "M.gguf", 0, None),
        ("M.gguf.partb", "M.gguf", 1, None),
        ("M.gguf.part0", "M.gguf", 0, None),
        ("M.gguf.00", "M.gguf", 0, None),
        ("M.gguf.001", "M.gguf", 1, None),
        ("folder/M.GGUF.Part2Of3", "folder/M.GGUF", 2, 3),
    ],
)
def test_names_of_parts(name: str, base: str, number: int, count: int | None) -> None:
    part = part_of(name)
    assert part is not None
    assert (part.base, part.number, part.count) == (base, number, count)
    assert part.sibling(part.number) == name


@pytest.mark.parametrize(
    "name",
    [
        "M.gguf",
        "M.gguf.part",
        "M.gguf.bad",
        "M.gguf.1",
        "M.gguf.1234",
        "M.gguf.part1of2.part",
        "M-00001-of-00003.gguf",
        "M.safetensors.part1of2",
        ".gguf.part1of2",
        "M.gguf.party2",
        "M.gguf.part١of٢",
        "M.gguf.origin.json",
        "",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert part_of(name) is None


@pytest.mark.parametrize(
    "names",
    [
        ["M.gguf-split-a", "M.gguf-split-b", "M.gguf-split-c"],
        [f"M.gguf.part{number}of12" for number in range(1, 13)],
        [f"M.gguf.part{number}" for number in range(11)],
        [f"M.gguf.{number:02}" for number in range(3)],
        [f"M.gguf.{number:03}" for number in range(1, 4)],
        [f"M.gguf-split-{first}{second}" for first in "ab" for second in "abcdefghijklmnopqrstuvwxyz"],
        ["M.gguf.part0of2", "M.gguf.part1of2"],
        ["M.gguf-split-a"],
    ],
)
def test_the_order_of_bytes(names: list[str]) -> None:
    shuffled = random.Random(1).sample(names, len(names))
    assert ordered_parts(shuffled) == tuple(names)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["M.gguf-split-b", "M.gguf-split-d"], ["M.gguf-split-a", "M.gguf-split-c"]),
        (["M.gguf-split-ab"], ["M.gguf-split-aa"]),
        (["M.gguf.part1of3", "M.gguf.part2of3"], ["M.gguf.part3of3"]),
        (["M.gguf.part02"], ["M.gguf.part01"]),
        (["M.gguf.00", "M.gguf.02"], ["M.gguf.01"]),
        (["M.gguf.part1of999999"], [f"M.gguf.part{number}of999999" for number in range(2, 7)] + ["..."]),
    ],
)
def test_parts_that_are_missing(names: list[str], missing: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        ordered_parts(names)
    assert caught.value.code == "parts_missing"
    assert caught.value.data == {"name": "M.gguf", "missing": missing}


@pytest.mark.parametrize(
    "names",
    [
        ["M.gguf.part1of2", "M.gguf.part2of3"],
        ["M.gguf.part1of2", "M.gguf-part-1-of-2"],
        ["M.gguf.part1of2", "M.gguf.part3of2"],
        ["M.gguf-split-a", "M.gguf.partb"],
        ["M.gguf.00", "M.gguf.000"],
    ],
)
def test_names_that_leave_the_order_open(names: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        ordered_parts(names)
    assert caught.value.code == "parts_twice"


@pytest.mark.parametrize("names", [[], ["M.gguf"], ["M.gguf.part1of2", "N.gguf.part2of2"]])
def test_names_that_do_not_belong_together(names: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        ordered_parts(names)
    assert caught.value.code == "not_parts"


def test_parts_in_a_listing() -> None:
    names = ["README.md", "b.gguf.part2of2", "a.gguf", "x/b.gguf.part1of2", "b.gguf.part1of2", "c.gguf-split-a"]
    assert grouped_parts(names) == {
        "b.gguf": ("b.gguf.part2of2", "b.gguf.part1of2"),
        "x/b.gguf": ("x/b.gguf.part1of2",),
        "c.gguf": ("c.gguf-split-a",),
    }
