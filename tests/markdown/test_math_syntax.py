"""Formulas in Markdown: where they begin and end, and which dollars are prices."""

import pytest

from app.markdown.blocks import Code, Formula, Prose, Style, Table, plain_text
from app.markdown.math_syntax import MAX_LENGTH
from app.markdown.parser import parse
from app.markdown.streaming import StreamingMarkdown

NESTED = "\\begin{cases}\n\\begin{matrix} 1 \\end{matrix}\n\\end{cases}"


def inline(text: str) -> list[str]:
    return [span.formula for block in parse(text) if isinstance(block, Prose) for span in block.spans if span.formula]


def displayed(text: str) -> list[str]:
    return [block.formula for block in parse(text) if isinstance(block, Formula)]


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("a $x^2$ b", ["x^2"]),
        (r"a \(x+y\) b", ["x+y"]),
        ("$x$和$y$，以及（$z$）。", ["x", "y", "z"]),
        ("**$x$** and *$y$* and ~~$z$~~", ["x", "y", "z"]),
        ("$a_1 * b * c_2$", ["a_1 * b * c_2"]),
        ("$a\nb$", ["a\nb"]),
        (r"$\text{if $x>0$}$", [r"\text{if $x>0$}"]),
        (r"$\$20 \times 5$", [r"\$20 \times 5"]),
        (r"$\{1,2\}$", [r"\{1,2\}"]),
        ("2$\\times$3 and 10$^{-3}$", ["\\times", "^{-3}"]),
        ("[$x$](https://x.org)", ["x"]),
        ("# Head $x$", ["x"]),
        ("- item $x$\n> quote $y$", ["x", "y"]),
        ("$x$ costs $5", ["x"]),
        ("$+$ and $-$", ["+", "-"]),
        ("The answer is \\boxed{\\frac{3}{4}}.", ["\\boxed{\\frac{3}{4}}"]),
        ("**\\boxed{42}** `\\boxed{1}` \\boxed{", ["\\boxed{42}"]),
        ("\\(\n- a\n\\)", ["- a"]),
    ],
)
def test_inline_formulas(text: str, formulas: list[str]):
    assert inline(text) == formulas
    assert displayed(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $10",
        "$5",
        "5$",
        "US$ 3",
        "US$3 or A$4",
        "价格从$5涨到$10。",
        "每个$5，现价3$。",
        "$20 off, save $5",
        "($5)*($6)",
        "$5-$10",
        "$n apples at $p each",
        "pay $5, then get 3$ back",
        "$1,000 (about 900$)",
        r"\$x\$",
        r"costs \$5 and $6",
        "`$x$` and ``\\(y\\)``",
        "$$",
        "$ x $",
        "$x",
        "$x $",
        "\\(\\)",
        "\\[ + \\]",
        "\\\\(x\\\\)",
        "a\\(b",
        "[a\\]",
        "$$ = moderate, $$$ = expensive",
        "$ = cheap, $$ = moderate, $$$ = expensive, $$$$ = luxury",
        "- $: cheap\n- $$: moderate\n- $$$: expensive\n- $$$$: luxury",
        "Rated $$$ (moderate) and $$$ (dear).",
        "$$ – $$$ per person, $$ and $$",
        "$$: a meal for two, $$: a snack",
        "Price: $$$x$$$",
        "| $$ | moderate | $$ |\n|---|---|---|\n| $$$ | dear | $$ |",
        "价格：$$ 为中等，$$$ 为昂贵",
    ],
)
def test_text_without_formulas(text: str):
    assert inline(text) == []
    assert displayed(text) == []


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("$$x$$", ["x"]),
        ("$$\nx\n$$", ["x"]),
        ("\\[x\\]", ["x"]),
        ("$$\na\n- b\n\n= c\n---\n# d\n$$", ["a\n- b\n\n= c\n---\n# d"]),
        ("Thus \\[\nx\n- y\n\n\\] so", ["x\n- y"]),
        ("so $$x$$ and $$y$$.", ["x", "y\\text{.}"]),
        ("\\[x\\]，所以", ["x\\text{，}"]),
        ("$$ speed = distance / time $$", ["speed = distance / time"]),
        ("$$\n= 25 dollars\n$$", ["= 25 dollars"]),
        ("\\begin{align}\na &= b\\\\\n- c\n\\end{align}", ["\\begin{align}\na &= b\\\\\n- c\n\\end{align}"]),
        ("- a\n  $$\n  x\n  $$\n- b", ["x"]),
        ("1. a\n\n   \\[\n   x\n   \\]\n2. b", ["x"]),
        ("> $$\n> x\n> $$", ["x"]),
        (NESTED, [NESTED]),
    ],
)
def test_display_formulas(text: str, formulas: list[str]):
    assert displayed(text) == formulas


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("```\n$$\nx\n$$\n```", [Code]),
        ("\\[ never closed\n\n- list", [Prose, Prose]),
        ("$$ never closed\n\n```\n$$\n```", [Prose, Code]),
        ("\\[ one\n\n\\[ two \\]", [Prose, Formula]),
        ("before\n$$\nx\n$$\nafter", [Prose, Formula, Prose]),
        ("\\begin{unknown}\n- x\n\\end{unknown}", [Prose, Prose]),
        ("\\begin{align}\n\n# head\n\n\\end{align}", [Prose, Prose, Prose]),
    ],
)
def test_blocks_around_display_formulas(text: str, kinds: list[type]):
    assert [type(block) for block in parse(text)] == kinds


