"""Schedules of the automatic database backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class BackupSchedule:
    """Interval between automatic backups, and the number of them that are kept."""

    id: str
    """Value of the setting ``backup_schedule``."""
    interval: timedelta
    kept: int


DAILY = BackupSchedule("daily", timedelta(days=1), kept=7)
SCHEDULES = {each.id: each for each in (DAILY,)}
