"""How long the transcript takes to open, to scroll and to stream, under ``QT_QPA_PLATFORM=offscreen``.

Prints milliseconds of the window's thread: the processor's, and the clock's after a slash.  Not collected by pytest:
figures of a busy machine prove nothing.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median_high

sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.chat.conversation import Role, Status
from ui.theme import DARK, apply_theme
from ui.transcript import Item, Transcript

PARAGRAPH = (
    "A layer keeps **four** experts and uses two; `blk.0` holds them. 每个词元只用到其中的两个，其余的留在内存里。 "
)
ANSWER = (
    PARAGRAPH * 2
    + "\n\n- one item\n- another with `code`\n- 第三项\n\n```python\nfor layer in range(60):\n    print(layer)\n```\n"
)
SHAPES = {
    "paragraphs": "\n\n".join([PARAGRAPH * 3] * 60),
    "one list": "\n".join(f"{n}. **Item {n}** with a few words and `code` in it" for n in range(400)),
    "one block of code": "```python\n" + "\n".join(f"value_{n} = compute({n}, 'text')  # note" for n in range(500)),
    "one table": "| a | b | c |\n|---|---|---|\n" + "\n".join(f"| {n} | some words | {n * n} |" for n in range(400)),
}


def conversation(count: int) -> list[Item]:
    """Questions and answers in turn."""
    return [
        Item(str(n), Role.ASSISTANT, ANSWER) if n % 2 else Item(str(n), Role.USER, f"Question {n}? 问题")
        for n in range(count)
    ]


class Cost(float):
    """Milliseconds of the processor, with the clock's beside them."""

    clock: float = 0.0

    def __format__(self, spec: str) -> str:
        return f"{float(self):.1f}/{self.clock:.1f}"


def timed(what, *arguments) -> Cost:
    """Milliseconds of a call."""
    started, used = time.perf_counter(), time.thread_time()
    what(*arguments)
    cost = Cost((time.thread_time() - used) * 1000)
    cost.clock = (time.perf_counter() - started) * 1000
    return cost


def stream(app: QApplication, widget: Transcript, text: str, tokens: int, rate: int) -> None:
    """Stream a text and print the cost of an update and the longest time the event loop stood still."""
    widget.append_item(Item("s", Role.ASSISTANT, "", Status.STREAMING))
    size = max(1, len(text) // tokens)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    ticks, costs, sent = [], [], 0
    began = time.perf_counter()
    flush = widget.flush

    def measured() -> None:
        costs.append(timed(flush))

    widget._gather.timeout.disconnect()
    widget._gather.timeout.connect(measured)
    ticker, feeder, loop = QTimer(), QTimer(), QEventLoop()
    ticker.timeout.connect(lambda: ticks.append(time.perf_counter()))

    def feed() -> None:
        nonlocal sent
        due = min(len(pieces), int((time.perf_counter() - began) * rate))
        for piece in pieces[sent:due]:
            widget.append_text("s", piece)
        sent = due
        if sent == len(pieces):
            feeder.stop()
            QTimer.singleShot(100, loop.quit)

    feeder.timeout.connect(feed)
    ticker.start(1)
    feeder.start(5)
    busy = time.process_time()
    loop.exec()  # quitting the application would close the window and with it all painting
    share = (time.process_time() - busy) / (time.perf_counter() - began)
    gap = max(after - before for before, after in pairwise(ticks)) * 1000
    end = timed(lambda: (widget.update_item(Item("s", Role.ASSISTANT, text)), app.processEvents()))
    print(
        f"   update median {median_high(costs):.1f}, max {max(costs):.1f}; longest standstill {gap:.1f};"
        f" {share:.0%} of a core; final render {end:.1f}"
    )


def main() -> None:
    """Run everything."""
    app = QApplication([])
    apply_theme(app, DARK)
    widget = Transcript()
    widget.resize(1000, 800)
    widget.set_theme(DARK)
    widget.show()
    app.processEvents()
    for count in (10, 1_000, 10_000):
        items = conversation(count)
        print(f"open {count}: {timed(lambda items=items: (widget.set_items(items), widget.viewport().repaint())):.1f}")
    frames = [timed(lambda: (widget.scroll_by(-120), widget.viewport().repaint())) for _ in range(300)]
    print(f"scroll frame: median {median_high(frames):.1f}, max {max(frames):.1f}")
    print(f"jump to the middle: {timed(lambda: (widget.page.scroll_to(widget.page.total / 2), widget._arrange())):.1f}")
    print(f"resize: {timed(lambda: (widget.resize(700, 800), app.processEvents())):.1f}")
    widget.resize(1000, 800)
    for name, text in SHAPES.items():
        print(f"200 tokens/s into 4k tokens, {name} ({len(text)} characters):")
        widget.set_items(conversation(10_000))
        stream(app, widget, text, 4_000, int(sys.argv[1]) if len(sys.argv) > 1 else 200)


if __name__ == "__main__":
    main()
