import base64
import hashlib
import re

import html5lib
import pytest

from app.conversation import Attachment, Role, Status
from app.export.export import FORMATS
from app.export.formats import ExportLabels, ExportOptions, ThoughtExport
from app.export.html import page
from app.formulas import FormulaRenderer
from tests.export.conftest import PROVENANCE
from tests.export.tree_builders import HOSTILE, Page, answered, talk

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "h4", "h5", "h6", "p"),
    *("time", "article", "div", "details", "summary", "dl", "dt", "dd", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("figure", "figcaption", "pre", "code", "span", "strong", "em", "s", "a", "table", "thead", "tbody", "tr", "th"),
    *("td", "sub", "sup", "u", "mark", "svg", "g", "path", "rect", "ellipse", "text"),
}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "dir",
        "datetime",
        "class",
        "open",
        "start",
        "value",
        "scope",
    ),
    *(
        "href",
        "rel",
        "role",
        "aria-label",
        "width",
        "height",
        "xmlns",
        "transform",
        "viewbox",
        "d",
        "x",
        "y",
    ),
    *("fill", "stroke", "stroke-width", "font-size", "font-weight"),
}


def written(content: str, **options: object) -> str:
    return page(answered(content), ExportOptions(metadata=False, **options))  # type: ignore[arg-type]


def body(content: str, **options: object) -> str:
    """Return the HTML of the answer without line breaks."""
    found = re.search(
        r'<article class="assistant">.*?<div class="said" dir="auto">\n(.*)\n</div>\n</article>',
        written(content, **options),
        re.DOTALL,
    )
    assert found is not None
    return found[1].replace("\n", "")


def assert_inert(text: str) -> None:
    found = Page(text)
    assert {tag for tag, _ in found.tags} <= ELEMENTS
    assert {name for _, attributes in found.tags for name in attributes} <= ATTRIBUTES
    for attributes in found.all("a"):
        assert re.match(r"(https?://|mailto:)", attributes["href"] or ""), attributes
    # As a browser reads it: no error, and nothing that the stricter look above did not see.
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    assert {each.tag.rpartition("}")[2] for each in tree.iter() if isinstance(each.tag, str)} <= ELEMENTS


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_content_is_text(content: str, formula_renderer: FormulaRenderer) -> None:
    tree = answered(
        content,
        question=content,
        title=content,
        system=content,
        attachments=(Attachment(content, content),),
        provenance=PROVENANCE,
    )
    for options in (ExportOptions(), ExportOptions(thoughts=ThoughtExport.KEEP, formula_renderer=formula_renderer)):
        assert_inert(page(tree, options))


