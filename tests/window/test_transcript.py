"""The transcript widget: scrolling, streaming, selection, mouse, menu, theme and language, with real events."""

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTranslator
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QToolTip

from app.conversation import Status
from tests.window.pages import ANSWER, answer, at_bottom, button_of, drag, question, spot_of, talk, wheel
from ui.transcript import Transcript
from ui.transcript.blocks.code import CodePart
from ui.widgets.theme import DARK, LIGHT


def test_object_and_accessible_names(transcript):
    assert transcript.objectName() == "transcript"
    assert transcript.accessibleName()
    assert transcript.findChild(QToolButton, "jumpToNewestButton").accessibleName()


def test_an_empty_transcript_handles_keys_and_clicks(transcript):
    transcript.set_items([])
    for key in (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
        QTest.keyClick(transcript, key)
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    transcript.state.select_all()
    transcript.state.copy()
    transcript.grab()
    assert transcript.state.selected_text() == ""


def test_a_conversation_opens_at_its_end(transcript):
    transcript.set_items(talk(200))
    assert at_bottom(transcript)
    assert transcript.page.visible[-1][0] == 199
    assert len(transcript.page.views) < 60


def test_a_short_conversation_starts_at_the_top(transcript):
    transcript.set_items(talk(1))
    assert transcript.page.visible[0] == (0, 24.0)
    assert transcript.verticalScrollBar().maximum() == 0


def test_only_visible_messages_are_laid_out(transcript):
    transcript.set_items(talk(10_000))
    transcript.viewport().repaint()
    assert len(transcript.page.views) < 60


def test_scrolling_reaches_every_message_without_overlap(transcript):
    transcript.set_items(talk(60))
    seen = set()
    QTest.keyClick(transcript, Qt.Key.Key_Home)
    for _ in range(400):
        for (number, top), (following, below) in zip(
            transcript.page.visible, transcript.page.visible[1:], strict=False
        ):
            assert following == number + 1
            assert below == pytest.approx(top + transcript.page.heights[number])
        seen |= {number for number, _ in transcript.page.visible}
        if at_bottom(transcript):
            break
        QTest.keyClick(transcript, Qt.Key.Key_PageDown)
    assert seen == set(range(60))


def test_scrolling_is_exact_to_the_pixel(transcript):
    transcript.set_items(talk(300))
    transcript.scroll_to_item("150")
    for distance in (-37, 12, -300, -5, 64):
        places = dict(transcript.page.visible)
        transcript.state.scroll_by(distance)
        shared = [number for number, _ in transcript.page.visible if number in places]
        for number in shared:
            assert dict(transcript.page.visible)[number] == pytest.approx(places[number] - distance)


def test_wheel_and_touchpad_scroll(transcript):
    transcript.set_items(talk(100))
    places = dict(transcript.page.visible)
    wheel(transcript, pixels=7)
    assert dict(transcript.page.visible)[99] == places[99] + 7
    wheel(transcript, notches=1)
    assert dict(transcript.page.visible)[99] == pytest.approx(places[99] + 7 + 96)
    wheel(transcript, notches=-5)
    assert at_bottom(transcript)


def test_the_wheel_with_control_requests_a_zoom(transcript, qtbot):
    transcript.set_items(talk(4))
    for notches, step in ((1, 1), (-2, -1)):
        with qtbot.waitSignal(transcript.zoom_requested) as requested:
            wheel(transcript, notches=notches, modifiers=Qt.KeyboardModifier.ControlModifier)
        assert requested.args == [step]
    assert at_bottom(transcript)


def test_dragging_the_scroll_bar(transcript):
    transcript.set_items(talk(1000))
    bar = transcript.verticalScrollBar()
    for share in (0.5, 0.1, 0.9, 0, 1):
        bar.setValue(round(bar.maximum() * share))
        first = transcript.page.visible[0][0]
        assert abs(first / 1000 - share) < 0.1
    assert at_bottom(transcript)


def test_a_growing_answer_is_followed_only_from_the_bottom(transcript):
    jump = transcript.findChild(QToolButton, "jumpToNewestButton")
    transcript.set_items([*talk(20), answer("s", "", Status.STREAMING, actions=())])
    assert not jump.isVisible()
    for n in range(60):
        transcript.append_text("s", f"Paragraph {n}.\n\n")
    assert at_bottom(transcript)
    wheel(transcript, notches=3)
    places = transcript.page.visible[0]
    for n in range(60, 90):
        transcript.append_text("s", f"Paragraph {n}.\n\n")
    assert transcript.page.visible[0] == places
    assert jump.isVisible()
    edge = transcript.page.left + transcript.page.column
    assert edge - 120 > jump.geometry().right() or jump.x() >= edge, "it doesn't cover the buttons of code"
    QTest.mouseClick(jump, Qt.MouseButton.LeftButton)
    assert at_bottom(transcript)
    assert not jump.isVisible()


def test_appended_text_is_shown_at_once(transcript):
    transcript.set_items([answer("s", "", Status.STREAMING)])
    for word in ("A", "**few**", "words."):
        transcript.append_text("s", word + " ")
    assert transcript.page.items[0].content == "A **few** words. "
    assert transcript.page.view(0).parts[0].document.toPlainText() == "A few words."


def test_a_streamed_answer_ends_like_one_shown_at_once(transcript):
    text = "[x] and\n\n1. a\n2. b\n\n```py\ns = '''a\nb'''\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n[x]: https://a.b"
    transcript.set_items([answer("s", "", Status.STREAMING)])
    for character in text:
        transcript.append_text("s", character)
    transcript.update_item(answer("s", text))
    fresh = Transcript()
    fresh.resize(transcript.size())
    fresh.set_items([answer("s", text)])
    fresh.page.resize(900, 600)
    fresh.page.arrange()
    ours, theirs = transcript.page.view(0), fresh.page.view(0)
    assert [type(part) for part in ours.parts] == [type(part) for part in theirs.parts]
    assert [part.document.toHtml() for part in ours.parts] == [part.document.toHtml() for part in theirs.parts]
    assert ours.height == theirs.height
    fresh.deleteLater()


def test_the_waiting_line_is_shown_before_the_first_token(transcript):
    transcript.set_items([question("q"), answer("s", "", Status.STREAMING)])
    empty = transcript.grab().toImage()
    transcript.set_waiting("s", "Reading your question… 12 of 40 s")
    assert transcript.grab().toImage() != empty


def test_the_caret_is_animated_unless_motion_is_reduced(transcript, qtbot):
    transcript.set_items([answer("s", "Text", Status.STREAMING)])
    first = transcript.grab().toImage()
    qtbot.waitUntil(lambda: transcript.grab().toImage() != first)
    transcript.set_reduced_motion(True)
    still = transcript.grab().toImage()
    qtbot.wait(80)
    assert transcript.grab().toImage() == still
    transcript.set_reduced_motion(False)
    transcript.update_item(answer("s", "Text"))
    finished = transcript.grab().toImage()
    qtbot.wait(80)
    assert transcript.grab().toImage() == finished


def test_buttons_request_actions(transcript, qtbot):
    transcript.set_items(
        [
            question("q"),
            answer("a", "Half", Status.INTERRUPTED, note="It ended.", actions=("copy", "retry", "continue")),
        ]
    )
    for number, name, item_id in ((1, "continue", "a"), (1, "retry", "a"), (1, "copy", "a"), (0, "edit", "q")):
        with qtbot.waitSignal(transcript.action_requested) as requested:
            QTest.mouseClick(
                transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, number, f"action:{name}")
            )
        assert requested.args == [name, item_id]


