"""How blocks are laid out and painted: wide tables, bars of quotes, lists, text from right to left."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QImage
from PySide6.QtWidgets import QApplication

from app.conversation import Status
from tests.window.pages import answer, drag, spot_of, wheel
from ui.transcript.blocks.table import TablePart
from ui.transcript.style import QUOTE_INDENT
from ui.widgets.theme import LIGHT

REPOSITORIES = """\
| # | Name | Description | Language | License | Stars | Last commit | Maintainer | URL |
|---|---|---|---|---|--:|---|---|---|
| 1 | llama.cpp | LLM inference in C/C++ | C++ | MIT | 68,421 | 2024-09-12 | ggerganov | https://github.com/x |
| 2 | vLLM | High-throughput engine | **Python** | Apache-2.0 | 29,102 | 2024-09-11 | `vllm-project` | x |
"""
MONTHS = "| Region |" + "".join(f" Month {n:02d} 2024 |" for n in range(1, 14)) + "\n|---|" + "--:|" * 13 + "\n"
MONTHS += "| Nordrhein-Westfalen |" + "".join(f" {n * 7919:,}.{n:02d} € |" for n in range(1, 14)) + "\n"
LONG_WORDS = "| A | B |\n|---|---|\n| Lebensversicherungsgesellschaft | Rechtsschutzversicherung |\n"
CHINESE = (
    "| 方案 | 优点 | 缺点 |\n|---|---|---|\n"
    + f"| 位置编码 | {'没有参数，外推能力很强。' * 5} | {'需要插值。' * 9} |\n"
)
ARABIC = "نص عربي طويل"


def parts(transcript):
    return transcript.page.view(0).parts


def broken_words(part: TablePart) -> list[str]:
    found, block = [], part.document.begin()
    while block.isValid():
        layout, text = block.layout(), block.text()
        lines = [layout.lineAt(number) for number in range(layout.lineCount())]
        shown = [text[line.textStart() : line.textStart() + line.textLength()] for line in lines]
        words = [word for word in text.split() if "://" not in word]
        found += [word for word in words if not any(word in line for line in shown)]
        block = block.next()
    return found


@pytest.mark.parametrize("text", [REPOSITORIES, MONTHS, LONG_WORDS], ids=["columns", "numbers", "words"])
def test_a_table_that_does_not_fit_scrolls_instead_of_breaking_words(transcript, text):
    transcript.resize(420, 600)
    transcript.set_items([answer("a", text)])
    QApplication.processEvents()
    (part,) = parts(transcript)
    assert broken_words(part) == []
    assert part.overflow > 0
    wheel(transcript, across=-50, at=spot_of(transcript, 0, "| A "[2]))
    assert part.offset == 50


def test_a_table_that_fits_is_wrapped_within_the_column(transcript):
    rows = "| Kubernetes | Scales automatically across many nodes, self-healing | Steep learning curve |\n"
    for text in (CHINESE, "| Option | Pros | Cons |\n|---|---|---|\n" + rows):
        transcript.set_items([answer("a", text)])
        (part,) = parts(transcript)
        assert part.overflow == 0
        assert broken_words(part) == [] or text is CHINESE


def test_the_pieces_of_a_table_scroll_together_and_need_no_layout_for_another_width(transcript, qtbot):
    head, separator, row = MONTHS.splitlines()
    transcript.set_items([answer("a", "\n".join([head, separator, *[row] * 60]))])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    first, *others, last = parts(transcript)
    assert first.scroll(30)
    assert [part.offset for part in (*others, last)] == [30] * (len(others) + 1)
    assert all(part.scroll_bar.isEmpty() for part in (first, *others))
    assert last.scroll_bar.width() == last.width
    before = [part.document.textWidth() for part in parts(transcript)]
    transcript.resize(500, 600)
    qtbot.waitUntil(lambda: all(part.width < 500 for part in parts(transcript)), timeout=60_000)
    assert [part.document.textWidth() for part in parts(transcript)] == before


def test_a_long_message_is_laid_out_for_another_width_in_steps(transcript, qtbot):
    rows = "\n".join(f"| {n} | {'words and more ' * 20} |" for n in range(200))
    text = "\n\n".join(f"Paragraph {n}: " + "words " * 60 for n in range(300)) + f"\n\n| a | b |\n|---|---|\n{rows}"
    transcript.set_items([answer("a", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    transcript.scroll_to_item("a", "Paragraph 150:")
    wheel(transcript, pixels=10 - spot_of(transcript, 0, "Paragraph 150:").y())
    transcript.resize(600, 600)
    QApplication.processEvents()
    body = transcript.page.view(0).body
    shown = next(part for part in body.parts if transcript.page.visible[0][1] + part.rect.bottom() > 0)
    assert body.is_stale
    assert not shown.is_stale
    assert abs(spot_of(transcript, 0, "Paragraph 150:").y()) < 60
    qtbot.waitUntil(lambda: not body.is_stale, timeout=60_000)
    assert abs(spot_of(transcript, 0, "Paragraph 150:").y()) < 60
    assert all(below.y >= above.y + above.height for above, below in pairwise(body.parts))


@pytest.mark.parametrize("text", [MONTHS, "```\n" + "x" * 400 + " 13\n```"], ids=["table", "code"])
def test_a_match_beyond_the_edge_is_scrolled_into_view(transcript, text):
    transcript.set_items([answer("a", text)])
    transcript.scroll_to_item("a", "13")
    number, start, _ = transcript.finder.current_match(0)
    part = parts(transcript)[number]
    assert part.offset > 0
    assert 0 <= part.rect_of(start).x() <= part.width


def test_the_scroll_bar_can_be_dragged(transcript):
    transcript.set_items([answer("a", "```\n" + "x" * 400 + "\n```")])
    (part,) = parts(transcript)
    bar = part.scroll_bar.translated(part.x + transcript.page.left, part.y + transcript.page.visible[0][1])
    start = bar.topLeft().toPoint()
    start.setX(start.x() + 10)
    end = start + (bar.topRight() - bar.topLeft()).toPoint()
    drag(transcript, start, end)
    assert part.offset == part.overflow
    assert transcript.state.selection.is_empty


def column_of(image: QImage, x: float, top: float, bottom: float) -> set[str]:
    return {image.pixelColor(round(x), y).name() for y in range(round(top) + 1, round(bottom))}


def has_ink(image: QImage, rect: QRectF) -> bool:
    page = QColor(LIGHT.page)
    area = rect.toRect()
    return any(
        image.pixelColor(x, y) != page
        for x in range(area.left(), area.right())
        for y in range(area.top(), area.bottom())
    )


INSIDE = "Text\n\n```py\nx = 1\n```\n\nmore\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\nx\n$$\n\n---\n\nend"


@pytest.mark.parametrize("kind", ["quote", "thought", "in a list"])
def test_the_bar_of_a_quote_is_continuous(transcript, kind):
    quoted = "\n".join(f"> {line}".rstrip() for line in INSIDE.splitlines())
    text, x = quoted, 1
    if kind == "thought":
        text = f"<think>\n{INSIDE}"
    elif kind == "in a list":
        text, x = "- item\n" + "\n".join(f"  {line}" for line in quoted.splitlines()), 25
    transcript.resize(900, 900)
    transcript.set_items([answer("a", text, Status.COMPLETE)])
    QApplication.processEvents()
    view, top = transcript.page.view(0), transcript.page.visible[0][1]
    image = transcript.grab().toImage()
    first = view.parts[0].rect_of(view.parts[0].find("Text")[0][0]).top() + view.parts[0].y
    bottom = view.parts[-1].y + view.parts[-1].height
    assert column_of(image, transcript.page.left + x, top + first, top + bottom) == {LIGHT.quote_bar}


@pytest.mark.parametrize(
    "text", ["> one\n\n> two\n>\n> more", "> > one\n>\n> > two\n> >\n> > more"], ids=["alone", "nested"]
)
def test_the_bars_of_separate_quotes_are_separate(transcript, text):
    transcript.set_items([answer("a", text)])
    QApplication.processEvents()
    (part,) = parts(transcript)
    image, top = transcript.grab().toImage(), transcript.page.visible[0][1] + part.y
    one, two, more = (part.line_rects(*part.find(word)[0])[0] for word in ("one", "two", "more"))
    x = transcript.page.left + 1
    bars = [x, x + QUOTE_INDENT] if text.startswith("> >") else [x]
    above, below = (top + one.bottom(), top + two.top()), (top + two.bottom(), top + more.top())
    assert LIGHT.page in column_of(image, bars[-1], *above)
    assert column_of(image, bars[-1], *below) == {LIGHT.quote_bar}
    for bar in bars[:-1]:
        assert column_of(image, bar, top + one.top() + 6, top + more.bottom()) == {LIGHT.quote_bar}
    transcript.state.select_all()
    assert transcript.state.selected_text(markdown=True) == text


def test_code_and_tables_at_the_start_of_an_item_have_its_marker(transcript):
    transcript.set_items([answer("a", "1. ```\n   x\n   ```\n2. | a |\n   |---|\n   | 1 |")])
    QApplication.processEvents()
    image, top = transcript.grab().toImage(), transcript.page.visible[0][1]
    for part in parts(transcript):
        assert has_ink(image, QRectF(transcript.page.left, top + part.y, part.x - 4, part.height))


def test_bullets_of_all_levels_are_equally_large_and_heavy(transcript):
    transcript.set_items([answer("a", "- xa\n  - xb\n    - xc")])
    QApplication.processEvents()
    (part,) = parts(transcript)
    image, corner, page = transcript.grab().toImage(), transcript.page.left, QColor(LIGHT.page).lightness()
    top, ink, boxes = transcript.page.visible[0][1] + part.y, [], []
    for text in ("xa", "xb", "xc"):
        rect = part.line_rects(*part.find(text)[0])[0].translated(corner + part.x, top)
        area = QRectF(rect.left() - 20, rect.top(), 16, rect.height()).toRect()
        dark = {
            (x, y): page - image.pixelColor(x, y).lightness()
            for x in range(area.left(), area.right())
            for y in range(area.top(), area.bottom())
        }
        ink.append(sum(dark.values()))
        rows = [y - rect.bottom() for (_, y), value in dark.items() if value > 30]
        boxes.append((min(rows), max(rows)))
    assert max(ink) < 1.35 * min(ink), ink
    assert all(box == pytest.approx(boxes[0], abs=1) for box in boxes), boxes


def test_text_from_right_to_left_is_mirrored(transcript):
    text = f"1. {ARABIC}\n   - `code` {ARABIC}\n\n> {ARABIC}\n>\n> ```\n> x\n> ```\n\n- left\n"
    transcript.set_items([answer("a", text)])
    QApplication.processEvents()
    image, left, column = transcript.grab().toImage(), transcript.page.left, transcript.page.column
    top, (mirrored, code, after) = transcript.page.visible[0][1], parts(transcript)
    list_rows = QRectF(left, top + mirrored.y, 40, mirrored.height)
    assert not has_ink(image, list_rows)
    # The number, the bullet and the bar are at the right.
    assert has_ink(image, QRectF(left + column - 20, top + mirrored.y, 20, 24))
    bottom = top + code.y + code.height
    assert column_of(image, left + column - 2, bottom - code.height - 20, bottom) == {LIGHT.quote_bar}
    assert code.x == 0
    assert code.rect.right() < column
    assert has_ink(image, QRectF(left, top + after.y, 24, after.height))
    assert mirrored.rect_of(0).x() > column - 60


def test_a_table_from_right_to_left_begins_at_the_right(transcript):
    transcript.set_items([answer("a", f"| {ARABIC} | العدد |\n|---|---|\n| نموذج | 1 |")])
    (part,) = parts(transcript)
    first, second = part.rect_of(part.find(ARABIC)[0][0]), part.rect_of(part.find("العدد")[0][0])
    assert first.x() > second.x() > part.width / 2


def test_marks_and_isolates_are_kept_in_text_and_visible_in_code(transcript):
    text = "מחיר 5$ בלבד.\u200f \u2067סוף\u2069"
    transcript.set_items([answer("a", f"{text}\n\n`a\u2067b\u2069`\n\n```\nc\u200f\u2066d\n```")])
    first, code = parts(transcript)
    assert first.document.toPlainText() == f"{text}\na\ufffdb\ufffd"
    assert code.document.toPlainText() == "c\ufffd\ufffdd"


def test_tags_are_drawn_as_styles(transcript):
    transcript.set_items([answer("a", "H<sub>2</sub>O and x<sup>2</sup>, <mark>m</mark>")])
    (part,) = parts(transcript)
    assert part.document.toPlainText() == "H2O and x2, m"
    drag(transcript, spot_of(transcript, 0, "H2O"), spot_of(transcript, 0, ", m", 3))
    assert transcript.state.selected_text(markdown=True) == "H<sub>2</sub>O and x<sup>2</sup>, <mark>m</mark>"


def test_a_list_below_a_quoted_list_is_separated_from_it(transcript):
    transcript.set_items([answer("a", "> - quoted\n> - last\n\n- first\n- second")])
    (part,) = parts(transcript)
    quoted, last, first, second = (
        part.rect_of(part.find(text)[0][0]).y() for text in ("quoted", "last", "first", "second")
    )
    assert first - last > last - quoted == second - first


MIXED = 'שלום `asyncio.gather()` עולם, `len("שלום") == 4` סוף.'


def ground_of_code(image: QImage, left: float, right: float, y: float) -> list[tuple[int, int]]:
    """The first and last column of each run of pixels with the ground of code in a row above the letters."""
    columns = [x for x in range(round(left), round(right)) if image.pixelColor(x, round(y)).name() == LIGHT.code_ground]
    starts = [x for x in columns if x - 1 not in columns]
    return [(start, next(x for x in range(start, image.width()) if x + 1 not in columns)) for start in starts]


def test_code_in_text_from_right_to_left_is_in_its_own_order(transcript):
    transcript.set_items([answer("a", MIXED)])
    QApplication.processEvents()
    (part,) = parts(transcript)
    code = [part.line_rects(*part.find(text)[0])[0] for text in ("asyncio", ".gather", "()")]
    assert all(left.right() == pytest.approx(right.left(), abs=1) for left, right in pairwise(code))
    second = [part.line_rects(*part.find(text)[0])[0] for text in ("len(", '") == 4')]
    assert second[0].right() < second[1].left() < code[0].left()
    image, top = transcript.grab().toImage(), transcript.page.visible[0][1] + part.y
    grounds = ground_of_code(image, 0, image.width(), top + code[0].center().y() - 9)
    left = transcript.page.left + part.x
    shown = [(second[0].left(), second[1].right()), (code[0].left(), code[2].right())]
    assert len(grounds) == 2
    for (first, last), (start, end) in zip(grounds, shown, strict=True):
        assert (first, last) == pytest.approx((left + start, left + end), abs=4)


def test_text_with_code_from_right_to_left_is_copied_and_found_as_it_was_written(transcript):
    transcript.set_items([answer("a", f"{MIXED} $x$ 𝕏 `b`\n\nend")])
    (part,) = parts(transcript)
    for text in ("gather() עולם", "סוף. $x$ 𝕏 b"):
        assert [part.text(*match) for match in part.find(text)] == [text]
    transcript.state.select_all()
    assert transcript.state.selected_text(markdown=True) == f"{MIXED} $x$ 𝕏 `b`\n\nend"
    assert transcript.state.selected_text() == f"{MIXED} $x$ 𝕏 `b`\n\nend".replace("`", "")
    start, end = part.find("gather() עולם, len")[0]
    (piece,) = part.pieces(start, end)
    assert (piece.text, piece.markdown) == ("gather() עולם, len", "`gather()` עולם, `len`")


def test_a_selection_in_text_from_right_to_left_covers_only_its_letters(transcript):
    transcript.set_items([answer("a", "שלום abc def עולם")])
    (part,) = parts(transcript)
    start = part.find("שלום abc")[0]
    word, code = (part.line_rects(*part.find(text)[0])[0] for text in ("שלום ", "abc"))
    rest = part.line_rects(*part.find("def")[0])[0]
    rects = part.line_rects(*start)
    assert sum(rect.width() for rect in rects) == pytest.approx(word.width() + code.width(), abs=1)
    assert not any(rect.intersects(rest.adjusted(1, 0, -1, 0)) for rect in rects)


@pytest.mark.parametrize("text", ["*שלום*", "*مرحبا*", "***مرحبا***"])
def test_emphasis_in_scripts_without_italics_is_bold(transcript, text):
    transcript.set_items([answer("a", text)])
    (part,) = parts(transcript)
    (run,) = part.document.begin().textFormats()
    assert (run.format.fontItalic(), run.format.fontWeight()) == (False, QFont.Weight.DemiBold)


def test_inline_code_in_a_table_has_a_ground(transcript):
    transcript.set_items([answer("a", "| name | code |\n|---|---|\n| one | `x` |\n\ntext")])
    QApplication.processEvents()
    part = parts(transcript)[0]
    rect = part.line_rects(*part.find("x")[0])[0].translated(part.x + transcript.page.left, 0)
    image, y = transcript.grab().toImage(), transcript.page.visible[0][1] + part.y + rect.center().y() - 9
    ((first, last),) = ground_of_code(image, 0, image.width(), y)
    assert (first, last) == pytest.approx((rect.left(), rect.right()), abs=4)
