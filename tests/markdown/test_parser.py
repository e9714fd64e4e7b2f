"""Parsing of Markdown to blocks; links to allowed schemes only."""

import pytest

from app.markdown.blocks import Code, Prose, Rule, Span, Style, Table, plain_text
from app.markdown.parser import parse


def only(text: str):
    (block,) = parse(text)
    return block


def styles(text: str) -> list[tuple[str, Style]]:
    return [(span.text, span.style) for span in only(text).spans]


def links(text: str) -> list[tuple[str, str]]:
    return [(span.text, span.href) for block in parse(text) for span in block.spans if span.href]


def test_inline_styles():
    assert styles("a **b** *c* `d` ~~e~~ ***f***") == [
        ("a ", Style.PLAIN),
        ("b", Style.STRONG),
        (" ", Style.PLAIN),
        ("c", Style.EMPHASIS),
        (" ", Style.PLAIN),
        ("d", Style.CODE),
        (" ", Style.PLAIN),
        ("e", Style.STRUCK),
        (" ", Style.PLAIN),
        ("f", Style.STRONG | Style.EMPHASIS),
    ]


def test_emphasis_within_chinese_text():
    assert styles("这是**重点**内容") == [("这是", Style.PLAIN), ("重点", Style.STRONG), ("内容", Style.PLAIN)]


def test_line_break_is_kept():
    assert only("one\ntwo").spans == (Span("one\ntwo"),)


def test_headings_and_rules():
    heading, rule, text = parse("## Title\n\n---\nafter")
    assert (heading.level, heading.spans) == (2, (Span("Title"),))
    assert rule == Rule()
    assert text.level == 0


def test_dashes_below_a_paragraph_are_a_rule():
    assert [type(block) for block in parse("text\n---\nmore")] == [Prose, Rule, Prose]


def test_lists_are_flat_with_markers_and_depth():
    blocks = parse("3. a\n1. b\n   - c\n\n     d\n   - e\n\n- [x] done\n- [ ] open")
    assert [(block.marker, block.depth, block.spans[0].text) for block in blocks] == [
        ("3.", 1, "a"),
        ("4.", 1, "b"),
        ("•", 2, "c"),
        ("", 2, "d"),
        ("•", 2, "e"),
        ("☑", 1, "done"),
        ("☐", 1, "open"),
    ]


def test_bullets_depend_on_depth():
    assert [block.marker for block in parse("- a\n  - b\n    - c\n      - d")] == ["•", "◦", "▪", "▪"]


def test_code_in_a_list_is_a_separate_block():
    item, code, after = parse("1. do\n   ```sh\n   ls\n   ```\n2. done")
    assert (item.marker, item.depth) == ("1.", 1)
    assert code == Code("ls", "sh", depth=1)
    assert after.marker == "2."


def test_empty_list_item_is_kept():
    assert [block.marker for block in parse("- a\n-\n- b")] == ["•", "•", "•"]


def test_quotes_count_the_lists_around_them():
    quote, inner = parse("> a\n\n- b\n  > c")[0], parse("- b\n  > c")[1]
    assert quote.quotes == (0,)
    assert inner.quotes == (1,)


def test_code_is_unchanged():
    assert only("```Python title=x\n  a\n\n\tb\n```") == Code("  a\n\n\tb", "python")
    assert only("    indented") == Code("indented")
    assert only("```\nnever closed") == Code("never closed")


def test_tables():
    table = only("| a | **b** |\n|:--|--:|\n| 1 | `2` |\n| 3 |")
    assert isinstance(table, Table)
    assert table.align == ("left", "right")
    assert table.head == ((Span("a"),), (Span("b", Style.STRONG),))
    assert table.rows == (((Span("1"),), (Span("2", Style.CODE),)), ((Span("3"),), ()))


