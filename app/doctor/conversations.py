"""The conversations: whether their database is whole, how large it is, and the copies of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.doctor.diagnostic import Finding, State, Text
from app.store.health import look_at


def look(folder: Path, is_cancelled: Callable[[], bool]) -> Iterator[Finding]:
    """Read the whole database once, without changing a byte of it.

    Raises:
        Cancelled: ``is_cancelled()`` became true.
    """
    health = look_at(folder, is_cancelled)
    if health is None:
        yield Finding("database", State.OK, Text("no_database"))
        return
    facts = {"size_bytes": health.bytes, "path": str(health.path), "detail": health.problem}
    if health.problem:
        yield Finding("database", State.BAD, Text("database_damaged", facts), remedy=Text("restore_backup"))
    else:
        yield Finding("database", State.OK, Text("database", facts))
    if health.backups:
        newest = health.backups[0]
        data = {"count": len(health.backups), "time": newest.made_at, "size_bytes": newest.bytes}
        yield Finding("backups", State.OK, Text("backups", data))
    else:
        yield Finding("backups", State.OK, Text("no_backups"))
