"""Open chat models of the catalogue, ranked for this machine by quality and expected speed.

``resources/catalogue.json`` has the facts that rank them.  Files and sizes come from the hub's listings, so that a
repository that is gone disappears.  All are first judged by the sizes of their files; headers are read, the most
promising first, until a planned model is better than what the others could be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from app.config.paths import resources
from app.planning.published_model import PublishedHeaders, candidates
from app.planning.service import PlanningService
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.devices.devices import Device, HostMemory
from model_manager.disk.json_file import from_json
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.hub.listing import published_models
from model_manager.hub.resolver import fetch_repository
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.recommendation import Recommendation
from model_manager.plan.speed import EXPERTS_ON_GPU_S, LAYER_ON_GPU_S, UNKNOWN_RAM, usable_bandwidth
from model_manager.published import PublishedModel, Repository

PLEASANT_TOKENS_PER_S = 15.0
"""Well above the speed of reading: what is slower has to be much better."""
FAST_TOKENS_PER_S = 45.0
"""More speed than this makes no difference."""
MAX_HEADERS = 5
"""Most headers that are read for one ranking: each takes some MiB."""

_LISTINGS_AT_ONCE = 5
_BITS = (2.9, 9.5)
"""Bits per weight of the quantisations to choose from: coarser ones lose too much, finer ones gain nothing."""
_FIRST_YEAR = 2025
_USUAL_BITS = 4.85
"""Bits per weight of Q4_K_M, which most repositories have."""
_CACHE_AND_BUFFERS = 1 << 30
"""Room for them, while only the size of a file is known."""
_USUAL_LAYERS = 48
"""Of a model of which only the size is known."""


@dataclass(frozen=True)
class OpenModel:
    """Facts about a model.

    ``parameters`` and ``active`` (per token; 0 for all) are in billions.  ``languages`` is the number that its makers
    state: 1 for English, 2 for English and Chinese, 0 where they state none.  ``source`` is where the facts are from.
    """

    name: str
    repository: str
    licence: str
    year: int
    parameters: float
    strength: Literal["quick", "everyday", "languages", "reasoning"]
    source: str
    active: float = 0.0
    languages: int = 0

    @property
    def used_share(self) -> float:
        """Share of the weights that one token needs."""
        return self.active / self.parameters if self.active else 1.0

    def score(self, bits: float, tokens_per_second: float) -> float:
        """Rate the model in a quantisation of ``bits`` per weight at a speed; 1 more is worth twice the parameters.

        A mixture of experts counts as the geometric mean of its parameters and the active ones, and a year of progress
        as half of 1.  Below ``PLEASANT_TOKENS_PER_S`` half the speed costs 2, above it twice the speed adds a half.
        """
        if not tokens_per_second:
            return -math.inf
        quality = math.log2(self.parameters * math.sqrt(self.used_share)) + 0.5 * (self.year - _FIRST_YEAR)
        speed = math.log2(min(tokens_per_second, FAST_TOKENS_PER_S) / PLEASANT_TOKENS_PER_S)
        return quality - 3 ** (3 - bits) + (speed / 2 if speed > 0 else 2 * speed)


@dataclass(frozen=True)
class Suggestion:
    """A model of the catalogue in the quantisation that suits this machine best.

    ``tokens_per_second`` is 0 where it does not fit.  Without ``plan`` it is judged by the size of its file.
    """

    model: OpenModel
    published: PublishedModel
    tokens_per_second: float
    score: float
    plan: LoadPlan | None = field(default=None, repr=False)
    has_room: bool = True
    """Whether the disk has room for its files."""

    @property
    def fits(self) -> bool:
        """Whether the model can be loaded on this machine."""
        return self.tokens_per_second > 0


@dataclass(frozen=True)
class ExpectedModel:
    """A model of the catalogue that probably suits this machine best, judged without its files."""

    model: OpenModel
    bytes: int
    """Of its usual quantisation, by its parameters."""


@dataclass(frozen=True)
class Suggestions:
    """The models of the catalogue that the hub has, the best one for this machine first.

    ``problem`` is why the hub could not be asked; then ``models`` is empty, and ``expected`` is the model that would
    probably be the best, None where none fits.
    """

    models: tuple[Suggestion, ...] = ()
    problem: UserError | None = None
    expected: ExpectedModel | None = None

    @property
    def best(self) -> Suggestion | None:
        """The recommended one; None where none fits."""
        first = self.models[0] if self.models else None
        return first if first is not None and first.plan is not None and first.fits else None


@cache
def open_models() -> tuple[OpenModel, ...]:
    """Return the models of the catalogue."""
    return from_json((resources() / "catalogue.json").read_bytes(), tuple[OpenModel, ...])


def open_model_names() -> dict[str, str]:
    """Return the names of the models of the catalogue by repository."""
    return {each.repository: each.name for each in open_models()}


def leads(home: Sequence[Recommendation]) -> Recommendation | None:
    """Return the recommended quantisation of the home model where it runs well, so that it is this machine's best."""
    well = ("best_on_gpus", "best_at_usable_speed")
    return next((each for each in home if each.recommended and each.reason in well), None)


