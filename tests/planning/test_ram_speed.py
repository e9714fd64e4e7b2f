"""The RAM's speed is measured once per machine, on an idle one."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from app.planning import ram_speed
from app.planning.ram_speed import RememberedRamSpeed
from model_manager.devices.devices import RamSpeed
from model_manager.plan.speed import UNKNOWN_RAM


class Hardware:
    """RAM that becomes faster with each measurement, and a processor."""

    def __init__(self) -> None:
        self.measurements = 0
        self.busy_percent = 0.0

    def measure(self) -> RamSpeed:
        self.measurements += 1
        return RamSpeed(all_cores=2e9 * self.measurements, one_core=1e9)


@pytest.fixture
def hardware(monkeypatch: pytest.MonkeyPatch) -> Hardware:
    made = Hardware()
    monkeypatch.setattr(ram_speed, "measure_ram", made.measure)
    monkeypatch.setattr(psutil, "cpu_percent", lambda _seconds: made.busy_percent)
    return made


def test_speed_is_remembered(tmp_path: Path, hardware: Hardware) -> None:
    path = tmp_path / "ram-speed.json"
    assert RememberedRamSpeed(path).known() is None
    measured = RememberedRamSpeed(path).measure()
    assert RememberedRamSpeed(path).known() == RememberedRamSpeed(path).measure() == measured
    assert hardware.measurements == 1


def test_speed_of_a_busy_machine_is_not_remembered(tmp_path: Path, hardware: Hardware) -> None:
    path = tmp_path / "ram-speed.json"
    hardware.busy_percent = 50.0
    speed = RememberedRamSpeed(path)
    assert speed.measure() == speed.measure() == speed.known() == RamSpeed(UNKNOWN_RAM, UNKNOWN_RAM / 4)
    assert not path.exists()
    hardware.busy_percent = 0.0
    assert RememberedRamSpeed(path).measure() == RamSpeed(all_cores=4e9, one_core=1e9)
    assert hardware.measurements == 2
    assert path.exists()


@pytest.mark.parametrize("changed", [('"machine": "', '"machine": "another '), ("1000000000", "1e300"), ("{", "")])
def test_speed_of_another_machine_or_a_damaged_file_is_ignored(
    tmp_path: Path, hardware: Hardware, changed: tuple[str, str]
) -> None:
    path = tmp_path / "ram-speed.json"
    RememberedRamSpeed(path).measure()
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(*changed), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    assert RememberedRamSpeed(path).known() is None
    assert RememberedRamSpeed(path).measure().all_cores == 4e9
    assert RememberedRamSpeed(path).known() == RamSpeed(4e9, 1e9)
