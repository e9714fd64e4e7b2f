"""Formulas against KaTeX in a browser: every character, line and picture at its place.

``tests/data/katex/expected.jsonl`` contains what a browser shows; ``tests/rigs/katex/expected.mjs`` writes it.
"""

import json
from pathlib import Path

import pytest

from app.formulas.child.drawing import Drawer
from app.formulas.child.katex import Katex
from app.formulas.child.layout import EM, Letters, Mark, Shape

FOLDER = Path(__file__).parents[1] / "data" / "katex"
EXPECTED = [json.loads(line) for line in (FOLDER / "expected.jsonl").read_text("utf-8").splitlines()]
TOLERANCE = 0.012
"""In em; a browser rounds lengths to 1/64 of a pixel."""


@pytest.fixture(scope="module")
def drawer() -> Drawer:
    return Drawer()


def characters(x: float, y: float, mark: Mark) -> list[list[object]]:
    style = mark.style
    face = "Bold" * style.bold + "Italic" * style.italic or "Regular"
    text = mark.text if isinstance(mark, Letters) else mark.char
    return [[char, style.family, face, style.size / EM, x / EM, y / EM] for char in text]


def test_the_library_is_the_measured_one():
    package = json.loads((Path(__file__).parents[1] / "rigs" / "katex" / "package.json").read_text("utf-8"))
    assert Katex().version == package["dependencies"]["katex"]


def test_the_corpus_was_measured():
    lines = [line for line in (FOLDER / "formulas.txt").read_text("utf-8").splitlines() if line]
    formulas = [line.removeprefix("inline:") for line in lines if not line.startswith("#")]
    assert [each["formula"] for each in EXPECTED] == formulas
    assert len(formulas) >= 300


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each["formula"][:60])
def test_formula_is_as_in_a_browser(drawer: Drawer, expected: dict[str, object]):
    formula, display = str(expected["formula"]), bool(expected["display"])
    if expected.get("error"):
        with pytest.raises(Exception):  # noqa: B017, PT011 (KaTeX raises errors of JavaScript)
            drawer.draw(formula, display=display)
        return
    drawn = drawer.marks(formula, display=display)[0]
    marks = [each for each in drawn if not isinstance(each[2], Shape) and not each[2].style.shadow]
    found = [char for each in marks for char in characters(*each)]
    assert [each[:3] for each in found] == [each[:3] for each in expected["marks"]]
    # The width of a character in another font depends on the fonts of the computer.
    first = 4 if any(isinstance(mark, Letters) for _, _, mark in marks) else 3
    for one, other in zip(found, expected["marks"], strict=True):
        assert [one[3], *one[first + 1 :]] == pytest.approx([other[3], *other[first + 1 :]], abs=TOLERANCE), one[0]
    boxes = {
        tuple((start + edge) / EM for start, edge in zip((x, y, x, y), mark.bounds, strict=True))
        for x, y, mark in drawn
        if isinstance(mark, Shape)
    }
    if first == 3:
        assert len(boxes) == len(expected["boxes"])
        for one, other in zip(sorted(boxes), sorted(expected["boxes"]), strict=True):
            assert one == pytest.approx(other, abs=TOLERANCE)
