"""Incremental parsing: the blocks of a text in pieces equal those of the whole."""

import random
import re

import pytest
from markdown_it import MarkdownIt

from app.markdown.blocks import Code, Prose, Style
from app.markdown.parser import parse, parser
from app.markdown.streaming import StreamingMarkdown
from tests.markdown.corpus import FORMULAS, HOSTILE, SPECIFICATION, generated, scraps

CORPUS = [
    "One paragraph.\n\nAnother, **bold** and `code`.",
    "para\n# heading\ntext\n\n- a\n- b\n  - c\n\n  more\n3. x\n4. y\n\n```py\nx=1\n```\nend",
    "1. a\n1. b\n\n   ```sh\n   ls\n   ```\n1. c\n\n1) d\n2) e\n",
    "0. zero\n0. one\n\nbetween\n\n7. seven\n\n\n\n8. eight",
    "|a|b|\n|-|:-:|\n|1|2|\n|3|\n\n",
    "text\n| a | b |\n|---|---|\n| 1 | 2 |\nno row\n\nend",
    "|a|b|\n|-|-|\n|1|2|\n|3\n|\n||\n| x \\| y | z\nlazy | row\n|4|\n\nend",
    "|a|b|\n|-|-|\n|1|2|\n> q\n|x|\n",
    "|a|b|\n|-|\nnot a table",
    "<think>hm\n- a\n</think>\n\nok **b**",
    "  <think>a</thin",
    "<thin",
    "<thinking>no</thinking>",
    "```\nopen\n\n``\nfoo",
    "```a`b\nfoo\n",
    "```\na\n\t",
    "```py|\n|-|-|\nx\n\n```|a|\n|-|\n",
    "# a|b\n-|-\n1|2\n",
    "````\n```\ninner\n```\n````\nafter",
    "~~~ py\nx\n~~~~\nafter\n~~~",
    "  ```\n  a\n b\n  ```\nafter",
    "```\n\n```\n```py\nx",
    "> q\nlazy\n\n> - a\n> - b\n\n- [x] done\n- [ ] not\n-\n---\n",
    "> ```\n> code\n> ```\n> text\n",
    "   - a\n  - b\n - c\n- d\n",
    "- a\n\n\n- b\n\n      code\n\n  text\n\nend",
    "- a\n    - b\n        - c\n- - - d\n* * *\n+ e",
    "-\n  a\n-\n\n  b\n",
    "* a\n- b\n+ c\n1. d\n2) e",
    "    indented\n\n    still\nnot",
    "a\n    not code\n===\n---\n***\n",
    "#\n# \n#x\n####### seven\n## end ##\n",
    "line one  \nline two\\\nline three",
    "[x]: https://a.b 'title'\n\n[x] and [x][]\n\n[y]",
    "before\n\n[x]: https://a.b\n\n- [x]\n- b\n\n[x]",
    "10. ten\n11. eleven\n    - deep\n\n      deeper\n12. twelve\n\nend",
    "中文段落。\n\n1. 第一\n2. 第二\n\n| 甲 | 乙 |\n|---|---|\n| 一 | 二 |\n",
    "$$\na = b\n- c\n\nd\n$$\n\nafter",
    "a\r\nb\r\n\r\n- c\r- d\r\n```\r\nx\r\n```",
    "\0a\n\0\n",
    "\n\n\n   \n\ttab\n\n \n",
    "H<sub>2</sub>O <b>x\n\n</b> a<br>\nb <kbd>c",
    "<details>\n<summary>s</summary>\n\ntext\n\n</details>\n\nend",
    "|a|b|\n|-|-|\n|x<br>y|<b>z|\n\nend",
    "Title\n=====\ntext\n-----\n- a\n  ==\n- b\n=\n\n> q\n> --\n> r\n> ----\n",
    "1. [ ] a\n2. [x] b\n\nwww.x.org me@x.org\n",
    "1. a\n\n   ```py\n   x\n\n     y\n   \n   ```\n   after\n\n2. b\n   ```sh\n   ls\n  out\n",
    "- a\n  - b\n\n    ~~~\n    x\n\n\n    ~~~~\n    c\n- d",
    "- a\n  ```\n  x\n\ty\n  z\n \t\n  w",
    "- ```py\n  x\n  ```\n- b\n   ```\n  x\n   y\n  ```\n",
    "1. a\n    ```\n   x\n    y\n    ```\n",
    "- $$a\n\n  ```\n  x\n  $$\n  y\n",
    "- |a|\n  |-|\n  ```\n  |x|\n\n1. x\n1. y\n   ```\n   z",
    "- > a\n  > ```\n  > x\n\n  ```\n  x\n> y\n",
    "> a\n>\n> ```py\n> x\n>  y\n>\n>\tz\n>w\n> > v\n>     u\n> ```\n> b\n\nend",
    "> ```\n> x\n>\n\n> y\n```\nz",
    ">```\n>x\n> y\n >z\n>  ```\n> w\nlazy",
    "> > ```\n> > x\n>> y\n> z\n> > w",
    "> > ~~~\n> >\n> > x\n\n> > ~~~\n> > y\n> > ~~~\n",
    "> 1. a\n>\n>    ```sh\n>    x\n>      y\n>    ```\n> 2. b\n>    ```\n>   c\n",
    ">  ```\n>  x\n> y\n>    z\n>>\n",
]
LATE_REFERENCES = [
    "A[^note]\n\n[^note]: text",
    "One.[^1]\n\n[^1]: First\n[^2]: Second[^1]\n    more\n\nend",
    "[x]\n\n[x]: https://a.b\n'title\nb'\n\nend",
    "- [x]\n- b\n\ntext\n\n[x]: https://a.b",
]
LATE_THOUGHTS = [
    "First.\n\n- a\n</think>\n\nok **b**",
    "one line</think>and the answer",
    "</think>\nok",
    "The tag `</think>` closes.\n\nEnd </think> here.",
    "```\n</think>\n```\nend\n</think>\nagain",
    "<b> and <think> and </think>\nend",
]


