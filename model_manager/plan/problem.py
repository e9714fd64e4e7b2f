"""Memory of a placement: one model, devices and RAM, one context and cache type.

The best placement is searched in ``placement``; context and cache type are chosen in ``planner``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from model_manager.devices.devices import Device, HostMemory
from model_manager.plan.compute_buffers import (
    LIKE_CUDA,
    WITH_HOST_BUFFER,
    ComputeBufferEstimate,
    DeviceUse,
    HostUse,
    IndexBytes,
    LayerKinds,
    buffers,
    index_bytes,
)
from model_manager.plan.kv_cache import AttentionRange
from model_manager.plan.load_plan import VERDICTS, DevicePlan, HostPlan, Verdict
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from model_manager.plan.model_shape import ModelShape, Weights
from model_manager.plan.split import DeviceCapacity, Slots

HOST = ""


class Correction(NamedTuple):
    """Difference between a rehearsed and an estimated compute buffer, in bytes.

    ``device`` is a name, or ``HOST``; ``use``: what it computed; ``rows``: tokens of the rehearsed micro-batch;
    ``layout``: ``Placement.layout`` of the rehearsed plan.
    """

    device: str
    use: DeviceUse | HostUse
    rows: int
    n_bytes: int
    layout: tuple[object, ...]

    def at(self, rows: int) -> int:
        """Scale in proportion to the rows of another micro-batch; what saves memory doesn't grow."""
        grows = rows > self.rows and self.n_bytes < 0
        return self.n_bytes if grows or not self.rows else self.n_bytes * rows // self.rows


def _likeness(known: DeviceUse | HostUse, use: DeviceUse | HostUse) -> tuple[bool, bool, bool]:
    if isinstance(known, HostUse) or isinstance(use, HostUse):
        return True, known == use, known == use
    is_alike = use == known._replace(copied=use.copied, leaves=use.leaves, parts=use.parts)
    return is_alike, known.parts == use.parts, known == use


