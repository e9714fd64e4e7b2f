"""Start of the program: time to the first painted window, imported modules, and the window with many conversations.

    python -m tests.benchmarks.start [--out FILE]     two minutes; offscreen unless QT_QPA_PLATFORM or DISPLAY is set

The baseline of the first paint is the same Python showing an empty QWidget.  With 20,000 conversations a timer ticks in
the window's thread from the first paint on; the longest time between two ticks is the longest delay of a key press.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from app.config.paths import DataFolder
from app.conversation import Conversation, ConversationTree, Message, Role, Status
from app.store.store import ConversationStore
from tests.benchmarks.figures import ROOT, Figure, at_most, median, report, rounded

RUNS = 9
LATE = (
    *("llama_cpp", "keyring", "quickjs", "markdown_it", "pygments", "numpy", "jinja2", "mcp", "pydantic"),
    *("msgspec", "subprocess", "PySide6.QtNetwork", "app.bounds", "ui.sidebar.row_delegate"),
)
PROGRAM = """
import builtins, json, os, sys, time
import app.__main__
load = builtins.__import__
def load_and_watch(name, *rest, **named):
    module = load(name, *rest, **named)
    if name == "ui.start.application":
        builtins.__import__ = load
        class Watched(module.MainWindow):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                self.painted.connect(self.tell)
            def tell(self):
                late = [name for name in json.loads(sys.argv[3]) if name in sys.modules]
                print(json.dumps({"seconds": time.time() - float(sys.argv[1]), "late": late}), flush=True)
                self.close()
        module.MainWindow = Watched
    return module
