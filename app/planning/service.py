"""Plans for the window and the command line: the machine, the plan of a model on it, and recommendations.

Built once.  Methods that query the machine or the engine block and are for background threads; their results are
values, and ``PlanBasis.plan`` is pure and fast, for interactive changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.config.device_preferences import DevicePreferences
from app.config.paths import DataFolder
from app.config.settings import Settings
from app.engine.local_engine import LocalEngine
from app.planning.basis import PlanBasis, file_for_rehearsal
from app.planning.machine import Machine, MachineReader, simulated_machine
from app.planning.planned_load import LoadRequest, PlannedLoader
from app.planning.saved_options import (
    MeasuredSpeeds,
    ModelOverrides,
    RememberedAttention,
    RememberedPlans,
    options_reproducing,
    plan_options_from,
)
from app.units import GIB
from model_manager.devices.devices import HostMemory
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, check_answers
from model_manager.gguf.header_stub import HeaderStub, header_stubs
from model_manager.gguf.projector import usable_projector
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import APUS, CatalogueEntry, find_entry
from model_manager.hub.home_model import reconstructed_header
from model_manager.library.library import ModelLibrary
from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.recommendation import Candidate, Recommendation, recommend

NOT_DOWNLOADED = "model_not_downloaded"
OTHER_PROGRAMS_BYTES, OTHER_PROGRAMS_SHARE = 4 << 30, 0.2
"""RAM that a system with a few programs takes, as a rule of thumb: so much, and at least this share of it."""


class PlanningService:
    """Machine, plans and recommendations of one data folder."""

    def __init__(
        self,
        folder: DataFolder,
        library: ModelLibrary,
        engine: LocalEngine,
        preferences: Callable[[], DevicePreferences] = DevicePreferences,
    ) -> None:
        """``preferences`` returns the current device preferences."""
        self._folder, self._library, self._engine = folder, library, engine
        self._reader = MachineReader(folder, preferences)
        self.overrides = ModelOverrides(folder.root / "wishes.json")
        self._remembered = RememberedPlans(folder.root / "plans.json")
        self._attention = RememberedAttention(folder.root / "attention.json")
        self._usual_bytes: int | None = None
        """RAM that is usually available: as at first, so that plans don't change within one run."""
        self.speeds = MeasuredSpeeds(folder.root / "speeds.json")
        self.loader = PlannedLoader(engine, self._reader, self._remembered, self._attention, self.speeds)
        """For the inference worker only."""

    def file_problems(self) -> list[UserError]:
        """Return why files of plan options could not be read, if so."""
        return [each.problem for each in (self.overrides, self._remembered) if each.problem is not None]

    def machine(
        self,
        rpc_servers: tuple[str, ...] = (),
        *,
        refresh: bool = False,
        simulated_gpus: Sequence[float] | None = None,
    ) -> Machine:
        """Return the current devices (a list is kept for some seconds), or GPUs simulated by their free GiB.

        Memory of the loaded model counts as free, because a plan replaces it.

        Raises:
            UserError: as ``MachineReader.read``; gpus_pretended_wrong(text).
        """
        if simulated_gpus is not None:
            return simulated_machine(simulated_gpus)
        return self._reader.read(rpc_servers, refresh=refresh, loaded=self._engine.state)

    def host(self, simulated_ram: float | None = None) -> HostMemory:
        """Return the current RAM, or one with this many GiB available.  Measures its speed once, in 0.1 s.

        Memory of the loaded model counts as free; its weights do anyway, because they are pages of a file.
        """
        if simulated_ram is not None:
            return self._reader.host(available_bytes=round(simulated_ram * GIB))
        host, state = self._reader.host(), self._engine.state
        held = state.result.memory.get("CPU", {}) if state else {}
        own = sum(held.get(kind, 0) for kind in ("kv_bytes", "compute_bytes", "projector_bytes", "repack_bytes"))
        return replace(host, available_bytes=host.available_bytes + own)

    def usual_host(self, simulated_ram: float | None = None) -> HostMemory:
        """Return the RAM as ``host``, but with what a few programs usually leave, where more is in use at this moment.

        Recommendations are for every day; a load follows ``host``.
        """
        host = self.host(simulated_ram)
        if simulated_ram is not None:
            return host
        if self._usual_bytes is None:
            usual = host.total_bytes - max(OTHER_PROGRAMS_BYTES, round(host.total_bytes * OTHER_PROGRAMS_SHARE))
            self._usual_bytes = max(host.available_bytes, usual)
        return replace(host, available_bytes=self._usual_bytes)

    def options_for(self, settings: Settings, model_id: str, options: PlanOptions | None = None) -> PlanOptions:
        """Combine ``options`` with the model's overrides and the settings, in this order of precedence."""
        return (options or PlanOptions()).over(self.overrides.get(model_id).over(plan_options_from(settings)))

    def headers_of(self, text: str) -> tuple[GgufHeader, ...]:
        """Read the headers of a library model (an id or a path), or reconstruct those of the home model.

        Raises:
            UserError: as ``ModelLibrary.resolve`` and ``read_model``.
        """
        try:
            return read_model(self._library.resolve(text).path)
        except UserError as error:
            entry = find_entry(text)
            if error.code != NOT_DOWNLOADED or entry not in APUS:
                raise
            return (reconstructed_header(entry),)

    def basis(
        self,
        text: str,
        rpc_servers: tuple[str, ...] = (),
        *,
        simulated_gpus: Sequence[float] | None = None,
        simulated_ram: float | None = None,
    ) -> PlanBasis:
        """Return the basis of a model's plans.

        Raises as ``headers_of`` and ``machine``, and ``UserError`` ``embedding_model`` (path).
        """
        headers = self.headers_of(text)
        if headers[0].embeds:
            raise UserError("embedding_model", path=headers[0].path)
        machine = self.machine(rpc_servers, simulated_gpus=simulated_gpus)
        return self._attention.applied(PlanBasis(headers, machine, self.host(simulated_ram)))

    def remembered_plan(self, basis: PlanBasis, options: PlanOptions) -> LoadPlan | None:
        """Return the plan that a load with these options would use because it worked, or was the fastest, before."""
        found = self._remembered.find(basis, options)
        plan = basis.plan(found) if found is not None else None
        return plan if plan is not None and plan.verdict != "does_not_fit" else None

    def expected_plan(self, model_id: str, basis: PlanBasis, options: PlanOptions) -> LoadPlan:
        """Return the plan of a load with the options saved for the model over ``options``, the loaded one if it is.

        Its speed is the measured one where there is one.

        Raises:
            UserError: as ``PlanBasis.plan``.
        """
        options, basis = self.overrides.get(model_id).over(options), self._attention.applied(basis)
        path, loaded = basis.headers[0].path, self.loader.loaded
        if loaded is not None and (loaded.request.path, loaded.request.options) == (path, options):
            plan = loaded.plan
        else:
            plan = self.remembered_plan(basis, options) or basis.plan(options)
        return self.speeds.applied(path, plan)

    def is_short_of_ram(self, basis: PlanBasis, options: PlanOptions) -> bool:
        """Return whether the plan is another one than usual because other programs use much of the RAM.

        Raises:
            UserError: as ``PlanBasis.plan``.
        """
        usual = self.usual_host()
        if basis.host.available_bytes >= usual.available_bytes:
            return False
        host = replace(basis.host, available_bytes=usual.available_bytes)
        plan, other = basis.plan(options), replace(basis, host=host).plan(options)
        return (plan.verdict, options_reproducing(plan)) != (other.verdict, options_reproducing(other))

    def load_plan_of(
        self,
        judged: Recommendation,
        candidates: Sequence[Candidate],
        options: PlanOptions,
        *,
        simulated_gpus: Sequence[float] | None = None,
        simulated_ram: float | None = None,
    ) -> LoadPlan:
        """Return the plan of a real load: all are judged at one context, but for many a larger one fits.

        Raises:
            UserError: as ``machine``.
        """
        headers = next(each.headers for each in candidates if each.id == judged.id)
        machine = self.machine(simulated_gpus=simulated_gpus)
        try:
            basis = PlanBasis(headers, machine, self.usual_host(simulated_ram))
            plan = self.expected_plan(judged.id, basis, options)
        except UserError:
            return judged.plan
        return plan if plan.verdict == judged.plan.verdict else judged.plan

    def rehearsed(self, basis: PlanBasis, options: PlanOptions, stubs: Sequence[HeaderStub] = ()) -> PlanBasis:
        """Rehearse the plan where the file, or ``stubs`` of it, exists; simulated GPUs like CUDA's.

        Takes a second, in a separate child process.  Returns the basis unchanged if it cannot be rehearsed; its plans
        then have the reason ``not_rehearsed``.

        Raises:
            UserError: as ``PlanBasis.plan``.
        """
        machine = basis.machine
        exists = bool(stubs) or basis.headers[0].path.is_file()
        if not exists:
            return basis
        try:
            with ExitStack() as stack:
                # An RPC server serves one program at a time and would block a second one.
                stack.enter_context(self._reader.exclusive)
                path = stack.enter_context(header_stubs(stubs) if stubs else file_for_rehearsal(basis.headers))
                if set(machine.rpc_servers) & set(self._reader.occupied_servers):
                    return basis
                engine = LocalEngine(self._folder.logs / "rehearsal.log", gpus=machine.gpus)
                stack.callback(engine.release)
                simulated = tuple(each.name for each in machine.devices) if machine.is_simulated else ()
                return basis.rehearsed(options, partial(engine.rehearse, path, simulated=simulated))
        except OSError:
            return basis

    def recommend(
        self,
        options: PlanOptions | None = None,
        candidates: Sequence[Candidate] | None = None,
        *,
        simulated_gpus: Sequence[float] | None = None,
        simulated_ram: float | None = None,
        room: int | None = None,
    ) -> tuple[Recommendation, ...]:
        """Judge quantisations for this machine as it usually is; None: those of the home model.

        Those are judged by their files where these are complete.  With ``room`` (bytes on the disk), those that are
        here or have room there are recommended first.

        Raises:
            UserError: as ``machine``.
        """
        if candidates is None:
            candidates = [
                Candidate(each.id, each.quantisation, each.bytes, self._headers_of_entry(each)) for each in APUS
            ]
        machine = self.machine(simulated_gpus=simulated_gpus)
        host = self.usual_host(simulated_ram)
        judged = recommend(candidates, machine.devices, host, options)
        best = next((each for each in judged if each.recommended), None)
        if best is None or self.has_room(best.id, best.bytes, room):
            return judged
        storable = [each for each in candidates if self.has_room(each.id, each.bytes, room)]
        others = {each.id: each for each in recommend(storable, machine.devices, host, options)}
        if not any(each.recommended for each in others.values()):
            return judged
        return tuple(others.get(each.id, replace(each, recommended=False)) for each in judged)

    def has_room(self, model_id: str, n_bytes: int, room: int | None) -> bool:
        """Return whether a model is here or has room on the disk; ``room`` is None where that is unknown."""
        if room is None or n_bytes <= room:
            return True
        try:
            self._library.resolve(model_id)
        except UserError:
            return False
        return True

    def load_request(self, path: Path, options: PlanOptions) -> LoadRequest:
        """Make a request to load a file.

        Raises:
            UserError: as ``read_model`` and ``check_answers``.
        """
        headers = read_model(path)
        check_answers(*headers)
        projector = usable_projector(headers[0], Path(options.projector) if options.projector else None)
        try:
            found = path.stat()
        except OSError:
            raise UserError("file_missing", path=path) from None
        stamp: tuple[int, ...] = (found.st_size, found.st_mtime_ns)
        if projector is not None:
            # Another one needs another load.
            options = replace(options, projector=str(projector.path))
            stamp += (projector.weights_bytes, _changed_ns(projector.path))
        return LoadRequest(path, headers, options, stamp, self._reader.preferences())

    def _headers_of_entry(self, entry: CatalogueEntry) -> tuple[GgufHeader, ...]:
        try:
            return self.headers_of(entry.id)
        except UserError:
            # A damaged file of one quantisation does not affect the others.
            return (reconstructed_header(entry),)


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        # The engine reports that the file is missing.
        return 0
