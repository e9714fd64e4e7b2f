"""The memory plan of a loaded model and its measured speed, with the real engine and two RPC devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt, QThreadPool
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.config.device_preferences import DevicePreferences
from app.planning.machine import SIMULATED_GPUS_VARIABLE
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.rpc_device import serving
from tests.rigs.tiny_model import write_tiny_model
from tests.window.input import PATIENCE_MS, find, send, wait_for_answer, wait_for_words
from tests.window.plan_views import drag, shown_plan
from ui.plan.layer_strip import Border
from ui.plan.model_plan import ModelPlan

pytestmark = pytest.mark.qt_log_ignore(r"This plugin does not support (propagateSizeHints|raise|grabbing)")

Show = Callable[[str], ModelPlan]


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture(scope="module")
def two_devices() -> Iterator[tuple[str, ...]]:
    with ExitStack() as servers:
        yield tuple(servers.enter_context(serving()) for _ in range(2))


@pytest.fixture
def moe(services: Services, tmp_path: Path) -> str:
    path = write_tiny_model(tmp_path / "moe.gguf", n_embd=256, n_layer=6, n_expert=4)
    return services.library.register(path).id


@pytest.fixture
def show(qtbot: QtBot, services: Services) -> Show:
    def shown(model_id: str) -> ModelPlan:
        dialog = ModelPlan(services, model_id)
        qtbot.addWidget(dialog)
        with qtbot.waitExposed(dialog):
            dialog.show()
        qtbot.waitUntil(lambda: dialog._basis is not None, timeout=PATIENCE_MS)
        dialog.measure.sizes = {"prompt_tokens": 64, "generated_tokens": 8, "repetitions": 2}
        return dialog

    return shown


def press(qtbot: QtBot, dialog: QWidget, name: str) -> None:
    button: Any = find(dialog, name, QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def state(dialog: QWidget) -> str:
    label: Any = find(dialog, "measureState", QLabel)
    return label.text()  # type: ignore[no-any-return]


def rows(dialog: ModelPlan) -> list[str]:
    return [row.accessibleName() for row in dialog.measure.findChildren(QWidget, "measuredRow") if not row.isHidden()]


def wait_until_measured(qtbot: QtBot, dialog: ModelPlan) -> None:
    qtbot.waitUntil(lambda: not dialog.measure.is_busy, timeout=PATIENCE_MS)
    QThreadPool.globalInstance().waitForDone()
    QApplication.processEvents()


def test_measuring_shows_speeds_and_actual_memory(
    qtbot: QtBot, services: Services, show: Show, moe: str, two_devices: tuple[str, ...]
) -> None:
    services.settings.change(**DevicePreferences(two_devices).to_settings())
    dialog = show(moe)
    assert [bar.name for bar in dialog.view.bars] == ["RPC0", "RPC1", ""]
    assert all(bar.actual is None for bar in dialog.view.bars)
    press(qtbot, dialog, "measureButton")
    assert dialog.measure.is_busy
    assert not dialog.view.panel.isEnabled()
    wait_until_measured(qtbot, dialog)
    assert len(rows(dialog)) == 2
    assert rows(dialog)[1].startswith("Current layout: prompt ")
    qtbot.waitUntil(lambda: any(bar.actual for bar in dialog.view.bars), timeout=PATIENCE_MS)
    assert dialog.view.panel.isEnabled()
    loaded = services.planning.loader.loaded
    assert loaded is not None
    # With the measured speed in place of the estimate.
    assert dialog.view.plan == services.planning.speeds.applied(loaded.request.path, loaded.plan) != loaded.plan
    assert "speed_measured" in dialog.view.plan.reasons
    (measured,) = dialog.measure.result.measured
    assert dialog.view.plan.prompt_tokens_per_second_estimate == measured.prompt_tokens_per_second
    for bar in dialog.view.bars[:2]:
        assert bar.actual is not None
        assert bar.actual["weights"] == loaded.result.memory[bar.name]["weights_bytes"] > 0
        assert sum(bar.actual.values()) == pytest.approx(bar.used_bytes, abs=8 << 20)
    shown = [row.note.full_text for row in dialog.view._rows]
    assert all(text.startswith("estimated ") and " · actual " in text for text in shown)


def test_a_manual_split_is_loaded_by_the_engine(
    qtbot: QtBot, services: Services, show: Show, moe: str, two_devices: tuple[str, ...]
) -> None:
    services.settings.change(**DevicePreferences(two_devices).to_settings())
    dialog = show(moe)
    dialog.kept.connect(lambda options: services.planning.overrides.set(moe, options))
    border: Any = find(dialog, "planBorderRPC0RPC1", Border)
    before = border.value()
    drag(qtbot, border, round(2 * border.pixels))
    qtbot.waitUntil(lambda: dialog.view.options.tensor_split == (before + 2, 7 - before - 2))
    dialog.view.panel.changed.emit(lambda now: PlanOptions(tensor_split=now.tensor_split, experts_in_ram=(1, 4)))
    qtbot.waitUntil(lambda: dialog.view.options.experts_in_ram == (1, 4))
    dialog.keep.setFocus()
    press(qtbot, dialog, "keepPlanButton")
    assert dialog.copy.hasFocus()
    press(qtbot, dialog, "measureButton")
    wait_until_measured(qtbot, dialog)
    loaded = services.planning.loader.loaded
    assert loaded is not None
    assert loaded.plan.spec.tensor_split == (before + 2, 7 - before - 2)
    assert loaded.plan.spec.experts_in_ram == (1, 4)
    assert services.planning.overrides.get(moe) == dialog.view.options
    # A dialog opened later shows the saved plan and what was loaded.
    again = show(moe)
    assert again.view.options == dialog.view.options
    assert all(bar.actual for bar in again.view.bars)


def test_tuning_measures_several_plans_and_saves_the_fastest(
    qtbot: QtBot, services: Services, show: Show, moe: str
) -> None:
    services.settings.change(context=1024)
    dialog = show(moe)
    bar: Any = find(dialog, "measureProgress", QProgressBar)
    assert bar.isHidden()
    fractions: list[int] = []
    bar.valueChanged.connect(fractions.append)
    press(qtbot, dialog, "tuneButton")
    assert not bar.isHidden()
    wait_until_measured(qtbot, dialog)
    assert bar.isHidden()
    assert len(set(fractions)) >= 2
    assert fractions[:-1] == sorted(fractions[:-1])
    table = rows(dialog)
    assert len(table) >= 4
    assert sum("(fastest)" in row for row in table) == 1
    assert "fastest" in state(dialog).lower()
    assert dialog.measure.result is not None
    best = dialog.measure.result.best
    assert best is not None
    qtbot.waitUntil(
        lambda: dialog.view.plan is not None and dialog.view.plan.spec.micro_batch == best.plan.spec.micro_batch
    )
    list(services.planning.loader.load(dialog._request()))
    loaded = services.planning.loader.loaded
    assert loaded is not None
    assert (loaded.plan.kv_type, loaded.plan.spec.micro_batch) == (best.plan.kv_type, best.plan.spec.micro_batch)


def test_a_measurement_is_cancelled_and_started_again(qtbot: QtBot, services: Services, show: Show, moe: str) -> None:
    dialog = show(moe)
    bar: Any = find(dialog, "measureProgress", QProgressBar)
    with qtbot.waitSignal(bar.valueChanged, timeout=PATIENCE_MS):
        press(qtbot, dialog, "tuneButton")
    qtbot.keyClick(dialog.measure.cancel, Qt.Key.Key_Space)
    assert not dialog.measure.is_busy
    assert state(dialog) == "Cancelled. Nothing was changed."
    assert len(rows(dialog)) == 0
    assert dialog.measure.tune.hasFocus()
    press(qtbot, dialog, "measureButton")
    wait_until_measured(qtbot, dialog)
    assert len(rows(dialog)) == 2
    assert not services.folder.root.joinpath("plans.json").exists()


def test_leaving_the_plan_cancels_the_measurement(qtbot: QtBot, services: Services, show: Show, moe: str) -> None:
    dialog = show(moe)
    bar: Any = find(dialog, "measureProgress", QProgressBar)
    with qtbot.waitSignal(bar.valueChanged, timeout=PATIENCE_MS):
        press(qtbot, dialog, "tuneButton")
    dialog.shut_down()
    done: list[int] = []
    services.worker.submit(lambda: done.append(1))
    qtbot.waitUntil(lambda: done == [1], timeout=PATIENCE_MS)
    assert not services.worker.is_busy()


def test_a_measurement_waits_for_the_current_answer(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    services: Services = window.controller.services
    services.settings.change(model_id="starter", max_tokens=80)
    send(qtbot, window, "Tell me a long story.")
    wait_for_words(qtbot, window)
    dialog = ModelPlan(services, "starter")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog._basis is not None, timeout=PATIENCE_MS)
    press(qtbot, dialog, "measureButton")
    assert state(dialog).startswith("Waiting for the current answer to finish")
    # Given up while it waits, it leaves the answer alone.
    press(qtbot, dialog, "cancelMeasureButton")
    answer = wait_for_answer(qtbot, window)
    assert answer.provenance is not None
    assert answer.provenance.finish_reason in ("stop", "length")
    dialog.shut_down()


def test_closing_the_window_cancels_the_measurement(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    services: Services = window.controller.services
    window.controller.models.show_plan("starter")
    dialog: Any = shown_plan(qtbot, window)
    qtbot.waitUntil(lambda: dialog._basis is not None, timeout=PATIENCE_MS)
    bar: Any = find(dialog, "measureProgress", QProgressBar)
    with qtbot.waitSignal(bar.valueChanged, timeout=PATIENCE_MS):
        press(qtbot, dialog, "tuneButton")
    window.close()
    done: list[int] = []
    services.worker.submit(lambda: done.append(1))
    qtbot.waitUntil(lambda: done == [1], timeout=PATIENCE_MS)


def test_missing_files_and_simulated_gpus_are_not_measured(
    qtbot: QtBot, services: Services, show: Show, moe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = show("apus:Q2_K")
    assert not away.measure.measure.isEnabled()
    assert state(away) == "Download the model to measure its speed."
    assert away.measure.measure.toolTip() == state(away)
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,16")
    simulated_dialog = show(moe)
    assert not simulated_dialog.measure.tune.isEnabled()
    assert "simulated" in state(simulated_dialog)


def test_the_memory_plan_opens_from_the_header(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    services: Services = window.controller.services
    with serving() as first, serving() as second:
        services.settings.change(model_id="starter", max_tokens=4, rpc_servers=f"{first} {second}")
        send(qtbot, window, "Hello.")
        wait_for_answer(qtbot, window)
        assert window.header.model_button.accessibleName().endswith("fits on 2 GPUs")
        qtbot.mouseClick(window.header.model_button, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
        qtbot.mouseClick(find(window, "showPlanButton"), Qt.MouseButton.LeftButton)
        dialog: Any = shown_plan(qtbot, window)
        qtbot.waitUntil(lambda: any(bar.actual for bar in dialog.view.bars), timeout=PATIENCE_MS)
        assert [bar.name for bar in dialog.view.bars] == ["RPC0", "RPC1", ""]
        assert dialog.view._is_loaded
