"""Fields of request bodies, each checked and taken once; and the errors that name the field that is the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from model_manager.disk.json_file import JsonError, from_json, to_json

_NONE: Mapping[str, Sequence[Any]] = {}


class ApiError(Exception):
    """An error response; ``param`` names the field that is the reason, ``code`` the problem for programs."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """Return the error in OpenAI's format."""
        kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def anthropic_body(self) -> dict[str, Any]:
        """Return the error in Anthropic's format (https://platform.claude.com/docs/en/api/errors)."""
        kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large"}
        kinds |= {429: "rate_limit_error", 503: "overloaded_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": self.message}}


class Fields:
    """The fields of an object, each taken once; null counts as absent."""

    def __init__(self, values: Mapping[str, Any], place: str = "") -> None:
        """``place`` is in front of the names of fields in errors."""
        self._values = {name: value for name, value in values.items() if value is not None}
        self._place = place

    @classmethod
    def parse(cls, body: bytes) -> Fields:
        """Parse the body of a request."""
        try:
            return cls(from_json(body, dict[str, Any]))
        except JsonError as error:
            raise ApiError(400, f"The body isn't a JSON object: {error}.") from None

    def take(
        self, name: str, expected: str, is_valid: Callable[[Any], bool], default: Any = ..., alias: str = ""
    ) -> Any:
        """Return a field, under its name or its alias, that is ``expected``; without a default it is required."""
        given = [each for each in (name, alias) if each in self._values]
        if not given:
            if default is ...:
                raise ApiError(400, f"{self._place}{name} is missing.", param=self._place + name)
            return default
        values = [self._values.pop(each) for each in given]
        if not all(map(is_valid, values)) or values[0] != values[-1]:
            raise ApiError(400, f"{self._place}{given[-1]} must be {expected}.", param=f"{self._place}{given[-1]}")
        return values[0]

    def finish(self, ignored: Collection[str] = (), only_values: Mapping[str, Sequence[Any]] = _NONE) -> None:
        """Refuse every field that was not taken, except for ``ignored`` ones, and those with one of ``only_values``."""
        for name, value in self._values.items():
            only = only_values.get(name)
            if name in ignored or (only and any(value == each and type(value) is type(each) for each in only)):
                continue
            place = (self._place + name)[:200]
            message = f"{place} isn't supported here{f', except as {to_json(only[0]).decode()}' if only else ''}."
            raise ApiError(400, message, param=place, code="unsupported_parameter")


def is_flag(value: object) -> bool:
    """Return whether a value is a boolean."""
    return isinstance(value, bool)


def is_text(value: object) -> bool:
    """Return whether a value is a text."""
    return isinstance(value, str)


def is_object(value: object) -> bool:
    """Return whether a value is an object."""
    return isinstance(value, dict)


def is_filled_list(value: object) -> bool:
    """Return whether a value is a list that is not empty."""
    return isinstance(value, list) and bool(value)


def is_whole(value: object, least: float, most: float) -> bool:
    """Return whether a value is a whole number within these bounds."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: object, least: float, most: float) -> bool:
    """Return whether a value is a number within these bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
