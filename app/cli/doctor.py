"""``apus-chat doctor``: diagnostics of this machine with the commands that solve problems."""

from __future__ import annotations

import argparse
import sys

from app.cli.output import print_columns, print_json
from app.doctor.diagnostic import Diagnostic, State, name_text, part_text, remedy_text, report, value_text
from app.doctor.doctor import NETWORK, PARTS, Doctor

MARKS = {State.OK: "ok", State.WARNING: "!", State.BAD: "!!"}


def run(doctor: Doctor, arguments: argparse.Namespace) -> int:
    """Run all checks and print the results; return 0 whatever they are."""
    parts = (*PARTS, NETWORK) if arguments.network else PARTS
    groups: dict[str, tuple[Diagnostic, ...]] = {}
    for part in parts:
        groups[part] = doctor.check(part)
        if not arguments.json and not arguments.report:
            _print(part, groups[part])
    if arguments.json:
        print_json([_json_entry(part, result) for part, results in groups.items() for result in results])
    elif arguments.report:
        sys.stdout.write(report(groups))
    return 0


def _print(part: str, results: tuple[Diagnostic, ...]) -> None:
    sys.stdout.write(f"{part_text(part)}\n")
    print_columns([(f"  {MARKS[each.state]}", name_text(each), value_text(each)) for each in results])
    for each in results:
        remedy = _remedy(each)
        if remedy:
            sys.stdout.write(f"  -> {name_text(each)}: {remedy}\n")
    sys.stdout.write("\n")
    sys.stdout.flush()


def _remedy(result: Diagnostic) -> str:
    remedy = remedy_text(result)
    return f"{remedy} Run: {result.command}" if remedy and result.command else remedy or result.command


def _json_entry(part: str, result: Diagnostic) -> dict[str, object]:
    return {
        "name": result.name,
        "ok": result.state is State.OK,
        "value": value_text(result),
        "mend": result.command or remedy_text(result),
        "part": part,
        "id": result.id,
        "subject": result.subject,
        "state": result.state.value,
        "remedy": remedy_text(result),
        "command": result.command,
    }
