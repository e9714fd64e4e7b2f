"""Helpers: a memory plan of the home model with the real planner, and dragging in it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from tests.plan.plan_builders import apus_header, cards, ram
from tests.window.input import PATIENCE_MS, find
from ui.plan.layer_strip import Border
from ui.plan.model_plan import ModelPlan
from ui.plan.view import PlanView


class Shown:
    """A shown memory plan with the real planner, and the options it was called with."""

    def __init__(self, qtbot: QtBot, quantisation: str, *gib: float, **more: object) -> None:
        host = ram(float(more.pop("ram_gib", 64)))  # type: ignore[arg-type]
        self.basis = PlanBasis((apus_header(quantisation),), Machine(cards(*gib)), host)
        self.plans: list[PlanOptions] = []
        self.planned: list[PlanOptions] = []
        self.view = PlanView()
        self.view.panel.cache_limit = int(more.pop("cache_limit", 0))  # type: ignore[call-overload]
        qtbot.addWidget(self.view)
        self.view.resize(int(more.pop("width", 860)), 700)  # type: ignore[call-overload]
        self.show(more.pop("options", PlanOptions()))  # type: ignore[arg-type]
        self.view.options_changed.connect(self.plans.append)
        with qtbot.waitExposed(self.view):
            self.view.show()

    def show(self, options: PlanOptions, machine: Machine | None = None) -> None:
        self.basis = replace(self.basis, machine=machine or self.basis.machine)
        self.view.show_plan(self.basis, options, self.plan)

    def plan(self, options: PlanOptions) -> LoadPlan:
        self.planned.append(options)
        return self.basis.plan(options)

    def border(self, one: str = "GPU0", other: str = "GPU1") -> Border:
        found = find(self.view, f"planBorder{one or 'Ram'}{other}", Border)
        assert isinstance(found, Border)
        return found

    def counts(self) -> list[int]:
        assert self.view.plan is not None
        return [len(device.layers) for device in self.view.plan.devices]


def shown_plan(qtbot: QtBot, window: QWidget) -> ModelPlan:
    """Return the memory plan on the models page, once it is shown."""
    qtbot.waitUntil(lambda: window.findChild(ModelPlan) is not None, timeout=PATIENCE_MS)
    plan = find(window, "planDialog", ModelPlan)
    assert isinstance(plan, ModelPlan)
    return plan


def drag(qtbot: QtBot, border: Border, pixels: int, *, steps: int = 8) -> None:
    """Drag a border by so many pixels to the right, in steps; the border can move away under the mouse."""
    start = border.mapToGlobal(border.rect().center())

    def at(far: int) -> QPoint:
        return border.mapFromGlobal(start + QPoint(far, 0))

    qtbot.mousePress(border, Qt.MouseButton.LeftButton, pos=at(0))
    for step in range(1, steps + 1):
        qtbot.mouseMove(border, at(pixels * step // steps))
        QApplication.processEvents()
    qtbot.mouseRelease(border, Qt.MouseButton.LeftButton, pos=at(pixels))
