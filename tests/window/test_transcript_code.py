"""Buttons of code and tables: the head that stays in view, wrapped lines, numbers of lines, files, tables as CSV."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.conversation import Status
from tests.window.conftest import OpenWindow
from tests.window.models.page import pick_in_file_dialog
from tests.window.pages import answer, at_bottom, button_of, spot_of, wheel
from ui.transcript.blocks.code import NUMBERED_LINES
from ui.widgets.theme import LIGHT

LINES = [f"value_{n} = compute({n}, 'a text', another='one')" for n in range(60)]
LONG = "Text.\n\n```python\n" + "\n".join(LINES) + "\n```\n\n" + "After it.\n\n" * 30
WIDE = "```python\nx = [" + "1, " * 200 + "]\n```\n\n"
TABLE = '| Name | Value |\n|---|--:|\n| a, "b" | 1<br>2 |\n| **二** | x \\| y |\n'


def click(transcript, key: str) -> None:
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, 0, key))


def keys(transcript) -> list[str]:
    return [button.key for button in transcript.page.view(0).buttons if not button.key.startswith("action:")]


def scroll_to_line(transcript, number: int) -> None:
    wheel(transcript, pixels=-spot_of(transcript, 0, LINES[number]).y())


def picture(transcript) -> QImage:
    return transcript.viewport().grab().toImage()


def test_the_head_of_code_stays_in_view_while_the_code_is_scrolled(transcript):
    transcript.set_items([answer("a", LONG)])
    transcript.state.show_message(0)
    at_top = button_of(transcript, 0, "code:1")
    scroll_to_line(transcript, 30)
    held = button_of(transcript, 0, "code:1")
    assert (held.x(), 0 < held.y() < transcript.page.view(0).style.code_head) == (at_top.x(), True)
    inside, language = QPoint(held.x(), 3), QPoint(round(transcript.page.left), 2)
    assert picture(transcript).pixelColor(inside) == QColor(LIGHT.code_ground)
    assert picture(transcript).pixelColor(language + QPoint(1, 0)) == QColor(LIGHT.code_ground)
    click(transcript, "code:1")
    assert QGuiApplication.clipboard().text() == "\n".join(LINES)
    # At the end of the code its head leaves with the last line, and returns to its place.
    scroll_to_line(transcript, 59)
    wheel(transcript, pixels=-20)
    assert button_of(transcript, 0, "code:1").y() < 0
    transcript.state.show_message(0)
    assert button_of(transcript, 0, "code:1") == at_top


def test_the_held_head_is_painted_over_code_that_is_being_written(transcript):
    text = LONG[: LONG.index(LINES[50])]
    transcript.set_items([answer("s", text, Status.STREAMING)])
    transcript.set_reduced_motion(True)
    QApplication.processEvents()
    assert at_bottom(transcript)
    for line in LINES[50:55]:
        transcript.append_text("s", line + "\n")
        QApplication.processEvents()
    before = picture(transcript)
    transcript.viewport().repaint()
    assert before == picture(transcript)
    assert button_of(transcript, 0, "code:1").y() > 0


def test_long_lines_are_wrapped_on_request_in_all_code(transcript):
    transcript.set_items([answer("a", WIDE * 2 + "```py\nshort\n```")])
    assert keys(transcript) == ["wrap:0", "save:0", "code:0", "wrap:1", "save:1", "code:1", "save:2", "code:2"]
    first, second, _ = parts = transcript.page.view(0).parts
    heights = [part.height for part in parts]
    chosen: list[bool] = []
    transcript.wrapping_changed.connect(chosen.append)
    click(transcript, "wrap:0")
    assert (first.overflow, second.overflow) == (0, 0)
    assert first.height > 2 * heights[0]
    assert second.y == first.y + first.height + 14
    scrolled = spot_of(transcript, 0, "1, ]").x()
    assert transcript.page.left < scrolled < transcript.page.left + transcript.page.column
    transcript.set_theme(LIGHT, 20)
    assert [key for key in keys(transcript) if key.startswith("wrap")] == ["wrap:0", "wrap:1"]
    transcript.set_theme(LIGHT)
    click(transcript, "wrap:1")
    assert [part.height for part in transcript.page.view(0).parts] == heights
    assert chosen == [True, False]
    transcript.set_wraps_code(True)
    assert (first.overflow, second.overflow) == (0, 0)


def test_wrapping_keeps_the_line_that_is_being_read(transcript):
    transcript.set_items([answer("a", WIDE * 3 + LONG)])
    transcript.scroll_to_item("a", LINES[30])
    scroll_to_line(transcript, 30)
    before = spot_of(transcript, 0, LINES[30]).y()
    transcript.press(0, "wrap:0")
    assert abs(spot_of(transcript, 0, LINES[30]).y() - before) <= 1


def test_long_code_has_numbers_that_are_not_copied(transcript):
    def gutter(text: str) -> float:
        transcript.set_items([answer("a", text)])
        (part,) = transcript.page.view(0).parts
        return part.inner.x()

    code = "\n".join(f"x{n}" for n in range(NUMBERED_LINES))
    plain = gutter("```python\nx = 1\n```")
    assert gutter(f"```python\n{code}\n```") > plain + 20
    (part,) = transcript.page.view(0).parts
    top = transcript.page.visible[0][1] + part.y + part.style.code_head
    image, left = picture(transcript), round(transcript.page.left)
    colours = {
        image.pixelColor(x, y).name()
        for x in range(left, left + round(part.inner.x()) - 4)
        for y in range(round(top), round(top) + part.style.code_line)
    }
    assert len(colours) > 1, "no number is painted"
    transcript.state.select_all()
    assert transcript.state.selected_text().strip() == f"```python\n{code}\n```"
    assert gutter(f"```\n{code}\n```") == gutter(f"```text\n{code}\n```") == plain


def test_numbers_that_appear_move_all_lines_of_growing_code(transcript):
    transcript.set_items([answer("s", "```python\n", Status.STREAMING)])
    transcript.set_reduced_motion(True)
    for n in range(NUMBERED_LINES + 2):
        transcript.append_text("s", f"x{n} = {n}\n")
        QApplication.processEvents()
    before = picture(transcript)
    transcript.viewport().repaint()
    assert before == picture(transcript)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_table_is_copied_in_other_formats(transcript, qtbot):
    many = "| c |" + " c |" * 49 + "\n" + "|---|" + "---|" * 49 + "\n" + "| 1 |" + " 2 |" * 49 + "\n"
    transcript.set_items([answer("a", f"{TABLE}\n\n{many}")])

    def menu(key: str) -> dict[str, object]:
        click(transcript, key)
        opened = QApplication.activePopupWidget()
        assert isinstance(opened, QMenu)
        actions = {action.text(): action for action in opened.actions()}
        opened.close()
        return actions

    actions, clipboard = menu("table:0"), QGuiApplication.clipboard()
    actions["Copy as CSV"].trigger()
    assert clipboard.text() == 'Name,Value\r\n"a, ""b""","1\n2"\r\n二,x | y\r\n'
    assert transcript.state.done == (0, "table:0")
    actions["Copy as Markdown"].trigger()
    assert clipboard.text() == '| Name | Value |\n|---|--:|\n| a, "b" | 1<br>2 |\n| **二** | x \\| y |'
    actions["Copy for a spreadsheet"].trigger()
    assert clipboard.text() == 'Name\tValue\na, "b"\t1 2\n二\tx | y'
    with qtbot.waitSignal(transcript.save_requested) as requested:
        actions["Save as CSV…"].trigger()
    assert requested.args == ["table.csv", 'Name,Value\r\n"a, ""b""","1\n2"\r\n二,x | y\r\n']
    # Also the columns that are not shown.
    menu("table:1")["Copy as CSV"].trigger()
    assert clipboard.text().splitlines()[1].count("2") == 49


