"""Reading values out of parsed JSON that may hold anything.  What does not fit is told with its place."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

_Kind = TypeVar("_Kind")
_DEEPEST = 50
"""Levels of lists and objects inside each other."""


class Unfit(ValueError):
    """A value is missing or of the wrong kind.  ``str()`` is its place, ``messages[3].role``."""


def plain(value: object) -> Any:
    """``value`` as JSON can hold it: what has no form there becomes text, what is not a finite number becomes null."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """``text`` as it can be stored: halves of characters are joined, or replaced where the other half is missing."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def time_to_text(time: datetime) -> str:
    """ISO 8601 in UTC with microseconds: sorts as the times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


class Fields:
    """An object of parsed JSON.

    Every method raises Unfit where the value is of another kind; those named ``optional_`` take null or nothing too.
    """

    def __init__(self, values: object, place: str = "") -> None:
        if not isinstance(values, dict):
            raise Unfit(place or "the whole")
        self._values: dict[str, Any] = values
        self._place = place

    def has(self, key: str) -> bool:
        """Whether there is something under ``key``: not null, not nothing."""
        return self._values.get(key) is not None

    def text(self, key: str) -> str:
        """A string."""
        return clean_text(self._of(key, str))

    def optional_text(self, key: str) -> str | None:
        """A string, or None."""
        return None if self._values.get(key) is None else self.text(key)

    def whole(self, key: str) -> int:
        """A whole number."""
        return self._of(key, int)

    def optional_whole(self, key: str) -> int | None:
        """A whole number, or None."""
        return None if self._values.get(key) is None else self.whole(key)

    def number(self, key: str) -> float:
        """A number, whole or not."""
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit(self.place_of(key))
        try:
            number = float(value)
        except OverflowError as error:
            raise Unfit(self.place_of(key)) from error
        if not math.isfinite(number):
            raise Unfit(self.place_of(key))
        return number

    def optional_number(self, key: str) -> float | None:
        """A number, or None."""
        return None if self._values.get(key) is None else self.number(key)

    def truth(self, key: str) -> bool:
        """True or false; false where there is nothing."""
        return self._of(key, bool) if self.has(key) else False

    def list_of_anything(self, key: str) -> list[Any]:
        """A list."""
        return self._of(key, list)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self.list_of_anything(key)
        if not all(isinstance(value, str) for value in values):
            raise Unfit(self.place_of(key))
        return tuple(values)

    def mapping(self, key: str) -> dict[str, Any]:
        """An object, not too deep to be written again."""
        value = self._of(key, dict)
        if _is_deep(value):
            raise Unfit(self.place_of(key))
        return value

    def optional_mapping(self, key: str) -> dict[str, Any] | None:
        """An object, or None."""
        return None if self._values.get(key) is None else self.mapping(key)

    def fields(self, key: str) -> Fields:
        """An object, to be read in its turn."""
        return Fields(self._values.get(key), self.place_of(key))

    def time(self, key: str) -> datetime:
        """A time with its zone, given back in UTC."""
        try:
            time = datetime.fromisoformat(self.text(key))
            if time.tzinfo is None:
                raise Unfit(self.place_of(key))
            return time.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Unfit(self.place_of(key)) from error

    def optional_time(self, key: str) -> datetime | None:
        """A time with its zone, or None."""
        return None if self._values.get(key) is None else self.time(key)

    def identifier(self, key: str) -> str:
        """A UUID in its usual spelling."""
        value = self.text(key)
        try:
            usual = str(uuid.UUID(value)) == value
        except ValueError as error:
            raise Unfit(self.place_of(key)) from error
        if not usual:
            raise Unfit(self.place_of(key))
        return value

    def optional_identifier(self, key: str) -> str | None:
        """A UUID, or None."""
        return None if self._values.get(key) is None else self.identifier(key)

    def place_of(self, key: str) -> str:
        """Where ``key`` lies in the whole."""
        return f"{self._place}.{key}" if self._place else key

    def _of(self, key: str, kind: type[_Kind]) -> _Kind:
        value = self._values.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Unfit(self.place_of(key))
        return value
