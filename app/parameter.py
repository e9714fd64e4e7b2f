"""Declarations of values that the user can set: bounds or choices, and the strings of their row in the interface."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """Declaration of one dataclass field.  Strings are translated in the context ``parameters``."""

    default: Any = None
    minimum: float = 0
    maximum: float = 0
    """Bounds of a number, both permitted; without bounds they are equal."""
    step: float = 1
    choices: Mapping[Any, str] = field(default_factory=dict)
    """Labels of the permitted values; empty labels are made by the interface."""
    named_values: Mapping[Any, str] = field(default_factory=dict)
    """Labels of special values outside the bounds, such as 0 for "Automatic"; the others are entered as a number."""
    suggestion: float = 0
    """Number offered first in place of a named value, as shown."""
    unit: float = 1
    """Size of the stored unit in the unit that is shown; stored are integers where it is not 1."""
    is_multiline: bool = False
    placeholder: str = ""
    """Shown in an empty text field."""
    label: str = ""
    description: str = ""
    group: str = ""
    """Heading of its group in a compact form; without one it is in none."""
    page: str = ""
    """Section of the settings dialog; empty for values that are remembered rather than set there."""

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` has the type of the default and is within the bounds or among the choices."""
        if isinstance(value, list | dict) or (isinstance(value, str) and "\0" in value):
            # No path and no address contains a zero byte; the system refuses it with another error than a missing one.
            return False
        if self.choices:
            return value in self.choices
        if value in self.named_values and not isinstance(value, bool):
            return True
        if self.maximum > self.minimum:
            types = (int, float) if isinstance(self.default, float) else (int,)
            return isinstance(value, types) and not isinstance(value, bool) and self.minimum <= value <= self.maximum
        if self.default is None:
            return value is None or isinstance(value, str)
        return type(value) is type(self.default)

    def clamped(self, value: float) -> int:
        """Return the nearest whole number within the bounds."""
        return round(max(self.minimum, min(value, self.maximum)))

    def to_shown(self, value: Any) -> Any:
        """Return a stored value in the unit that is shown; named values stay."""
        return value if self.unit == 1 or value in self.named_values else value * self.unit

    def from_shown(self, value: Any) -> Any:
        """Return the stored value of one in the shown unit; named values stay."""
        return value if self.unit == 1 or value in self.named_values else round(value / self.unit)


def parameter(default: Any, **declaration: Any) -> Any:
    """Return a dataclass field with this default and the declaration of a ``Parameter``."""
    return field(default=default, metadata={"parameter": Parameter(default, **declaration)})


def parameters(type_: type) -> dict[str, Parameter]:
    """Return the declarations of a dataclass by the names of its fields, in their order."""
    return {each.name: each.metadata.get("parameter") or Parameter(each.default) for each in dataclasses.fields(type_)}
