"""The two kinds of error that are nobody's bug.  Words are made for them at the edge: window and command line."""

from __future__ import annotations


class UserError(Exception):
    """Something the person can understand and act on.

    ``code`` names the case (``"file_missing"``), ``data`` holds what a sentence about it needs (paths, sizes in bytes,
    counts).  Anything that is neither a UserError nor Cancelled is a bug of ours.
    """

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code, data)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value!r}" for key, value in self.data.items())
        return f"{self.code}({details})"


class Cancelled(Exception):
    """The person asked for the work to end.  Nothing is shown."""
