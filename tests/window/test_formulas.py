"""Formulas in the transcript, rendered by the real process: layout, selection, search, accessibility, scrolling."""

from collections.abc import Iterator
from itertools import groupby

import pytest
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.conversation import Role, Status
from app.formulas import FormulaRenderer
from tests.window.pages import wheel
from ui.transcript import Item, Transcript
from ui.transcript.accessible import AccessibleFactory
from ui.transcript.blocks.formula import SCALE, formula_key, formula_scale, formulas_in
from ui.transcript.blocks.part import Part
from ui.transcript.blocks.text import FormulaPart
from ui.widgets.theme import DARK, LIGHT, TEXT_SIZE, Theme, contrast

TIMEOUT_MS = 60_000
WIDE = " + ".join(f"x_{{{number}}}" for number in range(60))


@pytest.fixture
def formula_renderer() -> Iterator[FormulaRenderer]:
    made = FormulaRenderer(limit_s=10)
    yield made
    made.close()


@pytest.fixture
def transcript(qtbot: QtBot, formula_renderer: FormulaRenderer) -> Transcript:
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.use_formula_renderer(formula_renderer)
    widget.resize(900, 600)
    widget.show()
    QApplication.processEvents()
    return widget


def answer(text: str, status: Status = Status.COMPLETE, name: str = "a") -> Item:
    return Item(name, Role.ASSISTANT, text, status)


def parts(transcript: Transcript, number: int = 0) -> list[Part]:
    return transcript.page.view(number).parts


def wait_for_formulas(qtbot: QtBot, transcript: Transcript) -> None:
    def are_rendered() -> bool:
        return not any(part.pending_formulas for view in transcript.page.views.values() for part in view.parts)

    qtbot.waitUntil(are_rendered, timeout=TIMEOUT_MS)


def show(qtbot: QtBot, transcript: Transcript, text: str) -> list[Part]:
    transcript.set_items([answer(text)])
    wait_for_formulas(qtbot, transcript)
    return parts(transcript)


def painted(part: Part, ground: str = "#ffffff") -> QImage:
    image = QImage(int(part.width), int(part.height) + 1, QImage.Format.Format_RGB32)
    image.fill(QColor(ground))
    painter = QPainter(image)
    part.paint(painter, QRectF(image.rect()), None, [])
    painter.end()
    return image


def ink(image: QImage, left: float, right: float, ground: str = "#ffffff") -> QRect:
    """Return the rectangle of all pixels that differ clearly from the background, between two columns."""
    paper = QColor(ground).lightness()
    found = QRect()
    for x in range(max(0, int(left)), min(int(right), image.width())):
        for y in range(image.height()):
            if abs(image.pixelColor(x, y).lightness() - paper) > 100:
                found = found.united(QRect(x, y, 1, 1))
    return found


def test_an_inline_formula_is_on_the_baseline(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "nnn $n$ $x_2$ $\\frac{n}{2}$ nnn")
    image = painted(part)
    first, last = part.rect_of(0).x(), part.rect_of(3).x()
    text = ink(image, first, last)
    formula = ink(image, part.rect_of(4).x(), part.rect_of(5).x())
    assert abs(text.bottom() - formula.bottom()) <= 1
    after = ink(image, part.rect_of(part.length - 3).x(), part.rect_of(part.length).x())
    assert after.bottom() == text.bottom()


def test_formulas_have_the_text_colour_of_the_theme(qtbot: QtBot, transcript: Transcript):
    for theme in (LIGHT, DARK):
        transcript.set_theme(theme)
        (part,) = show(qtbot, transcript, "$$\\boxed{\\frac{a}{b}}$$")
        image = painted(part, theme.page)
        colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        assert theme.text in colours


@pytest.mark.parametrize(
    ("theme", "colour"),
    [(DARK, "blue"), (DARK, "#123"), (DARK, "NavyBlue"), (LIGHT, "yellow"), (LIGHT, "white"), (DARK, "red")],
    ids=lambda value: getattr(value, "name", value),
)
def test_colours_of_a_formula_are_readable(qtbot: QtBot, transcript: Transcript, theme: Theme, colour: str):
    transcript.set_theme(theme)
    (part,) = show(qtbot, transcript, f"$$\\textcolor{{{colour}}}{{\\rule{{2em}}{{1em}}}}$$")
    image, page = painted(part, theme.page), QColor(theme.page)
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    drawn = max(pixels, key=lambda pixel: contrast(pixel, page))
    assert contrast(drawn, page) >= 2.95
    if colour in {"blue", "yellow"}:
        assert drawn.hslHue() == QColor(colour).hslHue()
    if colour == "red":
        assert drawn == QColor("red")


