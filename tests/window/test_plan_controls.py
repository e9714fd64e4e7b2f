"""Controls of the memory plan, with mouse and keyboard and the real planner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton, QSlider, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from model_manager.plan.load_spec import PlanOptions
from tests.window.input import find
from tests.window.plan_views import Shown, drag
from ui.widgets.theme import LIGHT, apply_theme

NAMES = ("GPU0", "GPU1")


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp, LIGHT)
    yield
    apply_theme(qapp, LIGHT)


def test_the_slider_changes_the_context(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    slider = find(shown.view, "planContext", QSlider)
    assert isinstance(slider, QSlider)
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0, 4, 3)
    slider.setFocus()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert shown.plans == [PlanOptions(context=32768)]
    assert shown.view.plan is not None
    assert shown.view.plan.context == 32768
    assert slider.accessibleName() == "Context"
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert shown.view.options.context == 2048


def test_a_click_on_a_label_selects_the_step(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    labels = shown.view.panel.context.labels
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.mouseClick(labels, Qt.MouseButton.LeftButton, pos=QPoint(labels.width() // 4, 5))
    assert shown.view.options.context == 4096


def test_a_click_on_the_slider_selects_the_step_there(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    slider = find(shown.view, "planContext", QSlider)
    assert isinstance(slider, QSlider)
    start = slider.value()
    for step in (0, 4, start):
        with qtbot.waitSignal(shown.view.options_changed):
            x = 8 + round((slider.width() - 16) * step / 4) + (14 if step < 4 else -14)
            qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(x, slider.height() // 2))
        assert slider.value() == step
    assert shown.view.options.context == 16384
    # And from there it is dragged.
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(10, slider.height() // 2))
    assert slider.value() == 0
    qtbot.mouseMove(slider, QPoint(slider.width() // 4, slider.height() // 2))
    assert slider.value() == 1
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() // 4, slider.height() // 2))
    assert slider.value() == 1


def test_the_shares_of_the_split_add_up_to_its_number_of_layers(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    assert sum(shown.counts()) == 61
    assert shown.view.panel.split_row.figure.full_text == "61 layers with the output"


def test_changes_between_two_frames_result_in_one_plan(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    shown.planned.clear()
    slider = find(shown.view, "planContext", QSlider)
    assert isinstance(slider, QSlider)
    with qtbot.waitSignal(shown.view.options_changed):
        for value in (2, 1, 0, 4, 1):
            slider.setValue(value)
    assert shown.planned == shown.plans == [PlanOptions(context=4096)]


def test_two_changes_before_the_next_plan_are_both_applied(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    slider, check = find(shown.view, "planContext", QSlider), find(shown.view, "planUseGPU1", QCheckBox)
    assert isinstance(slider, QSlider)
    assert isinstance(check, QCheckBox)
    with qtbot.waitSignal(shown.view.options_changed):
        slider.setValue(1)
        check.click()
    assert shown.plans == [PlanOptions(context=4096, devices=("GPU0",))]


def test_the_combo_box_changes_the_kv_type(qtbot: QtBot):
    shown = Shown(qtbot, "Q3_K_M", 23.5, 23.5)
    choice = find(shown.view, "planKvType", QComboBox)
    assert isinstance(choice, QComboBox)
    assert shown.view.plan is not None
    assert choice.currentText() == f"Automatic ({shown.view.plan.kv_type})"
    choice.setFocus()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(choice, Qt.Key.Key_End)
    assert shown.plans == [PlanOptions(kv_type="q4_0")]
    assert shown.view.plan.kv_type == "q4_0"


def test_check_boxes_switch_devices_off_and_on(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    checks = [find(shown.view, f"planUse{name}", QCheckBox) for name in NAMES]
    assert all(isinstance(check, QCheckBox) and check.isChecked() for check in checks)
    for check, wanted in zip(checks, (("GPU1",), ()), strict=True):
        check.setFocus()
        with qtbot.waitSignal(shown.view.options_changed):
            qtbot.keyClick(check, Qt.Key.Key_Space)
        assert shown.view.options.devices == wanted
    assert shown.view.plan is not None
    assert shown.view.plan.n_gpu_layers == 0
    assert "CPU" in shown.view.head.headline.text()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(checks[0], Qt.Key.Key_Space)
    assert shown.view.options == PlanOptions(devices=("GPU0",))
    assert len(shown.view.bars) == 3


def test_dragging_the_border_moves_layers(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    before, border = shown.counts(), shown.border()
    per_layer = border.pixels
    drag(qtbot, border, -round(4 * per_layer))
    qtbot.waitUntil(lambda: bool(shown.plans) and shown.plans[-1].tensor_split == (before[0] - 4, before[1] + 4))
    assert shown.counts() == [before[0] - 4, before[1] + 4]
    middle = border.mapTo(shown.view.panel.strip, border.rect().center()).x()
    share = shown.counts()[0] / 61
    assert middle == pytest.approx(shown.view.panel.strip.width() * share, abs=12)
    assert not border.is_dragged
    assert shown.view.plan is not None
    assert shown.view.plan.verdict == "gpu"


def test_dragging_the_border_too_far_exceeds_the_memory(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5, options=PlanOptions(experts_in_ram=(), n_gpu_layers=61))
    drag(qtbot, shown.border(), 2000)
    qtbot.waitUntil(lambda: bool(shown.plans) and shown.plans[-1].tensor_split == (61, 0))
    assert shown.view.kind == "bad"
    assert shown.border().value() == 61


def test_arrow_keys_move_the_border(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    before, border = shown.counts(), shown.border()
    border.setFocus()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(border, Qt.Key.Key_Right)
    assert shown.counts() == [before[0] + 1, before[1] - 1]
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(border, Qt.Key.Key_PageDown)
    assert shown.counts() == [before[0] - 4, before[1] + 4]
    assert border.accessibleName() == f"Boundary between GPU 0 and GPU 1: {before[0] - 4} and {before[1] + 4} layers"
    assert border.hasFocus()


def test_reset_to_automatic(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    back, usual = find(shown.view, "planBackToAutomatic", QPushButton), shown.view.plan
    assert isinstance(back, QPushButton)
    assert back.isHidden()
    border = shown.border()
    for act in (lambda: qtbot.keyClick(border, Qt.Key.Key_Left), lambda: shown.view.panel.context.slider.setValue(0)):
        with qtbot.waitSignal(shown.view.options_changed):
            act()
        assert back.isVisible()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert shown.plans[-1] == PlanOptions()
    assert shown.view.plan == usual
    assert back.isHidden()


def test_advanced_options_are_hidden_at_first(qtbot: QtBot):
    shown = Shown(qtbot, "Q3_K_M", 23.5, 23.5)
    more = find(shown.view, "planMore", QToolButton)
    page = shown.view.panel.advanced
    assert not page.isVisible()
    more.setFocus()
    qtbot.keyClick(more, Qt.Key.Key_Space)
    assert page.isVisible()
    qtbot.keyClick(more, Qt.Key.Key_Space)
    assert not page.isVisible()


def test_every_advanced_control_changes_its_option(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5, 23.5)
    shown.view.panel.set_advanced(True)

    def choose(name: str, place: int) -> None:
        box = find(shown.view, name, QComboBox)
        assert isinstance(box, QComboBox)
        box.setFocus()
        with qtbot.waitSignal(shown.view.options_changed):
            box.setCurrentIndex(place)
            box.activated.emit(place)

    def count(name: str, value: int) -> None:
        box = find(shown.view, name, QSpinBox)
        assert isinstance(box, QSpinBox)
        with qtbot.waitSignal(shown.view.options_changed):
            box.setValue(value)

    choose("planSplitMode", 1)
    choose("planMainGpu", 2)
    choose("planFlashAttention", 2)
    choose("planBatch", 4)
    choose("planMicroBatch", 2)
    count("planExpertsInRam", 6)
    count("planThreads", 7)
    count("planGpuLayers", 61)
    assert shown.view.options == PlanOptions(
        split_mode="row",
        main_gpu="GPU1",
        flash_attention=False,
        batch=1024,
        micro_batch=256,
        experts_in_ram=(5, 15, 25, 35, 45, 55),
        threads=7,
        n_gpu_layers=61,
    )
    assert shown.view.plan is not None
    assert shown.view.plan.experts_in_ram == (5, 15, 25, 35, 45, 55)
    count("planThreads", -1)
    assert shown.view.options.threads is None


def test_every_advanced_control_says_what_it_is_for_and_why_it_is_grey(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 23.5)
    panel = shown.view.panel
    for option, label in panel._labels.items():
        control = panel.controls[option]
        assert control.toolTip()
        assert label.toolTip() == control.toolTip()
        assert ("\n" in control.toolTip()) == (not control.isEnabled())
    assert panel.controls["main_gpu"].toolTip().endswith("\nFor at least two GPUs.")
    assert panel.controls["full_windows"].toolTip().endswith("\nThis model has no sliding windows.")
    assert panel.controls["experts_in_ram"].isEnabled()


def test_stepping_from_automatic_starts_at_the_planned_number(qtbot: QtBot):
    shown = Shown(qtbot, "Q3_K_M", 23.5, 23.5)
    shown.view.panel.set_advanced(True)
    assert shown.view.plan is not None
    own = len(shown.view.plan.experts_in_ram)
    box = find(shown.view, "planExpertsInRam", QSpinBox)
    assert isinstance(box, QSpinBox)
    assert box.text() == f"Automatic ({own})"
    with qtbot.waitSignal(shown.view.options_changed):
        box.stepUp()
    assert len(shown.view.options.experts_in_ram or ()) == own + 1


def test_layers_in_ram_have_a_border(qtbot: QtBot):
    shown = Shown(qtbot, "Q2_K", 12, options=PlanOptions(n_gpu_layers=20, experts_in_ram=()))
    border = shown.border("", "GPU0")
    border.setFocus()
    with qtbot.waitSignal(shown.view.options_changed):
        qtbot.keyClick(border, Qt.Key.Key_Right)
    assert shown.view.options.n_gpu_layers == 19
    assert shown.view.plan is not None
    assert shown.view.plan.n_gpu_layers == 19
