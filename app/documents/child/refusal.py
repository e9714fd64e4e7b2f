"""Reason why a file is not read, as the child reports it."""

from __future__ import annotations


class Refusal(Exception):
    """``code`` is the ending of an error code: ``encrypted``, ``scan``, ``damaged``, ``old_format``, ``not_text``,
    of a picture ``format`` or ``too_large``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
