"""How long the window's thread is ever away while an answer streams into the real window.

    python -m tests.benchmarks.window [--out FILE]     about a minute; offscreen unless DISPLAY is set

A scripted source gives 200 tokens a second for 20 s; then the real engine answers.  A timer without interval ticks in
the window's thread; the longest time between two ticks is how long a key press could have waited.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

import ui.conversation
from app.chat.source import ChatEvent, ChatRequest, Finished, Loaded, Piece, PromptProgress
from app.chat.turn import AnswerOrigin
from app.paths import DataFolder
from app.services import Services, build_services
from tests.benchmarks.figures import at_most, report
from ui.appearance import Appearance
from ui.main_window import MainWindow
from ui.workspace import Workspace

RATE = 200
SECONDS = 20
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
    """A source that gives RATE tokens a second, four characters each, gathered as the engine gathers them."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def stream(self, _request: ChatRequest) -> Iterator[ChatEvent]:
        yield Loaded(0.0, 8192)
        yield PromptProgress(10, 10, 0, 0.0)
        text = itertools.cycle(TEXT)
        begin, tokens = time.monotonic(), 0
        while tokens < RATE * SECONDS:
            time.sleep(0.03)
            due = min(RATE * SECONDS, int((time.monotonic() - begin) * RATE))
            yield Piece("".join(itertools.islice(text, 4 * (due - tokens))), due, due)
            tokens = due
        yield Finished("stop", 10, tokens, None, float(RATE), 0.1)

    def stop(self) -> None:
        pass

    def origin(self) -> AnswerOrigin:
        return AnswerOrigin("steady")


def gaps_while_answering(workspace: Workspace) -> tuple[float, float]:
    """The longest time between two ticks, in ms of the clock and in ms of this thread's own work."""
    longest, longest_work = 0.0, 0.0
    last, last_work = time.perf_counter(), time.thread_time()
    loop = QEventLoop()

    def tick() -> None:
        nonlocal longest, longest_work, last, last_work
        now, work = time.perf_counter(), time.thread_time()
        longest, longest_work = max(longest, now - last), max(longest_work, work - last_work)
        last, last_work = now, work
        if workspace.page.running() is None:
            loop.quit()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(1)
    loop.exec()
    timer.stop()
    return 1000 * longest, 1000 * longest_work


def measure(services: Services, application: QApplication) -> list[tuple[float, float]]:
    window = MainWindow(services.settings, Appearance(application, services.settings.now))
    window.show()
    workspace = window.start(services)
    application.processEvents()
    library_source = ui.conversation.LibrarySource
    found = []
    for source in (Steady, library_source):
        ui.conversation.LibrarySource = source  # type: ignore[misc, assignment]
        workspace.new_conversation()
        workspace.send("Write a long list of things that one finds by the sea, with a sentence about each.")
        found.append(gaps_while_answering(workspace))
    window.close()
    return found


def main() -> int:
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        services = build_services(DataFolder(Path(folder)))
        services.settings.change(max_tokens=1500, language="en")
        (steady, steady_work), (real, real_work) = measure(services, application)
        services.close()
    return report(
        [
            at_most("longest block at 200 tokens/s, ms", steady, 50, own_work_ms=round(steady_work, 1)),
            at_most("longest block beside the engine, own work in ms", real_work, 50, by_the_clock_ms=round(real, 1)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
