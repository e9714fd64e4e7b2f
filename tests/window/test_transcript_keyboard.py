"""The transcript by keyboard: moving between messages and their buttons, selecting with a caret, copying."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QVBoxLayout, QWidget

from tests.window.pages import ANSWER, answer, at_bottom, question, spot_of, talk
from ui.transcript import Transcript
from ui.widgets.theme import LIGHT

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


def key(transcript, which: str, how: Qt.KeyboardModifier = NONE, times: int = 1) -> None:
    for _ in range(times):
        QTest.keyClick(transcript, Qt.Key[f"Key_{which}"], how)


@pytest.fixture
def focused(transcript, qtbot):
    with qtbot.waitActive(transcript):
        transcript.activateWindow()
    transcript.setFocus()
    return transcript


def test_ctrl_up_and_down_move_between_messages(focused):
    focused.set_items(talk(60))
    key(focused, "Up", CTRL)
    assert focused.state.focused_message == 59
    for expected in range(58, 30, -1):
        key(focused, "Up", CTRL)
        assert focused.state.focused_message == expected
        top = dict(focused.page.visible)[expected]
        assert 0 <= top < focused.page.height
    key(focused, "Down", ALT)
    assert focused.state.focused_message == 32
    key(focused, "Home")
    key(focused, "Down", CTRL)
    assert focused.state.focused_message == 0
    key(focused, "End")
    assert at_bottom(focused)


def test_the_focused_message_is_marked(focused):
    focused.set_items(talk(4))
    before = focused.viewport().grab().toImage()
    key(focused, "Up", CTRL, 3)
    assert focused.state.focused_message == 1
    picture = focused.viewport().grab().toImage()
    assert picture != before
    bar = round(focused.page.left) - 15
    assert any(picture.pixelColor(bar, y) == QColor(LIGHT.accent) for y in range(picture.height()))


def test_left_and_right_move_between_buttons_and_links(focused, qtbot):
    focused.set_items([answer("a", ANSWER, actions=("copy", "retry"))])
    key(focused, "Up", CTRL)
    seen = []
    for _ in range(7):
        key(focused, "Right")
        seen.append(focused.state.focused_key)
    assert seen == ["link:0:20", "save:1", "code:1", "action:copy", "action:retry", "action:retry", "action:retry"]
    with qtbot.waitSignal(focused.action_requested) as requested:
        key(focused, "Return")
    assert requested.args == ["retry", "a"]
    key(focused, "Left", times=4)
    with qtbot.waitSignal(focused.link_activated) as activated:
        key(focused, "Space")
    assert activated.args == ["https://example.org/x"]
    key(focused, "Right", times=2)
    key(focused, "Enter")
    assert QGuiApplication.clipboard().text() == "x = 1\ny = 2"


def test_tab_moves_through_the_message_and_leaves(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    before, transcript, after = QLineEdit(), Transcript(), QLineEdit()
    for each in (before, transcript, after):
        column.addWidget(each)
    window.resize(800, 600)
    with qtbot.waitActive(window):
        window.show()
    transcript.set_items([answer("a", "Text", actions=("copy", "retry"))])
    before.setFocus()
    QTest.keyClick(before, Qt.Key.Key_Tab)
    assert (transcript.hasFocus(), transcript.state.focused_message, transcript.state.focused_key) == (True, 0, "")
    for expected in ("action:copy", "action:retry"):
        key(transcript, "Tab")
        assert transcript.state.focused_key == expected
    key(transcript, "Tab")
    assert after.hasFocus()
    QTest.keyClick(after, Qt.Key.Key_Backtab)
    assert transcript.hasFocus()
    assert transcript.state.focused_key == "action:retry"


def test_shift_selects_from_the_beginning_of_the_message(focused):
    focused.set_items([question("q", "First line\nsecond"), answer("a")])
    key(focused, "Up", CTRL, 2)
    key(focused, "Right", SHIFT, 5)
    assert focused.state.selected_text() == "First"
    key(focused, "Right", SHIFT | CTRL)
    assert focused.state.selected_text() == "First "
    key(focused, "Down", SHIFT)
    assert focused.state.selected_text().startswith("First line\nsec")
    key(focused, "Down", SHIFT)
    assert focused.state.selected_text().startswith("First line\nsecond\n\nSome b")
    key(focused, "End", SHIFT | CTRL)
    assert focused.state.selected_text().endswith("y = 2\n```\n\nEnd.")
    key(focused, "Left", SHIFT, 4)
    assert focused.state.selected_text().endswith("y = 2\n```")
    key(focused, "Escape")
    assert focused.state.selected_text() == ""


def test_shift_extends_a_selection_of_the_mouse(focused):
    focused.set_items([answer("a")])
    QTest.mouseDClick(focused.viewport(), Qt.MouseButton.LeftButton, pos=spot_of(focused, 0, "bold", 1))
    key(focused, "Right", SHIFT, 5)
    assert focused.state.selected_text() == "bold text"


def test_caret_browsing(focused):
    focused.set_items([answer("a")])
    key(focused, "Up", CTRL)
    key(focused, "F7")
    key(focused, "Right", times=5)
    key(focused, "Right", SHIFT, 4)
    assert focused.state.selected_text() == "bold"
    key(focused, "Home")
    key(focused, "End", SHIFT)
    assert focused.state.selected_text() == "Some bold text with a link."
    key(focused, "Escape", times=2)
    assert not focused.keyboard.browsing


def test_the_caret_stays_on_the_screen(focused):
    focused.set_items([answer("a", "\n\n".join(f"Paragraph {n}" for n in range(200)))])
    key(focused, "Home")
    key(focused, "F7")
    key(focused, "Down", times=60)
    number, *place = focused.keyboard.caret
    y = focused.page.view(number).body.rect_of(tuple(place)).y() + dict(focused.page.visible)[number]
    assert 0 < y < focused.page.height


def test_the_caret_moves_over_surrogate_pairs_in_one_step(focused):
    focused.set_items([question("q", "a😀b")])
    key(focused, "Up", CTRL)
    key(focused, "Right", SHIFT, 2)
    assert focused.state.selected_text() == "a😀"


def test_copying_a_message_as_text_and_as_markdown(focused):
    focused.set_items([question("q"), answer("a")])
    key(focused, "Up", CTRL)
    key(focused, "C", CTRL)
    assert QGuiApplication.clipboard().text().startswith("Some bold text with a link.")
    key(focused, "C", CTRL | SHIFT)
    assert QGuiApplication.clipboard().text() == ANSWER
    key(focused, "A", CTRL)
    key(focused, "C", CTRL | SHIFT)
    assert QGuiApplication.clipboard().text() == f"A question?\n\n{ANSWER}"


def test_copying_part_of_a_message_as_markdown(focused):
    source = (
        "## A **title**\n\nSome *slanted* and `code`, [a link](https://a.b/c).\n\n1. one\n2. two\n   - deep\n\n"
        "> said\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```py\nx = 1\n```\n\nEnd."
    )
    focused.set_items([answer("a", source)])
    key(focused, "Up", CTRL)
    key(focused, "End", SHIFT | CTRL)
    key(focused, "Left", SHIFT)
    key(focused, "C", CTRL | SHIFT)
    assert QGuiApplication.clipboard().text() == (
        "## A **title**\n\nSome *slanted* and `code`, [a link](https://a.b/c).\n\n1. one\n2. two\n    - deep\n\n"
        "> said\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```py\nx = 1\n```\n\nEnd"
    )


def test_escape_is_left_to_the_window_without_focus_or_selection(focused):
    focused.set_items([answer("a")])

    def is_kept(which: Qt.Key) -> bool:
        override = QKeyEvent(QEvent.Type.ShortcutOverride, which, NONE)
        override.ignore()
        QApplication.sendEvent(focused, override)
        return override.isAccepted()

    assert not is_kept(Qt.Key.Key_Escape)
    focused.state.select_all()
    assert is_kept(Qt.Key.Key_Escape)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_menu_key_opens_the_menu_at_the_focus(focused):
    focused.set_items([answer("a")])
    key(focused, "Up", CTRL)
    key(focused, "Right")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0), NONE)
    QApplication.sendEvent(focused, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text() for action in menu.actions()]
    menu.close()
    assert "Copy link address" in texts
    assert focused.state.strings.action("retry") in texts
