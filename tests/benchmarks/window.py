"""Longest block of the window's thread while an answer streams into the real window.

    python -m tests.benchmarks.window [--out FILE]     about a minute; offscreen unless DISPLAY is set

A scripted backend yields 200 tokens/s for 20 s and then 1,000 tokens/s for 16 s, through the worker's thread, the store
and the signals into a conversation of 10,000 messages; then the real engine answers.
At first a PDF of 300 pages is dropped on the window.  A timer ticks in the window's
thread; the longest time between two ticks is the longest delay of a key press.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from PySide6.QtCore import QEventLoop, QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

import ui.conversation.controller

# The program imports it in a thread while it starts.
import ui.models.fits
from app.backend import (
    AnswerFinished,
    AnswerOrigin,
    ChatBackend,
    ChatEvent,
    ChatRequest,
    ModelLoaded,
    PromptProgress,
    TextDelta,
)
from app.backends import backend_for
from app.config.drafts import Draft
from app.config.paths import DataFolder
from app.conversation import Status
from app.services import Services
from model_manager.cancellation import CancelToken
from tests.benchmarks.documents import long_pdf
from tests.benchmarks.figures import Figure, at_most, report
from ui.widgets.appearance import Appearance
from ui.window.controller import WindowController
from ui.window.main_window import MainWindow

CALM, FAST = (200, 20), (1_000, 16)
"""Tokens per second, and seconds."""
HISTORY = 10_000
TICK_MS = 2
QUESTION = "Write a long list of things that one finds by the sea, with a sentence about each."
TEXT = """Here is **one** way to do it, in a few steps; 这是一种做法：

1. First look at what there is.
2. Then choose, with `care`, what to keep.

```python
def choose(items):
    return [item for item in items if item.is_good()]
```

| name | value |
|------|-------|
| sea  | 1     |

"""


class Steady:
    """A backend that yields tokens of four characters at a rate, joined as the engine does."""

    is_remote = False

    def __init__(self, rate: int, seconds: int) -> None:
        self._rate, self._seconds = rate, seconds

    def stream(self, _request: ChatRequest, _token: CancelToken) -> Iterator[ChatEvent]:
        yield ModelLoaded(0.0, 8192)
        yield PromptProgress(10, 10, 0, 0.0)
        text = itertools.cycle(TEXT)
        begin, tokens = time.monotonic(), 0
        while tokens < self._rate * self._seconds:
            time.sleep(0.03)
            due = min(self._rate * self._seconds, int((time.monotonic() - begin) * self._rate))
            yield TextDelta("".join(itertools.islice(text, 4 * (due - tokens))), due, due)
            tokens = due
        yield AnswerFinished("stop", 10, tokens, None, float(self._rate), 0.1)

    def origin(self) -> AnswerOrigin:
        return AnswerOrigin("steady")


@dataclass(frozen=True)
class Answered:
    """Measurements of the window during an answer."""

    gap_ms: float
    own_work_ms: float
    """Longest work of the window's thread between two ticks."""
    share: float
    """Share of a core of the whole process."""
    lost: int
    """Characters that arrived but are not shown."""


def blocks_until(is_done: Callable[[], bool]) -> tuple[float, float]:
    """Return the longest time between two ticks and the longest work of the window's thread between them, in ms."""
    longest, longest_work = 0.0, 0.0
    last, last_work = time.perf_counter(), time.thread_time()
    loop = QEventLoop()

    def tick() -> None:
        nonlocal longest, longest_work, last, last_work
        now, work = time.perf_counter(), time.thread_time()
        longest, longest_work = max(longest, now - last), max(longest_work, work - last_work)
        last, last_work = now, work
        if is_done():
            loop.quit()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    loop.exec()
    timer.stop()
    return 1000 * longest, 1000 * longest_work


def while_answering(controller: WindowController) -> Answered:
    """Measure until the answer is complete."""
    began, busy = time.perf_counter(), time.process_time()
    longest, longest_work = blocks_until(lambda: controller.conversation.session.running is None)
    share = (time.process_time() - busy) / (time.perf_counter() - began)
    kept = controller.services.store.branch(controller.conversation.session.conversation_id or "")[-1].content
    shown = controller.transcript.page.items[-1].content
    return Answered(longest, longest_work, share, abs(len(kept) - len(shown)))


def while_dropping(controller: WindowController, path: Path) -> Iterator[Figure]:
    """Drop a PDF of 300 pages on the window, and measure until its chip shows the tokens."""
    chips, begin = controller.window.composer.chips, time.perf_counter()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    nowhere = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    controller.window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *nowhere))
    gap, work = blocks_until(lambda: bool(chips.attachments()))
    yield at_most("PDF of 300 pages dropped: s until its chip", time.perf_counter() - begin, 3)
    yield at_most("PDF of 300 pages dropped: longest block, ms of own work", work, 50, by_the_clock_ms=round(gap, 1))


def fill(services: Services) -> str:
    """Create a conversation of many messages and return its id."""
    conversation = services.store.create(title="Long", system_prompt="", model_id="starter")
    for number in range(HISTORY // 2):
        _, answer = services.store.begin_turn(conversation.id, f"Question {number}")
        services.store.finish_answer(answer.id, TEXT, Status.COMPLETE)
    return conversation.id


def measure(services: Services, application: QApplication) -> tuple[list[Answered], list[Figure]]:
    window = MainWindow(services.settings, Appearance(application, services.settings.current))
    window.show()
    rate: tuple[int, int] | None = None

    def steady_or_real(services: Services, model_id: str) -> ChatBackend:
        return Steady(*rate) if rate is not None else backend_for(services, model_id)

    with mock.patch.object(ui.conversation.controller, "backend_for", steady_or_real):
        controller = WindowController(services, window)
        controller.complete_start()
    application.processEvents()
    long_one = fill(services)
    dropped = list(while_dropping(controller, long_pdf(services.folder.root)))
    controller.conversation.open(long_one)
    controller.window.composer.clear()
    found = []
    for rate in (CALM, FAST, None):
        controller.conversation.open(long_one if rate is not None else None)
        controller.conversation.send(Draft(QUESTION))
        found.append(while_answering(controller))
    window.close()
    return found, dropped


def block_figure(name: str, answered: Answered) -> Figure:
    """Return the longest work of the window's thread between two ticks, in CPU time."""
    clock = round(answered.gap_ms, 1)
    return at_most(f"{name}: longest block, ms of own work", answered.own_work_ms, 50, by_the_clock_ms=clock)


def main() -> int:
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        services = Services(DataFolder(Path(folder)))
        services.settings.change(max_tokens=1500, language="en")
        (calm, fast, real), dropped = measure(services, application)
        services.close()
    return report(
        [
            block_figure("200 tokens/s", calm),
            block_figure("1,000 tokens/s", fast),
            at_most("1,000 tokens/s: share of a core", fast.share, 0.4),
            at_most("1,000 tokens/s: characters lost", calm.lost + fast.lost, 0),
            block_figure("beside the engine", real),
            *dropped,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
