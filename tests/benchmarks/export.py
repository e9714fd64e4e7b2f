"""Time to export a conversation of 1,000 messages in each format; prints JSON.

Half of the text is Chinese, with lists, code, formulas and tables in typical shares.  Each format draws the formulas
again, as after a start of the program.

    python -m tests.benchmarks.export memory [FORMAT ...] [COUNT]   memory for 1,840 conversations of 100 kB, or COUNT;
                                                                    minutes, HTML and PDF up to an hour
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QGuiApplication

from app.conversation import ConversationTree, Role, Status
from app.export.export import FORMATS
from app.export.formats import ExportFormat, ExportOptions
from app.formulas import FormulaRenderer
from app.store.store import ConversationStore
from tests.benchmarks.figures import Figure, at_most, report, reported
from tests.export.tree_builders import talk
from ui.pdf.document import pdf_format

MESSAGES = 1_000
LIMIT_S = 5.0
PARAGRAPH = (
    "A layer keeps **four** experts and uses two; `blk.0` holds them, and the others wait in memory. "
    "每个词元只用到其中的两个专家，其余的留在内存里，所以速度取决于内存的带宽，而不是计算的能力。"
)
LIST = "- one item with a few words\n- another with `code` in it\n- 第三项，说明它的用途"
CODE = "```python\nfor layer in range(60):\n    # 每一层\n    print(f'{layer:3d}', experts[layer])\n```"
TABLE = "| Quantisation | Size | 说明 |\n|---|--:|---|\n| Q2_K | 41.5 GB | 最小 |\n| Q4_K_M | 69.0 GB | 最好 |"


def answer(number: int, chance: random.Random) -> str:
    """Return one answer."""
    parts = [PARAGRAPH * chance.choice((2, 3, 4))]
    if chance.random() < 0.30:
        parts.append(LIST)
    if chance.random() < 0.25:
        parts.append(CODE)
    if chance.random() < 0.15:
        parts.append(
            f"所以 $x_{{{number}}}^2 + y = \\frac{{{number}}}{{2}}$，而且\n\n$$\n\\sum_{{i=1}}^{{{number}}} i\n$$"
        )
    if chance.random() < 0.08:
        parts.append(TABLE)
    return "\n\n".join(parts)


def conversation() -> ConversationTree:
    """Return a conversation of questions and answers."""
    chance = random.Random(5)
    said = [
        (Role.ASSISTANT, answer(number, chance)) if number % 2 else (Role.USER, f"Question {number}? 这是一个问题。")
        for number in range(MESSAGES)
    ]
    return talk(*said, title="A long conversation 很长的对话")


def written(tree: ConversationTree, chosen: ExportFormat) -> tuple[float, dict[str, object]]:
    """Return the seconds, and details: processor time, bytes, number of progress reports."""
    steps: list[float] = []
    formula_renderer = FormulaRenderer()
    try:
        begun, used = time.perf_counter(), time.process_time()
        content = chosen.write([tree], ExportOptions(formula_renderer=formula_renderer, progress=steps.append))
        seconds, busy = time.perf_counter() - begun, time.process_time() - used
        return seconds, {"processor_s": round(busy, 2), "bytes": len(content), "progress_steps": len(steps)}
    finally:
        formula_renderer.close()


def longest_gap_ms(tree: ConversationTree) -> float:
    """Return the longest pause of the window's event loop while another thread writes a PDF."""
    ticks: list[float] = []
    loop, ticker = QEventLoop(), QTimer()
    ticker.timeout.connect(lambda: ticks.append(time.perf_counter()))
    chosen = pdf_format()
    thread = threading.Thread(target=lambda: chosen.write([tree], ExportOptions()))
    ticker.start(1)
    watcher = QTimer()
    watcher.timeout.connect(lambda: None if thread.is_alive() else loop.quit())
    watcher.start(20)
    thread.start()
    loop.exec()
    thread.join()
    return max(after - before for before, after in pairwise(ticks)) * 1000


MEMORY = """
import resource, sys
from pathlib import Path
from PySide6.QtGui import QGuiApplication
from app.export.export import FORMATS, export_conversations
from app.store.store import ConversationStore
from ui.pdf.document import pdf_format
application = QGuiApplication([])
formats = {**FORMATS, "pdf": pdf_format()}
with ConversationStore.open(Path(sys.argv[1])) as store:
    export_conversations(store, None, formats[sys.argv[2]], Path(sys.argv[3]))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss >> 10, round(used.ru_utime + used.ru_stime, 1))
"""
CONVERSATIONS, ANSWER_BYTES = 1_840, 100_000
MEMORY_LIMIT_MIB = 150


def memory(names: list[str], count: int) -> list[Figure]:
    """Measure the memory of a process that exports so many conversations."""
    chance, figures = random.Random(5), []
    with tempfile.TemporaryDirectory() as folder:
        with ConversationStore.open(Path(folder, "data")) as store:
            for number in range(count):
                text = ""
                while len(text.encode()) < ANSWER_BYTES:
                    text += answer(number, chance) + "\n\n"
                _, made = store.begin_turn(store.create(title=f"{number}").id, "Question?")
                store.finish_answer(made.id, text, Status.COMPLETE)
        for name in names:
            command = [sys.executable, "-c", MEMORY, str(Path(folder, "data")), name, str(Path(folder, name))]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            mib, processor_s = map(float, done.stdout.split())
            details = {"conversations": count, "processor_s": processor_s}
            figures.append(reported(at_most(f"{name}_memory_mib", mib, MEMORY_LIMIT_MIB, **details)))
    return figures


def main() -> int:
    """Run all measurements, or those of the memory."""
    if "memory" in sys.argv:
        names = list({**FORMATS, "pdf": None})
        count = next((int(each) for each in sys.argv if each.isdigit()), CONVERSATIONS)
        return report(memory([name for name in names if name in sys.argv] or names, count))
    application = QGuiApplication([])
    tree = conversation()
    figures: list[Figure] = []
    for name, chosen in {**FORMATS, "pdf": pdf_format()}.items():
        seconds, details = written(tree, chosen)
        figures.append(reported(at_most(f"{name}_s", seconds, LIMIT_S, **details)))
    figures.append(reported(at_most("window_gap_while_pdf_ms", longest_gap_ms(tree), 100)))
    del application
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
