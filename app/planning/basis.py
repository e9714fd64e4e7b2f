"""One model on one machine: everything that plans of it are made from, and a pure and fast function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from app.config.settings import AUTOMATIC_LAYERS, Settings
from app.engine.plan_options import PROCESSOR, load_options
from app.engine.protocol import LoadOptions, RehearsalDone
from app.engine.rehearsal import Rehearsal
from app.planning.machine import Machine
from model_manager.devices.devices import HostMemory
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, check_loadable
from model_manager.gguf.header_stub import HeaderStub, header_stubs
from model_manager.layout.stacking import layout_for
from model_manager.plan import (
    LoadPlan,
    ModelFacts,
    Rehearsed,
    Wishes,
    ladder,
    model_facts,
    plan_model,
    rehearsed_plan,
)

Rehearse = Callable[[LoadPlan], Rehearsed | None]


@dataclass(frozen=True)
class PlanBasis:
    """``headers`` of all files of a model, the machine, its RAM, and what a rehearsal told of it, if one did."""

    headers: tuple[GgufHeader, ...]
    machine: Machine
    host: HostMemory
    measured: Rehearsed | None = None

    @cached_property
    def facts(self) -> ModelFacts:
        """The model as a plan sees it."""
        return model_facts(self.headers)

    def plan(self, wishes: Wishes) -> LoadPlan:
        """The plan for these wishes, in some milliseconds.

        Raises:
            UserError: device_unknown, tensor_split_length, kv_type_unknown.
        """
        wished = possible(wishes, self.machine)
        return plan_model(self.facts, self.machine.devices, self.host, wished, self.measured)

    def smaller(self, wishes: Wishes, failed: LoadPlan | None) -> Iterator[LoadPlan]:
        """What to try after ``failed``, one after the other."""
        wished = possible(wishes, self.machine)
        return ladder(self.headers, self.machine.devices, self.host, wished, self.measured, failed)

    def rehearsed(self, wishes: Wishes, ask: Rehearse) -> PlanBasis:
        """The same with what ``ask`` told of the plan for these wishes; unchanged where it cannot."""
        wished = possible(wishes, self.machine)
        _, told = rehearsed_plan(self.headers, self.machine.devices, self.host, wished, ask)
        return replace(self, measured=told)


def asking(
    rehearse: Callable[[LoadOptions], Rehearsal | RehearsalDone], path: Path, rpc_servers: tuple[str, ...]
) -> Rehearse:
    """The engine's rehearsal of a file as plans ask for it; None for what cannot be rehearsed.  May raise Cancelled."""

    def ask(plan: LoadPlan) -> Rehearsed | None:
        try:
            told = rehearse(load_options(plan, path, rpc_servers))
        except UserError:
            return None
        compute = {name: figures["compute_bytes"] for name, figures in told.devices.items()}
        return Rehearsed(plan, compute, told.host_compute_bytes, told.pipeline, told.flash_attention)

    return ask


@contextmanager
def rehearsable(headers: Sequence[GgufHeader]) -> Iterator[Path]:
    """A file to rehearse a model with: its own, or one without content that is laid down as the repair would.

    Raises:
        UserError: as ``check_loadable`` and ``layout_for``; file_unreadable(path, detail).
    """
    path = headers[0].path
    try:
        check_loadable(*headers)
    except UserError:
        if len(headers) > 1:
            raise
        hollow = _repaired(headers[0])
    else:
        yield path
        return
    with header_stubs([hollow]) as stand_in:
        yield stand_in


def _repaired(header: GgufHeader) -> HeaderStub:
    try:
        with header.path.open("rb") as file:
            layout = layout_for(header, file.read(header.data_offset))
    except OSError as error:
        raise UserError("file_unreadable", path=header.path, detail=error.strerror or str(error)) from error
    return HeaderStub(header.path.name, layout.target_head, layout.target_bytes)


def possible(wishes: Wishes, machine: Machine) -> Wishes:
    """The wishes without what this machine has nothing for: layers and shares on GPUs where there is none.

    The processor named as a device keeps all others out.  What was fixed by hand for devices that the settings leave
    out, or whose PC does not answer now, is left to the plan.
    """
    wishes = _without_absent(wishes, machine)
    if PROCESSOR in wishes.devices or not machine.devices:
        named = () if PROCESSOR in wishes.devices else wishes.devices
        return replace(
            wishes,
            devices=named,
            n_gpu_layers=0 if machine.devices else None,
            tensor_split=(),
            experts_in_ram=None,
            main_gpu=None,
            split_mode="layer",
        )
    return wishes


def _without_absent(wishes: Wishes, machine: Machine) -> Wishes:
    if not (machine.left_out or machine.missing):
        return wishes
    present = {device.name for device in machine.devices}

    def is_absent(name: str) -> bool:
        return name in machine.left_out or (bool(machine.missing) and name.startswith("RPC") and name not in present)

    names = tuple(name for name in wishes.devices if not is_absent(name))
    used = len(names) if names else len(present)
    if names == wishes.devices and (not wishes.tensor_split or len(wishes.tensor_split) == used):
        return wishes
    return replace(
        wishes,
        devices=names,
        tensor_split=(),
        n_gpu_layers=0 if wishes.n_gpu_layers == 0 else None,
        experts_in_ram=None,
        main_gpu=None if wishes.main_gpu and is_absent(wishes.main_gpu) else wishes.main_gpu,
    )


def wishes_from(settings: Settings, **wishes: Any) -> Wishes:
    """What the settings fix, and ``wishes`` (as of ``Wishes``, None where there is none) instead of it."""
    layers = settings.gpu_layers
    found = Wishes(context=settings.context or None, n_gpu_layers=None if layers == AUTOMATIC_LAYERS else layers)
    return replace(found, **{key: value for key, value in wishes.items() if value is not None})
