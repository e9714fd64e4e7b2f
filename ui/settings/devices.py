"""Devices section of the settings: devices of the engine, their limits, and RPC servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QLabel, QSizePolicy, QWidget

from app.config.device_preferences import MOST_GIB, DevicePreference, DevicePreferences, server_address
from app.planning.machine import SIMULATED_GPUS_VARIABLE, Machine
from app.services import Services
from app.units import size_text
from model_manager.devices.devices import DISPLAY_RESERVE_BYTES, Device, read_memory
from model_manager.devices.nvidia import GpuProcess, NvidiaGpu
from model_manager.errors import UserError
from ui.plan.bar_data import short_description
from ui.plan.rows import CHECK_SPACE
from ui.plan.strings import gib
from ui.widgets.controls import NumberBox
from ui.widgets.dialog_parts import (
    SMALL_SIZE,
    Row,
    StatusLine,
    button,
    hairline,
    line_edit,
    paragraph,
    quiet_label,
    set_kind,
)
from ui.widgets.error_text import error_text
from ui.widgets.formats import list_text
from ui.widgets.job import run_job
from ui.widgets.layouts import TOP, clear, hbox, vbox
from ui.widgets.theme import interface_font

MAX_PROCESSES = 3
STEP_GIB = 0.5
NUMBER_WIDTH = 180


class GibSpinBox(NumberBox):
    """Gibibytes, or None for automatic, which is one step below the minimum."""

    def __init__(self, name: str, minimum: float) -> None:
        super().__init__(name, minimum - STEP_GIB, MOST_GIB, STEP_GIB, decimals=1)
        self.setSuffix(" GiB")
        self.setFixedWidth(NUMBER_WIDTH)

    def value(self) -> float | None:  # type: ignore[override]
        """Return the number, or None for automatic."""
        return None if QDoubleSpinBox.value(self) == self.minimum() else QDoubleSpinBox.value(self)

    def show_number(self, number: float | None, text: str) -> None:
        """Show a number; ``text`` is the label of None."""
        self.setSpecialValueText(text)
        self.set_value(self.minimum() if number is None else number)


class DeviceRow(QWidget):
    """One device of the engine; one that plans cannot use has no controls."""

    changed = Signal(str, dict)
    """Key of the device, and the changed attributes of its ``DevicePreference``."""

    def __init__(self, key: str, name: str, *, usable: bool) -> None:
        super().__init__()
        self.key, self.name = key, name
        self.setObjectName(f"device{name}")
        self.use = QCheckBox() if usable else None
        self._title = QLabel()
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._figure = QLabel()
        self.detail, self.holders = quiet_label(), quiet_label()
        self.ceiling = GibSpinBox(f"ceiling{name}", 0.5)
        self.reserve = GibSpinBox(f"reserve{name}", 0)
        self._numbers = QWidget()
        numbers = QFormLayout(self._numbers)
        numbers.setContentsMargins(0, 6, 0, 0)
        numbers.setSpacing(8)
        for text, control in ((self.tr("Use at most"), self.ceiling), (self.tr("Keep free"), self.reserve)):
            label = quiet_label(text)
            label.setWordWrap(False)
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            numbers.addRow(label, control)
        if not usable:
            self._numbers.hide()
        head = hbox((self.use or self._title, 1), self._figure, spacing=8)
        indent = CHECK_SPACE if usable else 0
        below = vbox(self.detail, self.holders, self._numbers, spacing=2, margins=(indent, 0, 0, 0))
        vbox(head, below, parent=self, spacing=2, margins=(0, 12, 0, 12))
        if self.use is not None:
            self.use.setObjectName(f"use{name}")
            self.use.toggled.connect(lambda on: self.changed.emit(self.key, {"use": on}))
        self.ceiling.changed.connect(lambda number: self.changed.emit(self.key, {"ceiling_gib": number}))
        self.reserve.changed.connect(lambda number: self.changed.emit(self.key, {"reserve_gib": number}))

    def show_device(self, machine: Machine, preference: DevicePreference) -> None:
        """Show the current state of the device and its settings."""
        known = machine.engine.devices if machine.engine else ()
        found = next((each for each in known if each.name == self.name), None)
        planned = next((each for each in machine.offered or machine.devices if each.name == self.name), None)
        gpu = machine.nvidia_gpus.get(self.name)
        description = found.description if found else planned.description if planned else ""
        title = short_description(description) or self.name
        free = found.free_bytes if found else planned.free_bytes if planned else 0
        total = found.total_bytes if found else planned.total_bytes if planned else 0
        text = self.tr("{free} of {total} GiB free")
        if found is not None and found.kind == "cpu":
            # The engine reports all RAM as free.
            free, text = read_memory().available_bytes, self.tr("RAM: {free} of {total} GiB free")
        self._figure.setText(text.format(free=gib(free), total=gib(total)))
        details = self._details(found.backend if found else "", planned, gpu)
        self.detail.setText(" · ".join(detail for detail in details if detail != title))
        self.holders.setText(self._held_by(gpu.processes if gpu else ()))
        self.holders.setVisible(bool(self.holders.text()))
        if self.use is None:
            self._title.setText(title)
            return
        with QSignalBlocker(self.use):
            self.use.setChecked(preference.use)
        self.use.setText(title.replace("&", "&&"))
        self.use.setAccessibleName(self.tr("Use {device}").format(device=f"{title} ({self.name})"))
        self.use.setAccessibleDescription(f"{self._figure.text()}. {self.detail.text()}")
        self._numbers.setEnabled(preference.use)
        own = size_text(planned.reserve_bytes) if planned is not None else ""
        self.ceiling.show_number(preference.ceiling_gib, self.tr("No limit"))
        self.reserve.show_number(preference.reserve_gib, self.tr("Automatic ({kind})").format(kind=own))
        self.ceiling.setAccessibleName(self.tr("Use at most on {device}").format(device=title))
        self.reserve.setAccessibleName(self.tr("Keep free on {device}").format(device=title))

    def _details(self, backend: str, planned: Device | None, gpu: NvidiaGpu | None) -> list[str]:
        details = [self.name] if self.name != backend else []
        details.append(backend or self.tr("simulated"))
        if gpu is not None and gpu.pcie_width:
            details.append(f"PCIe {gpu.pcie_generation or '?'} ×{gpu.pcie_width}")
        if planned is not None and planned.reserve_bytes >= DISPLAY_RESERVE_BYTES:
            details.append(self.tr("drives the display"))
        if planned is not None and planned.shares_ram:
            details.append(self.tr("uses system RAM"))
        if planned is None and backend != "CPU":
            details.append(self.tr("not used: another device is the same GPU or a better choice"))
        return details

    def _held_by(self, processes: Sequence[GpuProcess]) -> str:
        if not processes:
            return ""
        largest = sorted(processes, key=lambda process: -(process.used_bytes or 0))
        names = [
            f"{process.name} {size_text(process.used_bytes)}" if process.used_bytes is not None else process.name
            for process in largest[:MAX_PROCESSES]
        ]
        if len(largest) > MAX_PROCESSES:
            names.append(self.tr("{count} more").format(count=len(largest) - MAX_PROCESSES))
        return self.tr("Used by {names}").format(names=list_text(names))


class DeviceSettings(QWidget):
    """Scans the devices when it is first shown and on request; changes apply to the next load."""

    changed = Signal()
    scanned = Signal(object)
    """The ``Machine``."""

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self.setObjectName("deviceSettings")
        self._services, self._status = services, status
        self._machine: Machine | None = None
        self._problem: UserError | None = None
        self._was_seen = False
        self._scans = 0
        """Running scans."""
        self._devices: list[DeviceRow] = []
        self._servers: dict[str, Row] = {}
        self._engine, self._hint, self._none = quiet_label(), paragraph(), quiet_label()
        self._engine.setObjectName("engineBuild")
        self._hint.setObjectName("devicesHint")
        self._hint.setProperty("warning", True)
        self._hint.setFont(interface_font(SMALL_SIZE))
        self._hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.refresh_button = button("refreshDevicesButton")
        self.refresh_button.setAccessibleName(self.tr("Rescan devices"))
        explanation = quiet_label(
            self.tr(
                "A PC whose APUS Chat lends it (Settings > Lending), or that runs llama.cpp's rpc-server, can share "
                "its GPUs with this one. Network traffic isn't encrypted, so use it only on your own network."
            )
        )
        example = self.tr("HOST:PORT, such as 192.168.1.20:50052")
        self.address = line_edit("rpcAddress", self.tr("RPC server address"), example)
        self.add = button("addServerButton", self.tr("Add"))
        texts = vbox(self._engine, self._hint, self._none, spacing=4)
        self._device_column, self._server_column = vbox(), vbox()
        vbox(
            hbox((texts, 1), (self.refresh_button, 0, TOP), spacing=24, margins=(0, 8, 0, 8)),
            self._device_column,
            hairline(),
            vbox(QLabel(self.tr("Devices on other PCs")), explanation, spacing=2, margins=(0, 12, 0, 4)),
            self._server_column,
            hbox((self.address, 1), self.add, spacing=8, margins=(0, 8, 0, 12)),
            parent=self,
        )
        self.refresh_button.clicked.connect(self.refresh)
        self.add.clicked.connect(self._add)
        self.address.returnPressed.connect(self._add)
        self.address.textChanged.connect(lambda text: self.add.setEnabled(bool(text.strip())))
        self.add.setEnabled(False)
        self._show()

    # Scanning

    def refresh(self) -> None:
        """Scan the devices again, in the background."""
        planning = self._services.planning
        self._scans += 1
        self.refresh_button.setEnabled(False)
        self._show()
        run_job(self, lambda: planning.machine(refresh=True), self._on_scanned, self._finish_scan)

    def _on_scanned(self, machine: Machine) -> None:
        self._machine = machine
        self.scanned.emit(machine)
        self._finish_scan(None)

    def _finish_scan(self, problem: UserError | None) -> None:
        self._problem = problem
        self._scans = max(0, self._scans - 1)
        self.refresh_button.setEnabled(not self._scans)
        self._show()

    # Settings

    @property
    def preferences(self) -> DevicePreferences:
        """The current settings."""
        return self._services.settings.current.device_preferences()

    def show_settings(self) -> None:
        """Show the current settings, and scan the devices with them."""
        if self._was_seen:
            self.refresh()
        else:
            self._show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Start the first scan."""
        super().paintEvent(event)
        if not self._was_seen:
            self._was_seen = True
            QTimer.singleShot(0, self, self.refresh)

    def _set_device(self, key: str, values: dict[str, Any]) -> None:
        if self._set(self.preferences.with_device(key, **values)):
            self._show()

    def _add(self) -> None:
        text = self.address.text().strip()
        if not text:
            return
        server = server_address(text)
        if server is None:
            self._status.show_error(UserError("rpc_address_wrong", text=text))
            return
        self.address.clear()
        self._set_servers(*dict.fromkeys((*self.preferences.rpc_servers, server)))

    def _remove(self, server: str) -> None:
        before = self.preferences.rpc_servers
        # The button is removed with its row.
        self.address.setFocus()
        if self._set_servers(*(each for each in before if each != server)):
            self._status.show_message(
                self.tr("{server} removed.").format(server=server),
                action=(self.tr("Undo"), lambda: self._set_servers(*before)),
            )

    def _set_servers(self, *servers: str) -> bool:
        is_saved = self._set(DevicePreferences(servers, self.preferences.devices))
        if is_saved:
            self.refresh()
        return is_saved

    def _set(self, preferences: DevicePreferences) -> bool:
        is_saved = self._status.attempt(lambda: self._services.settings.change(**preferences.to_settings()))
        if is_saved:
            self.changed.emit()
        return is_saved

    # Display

    def _show(self) -> None:
        self._show_texts()
        self._show_devices()
        self._show_servers()

    def _show_texts(self) -> None:
        machine = self._machine
        engine = hint = none = ""
        if machine is None:
            engine = self.tr("Scanning devices…") if self._scans else ""
        elif machine.engine is None:
            hint = self.tr(
                "These GPUs are simulated by {variable}. Plans and advice are based on them, but models load "
                "on the real hardware."
            ).format(variable=SIMULATED_GPUS_VARIABLE)
        else:
            engine = self.tr("Models are computed by {engine}, built for {backends}").format(
                engine=machine.engine.engine, backends=list_text(machine.engine.backends)
            )
            if machine.nvidia.driver:
                engine += self.tr(", NVIDIA driver {version}").format(version=machine.nvidia.driver)
        problem = self._problem or (machine.hint if machine is not None else None)
        if problem is not None:
            hint = error_text(problem)
        if machine is not None and not (machine.offered or machine.devices):
            none = self.tr("The engine found no usable GPU. Models run on the CPU.")
        for label, text in ((self._engine, engine), (self._hint, hint), (self._none, none)):
            label.setText(text)
            label.setVisible(bool(text))
        self.refresh_button.setText(self.tr("Scanning…") if self._scans else self.tr("Rescan"))

    def _show_devices(self) -> None:
        machine = self._machine
        if machine is None:
            return
        usable = {each.name for each in machine.offered or machine.devices}
        names = [each.name for each in machine.listed]
        devices = [(machine.keys.get(name, name), name, name in usable) for name in names]
        if devices != [(row.key, row.name, row.use is not None) for row in self._devices]:
            clear(self._device_column)
            self._devices = [DeviceRow(key, name, usable=can) for key, name, can in devices]
            for row in self._devices:
                row.changed.connect(self._set_device)
                self._device_column.addWidget(hairline())
                self._device_column.addWidget(row)
        for row in self._devices:
            row.show_device(machine, self.preferences.of(row.key))

    def _show_servers(self) -> None:
        servers = self.preferences.rpc_servers
        if list(servers) != list(self._servers):
            clear(self._server_column)
            self._servers = {server: self._server_row(server) for server in servers}
        for server, row in self._servers.items():
            text, kind = self._state_of(server)
            row.set_texts(server, text)
            row.setAccessibleName(f"{server}. {text}")
            set_kind(row.explanation, kind)

    def _server_row(self, server: str) -> Row:
        remove = button("removeServerButton", self.tr("Remove"))
        remove.setAccessibleName(self.tr("Remove {server}").format(server=server))
        remove.clicked.connect(lambda: self._remove(server))
        row = Row(remove)
        row.setObjectName(f"server{server}")
        row.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.explanation.setObjectName(f"serverState{server}")
        self._server_column.addWidget(row)
        self._server_column.addWidget(hairline())
        return row

    def _state_of(self, server: str) -> tuple[str, str]:
        machine = self._machine
        if machine is not None and machine.engine is None:
            return self.tr("Not checked because GPUs are simulated."), "quiet"
        engine, missing = (machine.engine, machine.missing) if machine is not None else (None, ())
        lent = [each for each in engine.devices if each.description == server] if engine else []
        problem = next((each for each in missing if each.data.get("server") == server), None)
        if problem is not None:
            return error_text(problem), "bad"
        if machine is None or not lent:
            return (self.tr("Connecting…"), "quiet") if self._scans else (self.tr("Not checked yet."), "quiet")
        memory = size_text(sum(each.free_bytes for each in lent))
        if len(lent) == 1:
            return self.tr("Connected: {device}, {memory} free").format(device=lent[0].name, memory=memory), "good"
        names = list_text(each.name for each in lent)
        return self.tr("Connected: {devices}, {memory} free").format(devices=names, memory=memory), "good"
