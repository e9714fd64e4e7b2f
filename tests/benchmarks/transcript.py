"""Time of the transcript to open, scroll, search and stream.

    python -m tests.benchmarks.transcript [--out FILE]     about two minutes; offscreen unless DISPLAY is set

Milliseconds are CPU time of the window's thread, which other programs affect least; wall-clock times are in the
details.  Shares of a core are for the whole process.  Not collected by pytest.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.backend import TextDelta
from app.conversation import Role, Status
from app.formulas import FormulaRenderer
from tests.benchmarks.figures import Figure, at_most, median, report, reported
from ui.conversation.answer_events import AnswerEvents
from ui.transcript import Item, Transcript
from ui.widgets.theme import DARK, apply_theme
from ui.window.maintenance import IdleGarbageCollector

PARAGRAPH = (
    "A layer keeps **four** experts and uses two; `blk.0` holds them. 每个词元只用到其中的两个，其余的留在内存里。 "
)
CODE = "```python\nfor layer in range(60):\n    print(layer)\n```\n"
TABLE = "| a | b |\n|---|--:|\n| one | 1 |\n| 二 | 2 |\n"
ANSWER = PARAGRAPH * 2 + "\n\n- one item\n- another with `code`\n- 第三项\n\n" + CODE
MIXED = f"## A part\n\n{PARAGRAPH * 3}\n\n1. one **item**\n2. 第二项\n\n{CODE}\n{TABLE}\n> A quote of {PARAGRAPH}\n\n"
TOKEN = 4
"""Characters per token."""
GROWTH = 400
"""Characters in one update of a hostile text: 100 tokens."""
MIB = 1 << 20


def conversation(count: int) -> list[Item]:
    """Return alternating questions and answers."""
    return [
        Item(str(n), Role.ASSISTANT, ANSWER) if n % 2 else Item(str(n), Role.USER, f"Question {n}? 问题")
        for n in range(count)
    ]


class Cost(float):
    """CPU milliseconds and wall-clock milliseconds."""

    clock = 0.0


def clocked(what: Callable[[], object]) -> Cost:
    """Measure a call."""
    started, worked = time.perf_counter(), time.thread_time()
    what()
    cost = Cost(1000 * (time.thread_time() - worked))
    cost.clock = 1000 * (time.perf_counter() - started)
    return cost


def cost_figure(name: str, costs: list[Cost], limit: float, choose: Callable[[list[float]], float]) -> Figure:
    """Return the figure for several measurements."""
    by_the_clock = round(choose([cost.clock for cost in costs]), 1)
    return reported(at_most(name, choose([float(cost) for cost in costs]), limit, by_the_clock=by_the_clock))


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(values, n=20)[-1]


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Bench:
    """Create a transcript in a window of typical size."""

    def __init__(self, app: QApplication) -> None:
        self.app = app
        # As in the program: no full collections while something is busy.
        self.garbage = IdleGarbageCollector(lambda: True, app)
        self.widget = Transcript()
        self.widget.resize(1000, 800)
        self.widget.set_theme(DARK)
        self.widget.show()
        app.processEvents()
        self.widget.set_items(conversation(10))
        self.paint()

    def paint(self) -> None:
        self.widget.viewport().repaint()

    # Opening and moving

    def opening(self) -> list[Figure]:
        formulas = "\n\n".join(f"$$\\frac{{{n}}}{{x^{n}}} + \\sqrt{{{n}}}$$" for n in range(20))
        formula_renderer = FormulaRenderer()
        self.widget.use_formula_renderer(formula_renderer)
        many, other = conversation(10_000), conversation(4)
        many[-1] = Item("last", Role.ASSISTANT, formulas)
        before, times = resident(), []
        for n in range(7):
            self.widget.set_items(other)
            self.paint()
            many[-1] = Item("last", Role.ASSISTANT, formulas.replace("x", "abcdefg"[n]))
            times.append(clocked(lambda: (self.widget.set_items(many), self.paint())))
        grown = (resident() - before) / MIB
        formula_renderer.close()
        return [
            cost_figure("open 10,000 messages, median ms", times, 150, median),
            reported(at_most("memory for 10,000 messages, MiB", grown, 60)),
        ]

    def moving(self) -> list[Figure]:
        self.widget.set_items(conversation(10_000))
        self.paint()
        frames = [clocked(lambda: (self.widget.state.scroll_by(-120), self.paint())) for _ in range(400)]
        bar = self.widget.verticalScrollBar()
        jumps = [
            clocked(lambda share=share: (bar.setValue(round(bar.maximum() * share)), self.paint()))
            for share in (0.5, 0.1, 0.9, 0.33, 0.77, 0.02, 0.61, 0.25)
        ]
        return [
            cost_figure("scroll frame p95, ms", frames, 16, p95),
            cost_figure("jump to anywhere, longest ms", jumps, 30, max),
        ]

    def finding(self) -> list[Figure]:
        self.widget.set_items(conversation(10_000))
        wholes, blocks, steps, totals = [], [], [], []
        for needle in ("experts", "Question 77", "nothing like it"):
            finder, loop, gaps = self.widget.finder, QEventLoop(), Gaps()
            started, worked = time.perf_counter(), time.thread_time()
            finder.search(needle)
            connection = finder.changed.connect(lambda finder=finder, loop=loop: finder.is_searching or loop.quit())
            if finder.is_searching:
                loop.exec()
            wholes.append(Cost(1000 * (time.thread_time() - worked)))
            wholes[-1].clock = 1000 * (time.perf_counter() - started)
            finder.changed.disconnect(connection)
            blocks.append(gaps.end())
            steps.append(clocked(lambda finder=finder: (finder.step(-1), self.paint())))
            totals.append(finder.total)
            finder.search("")
        return [
            cost_figure("find in 10,000 messages, longest block, ms", blocks, 50, max),
            cost_figure("find: to the next hit, ms", steps, 30, max),
            cost_figure("find: all hits known, ms", wholes, 5000, max),
            reported(at_most("find: hits missed", 10_055 - sum(totals), 0, totals=totals)),
        ]

    # Streaming

    def updates(self, text: str, history: int) -> list[Cost]:
        """Measure updates at the end of a long text, including painting."""
        self.widget.set_items([*conversation(history), Item("s", Role.ASSISTANT, "", Status.STREAMING)])
        end = max(0, len(text) - 60 * 6 * TOKEN)
        self.widget.append_text("s", text[:end])
        while self.widget.page.view(len(self.widget.page.items) - 1).is_behind:
            self.app.processEvents()
        self.paint()
        times = []
        for at in range(end, len(text), 6 * TOKEN):
            piece = text[at : at + 6 * TOKEN]
            times.append(clocked(lambda piece=piece: (self.widget.append_text("s", piece), self.app.processEvents())))
        return times

    def streaming(self) -> list[Figure]:
        figures, by_size = [], {}
        for tokens in (500, 4_000, 16_000):
            text = (MIXED * (tokens * TOKEN // len(MIXED) + 1))[: tokens * TOKEN]
            costs = self.updates(text, 100)
            by_size[tokens] = median(costs)
            figures.append(cost_figure(f"update into {tokens} mixed tokens, ms", costs, 5, median))
            costs = self.updates(text, 10_000)
            figures.append(cost_figure(f"{tokens} mixed tokens under 10,000 messages, ms", costs, 5, median))
        figures.append(reported(at_most("update into 16k against 0.5k", by_size[16_000] / by_size[500], 2)))
        code = "```python\n" + "".join(f"value_{n} = compute({n}, 'text')  # note\n" for n in range(1_600))
        figures.append(
            cost_figure("update in open code of 16k tokens, ms", self.updates(code[:64_000], 100), 2, median)
        )
        return figures

    def flow(self, name: str, text: str, rate: int, share: float, gap: float) -> list[Figure]:
        """Measure text that arrives at a rate: share of a core and longest block."""
        self.widget.set_items([*conversation(10_000), Item("s", Role.ASSISTANT, "", Status.STREAMING)])
        self.paint()
        pieces = [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]
        sent, feeder, loop = 0, QTimer(), QEventLoop()
        events = AnswerEvents(feeder)
        events.received.connect(lambda _answer, piece: self.widget.append_text("s", piece.text))

        def feed() -> None:
            nonlocal sent
            due = min(len(pieces), int((time.perf_counter() - began) * rate))
            for piece in pieces[sent:due]:
                events.post(None, TextDelta(piece, 0, 0))
            sent = due
            if sent == len(pieces):
                feeder.stop()
                QTimer.singleShot(200, loop, loop.quit)

        feeder.timeout.connect(feed)
        gaps, busy, began = Gaps(), time.process_time(), time.perf_counter()
        feeder.start(10)
        loop.exec()
        used = (time.process_time() - busy) / (time.perf_counter() - began)
        longest = gaps.end()
        lost = len(text) - len(self.widget.page.items[-1].content)
        last = clocked(lambda: (self.widget.update_item(Item("s", Role.ASSISTANT, text)), self.paint()))
        return [
            reported(at_most(f"{name}: share of a core", used, share, ticks_of_the_measure_included=True)),
            cost_figure(f"{name}: longest block, ms", [longest], gap, max),
            reported(at_most(f"{name}: characters lost", lost, 0)),
            cost_figure(f"{name}: the finished answer, ms", [last], 100, max),
        ]

    def flows(self) -> list[Figure]:
        items = "\n".join(f"{n}. **Item {n}** with a few words and `code` in it" for n in range(1, 800))
        rows = "| a | b | c |\n|---|---|---|\n" + "\n".join(f"| {n} | some words | {n * n} |" for n in range(1_200))
        mixed = (MIXED * 400)[: 16_000 * TOKEN]
        return [
            *self.flow("an open list, 200 tokens/s", items[:16_000], 200, 0.3, 100),
            *self.flow("an open table, 200 tokens/s", rows[:16_000], 200, 0.3, 100),
            *self.flow("mixed, 1,000 tokens/s", mixed, 1_000, 0.4, 50),
        ]

    # Hostile texts

    def hostile(self) -> list[Figure]:
        figures = []
        for name, text in HOSTILE.items():
            costs = []
            for role in (Role.ASSISTANT, Role.USER):
                self.widget.set_items(conversation(4))
                self.paint()
                gaps = Gaps()
                opened = clocked(lambda role=role, text=text: self.widget.set_items([Item("h", role, text)]))
                painted = clocked(self.paint)
                view = self.widget.page.view(0)
                until = time.perf_counter() + 20
                while (view.is_behind or view.body.needs_highlight) and time.perf_counter() < until:
                    self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
                self.app.processEvents()
                costs += [opened, painted, gaps.end()]
            figures.append(cost_figure(f"{name}: longest block, ms", costs, 50, max))
            figures.append(cost_figure(f"{name}: longest update while streaming, ms", self.growing(text), 50, max))
        return figures

    def growing(self, text: str) -> list[Cost]:
        """Measure the updates of an answer that begins with a text."""
        self.widget.set_items([*conversation(4), Item("s", Role.ASSISTANT, "", Status.STREAMING)])
        pieces = [text[at : at + GROWTH] for at in range(0, 200 * GROWTH, GROWTH)]
        return [
            clocked(lambda piece=piece: (self.widget.append_text("s", piece), self.app.processEvents()))
            for piece in pieces
            if piece
        ]


HOSTILE = {
    "a line of 1 MB": "x" * 1_000_000,
    "words without a line end": "word " * 200_000,
    "a thousand nested quotes": "\n".join(">" * n + " deep" for n in range(1_000)),
    "an unclosed fence": "```python\n" + "x = 1\n" * 50_000,
    "an unclosed fence in a quote": "> ```python\n" + "> x = 1\n" * 50_000,
    "brackets": ("[" * 400 + "\n") * 100,
    "stars": "*a **b " * 10_000,
    "a table of 5,000 rows": "|a|b|\n|-|-|\n" + "|1|2|\n" * 5_000,
    "a table of 500 columns": "|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + ("|" + "1|" * 500 + "\n") * 20,
    "nothing but line ends": "\n" * 300_000,
    "marks on one letter": "a" + "\u0301" * 50_000,
    "references": "\n".join(f"[a{n}]: http://x.y/{n}" for n in range(5_000)),
}


class Gaps:
    """Longest block of the event loop."""

    def __init__(self) -> None:
        self._ticks = [(time.perf_counter(), time.thread_time())]
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(2)

    def _tick(self) -> None:
        self._ticks.append((time.perf_counter(), time.thread_time()))

    def end(self) -> Cost:
        """Return the longest work between two iterations."""
        self._timer.stop()
        self._tick()
        longest = Cost(1000 * max(after[1] - before[1] for before, after in pairwise(self._ticks)))
        longest.clock = 1000 * max(after[0] - before[0] for before, after in pairwise(self._ticks))
        return longest


def main() -> int:
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    apply_theme(app, DARK)
    bench = Bench(app)
    parts = {
        "opening": bench.opening,
        "moving": bench.moving,
        "finding": bench.finding,
        "streaming": bench.streaming,
        "flows": bench.flows,
        "hostile": bench.hostile,
    }
    chosen = [name for name in parts if name in sys.argv[1:]] or list(parts)
    return report([figure for name in chosen for figure in parts[name]()])


if __name__ == "__main__":
    sys.exit(main())