def test_colours_on_the_ground_of_a_formula_stay(qtbot: QtBot, transcript: Transcript):
    transcript.set_theme(DARK)
    (part,) = show(qtbot, transcript, "$$\\colorbox{navy}{\\rule{1em}{0em}}$$")
    image = painted(part, DARK.page)
    assert QColor("navy").name() in {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }


def test_chinese_inside_a_formula_is_drawn(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "$$\\text{总价}$$")
    box = ink(painted(part), 0, part.width)
    assert box.width() > 1.6 * TEXT_SIZE
    (empty,) = show(qtbot, transcript, "$$\\phantom{xy}\\,\\text{口}$$")
    assert ink(painted(empty), 0, empty.width).width() < box.width()


def test_a_pending_formula_reserves_space(qtbot: QtBot, transcript: Transcript):
    transcript.set_items([answer("a $x^2+y^2$ b\n\n$$\\frac{1}{2}$$")])
    flow, display = parts(transcript)
    assert flow.pending_formulas
    assert display.height > TEXT_SIZE
    assert flow.rect_of(3).x() - flow.rect_of(2).x() > TEXT_SIZE
    wait_for_formulas(qtbot, transcript)
    assert not ink(painted(display), 0, display.width).isEmpty()


@pytest.mark.parametrize("formula", ["\\unknowncmd{x}", "a^b^c", "\\left( x", "\\begin{foo} x \\end{foo}"])
def test_an_invalid_formula_shows_its_source(qtbot: QtBot, transcript: Transcript, formula: str):
    inline, display = show(qtbot, transcript, f"so ${formula}$ it is\n\n$${formula}$$")
    for part in (inline, display):
        assert not ink(painted(part), 0, part.width).isEmpty()
        assert formula in part.text(0, part.length)
    assert ink(painted(display), 0, display.width).width() > 6 * len(formula)


class LateAnswers(FormulaRenderer):
    """Gives its Nth answer "not known" only after the formula was rendered, as a busy computer does."""

    def __init__(self, number: int) -> None:
        super().__init__(limit_s=10)
        self._left = number

    def is_known(self, formula: str, display: bool) -> bool:
        known = super().is_known(formula, display)
        self._left -= 1
        if not self._left:
            self.shape(formula, display)
        return known


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize(
    "text", ["a $\\frac{x}{y}$ b", "$$\\frac{\\frac{1}{2}}{3}$$", "| a |\n|---|\n| $\\frac{x^2}{y}$ |", "a $x^$ b"]
)
def test_a_formula_rendered_while_it_is_inserted_gets_its_space(qtbot: QtBot, number: int, text: str):
    late = LateAnswers(number)
    sizes = []
    for _ in range(2):
        widget = Transcript()
        qtbot.addWidget(widget)
        widget.use_formula_renderer(late)
        widget.resize(900, 600)
        widget.show()
        (part,) = show(qtbot, widget, text)
        sizes.append((part.height, part.document.idealWidth()))
    late.close()
    assert sizes[0] == sizes[1]


def test_without_a_renderer_formulas_show_their_source(qtbot: QtBot):
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.show()
    widget.set_items([answer("so $x^2$ it is")])
    (part,) = parts(widget)
    assert not ink(painted(part), part.rect_of(3).x(), part.rect_of(4).x()).isEmpty()


