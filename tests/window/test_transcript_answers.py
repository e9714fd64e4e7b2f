"""Eighty realistic answers in a narrow window: their parts, formulas shown as source, and markup that stays text."""

import json
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.formulas import FormulaRenderer
from app.markdown.blocks import Prose, Style, Table
from tests.window.pages import answer
from ui.transcript import Transcript
from ui.transcript.blocks.formula import formula_key, formulas_in
from ui.transcript.blocks.part import Part

ANSWERS = json.loads((Path(__file__).parents[1] / "data" / "answers.json").read_text(encoding="utf-8"))
"""For each answer ``text``, ``parts``, ``sources``, and ``raw``: markup that is text by the rules of Markdown."""
RAW = re.compile(
    r"\*\*|~~|^#{1,6}\s|^ *[-*+] |^```|\$\$|\\[(\[]|\]\(|^\|.*\|$|&[a-z]+;|\[\^|\[!|"
    r"</?(?:b|i|u|br|p|div|sub|sup|kbd|mark|details|summary)\b",
    re.MULTILINE,
)
WIDTH, HEIGHT = 420, 3_000


@pytest.fixture(scope="module")
def formulas():
    renderer = FormulaRenderer(limit_s=60)
    yield renderer
    renderer.close()


def shown_texts(part: Part) -> list[str]:
    paragraphs = []
    for block in part.blocks:
        if isinstance(block, Prose):
            paragraphs.append(block.spans)
        elif isinstance(block, Table):
            paragraphs += [cell for row in (block.head, *block.rows) for cell in row]
    return [
        "".join(each.text for each in spans if not each.formula and Style.CODE not in each.style)
        for spans in paragraphs
    ]


def wide_lines(part: Part) -> list[str]:
    """Return the lines that are wider than their place."""
    found, block = [], part.document.begin()
    while block.isValid():
        layout = block.layout()
        for line in map(layout.lineAt, range(layout.lineCount())):
            if line.naturalTextWidth() > line.width() + 1 and not part.overflow:
                found.append(block.text())
        block = block.next()
    return found


def right_margin(transcript: Transcript) -> QImage:
    # The background of inline code is a little wider than its text.
    image, page = transcript.viewport().grab().toImage(), transcript.page
    left = int(page.left + page.column) + 3
    return image.copy(QRect(left, 0, image.width() - left, image.height()))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_realistic_answer_is_shown_completely(transcript, qtbot, formulas, name):
    facts = ANSWERS[name]
    transcript.use_formula_renderer(formulas)
    transcript.resize(WIDTH, HEIGHT)
    transcript.set_items([answer("a", facts["text"], actions=())])
    parts = transcript.page.view(0).parts
    qtbot.waitUntil(lambda: not any(part.pending_formulas for part in parts), timeout=300_000)
    QApplication.processEvents()
    assert [type(part).__name__.removesuffix("Part") for part in parts] == facts["parts"]
    keys = [formula_key(text_format) for part in parts for _, text_format in formulas_in(part.document)]
    assert [formula for formula, display in keys if formulas.known(formula, display) is None] == facts["sources"]
    texts = [text for part in parts for text in shown_texts(part)]
    assert [found for text in texts for found in RAW.findall(text)] == facts["raw"]
    assert [line for part in parts for line in wide_lines(part)] == []
    margin = right_margin(transcript)
    empty = margin.copy()
    empty.fill(margin.pixelColor(0, 0))
    assert margin == empty
