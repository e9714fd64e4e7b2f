"""``apus-chat doctor``: what this machine offers, what is missing, and the command that mends it."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from app import __version__
from app.cli.output import gibibytes, print_columns, print_json
from app.paths import DataFolder
from app.planning.machine import MachineReader
from app.words import sentence
from model_manager.devices import read_memory
from model_manager.errors import UserError
from model_manager.starter import find_starter


@dataclass(frozen=True)
class Finding:
    """One thing looked at.  ``mend`` is a command or a sentence, empty where nothing needs mending."""

    name: str
    ok: bool
    value: str
    mend: str = ""


def run(folder: DataFolder, reader: MachineReader, arguments: argparse.Namespace) -> int:
    """Look, and print what was found; 0 when it could look, whatever it saw."""
    findings = list(_look(folder, reader))
    if arguments.json:
        print_json(findings)
    else:
        print_columns([("ok" if f.ok else "!!", f.name, f.value) for f in findings])
        for finding in findings:
            if finding.mend:
                sys.stdout.write(f"\n{finding.name}: {finding.mend}\n")
    return 0


def _look(folder: DataFolder, reader: MachineReader) -> Iterator[Finding]:
    yield Finding("program", True, f"APUS Chat {__version__}, Python {platform.python_version()}")
    yield Finding("system", True, platform.platform())
    memory = read_memory()
    yield Finding("memory", True, f"{gibibytes(memory.available_bytes)} available of {gibibytes(memory.total_bytes)}")
    yield Finding("processor", True, f"{os.cpu_count()} logical cores")
    writable = os.access(folder.root, os.W_OK)
    free = shutil.disk_usage(folder.root).free
    yield Finding(
        "data folder",
        writable,
        f"{folder.root}, {gibibytes(free)} free",
        "" if writable else f"make {folder.root} writable, or choose another with --data-dir",
    )
    starter = find_starter()
    yield Finding(
        "starter model", starter is not None, str(starter or "missing"), "" if starter else "python3 start.py"
    )
    yield from _engine(reader)
    yield _window()


def _engine(reader: MachineReader) -> Iterator[Finding]:
    try:
        machine = reader.now(refresh=True)
    except UserError as error:
        yield Finding("engine", False, sentence(error), "python3 start.py --rebuild")
        return
    if machine.engine is None:
        yield Finding("devices", True, "GPUs are pretended")
        return
    yield Finding("engine", True, machine.engine.engine)
    for device in machine.engine.devices:
        yield Finding(
            f"device {device.name}",
            True,
            f"{device.description}, {device.backend}, {gibibytes(device.free_bytes)} free of "
            f"{gibibytes(device.total_bytes)}",
        )
    for card in machine.nvidia.cards:
        holders = ", ".join(
            each.name + (f" {gibibytes(each.used_bytes)}" if each.used_bytes else "") for each in card.processes
        )
        yield Finding(
            f"card {card.name}", True, f"driver {machine.nvidia.driver}" + (f", {holders}" if holders else "")
        )
    if machine.hint is not None:
        yield Finding("graphics card", False, sentence(machine.hint), str(machine.hint.data.get("command", "")))


def _window() -> Finding:
    try:
        version = metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        return Finding("window", False, "PySide6 is missing", "python3 start.py")
    needs_display = sys.platform.startswith("linux")
    if needs_display and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        return Finding("window", False, f"PySide6 {version}, but no display", "start it from a desktop session")
    return Finding("window", True, f"PySide6 {version}")
