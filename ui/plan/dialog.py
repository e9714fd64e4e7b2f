"""How one model lies on this machine: the picture of its plan, changed live, measured, and kept for this model."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.planning.basis import PlanBasis
from app.planning.overrides import wishes_for
from app.planning.planned_load import Wanted
from app.planning.published_model import PublishedHeader
from app.planning.service import PlanningService
from app.services import Services
from model_manager.devices.devices import read_memory
from model_manager.errors import UserError
from model_manager.plan import LoadPlan, ModelFacts, SplitMode, Wishes
from ui.plan.figures import device_numbers
from ui.plan.measure_panel import MeasureSection
from ui.plan.view import PlanView
from ui.widgets.dialog_parts import MARGIN, StatusLine, TranslatedDialog, button, hairline, heading
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

FIRST_SIZE = (760, 700)
SPLIT_MODES: tuple[SplitMode, ...] = ("layer", "row", "tensor", "none")
"""Those of the engine that this program is built for."""


@dataclass(frozen=True)
class _Looked:
    basis: PlanBasis
    ram_bytes: int
    noted: LoadPlan | None
    """What a load takes because it worked before."""
    is_here: bool
    """Whether there is a file that can be loaded."""


class PlanDialog(TranslatedDialog):
    """The plan of one model.  Only a measurement loads it here; else the next message to the model does."""

    kept = Signal(object)
    """The ``Wishes`` to load this model with from now on."""

    def __init__(
        self,
        services: Services,
        model_id: str,
        name: str,
        parent: QWidget | None = None,
        *,
        published: PublishedHeader | None = None,
    ) -> None:
        """``published``: the header of a model that is not here, as a hub shows it."""
        super().__init__(parent)
        self.setObjectName("planDialog")
        self._services, self._planning = services, services.planning
        self._settings = services.settings.now
        self._model_id, self._published = model_id, published
        self._name = name
        self._wishes = services.planning.wished.of(model_id)
        self._is_over = False
        self._looked: _Looked | None = None
        self._facts: ModelFacts | None = None
        self._known: dict[Wishes, LoadPlan] = {}
        """Plans that are not made anew: what is loaded, and what worked before."""
        self._heading = heading()
        self.view = PlanView()
        self.view.wishes = self._wishes
        self.measure = MeasureSection(services, self._wanted)
        self.measure.hide()
        self.status = StatusLine("planStatus")
        self.keep = button("keepPlanButton", primary=True)
        self._close = button("closeButton")
        self._lay_out()
        self.keep.setEnabled(False)
        self.keep.clicked.connect(self._keep)
        self._close.clicked.connect(self.reject)
        self.view.wishes_changed.connect(self._changed)
        self.measure.busy_changed.connect(self._measuring)
        room = self.screen().availableGeometry()
        self.resize(min(FIRST_SIZE[0], room.width() - 60), min(FIRST_SIZE[1], room.height() - 80))
        self._finish_setup()
        self.view.set_busy(True, lambda: self.tr("Scanning devices…"))
        self._look()

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, 8, MARGIN, MARGIN)
        column.setSpacing(16)
        column.addWidget(self.view)
        self._rule = hairline()
        self._rule.hide()
        column.addWidget(self._rule)
        column.addWidget(self.measure)
        column.addStretch(1)
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

    # What is known

    def _look(self) -> None:
        planning, model_id, whole = self._planning, self._model_id, self._whole(self.view.wishes)
        published = self._published
        run_job(self, lambda: _look(planning, model_id, published, whole), self._show, self._failed)

    def _show(self, looked: _Looked) -> None:
        loaded = self._planning.loads.loaded
        is_loaded = loaded is not None and loaded.wanted.path == looked.basis.headers[0].path
        self._looked = looked
        self._facts = self._facts or looked.basis.facts
        self._known = {} if looked.noted is None else {self._whole(self.view.wishes): looked.noted}
        if is_loaded and loaded is not None and loaded.wanted.devices == self._settings.device_wishes():
            self._known[loaded.wanted.wishes] = loaded.plan
        self.view.set_busy(False)
        self._draw(looked.basis)
        if is_loaded and loaded is not None:
            self.view.set_actual(loaded.actual)
        for each in (self._rule, self.measure):
            each.show()
        names = [device.name for device in looked.basis.machine.devices]
        self.measure.set_possible(device_numbers(names), self._why_not_measured)
        files = self._published.files if self._published is not None else ()
        if (looked.is_here or files) and not self._known:
            planning, basis, whole = self._planning, looked.basis, self._whole(self.view.wishes)
            run_job(self, lambda: planning.rehearsed(basis, whole, files), self._rehearsed, lambda _error: None)

    def _draw(self, basis: PlanBasis) -> None:
        machine = basis.machine
        assert self._facts is not None
        assert self._looked is not None
        self.view.show_plan(
            self._plan,
            self.view.wishes,
            machine.devices,
            basis.host,
            self._facts,
            total_bytes=machine.total_bytes,
            host_total_bytes=self._looked.ram_bytes,
            hint=machine.hint or next(iter(machine.missing), None),
            split_modes=SPLIT_MODES,
        )

    def _rehearsed(self, basis: PlanBasis) -> None:
        """The engine told its compute buffers: the same picture, to the mebibyte."""
        if self._looked is not None and basis.measured is not None and not self.measure.is_busy:
            self._looked = _Looked(basis, self._looked.ram_bytes, self._looked.noted, self._looked.is_here)
            self._draw(basis)

    def _plan(self, wishes: Wishes) -> LoadPlan:
        assert self._looked is not None
        whole = self._whole(wishes)
        return self._known.get(whole) or self._looked.basis.plan(whole)

    def _whole(self, wishes: Wishes) -> Wishes:
        return wishes_for(self._settings, wishes)

    # What is done

    def _changed(self, wishes: Wishes) -> None:
        self.keep.setEnabled(wishes != self._wishes)
        self.status.clear()

    def _keep(self) -> None:
        self._wishes = self.view.wishes
        self.kept.emit(self._wishes)
        self.keep.setEnabled(False)
        self.status.show_message(lambda: self.tr("Saved. The next message loads the model with this plan."), "good")

    def _failed(self, error: UserError) -> None:
        self.view.set_busy(False)
        self.status.show_message(lambda: error_text(error), "bad")

    def _wanted(self) -> Wanted:
        planning = self._planning
        headers = planning.headers_of(self._model_id)
        return planning.wanted(headers[0].path, self._whole(self.view.wishes))

    def _why_not_measured(self) -> str:
        looked = self._looked
        if looked is None or not looked.is_here:
            return self.tr("Download the model to measure its speed.")
        if looked.basis.machine.is_pretended:
            return self.tr("These GPUs are simulated, so there is nothing to measure.")
        return ""

    def _measuring(self, busy: bool) -> None:
        if self._is_over:
            return
        self.keep.setEnabled(not busy and self.view.wishes != self._wishes)
        if busy:
            self.view.set_busy(True, lambda: self.tr("The speed is being measured."))
        else:
            # What is loaded now, and what is kept, may be others.
            self._look()

    def done(self, result: int) -> None:
        """Close; nothing is measured for a picture that is gone."""
        self._is_over = True
        self.measure.close_down()
        super().done(result)

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Memory plan"))
        self.setAccessibleName(self.windowTitle())
        self._heading.setText(self.tr("Memory layout of {name}").format(name=self._name))
        self.keep.setText(self.tr("Save for this model"))
        self._close.setText(self.tr("Close"))
        self.measure.retranslate()
        self.status.retranslate()


def _look(planning: PlanningService, model_id: str, published: PublishedHeader | None, wishes: Wishes) -> _Looked:
    """Everything the picture needs.  Asks the engine; not for the window's thread."""
    if published is None:
        basis = planning.basis(model_id)
    else:
        basis = PlanBasis(published.headers, planning.machine(), planning.host())
    is_here = basis.headers[0].path.is_file()
    noted = planning.noted(basis, wishes) if is_here and not basis.machine.is_pretended else None
    return _Looked(basis, read_memory().total_bytes, noted, is_here)
