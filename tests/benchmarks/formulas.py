"""Time of formulas: drawing them, opening a long conversation with new ones, and one that exceeds its limit.

    QT_QPA_PLATFORM=offscreen python tests/benchmarks/formulas.py

Prints JSON; exits 1 if a limit is exceeded.  The window's thread is measured in processor time, with the wall-clock
time beside it, which depends on other programs.  Not collected by pytest.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.conversation import Role
from app.formulas import FormulaRenderer
from app.markdown.parser import parse
from tests.benchmarks.figures import ROOT, Figure, at_most, median, report, reported, rounded
from tests.markdown.corpus import HOSTILE
from ui.transcript import Item, Transcript
from ui.widgets.theme import LIGHT, apply_theme

LINES = (ROOT / "tests/rigs/formulas.txt").read_text("utf-8").split("#broken")[0].splitlines()
FORMULAS = [line for line in LINES if line and not line.startswith("#")]
MESSAGES, ROUNDS, UNSEEN = 10_000, 9, 20
OPEN_MS, BLOCKED_MS, DRAWN_MS, GROWTH = 150, 50, 2_000, 10


def draw_all(formula_renderer: FormulaRenderer) -> float:
    """Return the milliseconds until all are rendered."""
    arrived, left = threading.Event(), [len(FORMULAS)]

    def tell(formula: str, display: bool) -> None:
        left[0] -= 1
        if not left[0]:
            arrived.set()

    started = time.perf_counter()
    formula_renderer.request([(formula, True) for formula in FORMULAS], tell)
    arrived.wait(120)
    return (time.perf_counter() - started) * 1000


def drawing() -> list[Figure]:
    cold, warm, cached = [], [], []
    for _ in range(3):
        formula_renderer = FormulaRenderer()
        cold.append(draw_all(formula_renderer))
        cached.append(draw_all(formula_renderer))
        formula_renderer.close()
        formula_renderer = FormulaRenderer()
        formula_renderer.shape("x", False)
        warm.append(draw_all(formula_renderer))
        formula_renderer.close()
    return [
        reported(at_most("44 formulas, the process started for them, ms", median(cold), DRAWN_MS, each=rounded(cold))),
        reported(at_most("44 formulas, the process running, ms", median(warm), DRAWN_MS, each=rounded(warm))),
        reported(at_most("44 formulas, drawn before, ms", median(cached), 10, each=rounded(cached))),
    ]


def conversation(number: int) -> list[Item]:
    """Return many messages; the last has new formulas."""
    items = [
        Item(str(n), Role.ASSISTANT, f"Answer {n} with **bold** and `code`. 一段中文。\n\n- one\n- two")
        if n % 2
        else Item(str(n), Role.USER, f"Question {n}? 问题")
        for n in range(MESSAGES - 1)
    ]
    formulas = [f"{formula} + {number}" for formula in FORMULAS[:UNSEEN]]
    return [*items, Item("last", Role.ASSISTANT, "\n".join(f"So ${formula}$." for formula in formulas))]


def opening(app: QApplication) -> list[Figure]:
    formula_renderer = FormulaRenderer()
    widget = window(formula_renderer)
    opened, by_the_clock, complete, gaps = [], [], [], []
    for number in range(ROUNDS):
        items = conversation(number)
        widget.set_items([])
        app.processEvents()
        started, used = time.perf_counter(), time.thread_time()
        widget.set_items(items)
        widget.viewport().repaint()
        opened.append((time.thread_time() - used) * 1000)
        by_the_clock.append((time.perf_counter() - started) * 1000)
        gaps.append(longest_gap(lambda: not any(p.pending_formulas for p in widget.page.view(MESSAGES - 1).parts)))
        complete.append((time.perf_counter() - started) * 1000)
    formula_renderer.close()
    name = f"{MESSAGES:,} messages with {UNSEEN} unseen formulas on the screen"
    return [
        reported(at_most(f"{name}: to painted, ms", median(opened), OPEN_MS, by_the_clock=rounded(by_the_clock))),
        reported(at_most(f"{name}: to drawn, ms", median(complete), DRAWN_MS, each=rounded(complete))),
        reported(block_figure("longest block of the window while they arrive, ms", max(gaps))),
    ]


def bomb(depth: int, level: str) -> str:
    formula = "x"
    for _ in range(depth):
        formula = level.replace("?", formula)
    return formula


def hostile() -> list[Figure]:
    figures = []
    levels = {
        "fractions": r"\frac{?}{2}",
        "brackets in cases": r"\left(\begin{cases}?&1\\2&3\end{cases}\right)",
        "boxes of matrices": r"\boxed{\begin{pmatrix}?&?\\1&2\end{pmatrix}}",
    }
    for name, level in levels.items():
        formula_renderer = FormulaRenderer()
        widget = window(formula_renderer)
        depth = 30 if level.count("?") == 1 else 6
        formula = bomb(depth, level)
        started = time.perf_counter()
        widget.set_items([Item("a", Role.ASSISTANT, f"So $x$ and\n\n$${formula}$$\n\nend")])
        gap = longest_gap(lambda w=widget: not any(p.pending_formulas for p in w.page.view(0).parts))
        seconds = time.perf_counter() - started
        drawn = formula_renderer.known(formula, True) is not None
        title = f"longest block of the window, {depth} levels of {name}, ms"
        figures.append(reported(block_figure(title, gap, drawn=drawn, seconds=round(seconds, 2))))
        formula_renderer.close()
    return figures


def window(formula_renderer: FormulaRenderer) -> Transcript:
    widget = Transcript()
    widget.use_formula_renderer(formula_renderer)
    widget.resize(1000, 860)
    widget.set_theme(LIGHT)
    widget.show()
    QApplication.processEvents()
    return widget


def longest_gap(is_over: Callable[[], bool]) -> tuple[float, float]:
    """Return the longest block of the event loop until a condition holds, in CPU and wall-clock milliseconds."""
    loop, ticker = QEventLoop(), QTimer()
    began = time.perf_counter()
    ticks = [(time.thread_time(), began)]

    def tick() -> None:
        ticks.append((time.thread_time(), time.perf_counter()))
        if is_over() or ticks[-1][1] - began > 60:
            loop.quit()

    ticker.timeout.connect(tick)
    ticker.start(1)
    loop.exec()
    ticker.stop()
    gaps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(ticks)]
    return max(gap[0] for gap in gaps) * 1000, max(gap[1] for gap in gaps) * 1000


def block_figure(name: str, gap: tuple[float, float], **details: object) -> Figure:
    return at_most(name, gap[0], BLOCKED_MS, by_the_clock=round(gap[1], 1), **details)


def reading() -> list[Figure]:
    """Check that four times the text does not take sixteen times as long."""
    growth = {}
    for name, text in HOSTILE.items():
        times = []
        for part in (text[: len(text) // 4], text):
            started = time.thread_time()
            parse(part)
            times.append(time.thread_time() - started)
        growth[name] = round(times[1] / max(times[0], 0.002), 1)
    return [
        reported(at_most("hostile texts, time for four times the length", max(growth.values()), GROWTH, each=growth))
    ]


def main() -> int:
    app = QApplication([])
    apply_theme(app, LIGHT)
    return report([*drawing(), *opening(app), *hostile(), *reading()])


if __name__ == "__main__":
    sys.exit(main())
