"""Plans for the window and the command line: what this machine has, how a model would lie on it, which one to take.

Built once.  Everything that asks the machine or the engine blocks and belongs in a background thread; what comes of it
is values, and ``PlanBasis.plan`` is pure and fast, for a picture that moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.config.device_settings import DeviceWishes
from app.config.paths import DataFolder
from app.engine.local_engine import LocalEngine
from app.engine.rehearsal import Rehearser
from app.planning.basis import PlanBasis, asking, possible, rehearsable
from app.planning.machine import GIB, Machine, MachineReader, parse_gpus, pretended_machine
from app.planning.overrides import WishedLoads
from app.planning.planned_load import PlannedLoads, Wanted
from app.planning.remembered_plans import Case, RememberedPlans
from model_manager.devices.devices import HostMemory
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, check_loadable
from model_manager.gguf.header_stub import HeaderStub, header_stubs
from model_manager.gguf.shards import read_model
from model_manager.hub.catalogue import APUS, CatalogueEntry, find_entry
from model_manager.hub.home_model import reconstructed_header
from model_manager.library.library import ModelLibrary
from model_manager.plan import Candidate, LoadPlan, Recommendation, Wishes, recommend

NOT_HERE = "model_not_downloaded"


class PlanningService:
    """The one place that plans are asked of."""

    def __init__(
        self,
        folder: DataFolder,
        library: ModelLibrary,
        engine: LocalEngine,
        chosen: Callable[[], DeviceWishes] = DeviceWishes,
    ) -> None:
        """``chosen``: what the settings say of the devices, now."""
        self._folder, self._library, self._engine = folder, library, engine
        self._reader = MachineReader(folder.logs / "devices.log", chosen)
        self.wished = WishedLoads(folder.root / "wishes.json")
        """What a person fixed about each model."""
        self._remembered = RememberedPlans(folder.root / "plans.json")
        self.loads = PlannedLoads(engine, self._reader, self._remembered)
        """Loads with plans, for the inference worker alone."""

    def machine(
        self,
        rpc_servers: tuple[str, ...] = (),
        *,
        refresh: bool = False,
        pretend_gpus: Sequence[float] | None = None,
    ) -> Machine:
        """The devices now (a list is kept for some seconds), or GPUs of so many GiB free that are pretended.

        What the loaded model holds counts as free, for a plan takes its place.

        Raises:
            UserError: as ``MachineReader.now``; gpus_pretended_wrong(text).
        """
        if pretend_gpus is not None:
            return pretended_machine(parse_gpus([str(size) for size in pretend_gpus] or ["none"]))
        return self._reader.now(rpc_servers, refresh=refresh, loaded=self._engine.state)

    def host(self, pretend_ram: float | None = None) -> HostMemory:
        """The RAM now, or so many GiB available.  Measures its speed the first time, in a tenth of a second.

        What the loaded model holds counts as free; its weights do so anyway, for they are a file's pages.
        """
        if pretend_ram is not None:
            return self._reader.host(available_bytes=round(pretend_ram * GIB))
        host, state = self._reader.host(), self._engine.state
        held = state.result.memory.get("CPU", {}) if state else {}
        own = sum(held.get(kind, 0) for kind in ("kv_bytes", "compute_bytes", "repack_bytes"))
        return replace(host, available_bytes=host.available_bytes + own)

    def headers_of(self, text: str) -> tuple[GgufHeader, ...]:
        """The headers of a model of the library (an id or a path), or those of the home model, reconstructed.

        Raises:
            UserError: as ``ModelLibrary.resolve`` and ``read_model``.
        """
        try:
            return read_model(self._library.resolve(text).path)
        except UserError as error:
            entry = find_entry(text)
            if error.code != NOT_HERE or entry not in APUS:
                raise
            return (reconstructed_header(entry),)

    def basis(
        self,
        text: str,
        rpc_servers: tuple[str, ...] = (),
        *,
        pretend_gpus: Sequence[float] | None = None,
        pretend_ram: float | None = None,
    ) -> PlanBasis:
        """What plans of a model are made from.  Raises as ``headers_of`` and ``machine``."""
        headers = self.headers_of(text)
        machine = self.machine(rpc_servers, pretend_gpus=pretend_gpus)
        return PlanBasis(headers, machine, self.host(pretend_ram))

    def noted(self, basis: PlanBasis, wishes: Wishes) -> LoadPlan | None:
        """The plan that a load with these wishes takes because it worked, or was the fastest, before."""
        case = Case(basis.headers[0].path, possible(wishes, basis.machine), basis.machine, basis.host)
        found = self._remembered.find(case)
        plan = basis.plan(found) if found is not None else None
        return plan if plan is not None and plan.verdict != "does_not_fit" else None

    def rehearsed(self, basis: PlanBasis, wishes: Wishes, files: Sequence[HeaderStub] = ()) -> PlanBasis:
        """The same with the engine's own compute buffers, where the devices are real and the file is here.

        Of a file that is not here yet ``files`` are what a rehearsal needs.  Takes a second, in a child of its own.
        Unchanged where it cannot be rehearsed; its plans then have the reason ``not_rehearsed``.

        Raises:
            UserError: as ``PlanBasis.plan``.
        """
        machine = basis.machine
        # An RPC server serves one program at a time, and would keep a second one waiting.
        is_here = bool(files) or basis.headers[0].path.is_file()
        if machine.is_pretended or not is_here:
            return basis
        try:
            with (
                self._reader.alone(),
                header_stubs(files) if files else rehearsable(basis.headers) as path,
                Rehearser(self._folder.logs / "rehearsal.log", gpus=machine.gpus) as rehearser,
            ):
                if set(machine.rpc_servers) & set(self._reader.engaged):
                    return basis
                return basis.rehearsed(wishes, asking(rehearser.rehearse, path, machine.rpc_servers))
        except OSError:
            return basis

    def recommend(
        self,
        wishes: Wishes | None = None,
        pretend_gpus: Sequence[float] | None = None,
        pretend_ram: float | None = None,
    ) -> tuple[Recommendation, ...]:
        """The quantisations of the home model judged for this machine, by their files where they are here and whole.

        Raises:
            UserError: as ``machine``.
        """
        candidates = [
            Candidate(entry.id, entry.quantisation, entry.bytes, self._headers_of_entry(entry)) for entry in APUS
        ]
        return self.recommend_of(candidates, wishes, pretend_gpus, pretend_ram)

    def _headers_of_entry(self, entry: CatalogueEntry) -> tuple[GgufHeader, ...]:
        try:
            return self.headers_of(entry.id)
        except UserError:
            # A damaged file of one quantisation says nothing about what to advise.
            return (reconstructed_header(entry),)

    def recommend_of(
        self,
        candidates: Sequence[Candidate],
        wishes: Wishes | None = None,
        pretend_gpus: Sequence[float] | None = None,
        pretend_ram: float | None = None,
    ) -> tuple[Recommendation, ...]:
        """The same for quantisations of any model."""
        machine = self.machine(pretend_gpus=pretend_gpus)
        return recommend(candidates, machine.devices, self.host(pretend_ram), wishes)

    def wanted(self, path: Path, wishes: Wishes, rpc_servers: tuple[str, ...] = ()) -> Wanted:
        """A file to load.

        Raises:
            UserError: as ``read_model`` and ``check_loadable``.
        """
        headers = read_model(path)
        check_loadable(*headers)
        try:
            found = path.stat()
        except OSError:
            raise UserError("file_missing", path=path) from None
        stamp = (found.st_size, found.st_mtime_ns)
        return Wanted(path, headers, wishes, rpc_servers, stamp, self._reader.chosen())