def test_copied_text_contains_the_source_of_formulas(qtbot: QtBot, transcript: Transcript):
    text = "The **sum** $a+b$ and \\(c\\):\n\n$$\nx = 1\n$$\n\n| a | b |\n|---|---|\n| $|x|$ | 好 |\n\n- $y$ end"
    show(qtbot, transcript, text)
    transcript.state.select_all()
    transcript.state.copy()
    copied = QGuiApplication.clipboard().text()
    for piece in ("The sum $a+b$ and \\(c\\):", "$$\nx = 1\n$$", "$|x|$\t好", "• $y$ end"):
        assert piece in copied


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)
def test_the_menu_of_a_formula_copies_it_without_delimiters(qtbot: QtBot, transcript: Transcript):
    show(qtbot, transcript, "one $x^2$ two\n\n$$y$$\n\n| $z$ |\n|---|")
    copied = []
    for part in parts(transcript):
        (place, _) = formulas_in(part.document)[0]
        point = part.line_rects(place, place + 1)[0].center() + part.rect.topLeft()
        for to_the_left in (0, 200):
            transcript.show_menu(point + QPointF(transcript.page.left - to_the_left, transcript.page.visible[0][1]))
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            actions = {each.text(): each for each in menu.actions()}
            if "Copy formula as LaTeX" in actions:
                actions["Copy formula as LaTeX"].trigger()
                copied.append(QGuiApplication.clipboard().text())
            menu.close()
    assert copied == ["x^2", "y", "z"]


def test_a_selection_in_a_line_contains_its_formulas(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "one $x$ two $y$ three")
    assert part.text(4, 9) == "$x$ two"
    assert part.text(10, part.length) == "$y$ three"
    assert part.text(0, 4) == "one "


def test_formulas_are_copied_as_markdown(qtbot: QtBot, transcript: Transcript):
    text = "a **b** $x$ c d\n\n- $$y$$\n\nend"
    show(qtbot, transcript, text)
    body = transcript.page.view(0).body
    assert body.text((0, 2), body.end, markdown=True) == "**b** $x$ c d\n\n- $$y$$\n\nend"


def test_no_line_begins_with_the_punctuation_behind_a_formula(qtbot: QtBot, transcript: Transcript):
    text = "We have $a$, the *set* $b$: then ($c_1$). 因此有等式 $E=mc^2$，然后得到（$x$）。另外 $y$！"
    (part,) = show(qtbot, transcript, text)
    layout = part.document.begin().layout()
    for width in range(120, 420):
        part.lay_out(width)
        lines = [layout.lineAt(number) for number in range(layout.lineCount())]
        starts = [part.text(line.textStart(), line.textStart() + 1) for line in lines]
        assert not set(starts) & set(",:).，）。！"), width
    assert part.document.toPlainText().startswith("We have \ufffc, the set \ufffc: then (\ufffc).")
    transcript.state.select_all()
    assert transcript.state.selected_text(markdown=True) == text
    assert [part.text(*found) for found in part.find("$，然后得")] == ["$E=mc^2$，然后得"]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_punctuation_behind_a_formula_looks_like_other_text(qtbot: QtBot, transcript: Transcript, theme: Theme):
    transcript.set_theme(theme)
    pictures = []
    # The link keeps the punctuation out of the formula.
    for text in ("n $x$), **q**", "n $x$[),](https://example.org/) **q**", "n $a^b^c$), **q**"):
        (part,) = show(qtbot, transcript, text)
        image, end = painted(part, theme.page), part.rect_of(part.find("q")[0][0]).x()
        pictures.append((end, ink(image, end - 14, end - 1, theme.page)))
    (width, drawn), (expected_width, expected), (_, behind_source) = pictures
    assert width == pytest.approx(expected_width, abs=0.5)
    assert drawn.left() == pytest.approx(expected.left(), abs=1)
    assert (drawn.top(), drawn.width()) == (expected.top(), pytest.approx(expected.width(), abs=1))
    assert behind_source.height() == pytest.approx(drawn.height(), abs=1)


def test_a_tall_formula_has_as_much_space_above_as_below(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "pppppp\\\n$\\dfrac{a+b}{c+d}$\\\ndddddd")
    image = painted(part)
    rows = range(image.height())
    empty = [all(image.pixelColor(x, y).lightness() > 155 for x in range(40)) for y in rows]
    gaps = [len(list(run)) for is_empty, run in groupby(empty) if is_empty][1:-1]
    assert gaps[0] >= 5
    assert abs(gaps[0] - gaps[-1]) <= 4


def test_a_double_click_selects_a_whole_formula(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "one $x+y$ two")
    assert part.word_at(4) == (4, 5)
    assert part.word_at(1) == (0, 3)


def test_the_source_of_formulas_is_searched(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "😀 one $\\alpha + 1$ two α")
    assert part.find("alpha") == [(7, 8)]
    assert part.find("two") == [(9, 12)]
    assert part.find("one $\\alpha") == [(3, 8)]


