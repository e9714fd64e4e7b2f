"""Parsing of Markdown to blocks; links to allowed schemes only."""

import pytest

from app.markdown.blocks import Code, Prose, Rule, Span, Style, Table, block_text, plain_text, with_picture_word
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


def test_a_paragraph_with_thousands_of_delimiters_is_text():
    assert styles("*a* " * 400 + "end")[0] == ("a", Style.EMPHASIS)
    assert styles("*a* " * 600 + "end") == [("*a* " * 600 + "end", Style.PLAIN)]


def test_line_break_is_kept():
    assert only("one\ntwo").spans == (Span("one\ntwo"),)


def test_headings_and_rules():
    heading, rule, text = parse("## Title\n\n---\nafter")
    assert (heading.level, heading.spans) == (2, (Span("Title"),))
    assert rule == Rule()
    assert text.level == 0


def test_three_dashes_below_a_paragraph_are_a_rule():
    assert [type(block) for block in parse("text\n---\nmore")] == [Prose, Rule, Prose]


def test_underlined_headings():
    text = "A *title*\n=========\nB\n-----\ntext\n\n> C\n> ==\n\n- D\n  ====\n- e\n====\n\n$$\nx\n=\ny\n$$"
    assert [(block.level, plain_text([block])) for block in parse(text)] == [
        (1, "A title"),
        (2, "B"),
        (0, "text"),
        (1, "> C"),
        (1, "• D"),
        (0, "• e\n  ===="),
        (0, "$$\nx\n=\ny\n$$"),
    ]


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
    assert [(block.marker, block.spans[0].text) for block in parse("1. [ ] a\n2. [x] b\n3. [x]c")] == [
        ("1.", "☐ a"),
        ("2.", "☑ b"),
        ("3.", "[x]c"),
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


def test_the_first_words_of_a_callout_are_its_title():
    assert styles("> [!NOTE]\n> Some *text*.") == [
        ("Note", Style.STRONG),
        ("\nSome ", Style.PLAIN),
        ("text", Style.EMPHASIS),
        (".", Style.PLAIN),
    ]
    assert styles("> [!warning]- Folded") == [("Warning", Style.STRONG), (" Folded", Style.PLAIN)]
    assert styles("> [!TIP]") == [("Tip", Style.STRONG)]
    assert styles("[!NOTE] outside") == [("[!NOTE] outside", Style.PLAIN)]


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
        "<iframe>\n\n**x**\n\n</iframe>",
        "<!-- hidden -->",
    ):
        shown = plain_text(parse(text))
        for piece in text.replace("**", "").split():
            assert piece in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H<sub>2</sub>O", [("H", Style.PLAIN), ("2", Style.SUBSCRIPT), ("O", Style.PLAIN)]),
        ("x<SUP>**2**</SUP>", [("x", Style.PLAIN), ("2", Style.SUPERSCRIPT | Style.STRONG)]),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd>", [("Ctrl", Style.CODE), ("+", Style.PLAIN), ("C", Style.CODE)]),
        ("a<br>b<br/>c<br />\nd", [("a\nb\nc\nd", Style.PLAIN)]),
        ("<b>a</b> <i>b</i> <del>c</del>", [("a", Style.STRONG), (" ", Style.PLAIN), ("b", Style.EMPHASIS),
            (" ", Style.PLAIN), ("c", Style.STRUCK)]),
        ("<mark>a</mark><u>b</u>", [("a", Style.MARKED), ("b", Style.UNDERLINED)]),
        ('<span style="color:red">a</span> <font color=red>b</font>', [("a b", Style.PLAIN)]),
        ("<sub>a<sup>b</sub>c", [("a<sup>b", Style.SUBSCRIPT), ("c", Style.PLAIN)]),
        ("the <b> tag and 1 < 2 <br", [("the <b> tag and 1 < 2 <br", Style.PLAIN)]),
        ("</sub> `<sub>`", [("</sub> ", Style.PLAIN), ("<sub>", Style.CODE)]),
        ("\\<br> &lt;br&gt;", [("<br> <br>", Style.PLAIN)]),
    ],
)  # fmt: skip
def test_tags_for_text_become_styles(text: str, expected: list[tuple[str, Style]]):
    assert styles(text) == expected