def test_policy_allows_only_the_style_sheet(formula_renderer: FormulaRenderer) -> None:
    for content in ("plain", r"with $\frac{1}{2}$ and $x^2$"):
        text = written(content, formula_renderer=formula_renderer)
        (policy,) = [each["content"] for each in Page(text).all("meta") if each.get("http-equiv")]
        sheet = text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
        assert policy is not None
        assert policy.split("; ") == [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
        assert " style=" not in text
        assert not re.search(r"url\(|@import|expression\(", sheet)
        # The policy precedes everything to which it applies.
        assert text.index("Content-Security-Policy") < text.index("<style>")


def test_page_loads_no_resources(formula_renderer: FormulaRenderer) -> None:
    text = page(answered("\n\n".join(HOSTILE), provenance=PROVENANCE), ExportOptions(formula_renderer=formula_renderer))
    for tag, attributes in Page(text).tags:
        assert not {"src", "srcset", "data", "poster", "background", "action", "xlink:href"} & set(attributes), tag


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("*重要* *b*", '<p><em class="han">重要</em> <em>b</em></p>'),
        (
            "H<sub>2</sub>O x<sup>2</sup> <mark>m</mark> <u>u</u> <kbd>K</kbd>",
            "<p>H<sub>2</sub>O x<sup>2</sup> <mark>m</mark> <u>u</u> <code>K</code></p>",
        ),
        ("a[^1]\n\n[^1]: b", "<p>a<sup>[1]</sup></p><hr><p><sup>[1]</sup> b</p>"),
        ("1. [x] a", "<ol><li><p>☑ a</p></li></ol>"),
        ("# A\n\n###### B", "<h3>A</h3><h6>B</h6>"),
        ("a\nb", "<p>a<br>b</p>"),
        ("- a\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("1. a\n2. b", "<ol><li><p>a</p></li><li><p>b</p></li></ol>"),
        ("3. a\n4. b", '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'),
        ("1. a\n\n- b", "<ol><li><p>a</p></li></ol><ul><li><p>b</p></li></ul>"),
        (
            "- a\n  1. b\n  2. c\n- d",
            "<ul><li><p>a</p><ol><li><p>b</p></li><li><p>c</p></li></ol></li><li><p>d</p></li></ul>",
        ),
        ("- a\n\n  second\n- b", "<ul><li><p>a</p><p>second</p></li><li><p>b</p></li></ul>"),
        ("- [ ] a\n- [x] b", '<ul class="tasks"><li><p>☐ a</p></li><li><p>☑ b</p></li></ul>'),
        ("> a\n>\n> > b\n>\n> c", "<blockquote><p>a</p><blockquote><p>b</p></blockquote><p>c</p></blockquote>"),
        ("> - a\n> - b", "<blockquote><ul><li><p>a</p></li><li><p>b</p></li></ul></blockquote>"),
        ("- > a\n- b", "<ul><li><blockquote><p>a</p></blockquote></li><li><p>b</p></li></ul>"),
        ("- - a", "<ul><li><ul><li><p>a</p></li></ul></li></ul>"),
        ("a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"),
        ("```\na < b\n```", '<figure class="code"><pre><code>a &lt; b</code></pre></figure>'),
        (
            "```python\nif x: 1\n```",
            '<figure class="code"><figcaption>python</figcaption><pre><code><span class="k">if</span> x: '
            '<span class="n">1</span></code></pre></figure>',
        ),
        (
            "| a | b |\n|--:|---|\n| 1 | *2* |",
            '<div class="wide"><table><thead><tr><th scope="col" class="right">a</th>'
            '<th scope="col">b</th></tr></thead>'
            '<tbody><tr><td class="right">1</td><td><em>2</em></td></tr></tbody></table></div>',
        ),
        (
            "[a](https://example.org/?b=1&c=2)",
            '<p><a href="https://example.org/?b=1&amp;c=2" rel="noopener noreferrer nofollow">a</a></p>',
        ),
    ],
)
def test_markdown_as_elements(markdown: str, html: str) -> None:
    assert body(markdown) == html


def test_text_from_right_to_left_has_its_direction() -> None:
    html = body("مرحبا `x`\n\n- `x` بند\n- end\n\n> نص\n>\n> ```\n> a\n> ```\n\n| نص | b |\n|---|---|\n| 1 | 2 |")
    assert html.startswith('<p dir="rtl">مرحبا')
    assert (
        '<ul dir="rtl"><li><p dir="rtl"><code>x</code> بند</p></li><li dir="ltr"><p dir="ltr">end</p></li></ul>' in html
    )
    assert '<blockquote dir="rtl"><p dir="rtl">نص</p><figure class="code">' in html
    assert '<div class="wide" dir="rtl"><table>' in html
    # Code is left to right wherever it is.
    assert re.search(r"code, pre, figure\.code, svg \{ direction: ltr;", written("x"))
    assert not re.search(
        r"(?:padding|border|text-align)(?:-|: )left", written("x").replace("pre { margin: 0; text-align: left", "")
    )


def test_escape_sequences_and_data_of_pictures_are_left_out() -> None:
    assert body("a \x1b[31mred\x1b[0m ![](data:image/png;base64,iVBORw0KGgo=)") == "<p>a red Picture</p>"


def test_isolates_are_kept_in_prose() -> None:
    text = written("מחיר \u20675$\u2069 `a\u2066b\u2069`")
    assert "\u20675$\u2069" in text
    assert "a[U+2066]b[U+2069]" in text


