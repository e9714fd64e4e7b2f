"""RAM and swap of the machine that runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_manager.devices.devices import read_memory


def test_memory_is_that_of_this_machine() -> None:
    memory = read_memory()
    assert 0 < memory.available_bytes <= memory.total_bytes
    assert 0 <= memory.swap_free_bytes <= memory.swap_total_bytes


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="compares with Linux's own figures")
def test_memory_is_in_bytes() -> None:
    lines = Path("/proc/meminfo").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    memory = read_memory()
    assert memory.total_bytes == kib["MemTotal"] * 1024
    assert memory.swap_total_bytes == kib["SwapTotal"] * 1024