def test_details_are_their_summary_and_text():
    text = "<details>\n<summary>More <b>here</b></summary>\n\nHidden **text**.\n\n- a\n\n</details>\n\nafter"
    assert plain_text(parse(text)) == "More here\n\nHidden text.\n\n• a\n\nafter"
    assert parse(text)[0].spans == (Span("More here", Style.STRONG),)
    one_line = "<details open><summary>S</summary>T</details>\n<div align='center'>\n\nC\n\n</div>"
    assert plain_text(parse(one_line)) == "S\n\nT\n\nC"
    for shown in ("Use <details> to fold.", "<details> is a tag", "- <details>\n- <div>"):
        assert plain_text(parse(shown)).replace("• ", "- ") == shown


def test_tags_in_cells():
    table = only("| a | b |\n|---|---|\n| one<br>two | <ul><li>x</li><li>y</li></ul> |")
    assert table.rows == (((Span("one\ntwo"),), (Span("• x\n• y"),)),)
    assert plain_text([table]) == "a\tb\none two\t• x • y"


def test_links_in_tags_are_limited_too():
    assert links('<a href="https://x.org">x</a> <a href=javascript:alert(1)>y</a>') == [("x", "https://x.org")]
    assert links('<img src="https://x.org/y.png" onerror="alert(1)">') == [
        ("https://x.org/y.png", "https://x.org/y.png")
    ]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://zh.wikipedia.org/wiki/注意力机制", ["https://zh.wikipedia.org/wiki/注意力机制"]),
        ("见https://zh.wikipedia.org/wiki/注意力机制。下一句", ["https://zh.wikipedia.org/wiki/注意力机制"]),
        ("（https://baike.baidu.com/item/机器学习/217599）", ["https://baike.baidu.com/item/机器学习/217599"]),
        ("https://zh.wikipedia.org/wiki/北京_(消歧义) 等", ["https://zh.wikipedia.org/wiki/北京_(消歧义)"]),
        ("(https://zh.wikipedia.org/wiki/北京)", ["https://zh.wikipedia.org/wiki/北京"]),
        ("https://ja.wikipedia.org/wiki/々と、", ["https://ja.wikipedia.org/wiki/々と"]),
        ("https://ko.wikipedia.org/wiki/위키백과 다음", ["https://ko.wikipedia.org/wiki/위키백과"]),
        ("https://ru.wikipedia.org/wiki/Москва, потом", ["https://ru.wikipedia.org/wiki/Москва"]),
        ("https://example.com/search?q=天气&lang=zh查询", ["https://example.com/search?q=天气&lang=zh"]),
        ("https://example.com/a#历史", ["https://example.com/a#历史"]),
        ("www.example.com/文档 和", ["http://www.example.com/文档"]),
        ("见https://example.com/a了解更多", ["https://example.com/a"]),
        ("见https://example.com了解更多", ["https://example.com"]),
        ("https://example.com/a/b.html下载", ["https://example.com/a/b.html"]),
        ("https://example.com/wiki/注意力/b了解", ["https://example.com/wiki/注意力/b"]),
        ("https://example.comです", ["https://example.com"]),
        ("https://example.com에서", ["https://example.com"]),
        ("“https://example.com/a”和‘https://example.com/b’", ["https://example.com/a", "https://example.com/b"]),
        ("https://example.com/a、https://example.com/b", ["https://example.com/a", "https://example.com/b"]),
        ("https://example.com/路径，后面", ["https://example.com/路径"]),
        ("https://中文", []),
    ],
)
def test_addresses_beside_and_with_letters_of_chinese_and_other_scripts(text: str, links: list[str]):
    (prose,) = parse(text)
    assert isinstance(prose, Prose)
    assert [span.href for span in prose.spans if span.href] == links
    assert "".join(span.text for span in prose.spans) == text


