"""Fit of each model on this machine, planned in the background.

Models of the library and the catalogue are planned by their headers.  Files of a repository are planned by the header
of one of them; the selected file by its own header, with a rehearsal by the engine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.config.settings import Settings
from app.messages.plans import REASON_SENTENCES
from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.overrides import plan_options_from
from app.planning.published_model import PublishedFit, PublishedHeader, PublishedHeaders, judge_published
from app.planning.service import PlanningService
from app.units import rate_text
from model_manager.devices.devices import HostMemory, read_memory
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary
from model_manager.plan import LoadPlan, PlanOptions, Recommendation
from model_manager.published import PublishedModel
from ui.models.item import Fit
from ui.plan.bar_data import Bar, bars_of, device_numbers, verdict_kind
from ui.plan.strings import sentences
from ui.widgets.error_text import translate_message
from ui.widgets.job import run_job

logger = logging.getLogger(__name__)

Judged = dict[str, tuple[LoadPlan, bool]]


@dataclass(frozen=True)
class Hardware:
    """The hardware that the plans were made for: the machine, its RAM in use, and its total RAM in bytes."""

    machine: Machine
    host: HostMemory
    ram_bytes: int


@dataclass(frozen=True)
class PlannedFits:
    """Plans of one refresh: by model id, each with whether it is recommended, and those of the home model."""

    hardware: Hardware
    plans: Judged
    home: tuple[Recommendation, ...]


class ModelFits(QObject):
    """Fits of models by id."""

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
        self._hardware: Hardware | None = None
        self.home: tuple[Recommendation, ...] = ()
        """Plans of the home model's quantisations; empty before the first refresh has finished."""

    def of(self, model_id: str) -> Fit | None:
        """Return the fit in the current language; None while it is unknown."""
        judged = self._judged.get(model_id)
        if judged is not None:
            plan, recommended = judged
            return Fit(self._sentence(plan), verdict_kind(plan), recommended, self.brief(plan), self.bars(plan))
        published = self._published.get(model_id)
        if published is None:
            return None
        plan = published.plan
        texts = [self._sentence(plan)]
        if published.is_expected:
            texts.append(self.tr("Estimated from the header of another quantisation."))
        elif "not_rehearsed" in plan.reasons:
            texts.append(translate_message(REASON_SENTENCES["not_rehearsed"]))
        space = "" if texts[0].endswith("。") else " "
        bars = self.bars(plan)
        return Fit(space.join(texts), verdict_kind(plan), published.recommended, self.brief(plan), bars)

    def plan_of(self, model_id: str) -> LoadPlan | None:
        """Return the plan of a model; None while it is unknown."""
        judged, published = self._judged.get(model_id), self._published.get(model_id)
        return judged[0] if judged is not None else published.plan if published is not None else None

    def bars(self, plan: LoadPlan) -> tuple[Bar, ...]:
        """Return the memory bars of a plan."""
        if self._hardware is None:
            return ()
        machine = self._hardware.machine
        return bars_of(plan, machine.devices, self._hardware.host, machine.total_bytes, self._hardware.ram_bytes)

    def _sentence(self, plan: LoadPlan) -> str:
        return sentences(plan, device_numbers([device.name for device in plan.devices]))[0]

    @property
    def hardware(self) -> Hardware | None:
        """Hardware that the plans were made for; None before the first refresh has finished."""
        return self._hardware

    def header_of(self, model_id: str) -> PublishedHeader | None:
        """Return the header of a published model, where it was read."""
        return self._headers.of_id(model_id)

    def brief(self, plan: LoadPlan) -> str:
        """Return a plan in a few words."""
        if plan.verdict == "does_not_fit":
            return self.tr("Does not fit")
        if plan.verdict == "gpu":
            return self.tr("Fits on your GPU") if len(plan.used_devices) == 1 else self.tr("Fits on your GPUs")
        number = rate_text(plan.tokens_per_second_estimate)
        if plan.used_devices:
            return self.tr("Partly in RAM, about {speed} tokens/s").format(speed=number)
        return self.tr("In RAM, about {speed} tokens/s").format(speed=number)

    def refresh(self) -> None:
        """Plan all models again."""
        planning, library, options = self._planning, self._library, self._options()
        run_job(self, lambda: plan_all(planning, library, options), self._set_fits, _log)

    def plan_published(self, models: Sequence[PublishedModel], current: PublishedModel | None) -> None:
        """Plan the files of a repository, ``current`` by its own header and with a rehearsal."""
        if not models:
            return
        planning, headers, options = self._planning, self._headers, self._options()
        known = self._published.get(current.id) if current is not None else None
        if known is not None and not known.is_expected:
            return
        run_job(
            self,
            lambda: plan_repository(planning, headers, models, current, options),
            self._set_published,
            _log,
        )

    def _options(self) -> PlanOptions:
        return plan_options_from(self._settings())

    def _set_fits(self, planned: PlannedFits) -> None:
        self._hardware, self.home = planned.hardware, planned.home
        if planned.plans != self._judged:
            self._judged = planned.plans
            self.changed.emit()

    def _set_published(self, result: tuple[Hardware, dict[str, PublishedFit]]) -> None:
        hardware, found = result
        if any(self._published.get(key) != fit for key, fit in found.items()):
            self._hardware = self._hardware or hardware
            self._published.update(found)
            self.changed.emit()


