"""Sizes, speeds and counts as text, the same in the window, the command line and messages."""

from __future__ import annotations

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def size_text(n_bytes: int, decimals: int = 1) -> str:
    """Return the size of memory or a file in binary units: GiB from 0.1 on with ``decimals``, MiB with one less."""
    if n_bytes < 0:
        return f"-{size_text(-n_bytes, decimals)}"
    if n_bytes >= GIB // 10 or not n_bytes:
        return f"{n_bytes / GIB:.{decimals}f} GiB"
    return f"{n_bytes / MIB:.{decimals - 1}f} MiB" if n_bytes >= MIB else f"{n_bytes / KIB:.0f} KiB"


def speed_text(bytes_per_second: float) -> str:
    """Return a transfer speed in decimal units, like browsers and providers."""
    if bytes_per_second >= 1e6:
        return f"{bytes_per_second / 1e6:.{0 if bytes_per_second >= 1e8 else 1}f} MB/s"
    return f"{bytes_per_second / 1e3:.0f} kB/s"


def rate_text(tokens_per_second: float) -> str:
    """Return tokens per second without the unit, with a decimal below 10."""
    return f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"


def grouped(count: int) -> str:
    """Return a number with commas as thousands separators."""
    return f"{count:,}"


def rounded(count: int) -> int:
    """Round an estimate to two significant digits."""
    step = 10 ** max(0, len(str(count)) - 2)
    return int(round(count / step) * step)
