"""How one model lies on this machine: the picture of its plan, changed live, and kept for this model."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.planning.basis import PlanBasis
from app.planning.service import PlanningService
from model_manager.devices import read_memory
from model_manager.errors import UserError
from model_manager.plan import Wishes
from ui.dialog_parts import MARGIN, StatusLine, WordedDialog, button, hairline, heading
from ui.error_text import error_text
from ui.plan_view import PlanView
from ui.tasks import run_in_background

FIRST_SIZE = (760, 640)


@dataclass(frozen=True)
class _Looked:
    basis: PlanBasis
    ram_bytes: int


class PlanDialog(WordedDialog):
    """The plan of one model.  Nothing is loaded here: the next message to the model loads it so."""

    kept = Signal(object)
    """The ``Wishes`` to load this model with from now on."""

    def __init__(
        self, planning: PlanningService, model_id: str, name: str, wishes: Wishes, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("planDialog")
        self._planning = planning
        self._model_id = model_id
        self._name = name
        self._wishes = wishes
        self._heading = heading()
        self.view = PlanView()
        self.status = StatusLine("planStatus")
        self.keep = button("keepPlanButton", primary=True)
        self._close = button("closeButton")
        self._lay_out()
        self.keep.setEnabled(False)
        self.keep.clicked.connect(self._keep)
        self._close.clicked.connect(self.reject)
        self.view.wishes_changed.connect(self._changed)
        room = self.screen().availableGeometry()
        self.resize(min(FIRST_SIZE[0], room.width() - 60), min(FIRST_SIZE[1], room.height() - 80))
        self._built()
        self.view.set_busy(True, lambda: self.tr("Looking at the devices…"))
        run_in_background(self, lambda: _look(planning, model_id), self._show, self._failed)

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, 8, MARGIN, MARGIN)
        column.addWidget(self.view)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        head = QVBoxLayout()
        head.setContentsMargins(MARGIN, 20, MARGIN, 8)
        head.addWidget(self._heading)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 12, MARGIN, 12)
        foot.setSpacing(8)
        foot.addWidget(self.status, 1)
        foot.addWidget(self._close)
        foot.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)
        layout.addWidget(hairline())
        layout.addLayout(foot)

    def _show(self, looked: _Looked) -> None:
        basis = looked.basis
        machine, loaded = basis.machine, self._planning.loads.loaded
        self.view.set_busy(False)
        self.view.show_plan(
            self._planning.planner_for(basis),
            self._wishes,
            machine.devices,
            basis.host,
            basis.facts,
            total_bytes=machine.total_bytes,
            host_total_bytes=looked.ram_bytes,
            hint=machine.hint,
        )
        if loaded is not None and loaded.wanted.path == basis.headers[0].path:
            self.view.set_actual(loaded.actual)

    def _changed(self, wishes: Wishes) -> None:
        self.keep.setEnabled(wishes != self._wishes)
        self.status.clear()

    def _keep(self) -> None:
        self._wishes = self.view.wishes
        self.kept.emit(self._wishes)
        self.keep.setEnabled(False)
        self.status.say(lambda: self.tr("Kept. The next message loads the model so."), "good")

    def _failed(self, error: UserError) -> None:
        self.view.set_busy(False)
        self.status.say(lambda: error_text(error), "bad")

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Where the model lies"))
        self.setAccessibleName(self.windowTitle())
        self._heading.setText(self.tr("How {name} lies on this machine").format(name=self._name))
        self.keep.setText(self.tr("Keep for this model"))
        self._close.setText(self.tr("Close"))
        self.status.retranslate()


def _look(planning: PlanningService, model_id: str) -> _Looked:
    """Everything the picture needs.  Asks the engine; not for the window's thread."""
    return _Looked(planning.basis(model_id), read_memory().total_bytes)
