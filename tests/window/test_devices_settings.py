"""Devices section of the settings, over the real engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.config.device_preferences import DevicePreference, DevicePreferences
from app.config.settings import SettingsFile
from app.planning.machine import SIMULATED_GPUS_VARIABLE, Machine
from app.services import Services
from model_manager.devices.devices import Device
from model_manager.devices.nvidia import GpuProcess, NvidiaGpu, NvidiaInfo
from model_manager.errors import UserError
from tests.rigs.rpc_device import serving
from tests.window.input import PATIENCE_MS, find, send, wait_for_answer
from ui.settings.devices import DeviceRow, DeviceSettings, GibSpinBox
from ui.settings.page import SettingsPage
from ui.widgets.dialog_parts import Row

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


@pytest.fixture(autouse=True)
def no_work_left(qapp: QApplication) -> Iterator[None]:
    yield
    QThreadPool.globalInstance().waitForDone()
    qapp.processEvents()


@pytest.fixture
def shown(qtbot: QtBot, services: Services) -> Callable[[], DeviceSettings]:
    def show() -> DeviceSettings:
        dialog = SettingsPage(services)
        qtbot.addWidget(dialog)
        with qtbot.waitExposed(dialog):
            dialog.show()
        dialog.findChild(QScrollArea).ensureWidgetVisible(dialog.devices, 0, 300)
        wait(qtbot, dialog.devices)
        return dialog.devices

    return show


def wait(qtbot: QtBot, page: DeviceSettings) -> None:
    qtbot.waitUntil(lambda: page._machine is not None and page.refresh_button.isEnabled(), timeout=PATIENCE_MS)


def device(page: QWidget, name: str) -> DeviceRow:
    return find(page, f"device{name}", DeviceRow)  # type: ignore[return-value]


def state(page: QWidget, server: str) -> str:
    label: Any = find(page, f"serverState{server}", QLabel)
    return label.text()  # type: ignore[no-any-return]


def test_devices_are_scanned_when_first_shown(qtbot: QtBot, services: Services) -> None:
    dialog = SettingsPage(services)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    assert dialog.devices._machine is None
    assert dialog.devices.refresh_button.isEnabled()
    dialog.findChild(QScrollArea).ensureWidgetVisible(dialog.devices)
    wait(qtbot, dialog.devices)
    processor = device(dialog.devices, "CPU")
    assert processor.use is None
    assert processor._figure.text().startswith("RAM: ")
    has_gpus = bool(dialog.devices._machine.devices)
    assert dialog.engine.rows["gpu_layers"].isEnabled() == has_gpus
    assert ("no GPU" in dialog.engine.rows["gpu_layers"].explanation.text()) != has_gpus
    build: Any = find(dialog.devices, "engineBuild", QLabel)
    assert "built for" in build.text()
    assert "CPU" in build.text()


def test_simulated_gpus_are_marked_and_can_be_limited(
    qtbot: QtBot, services: Services, shown: Callable[[], DeviceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "24,16")
    page = shown()
    hint: Any = find(page, "devicesHint", QLabel)
    assert SIMULATED_GPUS_VARIABLE in hint.text()
    first = device(page, "GPU0")
    assert first.use is not None
    assert first.ceiling.text() == "No limit"
    assert first.reserve.text() == "Automatic (0.5 GiB)"
    first.use.setFocus()
    qtbot.keyClick(first.use, Qt.Key.Key_Space)
    second = device(page, "GPU1")
    second.ceiling.setValue(12.5)
    second.reserve.stepUp()
    kept = SettingsFile(services.folder.settings_file).current.device_preferences()
    assert kept.of("GPU0") == DevicePreference(use=False)
    assert kept.of("GPU1") == DevicePreference(ceiling_gib=12.5, reserve_gib=0.0)
    assert second.reserve.text() == "0.0 GiB"
    assert not first.ceiling.isEnabled()
    (left,) = services.planning.machine().devices
    assert (left.name, left.ceiling_bytes, left.reserve_bytes) == ("GPU1", round(12.5 * (1 << 30)), 0)
    second.reserve.setValue(second.reserve.minimum())
    second.ceiling.setValue(second.ceiling.minimum())
    first.use.click()
    assert services.settings.current.device_preferences() == DevicePreferences()
    for control in (first.use, first.ceiling, first.reserve, page.address):
        assert control.accessibleName()


def test_message_without_a_gpu(shown: Callable[[], DeviceSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIMULATED_GPUS_VARIABLE, "none")
    page = shown()
    assert page._none.text().startswith("The engine found no usable GPU")
    assert page._none.isVisible()
    assert not page.findChildren(DeviceRow)


def test_processes_on_a_gpu_are_listed(qtbot: QtBot) -> None:
    card = NvidiaGpu(0, "RTX", "0000:01:00.0", 24 << 30, 20 << 30, True, 4, 4, 16, 16, tuple(
        GpuProcess(number, f"program{number}", number << 28) for number in range(1, 6)
    ))  # fmt: skip
    machine = Machine((Device("CUDA0", 20 << 30, reserve_bytes=1 << 30, description="NVIDIA GeForce RTX 4090"),))
    machine.__dict__["nvidia_gpus"] = {"CUDA0": card}
    assert NvidiaInfo().gpus == ()
    row = DeviceRow("CUDA0", "CUDA0", usable=True)
    qtbot.addWidget(row)
    row.show_device(machine, DevicePreference())
    assert row.holders.text() == "Used by program5 1.2 GiB, program4 1.0 GiB, program3 0.8 GiB, 2 more"
    assert "drives the display" in row.detail.text()
    assert "PCIe 4 ×16" in row.detail.text()
    assert row.use is not None
    assert row.use.text() == "RTX 4090"


def test_rpc_server_is_added_and_removed(qtbot: QtBot, services: Services, shown: Callable[[], DeviceSettings]) -> None:
    page = shown()
    with serving() as server:
        page.address.setText(f" rpc://{server} ")
        qtbot.keyClick(page.address, Qt.Key.Key_Return)
        wait(qtbot, page)
        assert services.settings.current.rpc_servers == server
        assert state(page, server).startswith("Connected: RPC0, ")
        lent = device(page, "RPC0")
        assert lent.use is not None
        assert server in lent.use.text()
        lent.use.click()
        assert services.settings.current.device_preferences().of(f"rpc {server}/0") == DevicePreference(use=False)
        lent.use.click()
    qtbot.mouseClick(page.refresh_button, Qt.MouseButton.LeftButton)
    wait(qtbot, page)
    assert (
        state(page, server)
        == f"The RPC server {server} doesn't respond. Check that it's running and that the address is correct."
    )
    row: Any = find(page, f"server{server}", Row)
    qtbot.mouseClick(row.control, Qt.MouseButton.LeftButton)
    wait(qtbot, page)
    assert services.settings.current.rpc_servers == ""
    assert page.findChild(Row, f"server{server}") is None
    assert page.window().focusWidget() is page.address
    page._status.action.click()
    wait(qtbot, page)
    assert services.settings.current.rpc_servers == server


def test_other_rpc_version_is_reported(qtbot: QtBot, services: Services, shown: Callable[[], DeviceSettings]) -> None:
    from tests.engine.test_device_probe import answering

    def older(connection: Any) -> None:
        connection.recv(64)
        connection.sendall(bytes([28, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0, 0]) + bytes(24))

    with answering(older) as server:
        services.settings.change(rpc_servers=server)
        page = shown()
        assert state(page, server).startswith(f"{server} uses RPC protocol version 6.1")


def test_invalid_address_is_reported_and_stays_in_the_field(
    qtbot: QtBot, services: Services, shown: Callable[[], DeviceSettings]
) -> None:
    page = shown()
    assert not page.add.isEnabled()
    page.address.setText("my pc:1")
    qtbot.mouseClick(page.add, Qt.MouseButton.LeftButton)
    assert page._status.label.text().startswith("my pc:1 isn't a valid address.")
    assert page.address.text() == "my pc:1"
    assert services.settings.current.rpc_servers == ""


def test_number_box_steps_from_automatic_to_the_minimum(qtbot: QtBot) -> None:
    box = GibSpinBox("box", 0.5)
    qtbot.addWidget(box)
    box.show_number(None, "No limit")
    with qtbot.waitSignal(box.changed) as emitted:
        box.stepUp()
    assert emitted.args == [0.5]
    with qtbot.waitSignal(box.changed) as emitted:
        box.stepDown()
    assert emitted.args == [None]


def test_missing_device_is_reported_and_replanned(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    controller = window.controller
    with serving() as first, ExitStack() as leaving:
        second = leaving.enter_context(serving())
        controller.services.settings.change(rpc_servers=f"{first} {second}", model_id="starter", max_tokens=8)
        send(qtbot, window, "Name a colour.")
        wait_for_answer(qtbot, window)
        loaded = controller.services.planning.loader.loaded
        assert loaded is not None
        assert loaded.plan.spec.rpc_servers == (first, second)
        controller.models.release()
        qtbot.waitUntil(lambda: controller.services.engine.state is None, timeout=PATIENCE_MS)
        leaving.close()
        send(qtbot, window, "And another.")
        answer = wait_for_answer(qtbot, window)
        assert answer.content
        notice = find(window, "noticeBar")
        assert second in notice.text()  # type: ignore[attr-defined]
        assert "loaded without it" in notice.text()  # type: ignore[attr-defined]
        loaded = controller.services.planning.loader.loaded
        assert loaded is not None
        assert loaded.plan.spec.rpc_servers == (first,)


def test_unusable_gpus_are_reported_with_the_command_to_fix_it(
    services: Services, shown: Callable[[], DeviceSettings]
) -> None:
    page = shown()
    assert page._machine is not None
    problem = UserError("gpus_need_backend", gpus=("2 × RTX 4090",), command="python3 start.py --rebuild")
    page._on_scanned(dataclasses.replace(page._machine, problem=problem))
    hint: Any = find(page, "devicesHint", QLabel)
    assert not hint.isHidden()
    assert "2 × RTX 4090" in hint.text()
    assert "python3 start.py --rebuild" in hint.text()
    assert hint.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