def test_the_accessible_text_contains_the_source_of_formulas(qtbot: QtBot, transcript: Transcript):
    show(qtbot, transcript, "so $x^2$ is\n\n$$y$$")
    factory = AccessibleFactory()
    interface = factory("Transcript", transcript)
    assert interface is not None
    message = interface.child(0)
    assert message is not None
    assert message.text(QAccessible.Text.Value) == "so $x^2$ is\n\n$$y$$"


def test_a_wide_formula_scrolls_sideways(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, f"$${WIDE}$$")
    assert isinstance(part, FormulaPart)
    assert part.overflow > 0
    top = dict(transcript.page.visible)[0]
    point = QPointF(transcript.page.left + part.x + 20, top + part.y + part.height / 2)
    wheel(transcript, across=-40, at=point)
    assert part.offset == 40
    for _ in range(200):
        part.scroll(100)
    assert part.offset == part.overflow


def inked_columns(transcript: Transcript) -> list[tuple[int, int]]:
    """Return where the columns with ink begin and end, relative to the text, where they are far from each other."""
    image, page = transcript.viewport().grab().toImage(), transcript.page
    ground = image.pixelColor(0, image.height() - 1)
    inked = [
        x
        for x in range(int(page.left), int(page.left + page.column))
        if any(image.pixelColor(x, y) != ground for y in range(150))
    ]
    places = [[inked[0], inked[0]]]
    for x in inked:
        if x > places[-1][1] + 1.5 * TEXT_SIZE:
            places.append([x, x])
        places[-1][1] = x
    return [(start - int(page.left), end - int(page.left)) for start, end in places]


@pytest.mark.parametrize(
    "formula", [r"E = mc^2 \tag{2}", r"\begin{align} E &= mc^2 \tag{2} \\ p &= mv \tag{3} \end{align}"]
)
def test_a_numbered_formula_is_in_the_middle_and_its_number_at_the_right(
    qtbot: QtBot, transcript: Transcript, formula: str
):
    (part,) = show(qtbot, transcript, f"$${formula}$$")
    for width in (900, 600):
        transcript.resize(width, 600)
        QApplication.processEvents()
        column = transcript.page.column
        (left, right), (_, number) = inked_columns(transcript)
        assert (left + right) / 2 == pytest.approx(column / 2, abs=4)
        assert number == pytest.approx(column, abs=5)
        assert part.overflow == 0


def test_a_number_in_a_line_stays_beside_its_formula(qtbot: QtBot, transcript: Transcript):
    show(qtbot, transcript, r"The energy $E = mc^2 \tag{2}$ of a body.")
    assert inked_columns(transcript)[-1][1] < transcript.page.column - 100


def test_a_wide_numbered_formula_is_at_the_left_of_its_number(qtbot: QtBot, transcript: Transcript):
    body = " + ".join(f"x_{{{number}}}" for number in range(15))
    (part,) = show(qtbot, transcript, rf"$${body} \tag{{2}}$$")
    natural = part.context.formulas.shape(rf"{body} \tag{{2}}", True)
    assert natural is not None
    needed = round(natural.width * TEXT_SIZE * SCALE)
    transcript.resize(600, 600)
    QApplication.processEvents()
    transcript.resize(600 - int(transcript.page.column) + needed + 30, 600)
    QApplication.processEvents()
    assert needed < transcript.page.column < needed + 60
    places = inked_columns(transcript)
    assert places[0][0] > 10
    assert places[-1][1] == pytest.approx(transcript.page.column, abs=5)
    transcript.resize(500, 600)
    QApplication.processEvents()
    assert part.overflow > 0 or formula_scale(needed, transcript.page.column, display=True) < 1


def test_a_wide_inline_formula_is_scaled_down(qtbot: QtBot, transcript: Transcript):
    transcript.resize(400, 600)
    (part,) = show(qtbot, transcript, f"so ${WIDE[:200]}$ is")
    assert part.document.idealWidth() <= part.width + 1


def test_the_source_of_an_invalid_formula_is_wrapped(qtbot: QtBot, transcript: Transcript):
    text = "\\unknowncmd{x} + " * 30 + "y"
    inline, display = show(qtbot, transcript, f"so ${text}$ is\n\n$${text}$$")
    wide = inline.height, display.height
    transcript.resize(420, 600)
    QApplication.processEvents()
    transcript.grab()
    for part, before in zip(parts(transcript), wide, strict=True):
        assert part.height > before
        assert part.document.idealWidth() <= part.width + 1


