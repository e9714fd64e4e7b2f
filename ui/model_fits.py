"""How well each model fits on this machine, for the rows of the models page: judged in the background."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.planning.basis import PlanBasis
from app.planning.service import PlanningService
from app.words.plans import verdict_sentence
from model_manager.errors import UserError
from model_manager.library import ModelLibrary
from model_manager.plan import LoadPlan, Wishes
from ui.error_text import CONTEXT
from ui.model_entries import Fit
from ui.plan_figures import verdict_kind
from ui.tasks import run_in_background

Judged = dict[str, tuple[LoadPlan, bool]]


class ModelFits(QObject):
    """The verdict for each model by its id."""

    changed = Signal()

    def __init__(self, planning: PlanningService, library: ModelLibrary, parent: QObject) -> None:
        super().__init__(parent)
        self._planning = planning
        self._library = library
        self._judged: Judged = {}

    def of(self, model_id: str) -> Fit | None:
        """How well it fits, in the language of now; None while it is not known."""
        judged = self._judged.get(model_id)
        if judged is None:
            return None
        plan, recommended = judged
        sentence = verdict_sentence(plan, lambda text: QCoreApplication.translate(CONTEXT, text))
        return Fit(sentence, verdict_kind(plan), recommended, self._brief(plan))

    def _brief(self, plan: LoadPlan) -> str:
        if plan.verdict == "does_not_fit":
            return self.tr("Does not fit")
        if plan.verdict == "gpu":
            return self.tr("Fits on your GPU") if len(plan.used_devices) == 1 else self.tr("Fits on your GPUs")
        speed = plan.tokens_per_second_estimate
        number = f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
        if plan.used_devices:
            return self.tr("Partly in RAM, about {speed} tokens/s").format(speed=number)
        return self.tr("In RAM, about {speed} tokens/s").format(speed=number)

    def refresh(self) -> None:
        """Look at the devices and the files again."""
        planning, library = self._planning, self._library
        run_in_background(self, lambda: judge(planning, library), self._take, lambda _error: None)

    def _take(self, judged: Judged) -> None:
        if judged != self._judged:
            self._judged = judged
            self.changed.emit()


def judge(planning: PlanningService, library: ModelLibrary) -> Judged:
    """The plan of each model that is here or in the catalogue, and whether it is the one to take.

    Asks the engine for its devices: not for the window's thread.  Raises UserError as ``PlanningService.machine``.
    """
    judged: Judged = {each.id: (each.plan, each.recommended) for each in planning.recommend()}
    machine, host = planning.machine(), planning.host()
    for model in library.list():
        if model.ready and model.id not in judged:
            try:
                basis = PlanBasis(planning.headers_of(model.id), machine, host)
                judged[model.id] = (basis.plan(Wishes()), False)
            except UserError:
                # Nothing is said of it; using it says what is wrong.
                continue
    return judged
