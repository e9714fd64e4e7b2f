"""Devices section of the settings: devices of the engine, their limits, and RPC servers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.config.device_preferences import DevicePreferences, server_address
from app.planning.machine import SIMULATED_GPUS_VARIABLE, Machine
from app.services import Services
from app.units import size_text
from model_manager.errors import UserError
from ui.settings.device_rows import DeviceRow, ServerRow
from ui.widgets.dialog_parts import SMALL_SIZE, StatusLine, button, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.layouts import TOP, clear, hbox, vbox
from ui.widgets.theme import interface_font


class DeviceSettings(QWidget):
    """Scans the devices when it is first shown and on request; changes apply to the next load."""

    changed = Signal()

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
        self._servers: list[ServerRow] = []
        self._engine, self._hint, self._none = quiet_label(), QLabel(), quiet_label()
        self._engine.setObjectName("engineBuild")
        self._hint.setObjectName("devicesHint")
        self._hint.setProperty("warning", True)
        self._hint.setFont(interface_font(SMALL_SIZE))
        self._hint.setWordWrap(True)
        self._hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.refresh_button = button("refreshDevicesButton")
        self._rpc_title, self._rpc_explanation = QLabel(), quiet_label()
        self.address = QLineEdit()
        self.address.setObjectName("rpcAddress")
        self.add = button("addServerButton")
        self._lay_out()
        self.refresh_button.clicked.connect(self.refresh)
        self.add.clicked.connect(self._add)
        self.address.returnPressed.connect(self._add)
        self.address.textChanged.connect(lambda text: self.add.setEnabled(bool(text.strip())))
        self.add.setEnabled(False)
        self.show_settings()

    def _lay_out(self) -> None:
        texts = vbox(self._engine, self._hint, self._none, spacing=4)
        head = hbox((texts, 1), (self.refresh_button, 0, TOP), spacing=24, margins=(0, 8, 0, 8))
        self._device_column, self._server_column = vbox(), vbox()
        vbox(
            head,
            self._device_column,
            hairline(),
            vbox(self._rpc_title, self._rpc_explanation, spacing=2, margins=(0, 12, 0, 4)),
            self._server_column,
            hbox((self.address, 1), self.add, spacing=8, margins=(0, 8, 0, 12)),
            parent=self,
        )

    # Scanning

    def refresh(self) -> None:
        """Scan the devices again, in the background."""
        planning = self._services.planning
        self._scans += 1
        self.refresh_button.setEnabled(False)
        self._show()
        run_job(self, lambda: planning.machine(refresh=True), self._on_scanned, self._on_failed)

    def _on_scanned(self, machine: Machine) -> None:
        self._machine, self._problem = machine, None
        self._finish_scan()

    def _on_failed(self, error: UserError) -> None:
        self._problem = error
        self._finish_scan()

    def _finish_scan(self) -> None:
        self._scans = max(0, self._scans - 1)
        self.refresh_button.setEnabled(not self._scans)
        self._show()

    # Settings

    @property
    def preferences(self) -> DevicePreferences:
        """The current settings."""
        return self._services.settings.now.device_preferences()

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
            problem = UserError("rpc_address_wrong", text=text)
            self._status.show_message(error_text(problem), "bad")
            return
        preferences = self.preferences
        self.address.clear()
        added = DevicePreferences((*preferences.rpc_servers, server), preferences.devices)
        if server not in preferences.rpc_servers and self._set(added):
            self.refresh()

    def _remove(self, server: str) -> None:
        preferences = self.preferences
        left = tuple(each for each in preferences.rpc_servers if each != server)
        if self._set(DevicePreferences(left, preferences.devices)):
            self._status.show_message(
                self.tr("{server} removed.").format(server=server),
                action=(self.tr("Undo"), lambda: self._restore(preferences)),
            )
            self.refresh()

    def _restore(self, preferences: DevicePreferences) -> None:
        if self._set(DevicePreferences(preferences.rpc_servers, self.preferences.devices)):
            self.refresh()

    def _set(self, preferences: DevicePreferences) -> bool:
        try:
            self._services.settings.change(**preferences.to_settings())
        except UserError as error:
            problem = error
            self._status.show_message(error_text(problem), "bad")
            return False
        self._status.clear()
        self.changed.emit()
        return True

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
            engine = self.tr("{engine}, built for {backends}").format(
                engine=machine.engine.engine, backends=", ".join(machine.engine.backends)
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
        known = [each.name for each in machine.engine.devices] if machine.engine else list(machine.total_bytes)
        devices = [(machine.keys.get(name, name), name, name in usable) for name in known]
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
        if list(servers) != [row.server for row in self._servers]:
            clear(self._server_column)
            self._servers = [ServerRow(server) for server in servers]
            for row in self._servers:
                row.removed.connect(self._remove)
                self._server_column.addWidget(row)
                self._server_column.addWidget(hairline())
        for row in self._servers:
            row.show_state(*self._state_of(row.server))

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
        names = ", ".join(each.name for each in lent)
        return self.tr("Connected: {devices}, {memory} free").format(devices=names, memory=memory), "good"

    def retranslate(self) -> None:
        """Set all texts in the current language."""
        self._rpc_title.setText(self.tr("Devices on other PCs"))
        self._rpc_explanation.setText(
            self.tr(
                "A PC running llama.cpp's rpc-server can share its GPUs with this one. Network traffic isn't "
                "encrypted, so use it only on your own network."
            )
        )
        self.address.setPlaceholderText(self.tr("HOST:PORT, such as 192.168.1.20:50052"))
        self.address.setAccessibleName(self.tr("RPC server address"))
        self.add.setText(self.tr("Add"))
        self.refresh_button.setAccessibleName(self.tr("Rescan devices"))
        self._show()
