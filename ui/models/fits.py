"""Fit of each model on this machine, planned in the background, and the model that is recommended for it.

Models of the library and the home model are planned by their headers.  Files of a repository are planned by the header
of one of them; the selected file by its own header, with a rehearsal by the engine.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.config.settings import Settings
from app.messages.plans import REASON_SENTENCES
from app.planning.basis import PlanBasis
from app.planning.machine import Machine
from app.planning.open_models import PLEASANT_TOKENS_PER_S, ModelSuggestions, Suggestion, Suggestions, leads
from app.planning.published_model import PublishedFit, PublishedHeader, PublishedHeaders, judge_published
from app.planning.saved_options import plan_options_from
from app.planning.service import PlanningService
from app.units import rate_text, size_text
from model_manager.devices.devices import HostMemory
from model_manager.disk.space import room_for_files
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.library.library import ModelLibrary
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S, Recommendation
from model_manager.published import PublishedModel
from ui.models.item import Fit
from ui.plan.bar_data import Bar, bars_of, device_numbers, verdict_kind
from ui.plan.strings import sentences
from ui.widgets.appearance import SOURCE_LANGUAGE, system_language
from ui.widgets.error_text import translate_message
from ui.widgets.job import Job, run_job

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hardware:
    """The hardware that the plans were made for."""

    machine: Machine
    host: HostMemory
    """The RAM as it usually is."""
    free_bytes: int
    """RAM that is free at this moment."""
    room: int | None = None
    """Bytes that new files can take in the models folder; None where that is unknown."""
    too_large: frozenset[str] = frozenset()
    """Ids of the home model's quantisations for which the disk has no room."""


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
        self._local: dict[str, PublishedFit] = {}
        """Fits of the library and the catalogue."""
        self._published: dict[str, PublishedFit] = {}
        """Fits of the files of opened repositories."""
        self.hardware: Hardware | None = None
        """Hardware that the plans were made for; None before the first refresh has finished."""
        self.home: tuple[Recommendation, ...] = ()
        """Plans of the home model's quantisations; empty before the first refresh has finished."""
        self.suggestions: Suggestions | None = None
        """The open models of the catalogue; None before the hub has answered."""
        self._open_models = ModelSuggestions(planning, self._headers, access)
        self._ranking: Job | None = None

    def of(self, model_id: str) -> Fit | None:
        """Return the fit in the current language; None while it is unknown."""
        found = self._find(model_id)
        if found is None:
            suggestion = next((each for each in self._suggested() if each.published.id == model_id), None)
            return self._rough_fit(suggestion) if suggestion is not None else None
        plan = found.plan
        sentence = sentences(plan, device_numbers([device.name for device in plan.devices]))[0]
        note = ""
        if found.is_expected:
            note = self.tr("Estimated from the header of another quantisation.")
        elif model_id not in self._local and "not_rehearsed" in plan.reasons:
            note = translate_message(REASON_SENTENCES["not_rehearsed"])
        is_short = self.hardware is not None and plan.host.used_bytes > self.hardware.free_bytes
        if is_short and plan.verdict != "does_not_fit":
            note = self.tr("Other programs use much of the RAM at the moment: close some first.")
        if note:
            sentence += note if sentence.endswith("。") else f" {note}"
        return Fit(
            sentence,
            verdict_kind(plan),
            recommended=model_id == self.best_id,
            leads_repository=found.recommended,
            brief=self.brief(plan),
            bars=self.bars(plan),
        )

    @property
    def best_id(self) -> str:
        """Id of the model to recommend; empty where none is, or while the hub is asked."""
        best, open_model = leads(self.home), self.suggestions.best if self.suggestions is not None else None
        too_large = self.hardware.too_large if self.hardware is not None else frozenset()
        if best is not None and best.id in too_large:
            if self.suggestions is None:
                # The hub may have one with room.
                return ""
            if open_model is not None and open_model.has_room:
                best = None
        if best is None and open_model is not None:
            return open_model.published.id
        if best is None and self.suggestions is not None:
            best = next((each for each in self.home if each.recommended), None)
        return best.id if best is not None else ""

    def rank(self, *, again: bool = False) -> None:
        """Ask the hub for the open models and rank them, unless that is done or under way; ``changed`` follows."""
        is_known = self.suggestions is not None and self.suggestions.problem is None
        if self._ranking is not None or (is_known and not again):
            return
        models, options = self._open_models, plan_options_from(self._settings())
        job = self._ranking = Job(self)
        token = job.token
        job.succeeded.connect(self._set_suggestions)
        job.failed.connect(_log)
        job.finished.connect(self._end_ranking)
        is_chinese = (self._settings().language or system_language()) != SOURCE_LANGUAGE
        library = self._library
        job.start(
            lambda: models.rank(options, token, is_english=not is_chinese, room=room_for_files(library.models_folder))
        )
        if self.suggestions is not None and not is_known:
            self.suggestions = None
            self.changed.emit()

    def plan_of(self, model_id: str) -> LoadPlan | None:
        """Return the plan of a model; None while it is unknown."""
        found = self._find(model_id)
        return found.plan if found is not None else None

    def bars(self, plan: LoadPlan) -> tuple[Bar, ...]:
        """Return the memory bars of a plan."""
        if self.hardware is None:
            return ()
        return bars_of(plan, self.hardware.machine.devices, self.hardware.host)

    def header_of(self, model_id: str) -> PublishedHeader | None:
        """Return the header of a published model, where it was read."""
        return self._headers.of_id(model_id)

    def brief(self, plan: LoadPlan) -> str:
        """Return a plan in a few words."""
        if plan.verdict == "does_not_fit":
            return self.tr("Doesn't fit")
        number = rate_text(plan.tokens_per_second_estimate)
        if "speed_measured" in plan.reasons:
            return self.tr("Measured: {speed} tokens/s").format(speed=number)
        if plan.verdict == "gpu":
            return self.tr("About {speed} tokens/s").format(speed=number)
        if plan.used_devices:
            return self.tr("About {speed} tokens/s, partly in RAM").format(speed=number)
        return self.tr("About {speed} tokens/s, in RAM").format(speed=number)

    def refresh(self) -> None:
        """Plan all models again."""
        planning, library, options = self._planning, self._library, plan_options_from(self._settings())
        run_job(self, lambda: plan_all(planning, library, options), self._set_fits, _log)

    def plan_published(self, models: Sequence[PublishedModel], current: PublishedModel | None) -> None:
        """Plan the files of a repository, ``current`` by its own header and with a rehearsal."""
        known = self._published.get(current.id) if current is not None else None
        is_known = known is not None and not known.is_expected
        if not models or (is_known and all(each.id in self._published for each in models)):
            return
        planning, headers, options = self._planning, self._headers, plan_options_from(self._settings())
        library = self._library
        run_job(
            self,
            lambda: plan_repository(planning, library, headers, models, current, options),
            self._set_published,
            _log,
        )

    def _find(self, model_id: str) -> PublishedFit | None:
        return self._local.get(model_id) or self._published.get(model_id)

    def _suggested(self) -> Sequence[Suggestion]:
        return self.suggestions.models if self.suggestions is not None else ()

    def _rough_fit(self, suggestion: Suggestion) -> Fit:
        if not suggestion.fits:
            sentence = self.tr("It's larger than the memory of this computer.")
            if (own := self.hardware) is not None:
                room = own.host.available_bytes + sum(x.usable_bytes for x in own.machine.devices if not x.shares_ram)
                sentence = self.tr("Its {size} don't fit into the {room} that this computer has for models.")
                sentence = sentence.format(size=size_text(suggestion.published.bytes), room=size_text(room))
            return Fit(sentence, "bad", brief=self.tr("Doesn't fit"))
        # Figures by the size of the file alone would be others than those of the plan that follows.
        kind: Literal["good", "warning"] = "good"
        text = self.tr("Fits, fast") if suggestion.tokens_per_second >= PLEASANT_TOKENS_PER_S else self.tr("Fits")
        if suggestion.tokens_per_second < USABLE_TOKENS_PER_S:
            text, kind = self.tr("Fits, but slow"), "warning"
        return Fit(self.tr("It fits by the size of its file."), kind, brief=text)

    def _set_suggestions(self, suggestions: Suggestions) -> None:
        self.suggestions = suggestions
        for each in suggestions.models:
            if each.plan is not None:
                is_expected = self._headers.known(each.published) is None
                self._published[each.published.id] = PublishedFit(each.plan, False, is_expected)
        self.changed.emit()

    def _end_ranking(self) -> None:
        self._ranking = None

    def _set_fits(self, planned: tuple[Hardware, dict[str, PublishedFit], tuple[Recommendation, ...]]) -> None:
        before, room = self._local, self.hardware.room if self.hardware is not None else None
        self.hardware, self._local, self.home = planned
        if self._local != before or self.hardware.room != room:
            self.changed.emit()

    def _set_published(self, planned: tuple[Hardware, dict[str, PublishedFit]]) -> None:
        hardware, found = planned
        if any(self._published.get(key) != fit for key, fit in found.items()):
            self.hardware = self.hardware or hardware
            self._published.update(found)
            self.changed.emit()


