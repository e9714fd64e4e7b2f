"""How well each model fits on this machine, for the rows of the models page: judged in the background.

Models of the library and the catalogue by their headers; what a hub publishes by the header of one of its files, until
a person looks at another one: then its own is read, and the engine rehearses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.config.settings import Settings
from app.messages.plans import REASON_SENTENCES
from app.planning.basis import PlanBasis, wishes_from
from app.planning.machine import Machine
from app.planning.published_model import PublishedFit, PublishedHeader, PublishedHeaders, judge_published
from app.planning.service import PlanningService
from model_manager.devices.devices import HostMemory, read_memory
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary
from model_manager.plan import LoadPlan, Recommendation, Wishes
from model_manager.published import PublishedModel
from ui.models.entries import Fit
from ui.plan.advice import speed_text
from ui.plan.figures import Bar, bars_of, device_numbers, verdict_kind
from ui.plan.strings import sentences
from ui.widgets.error_text import CONTEXT
from ui.widgets.job import run_job

logger = logging.getLogger(__name__)

Judged = dict[str, tuple[LoadPlan, bool]]


@dataclass(frozen=True)
class Place:
    """What the plans were made for: the machine, its RAM as it was, and all of it in bytes."""

    machine: Machine
    host: HostMemory
    ram_bytes: int


@dataclass(frozen=True)
class Judgement:
    """Everything that was judged at one time."""

    place: Place
    plans: Judged
    home: tuple[Recommendation, ...]


class ModelFits(QObject):
    """The verdict for each model by its id."""

    changed = Signal()

    def __init__(
        self,
        planning: PlanningService,
        library: ModelLibrary,
        settings: Callable[[], Settings],
        access: Callable[[], Access],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._planning, self._library, self._settings = planning, library, settings
        self._headers = PublishedHeaders(access)
        self._judged: Judged = {}
        self._published: dict[str, PublishedFit] = {}
        self._place: Place | None = None
        self.home: tuple[Recommendation, ...] = ()
        """The quantisations of the home model; empty before they were judged."""

    def of(self, model_id: str) -> Fit | None:
        """How well it fits, in the language of now; None while it is not known."""
        judged = self._judged.get(model_id)
        if judged is not None:
            plan, recommended = judged
            return Fit(self._sentence(plan), verdict_kind(plan), recommended, self.brief(plan), self.bars(plan))
        published = self._published.get(model_id)
        if published is None:
            return None
        plan = published.plan
        words = [self._sentence(plan)]
        if published.is_expected:
            words.append(self.tr("Estimated from the header of another quantisation."))
        elif "not_rehearsed" in plan.reasons:
            words.append(QCoreApplication.translate(CONTEXT, REASON_SENTENCES["not_rehearsed"]))
        space = "" if words[0].endswith("。") else " "
        bars = self.bars(plan)
        return Fit(space.join(words), verdict_kind(plan), published.recommended, self.brief(plan), bars)

    def plan_of(self, model_id: str) -> LoadPlan | None:
        """The plan behind that."""
        judged, published = self._judged.get(model_id), self._published.get(model_id)
        return judged[0] if judged is not None else published.plan if published is not None else None

    def bars(self, plan: LoadPlan) -> tuple[Bar, ...]:
        """The picture of a plan that was made here."""
        if self._place is None:
            return ()
        machine = self._place.machine
        return bars_of(plan, machine.devices, self._place.host, machine.total_bytes, self._place.ram_bytes)

    def _sentence(self, plan: LoadPlan) -> str:
        return sentences(plan, device_numbers([device.name for device in plan.devices]))[0]

    @property
    def place(self) -> Place | None:
        """What the plans were made for; None before anything was judged."""
        return self._place

    def header_of(self, model_id: str) -> PublishedHeader | None:
        """The header of what a hub publishes, where it was read."""
        return self._headers.of_id(model_id)

    def brief(self, plan: LoadPlan) -> str:
        """A plan in a few words."""
        if plan.verdict == "does_not_fit":
            return self.tr("Does not fit")
        if plan.verdict == "gpu":
            return self.tr("Fits on your GPU") if len(plan.used_devices) == 1 else self.tr("Fits on your GPUs")
        number = speed_text(plan.tokens_per_second_estimate)
        if plan.used_devices:
            return self.tr("Partly in RAM, about {speed} tokens/s").format(speed=number)
        return self.tr("In RAM, about {speed} tokens/s").format(speed=number)

    def refresh(self) -> None:
        """Look at the devices and the files again."""
        planning, library, wishes = self._planning, self._library, self._wishes()
        run_job(self, lambda: judge(planning, library, wishes), self._take, _log)

    def look_at(self, models: Sequence[PublishedModel], current: PublishedModel | None) -> None:
        """Judge what a repository publishes, ``current`` by its own header and with a rehearsal."""
        if not models:
            return
        planning, headers, wishes = self._planning, self._headers, self._wishes()
        known = self._published.get(current.id) if current is not None else None
        if known is not None and not known.is_expected:
            return
        run_job(
            self,
            lambda: judge_shown(planning, headers, models, current, wishes),
            self._take_published,
            _log,
        )

    def _wishes(self) -> Wishes:
        return wishes_from(self._settings())

    def _take(self, judgement: Judgement) -> None:
        self._place, self.home = judgement.place, judgement.home
        if judgement.plans != self._judged:
            self._judged = judgement.plans
            self.changed.emit()

    def _take_published(self, told: tuple[Place, dict[str, PublishedFit]]) -> None:
        place, found = told
        if any(self._published.get(key) != fit for key, fit in found.items()):
            self._place = self._place or place
            self._published.update(found)
            self.changed.emit()


def _log(error: UserError) -> None:
    # Nothing is said of how well anything fits; what is wrong with the devices is said where they are shown.
    logger.warning("what fits is not known: %s", error)


def judge(planning: PlanningService, library: ModelLibrary, wishes: Wishes) -> Judgement:
    """The plan of each model that is here or in the catalogue, and whether it is the one to take.

    Asks the engine for its devices: not for the window's thread.  Raises UserError as ``PlanningService.machine``.
    """
    place = _place(planning)
    home = tuple(_at_its_context(planning, place, each, wishes) for each in planning.recommend(wishes))
    judged: Judged = {each.id: (each.plan, each.recommended) for each in home}
    for model in library.list():
        if model.ready and model.id not in judged:
            try:
                basis = PlanBasis(planning.headers_of(model.id), place.machine, place.host)
                judged[model.id] = (basis.plan(wishes), False)
            except UserError:
                # Nothing is said of it; using it says what is wrong.
                continue
    return Judgement(place, judged, home)


def _at_its_context(planning: PlanningService, place: Place, judged: Recommendation, wishes: Wishes) -> Recommendation:
    """With the plan that a load would take: all are compared at one context, and many have room for more."""
    try:
        plan = PlanBasis(planning.headers_of(judged.id), place.machine, place.host).plan(wishes)
    except UserError:
        return judged
    return replace(judged, plan=plan) if plan.verdict == judged.plan.verdict else judged


def _place(planning: PlanningService) -> Place:
    return Place(planning.machine(), planning.host(), read_memory().total_bytes)


def judge_shown(
    planning: PlanningService,
    headers: PublishedHeaders,
    models: Sequence[PublishedModel],
    current: PublishedModel | None,
    wishes: Wishes,
) -> tuple[Place, dict[str, PublishedFit]]:
    """The fit of everything a repository publishes, that of ``current`` rehearsed.  For a background thread.

    Raises UserError as ``PlanningService.machine``.
    """
    place = _place(planning)
    found = judge_published(planning.recommend_of, models, headers, wishes, current)
    own = headers.known(current) if current is not None else None
    if current is None or own is None or current.id not in found:
        return place, found
    plan = found[current.id].plan
    basis = PlanBasis(own.headers, place.machine, place.host)
    fixed = replace(wishes, context=plan.context)
    rehearsed = planning.rehearsed(basis, fixed, own.files)
    if rehearsed.measured is not None:
        found[current.id] = replace(found[current.id], plan=rehearsed.plan(fixed))
    return place, found