def test_releasing_outside_a_button_does_nothing(transcript, qtbot):
    transcript.set_items([answer("a")])
    with qtbot.assertNotEmitted(transcript.action_requested):
        drag(transcript, button_of(transcript, 0, "action:retry"), QPoint(5, 5))


def test_code_is_copied_as_it_was_written(transcript):
    transcript.set_items([answer("a", "Text\n\n```py\n  x = 1\n\n\ty\n```")])
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, 0, "code:1"))
    assert QGuiApplication.clipboard().text() == "  x = 1\n\n\ty"


def test_clicking_a_link_activates_it_and_dragging_does_not(transcript, qtbot):
    transcript.set_items([answer("a")])
    spot = spot_of(transcript, 0, "a link", 2)
    with qtbot.waitSignal(transcript.link_activated) as activated:
        QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert activated.args == ["https://example.org/x"]
    with qtbot.assertNotEmitted(transcript.link_activated):
        drag(transcript, spot, spot + QPoint(120, 0))


def test_the_cursor_shape_follows_what_is_hovered(transcript):
    transcript.set_items([answer("a")])
    for spot, shape in (
        (spot_of(transcript, 0, "a link", 2), Qt.CursorShape.PointingHandCursor),
        (spot_of(transcript, 0, "Some", 1), Qt.CursorShape.IBeamCursor),
        (button_of(transcript, 0, "action:copy"), Qt.CursorShape.PointingHandCursor),
        (QPoint(3, 3), Qt.CursorShape.ArrowCursor),
    ):
        QTest.mouseMove(transcript.viewport(), spot)
        assert transcript.viewport().cursor().shape() == shape