def test_first_block_of_an_item_gets_the_marker():
    blocks = parse("- $$x$$\n  after\n- text $$y$$")
    assert [(type(block), block.marker, block.depth) for block in blocks] == [
        (Formula, "•", 1),
        (Prose, "", 1),
        (Prose, "•", 1),
        (Formula, "", 1),
    ]


def test_bars_of_formulas_in_tables():
    (table,) = parse("| a | b |\n|---|---|\n| $|x|$ | $P(A|B)$ |\n| $5 | $6 |\n| \\(a|b\\) | `$` |")
    assert isinstance(table, Table)
    assert [[[span.formula or span.text for span in cell] for cell in row] for row in table.rows] == [
        [["|x|"], ["P(A|B)"]],
        [["$5"], ["$6"]],
        [["a|b"], ["$"]],
    ]


def test_plain_text_contains_the_source():
    assert plain_text(parse("a $x$\n\n$$y$$\n\n\\[z\\].")) == "a $x$\n\n$$y$$\n\n\\[z\\]."


@pytest.mark.parametrize(
    "text",
    [
        "a $$x = ",
        "a \\[x\n- y\n\nz",
        "a \\(x_1 * y_2 *",
        "\\begin{align}\nx\n- y",
        "so $a_1 * b * ",
        "so \\boxed{a_1 * b * c",
    ],
)
def test_open_formula_is_quiet_source(text: str):
    stream = StreamingMarkdown()
    stream.feed(text)
    (block,) = stream.blocks(preview=True)
    assert isinstance(block, Prose)
    assert block.spans[-1].style == Style.QUIET
    assert "".join(span.text for span in block.spans).split() == text.split()
    assert stream.blocks() == parse(text)


def test_price_is_not_an_open_formula():
    stream = StreamingMarkdown()
    stream.feed("It costs $5 and")
    (block,) = stream.blocks(preview=True)
    assert block.spans[0].style == Style.PLAIN


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**中文。**后面", ["中文。"]),
        ("**“引号”**", ["“引号”"]),
        ("前面**“引号”**后面", ["“引号”"]),
        ("他说：**你好！**然后**（再见）**。", ["你好！", "（再见）"]),
        ("这是**「文」**的", ["「文」"]),
        ("结果是**$x$**。", ["$x$"]),
        ("使用**`code`**时", ["code"]),
        ("**한국어(괄호)**는", ["한국어(괄호)"]),
        ("これは**太字。**です", ["太字。"]),
        ("2**3**4", ["3"]),
        ("a ** b ** c", []),
        ("中 ** 文 ** 字", []),
        ("snake_case_name和__init__", []),
    ],
)
def test_bold_beside_chinese(text: str, bold: list[str]):
    assert [span.text for block in parse(text) for span in block.spans if Style.STRONG in span.style] == bold


def test_strikethrough_and_emphasis_beside_chinese():
    (block,) = parse("~~删除。~~后*强调。*后")
    assert [(span.text, span.style) for span in block.spans] == [
        ("删除。", Style.STRUCK),
        ("后", Style.PLAIN),
        ("强调。", Style.EMPHASIS),
        ("后", Style.PLAIN),
    ]


def test_tilde_range_is_not_strikethrough():
    assert [span.style for span in parse("3~5个，7~8个")[0].spans] == [Style.PLAIN]


def test_formula_that_is_too_long_is_text():
    assert parse("$$" + "x" * MAX_LENGTH + "$$")[0].spans[0].text.startswith("$$x")
