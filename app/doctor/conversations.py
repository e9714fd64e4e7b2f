"""The conversations: whether their database is whole, how large it is, and the copies of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.doctor.diagnostic import Finding, State, Text
from app.store.recovery import check_database


def look(folder: Path, is_cancelled: Callable[[], bool]) -> Iterator[Finding]:
    """Read the whole database once, without changing a byte of it.

    Raises:
        Cancelled: ``is_cancelled()`` became true.
    """
    report = check_database(folder, is_cancelled)
    if report is None:
        yield Finding("database", State.OK, Text("no_database"))
        return
    facts = {"size_bytes": report.bytes, "path": str(report.path), "detail": report.problem}
    if report.problem:
        yield Finding("database", State.BAD, Text("database_damaged", facts), remedy=Text("restore_backup"))
    else:
        yield Finding("database", State.OK, Text("database", facts))
    if report.backups:
        newest = report.backups[0]
        data = {"count": len(report.backups), "time": newest.made_at, "size_bytes": newest.bytes}
        yield Finding("backups", State.OK, Text("backups", data))
    else:
        yield Finding("backups", State.OK, Text("no_backups"))
