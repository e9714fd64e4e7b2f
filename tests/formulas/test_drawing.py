"""Drawing of formulas: completely or not at all, as shapes and characters only."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.formulas.child import ziamath_fixes
from app.formulas.child.drawing import Drawer
from app.formulas.child.normalise import UnsupportedFormula, normalise

LINES = (Path(__file__).parents[1] / "rigs" / "formulas.txt").read_text("utf-8").splitlines()
BEGIN = LINES.index("#broken")
TYPICAL = [line for line in LINES[:BEGIN] if line and not line.startswith("#")]
BROKEN = [line for line in LINES[BEGIN + 1 :] if line and line != "中文直接 + x^2"]


@pytest.fixture(scope="module")
def drawer() -> Drawer:
    return Drawer()


def shapes(drawer: Drawer, formula: str, kind: str) -> list[ET.Element]:
    return [each for each in ET.fromstring(drawer.draw(formula, display=True)["svg"]).iter() if each.tag.endswith(kind)]


def words(drawer: Drawer, formula: str) -> str:
    return "".join(each.text or "" for each in shapes(drawer, formula, "text"))


def test_typical_formulas_are_drawn(drawer: Drawer):
    assert len(TYPICAL) == 44
    for formula in TYPICAL:
        drawn = drawer.draw(formula, display=True)
        assert drawn["width"] > 0.5
        assert 0 < drawn["baseline"] <= drawn["height"] + 0.1


@pytest.mark.parametrize("formula", BROKEN)
def test_malformed_formulas_are_refused(drawer: Drawer, formula: str):
    with pytest.raises(Exception):  # noqa: B017, PT011 (the library raises a dozen kinds)
        drawer.draw(formula, display=True)


def test_chinese_characters_are_text(drawer: Drawer):
    assert words(drawer, r"\text{总价} = \text{单价} \times 3") == "总价单价"
    assert words(drawer, "中文直接 + x^2") == "中文直接"
    (one,) = shapes(drawer, r"x + \textbf{粗}", "text")
    assert one.get("font-weight") == "bold"
    first, second = shapes(drawer, r"\text{总价}", "text")
    assert float(second.get("x", "")) - float(first.get("x", "")) == pytest.approx(ziamath_fixes.EM, abs=0.1)


def test_lines_of_a_table_are_drawn(drawer: Drawer):
    assert len(shapes(drawer, r"\begin{array}{r} 123 \\ +456 \\ \hline 579 \end{array}", "rect")) == 1
    grid = r"\begin{array}{|c|c|}\hline a & b \\ \hline c & d \\ \hline\end{array}"
    across = [each for each in shapes(drawer, grid, "rect") if float(each.get("width", "")) > 10]
    down = [each for each in shapes(drawer, grid, "rect") if float(each.get("height", "")) > 10]
    assert (len(across), len(down)) == (3, 3)
    assert shapes(drawer, r"\begin{array}{cc} a & b \\ c & d \end{array}", "rect") == []


def test_line_is_between_its_rows(drawer: Drawer):
    drawn = ET.fromstring(
        drawer.draw(r"\begin{array}{c} \text{上} \\ \hline \text{下} \end{array}", display=True)["svg"]
    )
    above, below = (float(each.get("y", "")) for each in drawn.iter() if each.tag.endswith("text"))
    (line,) = (float(each.get("y", "")) for each in drawn.iter() if each.tag.endswith("rect"))
    assert above < line < below - ziamath_fixes.EM / 2


def test_tag_is_drawn(drawer: Drawer):
    plain, tagged = (drawer.draw(text, display=True)["width"] for text in ("x = 3", r"x = 3 \tag{1}"))
    assert tagged > plain + 2


def test_equations_are_not_numbered(drawer: Drawer):
    body = r"a &= b + c \\ &= d"
    numbered, plain = (
        drawer.draw(rf"\begin{{{name}}} {body} \end{{{name}}}", display=True)["width"] for name in ("align", "aligned")
    )
    assert numbered == plain


@pytest.mark.parametrize(
    "formula",
    [
        r"\ce{H2O}",
        r"\begin{nothing} x \end{nothing}",
        r"\begin{align} x",
        r"a & b",
        r"\begin{array}{c@{}c} a & b \end{array}",
        r"\includegraphics{/etc/passwd}",
        r"\input{x}",
        r"\text{a $b}",
    ],
)
def test_unsupported_formulas_are_refused(drawer: Drawer, formula: str):
    with pytest.raises(Exception):  # noqa: B017, PT011
        drawer.draw(formula, display=True)


@pytest.mark.parametrize(
    "formula",
    [
        r"\color{url(https://x.org/y)}{x}",
        r'\color{red" onload="alert(1)}{x}',
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\boxed{\textcolor{expression(alert(1))}{x}}",
    ],
)
def test_svg_contains_only_shapes(drawer: Drawer, formula: str):
    try:
        svg = drawer.draw(formula, display=True)["svg"]
    except Exception:
        return
    for element in ET.fromstring(svg).iter():
        assert element.tag.rpartition("}")[2] in {"svg", "g", "path", "rect", "ellipse", "text"}
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
        assert all(re.fullmatch(r"[\w#.\s,-]*", value) for value in element.attrib.values())


def test_measuring_rows_once_draws_the_same():
    """The change to ``Mrow`` saves time and nothing else."""
    import subprocess
    import sys

    program = """