def test_the_buttons_of_code_and_tables_are_reached_by_keyboard_and_named(transcript):
    transcript.set_items([answer("a", f"{WIDE}{TABLE}")])
    transcript.state.set_focus(0)
    seen = []
    while transcript.keyboard.walk(1) and not transcript.state.focused_key.startswith("action:"):
        target = transcript.state.focused_target()
        seen.append((target.key, target.name))
    assert seen == [
        ("wrap:0", "Wrap long lines in all code"),
        ("save:0", "Save code as a file…"),
        ("code:0", "Copy code"),
        ("table:1", "Copy or save table"),
    ]


def test_code_and_tables_are_saved_as_files(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    store = window.controller.services.store
    conversation = store.create(title="Code", system_prompt="")
    _, made = store.begin_turn(conversation.id, "Write it")
    store.finish_answer(made.id, "```python\n# src/tool.py\nprint('中文')\n```", Status.COMPLETE)
    window.controller.conversation.open(conversation.id)
    transcript = window.controller.transcript
    transcript.press(1, "save:0")
    target = tmp_path / "tool.py"
    pick_in_file_dialog(qtbot, window, target)
    qtbot.waitUntil(target.exists)
    assert target.read_text("utf-8") == "# src/tool.py\nprint('中文')\n"
    assert window.notice.text() == f"Saved as {target}."
    transcript.save_requested.emit("table.csv", "一\r\n")
    table = tmp_path / "table.csv"
    pick_in_file_dialog(qtbot, window, table)
    qtbot.waitUntil(table.exists)
    assert table.read_bytes() == b"\xef\xbb\xbf\xe4\xb8\x80\r\n"
