"""Checks of the engine: its build, a real start in a child process, devices and their memory, RAM."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from app.doctor.diagnostic import Diagnostic, Severity
from app.doctor.program import is_bundle
from app.engine.external_engine import ExternalEngine, external_engine
from app.planning.machine import Machine
from app.units import GIB, size_text
from model_manager.devices.devices import Memory
from model_manager.devices.nvidia import NvidiaGpu
from model_manager.errors import UserError

HIGH_USE = 0.15
"""Fraction of a GPU's memory used by other programs that causes a warning."""
LOW_RAM_BYTES = 2 * GIB
HIGH_SWAP = 0.5


def check(
    read: Callable[[], Machine], engine_pid: int | None, environment: Mapping[str, str] = os.environ
) -> Iterator[Diagnostic]:
    """Start the engine in a child process and report the devices it can use."""
    external = external_engine(environment)
    if external is not None:
        yield _external(external)
    try:
        machine = read()
    except UserError as error:
        remedy, command = ("bundle_again", "") if is_bundle() else ("rebuild", "python3 start.py --rebuild")
        yield Diagnostic("engine", Severity.BAD, error, remedy=remedy, command=command)
        return
    yield from describe(machine, engine_pid)


def describe(machine: Machine, engine_pid: int | None = None) -> Iterator[Diagnostic]:
    """Yield the results for a scanned machine."""
    if machine.engine is None:
        yield Diagnostic("devices", Severity.OK, "pretended")
        return
    backends = machine.engine.backends or ("CPU",)
    yield Diagnostic("engine", Severity.OK, "engine", {"engine": machine.engine.engine, "backends": backends})
    used = [device.name for device in machine.devices]
    yield Diagnostic("devices", Severity.OK, "devices_used" if used else "processor_alone", {"names": used})
    for device in machine.engine.devices:
        data = {
            "description": device.description,
            "backend": device.backend,
            "free_bytes": device.free_bytes,
            "total_bytes": device.total_bytes,
        }
        # The engine reports all RAM as free; RAM is checked separately.
        code = "device_cpu" if device.kind == "cpu" else "device"
        code = "device_left_out" if device.name in machine.left_out else code
        yield Diagnostic("device", Severity.OK, code, data, subject=device.name)
    for gpu in machine.nvidia.gpus:
        yield _gpu(gpu, machine.nvidia.driver or "?", engine_pid)
    for missing in machine.missing:
        yield Diagnostic("rpc_server", Severity.WARNING, missing, subject=str(missing.data.get("server", "")))
    if machine.hint is not None:
        yield _hint(machine.hint)


def check_memory(memory: Memory) -> Iterator[Diagnostic]:
    """Check RAM and swap."""
    data = {"available_bytes": memory.available_bytes, "total_bytes": memory.total_bytes}
    is_low = memory.available_bytes < LOW_RAM_BYTES
    yield Diagnostic("memory", Severity.OK, "memory", data).warning_if(is_low, "close_programs")
    total, used = memory.swap_total_bytes, memory.swap_total_bytes - memory.swap_free_bytes
    swap = Diagnostic("swap", Severity.OK, "swap" if total else "no_swap", {"used_bytes": used, "total_bytes": total})
    yield swap.warning_if(used > max(GIB, HIGH_SWAP * total), "close_programs")


def _external(engine: ExternalEngine) -> Diagnostic:
    data = {
        "backend": engine.backend,
        "version": engine.version,
        "expected": engine.expected_version,
        "path": engine.path,
    }
    if engine.is_compatible:
        return Diagnostic("external_engine", Severity.OK, "external_engine", data)
    return Diagnostic("external_engine", Severity.BAD, "added_engine_unfit", data, remedy="other_engine")


def _gpu(gpu: NvidiaGpu, driver: str, engine_pid: int | None) -> Diagnostic:
    others = [each for each in gpu.processes if each.pid != engine_pid]
    held = sum(each.used_bytes or 0 for each in others)
    names = ", ".join(each.name + (f" {size_text(each.used_bytes)}" if each.used_bytes else "") for each in others)
    data = {"driver": driver, "holders": names}
    result = Diagnostic("card", Severity.OK, "card_held" if others else "card", data, subject=gpu.name)
    return result.warning_if(held > HIGH_USE * gpu.total_bytes, "close_holders")


def _hint(hint: UserError) -> Diagnostic:
    if hint.code != "gpus_need_backend":
        return Diagnostic("graphics_card", Severity.WARNING, hint)
    remedy, command = ("other_bundle", "") if is_bundle() else ("build_backend", str(hint.data["command"]))
    return Diagnostic("graphics_card", Severity.WARNING, "gpus_idle", hint.data, remedy=remedy, command=command)