def test_html_is_text():
    for text in (
        "<script>alert(1)</script>",
        "a <img src=x onerror=y> b",
        "<div>\n\n**x**\n\n</div>",
        "<!-- hidden -->",
    ):
        shown = plain_text(parse(text))
        for piece in text.replace("**", "").split():
            assert piece in shown


def test_links_are_limited_to_allowed_schemes():
    assert links("[a](https://x.org) [b](http://y.org) [c](mailto:z@x.org)") == [
        ("a", "https://x.org"),
        ("b", "http://y.org"),
        ("c", "mailto:z@x.org"),
    ]
    for address in (
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "vbscript:x",
        "smb://host/share",
        "/etc/passwd",
        "//host/x",
        "relative.html",
        "#anchor",
        "&#106;avascript:alert(1)",
        "java\tscript:alert(1)",
        "https:relative",
    ):
        assert links(f"[text](<{address}>)") == []
        assert links(f"![text](<{address}>)") == []
        assert links(f"<{address}>") == []


def test_image_is_a_link_with_its_description():
    assert links("![a chart](https://x.org/y.png)") == [("a chart", "https://x.org/y.png")]
    assert links("![](https://x.org/y.png)") == [("https://x.org/y.png", "https://x.org/y.png")]
    assert links("[![alt](https://x.org/y.png)](https://z.org)") == [("alt", "https://z.org")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://x.org/a.", "https://x.org/a"),
        ("(https://x.org/a_(b))", "https://x.org/a_(b)"),
        ("请看https://x.org/a。谢谢", "https://x.org/a"),
        ("https://x.org/?a=1&b=2", "https://x.org/?a=1&b=2"),
        ("**https://x.org**", "https://x.org"),
    ],
)
def test_bare_urls_are_links(text: str, address: str):
    assert links(text) == [(address, address)]


def test_urls_in_code_are_not_links():
    assert links("`https://x.org`") == []


def test_thought_blocks_are_marked():
    thought, answer = parse("<think>\nhm **so**\n</think>\n\nYes.")
    assert thought.thought
    assert not answer.thought
    assert all(block.thought for block in parse("<think>still going"))
    assert not parse("no <think>x</think>")[0].thought


def test_plain_text_of_blocks():
    text = plain_text(parse("# T\n\na **b**\n\n1. x\n   - y\n2. z\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nc\n```"))
    assert text == "T\n\na b\n\n1. x\n  • y\n2. z\n\na\tb\n1\t2\n\nc"


@pytest.mark.parametrize("text", ["`", "[", "![", "|", "text"])
def test_incomplete_syntax_is_text(text: str):
    assert plain_text(parse(text)) == text


@pytest.mark.parametrize("text", ["", "\n\n", "   ", "<think>", "<think></think>", ">", "```"])
def test_syntax_without_text_is_empty(text: str):
    assert plain_text(parse(text)) == ""


def test_a_null_character_is_replaced():
    assert plain_text(parse("\0")) == "\ufffd"


def test_deep_nesting_loses_no_text():
    assert plain_text(parse("> " * 2_000 + "x")).endswith("> x")
    assert plain_text(parse("".join("  " * n + "- x\n" for n in range(200)))).count("x") == 200
    for text in ("[" * 2_000 + "x" + "](y)" * 2_000, "*" * 4_000 + "x"):
        assert plain_text(parse(text)) == text


@pytest.mark.parametrize("text", ["> " * 1_000 + "the end", "- " * 1_000 + "the end", "> - " * 500 + "the end"])
def test_text_beyond_the_nesting_limit_is_kept(text: str):
    assert "the end" in plain_text(parse(text))


def test_display_formula_in_a_link_splits_the_paragraph():
    text = plain_text(parse("a [b $$x$$ c](https://x.org) **d \\[y\\] e** f"))
    assert text == "a b\n\n$$x$$\n\nc d\n\n\\[y\\]\n\ne f"


def test_nested_bold_ends_with_the_outer_one():
    assert styles("**a **b** c**") == [("a b c", Style.STRONG)]