@dataclass(frozen=True)
class Problem:
    """A model, the devices, the RAM and the options; what depends on the context is for that of ``spec``."""

    shape: ModelShape
    devices: tuple[Device, ...]
    host: HostMemory
    options: PlanOptions
    corrections: tuple[Correction, ...] = ()
    is_hopeful: bool = False
    """What was not rehearsed takes as little as it may."""
    spec: LoadSpec = field(default_factory=LoadSpec)
    """The options with context, cache type and batch sizes resolved by ``at``."""

    def at(self, context: int, kv_type: str) -> Problem:
        """Return the problem for one context and cache type."""
        options, micro_batch = self.options, self.options.n_ubatch
        spec = options.resolved(
            context=context,
            kv_type=kv_type,
            batch=options.n_batch,
            micro_batch=micro_batch,
            output_rows=options.output_rows or micro_batch,
            full_windows=options.full_windows is not False,
        )
        return replace(self, spec=spec)

    @property
    def has_cuda(self) -> bool:
        """Whether a device has ggml-cuda."""
        return any(each.backend in LIKE_CUDA for each in self.devices)

    @property
    def lacks_flash_attention(self) -> bool:
        """Whether a device has no flash attention for the model: the processor would read a quantised cache for it."""
        return self.has_cuda and not self.shape.cache.has_flash_on_cuda

    @cached_property
    def buffers(self) -> ComputeBufferEstimate:
        """Estimated compute buffers."""
        return buffers(self.shape, self.spec, like_cuda=self.has_cuda)

    @cached_property
    def kv(self) -> tuple[int, ...]:
        """Bytes of cache and state of each layer."""
        return self.shape.cache.layer_bytes(self.spec)

    @cached_property
    def slots(self) -> Slots:
        """Slots that can be placed; experts that are fixed to RAM are left out."""
        shape, fixed = self.shape, self.options.experts_in_ram
        experts = [layer.experts.total for layer in shape.layers]
        index = self.index
        parts = zip(shape.layers, self.kv, index.leaves, index.inputs, strict=True)
        dense = [layer.dense + kv + leaves + inputs for layer, kv, leaves, inputs in parts]
        if fixed is not None:
            dense = [n + (0 if i in fixed else experts[i]) for i, n in enumerate(dense)]
            experts = [0] * len(experts)
        return Slots((*dense, shape.output.total + shape.tied_output.total), (*experts, 0))

    def kinds(self, layers: range) -> LayerKinds:
        """What these layers do."""
        cache, shape = self.shape.cache.layers, self.shape.layers
        attends = {cache[self.shape.cache.owner(i)].attends for i in layers}
        return LayerKinds(
            AttentionRange.EVERYWHERE in attends,
            AttentionRange.WINDOW in attends,
            any(cache[i].state_bytes > 0 for i in layers),
            any(shape[i].dense_ffn.total > 0 for i in layers),
        )

    @cached_property
    def most_copied(self) -> int:
        """Bytes of caches that a device reads from another where all layers that share one are on it."""
        shared = [i for i, layer in enumerate(self.shape.cache.layers) if layer.source is not None]
        return self.copied_bytes(range(shared[0], shared[-1] + 1)) if shared and len(self.devices) > 1 else 0

    @cached_property
    def index(self) -> IndexBytes:
        """Memory of indexers."""
        return index_bytes(self.shape, self.spec)

    def copied_bytes(self, layers: range, *, first: bool = False) -> int:
        """Bytes that these layers read from the host and from devices with earlier layers.

        These are caches, what indexers need, and the layers' part of inputs for all layers.
        """
        inputs = sum(self.index.inputs[layers.start : layers.stop])
        if first:
            return inputs
        inputs += sum(self.index.copied[layers.start : layers.stop])
        owners = (self.shape.cache.owner(i) for i in layers)
        caches = sum(self.kv[owner] for owner in owners if owner < layers.start)
        return inputs + caches + len(layers) * self.buffers.layer_inputs // max(1, self.shape.n_layer)

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Bytes that each device can take, less the margin of the options."""
        return tuple(max(0, device.usable_bytes - self.options.margin_bytes) for device in self.devices)

    @property
    def ram(self) -> int:
        """RAM that a plan may fill: the available less a reserve for everything else."""
        return self.host.available_bytes - self.host.reserve_bytes

    def rooms(
        self,
        *,
        experts: bool,
        ram_layers: bool,
        experts_out: bool,
        pipeline: bool = False,
        first_only: bool = False,
    ) -> tuple[DeviceCapacity, ...]:
        """Room of each device besides its compute buffers.

        ``experts``: it computes with experts in its memory; ``ram_layers``: there are layers in RAM;
        ``experts_out``: there are layers on devices whose experts are in RAM, with ``first_only`` on the first alone.
        """
        found = []
        kinds = self.kinds(range(self.shape.n_layer))
        leader = next((number for number, n_bytes in enumerate(self.usable) if n_bytes), 0)
        for number, (device, usable) in enumerate(zip(self.devices, self.usable, strict=True)):
            staged = 1 if first_only or len(self.devices) == 1 else 2
            plain, output, first, first_output = (
                self.compute_bytes(
                    device,
                    DeviceUse(
                        experts,
                        with_output,
                        pipeline,
                        leading,
                        ram_layers,
                        experts_out,
                        staged=staged,
                        kinds=kinds,
                        copied=0 if leading else self.most_copied,
                    ),
                )
                for leading in (False, True)
                for with_output in (False, True)
            )
            lead = max(first - plain, first_output - output)
            found.append(
                DeviceCapacity(usable - plain, usable - output, lead, experts_out=not first_only or number == leader)
            )
        return tuple(found)

    def compute_bytes(self, device: Device, use: DeviceUse, layout: tuple[object, ...] = ()) -> int:
        """Estimated compute buffer of a device, with the corrections; exact for a layout that was rehearsed."""
        size = self.buffers.device(use, like_cuda=device.backend in LIKE_CUDA, copies_weights=device.copies_weights)
        return self._corrected(device.name, use, size, layout)

    def host_compute_bytes(self, use: HostUse, layout: tuple[object, ...] = ()) -> int:
        """Estimated compute buffer in RAM, with the corrections."""
        return self._corrected(HOST, use, self.buffers.host(use), layout)

    def _corrected(self, name: str, use: DeviceUse | HostUse, size: int, layout: tuple[object, ...]) -> int:
        """Correct an estimate; a device that computes something else than it was rehearsed with gets no smaller one."""
        rows = min(self.spec.n_ubatch, self.spec.context or 0)

        def order(correction: Correction) -> tuple[object, ...]:
            is_alike, *more = _likeness(correction.use, use)
            # Where several are as like, the largest.
            return is_alike, correction.rows == rows, correction.layout == layout, *more, correction.n_bytes

        own = [each for each in self.corrections if each.device == name]
        found = max(own, key=order, default=None)
        if self.is_hopeful and not (found and found.layout == layout):
            return max(0, size + min((each.at(rows) for each in own if each.n_bytes < 0), default=0))
        has_parts = isinstance(use, DeviceUse) and use.parts
        if found is not None:
            n_bytes = found.at(rows)
            size = max(0, size + n_bytes) if n_bytes > 0 or _likeness(found.use, use)[0] else size
            has_parts = has_parts and not (isinstance(found.use, DeviceUse) and found.use.parts)
        return size + (self.buffers.parts if has_parts else 0)


@dataclass(frozen=True)
class Placement:
    """Slots (layers, then the output) per device in ``counts``; ``in_ram``: layers whose experts stay in RAM.

    ``moved`` are single matrices of experts (layer, and name as in ``LayerWeights.stacks``) that are on a device, named
    by its number, wherever the rest of their layer is.
    """

    problem: Problem = field(repr=False)
    counts: tuple[int, ...]
    in_ram: tuple[int, ...] = ()
    pipeline: bool = False
    moved: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def n_gpu_layers(self) -> int:
        """Slots on devices."""
        return sum(self.counts)

    @property
    def first_slot(self) -> int:
        """Number of the first slot on a device."""
        return self.problem.shape.n_layer + 1 - self.n_gpu_layers

    @cached_property
    def experts(self) -> Mapping[int | None, Sequence[tuple[int, Weights]]]:
        """Experts, with the number of their layer, by that of the device that holds them; None is host memory."""
        in_ram, moved_from = frozenset(self.in_ram), {layer for layer, _matrix in self.moved}
        owners = [None] * self.first_slot + [number for number, count in enumerate(self.counts) for _ in range(count)]
        found: dict[int | None, list[tuple[int, Weights]]] = {}
        for number, (owner, layer) in enumerate(zip(owners, self.problem.shape.layers, strict=False)):
            place = None if number in in_ram else owner
            if number in moved_from:
                for matrix, weights in layer.stacks.items():
                    found.setdefault(self.moved.get((number, matrix), place), []).append((number, weights))
            elif layer.experts.total:
                found.setdefault(place, []).append((number, layer.experts))
        return found

    @cached_property
    def uses(self) -> dict[str, DeviceUse]:
        """What each device with slots computes, by its name."""
        n_layer, start = self.problem.shape.n_layer, self.first_slot
        ram_layers, staged = start > 0, 1 if self.keeps_to_first else 2
        index = self.problem.index
        moved_from = {layer for layer, _matrix in self.moved}
        copied = [weights for layer, weights in self.experts.get(None, ()) if layer not in moved_from]
        stacks = max(((each.largest, each.second) for each in copied), default=None)
        found: dict[str, DeviceUse] = {}
        for number, (device, count) in enumerate(zip(self.problem.devices, self.counts, strict=True)):
            layers, start = range(start, min(start + count, n_layer)), start + count
            if count:
                has_output = start > n_layer
                found[device.name] = DeviceUse(
                    number in self.experts,
                    has_output,
                    self.pipeline,
                    first=not found,
                    ram_layers=ram_layers,
                    experts_out=bool(self.in_ram),
                    layers=len(layers) > 0,
                    staged=staged,
                    inner=layers.start < n_layer - 1,
                    kinds=self.problem.kinds(layers),
                    leaves=sum(index.leaves[layers.start : layers.stop]),
                    copied=self.problem.copied_bytes(layers, first=not found),
                    parts=not moved_from.isdisjoint(layers) or number in self.moved.values(),
                    stacks=stacks if not found else None,
                )
        return found

    @cached_property
    def layout(self) -> tuple[object, ...]:
        """What is where, and what the size of buffers depends on besides."""
        spec, moved = self.problem.spec, tuple(sorted(self.moved.items()))
        options = spec.context, spec.n_ubatch, spec.kv_type, spec.full_windows
        return self.counts, self.in_ram, moved, self.pipeline, *options

    @property
    def host_use(self) -> HostUse:
        """What host memory is needed for."""
        return HostUse(self.first_slot > 0, bool(self.in_ram), not self.n_gpu_layers, self.pipeline)

    @cached_property
    def devices(self) -> tuple[DevicePlan, ...]:
        """Memory of each device."""
        problem, shape, start = self.problem, self.problem.shape, self.first_slot
        found: list[DevicePlan] = []
        for number, (device, count) in enumerate(zip(problem.devices, self.counts, strict=True)):
            layers, start = range(start, min(start + count, shape.n_layer)), start + count
            weights = sum(shape.layers[i].dense for i in layers)
            weights += sum(each.total for _layer, each in self.experts.get(number, ()))
            weights -= self._not_on_cuda(device, layers)
            if count and start > shape.n_layer:
                weights += shape.output.total + shape.tied_output.total
            kv, use = sum(problem.kv[i] for i in layers), self.uses.get(device.name)
            compute = problem.compute_bytes(device, use, self.layout) if use is not None else 0
            reserve = min(device.reserve_bytes, device.free_bytes)
            left = device.free_bytes - reserve - weights - kv - compute
            slots = tuple(range(start - count, start))
            found.append(DevicePlan(device.name, device.free_bytes, weights, kv, compute, reserve, left, slots))
        return tuple(found)

    def _not_on_cuda(self, device: Device, layers: Iterable[int]) -> int:
        sizes = self.problem.shape.not_on_cuda
        return sum(sizes[i] for i in layers if i < len(sizes)) if device.backend in LIKE_CUDA else 0

    @cached_property
    def host(self) -> HostPlan:
        """Host memory."""
        problem, shape, parts = self.problem, self.problem.shape, self._host_weights
        weights = shape.embedding.total + sum(part.total for part in parts)
        for device, planned in zip(problem.devices, self.devices, strict=True):
            weights += self._not_on_cuda(device, planned.layers)
        if self.n_gpu_layers == 0:
            weights -= shape.tied_output.total  # in RAM the output is the embedding itself, not a copy
        kv = sum(problem.kv[: self.first_slot])
        compute = problem.host_compute_bytes(self.host_use, self.layout)
        repack = self._repacked if self.may_repack else 0
        if weights + kv + compute + repack + self._shared_ram > problem.ram:
            repack = 0
        return HostPlan(
            weights, kv, compute, repack, problem.host.available_bytes, total_bytes=problem.host.total_bytes
        )

    @property
    def repacks(self) -> bool:
        """Whether the engine may repack: it is allowed, and the copies fit into RAM."""
        return self.may_repack and self.host.repack_bytes == self._repacked

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict of a plan with this placement."""
        if self.exceeds_a_device or self.host.used_bytes + self._shared_ram > self.problem.ram:
            return "does_not_fit"
        if self.n_gpu_layers <= self.problem.shape.n_layer:
            return "layers_in_ram"
        return "experts_in_ram" if self.in_ram else "gpu"

    @property
    def exceeds_a_device(self) -> bool:
        """Whether the part of any device exceeds its memory."""
        return any(each.used_bytes > usable for each, usable in zip(self.devices, self.problem.usable, strict=True))

    @property
    def keeps_to_first(self) -> bool:
        """Whether the experts in RAM belong to layers of the first device with slots, to which they are copied."""
        first = next((count for count in self.counts if count), 0)
        return all(layer < self.first_slot + first for layer in self.in_ram)

    @property
    def offloads_to(self) -> Device | None:
        """The device that copies weights from RAM while a prompt is read."""
        first = next(iter(self.used_devices), None)
        in_ram = self.in_ram or self.first_slot > 0
        return first if first is not None and in_ram and first.copies_weights else None

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sort key, the best first: verdict, layers off the devices, layers with experts in RAM."""
        return (VERDICTS.index(self.verdict), -self.n_gpu_layers, len(self.in_ram))

    @property
    def reads_file(self) -> bool:
        """Whether the file is read instead of mapped.

        If devices with their own memory take a part, mapping would also load that part into RAM.  Weights that the
        engine converts into the processor's own order would be in RAM twice.
        """
        if self.problem.options.mmap is not None:
            return not self.problem.options.mmap
        if self.used_devices:
            return not any(device.shares_ram for device in self.used_devices)
        host, parts = self.problem.host, self._host_weights
        weights = self.problem.shape.embedding.total + sum(part.total for part in parts)
        converted = sum(part.repacked(host.repacked_types, amx=False) for part in parts)
        # A file that doesn't fit can only be mapped, and tiles are larger than their matrices.
        return self.may_repack and not host.has_amx and 2 * converted > weights and weights <= self.problem.ram

    @property
    def may_repack(self) -> bool:
        """Whether repacking is allowed, regardless of the memory that it needs.

        The engine would abort while repacking attention with compressed keys, because it takes a stack of matrices for
        a single one (seen with llama-cpp-python 0.3.36).
        """
        problem, in_ram = self.problem, self.problem.shape.layers[: self.first_slot]
        aborts = problem.host.has_amx and any(layer.attention.stacked for layer in in_ram)
        return problem.options.repack and not aborts

    @property
    def used_devices(self) -> list[Device]:
        """Devices with slots."""
        return [device for device, count in zip(self.problem.devices, self.counts, strict=True) if count]

    @property
    def _host_weights(self) -> list[Weights]:
        """Weights in RAM besides the embedding."""
        shape = self.problem.shape
        layers = shape.layers[: self.first_slot]
        parts = [part for each in layers for part in (each.attention, each.dense_ffn)]
        parts += [weights for _layer, weights in self.experts.get(None, ())]
        return parts if self.n_gpu_layers else [*parts, shape.output, shape.tied_output]

    @cached_property
    def _repacked(self) -> int:
        """Bytes of copies in the processor's order; a file that is read is converted without a copy."""
        host, parts = self.problem.host, self._host_weights
        if any(device.backend in WITH_HOST_BUFFER for device in self.used_devices):
            return 0
        if self.reads_file:
            return sum(part.tile_surplus() for part in parts) if host.has_amx else 0
        return sum(part.repacked(host.repacked_types, amx=host.has_amx) for part in parts)

    @property
    def _shared_ram(self) -> int:
        """RAM that devices use as their memory."""
        pairs = zip(self.problem.devices, self.devices, strict=True)
        return sum(planned.used_bytes for device, planned in pairs if device.shares_ram)
