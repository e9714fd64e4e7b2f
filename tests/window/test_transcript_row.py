"""Decorations of a message: actions, versions, pin, attachments and divider."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app.conversation import Status
from tests.window.pages import answer, button_of, question, spot_of, talk
from ui.transcript.item import ACTIONS
from ui.transcript.style import MARGIN
from ui.widgets.theme import LIGHT

ALL = ("copy", "retry", "continue", "edit", "fork", "details", "export", "pin", "delete")


def keys(transcript, number: int = 0) -> list[str]:
    return [button.key for button in transcript.page.view(number).buttons]


def press(transcript, number: int, key: str) -> None:
    QTest.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=button_of(transcript, number, key))


def menu_of(transcript) -> dict[str, object]:
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    found = {action.text(): action for action in menu.actions() if action.text()}
    menu.close()
    return found


def test_only_offered_actions_have_buttons(transcript):
    transcript.set_items([answer("a", actions=()), answer("b", actions=("copy",)), answer("c", actions=ALL)])
    assert not [key for key in keys(transcript, 0) if key.startswith("action:")]
    assert [key for key in keys(transcript, 1) if key.startswith("action:")] == ["action:copy"]
    offered = [key for key in keys(transcript, 2) if key.startswith("action:")]
    assert offered == ["action:copy", "action:retry", "action:continue", "action:edit", "action:more"]


@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.parametrize("name", ["fork", "details", "export", "pin", "delete"])
def test_rare_actions_are_in_the_more_menu(transcript, qtbot, name):
    transcript.set_items([answer("a", actions=ALL)])
    press(transcript, 0, "action:more")
    actions = menu_of(transcript)
    assert list(actions) == [
        transcript.state.strings.action(each) for each in ("fork", "details", "export", "pin", "delete")
    ]
    with qtbot.waitSignal(transcript.action_requested) as requested:
        actions[transcript.state.strings.action(name)].trigger()
    assert requested.args == [name, "a"]


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_menu_of_a_message_has_the_order_of_its_other_menu(transcript):
    transcript.set_items([question("q", actions=("copy", "edit", "export", "pin", "delete", "remember"))])
    transcript.show_menu(spot_of(transcript, 0, "question").toPointF())
    menu = transcript.findChild(QMenu, "messageMenu")
    names = ("edit", "export", "remember", "pin", "delete")
    labels = [transcript.state.strings.action(name) for name in names]
    assert [action.text() for action in menu.actions() if action.text() in labels] == labels
    menu.close()


def test_every_action_has_a_label(transcript):
    assert all(transcript.state.strings.action(name) for name in ACTIONS)


def test_arrows_request_other_versions(transcript, qtbot):
    transcript.set_items([question("q"), answer("a", version=(2, 3), actions=("copy", "previous", "next"))])
    for name in ("previous", "next"):
        with qtbot.waitSignal(transcript.action_requested) as requested:
            press(transcript, 1, f"action:{name}")
        assert requested.args == [name, "a"]


def test_arrows_keep_their_place_at_the_first_version(transcript):
    transcript.set_items([answer("a", version=(2, 3), actions=("previous", "next"))])
    middle = button_of(transcript, 0, "action:next")
    transcript.set_items([answer("b", version=(1, 3), actions=("next",))])
    assert button_of(transcript, 0, "action:next") == middle
    assert "action:previous" not in keys(transcript)


@pytest.mark.parametrize("make", [question, answer])
def test_actions_keep_their_order_and_those_of_answers_their_places_beside_versions(transcript, make):
    names = ("copy", "edit", "fork", "pin") if make is question else ("copy", "retry", "fork", "pin")
    shown = [f"action:{name}" for name in (*names[:2], "more")]
    transcript.set_items([make("a", actions=names)])
    before = [button_of(transcript, 0, key) for key in shown]
    assert [point.x() for point in before] == sorted(point.x() for point in before)
    transcript.set_items([make("a", actions=(*names, "previous", "next"), version=(2, 3))])
    after = [button_of(transcript, 0, key) for key in shown]
    if make is answer:
        assert after == before
    else:
        # What is always shown is below the end of the question.
        shift = before[0].x() - after[0].x()
        assert [point.x() for point in after] == [point.x() - shift for point in before]
        assert abs(button_of(transcript, 0, "action:next").x() - before[-1].x()) < 12


def test_another_version_is_shown_in_the_same_place(transcript):
    items = talk(40)
    items[21] = answer("21", "\n\n".join(["Some words."] * 30), version=(1, 2), actions=("next",))
    transcript.set_items(items)
    transcript.scroll_to_item("21")
    transcript.state.scroll_by(500)
    top = dict(transcript.page.visible)[21]
    transcript.press(21, "action:next")
    items[21:] = [answer("other", "\n\n".join(["Other words."] * 40), version=(2, 2), actions=("previous",))]
    transcript.set_items(items)
    assert dict(transcript.page.visible)[21] == top
    assert not transcript.page.following


def test_refreshing_the_conversation_keeps_the_scroll_position(transcript):
    transcript.set_items(talk(40))
    transcript.scroll_to_item("20")
    before = transcript.page.visible
    transcript.set_items(talk(40))
    assert transcript.page.visible == before
    transcript.set_items([question("other"), *talk(40)])
    assert transcript.page.following


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)", extend=True)
def test_a_pinned_message_shows_a_pin_that_unpins(transcript, qtbot):
    transcript.set_items([answer("a", actions=ALL), answer("b", actions=ALL, is_pinned=True)])
    assert "action:pin" not in keys(transcript, 0)
    (pin,) = [button for button in transcript.page.view(1).buttons if button.key == "action:pin"]
    assert pin.always
    assert pin.tip == transcript.state.strings.unpin
    press(transcript, 1, "action:more")
    menu = transcript.findChild(QMenu, "moreMenu")
    assert transcript.state.strings.unpin in [each.text() for each in menu.actions()]
    menu.close()
    with qtbot.waitSignal(transcript.action_requested) as requested:
        press(transcript, 1, "action:pin")
    assert requested.args == ["pin", "b"]


def test_attachments_are_chips_above_the_question(transcript, qtbot):
    names = tuple(f"a file with quite a long name {n}.txt · {n} tokens" for n in range(4))
    transcript.set_items([question("q", attachments=names)])
    view = transcript.page.view(0)
    chips = [button for button in view.buttons if button.key.startswith("action:attachment")]
    assert [chip.label for chip in chips] == list(names)
    assert all(chip.always and chip.rect.bottom() < view.bubble.top() for chip in chips)
    assert all(chip.rect.left() >= 0 and chip.rect.right() <= view.width for chip in chips)
    with qtbot.waitSignal(transcript.action_requested) as requested:
        press(transcript, 0, "action:attachment:2")
    assert requested.args == ["attachment:2", "q"]


def test_the_divider_is_painted_above_a_message(transcript):
    plain = [question("a"), question("b")]
    transcript.set_items(plain)
    height = transcript.page.heights[1]
    transcript.set_items([question("a"), question("b", divider="The model no longer sees the messages above")])
    assert transcript.page.heights[1] > height + 30
    top = round(dict(transcript.page.visible)[1])
    picture = transcript.viewport().grab().toImage()
    left = round(transcript.page.left) + 4
    assert any(picture.pixelColor(left, y) == QColor(LIGHT.edge) for y in range(top, top + 60))


def test_a_stopped_answer_suggests_to_continue(transcript):
    actions = tuple(name for name in ALL if name != "edit")
    transcript.set_items([answer("a", "Half", Status.STOPPED, note="Stopped.", actions=actions)])
    labels = [button.label for button in transcript.page.view(0).buttons if button.label]
    assert labels == ["Continue", "Try again"]
    # In the middle of a conversation they are small, like those of any other answer.
    stopped = answer("a", "Half", Status.STOPPED, note="Stopped.", actions=actions, is_last=False)
    transcript.set_items([stopped, question("b")])
    assert [button.label for button in transcript.page.view(0).buttons if button.label] == []
    assert {"action:continue", "action:retry"} <= {button.key for button in transcript.page.view(0).buttons}


@pytest.mark.parametrize("size", [11, 15, 22, 30])
@pytest.mark.parametrize("width", [340, 700, 1920])
def test_buttons_stay_in_the_column_at_any_size(transcript, size, width):
    transcript.resize(width, 600)
    transcript.set_theme(LIGHT, size)
    transcript.set_items(
        [
            question("q", "Why?", version=(1, 2), attachments=("one.txt · 12 tokens", "two.txt")),
            answer("a", version=(1, 2), is_pinned=True, divider="Not seen any more", actions=ALL),
            answer("b", "Half", Status.STOPPED, note="It was stopped. " * 6, actions=("copy", "retry", "continue")),
        ]
    )
    for number in range(3):
        view = transcript.page.view(number)
        for button in view.buttons:
            assert button.rect.left() >= -MARGIN
            assert button.rect.right() <= view.width + MARGIN, button.key
    transcript.grab()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_context_menu_contains_all_actions(transcript, qtbot):
    transcript.set_items([answer("a", actions=ALL)])
    transcript.show_menu(button_of(transcript, 0, "code:1").toPointF() + QPoint(0, 30))
    actions = menu_of(transcript)
    for name in ALL[1:]:
        with qtbot.waitSignal(transcript.action_requested) as requested:
            actions[transcript.state.strings.action(name)].trigger()
        assert requested.args == [name, "a"]


@pytest.mark.parametrize("make", [question, answer])
def test_a_pin_moves_no_other_button_and_leaves_no_gap(transcript, make):
    names = ("copy", "edit", "fork", "pin", "delete", *(("next",) if make is answer else ()))
    more = {"version": (1, 2)} if make is answer else {}
    transcript.set_items([make("a", actions=names, **more)])
    shown = [key for key in keys(transcript) if key.startswith("action:")]
    before = [button_of(transcript, 0, key) for key in shown]
    transcript.set_items([make("a", actions=names, is_pinned=True, **more)])
    assert [button_of(transcript, 0, key) for key in shown] == before
    assert all(button.always for button in transcript.page.view(0).buttons)


def test_the_actions_before_versions_are_always_shown(transcript):
    transcript.set_items([answer("a", actions=("copy", "retry", "next"), version=(1, 2)), answer("b")])
    assert all(button.always for button in transcript.page.view(0).buttons)
    assert not any(
        button.always for button in transcript.page.view(1).buttons if button.key in ("action:copy", "action:retry")
    )


def test_a_question_of_attachments_alone_has_no_bubble(transcript):
    transcript.set_items([question("q", "", attachments=("one.txt · 12 tokens",)), question("r", "Why?")])
    view = transcript.page.view(0)
    chip = next(button for button in view.buttons if button.key == "action:attachment:0")
    assert view.bubble.bottom() == view.text_bottom == chip.rect.bottom()