def _log(error: UserError) -> None:
    # No fits are shown; the settings show the error of the devices.
    logger.warning("fits are unknown: %s", error)


def plan_all(
    planning: PlanningService, library: ModelLibrary, options: PlanOptions
) -> tuple[Hardware, dict[str, PublishedFit], tuple[Recommendation, ...]]:
    """Plan each model of the library and the catalogue; return also the plans of the home model.

    Queries the devices of the engine: for a background thread.  Raises UserError as ``PlanningService.machine``.
    """
    hardware = _hardware(planning, library)
    judged = planning.recommend(options, room=hardware.room)
    too_large = frozenset(each.id for each in judged if not planning.has_room(each.id, each.bytes, hardware.room))
    hardware = replace(hardware, too_large=too_large)
    home = tuple(_at_load_context(planning, hardware, each, options) for each in judged)
    fits = {each.id: PublishedFit(each.plan, each.recommended, is_expected=False) for each in home}
    for model in library.list():
        if model.ready and not model.embeds and model.id not in fits:
            # Without a plan it has no fit; using it shows the error.
            with contextlib.suppress(UserError):
                fits[model.id] = PublishedFit(_plan(planning, hardware, model.id, options), False, is_expected=False)
    return hardware, fits, home


def _plan(planning: PlanningService, hardware: Hardware, model_id: str, options: PlanOptions) -> LoadPlan:
    basis = PlanBasis(planning.headers_of(model_id), hardware.machine, hardware.host)
    return planning.expected_plan(model_id, basis, options)


