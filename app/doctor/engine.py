"""What can compute: the engine's build, a real start of it in a child, its devices, who holds their memory, RAM."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from app.doctor.diagnostic import Finding, State, Text
from app.doctor.program import is_bundle
from app.engine.external_engine import AddedEngine, added_engine
from app.planning.machine import Machine
from model_manager.devices.devices import Memory, read_memory
from model_manager.devices.nvidia import NvidiaCard
from model_manager.errors import UserError

GIB = 1 << 30
MUCH_HELD = 0.15
"""The share of a card that others may hold before it is worth a word."""
LITTLE_RAM_BYTES = 2 * GIB
MUCH_SWAP = 0.5


def look(
    read: Callable[[], Machine], engine_pid: int | None, environment: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """Start the engine in a child and tell what it can really use."""
    added = added_engine(environment)
    if added is not None:
        yield _added(added)
    try:
        machine = read()
    except UserError as error:
        command = "" if is_bundle() else "python3 start.py --rebuild"
        remedy = Text("bundle_again" if is_bundle() else "rebuild")
        yield Finding("engine", State.BAD, error, remedy=remedy, command=command)
        return
    yield from tell(machine, engine_pid)


def tell(machine: Machine, engine_pid: int | None = None) -> Iterator[Finding]:
    """What the machine that was read means."""
    if machine.engine is None:
        yield Finding("devices", State.OK, Text("pretended"))
        return
    backends = ", ".join(machine.engine.backends) or "CPU"
    yield Finding("engine", State.OK, Text("engine", {"engine": machine.engine.engine, "backends": backends}))
    used = ", ".join(device.name for device in machine.devices)
    yield Finding("devices", State.OK, Text("devices_used", {"names": used}) if used else Text("processor_alone"))
    for device in machine.engine.devices:
        facts = {
            "description": device.description,
            "backend": device.backend,
            "free_bytes": device.free_bytes,
            "total_bytes": device.total_bytes,
        }
        # What the engine calls free of the processor's memory is all of it; the RAM has a finding of its own.
        code = "device_cpu" if device.kind == "cpu" else "device"
        code = "device_left_out" if device.name in machine.left_out else code
        yield Finding("device", State.OK, Text(code, facts), subject=device.name)
    for card in machine.nvidia.cards:
        yield _card(card, machine.nvidia.driver or "?", engine_pid)
    for missing in machine.missing:
        yield Finding("rpc_server", State.WARNING, missing, subject=str(missing.data.get("server", "")))
    if machine.hint is not None:
        yield _hint(machine.hint)


def look_at_memory() -> Iterator[Finding]:
    """RAM and swap as they are now."""
    yield from tell_memory(read_memory())


def tell_memory(memory: Memory) -> Iterator[Finding]:
    """What so much memory means."""
    facts = {"available_bytes": memory.available_bytes, "total_bytes": memory.total_bytes}
    little = memory.available_bytes < LITTLE_RAM_BYTES
    yield Finding(
        "memory",
        State.WARNING if little else State.OK,
        Text("memory", facts),
        remedy=Text("close_programs") if little else None,
    )
    used = memory.swap_total_bytes - memory.swap_free_bytes
    if not memory.swap_total_bytes:
        yield Finding("swap", State.OK, Text("no_swap"))
        return
    much = used > GIB and used > MUCH_SWAP * memory.swap_total_bytes
    yield Finding(
        "swap",
        State.WARNING if much else State.OK,
        Text("swap", {"used_bytes": used, "total_bytes": memory.swap_total_bytes}),
        remedy=Text("close_programs") if much else None,
    )


def _added(added: AddedEngine) -> Finding:
    facts = {
        "backend": added.backend,
        "version": added.version,
        "expected": added.expected_version,
        "path": str(added.path),
    }
    if added.fits:
        return Finding("added_engine", State.OK, Text("added_engine", facts))
    return Finding("added_engine", State.BAD, Text("added_engine_unfit", facts), remedy=Text("other_engine", facts))


def _card(card: NvidiaCard, driver: str, engine_pid: int | None) -> Finding:
    others = [each for each in card.processes if each.pid != engine_pid]
    held = sum(each.used_bytes or 0 for each in others)
    names = ", ".join(each.name + (f" {each.used_bytes / GIB:.1f} GiB" if each.used_bytes else "") for each in others)
    much = held > MUCH_HELD * card.total_bytes
    facts = {"driver": driver, "holders": names, "free_bytes": card.free_bytes, "total_bytes": card.total_bytes}
    return Finding(
        "card",
        State.WARNING if much else State.OK,
        Text("card_held" if others else "card", facts),
        subject=card.name,
        remedy=Text("close_holders", {"holders": names}) if much else None,
    )


def _hint(hint: UserError) -> Finding:
    if hint.code == "gpus_need_backend":
        facts = {"gpus": hint.data["gpus"], "backend": str(hint.data["backend"])}
        if is_bundle():
            return Finding("graphics_card", State.WARNING, Text("gpus_idle", facts), remedy=Text("other_bundle", facts))
        command = str(hint.data["command"])
        return Finding(
            "graphics_card", State.WARNING, Text("gpus_idle", facts), remedy=Text("build_backend"), command=command
        )
    return Finding("graphics_card", State.WARNING, hint)
