"""Check of the engine: its build, a real start in a child process, devices and their memory, RAM."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from app.doctor.diagnostic import Diagnostic, State, Text
from app.doctor.program import is_bundle
from app.engine.external_engine import ExternalEngine, external_engine
from app.planning.machine import Machine
from app.units import GIB, size_text
from model_manager.devices.devices import Memory
from model_manager.devices.nvidia import NvidiaCard
from model_manager.errors import UserError

HIGH_USE = 0.15
"""Fraction of a GPU's memory used by other programs that causes a warning."""
LOW_RAM_BYTES = 2 * GIB
HIGH_SWAP = 0.5


def check(
    read: Callable[[], Machine], engine_pid: int | None, environment: Mapping[str, str] = os.environ
) -> Iterator[Diagnostic]:
    """Start the engine in a child process and report the devices it can use."""
    added = external_engine(environment)
    if added is not None:
        yield _added(added)
    try:
        machine = read()
    except UserError as error:
        command = "" if is_bundle() else "python3 start.py --rebuild"
        remedy = Text("bundle_again" if is_bundle() else "rebuild")
        yield Diagnostic("engine", State.BAD, error, remedy=remedy, command=command)
        return
    yield from describe(machine, engine_pid)


def describe(machine: Machine, engine_pid: int | None = None) -> Iterator[Diagnostic]:
    """Yield the results for a scanned machine."""
    if machine.engine is None:
        yield Diagnostic("devices", State.OK, Text("pretended"))
        return
    backends = ", ".join(machine.engine.backends) or "CPU"
    yield Diagnostic("engine", State.OK, Text("engine", {"engine": machine.engine.engine, "backends": backends}))
    used = ", ".join(device.name for device in machine.devices)
    yield Diagnostic("devices", State.OK, Text("devices_used", {"names": used}) if used else Text("processor_alone"))
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
        yield Diagnostic("device", State.OK, Text(code, data), subject=device.name)
    for card in machine.nvidia.cards:
        yield _card(card, machine.nvidia.driver or "?", engine_pid)
    for missing in machine.missing:
        yield Diagnostic("rpc_server", State.WARNING, missing, subject=str(missing.data.get("server", "")))
    if machine.hint is not None:
        yield _hint(machine.hint)


def check_memory(memory: Memory) -> Iterator[Diagnostic]:
    """Check RAM and swap."""
    data = {"available_bytes": memory.available_bytes, "total_bytes": memory.total_bytes}
    low = memory.available_bytes < LOW_RAM_BYTES
    yield Diagnostic(
        "memory",
        State.WARNING if low else State.OK,
        Text("memory", data),
        remedy=Text("close_programs") if low else None,
    )
    used = memory.swap_total_bytes - memory.swap_free_bytes
    if not memory.swap_total_bytes:
        yield Diagnostic("swap", State.OK, Text("no_swap"))
        return
    high = used > GIB and used > HIGH_SWAP * memory.swap_total_bytes
    yield Diagnostic(
        "swap",
        State.WARNING if high else State.OK,
        Text("swap", {"used_bytes": used, "total_bytes": memory.swap_total_bytes}),
        remedy=Text("close_programs") if high else None,
    )


def _added(added: ExternalEngine) -> Diagnostic:
    data = {
        "backend": added.backend,
        "version": added.version,
        "expected": added.expected_version,
        "path": str(added.path),
    }
    if added.is_compatible:
        return Diagnostic("external_engine", State.OK, Text("external_engine", data))
    return Diagnostic("external_engine", State.BAD, Text("added_engine_unfit", data), remedy=Text("other_engine", data))


def _card(card: NvidiaCard, driver: str, engine_pid: int | None) -> Diagnostic:
    others = [each for each in card.processes if each.pid != engine_pid]
    held = sum(each.used_bytes or 0 for each in others)
    names = ", ".join(each.name + (f" {size_text(each.used_bytes)}" if each.used_bytes else "") for each in others)
    high = held > HIGH_USE * card.total_bytes
    data = {"driver": driver, "holders": names, "free_bytes": card.free_bytes, "total_bytes": card.total_bytes}
    return Diagnostic(
        "card",
        State.WARNING if high else State.OK,
        Text("card_held" if others else "card", data),
        subject=card.name,
        remedy=Text("close_holders", {"holders": names}) if high else None,
    )


def _hint(hint: UserError) -> Diagnostic:
    if hint.code != "gpus_need_backend":
        return Diagnostic("graphics_card", State.WARNING, hint)
    data = {"gpus": hint.data["gpus"], "backend": str(hint.data["backend"])}
    remedy = Text("other_bundle", data) if is_bundle() else Text("build_backend")
    command = "" if is_bundle() else str(hint.data["command"])
    return Diagnostic("graphics_card", State.WARNING, Text("gpus_idle", data), remedy=remedy, command=command)
