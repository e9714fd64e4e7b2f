"""Counts as a person reads them."""

from __future__ import annotations


def grouped(count: int) -> str:
    """A number with thin spaces between its thousands."""
    return f"{count:,}".replace(",", "\u202f")


def rounded(count: int) -> int:
    """An estimate without the figures that it does not know: two of them stand."""
    step = 10 ** max(0, len(str(count)) - 2)
    return int(round(count / step) * step)