builtins.__import__ = load_and_watch
os.environ["APUS_CHAT_DATA_DIR"] = sys.argv[2]
sys.exit(app.__main__.main([]))
"""
MANY = """
import json, sys, time
import ui.start.application
import ui.window.controller
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
found = {}
class Watched(ui.start.application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted.connect(self.watch)
    def watch(self):
        self.gaps, self.last = [], (time.perf_counter(), time.thread_time())
        self.timer = QTimer(self, interval=1)
        self.timer.timeout.connect(self.tick)
        self.timer.start()
    def tick(self):
        now = time.perf_counter(), time.thread_time()
        self.gaps.append(tuple(1000 * (new - old) for new, old in zip(now, self.last)))
        self.last = now
        if "list" not in found and self.sidebar.list.rows.rowCount():
            found["list"] = time.time() - float(sys.argv[1])
            QTimer.singleShot(3000, self, self.act)
    def act(self):
        self.timer.stop()
        found["block_clock"] = max(gap for gap, _ in self.gaps)
        found["block"] = max(work for _, work in self.gaps)
        store, sidebar = controllers[0].services.store, self.sidebar
        number = store.folder_order(None).numbers[300]
        id_ = store.numbered([number])[number].id
        def timed(name, signal, *values):
            begin, begin_work = time.perf_counter(), time.thread_time()
            signal.emit(*values)
            QApplication.processEvents()
            found[name] = 1000 * (time.thread_time() - begin_work)
            found[f"{name}_clock"] = 1000 * (time.perf_counter() - begin)
        # As the editor of the delegate does.
        rows = sidebar.list.rows
        rows.setData(rows.index(rows.row_of(id_)), "Another title")
        timed("rename", sidebar.list.delegate.title_edited, id_, "Another title")
        timed("pin", sidebar.action_requested, "pin", (id_,))
        folder = store.folders()[0].id
        timed("move", sidebar.move_requested, folder, (id_,))
        timed("collapse", sidebar.list.folder_toggled, folder, False)
        timed("expand", sidebar.list.folder_toggled, folder, True)
        timed("delete", sidebar.action_requested, "delete", (id_,))
        print(json.dumps(found), flush=True)
        self.quit()
class Controller(ui.window.controller.WindowController):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        controllers.append(self)
controllers = []
ui.start.application.MainWindow = Watched
ui.window.controller.WindowController = Controller
sys.exit(ui.start.application.run(sys.argv[2]))
"""
CONVERSATIONS, MANY_RUNS = 20_000, 5
"""Half of them are in a folder."""
CHANGES = "rename", "pin", "move", "collapse", "expand", "delete"
EMPTY = """
import json, sys, time
from PySide6.QtWidgets import QApplication, QWidget
from PySide6.QtCore import QTimer
class Watched(QWidget):
    def paintEvent(self, event):
        QTimer.singleShot(0, self.tell)
    def tell(self):
        print(json.dumps({"seconds": time.time() - float(sys.argv[1])}), flush=True)
        QApplication.quit()
application = QApplication([])
window = Watched()
window.show()
application.exec()
"""


def run(code: str, *arguments: str) -> dict[str, object]:
    # Bytecode is cached, as of an installed program.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    # The shell prints the time before Python starts, so that Python's start is included.
    script = f'exec "{sys.executable}" -c "$0" "$(date +%s.%N)" "$@"'
    done = subprocess.run(
        ["bash", "-c", script, code, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def trees() -> Iterator[ConversationTree]:
    now = datetime.now(UTC)
    for number in range(CONVERSATIONS):
        id_, moment = str(UUID(int=number)), now - timedelta(minutes=number)
        question = Message(str(UUID(int=2 * number)), id_, None, Role.USER, Status.COMPLETE, "A question", moment)
        answer = Message(
            str(UUID(int=2 * number + 1)), id_, question.id, Role.ASSISTANT, Status.COMPLETE, "An answer", moment
        )
        conversation = Conversation(id_, f"Conversation {number}", moment, moment, leaf_id=answer.id)
        yield ConversationTree(conversation, (question, answer))


def with_many(data: str) -> list[Figure]:
    """Measure the start with many conversations, and changes of one of them."""
    with ConversationStore.open(DataFolder(Path(data)).conversations) as store:
        store.merge(trees())
        folder = store.add_folder("Half of them").id
        ids = [each.id for each in store.list()]
        store.move_to_folder(folder, *ids[CONVERSATIONS // 2 :])
        while store.update_search_index():
            pass
    # ``MANY`` imports the controllers before the first paint, the program after it.
    found = [{**run(MANY, data), "first_paint": run(PROGRAM, data, "[]")["seconds"]} for _ in range(MANY_RUNS)]

    def figure(key: str, name: str, limit: float, scale: float = 1) -> Figure:
        values, clock = ([scale * float(str(each.get(name, 0))) for each in found] for name in (key, f"{key}_clock"))
        details = {"by_the_clock_ms": rounded(clock)} if any(clock) else {}
        name = f"{CONVERSATIONS} conversations: {name}"
        return at_most(name, median(values), limit, runs=rounded(values), **details)

    work = "ms of the window's thread's own work"
    return [
        figure("first_paint", "start to first painted window, ms", 500, 1000),
        figure("list", "start to the list, ms", 1000, 1000),
        figure("block", f"longest block at start, {work}", 50),
        *(
            figure(change, f"{change}, {work}", 16)
            for change in ("rename", "pin", "move", "collapse", "expand", "delete")
        ),
    ]


def main() -> int:
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "data")
        run(PROGRAM, data, "[]")
        seconds, empty = [], []
        late: object = []
        for _ in range(RUNS):
            found = run(PROGRAM, data, json.dumps(LATE))
            seconds.append(float(str(found["seconds"])))
            late = found["late"]
            empty.append(float(str(run(EMPTY)["seconds"])))
        many = with_many(str(Path(folder) / "many"))
    milliseconds = [1000 * value for value in seconds]
    bare = [1000 * value for value in empty]
    figures: list[Figure] = [
        at_most(
            "start to first painted window, ms",
            median(milliseconds),
            400,
            runs=rounded(milliseconds),
            empty_widget=rounded(bare),
        ),
        at_most("slow libraries imported by then", len(late), 0, imported=late),  # type: ignore[arg-type]
        *many,
    ]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
