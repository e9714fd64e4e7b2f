"""Memory plan of one model, as a part of the models page: change it, measure it, save it for the model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.planning.basis import PlanBasis
from app.planning.planned_load import LoadRequest
from app.planning.published_model import PublishedHeader, PublishedHeaders
from app.planning.saved_options import plan_options_from
from app.planning.service import NOT_DOWNLOADED
from app.services import Services
from model_manager.errors import UserError
from model_manager.gguf.header_stub import HeaderStub
from model_manager.hub.resolver import find_published
from model_manager.plan.engine_arguments import llama_server_command
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from ui.plan.bar_data import device_numbers
from ui.plan.measure_panel import MeasurePanel
from ui.plan.view import PlanView
from ui.widgets.dialog_parts import StatusLine, button, hairline
from ui.widgets.job import run_job
from ui.widgets.layouts import hbox, vbox

_Scanned = tuple[PlanBasis, LoadPlan | None, Sequence[HeaderStub], bool]
"""Basis of the plans, the plan that worked before, which is used for a load, the files for a rehearsal, and whether the
plan is another one than usual because RAM is short."""


class ModelPlan(QWidget):
    """Memory plan of one model.  Only measuring loads the model; otherwise the next message does."""

    measured = Signal()
    """The speed was measured."""
    kept = Signal(object)
    """The ``PlanOptions`` for this model, saved by the user."""

    def __init__(
        self,
        services: Services,
        model_id: str,
        parent: QWidget | None = None,
        *,
        published: PublishedHeader | None = None,
    ) -> None:
        """Show the plan of a model, while it is not downloaded by ``published`` or the header read from the hub."""
        super().__init__(parent)
        self.setObjectName("planDialog")
        self._services, self._planning = services, services.planning
        self._settings = services.settings.current
        self._model_id, self._published = model_id, published
        self._saved = services.planning.overrides.get(model_id)
        self._is_closed = False
        self._basis: PlanBasis | None = None
        """Model and machine at the time of the last scan."""
        self._fixed_plans: dict[PlanOptions, LoadPlan] = {}
        """Plans that are not recomputed: the loaded one and the one that worked before."""
        self.view = PlanView()
        self.view.options = self._saved
        self.view.panel.cache_limit = self._settings.conversation_cache << 30
        self.measure = MeasurePanel(services, self._request)
        self.measure.hide()
        self.status = StatusLine("planStatus", hide_when_empty=True)
        self.keep = button("keepPlanButton", self.tr("Save for this model"), primary=True)
        self.keep.setToolTip(self.tr("Loads this model with the options above from the next message on"))
        self.copy = button("copyServerCommand", self.tr("Copy llama-server command"))
        self.copy.setToolTip(self.tr("Copies a command that starts llama.cpp's server with the same layout"))
        self.copy.setEnabled(False)
        self.copy.clicked.connect(self._copy_command)
        self._rule = hairline()
        self._rule.hide()
        foot = hbox(None, self.copy, self.keep, spacing=8)
        vbox(self.view, self._rule, self.measure, self.status, foot, parent=self, spacing=16)
        self.keep.setEnabled(False)
        self.keep.clicked.connect(self._keep)
        self.view.options_changed.connect(self._handle_change)
        self.measure.busy_changed.connect(self._handle_busy)
        self.view.set_busy(self.tr("Scanning devices…"))
        self._scan()

    def _scan(self) -> None:
        services, model_id, options = self._services, self._model_id, self._full_options(self.view.options)
        published = self._published
        run_job(self, lambda: _scan(services, model_id, published, options), self._show, self._show_error)

    def _show(self, scanned: _Scanned) -> None:
        basis, remembered, files, is_short = scanned
        text = self.tr(
            "Other programs use much of the RAM at the moment, so this isn't the usual plan: close some first."
        )
        self.view.note = text if is_short else ""
        path, loaded = basis.headers[0].path, self._planning.loader.loaded
        if loaded is not None and loaded.request.path != path:
            loaded = None
        options = self._full_options(self.view.options)
        self._fixed_plans = {} if remembered is None else {options: remembered}
        if loaded is not None and loaded.request.preferences == self._settings.device_preferences():
            self._fixed_plans[loaded.request.options] = loaded.plan
        self.view.set_busy("")
        self._show_plan(basis)
        if loaded is not None:
            self.view.set_actual(loaded.result.memory, loaded.plan.spec)
        for each in (self._rule, self.measure):
            each.show()
        unavailable = ""
        if not path.is_file():
            unavailable = self.tr("Download the model to measure its speed.")
        elif basis.machine.is_simulated:
            unavailable = self.tr("These GPUs are simulated, so there is nothing to measure.")
        self.measure.set_available(device_numbers([device.name for device in basis.machine.devices]), unavailable)
        if not self._fixed_plans:
            planning = self._planning
            run_job(self, lambda: planning.rehearsed(basis, options, files), self._rehearsed, lambda _error: None)

    def _show_plan(self, basis: PlanBasis) -> None:
        self._basis = basis
        self.copy.setEnabled(True)
        self.view.show_plan(basis, self.view.options, self._plan)

    def _rehearsed(self, basis: PlanBasis) -> None:
        """Show the same plan with the compute buffers reported by the engine."""
        if basis.rehearsal is not None and not self.measure.is_busy:
            self._show_plan(basis)

    def _plan(self, options: PlanOptions) -> LoadPlan:
        assert self._basis is not None
        full = self._full_options(options)
        plan = self._fixed_plans.get(full) or self._basis.plan(full)
        return self._planning.speeds.applied(self._basis.headers[0].path, plan)

    def _full_options(self, options: PlanOptions) -> PlanOptions:
        return options.over(plan_options_from(self._settings))

    def _handle_change(self, options: PlanOptions) -> None:
        self.keep.setEnabled(options != self._saved)
        self.status.clear()

    def _keep(self) -> None:
        self._saved = self.view.options
        self.kept.emit(self._saved)
        # A disabled button would pass the focus on to another part of the window.
        self.copy.setFocus()
        self.keep.setEnabled(False)
        self.status.show_message(self.tr("Saved. The next message loads the model with this layout."), "good")

    def _copy_command(self) -> None:
        assert self._basis is not None
        path = str(self._basis.headers[0].path)
        QGuiApplication.clipboard().setText(llama_server_command(self._plan(self.view.options).spec, path))
        self.status.show_message(self.tr("Copied."), "good")

    def _show_error(self, error: UserError) -> None:
        self.view.set_busy("")
        self.status.show_error(error)

    def _request(self) -> LoadRequest:
        planning = self._planning
        headers = planning.headers_of(self._model_id)
        return planning.load_request(headers[0].path, self._full_options(self.view.options))

    def _handle_busy(self, busy: bool) -> None:
        if self._is_closed:
            return
        self.keep.setEnabled(not busy and self.view.options != self._saved)
        if busy:
            self.view.set_busy(self.tr("The speed is being measured."))
        else:
            self.measured.emit()
            # The loaded and the saved plan may have changed.
            self._scan()

    def shut_down(self) -> None:
        """Cancel a measurement; the plan is shown no longer."""
        self._is_closed = True
        self.measure.shut_down()


def _scan(services: Services, model_id: str, published: PublishedHeader | None, options: PlanOptions) -> _Scanned:
    """Scan model and machine.

    Asks the engine, and for a model that is not here the hub, so it must not run in the window's thread.
    """
    planning = services.planning
    try:
        basis = planning.basis(model_id)
    except UserError as error:
        if error.code != NOT_DOWNLOADED:
            raise
        if published is None:
            access = services.downloads.access
            published = PublishedHeaders(access).read(find_published(model_id, access()))
        basis = PlanBasis(published.headers, planning.machine(), planning.host())
        return basis, None, published.files, planning.is_short_of_ram(basis, options)
    remembered = None if basis.machine.is_simulated else planning.remembered_plan(basis, options)
    return basis, remembered, (), planning.is_short_of_ram(basis, options)
