"""Formatting of counts."""

from __future__ import annotations


def grouped(count: int) -> str:
    """Return a number with commas as thousands separators."""
    return f"{count:,}"


def rounded(count: int) -> int:
    """Round an estimate to two significant digits."""
    step = 10 ** max(0, len(str(count)) - 2)
    return int(round(count / step) * step)
