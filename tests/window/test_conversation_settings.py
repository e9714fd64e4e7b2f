"""Settings of one conversation: system prompt, sampling, context policy; presets applied, saved, reset."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from app.config.presets import BUILT_IN, ConversationOverrides, Presets
from app.context import ContextPolicy
from app.conversation import Message, Role
from app.sampling import changed_samplers
from tests.rigs.tiny_model import write_tiny_model
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS, branch, find, send, wait_for_answer, wait_for_words
from ui.conversation.settings_panel import ConversationSettings
from ui.settings.page import SettingsPage
from ui.widgets.parameter_form import sampling_parameters
from ui.window.main_window import MainWindow


@pytest.fixture
def window(open_window: OpenWindow, tiny_model: Path) -> MainWindow:
    made = open_window()
    made.controller.models.use(str(tiny_model))
    made.controller.services.settings.change(max_tokens=3, titles_by_model=False)
    return made


def opened(qtbot: QtBot, window: MainWindow) -> ConversationSettings:
    with qtbot.waitActive(window):
        window.activateWindow()
    keys = QKeySequence("Ctrl+Shift+S")[0]
    qtbot.keyClick(window.composer.field, keys.key(), keys.keyboardModifiers())
    return panel(window)


def panel(window: MainWindow) -> ConversationSettings:
    """The panel that is shown; one before it is deleted later."""
    shown = window.controller._conversation_settings
    assert shown is not None
    assert shown.isVisible()
    return shown


def begin_of_answer(qtbot: QtBot, window: MainWindow) -> Message:
    """A preset sets no limit, and the tiny model ends only with its context."""
    wait_for_words(qtbot, window, 3)
    window.controller.conversation.session.stop()
    return wait_for_answer(qtbot, window)


def close(qtbot: QtBot, window: MainWindow, dialog: ConversationSettings) -> None:
    dialog.close_button.setFocus()
    qtbot.keyClick(dialog.close_button, Qt.Key.Key_Escape)
    assert window.panel.isHidden()
    assert window.composer.field.hasFocus()


def choose(dialog: ConversationSettings, name: str) -> None:
    picker = dialog.presets.picker
    picker.setCurrentIndex(picker.findText(name))


def action(dialog: ConversationSettings, beginning: str):
    dialog.presets.menu.aboutToShow.emit()
    return next(each for each in dialog.presets.menu.actions() if each.text().startswith(beginning))


def name_it(qtbot: QtBot, name: str) -> None:
    asked = next(each for each in QApplication.topLevelWidgets() if isinstance(each, QInputDialog) and each.isVisible())
    line = asked.findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, name)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def test_overrides_apply_to_their_conversation_only(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    wait_for_answer(qtbot, window)
    dialog = opened(qtbot, window)
    assert not dialog.default_sampling.isVisible()
    temperature = dialog.sampling.controls["temperature"]
    temperature.selectAll()
    # A decimal comma is as good as a point.
    qtbot.keyClicks(temperature, "1,25")
    qtbot.keyClick(temperature, Qt.Key.Key_Return)
    dialog.sampling.controls["max_tokens"].set_value(7)
    dialog.sampling.controls["max_tokens"].field.setValue(8)
    dialog.context_policy.setCurrentIndex(dialog.context_policy.findData(ContextPolicy.ROLL))
    dialog.system_prompt.setPlainText("Answer in rhymes.")
    close(qtbot, window, dialog)
    store = window.controller.services.store
    conversation = store.get(window.controller.conversation.session.conversation_id)
    assert conversation.sampling is not None
    assert conversation.sampling.temperature == 1.25
    assert conversation.context_policy is ContextPolicy.ROLL
    assert conversation.system_prompt == "Answer in rhymes."

    send(qtbot, window, "again")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.sampling.temperature == 1.25
    assert answer.provenance.completion_tokens == 8
    window.controller.conversation.open(None)
    send(qtbot, window, "elsewhere")
    other = wait_for_answer(qtbot, window)
    assert other.provenance is not None
    assert other.provenance.completion_tokens == 3


def test_all_samplers_are_in_groups_behind_the_simple_ones(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    assert list(dialog.sampling.controls) == ["temperature", "top_p", "max_tokens", "stop"]
    assert not dialog.samplers.isVisible()
    dialog.more.click()
    assert [label.text() for label in dialog.samplers.headings] == [
        "Against repetition",
        "More variety",
        "Controlled probability",
    ]
    # No label is too wide for the panel.
    qtbot.waitUntil(lambda: dialog.samplers.isVisible() and dialog.samplers.height() > 500)
    area = dialog.findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
    controls = dialog.samplers.controls
    assert {*controls, *dialog.sampling.controls} == {*sampling_parameters()}
    controls["dry_multiplier"].setValue(0.8)
    controls["xtc_probability"].setValue(0.5)
    controls["mirostat"].setCurrentIndex(controls["mirostat"].findData(2))
    session = window.controller.conversation.session
    stored = session.overrides().sampling
    assert stored is not None
    changed = {"dry_multiplier": 0.8, "xtc_probability": 0.5, "mirostat": 2}
    assert changed_samplers(stored) == changed
    close(qtbot, window, dialog)
    send(qtbot, window, "hello")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert changed_samplers(answer.provenance.sampling) == changed
    window.controller.transcript.action_requested.emit("details", answer.id)
    details = find(window, "detailsDialog").as_text()
    assert "DRY multiplier: 0.8" in details
    assert "XTC threshold" not in details


def test_the_panel_follows_the_open_conversation(window: MainWindow, qtbot: QtBot) -> None:
    controller = window.controller
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window).conversation_id
    opened(qtbot, window).system_prompt.setPlainText("Only in the first.")
    # What was typed just before belongs to the conversation where it was typed.
    controller.conversation.open(None)
    assert panel(window).system_prompt.toPlainText() == ""
    choose(panel(window), "Code")
    assert window.composer.preset_button.text() == "Code"
    assert window.composer.preset_button.isVisible()
    # The memory and the tools are chosen beside a preset.
    panel(window).memory.setChecked(False)
    assert panel(window).presets.picker.currentText() == window.composer.preset_button.text() == "Code"
    assert action(panel(window), "Replace existing preset")
    controller.conversation.open(None)
    assert panel(window).presets.picker.currentText() == "None"
    assert not window.composer.preset_button.isVisible()
    controller.conversation.open(first)
    assert panel(window).system_prompt.toPlainText() == "Only in the first."
    assert not window.composer.preset_button.isVisible()
    qtbot.mouseClick(window.header.settings_button, Qt.MouseButton.LeftButton)
    assert window.panel.isHidden()
    controller.conversation.overrides.apply_preset(controller.services.presets.list(QCoreApplication.translate)[0])
    qtbot.mouseClick(window.composer.preset_button, Qt.MouseButton.LeftButton)
    assert panel(window).presets.picker.currentText() == "Mathematics"
    window.notice.button.click()
    assert panel(window).presets.picker.currentText() == "None"
    assert panel(window).system_prompt.toPlainText() == "Only in the first."


def test_a_long_name_of_a_model_does_not_narrow_what_is_beside_the_conversation(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.resize(1000, 700)
    opened(qtbot, window)
    settings, button = window.controller.services.settings.current, window.header.model_button
    for name in ("Short", "A long name of a model & its server " * 4):
        window.header.set_model(name, "")
        assert (window.sidebar.width(), window.panel.width()) == (settings.sidebar_width, settings.panel_width)
        assert button.geometry().right() < window.header.settings_button.x()
        assert button.text().endswith("…") == (name != "Short")
        assert button.toolTip().startswith(name)
        assert button.fontMetrics().horizontalAdvance(button.text()) < button.width()


def test_the_panel_keeps_its_width_and_is_over_a_narrow_window(
    window: MainWindow, qtbot: QtBot, open_window: OpenWindow
) -> None:
    window.resize(1300, 700)
    # A sidebar that was dragged keeps its width.
    sidebar, centre, _ = window._splitter.sizes()
    window._splitter.setSizes([sidebar + 12, centre - 12, 0])
    width = window.sidebar.width()
    shown = opened(qtbot, window)
    assert window.sidebar.width() == width
    close(qtbot, window, shown)
    assert window.sidebar.width() == width
    shown = opened(qtbot, window)
    assert window.sidebar.width() == width
    assert window.panel.width() == window.controller.services.settings.current.panel_width == 340
    assert window.pages.width() > 500
    sizes = window._splitter.sizes()
    window._splitter.setSizes([sizes[0], sizes[1] - 80, sizes[2] + 80])
    close(qtbot, window, shown)
    opened(qtbot, window)
    assert window.panel.width() == 420
    window.resize(700, 600)
    qtbot.waitUntil(lambda: window.panel.parent() is window)
    assert window.panel.geometry().right() == window.rect().right()
    assert window.pages.width() > window.panel.width()
    qtbot.mouseClick(window._backdrop, Qt.MouseButton.LeftButton, pos=QPoint(5, 300))
    assert window.panel.isHidden()
    assert window.controller._conversation_settings is None
    again = open_window()
    again.resize(1300, 700)
    opened(qtbot, again)
    assert again.panel.width() == 420


def test_the_simple_samplers_come_first(window: MainWindow, qtbot: QtBot) -> None:
    shown = opened(qtbot, window)
    assert shown.sampling.controls["temperature"].isVisible()
    assert shown.samplers.isHidden()
    qtbot.mouseClick(shown.more, Qt.MouseButton.LeftButton)
    shown.samplers.controls["top_k"].setValue(7)
    sampling = window.controller.conversation.session.overrides().sampling
    assert sampling is not None
    assert sampling.top_k == 7
    # Where one of the others has another value, they are shown at once.
    close(qtbot, window, shown)
    again = opened(qtbot, window)
    assert again.samplers.isVisible()
    qtbot.mouseClick(again.default_sampling, Qt.MouseButton.LeftButton)
    assert window.controller.conversation.session.overrides().sampling is None
    assert again.samplers.controls["top_k"].value() == 40


def test_stop_sequences_are_lines(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    stop = dialog.sampling.controls["stop"]
    stop.setPlainText("END\n\n\\n\\nUser:\nC:\\\\new \\end")
    close(qtbot, window, dialog)
    sampling = window.controller.conversation.session.overrides().sampling
    assert sampling is not None
    assert sampling.stop == ("END", "\n\nUser:", "C:\\new \\end")
    again = opened(qtbot, window)
    assert again.sampling.controls["stop"].value() == sampling.stop
    again.presets.picker.setCurrentIndex(again.presets.picker.findText("Code"))
    assert again.sampling.controls["stop"].toPlainText() == ""
    close(qtbot, window, again)


@pytest.mark.parametrize(
    ("template", "choices"),
    [
        (None, None),
        ("{{ messages[-1].content }}{{ enable_thinking }}", ["", "off", "on"]),
        ("{{ messages[-1].content }}{{ reasoning_effort }}", ["", "low", "medium", "high"]),
    ],
)
def test_thinking_is_chosen_where_the_template_has_it(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, template: str | None, choices: list[str] | None
) -> None:
    model = write_tiny_model(tmp_path / "thinks.gguf", chat_template=template)
    window.controller.models.use(str(model))
    dialog = opened(qtbot, window)
    assert dialog.thinking.isVisible() is (choices is not None)
    if choices is None:
        return
    assert [dialog.thinking.itemData(at) for at in range(dialog.thinking.count())] == choices
    dialog.thinking.setCurrentIndex(1)
    close(qtbot, window, dialog)
    send(qtbot, window, "hello")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.sampling.thinking == choices[1]
    again = opened(qtbot, window)
    assert again.thinking.value() == choices[1]
    again.thinking.setCurrentIndex(0)
    assert window.controller.conversation.session.overrides().sampling is None
    close(qtbot, window, again)


def test_overrides_can_be_reset_to_the_settings(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    wait_for_answer(qtbot, window)
    session = window.controller.conversation.session
    session.set_overrides(ConversationOverrides("Mine.", BUILT_IN["code"].sampling, ContextPolicy.ROLL))
    window.controller.services.settings.change(system_prompt="Usual.")
    dialog = opened(qtbot, window)
    qtbot.mouseClick(find(dialog, "usualPromptButton"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.default_sampling, Qt.MouseButton.LeftButton)
    dialog.context_policy.setCurrentIndex(0)
    close(qtbot, window, dialog)
    assert session.overrides() == ConversationOverrides("Usual.", None, None)


def test_overrides_before_the_first_question_are_kept(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    choose(dialog, "Mathematics")
    assert "LaTeX" in dialog.system_prompt.toPlainText()
    close(qtbot, window, dialog)
    assert window.controller.services.store.list() == []
    send(qtbot, window, "1 + 1?")
    answer = begin_of_answer(qtbot, window)
    conversation = window.controller.services.store.get(answer.conversation_id)
    assert "LaTeX" in conversation.system_prompt
    assert conversation.sampling == BUILT_IN["mathematics"].sampling
    again = opened(qtbot, window)
    assert again.presets.picker.currentText() == "Mathematics"
    close(qtbot, window, again)
    window.controller.conversation.open(None)
    assert window.controller.conversation.session.overrides() == ConversationOverrides()


def test_applying_a_preset_can_be_undone(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    dialog.system_prompt.setPlainText("Words of my own.")
    choose(dialog, "Code")
    undo = dialog.findChild(QPushButton, "conversationSettingsStatusAction")
    assert undo.isVisible()
    qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert dialog.system_prompt.toPlainText() == "Words of my own."
    assert window.controller.conversation.session.overrides() == ConversationOverrides("Words of my own.")
    assert dialog.presets.picker.currentText() == "None"


def test_presets_are_saved_renamed_deleted_and_restored(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    dialog.system_prompt.setPlainText("Speak like a pirate.")
    dialog.system_prompt.finish()
    action(dialog, "Save as").trigger()
    name_it(qtbot, "Pirate")
    assert dialog.presets.picker.currentText() == "Pirate"
    assert dialog.presets.picker.hasFocus(), "not the field before, to which the panel would scroll"
    assert find(dialog, "conversationSettingsStatus").text().startswith("Preset “Pirate” saved.")
    action(dialog, "Rename").trigger()
    name_it(qtbot, "Sea dog")
    assert dialog.presets.picker.currentText() == "Sea dog"
    stored = Presets(window.controller.services.folder.presets_file).list(QCoreApplication.translate)
    assert stored[-1].name == "Sea dog"
    width = window.minimumSizeHint().width()
    action(dialog, "Rename").trigger()
    name_it(qtbot, "Q&A " * 100)
    assert window.composer.preset_button.text().startswith("Q&&A Q&&A")
    assert "“Q&&A " in action(dialog, "Rename").text()
    assert window.minimumSizeHint().width() == width
    action(dialog, "Rename").trigger()
    name_it(qtbot, "Sea dog")
    settings = window.controller.services.settings
    action(dialog, "Use “Sea dog” for new").trigger()
    assert settings.current.preset_id == stored[-1].id
    default = action(dialog, "Use “Sea dog” for new")
    assert default.isChecked()
    default.trigger()
    assert settings.current.preset_id == ""
    action(dialog, "Delete").trigger()
    assert dialog.presets.picker.findText("Sea dog") < 0
    qtbot.mouseClick(dialog.findChild(QPushButton, "conversationSettingsStatusAction"), Qt.MouseButton.LeftButton)
    assert dialog.presets.picker.currentText() == "Sea dog"
    assert dialog.isAncestorOf(window.focusWidget()), "the focus stays where the button was"


def test_edited_built_in_preset_can_be_reset(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    choose(dialog, "Writing")
    came = dialog.system_prompt.toPlainText()
    dialog.system_prompt.setPlainText("Write well.")
    dialog.system_prompt.finish()
    over = action(dialog, "Replace existing preset").menu()
    next(each for each in over.actions() if each.text() == "Writing").trigger()
    assert dialog.presets.picker.currentText() == "Writing"
    reset = action(dialog, "Reset")
    assert reset.isEnabled()
    reset.trigger()
    assert dialog.presets.picker.currentText() == "None"
    choose(dialog, "Writing")
    assert dialog.system_prompt.toPlainText() == came
    assert not action(dialog, "Reset").isEnabled()


def test_preset_of_new_conversations_is_a_setting(window: MainWindow, qtbot: QtBot) -> None:
    window.controller.show_settings()
    settings = find(window, "settingsDialog", SettingsPage)
    assert isinstance(settings, SettingsPage)
    preset = settings.conversation.controls["preset_id"]
    preset.setCurrentIndex(preset.findText("Code"))
    qtbot.keyClick(settings, Qt.Key.Key_Escape)
    window.controller.conversation.open(None)
    send(qtbot, window, "sort a list")
    answer = begin_of_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.sampling.top_p == BUILT_IN["code"].sampling.top_p
    assert window.controller.services.store.get(answer.conversation_id).sampling == BUILT_IN["code"].sampling


def test_built_in_presets_are_translated(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(qtbot, window)
    names = [dialog.presets.picker.itemText(at) for at in range(dialog.presets.picker.count())]
    assert names == ["None", "Mathematics", "Chinese–English translation", "Code", "Writing"]
    close(qtbot, window, dialog)


def test_temporary_chat_has_its_own_overrides(window: MainWindow, qtbot: QtBot) -> None:
    window.controller.conversation.open_temporary()
    dialog = opened(qtbot, window)
    dialog.system_prompt.setPlainText("Only here.")
    close(qtbot, window, dialog)
    send(qtbot, window, "hello")
    session = window.controller.conversation.session
    qtbot.waitUntil(lambda: session.running is None and not session.is_empty, timeout=PATIENCE_MS)
    assert session.store.get(session.conversation_id).system_prompt == "Only here."
    assert [message.role for message in session.store.branch(session.conversation_id)] == [
        Role.USER,
        Role.ASSISTANT,
    ]
    assert window.controller.services.store.list() == []


def test_each_answer_keeps_its_sampling(window: MainWindow, qtbot: QtBot) -> None:
    send(qtbot, window, "hello")
    first = wait_for_answer(qtbot, window)
    window.controller.conversation.session.set_overrides(
        ConversationOverrides("Changed.", BUILT_IN["writing"].sampling, None)
    )
    window.controller.transcript.action_requested.emit("retry", first.id)
    second = begin_of_answer(qtbot, window)
    assert first.provenance is not None
    assert second.provenance is not None
    assert first.provenance.sampling.temperature == 0.7
    assert second.provenance.sampling.temperature == BUILT_IN["writing"].sampling.temperature
    assert branch(window)[-1].id == second.id


def test_damaged_presets_are_reported_and_set_aside(open_window: OpenWindow, tmp_path: Path) -> None:
    path = tmp_path / "data" / "presets.json"
    path.parent.mkdir()
    path.write_text("{", "utf-8")
    window = open_window()
    assert "presets.json.damaged" in window.notice.text()
    assert window.notice.isVisible()