def _at_load_context(
    planning: PlanningService, hardware: Hardware, judged: Recommendation, options: PlanOptions
) -> Recommendation:
    """Replace the plan by that of a real load: all are compared at one context, but for many a larger one fits."""
    try:
        plan = _plan(planning, hardware, judged.id, options)
    except UserError:
        return judged
    return replace(judged, plan=plan) if plan.verdict == judged.plan.verdict else judged


def _hardware(planning: PlanningService, library: ModelLibrary) -> Hardware:
    room = room_for_files(library.models_folder)
    return Hardware(planning.machine(), planning.usual_host(), planning.host().available_bytes, room)


def plan_repository(
    planning: PlanningService,
    library: ModelLibrary,
    headers: PublishedHeaders,
    models: Sequence[PublishedModel],
    current: PublishedModel | None,
    options: PlanOptions,
) -> tuple[Hardware, dict[str, PublishedFit]]:
    """Plan all files of a repository, ``current`` with a rehearsal.  For a background thread.

    Raises UserError as ``PlanningService.machine``.
    """
    hardware = _hardware(planning, library)
    found = judge_published(planning, models, headers, options, current, room=hardware.room)
    own = headers.known(current) if current is not None else None
    if current is None or own is None or current.id not in found:
        return hardware, found
    plan = found[current.id].plan
    basis = PlanBasis(own.headers, hardware.machine, hardware.host)
    fixed = replace(planning.overrides.get(current.id).over(options), context=plan.context)
    rehearsed = planning.rehearsed(basis, fixed, own.files)
    if rehearsed.rehearsal is not None:
        found[current.id] = replace(found[current.id], plan=rehearsed.plan(fixed))
    return hardware, found