import sys
from ziamath.nodes.mrow import Mrow
before = Mrow._get_height_nostretch
from app.formulas.child.drawing import Drawer
drawer = Drawer()
after = Mrow._get_height_nostretch
nested = [r"\\left(\\frac{\\sqrt{x}}{\\left[y^{2}\\right]}\\right)", r"\\sqrt{\\left(a_{\\frac{1}{2}}\\right)^2}"]
for formula in [*open(sys.argv[1], encoding="utf-8").read().split("#broken")[0].splitlines(), *nested]:
    if formula and not formula.startswith("#"):
        Mrow._get_height_nostretch = before
        slow = drawer.draw(formula, display=True)
        Mrow._get_height_nostretch = after
        assert drawer.draw(formula, display=True) == slow, formula
"""
    formulas = Path(__file__).parents[1] / "rigs" / "formulas.txt"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(formulas)], check=True, cwd=root, timeout=120)


def test_thirty_levels_are_drawn(drawer: Drawer):
    formula = "x"
    for _ in range(30):
        formula = rf"\frac{{{formula}}}{{2}}"
    assert drawer.draw(formula, display=True)["height"] > 5


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        (r"\tag{1}", r"\qquad\text{(1)}"),
        (r"\tag*{a}", r"\qquad\text{a}"),
        (r"x \label{eq:1}", "x "),
        (r"\text{若 $x>0$ 则}", r"\text{若 }{x>0}\text{ 则}"),
        (r"\begin{alignat}{2} a &= b \end{alignat}", r"\begin{align*} a &= b \end{align*}"),
        (r"\begin{aligned}[t] a \end{aligned}", r"\begin{align*} a \end{align*}"),
        (r"1,000,000 + f(1,2)", "1{,}000{,}000 + f(1,2)"),
        (r"\not= \not\in", r"\neq  \notin "),
        (r"\color{red}{x}", r"\textcolor{red}{x}"),
        (r"\newcommand{\R}{\mathbb{R}} \R", r"\newcommand{\R}{\mathbb{R}} \R"),
        (r"a % note", "a "),
        (r"50\% x", r"50\% x"),
    ],
)
def test_normalisation(written: str, drawn: str):
    assert normalise(written) == drawn


@pytest.mark.parametrize("formula", ["{", "}{", r"\begin{cases} x", r"x \end{cases}", r"\begin{cases}\end{align}"])
def test_unclosed_formulas_are_refused(formula: str):
    with pytest.raises(UnsupportedFormula):
        normalise(formula)