def streamed(pieces: list[str]) -> StreamingMarkdown:
    stream = StreamingMarkdown()
    for piece in pieces:
        stream.feed(piece)
    return stream


@pytest.mark.parametrize("text", [*CORPUS, *FORMULAS, *LATE_THOUGHTS])
def test_each_prefix_equals_a_full_parse(text: str):
    for end in range(len(text) + 1):
        if text[:end].endswith("\r"):
            continue
        assert streamed(list(text[:end])).blocks() == parse(text[:end]), text[:end]


@pytest.mark.parametrize("text", [*CORPUS, *LATE_THOUGHTS])
def test_each_split_equals_a_full_parse(text: str):
    for cut in range(len(text) + 1):
        stream = streamed([text[:cut], text[cut:]])
        assert stream.blocks() == parse(text), (text[:cut], text[cut:])
        assert stream.is_exact or "]:" in text


@pytest.mark.parametrize("seed", range(40))
def test_random_texts_split_at_random(seed: int):
    chance = random.Random(seed)
    # A reference would be late for the text before it.
    known = [text for text in CORPUS if "]:" not in text]
    text = "".join(chance.choice(known) + chance.choice(["\n", "\n\n", "", "\n\n\n"]) for _ in range(6))
    pieces, at = [], 0
    while at < len(text):
        size = chance.randint(1, 12)
        pieces.append(text[at : at + size])
        at += size
    stream = streamed(pieces)
    assert stream.is_exact
    assert stream.blocks() == parse(text)


@pytest.mark.parametrize("text", [*CORPUS, *FORMULAS, *LATE_REFERENCES])
def test_settled_blocks_do_not_change(text: str):
    stream, before = StreamingMarkdown(), []
    for character in text:
        stream.feed(character)
        now = stream.blocks(preview=True)
        assert now[: len(before)] == before
        before = now[: stream.settled]


@pytest.mark.parametrize("text", LATE_REFERENCES)
def test_late_reference_is_not_exact(text: str):
    assert not streamed(list(text)).is_exact


