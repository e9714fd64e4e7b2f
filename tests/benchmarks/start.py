"""Time from the start of the process to the first painted window, and the modules imported by then.

    python -m tests.benchmarks.start [--out FILE]     half a minute; offscreen unless QT_QPA_PLATFORM or DISPLAY is set

The baseline is the same Python showing an empty QWidget.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.figures import ROOT, Figure, at_most, median, report, rounded

RUNS = 9
LATE = ("llama_cpp", "keyring", "quickjs", "markdown_it", "pygments", "numpy", "jinja2")
PROGRAM = """
import json, sys, time
import ui.start.application
class Watched(ui.start.application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted.connect(self.tell)
    def tell(self):
        late = [name for name in json.loads(sys.argv[3]) if name in sys.modules]
        print(json.dumps({"seconds": time.time() - float(sys.argv[1]), "late": late}), flush=True)
        self.close()
ui.start.application.MainWindow = Watched
sys.exit(ui.start.application.run(sys.argv[2]))
"""
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
    # The shell prints the time before Python starts, so that Python's start is included.
    script = f'exec "{sys.executable}" -c "$0" "$(date +%s.%N)" "$@"'
    done = subprocess.run(
        ["bash", "-c", script, code, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


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
    ]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
