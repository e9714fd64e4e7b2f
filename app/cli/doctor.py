"""``apus-chat doctor``: diagnostics of this machine with the commands that solve problems."""

from __future__ import annotations

import argparse
import sys

from app.cli.output import attributes, print_columns, print_json
from app.config.paths import DataFolder
from app.config.secrets import Secrets
from app.config.settings import SettingsFile
from app.doctor.diagnostic import Diagnostic, Severity, name_text, part_text, remedy_text, report, value_text
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.planning.machine import MachineReader

MARKS = {Severity.OK: "ok", Severity.WARNING: "!", Severity.BAD: "!!"}


def run(folder: DataFolder, settings: SettingsFile, arguments: argparse.Namespace) -> None:
    """Run all checks and print the results."""
    reader = MachineReader(folder, lambda: settings.current.device_preferences())
    doctor = Doctor(folder, settings, Secrets(), lambda: reader.read(refresh=True))
    groups: dict[str, tuple[Diagnostic, ...]] = {}
    for part in (*PARTS, NETWORK) if arguments.network else PARTS:
        groups[part] = doctor.check(part)
        if not arguments.json and not arguments.report:
            _print(part, groups[part])
    if arguments.json:
        print_json([_json_entry(part, result) for part, results in groups.items() for result in results])
    elif arguments.report:
        sys.stdout.write(report(groups))


def _print(part: str, results: tuple[Diagnostic, ...]) -> None:
    sys.stdout.write(f"{part_text(part)}\n")
    print_columns([(f"  {MARKS[each.state]}", name_text(each), value_text(each)) for each in results])
    for each in results:
        remedy = remedy_text(each)
        remedy = f"{remedy} Run: {each.command}" if remedy and each.command else remedy or each.command
        if remedy:
            sys.stdout.write(f"  -> {name_text(each)}: {remedy}\n")
    sys.stdout.write("\n")
    sys.stdout.flush()


def _json_entry(part: str, result: Diagnostic) -> dict[str, object]:
    remedy = remedy_text(result)
    return {
        **attributes(result, "name", "id", "subject", "state", "command"),
        "ok": result.state is Severity.OK,
        "value": value_text(result),
        "mend": result.command or remedy,
        "part": part,
        "remedy": remedy,
    }