@pytest.mark.qt_log_ignore("does not support raise")
def test_tooltips_of_buttons_and_links(transcript, qtbot):
    transcript.set_items([answer("a")])
    for spot, text in (
        (button_of(transcript, 0, "action:copy"), "Copy"),
        (spot_of(transcript, 0, "a link", 2), "https://example.org/x"),
    ):
        event = QHelpEvent(QEvent.Type.ToolTip, spot, transcript.viewport().mapToGlobal(spot))
        QApplication.sendEvent(transcript.viewport(), event)
        assert QToolTip.text() == text
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_selection_within_a_message_and_over_several(transcript):
    transcript.set_items([question("q", "First line\nsecond"), answer("a")])
    transcript.scroll_to_item("q")
    drag(transcript, spot_of(transcript, 0, "line"), spot_of(transcript, 0, "second", 3))
    assert transcript.state.selected_text() == "line\nsec"
    drag(transcript, spot_of(transcript, 0, "second"), spot_of(transcript, 1, "x = 1", 3))
    assert transcript.state.selected_text() == "second\n\nSome bold text with a link.\n\n• one\n• 第二项\n\nx ="
    drag(transcript, spot_of(transcript, 1, "bold", 4), spot_of(transcript, 0, "second"))
    QTest.keyClick(transcript, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "second\n\nSome bold"
    QTest.keyClick(transcript, Qt.Key.Key_Escape)
    assert transcript.state.selected_text() == ""


def test_double_click_selects_a_word_and_triple_click_the_paragraph(transcript):
    transcript.set_items([answer("a")])
    spot = spot_of(transcript, 0, "bold", 1)
    QTest.mouseDClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert transcript.state.selected_text() == "bold"
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert transcript.state.selected_text() == "Some bold text with a link."


def test_select_all_includes_messages_never_shown(transcript):
    transcript.set_items(talk(200))
    QTest.keyClick(transcript, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    text = transcript.state.selected_text()
    assert text.count("Some bold text") == 100
    assert text.startswith("Question 0\n\nSome bold")
    assert text.endswith("y = 2\n```\n\nEnd.")
    drawn, whole = transcript.page.view(1), transcript.page.view(101)
    assert drawn.body.text((0, 0), drawn.body.end) == whole.body.text((0, 0), whole.body.end)


def test_tables_are_copied_with_tabs(transcript):
    transcript.set_items([answer("a", "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | x |" for n in range(60)))])
    transcript.state.select_all()
    lines = transcript.state.selected_text().split("\n")
    assert lines[0] == "a\tb"
    assert lines[1:] == [f"{n}\tx" for n in range(60)]
    drag(transcript, spot_of(transcript, 0, "57"), spot_of(transcript, 0, "59", 1))
    assert transcript.state.selected_text() == "57\tx\n58\tx\n5"


def test_shift_click_extends_the_selection(transcript):
    transcript.set_items([answer("a")])
    drag(transcript, spot_of(transcript, 0, "Some"), spot_of(transcript, 0, "bold"))
    spot = spot_of(transcript, 0, "text")
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, spot)
    assert transcript.state.selected_text() == "Some bold "