def test_leading_line_break_in_code_is_kept() -> None:
    (code,) = html5lib.parse(written("```\n\n\na\n```"), namespaceHTMLElements=False).iter("pre")
    assert "".join(code.itertext()) == "\n\na"


def test_formulas_are_svg_in_the_text_colour(formula_renderer: FormulaRenderer) -> None:
    text = written("Inline $x^2$.\n\n$$\n\\sum_{i=1}^n i\n$$", formula_renderer=formula_renderer)
    inline, display = Page(text).all("svg")
    assert (inline["aria-label"], inline["role"]) == ("$x^2$", "img")
    assert display["class"] == "display"
    assert {each.get("fill") for each in Page(text).all("path")} == {"currentColor"}
    depth = inline["class"]
    assert f".{depth} {{ vertical-align: -" in text


def test_a_numbered_formula_and_its_number_are_separate_drawings(formula_renderer: FormulaRenderer) -> None:
    text = written("$$x^2 \\tag{1}$$", formula_renderer=formula_renderer)
    assert '<div class="formula numbered"><svg ' in text
    assert [each["aria-label"] for each in Page(text).all("svg")] == ["$$x^2 \\tag{1}$$", ""]
    assert ".numbered svg:last-child { justify-self: end; }" in text


def test_formulas_that_cannot_be_drawn_are_source(formula_renderer: FormulaRenderer) -> None:
    for drawer in (None, formula_renderer):
        assert body(r"$\unknowncommand{x}$", formula_renderer=drawer) == (
            r'<p><code class="source">$\unknowncommand{x}$</code></p>'
        )


def test_bidi_controls_are_named() -> None:
    text = written("a\u202eb `c\u2066d`\n\n```\ne\u202ef\n```")
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
    assert "a[U+202E]b" in text
    assert "c[U+2066]d" in text
    assert "e[U+202E]f" in text


def test_thoughts_are_folded_shown_or_left_out() -> None:
    content = "<think>\nsecret *idea*\n</think>\n\nanswer"
    folded, kept, dropped = (
        written(content, thoughts=each) for each in (ThoughtExport.FOLD, ThoughtExport.KEEP, ThoughtExport.DROP)
    )
    assert '<details class="thought">' in folded
    assert '<details class="thought" open>' in kept
    assert "<em>idea</em>" in folded
    assert "idea" not in dropped
    assert "answer" in dropped


def test_page_contains_language_and_generator() -> None:
    tree = answered("a", provenance=PROVENANCE, status=Status.STOPPED, attachments=(Attachment("n.txt", "inside <b>"),))
    text = page(tree, ExportOptions(labels=ExportLabels(language="zh-CN", assistant="助手")))
    assert Page(text).all("html") == [{"lang": "zh-CN"}]
    assert "助手" in Page(text).text
    assert "ab" * 32 in text
    assert "(stopped)" in text
    assert "inside &lt;b&gt;" in text
    assert "ab" * 32 not in page(tree, ExportOptions(metadata=False))


def test_page_is_readable_without_style() -> None:
    text = page(
        talk((Role.USER, "q1"), (Role.ASSISTANT, "a1"), (Role.USER, "q2"), (Role.ASSISTANT, "a2")), ExportOptions()
    )
    words = Page(text).text.split()
    assert [word for word in words if word in ("You", "Assistant", "q1", "q2", "a1", "a2")] == (
        ["You", "q1", "Assistant", "a1", "You", "q2", "Assistant", "a2"]
    )
    assert [tag for tag, _ in Page(text).tags if tag in ("h1", "h2")] == ["h1", "h2", "h2", "h2", "h2"]


def test_line_of_a_megabyte() -> None:
    assert "x" * 1_000_000 in written("x" * 1_000_000)


def test_html_format_writes_the_page() -> None:
    tree = answered("天")
    assert FORMATS["html"].write([tree], ExportOptions()).decode() == page(tree, ExportOptions())