class ModelSuggestions:
    """Ranks the catalogue.  Listings and headers are read once; for background threads, one at a time."""

    def __init__(self, planning: PlanningService, headers: PublishedHeaders, access: Callable[[], Access]) -> None:
        self._planning, self._headers, self._access = planning, headers, access
        self._listed: dict[str, Repository] = {}

    def rank(
        self,
        options: PlanOptions | None = None,
        token: CancelToken = NEVER_CANCELLED,
        *,
        simulated_gpus: Sequence[float] | None = None,
        simulated_ram: float | None = None,
        is_english: bool = True,
        room: int | None = None,
    ) -> Suggestions:
        """Ask the hub for all models, and rank those it has for this machine.

        Unless the user ``is_english``, models that mostly know English are left out.  Those for which the disk has no
        ``room`` (bytes) come after the others.

        Raises:
            UserError: as ``PlanningService.machine``.
            Cancelled: ``token`` was cancelled.
        """
        problem = self._list(token)
        devices = self._planning.machine(simulated_gpus=simulated_gpus).devices
        host = self._planning.usual_host(simulated_ram)
        models = [each for each in open_models() if is_english or each.languages != 1]
        rough = [each for model in models if (each := self._by_size(model, devices, host, room)) is not None]
        if not rough and problem is not None:
            return Suggestions((), problem, _expected(models, devices, host))
        rough.sort(key=_rank)
        planned: list[Suggestion] = []
        for each in rough[:MAX_HEADERS]:
            token.raise_if_cancelled()
            if not each.fits or any(_rank(other) <= _rank(each) for other in planned):
                break
            try:
                planned.append(self._by_header(each, options, simulated_gpus, simulated_ram, room))
            except UserError:
                # Its header can't be read, or the engine doesn't know the model.
                rough.remove(each)
        names = {each.model.name for each in planned}
        rest = [each for each in rough if each.model.name not in names]
        planned.sort(key=_rank)
        for _ in range(MAX_HEADERS):
            # What the user is offered is not planned by the header of another quantisation.
            if not planned or self._headers.known(planned[0].published) is not None:
                break
            token.raise_if_cancelled()
            try:
                planned[0] = self._by_header(planned[0], options, simulated_gpus, simulated_ram, room)
            except UserError:
                break
            planned.sort(key=_rank)
        return Suggestions((*planned, *rest))

    def _list(self, token: CancelToken) -> UserError | None:
        """List the repositories that are not known; return an error of the hub, where there was one."""
        access = self._access()

        def listing(name: str) -> Repository | UserError:
            try:
                return fetch_repository(name, access, token=token)
            except UserError as error:
                return error

        names = [each.repository for each in open_models() if each.repository not in self._listed]
        with ThreadPoolExecutor(_LISTINGS_AT_ONCE, "catalogue") as threads:
            found = dict(zip(names, threads.map(listing, names), strict=True))
        self._listed |= {name: each for name, each in found.items() if isinstance(each, Repository)}
        errors = (each for each in found.values() if isinstance(each, UserError))
        return next((each for each in errors if each.code != "repository_missing"), None)

    def _by_size(
        self, model: OpenModel, devices: Sequence[Device], host: HostMemory, room: int | None
    ) -> Suggestion | None:
        """Judge all quantisations by their sizes and return the best; the smallest where none fits."""
        judged = []
        for each in self._quantisations(model):
            speed = _speed_by_size(each.bytes, model.used_share, devices, host)
            score = model.score(_bits(model, each), speed)
            judged.append(Suggestion(model, each, speed, score, has_room=_has_room(each, room)))
        return min(judged, key=lambda each: (*_rank(each), each.published.bytes), default=None)

    def _by_header(
        self,
        rough: Suggestion,
        options: PlanOptions | None,
        simulated_gpus: Sequence[float] | None,
        simulated_ram: float | None,
        room: int | None,
    ) -> Suggestion:
        """Plan the quantisations of a model by the header of one of them, and return the best."""
        model, published = rough.model, {each.id: each for each in self._quantisations(rough.model)}
        found = candidates(tuple(published.values()), self._headers, rough.published)
        judged = []
        plans = self._planning.recommend(options, found, simulated_gpus=simulated_gpus, simulated_ram=simulated_ram)
        for each in plans:
            fits = each.plan.verdict != "does_not_fit"
            speed = each.plan.tokens_per_second_estimate if fits else 0.0
            score = model.score(_bits(model, published[each.id]), speed)
            has_room = _has_room(published[each.id], room)
            judged.append(Suggestion(model, published[each.id], speed, score, each.plan, has_room))
        best = min(judged, key=lambda each: (*_rank(each), each.published.bytes))
        plan = self._planning.load_plan_of(
            next(each for each in plans if each.id == best.published.id),
            found,
            options or PlanOptions(),
            simulated_gpus=simulated_gpus,
            simulated_ram=simulated_ram,
        )
        return replace(best, plan=plan, tokens_per_second=plan.tokens_per_second_estimate if best.fits else 0.0)

    def _quantisations(self, model: OpenModel) -> list[PublishedModel]:
        """Return the quantisations to choose from, one of each half bit per weight."""
        repository = self._listed.get(model.repository)
        found: dict[int, PublishedModel] = {}
        for each in published_models(repository) if repository is not None else ():
            bits = _bits(model, each)
            if each.quantisation and _BITS[0] <= bits <= _BITS[1]:
                step = round(2 * bits)
                if step not in found or _preference(each) > _preference(found[step]):
                    found[step] = each
        return list(found.values())


