"""One model on one machine: the inputs of its plans, and a pure and fast function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from app.planning.machine import Machine
from model_manager.devices.devices import HostMemory
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, check_loadable
from model_manager.gguf.header_stub import HeaderStub, header_stubs
from model_manager.gguf.projector import usable_projector
from model_manager.layout.stacking import layout_for
from model_manager.plan.fallbacks import smaller_plans
from model_manager.plan.load_plan import LoadPlan, Rehearsal, RehearsedPlan
from model_manager.plan.load_spec import CPU, LoadSpec, PlanOptions
from model_manager.plan.model_shape import ModelShape, read_model_shape
from model_manager.plan.planner import plan_model, plan_with_rehearsals


@dataclass(frozen=True)
class PlanBasis:
    """``headers`` of all files of a model, the machine and its RAM, and a rehearsal if there was one."""

    headers: tuple[GgufHeader, ...]
    machine: Machine
    host: HostMemory
    rehearsal: RehearsedPlan | None = None

    @cached_property
    def shape(self) -> ModelShape:
        """The model as a plan sees it, with the projector beside it."""
        return replace(read_model_shape(self.headers), projector=usable_projector(self.headers[0]))

    def _shape(self, options: PlanOptions) -> ModelShape:
        projector = self.shape.projector
        if not options.projector or (projector is not None and str(projector.path) == options.projector):
            return self.shape
        return replace(self.shape, projector=usable_projector(self.headers[0], Path(options.projector)))

    def plan(self, options: PlanOptions) -> LoadPlan:
        """Make the plan for these options, in some milliseconds.

        Raises:
            UserError: device_unknown, tensor_split_length, kv_type_unknown.
        """
        options = applicable_options(options, self.machine)
        return plan_model(self._shape(options), self.machine.devices, self.host, options, self.rehearsal)

    def smaller(self, options: PlanOptions, failed: LoadPlan | None) -> Iterator[LoadPlan]:
        """Yield the plans to try after ``failed``, one after the other."""
        options = applicable_options(options, self.machine)
        return smaller_plans(self._shape(options), self.machine.devices, self.host, options, self.rehearsal, failed)

    def rehearsed(self, options: PlanOptions, rehearse: Callable[[LoadSpec], Rehearsal]) -> PlanBasis:
        """Return a copy with the rehearsal of the plan for these options, without one where it cannot be rehearsed."""

        def try_rehearsal(plan: LoadPlan) -> Rehearsal | None:
            try:
                return rehearse(plan.spec)
            except UserError:
                return None

        options = applicable_options(options, self.machine)
        _, found = plan_with_rehearsals(self._shape(options), self.machine.devices, self.host, options, try_rehearsal)
        return replace(self, rehearsal=found)


@contextmanager
def file_for_rehearsal(headers: Sequence[GgufHeader]) -> Iterator[Path]:
    """A file to rehearse a model with: its own, or a stub in the layout to which it would be converted.

    Raises:
        UserError: as ``check_loadable`` and ``layout_for``; file_unreadable(path, detail).
    """
    header, path = headers[0], headers[0].path
    try:
        check_loadable(*headers)
    except UserError:
        if len(headers) > 1:
            raise
        try:
            with path.open("rb") as file:
                layout = layout_for(header, file.read(header.data_offset))
        except OSError as error:
            raise UserError("file_unreadable", path=path, detail=error.strerror or str(error)) from error
        with header_stubs([HeaderStub(path.name, layout.target_head, layout.target_bytes)]) as stub:
            yield stub
    else:
        yield path


def applicable_options(options: PlanOptions, machine: Machine) -> PlanOptions:
    """Return the options without those that do not apply to this machine: layers and shares on GPUs that are absent.

    The CPU named as a device excludes all others.  What is fixed for devices that the settings exclude, or whose PC
    does not answer, is left to the planner.
    """
    options = replace(_without_absent(options, machine), rpc_servers=machine.rpc_servers)
    if CPU in options.devices or not machine.devices:
        return replace(
            options,
            devices=() if CPU in options.devices else options.devices,
            n_gpu_layers=0 if machine.devices else None,
            tensor_split=(),
            experts_in_ram=None,
            main_gpu=None,
            split_mode="layer",
        )
    return options


def _without_absent(options: PlanOptions, machine: Machine) -> PlanOptions:
    if not (machine.left_out or machine.missing):
        return options
    present = {device.name for device in machine.devices}

    def is_absent(name: str) -> bool:
        return name in machine.left_out or (bool(machine.missing) and name.startswith("RPC") and name not in present)

    names = tuple(name for name in options.devices if not is_absent(name))
    used = len(names) if names else len(present)
    if names == options.devices and (not options.tensor_split or len(options.tensor_split) == used):
        return options
    return replace(
        options,
        devices=names,
        tensor_split=(),
        n_gpu_layers=0 if options.n_gpu_layers == 0 else None,
        experts_in_ram=None,
        main_gpu=None if options.main_gpu and is_absent(options.main_gpu) else options.main_gpu,
    )