def test_resizing_keeps_the_line_being_read(transcript, qtbot):
    transcript.set_items(
        [answer("a", "\n\n".join(f"Paragraph {n}: " + "words and more words " * 30 for n in range(60)))]
    )
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    transcript.scroll_to_item("a", "Paragraph 30:")
    qtbot.waitUntil(lambda: not transcript.finder.is_searching, timeout=60_000)
    line = spot_of(transcript, 0, "Paragraph 30:").y()
    wheel(transcript, pixels=-line + 10)
    transcript.resize(560, 600)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: not transcript.page.view(0).body.is_stale, timeout=60_000)
    assert abs(spot_of(transcript, 0, "Paragraph 30:").y()) < 40


def test_scrolling_to_a_match_marks_it(transcript):
    text = "\n\n".join(f"Paragraph {n}" for n in range(100))
    transcript.set_items([*talk(50), answer("x", text), *[question("z")]])
    transcript.scroll_to_item("x", "paragraph 77")
    assert 0 < spot_of(transcript, 50, "Paragraph 77").y() < 600
    marked = transcript.grab().toImage()
    transcript.scroll_to_item("x", "")
    transcript.scroll_to_item("nowhere", "x")
    assert transcript.grab().toImage() != marked


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_context_menu_copies_and_requests_actions(transcript, qtbot):
    transcript.set_items([answer("a")])
    transcript.show_menu(QPointF(spot_of(transcript, 0, "a link", 2)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.text().split("\t")[0]: action for action in menu.actions() if action.text()}
    assert "Copy" not in actions
    actions["Copy link address"].trigger()
    assert QGuiApplication.clipboard().text() == "https://example.org/x"
    actions["Copy message as Markdown"].trigger()
    assert QGuiApplication.clipboard().text() == ANSWER
    with qtbot.waitSignal(transcript.action_requested) as requested:
        actions["Try again"].trigger()
    assert requested.args == ["retry", "a"]
    actions["Select all"].trigger()
    assert transcript.state.selected_text()
    menu.close()


def test_changing_the_theme_repaints_everything(transcript):
    transcript.set_items(talk(4))
    for theme in (DARK, LIGHT):
        transcript.set_theme(theme)
        picture = transcript.grab().toImage()
        assert picture.pixelColor(4, 4) == QColor(theme.page)
        colours = Counter(picture.pixelColor(x, y).name() for x in range(0, 880, 3) for y in range(0, 600, 3))
        other = LIGHT if theme is DARK else DARK
        for role in ("page", "code_ground", "question"):
            # The edges of letters may have any colour between those of text and page.
            assert colours[getattr(theme, role)] > 100 > 10 * colours[getattr(other, role)]


class Shouting(QTranslator):
    """A language of capitals."""

    def translate(self, context, source, disambiguation=None, n=-1) -> str:
        return source.upper() if context == "TranscriptStrings" else ""

    def isEmpty(self) -> bool:
        return False


def test_changing_the_language_updates_labels(transcript, qapp):
    transcript.set_items([answer("a", "x", Status.STOPPED, note="n")])
    language = Shouting()
    qapp.installTranslator(language)
    QApplication.processEvents()
    assert transcript.state.strings.action("retry") == "TRY AGAIN"
    assert {button.label for button in transcript.page.view(0).buttons} >= {"TRY AGAIN"}
    qapp.removeTranslator(language)
    QApplication.processEvents()
    assert transcript.state.strings.action("retry") == "Try again"


def test_long_code_is_highlighted_in_steps(transcript, qtbot):
    text = "```python\n" + "\n".join(f"def f{n}(): return 'text {n}'" for n in range(600)) + "\n```"
    transcript.set_items([answer("a", text)])
    qtbot.waitUntil(lambda: not transcript.page.view(0).is_behind, timeout=60_000)
    (part,) = transcript.page.view(0).parts
    assert isinstance(part, CodePart)
    qtbot.waitUntil(lambda: not part.needs_highlight)
    assert part.document.toPlainText() == part.block.text
    last = part.document.lastBlock()
    colours = [each.format.foreground().color() for each in last.layout().formats()]
    assert QColor(LIGHT.code_string) in colours


def test_code_scrolls_sideways(transcript):
    transcript.set_items([answer("a", "```\n" + "x" * 400 + "\n```")])
    (part,) = transcript.page.view(0).parts
    wheel(transcript, across=-50, at=spot_of(transcript, 0, "x"))
    assert part.offset == 50


@pytest.mark.parametrize("thoughts", ["", "<think>\nThe user wants words.\nTwo lines of them.\n</think>\n\n"])
def test_partial_repaints_match_a_full_repaint(transcript, qtbot, thoughts):
    text = (
        thoughts
        + (
            "Words **and** `code`, 中文也要快。\n\n- one\n- two\n\n```python\nx = 'y'\nz = 2\n```\n\n"
            "| a | b |\n|---|---|\n| 1 | 2 |\n| a cell as wide as no other | 2 |\n\n> said\n\n## A part\n\n"
        )
        * 3
        + "```\nlast\n"
    )
    transcript.set_reduced_motion(True)
    transcript.set_items([*talk(6), answer("s", "", Status.STREAMING, actions=())])
    QApplication.processEvents()
    area = transcript.viewport().geometry()
    for at in range(0, len(text), 7):
        transcript.append_text("s", text[at : at + 7])
        QApplication.processEvents()
        on_the_screen = transcript.screen().grabWindow(transcript.winId()).toImage().copy(area)
        at_once = transcript.grab().toImage().copy(area)
        assert on_the_screen.convertToFormat(at_once.format()) == at_once, text[:at]


def test_a_part_of_an_answer_is_copied_as_markdown(transcript):
    rows = "\n".join(f"| {n} | x |" for n in range(60))
    transcript.set_items(
        [answer("a", f"Start.\n\n- one\n\n  ```py\n  x\n  ```\n\n- two\n\n> said\n\n| a | b |\n|---|--:|\n{rows}")]
    )
    body = transcript.page.view(0).body
    text = body.text((0, 1), body.end, markdown=True)
    assert text.startswith(
        "tart.\n\n- one\n\n    ```py\n    x\n    ```\n- two\n\n> said\n\n| a | b |\n|---|--:|\n| 0 | x |\n"
    )
    assert text.endswith("| 59 | x |")
    assert text.count("---") == 1
    last = len(body.parts) - 1
    assert body.text((last, 1), body.end, markdown=True).split("\n")[1] == "|---|--:|"


def test_footnotes_are_copied_with_their_numbers(transcript):
    transcript.set_items([answer("a", "One[^b][^a].\n\n[^a]: A\n[^b]: B")])
    body = transcript.page.view(0).body
    assert body.text((0, 0), body.end, markdown=True).split() == ["One[^1][^2].", "---", "[^1]:", "B", "[^2]:", "A"]


LONG_QUESTION = "\n".join(f"Line {n} of a long question." for n in range(60))


def test_a_long_question_is_folded_until_all_of_it_is_wanted(transcript):
    items = [question("q", LONG_QUESTION), answer("a", "Yes.")]
    transcript.set_items(items)
    transcript.state.show_message(0)
    folded = transcript.page.heights[0]
    (button,) = [each for each in transcript.page.view(0).buttons if each.key == "fold"]
    assert (button.name, transcript.page.view(0).bubble.contains(button.rect)) == ("Show more", True)
    assert folded < transcript.height() / 1.5
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, 0, "fold"))
    assert transcript.page.heights[0] > 60 * 20
    # Remembered while the program runs, also in another conversation and in other colours.
    transcript.set_items([question("other")])
    transcript.set_items(items)
    transcript.set_theme(DARK)
    assert not transcript.page.view(0).is_folded
    transcript.jump_to_newest()
    transcript.press(0, "fold")
    assert transcript.page.heights[0] == folded
    assert dict(transcript.page.visible)[0] >= 0
    transcript.set_items([question("q", LONG_QUESTION[:200])])
    assert not [each for each in transcript.page.view(0).buttons if each.key == "fold"]