def _log(error: UserError) -> None:
    # No fits are shown; the settings show the error of the devices.
    logger.warning("fits are unknown: %s", error)


def plan_all(planning: PlanningService, library: ModelLibrary, options: PlanOptions) -> PlannedFits:
    """Plan each model of the library and the catalogue.

    Queries the devices of the engine: for a background thread.  Raises UserError as ``PlanningService.machine``.
    """
    hardware = _hardware(planning)
    home = tuple(_at_load_context(planning, hardware, each, options) for each in planning.recommend(options))
    judged: Judged = {each.id: (each.plan, each.recommended) for each in home}
    for model in library.list():
        if model.ready and model.id not in judged:
            try:
                basis = PlanBasis(planning.headers_of(model.id), hardware.machine, hardware.host)
                judged[model.id] = (basis.plan(options), False)
            except UserError:
                # It has no fit; using it shows the error.
                continue
    return PlannedFits(hardware, judged, home)


def _at_load_context(
    planning: PlanningService, hardware: Hardware, judged: Recommendation, options: PlanOptions
) -> Recommendation:
    """Replace the plan by that of a real load: all are compared at one context, but for many a larger one fits."""
    try:
        plan = PlanBasis(planning.headers_of(judged.id), hardware.machine, hardware.host).plan(options)
    except UserError:
        return judged
    return replace(judged, plan=plan) if plan.verdict == judged.plan.verdict else judged


def _hardware(planning: PlanningService) -> Hardware:
    return Hardware(planning.machine(), planning.host(), read_memory().total_bytes)


def plan_repository(
    planning: PlanningService,
    headers: PublishedHeaders,
    models: Sequence[PublishedModel],
    current: PublishedModel | None,
    options: PlanOptions,
) -> tuple[Hardware, dict[str, PublishedFit]]:
    """Plan all files of a repository, ``current`` with a rehearsal.  For a background thread.

    Raises UserError as ``PlanningService.machine``.
    """
    hardware = _hardware(planning)
    found = judge_published(planning.recommend_of, models, headers, options, current)
    own = headers.known(current) if current is not None else None
    if current is None or own is None or current.id not in found:
        return hardware, found
    plan = found[current.id].plan
    basis = PlanBasis(own.headers, hardware.machine, hardware.host)
    fixed = replace(options, context=plan.context)
    rehearsed = planning.rehearsed(basis, fixed, own.files)
    if rehearsed.rehearsal is not None:
        found[current.id] = replace(found[current.id], plan=rehearsed.plan(fixed))
    return hardware, found
