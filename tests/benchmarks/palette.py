"""Palette over 20,000 conversations: opening it, and the first results of a search, against a plain scan of the titles.

    python -m tests.benchmarks.palette [--out FILE] [--conversations N]     about a minute

Half of the titles are Chinese.  All times are of the processor; ``opened`` and ``typed`` include the painted panel.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.config.paths import DataFolder
from app.conversation import Conversation
from app.services import Services
from app.store.records import insert_conversation
from app.store.store import ConversationStore
from tests.benchmarks.figures import Figure, at_most, median, report, rounded
from ui.widgets.appearance import Appearance
from ui.widgets.filter_panel import FilterPanel
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

RUNS = 7
LIMIT_MS, OPEN_LIMIT_MS, READ_LIMIT_MS = 30, 100, 150
WORDS = [
    "how",
    "to",
    "write",
    "a",
    "python",
    "script",
    "that",
    "sorts",
    "files",
    "explain",
    "quantum",
    "mechanics",
    "chicken",
    "soup",
    "translate",
    "letter",
]
SIGNS = "量子力学导论与线性代数的关系请解释为什么天空是蓝色的写一首关于秋天的诗帮我翻译这段文字如何学习编程语言重庆银行"
QUERIES = (
    "p",
    "py",
    "lzlx",
    "cqyh",
    "python files",
    "qsx",
    "hwpst",
    "liangzi",
    "chongqingyinhang",
    "ssssssssssssssss",
    "量子",
    "zzzz",
    "no such title",
)


def fill(store: ConversationStore, count: int) -> list[str]:
    """Create conversations with random titles; return the titles."""
    chance, now = random.Random(1), datetime.now(UTC)
    titles = []
    with store._connections.writing() as connection:
        for number in range(count):
            title = " ".join(chance.choices(WORDS, k=6)) if number % 2 else "".join(chance.choices(SIGNS, k=14))
            moment = now - timedelta(minutes=number)
            insert_conversation(connection, Conversation(f"{number}", title, moment, moment))
            titles.append(title)
    return titles


def cpu_ms(action: Callable[[], object]) -> float:
    before = time.process_time()
    action()
    return (time.process_time() - before) * 1000


def measure(count: int) -> list[Figure]:
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    with tempfile.TemporaryDirectory() as folder:
        services = Services(DataFolder(Path(folder)))
        titles = fill(services.store, count)
        window = MainWindow(services.settings, Appearance(application, services.settings.current))
        window.show()
        controller = WindowController(services, window)
        QTest.qWait(1000)
        opened, read = [], []
        typed: dict[str, list[float]] = {query: [] for query in QUERIES}
        for _ in range(RUNS):
            opened.append(cpu_ms(lambda: (controller.show_palette(), window.grab())))
            palette = controller._palette
            assert palette is not None
            panel = window.findChildren(FilterPanel, "palette")[-1]
            read.append(cpu_ms(lambda palette=palette: _wait(lambda: len(palette._numbers) == count)))
            for query in QUERIES:
                panel.field.clear()
                # As of a query that was never typed before.
                re.purge()
                typed[query].append(cpu_ms(lambda panel=panel, query=query: panel.field.setText(query)))
            panel.close_panel()
            QTest.qWait(50)
        scan = median([cpu_ms(lambda: [title for title in titles if "zzzz" in title.lower()]) for _ in range(RUNS)])
        window.close()
        services.close()
    worst = max(QUERIES, key=lambda query: median(typed[query]))
    slowest = median(typed[worst])
    details = {query: rounded([median(values)])[0] for query, values in typed.items()}
    return [
        at_most("opened, ms", median(opened), OPEN_LIMIT_MS, runs=rounded(opened)),
        at_most("titles read in the background, ms", median(read), READ_LIMIT_MS, runs=rounded(read)),
        at_most("first results, ms", slowest, LIMIT_MS, query=worst, to_a_plain_scan=slowest / scan, **details),
    ]


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        QTest.qWait(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--conversations", type=int, default=20_000)
    options = parser.parse_args()
    return report(measure(options.conversations))


if __name__ == "__main__":
    sys.exit(main())
