"""Frames per second of the memory plan while a border is dragged and the context is changed.

python -m tests.benchmarks.plan_picture [--out FILE]     some seconds, offscreen unless DISPLAY is set

In CPU time, which other programs hardly affect; the slower half of the frames is ignored.
"""

from __future__ import annotations

import os
import sys
import time

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from model_manager.plan.load_spec import PlanOptions
from tests.benchmarks.figures import Figure, at_least, median, report, reported
from tests.plan.plan_builders import apus_header, cards, ram
from ui.plan.layer_strip import Border
from ui.plan.view import PlanView
from ui.widgets.theme import LIGHT, apply_theme

FRAMES = 60
LEAST = 30.0
MACHINES = ((24.0, 24.0), (24.0, 16.0, 12.0, 8.0))
SIZE = (1080, 740)


def frames(quantisation: str, gib: tuple[float, ...]) -> Figure:
    """Return the frames per second for these GPUs."""
    view = PlanView()
    view.resize(*SIZE)
    view.show_plan(PlanBasis((apus_header(quantisation),), Machine(cards(*gib)), ram(64)), PlanOptions())
    view.show()
    QApplication.processEvents()
    border = view.findChild(Border, "planBorderGPU0GPU1")
    medians = {}
    moved: list[PlanOptions] = []
    view.options_changed.connect(moved.append)
    for name, widget in (("border", border), ("context", view.panel.context.slider)):
        assert isinstance(widget, QWidget)
        widget.setFocus()
        times = []
        for number in range(FRAMES):
            begin = time.thread_time()
            QTest.keyClick(widget, Qt.Key.Key_Left if number % 2 == 0 else Qt.Key.Key_Right)
            QApplication.processEvents()
            view.grab()
            times.append(time.thread_time() - begin)
        medians[name] = 1 / median(times)
    assert len(moved) >= FRAMES, "nothing was moved"
    view.close()
    details = {name: round(value, 1) for name, value in medians.items()}
    machine = " + ".join(f"{size:g}" for size in gib)
    return at_least(f"pictures a second, {quantisation} on {machine} GiB", min(medians.values()), LEAST, **details)


def main() -> int:
    if "DISPLAY" not in os.environ and sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1])
    apply_theme(application, LIGHT)
    figures = [reported(frames(quantisation, gib)) for quantisation in ("IQ3_XXS", "Q4_K_M") for gib in MACHINES]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
