"""Shared by the benchmarks: medians, programs that keep cores busy, and the JSON output."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Figure:
    """A measured figure with its limit."""

    name: str
    value: float
    target: str
    reached: bool
    details: dict[str, object] = field(default_factory=dict)


def at_least(name: str, value: float, bound: float, **details: object) -> Figure:
    return Figure(name, round(value, 4), f">= {bound}", value >= bound, details)


def at_most(name: str, value: float, bound: float, **details: object) -> Figure:
    return Figure(name, round(value, 4), f"<= {bound}", value <= bound, details)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Run programs that each occupy a core."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def reported(figure: Figure) -> Figure:
    """Print a figure as soon as it is measured."""
    print(f"{figure.name}: {figure.value} ({figure.target})", file=sys.stderr, flush=True)
    return figure


def report(figures: Sequence[Figure]) -> int:
    """Print the figures as JSON, also to the file of ``--out``; return 1 if a limit was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    text = json.dumps([asdict(figure) for figure in figures], indent=2, ensure_ascii=False)
    print(text)
    if out := parser.parse_known_args()[0].out:
        out.write_text(text + "\n", encoding="utf-8")
    return 0 if all(figure.reached for figure in figures) else 1
