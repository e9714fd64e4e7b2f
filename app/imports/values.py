"""Values of parsed JSON whose types are not certain."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM, _LATEST_S = 1e11, 7e9
"""Numbers from 1e11 are milliseconds: as seconds they would be after the year 5000."""
_TAVERN = re.compile(r"(\d+)-(\d+)-(\d+)\s*@(\d+)h\s*(\d+)m\s*(\d+)s(?:\s*(\d+)ms)?")
_ENGLISH = "%B %d, %Y %I:%M%p"


def text(value: object) -> str:
    """Return a string, and "" for anything else."""
    return value if isinstance(value, str) else ""


def identity(value: object) -> str:
    """Return a text or a whole number as text, and "" for anything else."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def mapping(value: object) -> dict[str, Any]:
    """Return an object, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a list, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [each for each in sequence(value) if isinstance(each, dict)]


def time(value: object) -> datetime | None:
    """Return a time: seconds or milliseconds since 1970, ISO 8601, or as SillyTavern writes it.

    Times without a zone are local ones.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if _MILLISECONDS_FROM <= value < 1000 * _LATEST_S else value
        # Also false for "not a number".
        return _EPOCH + timedelta(seconds=seconds) if 0 < seconds < _LATEST_S else None
    if not isinstance(value, str) or not value or len(value) > 64:
        return None
    with suppress(ValueError, OverflowError, OSError):
        if value.isdecimal():
            return time(int(value))
        if found := _TAVERN.match(value):
            year, month, day, hour, minute, second, ms = (int(each or 0) for each in found.groups())
            return datetime(year, month, day, hour, minute, second, ms * 1000).astimezone(UTC)
        if value[0].isalpha():
            return datetime.strptime(value, _ENGLISH).astimezone(UTC)
        return datetime.fromisoformat(value).astimezone(UTC)
    return None
