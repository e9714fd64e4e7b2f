"""Check of the conversation database: integrity, size and backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.doctor.diagnostic import Diagnostic, State, Text
from app.store.recovery import check_database


def check(folder: Path, is_cancelled: Callable[[], bool]) -> Iterator[Diagnostic]:
    """Check the whole database without writing to it.

    Raises:
        Cancelled: ``is_cancelled()`` returned true.
    """
    report = check_database(folder, is_cancelled)
    if report is None:
        yield Diagnostic("database", State.OK, Text("no_database"))
        return
    data = {"size_bytes": report.bytes, "path": str(report.path), "detail": report.problem}
    if report.problem:
        yield Diagnostic("database", State.BAD, Text("database_damaged", data), remedy=Text("restore_backup"))
    else:
        yield Diagnostic("database", State.OK, Text("database", data))
    if report.backups:
        newest = report.backups[0]
        summary = {"count": len(report.backups), "time": newest.made_at, "size_bytes": newest.bytes}
        yield Diagnostic("backups", State.OK, Text("backups", summary))
    else:
        yield Diagnostic("backups", State.OK, Text("no_backups"))
