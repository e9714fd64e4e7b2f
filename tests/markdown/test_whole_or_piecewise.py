"""Block by block or at once: the same blocks for the specification's examples, made texts and hostile ones."""

import random

import pytest
from markdown_it import MarkdownIt

from app.markdown.math_syntax import MAX_LENGTH
from app.markdown.parser import parse, parser
from app.markdown.streaming import StreamingMarkdown
from tests.markdown.corpus import FORMULAS, HOSTILE, SPECIFICATION, made, scraps


def streamed(text: str, seed: int) -> StreamingMarkdown:
    chance, stream, at = random.Random(seed), StreamingMarkdown(), 0
    while at < len(text):
        size = chance.randint(1, 9)
        stream.feed(text[at : at + size])
        at += size
    return stream


def test_the_specification():
    late = 0
    for number, text in enumerate(SPECIFICATION):
        stream = streamed(text, number)
        if stream.is_exact:
            assert stream.blocks() == parse(text), text
        else:
            late += 1
    # Those with link references, which a later line may define: they are read once more at the end.
    assert 0 < late < len(SPECIFICATION) / 8


def test_what_was_added_changes_nothing_in_the_specification():
    plain = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 24})
    plain.enable(["table", "strikethrough"])
    plain.disable(["html_block", "html_inline", "lheading"])
    changed = [text for text in SPECIFICATION if parser().render(text) != plain.render(text)]
    assert changed == []


@pytest.mark.parametrize("text", FORMULAS)
def test_every_beginning_of_a_text_with_formulas(text: str):
    for end in range(len(text) + 1):
        stream = StreamingMarkdown()
        for character in text[:end]:
            stream.feed(character)
        assert stream.blocks() == parse(text[:end]), text[:end]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_is_settled_stays(text: str):
    stream, before = StreamingMarkdown(), []
    for character in text:
        stream.feed(character)
        now = stream.blocks(preview=True)
        assert now[: len(before)] == before
        before = now[: stream.settled]


@pytest.mark.parametrize("seed", range(60))
def test_made_texts(seed: int):
    text = made(seed)
    assert streamed(text, seed).blocks() == parse(text)


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_marks_thrown_together(first: int):
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
def test_hostile_texts_end(name: str):
    # What they cost is for the benchmark to say; none of them would end here if it grew faster than its length.
    assert parse(HOSTILE[name])


def test_a_formula_that_is_too_long_is_text():
    assert parse("$$" + "x" * MAX_LENGTH + "$$")[0].spans[0].text.startswith("$$x")