def test_footnotes():
    text = "One.[^1] Two[^note] [^none] `[^1]`\n\n[^1]: First *text*\n[^note]: Second\n    goes on\n"
    one, rule, first, second = parse(text)
    assert rule == Rule()
    assert [(span.text, span.style) for span in one.spans] == [
        ("One.", Style.PLAIN),
        ("[1]", Style.SUPERSCRIPT | Style.FOOTNOTE),
        (" Two", Style.PLAIN),
        ("[2]", Style.SUPERSCRIPT | Style.FOOTNOTE),
        (" [^none] ", Style.PLAIN),
        ("[^1]", Style.CODE),
    ]
    assert plain_text([first, second]) == "[1] First text\n\n[2] Second\ngoes on"
    assert links("[^1]: https://x.org") == [("https://x.org", "https://x.org")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "A[^b] and[^a], again[^b].\n\n[^a]: Note a\n[^b]: Note b\n\nThe end.",
            ["A[1] and[2], again[1].", "The end.", "", "[1] Note b", "[2] Note a"],
        ),
        ("A[^x][^y].\n\n[^y]: Y\n[^x]: X[^z]\n[^z]: Z", ["A[1][2].", "", "[1] X[3]", "[2] Y", "[3] Z"]),
        ("| a |\n|---|\n| b[^n] |\n\n[^n]: N", ["a\nb[1]", "", "[1] N"]),
        ("A[^q].\n\n> [^q]: Q", ["A[1].", "[1] Q"]),
        ("A[^q].\n\n---\n\n[^q]: Q", ["A[1].", "", "[1] Q"]),
        ("A[^q].\n\n## Notes\n\n[^q]: Q", ["A[1].", "Notes", "[1] Q"]),
        ("A[^q].\n\nNotes:\n\n[^q]: Q", ["A[1].", "Notes:", "[1] Q"]),
        ("A[^7] and B[^3].", ["A[7] and B[3]."]),
        ("[^q]: Unused", ["[1] Unused"]),
        ("<think>A[^t].\n\n[^t]: T</think>B[^u].\n\n[^u]: U", ["A[1].", "", "[1] T", "B[1].", "", "[1] U"]),
    ],
)
def test_footnotes_have_running_numbers_and_their_notes_are_at_the_end(text: str, shown: list[str]):
    assert [block_text(block) for block in parse(text)] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A ![](data:image/png;base64,iVBORw0KGgo=) b", "A Picture b"),
        ("A ![A dot](data:image/png;base64,iVBORw0KGgo=) b", "A A dot b"),
        ('![](data:image/svg+xml;utf8,%3Csvg%3E "title")', "Picture"),
        ("![](<data:image/gif;base64,R0lGOD==>)", "Picture"),
        ("Cut: ![](data:image/png;base64,iVBOR", "Cut: Picture"),
        ("| a |\n|---|\n| ![](data:image/png;base64,iV) |", "a\nPicture"),
        ("`![](data:image/png;base64,iV)`", "![](data:image/png;base64,iV)"),
        ("![](https://a.b/c.png)", "https://a.b/c.png"),
    ],
)
def test_embedded_pictures_are_their_description_or_a_word(text: str, shown: str):
    blocks = parse(text)
    assert plain_text(blocks) == shown
    assert plain_text(with_picture_word(blocks, "图片")) == shown.replace("Picture", "图片")


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
        ("(www.x.org/a_(b)).", "www.x.org/a_(b)"),
        ("见www.x.org。", "www.x.org"),
        ("mail me@x.example.org.", "me@x.example.org"),
        ("<me.too+tag@x.org>", "me.too+tag@x.org"),
    ],
)
def test_bare_addresses_are_links(text: str, address: str):
    scheme = "" if "://" in address else "mailto:" if "@" in address else "http://"
    assert links(text) == [(address, scheme + address)]


@pytest.mark.parametrize(
    "text", ["wwww.x.org", "www.", "www. x", "a@b", "@name", "x@y@z.org", "git@x", "a.www.x.org", "@me.org"]
)
def test_what_is_no_address(text: str):
    assert links(text) == []


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
    assert text == "T\n\na b\n\n1. x\n  • y\n2. z\n\na\tb\n1\t2\n\n```py\nc\n```"


def test_plain_text_keeps_nested_code_and_quotes_together():
    text = (
        "1. do\n   ```sh\n   a\n\n   b\n   ```\n   - then\n\n     ```\n     c\n     d\n     ```\n\n"
        "> said\n>\n> - x\n>   y\n>\n> ````\n> ```\n> ````\n"
    )
    assert plain_text(parse(text)) == (
        "1. do\n  ```sh\n  a\n\n  b\n  ```\n  • then\n    ```\n    c\n    d\n    ```\n\n"
        "> said\n>\n> • x\n>   y\n>\n> ````\n> ```\n> ````"
    )


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