def test_the_source_of_an_invalid_formula_stays_in_its_box(qtbot: QtBot, transcript: Transcript):
    show(
        qtbot,
        transcript,
        r"$$\begin{tikzcd} A \arrow[r, f] \arrow[d, g] & B \arrow[d, h] \\ C \arrow[r, k] & D \end{tikzcd}$$",
    )
    for width in range(380, 420):
        transcript.resize(width, 600)
        QApplication.processEvents()
        image, page = transcript.viewport().grab().toImage(), transcript.page
        edge = int(page.left + page.column)
        margin = image.copy(edge, 0, image.width() - edge, image.height())
        empty = margin.copy()
        empty.fill(margin.pixelColor(0, 0))
        assert margin == empty


def test_table_columns_fit_their_formulas(qtbot: QtBot, transcript: Transcript):
    (part,) = show(qtbot, transcript, "| a | b |\n|---|---|\n| $x_1+x_2+x_3+x_4+x_5+x_6+x_7$ | b |")
    low, high = part.column_widths()[0]
    ((position, shape),) = formulas_in(part.document)
    assert formula_key(shape) == ("x_1+x_2+x_3+x_4+x_5+x_6+x_7", False)
    assert position == part.find("x_1")[0][0]
    assert high >= 150
    assert low >= 150


def test_the_line_being_read_stays_when_formulas_above_are_rendered(qtbot: QtBot, transcript: Transcript):
    tall = "\n\n".join(
        f"$$\\begin{{aligned}} a_{n} &= 1 \\\\ b &= \\frac{{1}}{{2}} \\\\ c &= 3 \\end{{aligned}}$$" for n in range(9)
    )
    transcript.set_items([answer(tall + "\n\nthe line being read\n\n" + "words\n\n" * 60)])
    view = transcript.page.view(0)
    number = len(view.parts) - 1
    transcript.page.show(0, 40 - view.body.rect_of((number, 0)).top())
    transcript.state.scroll_by(0)
    before = dict(transcript.page.visible)[0] + view.body.rect_of((number, 0)).top()
    height = view.height
    wait_for_formulas(qtbot, transcript)
    after = dict(transcript.page.visible)[0] + transcript.page.view(0).body.rect_of((number, 0)).top()
    assert transcript.page.view(0).height != height
    assert after == pytest.approx(before, abs=1)


def test_rendered_formulas_stay_while_the_answer_grows(qtbot: QtBot, transcript: Transcript):
    transcript.set_items([answer("", Status.STREAMING)])
    transcript.append_text("a", "One $$\\frac{1}{2}$$\n\nand more ")
    wait_for_formulas(qtbot, transcript)
    _, formula, _ = parts(transcript)
    box = ink(painted(formula), 0, formula.width)
    for piece in ("words ", "and $y", "^2", "$ and\n\n", "$$", "z", "$$", "\n\nend"):
        transcript.append_text("a", piece)
        assert parts(transcript)[1] is formula
        assert ink(painted(formula), 0, formula.width) == box
    wait_for_formulas(qtbot, transcript)
    assert [type(part) is FormulaPart for part in parts(transcript)] == [False, True, False, True, False]


def test_a_formula_that_takes_too_long_shows_its_source(qtbot: QtBot):
    bomb = r"\def\a{" + "x" * 2_500 + "}" + r"\a" * 900
    formula_renderer = FormulaRenderer(limit_s=0.2)
    try:
        widget = Transcript()
        qtbot.addWidget(widget)
        widget.use_formula_renderer(formula_renderer)
        widget.resize(900, 600)
        widget.show()
        inline, display = show(qtbot, widget, f"so $x$ is\n\n$${bomb}$$")
        assert formula_renderer.known("x", False) is not None
        assert formula_renderer.known(bomb, True) is None
        assert not ink(painted(display), 0, display.width).isEmpty()
        assert not inline.pending_formulas
    finally:
        formula_renderer.close()


def test_the_main_window_renders_formulas(qtbot: QtBot, open_window):
    window = open_window()
    transcript = window.controller.transcript
    window.pages.setCurrentWidget(transcript)
    transcript.set_items([answer("so $x^2$ is")])
    wait_for_formulas(qtbot, transcript)
    assert window.controller.services.formula_renderer.known("x^2", False) is not None
