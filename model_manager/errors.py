"""Expected errors: ``UserError`` (shown to the user) and ``Cancelled``.  ``app.messages`` has their texts."""

from __future__ import annotations


class UserError(Exception):
    """An error that the user can understand and act on.

    ``code`` names the case (``"file_missing"``), ``data`` contains what its message needs (paths, sizes in bytes,
    counts).  Any other exception except ``Cancelled`` is a bug.
    """

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code, data)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value!r}" for key, value in self.data.items())
        return f"{self.code}({details})"


class Cancelled(Exception):
    """The user cancelled the operation.  Nothing is shown."""
