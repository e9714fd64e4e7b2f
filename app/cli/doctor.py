"""``apus-chat doctor``: what this machine offers, what is missing, and the command that mends it."""

from __future__ import annotations

import argparse
import sys

from app.cli.output import print_columns, print_json
from app.doctor.diagnostic import Finding, State
from app.doctor.doctor import NETWORK, PARTS, Doctor
from app.doctor.report import name_text, part_text, remedy_text, report, value_text

MARKS = {State.OK: "ok", State.WARNING: "!", State.BAD: "!!"}


def run(doctor: Doctor, arguments: argparse.Namespace) -> int:
    """Look, and print what was found part by part; 0 when it could look, whatever it saw."""
    parts = (*PARTS, NETWORK) if arguments.network else PARTS
    groups: dict[str, tuple[Finding, ...]] = {}
    for part in parts:
        groups[part] = doctor.look(part)
        if not arguments.json and not arguments.report:
            _print(part, groups[part])
    if arguments.json:
        print_json([_plain(part, finding) for part, findings in groups.items() for finding in findings])
    elif arguments.report:
        sys.stdout.write(report(groups))
    return 0


def _print(part: str, findings: tuple[Finding, ...]) -> None:
    sys.stdout.write(f"{part_text(part)}\n")
    print_columns([(f"  {MARKS[each.state]}", name_text(each), value_text(each)) for each in findings])
    for each in findings:
        mend = _mend(each)
        if mend:
            sys.stdout.write(f"  -> {name_text(each)}: {mend}\n")
    sys.stdout.write("\n")
    sys.stdout.flush()


def _mend(finding: Finding) -> str:
    remedy = remedy_text(finding)
    return f"{remedy} Run: {finding.command}" if remedy and finding.command else remedy or finding.command


def _plain(part: str, finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "ok": finding.state is State.OK,
        "value": value_text(finding),
        "mend": finding.command or remedy_text(finding),
        "part": part,
        "id": finding.id,
        "subject": finding.subject,
        "state": finding.state.value,
        "remedy": remedy_text(finding),
        "command": finding.command,
    }