def test_a_folded_question_is_copied_found_and_read_as_a_whole(transcript):
    transcript.set_items([question("q", LONG_QUESTION), answer("a", "Yes.")])
    transcript.state.select_all()
    assert transcript.state.selected_text() == f"{LONG_QUESTION}\n\nYes."
    transcript.scroll_to_item("q", "Line 3 ")
    assert transcript.page.view(0).is_folded
    transcript.scroll_to_item("q", "Line 50")
    assert not transcript.page.view(0).is_folded
    assert 0 < spot_of(transcript, 0, "Line 50").y() < transcript.height()
    transcript.press(0, "fold")
    transcript.state.set_focus(0)
    transcript.setFocus()
    QTest.keyClick(transcript, Qt.Key.Key_Escape)
    QTest.keyClick(transcript, Qt.Key.Key_F7)
    for _ in range(30):
        QTest.keyClick(transcript, Qt.Key.Key_Down)
    assert not transcript.page.view(0).is_folded


def test_fenced_code_of_a_question_looks_like_code_and_stays_as_it_was_typed(transcript):
    text = "See **this**:\n````py\nif x:\n\treturn  # ```\n````\nWhy?\n```\nopen"
    transcript.set_items([question("q", text)])
    (part,) = transcript.page.view(0).parts
    fence, code, after, last = (part.rect_of(text.index(each)) for each in ("````py", "if x", "Why?", "open"))
    head = part.rect_of(text.index("py\n"))
    assert head.x() - fence.x() < 1
    assert fence.x() == code.x() == last.x() > after.x() == 0
    assert part.style.line < after.top() - part.rect_of(text.index("\treturn")).bottom() < 2 * part.style.line
    mono = QFontMetricsF(part.style.code_font).horizontalAdvance("x")
    x, indented = (part.rect_of(text.index(each)).x() - code.x() for each in ("x:", "return"))
    assert (x, indented) == pytest.approx((3 * mono, 4 * mono), abs=0.5)
    block = part.document.findBlockByNumber(2)
    colours = {each.format.foreground().color().name() for each in block.layout().formats()}
    assert colours == {part.style.theme.code_keyword}
    transcript.state.select_all()
    assert transcript.state.selected_text() == text
    assert transcript.page.view(0).body.find("````py\nif") == {0: [(text.index("````py"), text.index(" x:"))]}


@pytest.mark.parametrize("text", ["مرحبا بالعالم", "المصطلح | ا", "نص ABC"])
def test_the_caret_is_beside_text_from_right_to_left(transcript, text):
    transcript.set_items([answer("s", text, Status.STREAMING)])
    view = transcript.page.view(0)
    (line,) = view.parts[0].line_rects(0, view.parts[0].length)
    assert view.caret_rect().right() < line.left()
    transcript.set_items([answer("t", f"{text}\n\n```\nx = 1\n", Status.STREAMING)])
    view = transcript.page.view(0)
    assert view.caret_rect().left() > view.body.rect_of(view.body.end).x()
