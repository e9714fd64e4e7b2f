"""Rows of the devices section: a device with its memory and its limits, and an RPC server."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QLabel, QSizePolicy, QWidget

from app.config.device_preferences import MOST_GIB, DevicePreference
from app.planning.machine import Machine
from app.units import size_text
from model_manager.devices.devices import DISPLAY_RESERVE_BYTES, Device, read_memory
from model_manager.devices.nvidia import GpuProcess, NvidiaCard
from ui.plan.bar_data import short_description
from ui.plan.rows import CHECK_SPACE
from ui.plan.strings import gib
from ui.widgets.controls import indent, wheel_only_with_focus
from ui.widgets.dialog_parts import button, quiet_label, set_kind
from ui.widgets.layouts import CENTRE, hbox, vbox

MAX_PROCESSES = 3
STEP_GIB = 0.5
NUMBER_WIDTH = 180


class GibOrAutomatic(QDoubleSpinBox):
    """Gibibytes, or None for automatic, which is one step below the minimum."""

    changed = Signal(object)
    """A number or None."""

    def __init__(self, name: str, *, minimum: float) -> None:
        super().__init__()
        self.setObjectName(name)
        self._automatic = minimum - STEP_GIB
        self.setRange(self._automatic, MOST_GIB)
        self.setSingleStep(STEP_GIB)
        self.setDecimals(1)
        self.setSuffix(" GiB")
        self.setKeyboardTracking(False)
        self.setFixedWidth(NUMBER_WIDTH)
        indent(self)
        wheel_only_with_focus(self)
        self.valueChanged.connect(self._emit)

    def show_number(self, number: float | None, text: str) -> None:
        """Show a number; ``text`` is the label of None."""
        self.blockSignals(True)
        self.setSpecialValueText(text)
        self.setValue(self._automatic if number is None else number)
        self.blockSignals(False)

    def _emit(self, value: float) -> None:
        self.changed.emit(None if value <= self._automatic else value)


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
        self.ceiling = GibOrAutomatic(f"ceiling{name}", minimum=0.5)
        self.reserve = GibOrAutomatic(f"reserve{name}", minimum=0)
        self._ceiling_label, self._reserve_label = quiet_label(), quiet_label()
        self._lay_out(CHECK_SPACE if usable else 0)
        if self.use is not None:
            self.use.setObjectName(f"use{name}")
            self.use.toggled.connect(lambda on: self.changed.emit(self.key, {"use": on}))
        self.ceiling.changed.connect(lambda number: self.changed.emit(self.key, {"ceiling_gib": number}))
        self.reserve.changed.connect(lambda number: self.changed.emit(self.key, {"reserve_gib": number}))

    def _lay_out(self, indent: int) -> None:
        for label in (self._ceiling_label, self._reserve_label):
            label.setWordWrap(False)
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._numbers = QWidget()
        numbers = QFormLayout(self._numbers)
        numbers.setContentsMargins(0, 6, 0, 0)
        numbers.setSpacing(8)
        numbers.addRow(self._ceiling_label, self.ceiling)
        numbers.addRow(self._reserve_label, self.reserve)
        self._numbers.setVisible(self.use is not None)
        head = hbox((self.use or self._title, 1), self._figure, spacing=8)
        below = vbox(self.detail, self.holders, self._numbers, spacing=2, margins=(indent, 0, 0, 0))
        vbox(head, below, parent=self, spacing=2, margins=(0, 12, 0, 12))

    def show_device(self, machine: Machine, preference: DevicePreference) -> None:
        """Show the current state of the device and its settings."""
        known = machine.engine.devices if machine.engine else ()
        found = next((each for each in known if each.name == self.name), None)
        planned = next((each for each in machine.offered or machine.devices if each.name == self.name), None)
        card = machine.cards.get(self.name)
        description = found.description if found else planned.description if planned else ""
        title = short_description(description) or self.name
        free = found.free_bytes if found else planned.free_bytes if planned else 0
        total = machine.total_bytes.get(self.name, free)
        if found is not None and found.kind == "cpu":
            # The engine reports all RAM as free.
            free = read_memory().available_bytes
        self._figure.setText(self.tr("{free} of {total} GiB free").format(free=gib(free), total=gib(total)))
        facts = self._facts(found.backend if found else "", planned, card)
        self.detail.setText(" · ".join(fact for fact in facts if fact != title))
        self.holders.setText(self._held_by(card.processes if card else ()))
        self.holders.setVisible(bool(self.holders.text()))
        if self.use is None:
            self._title.setText(title)
            return
        self.use.blockSignals(True)
        self.use.setChecked(preference.use)
        self.use.blockSignals(False)
        self.use.setText(title.replace("&", "&&"))
        self.use.setAccessibleName(self.tr("Use {device}").format(device=f"{title} ({self.name})"))
        self.use.setAccessibleDescription(f"{self._figure.text()}. {self.detail.text()}")
        self._show_numbers(title, planned, preference)

    def _show_numbers(self, title: str, planned: Device | None, preference: DevicePreference) -> None:
        self._ceiling_label.setText(self.tr("Use at most"))
        self._reserve_label.setText(self.tr("Keep free"))
        self._numbers.setEnabled(preference.use)
        own = size_text(planned.reserve_bytes) if planned is not None else ""
        self.ceiling.show_number(preference.ceiling_gib, self.tr("No limit"))
        self.reserve.show_number(preference.reserve_gib, self.tr("Automatic ({kind})").format(kind=own))
        self.ceiling.setAccessibleName(self.tr("Use at most on {device}").format(device=title))
        self.reserve.setAccessibleName(self.tr("Keep free on {device}").format(device=title))

    def _facts(self, backend: str, planned: Device | None, card: NvidiaCard | None) -> list[str]:
        facts = [self.name] if self.name != backend else []
        facts.append(backend or self.tr("simulated"))
        if card is not None and card.pcie_width:
            facts.append(f"PCIe {card.pcie_generation or '?'} ×{card.pcie_width}")
        if planned is not None and planned.reserve_bytes >= DISPLAY_RESERVE_BYTES:
            facts.append(self.tr("drives the display"))
        if planned is not None and planned.shares_ram:
            facts.append(self.tr("uses system RAM"))
        if planned is None and backend != "CPU":
            facts.append(self.tr("not used: another device is the same GPU or a better choice"))
        return facts

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
        return self.tr("Used by {names}").format(names=", ".join(names))


class ServerRow(QWidget):
    """One RPC server: its address, its devices or its error, and a button to remove it."""

    removed = Signal(str)

    def __init__(self, server: str) -> None:
        super().__init__()
        self.server = server
        self.setObjectName(f"server{server}")
        title = QLabel(server)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.state = quiet_label()
        self.state.setObjectName(f"serverState{server}")
        self.remove = button("removeServerButton")
        self.remove.clicked.connect(lambda: self.removed.emit(self.server))
        texts = vbox(title, self.state, spacing=2)
        hbox((texts, 1), (self.remove, 0, CENTRE), parent=self, spacing=24, margins=(0, 12, 0, 12))

    def show_state(self, text: str, kind: str) -> None:
        """Show its state; ``kind`` is ``quiet``, ``good`` or ``bad``."""
        set_kind(self.state, kind)
        self.state.setText(text)
        self.remove.setText(self.tr("Remove"))
        self.remove.setAccessibleName(self.tr("Remove {server}").format(server=self.server))
        self.setAccessibleName(f"{self.server}. {text}")
