"""Counts as a person reads them."""

from __future__ import annotations


def grouped(count: int) -> str:
    """A number with commas between its thousands."""
    return f"{count:,}"


def rounded(count: int) -> int:
    """An estimate without the figures that it does not know: two of them stand."""
    step = 10 ** max(0, len(str(count)) - 2)
    return int(round(count / step) * step)