def test_preview_hides_syntax_without_text():
    for text in (
        "- ",
        "1. [",
        "#",
        "##",
        "1.",
        "12",
        "```",
        "`",
        "> ",
        "---",
        "*",
        "- [",
        "- [x]",
        "|",
        "text\n-",
        "a\n\n==",
    ):
        blocks = streamed(list(text)).blocks(preview=True)
        assert all(block.spans and block.spans[0].text in {"text", "a"} for block in blocks), text


def test_preview_shows_open_tags_as_styles():
    for text, shown in (("a <su", [("a", Style.PLAIN)]), ("a <sub>2", [("a ", Style.PLAIN), ("2", Style.SUBSCRIPT)])):
        (block,) = streamed(list(text)).blocks(preview=True)
        assert [(span.text, span.style) for span in block.spans] == shown


def test_preview_hides_an_incomplete_closing_fence():
    assert streamed(list("```py\nx = 1\n``")).blocks(preview=True) == [Code("x = 1", "py")]


def test_long_lists_settle():
    stream = StreamingMarkdown()
    for number in range(300):
        stream.feed(f"{number}. An item.\n")
    assert stream.settled >= 298
    stream.feed("\nText.\n\n")
    blocks = stream.blocks()
    assert blocks[298].marker == "298."
    assert isinstance(blocks[-1], Prose)


def streamed_at_random(text: str, seed: int) -> StreamingMarkdown:
    chance, stream, at = random.Random(seed), StreamingMarkdown(), 0
    while at < len(text):
        size = chance.randint(1, 9)
        stream.feed(text[at : at + size])
        at += size
    return stream


def test_specification_examples():
    late = 0
    for number, text in enumerate(SPECIFICATION):
        stream = streamed_at_random(text, number)
        if stream.is_exact:
            assert stream.blocks() == parse(text), text
        else:
            late += 1
    # Those with link references, which a later line may define.
    assert 0 < late < len(SPECIFICATION) / 8


def test_extensions_do_not_change_specification_examples():
    plain = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 24})
    plain.enable(["table", "strikethrough"])
    plain.disable(["html_block", "html_inline"])
    # Three dashes are a rule here, and some tags are styles.
    texts = [
        text
        for text in SPECIFICATION
        if not re.search(r"^[ >]*-{1,3} *$|</?(a|b|code|del|div|i|ins|p)\b", text, re.MULTILINE | re.IGNORECASE)
    ]
    assert len(texts) > 0.85 * len(SPECIFICATION)
    changed = [text for text in texts if parser().render(text) != plain.render(text)]
    assert changed == []


@pytest.mark.parametrize("seed", range(60))
def test_generated_texts(seed: int):
    text = generated(seed)
    assert streamed_at_random(text, seed).blocks() == parse(text)


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_random_syntax(first: int):
    for seed in range(first, first + 25):
        text, stream, before = scraps(seed), StreamingMarkdown(), []
        for at in range(0, len(text), 3):
            stream.feed(text[at : at + 3])
            now = stream.blocks(preview=True)
            assert now[: len(before)] == before, text
            before = now[: stream.settled]
        if stream.is_exact:
            assert stream.blocks() == parse(text), text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_parsed_in_linear_time(name: str):
    # The benchmark measures the time; none of these would end here if it grew faster than the length.
    assert parse(HOSTILE[name])


@pytest.mark.parametrize("indent", ["", "   ", "> ", ">", "> > ", ">    "])
def test_the_lines_of_open_code_are_not_parsed_again(indent: str):
    before = "1. Step" if indent == "   " else "> 1. Step" if indent == ">    " else f"{indent}Text"
    stream = streamed([f"{before}\n{indent.rstrip()}\n{indent}```py\n"])
    for number in range(50):
        stream.feed(f"{indent}x = {number}\n")
        assert stream.open_characters == 0
    (*_, code) = stream.blocks(preview=True)
    assert isinstance(code, Code)
    assert code.text.count("\n") == 49
