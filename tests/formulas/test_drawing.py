"""Drawing of formulas: completely or not at all, as shapes and characters only."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.formulas import Shape as Drawn
from app.formulas.child.drawing import Drawer
from app.formulas.child.fonts import Fonts
from app.formulas.child.katex import Katex, UnsupportedFormula, normalise
from app.formulas.child.layout import EM, Glyph, Layout, Shape

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


def characters(drawer: Drawer, formula: str) -> str:
    marks = drawer.marks(formula, display=True)[0]
    return "".join(mark.char for _, _, mark in marks if isinstance(mark, Glyph))


def test_typical_formulas_are_drawn(drawer: Drawer):
    assert len(TYPICAL) == 44
    for formula in TYPICAL:
        drawn = drawer.draw(formula, display=True)
        assert drawn["width"] > 0.5
        assert 0 < drawn["baseline"] <= drawn["height"] + 0.1


@pytest.mark.parametrize("formula", BROKEN)
def test_malformed_formulas_are_refused(drawer: Drawer, formula: str):
    with pytest.raises(Exception):  # noqa: B017, PT011 (KaTeX raises errors of JavaScript)
        drawer.draw(formula, display=True)


def test_chinese_characters_are_text(drawer: Drawer):
    assert words(drawer, r"\text{总价} = \text{单价} \times 3") == "总价单价"
    assert words(drawer, "中文直接 + x^2") == "中文直接"
    (one,) = shapes(drawer, r"x + \textbf{粗}", "text")
    assert one.get("font-weight") == "bold"
    assert drawer.marks(r"\text{总价}", display=True)[1] == 2 * EM


def test_letters_of_other_scripts_stay_together(drawer: Drawer):
    """Arabic letters join, and a renderer of text puts them from right to left."""
    assert [each.text for each in shapes(drawer, r"\text{عدد x}", "text")] == ["عدد"]


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"x = 3 \tag{1}", "x=3(1)"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned} \tag{3}", "a=bc=d(3)"),
        (r"x \tag*{$a$}", "xa"),
        (r"\begin{align} a &= b \tag{2} \\ c &= d \end{align}", "a=b(2)c=d"),
        (r"x \label{eq:1}", "x"),
        (r"\begin{alignat}{2} a &= b \end{alignat}", "a=b"),
        (r"\begin{aligned}[t] a \end{aligned}", "a"),
        (r"\begin{eqnarray} a &=& b \\ c &=& d \end{eqnarray}", "a=bc=d"),
        (r"\begin{equation} a = b \end{equation}", "a=b"),
        (r"\begin{multline} a \\ b \end{multline}", "ab"),
        (r"\begin{tabular}{c} a \end{tabular}", "a"),
        (r"\DeclareMathOperator{\foo}{foo} \DeclareMathOperator*{\bar}{baz} \foo x \bar", "fooxbaz"),
        (r"\mathds{1} \Q", "1Q"),
        (r"\newcommand{\R}{R} \newcommand{\two}[2]{#1+#2} \R = \two{a}{b}", "R=a+b"),
        (r"\mbox{a $b$} \strut", "ab"),
        (r"a % note", "a"),
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_commands_that_katex_lacks(drawer: Drawer, formula: str, text: str, display: bool):
    drawer.draw(formula, display=display)
    # Columns are drawn one after the other.
    assert sorted(characters(drawer, formula)) == sorted(text)


def test_a_tag_is_at_the_end(drawer: Drawer):
    assert characters(drawer, r"\tag{1} x = 3") == "x=3(1)"
    assert characters(drawer, r"\tag*{$a$} \frac{x}{y} % note") == "yxa"
    plain, tagged = (drawer.draw(text, display=True)["width"] for text in ("x = 3", r"\tag{1} x = 3"))
    assert tagged > plain + 2


@pytest.mark.parametrize("formula", [r"x = 3 \tag{1}", r"\begin{gather} x = 3 \tag{1} \end{gather}"])
def test_a_numbered_formula_can_be_spread_and_split(drawer: Drawer, formula: str):
    plain, drawn = drawer.draw("x = 3", display=True), Drawn(**drawer.draw(formula, display=True))
    assert drawn.body == pytest.approx(plain["width"], abs=0.01)
    assert drawn.width > drawn.body + drawn.tag + 2
    assert drawn.spread(drawn.width - 1) is drawn
    spread = drawn.spread(40)
    assert (spread.width, spread.height, spread.baseline) == (40, drawn.height, drawn.baseline)
    body, tag = drawn.split()
    assert tag is not None
    assert (body.width, tag.width, tag.height) == (drawn.body, drawn.tag, drawn.height)
    assert [each.svg.count("<path") for each in (body, tag)] == [3, 3]


def test_each_row_has_its_number_at_the_right(drawer: Drawer):
    rows = r"\begin{align} a &= b %s \\ c + d &= e %s \end{align}"
    drawn = drawer.draw(rows % (r"\tag{1}", r"\tag{2}"), display=True)
    plain = drawer.draw(rows % ("", ""), display=True)
    assert (drawn["body"], drawn["height"]) == pytest.approx((plain["width"], plain["height"]), abs=0.01)
    numbers = list(ET.fromstring(drawn["svg"]))[-1]
    lefts = [float(path.get("transform", "").split()[4]) for path in numbers]
    assert lefts[:3] == pytest.approx(lefts[3:])


def test_equations_are_not_numbered(drawer: Drawer):
    body = r"a &= b + c \\ &= d"
    numbered, plain = (
        drawer.draw(rf"\begin{{{name}}} {body} \end{{{name}}}", display=True)["width"] for name in ("align", "aligned")
    )
    assert numbered == plain


@pytest.mark.parametrize(
    "formula",
    [
        r"\begin{nothing} x \end{nothing}",
        r"\begin{align} x",
        r"a & b",
        r"\begin{array}{c@{}c} a & b \end{array}",
        r"\begin{CD} A @>a>> B \end{CD}",
        r"\includegraphics{/etc/passwd}",
        r"\input{x}",
        r"\text{a $b}",
        r"\;",
        "{",
        "}{",
        r"x \end{cases}",
        r"\begin{cases}\end{align}",
        r"\def\a{\a\a}\a",
    ],
)
def test_unsupported_formulas_are_refused(drawer: Drawer, formula: str):
    with pytest.raises(Exception):  # noqa: B017, PT011
        drawer.draw(formula, display=True)


def test_definitions_of_a_formula_end_with_it(drawer: Drawer):
    drawer.draw(r"\gdef\own{x} \own", display=True)
    with pytest.raises(Exception):  # noqa: B017, PT011
        drawer.draw(r"\own", display=True)


@pytest.mark.parametrize(
    "formula",
    [
        r"\color{url(https://x.org/y)}{x}",
        r'\color{red" onload="alert(1)}{x}',
        r"\text{<script>alert(1)</script>}",
        r"\text{语<script>\"&}",
        r"\href{javascript:alert(1)}{x}",
        r"\boxed{\textcolor{expression(alert(1))}{x}}",
        r"\htmlStyle{background:url(x)}{x}",
        r"\cancel{x} \colorbox{red}{x}",
    ],
)
def test_svg_contains_only_shapes(drawer: Drawer, formula: str):
    try:
        svg = drawer.draw(formula, display=True)["svg"]
    except Exception:
        return
    for element in ET.fromstring(svg).iter():
        assert element.tag.rpartition("}")[2] in {"svg", "path", "text"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            assert re.fullmatch(r"[\w#.\s,-]*", value) or name == "transform"
            assert re.fullmatch(r"(?:matrix|translate)\([\d.\s-]+\)", value) or name != "transform"


@pytest.mark.parametrize(
    ("formula", "contours"),
    [
        (r"\sqrt{x}", 1),
        (r"\sqrt{\frac{a}{b}}", 1),
        (r"\xrightarrow{abc}", 1),
        (r"\left|\frac{a}{\frac{b}{c}}\right.", 1),
        (r"\begin{Vmatrix} a \\ b \\ c \end{Vmatrix}", 4),
        (r"\xRightarrow{a}", 1),
        (r"\xlongequal{a}", 2),
        (r"\xrightleftharpoons{}", 4),
        (r"\overbrace{abc}", 3),
        (r"\xmapsto{}", 2),
    ],
)
def test_lines_are_drawn_once(drawer: Drawer, formula: str, contours: int):
    """Two equal shapes above each other have harder edges and look bold."""
    paths = [mark.path for _, _, mark in drawer.marks(formula, display=True)[0] if isinstance(mark, Shape)]
    assert sum(path.count("M") for path in paths if "H" not in path) == contours


@pytest.mark.parametrize(
    ("level", "count"), [(r"\frac{?}{2}", 58), (r"\left(?\right)", 58), (r"\begin{cases}\frac{?}{1}\end{cases}", 28)]
)
def test_deep_formulas_are_drawn(drawer: Drawer, level: str, count: int):
    formula = "x"
    for _ in range(count):
        formula = level.replace("?", formula)
    assert drawer.draw(formula, display=True)["width"] > 0.5


def test_classes_and_properties_that_the_layout_does_not_know_are_refused():
    """A later release of KaTeX may draw something in another way."""
    layout = Layout(Fonts())
    for place, unknown in (("classes", "later"), ("style", "transform")):
        tree = Katex().boxes("x+1", display=True)
        layout.marks(tree, display=True)
        base = tree["children"][0]["children"][0]["children"][0]
        base["classes"] += [unknown] if place == "classes" else []
        base["style"] |= {unknown: "scaleX(-1)"} if place == "style" else {}
        with pytest.raises(UnsupportedFormula, match=unknown):
            layout.marks(tree, display=True)


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        (r"1,000,000 + f(1,2)", "1{,}000{,}000 + f(1,2)"),
        (r"\pu{1,000 m}", r"\pu{1,000 m}"),
        (r"\begin{align*} a \end{align*}", r"\begin{aligned} a \end{aligned}"),
        (r"\begin{eqnarray} a \end{eqnarray}", r"\begin{darray}{rcl} a \end{darray}"),
        (r"\begin{array}[t]{c} a \end{array}", r"\begin{array}{c} a \end{array}"),
    ],
)
def test_normalisation(written: str, drawn: str):
    assert normalise(written) == drawn
