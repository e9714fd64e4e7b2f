"""Schedules of the automatic database backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.translation import QT_TRANSLATE_NOOP


@dataclass(frozen=True)
class BackupSchedule:
    """Interval between automatic backups, and the number of them that are kept."""

    id: str
    """Value of the setting ``backup_schedule``."""
    label: str
    interval: timedelta
    kept: int


DAILY = BackupSchedule("daily", QT_TRANSLATE_NOOP("parameters", "Every day"), timedelta(days=1), kept=7)
WEEKLY = BackupSchedule("weekly", QT_TRANSLATE_NOOP("parameters", "Every week"), timedelta(weeks=1), kept=4)
SCHEDULES = {each.id: each for each in (DAILY, WEEKLY)}
