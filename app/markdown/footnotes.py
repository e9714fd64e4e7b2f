"""Footnotes of a whole text: running numbers in the order of their first references, and the notes at its end."""

from __future__ import annotations

import re

from app.markdown.blocks import Block, Prose, Rule, Style, spans_of, with_texts

_LABEL = re.compile(r"\[([^\]]+)\]")
_COLONS = (":", "：")


def arranged(blocks: list[Block]) -> list[Block]:
    """Return the blocks with numbers for the labels of footnotes that have a note, and the notes below a rule.

    Notes in lists and quotes stay where they are.  Labels without a note, which may number other sources, stay too.
    """
    labels = {next(spans_of(block)).text[1:-1] for block in blocks if _is_note(block)}
    if not labels:
        return blocks
    texts = [block for block in blocks if not _is_moved(block)]
    notes = [block for block in blocks if _is_moved(block)]
    numbers: dict[str, int] = {}
    for block in (*texts, *notes):
        for span in spans_of(block):
            if Style.FOOTNOTE in span.style:
                for label in _LABEL.findall(span.text):
                    if label in labels:
                        numbers.setdefault(label, len(numbers) + 1)

    def numbered(text: str) -> str:
        return _LABEL.sub(lambda label: f"[{numbers.get(label[1], label[1])}]", text)

    texts, notes = ([with_texts(block, Style.FOOTNOTE, numbered) for block in each] for each in (texts, notes))
    notes.sort(key=lambda note: int(next(spans_of(note)).text[1:-1]))
    return [*texts, *([Rule()] if notes and _needs_rule(texts) else []), *notes]


def _is_note(block: Block) -> bool:
    return isinstance(block, Prose) and bool(block.spans) and Style.NOTE in block.spans[0].style


def _is_moved(block: Block) -> bool:
    return _is_note(block) and not block.depth and not block.quotes


def _needs_rule(above: list[Block]) -> bool:
    """Whether nothing else separates the notes from the text, such as a rule or a heading."""
    last = above[-1] if above else Rule()
    if isinstance(last, Prose):
        return not last.level and not (last.spans and last.spans[-1].text.rstrip().endswith(_COLONS))
    return not isinstance(last, Rule)