def _expected(models: Sequence[OpenModel], devices: Sequence[Device], host: HostMemory) -> ExpectedModel | None:
    """Return the best model by the sizes that usual quantisations have."""

    def score(each: ExpectedModel) -> float:
        return each.model.score(_USUAL_BITS, _speed_by_size(each.bytes, each.model.used_share, devices, host))

    sized = (ExpectedModel(each, round(each.parameters * 1e9 * _USUAL_BITS / 8)) for each in models)
    return max((each for each in sized if score(each) > -math.inf), key=score, default=None)


def _rank(suggestion: Suggestion) -> tuple[bool, float]:
    """Return the key by which the best suggestion is the first."""
    return not (suggestion.fits and suggestion.has_room), -suggestion.score


def _has_room(published: PublishedModel, room: int | None) -> bool:
    return room is None or published.bytes <= room


def _bits(model: OpenModel, published: PublishedModel) -> float:
    return published.bytes * 8 / (model.parameters * 1e9)


def _preference(published: PublishedModel) -> bool:
    """Whether it is one of the usual quantisations."""
    return (published.quantisation or "").endswith(("K_M", "Q6_K", "Q8_0"))


def _speed_by_size(n_bytes: int, used_share: float, devices: Sequence[Device], host: HostMemory) -> float:
    """Estimate tokens per second from the size of the file; 0 where it does not fit."""
    needed = total = n_bytes + _CACHE_AND_BUFFERS
    seconds = 0.0
    for device in sorted(devices, key=lambda each: -usable_bandwidth(each, host)):
        placed = min(needed, device.usable_bytes)
        seconds += placed / usable_bandwidth(device, host)
        needed -= placed
    if needed > host.available_bytes - host.reserve_bytes:
        return 0.0
    seconds += needed / (host.bandwidth or UNKNOWN_RAM)
    starting = _USUAL_LAYERS * (EXPERTS_ON_GPU_S if used_share < 1 else LAYER_ON_GPU_S)
    return 1 / (seconds * n_bytes / total * used_share + starting)
