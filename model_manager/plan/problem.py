"""Memory of a placement: one model, devices and RAM, one context and cache type.

The best placement is searched in ``placement``; context and cache type are chosen in ``planner``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from model_manager.devices.devices import Device, HostMemory
from model_manager.plan.compute_buffers import OFFLOADING, WITH_HOST_BUFFER, Buffers, buffers
from model_manager.plan.load_plan import VERDICTS, Verdict
from model_manager.plan.load_spec import LoadSpec, PlanOptions
from model_manager.plan.model_shape import ModelShape, Weights
from model_manager.plan.split import Room, Slots


@dataclass(frozen=True)
class Corrections:
    """Difference between rehearsed and estimated compute buffers, in bytes: by device name, and for the host.

    ``rows``: tokens of the rehearsed micro batch.
    """

    devices: Mapping[str, int] = field(default_factory=dict)
    host: int = 0
    rows: int = 0

    def at(self, rows: int) -> Corrections:
        """Scale the corrections to another micro batch: in proportion to the rows of a smaller one."""
        if rows >= self.rows:
            return self
        devices = {name: size * rows // self.rows for name, size in self.devices.items()}
        return Corrections(devices, self.host * rows // self.rows, rows)


@dataclass(frozen=True)
class Placement:
    """Slots (layers, then the output) per device in ``counts``; ``in_ram``: layers whose experts stay in RAM."""

    counts: tuple[int, ...]
    in_ram: tuple[int, ...]
    pipeline: bool = False

    @property
    def n_gpu_layers(self) -> int:
        """Slots on devices."""
        return sum(self.counts)

    @property
    def first(self) -> int | None:
        """Number of the first device that has slots."""
        return next((number for number, count in enumerate(self.counts) if count), None)


@dataclass(frozen=True)
class Demand:
    """Memory of a placement in bytes: tuples with one figure per device, and the host's."""

    weights: tuple[int, ...]
    kv: tuple[int, ...]
    compute: tuple[int, ...]
    host_weights: int
    host_kv: int
    host_compute: int
    repack: int
    repacks: bool
    """Whether the engine may repack: the copies fit into RAM."""

    @property
    def host(self) -> int:
        """Sum of the host's memory."""
        return self.host_weights + self.host_kv + self.host_compute + self.repack


@dataclass(frozen=True)
class Problem:
    """A model, the devices and the RAM, for one context and cache type."""

    shape: ModelShape
    devices: tuple[Device, ...]
    host: HostMemory
    options: PlanOptions
    corrections: Corrections
    spec: LoadSpec
    """The options with context, cache type and batch sizes resolved."""

    @cached_property
    def buffers(self) -> Buffers:
        """Estimated compute buffers."""
        return buffers(self.shape, self.spec)

    @cached_property
    def kv(self) -> tuple[int, ...]:
        """Bytes of cache and state of each layer."""
        return self.shape.cache.layer_bytes(self.spec)

    @cached_property
    def slots(self) -> Slots:
        """Slots that can be placed; experts that are fixed to RAM are left out."""
        shape, fixed = self.shape, self.options.experts_in_ram
        experts = [layer.experts.total for layer in shape.layers]
        dense = [layer.dense + kv for layer, kv in zip(shape.layers, self.kv, strict=True)]
        if fixed is not None:
            dense = [n + (0 if i in fixed else experts[i]) for i, n in enumerate(dense)]
            experts = [0] * len(experts)
        return Slots((*dense, shape.output.total + shape.tied_output.total), (*experts, 0))

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Bytes that each device can take, less the margin of the options."""
        return tuple(max(0, device.usable_bytes - self.options.margin_bytes) for device in self.devices)

    def rooms(self, *, experts: bool, ram_layers: bool, experts_out: bool, pipeline: bool = False) -> tuple[Room, ...]:
        """Room of each device besides its compute buffers.

        ``experts``: it computes with experts in its memory; ``ram_layers``: there are layers in RAM;
        ``experts_out``: there are layers on devices whose experts are in RAM.
        """
        found = []
        for device, usable in zip(self.devices, self.usable, strict=True):
            correction = self.corrections.devices.get(device.name, 0)
            offloads = device.backend in OFFLOADING and (ram_layers or experts_out)
            plain, output, first, first_output = (
                self.buffers.device(
                    experts=experts or (leading and offloads),
                    output=with_output,
                    pipeline=pipeline,
                    first=leading,
                    after_ram=leading and ram_layers,
                )
                for leading in (False, True)
                for with_output in (False, True)
            )
            lead = max(first - plain, first_output - output)
            if offloads:
                lead += self._largest_in_ram(ram_layers=ram_layers, experts_out=experts_out)
            found.append(Room(usable - max(0, plain + correction), usable - max(0, output + correction), lead))
        return tuple(found)

    def demand(self, placement: Placement) -> Demand:
        """Memory that a placement needs."""
        shape, in_ram = self.shape, frozenset(placement.in_ram)
        slots = shape.n_layer + 1
        start = slots - placement.n_gpu_layers
        weights: list[int] = []
        kv: list[int] = []
        for count in placement.counts:
            layers = range(start, min(start + count, shape.n_layer))
            own = sum(shape.layers[i].dense + (0 if i in in_ram else shape.layers[i].experts.total) for i in layers)
            if count and start + count == slots:
                own += shape.output.total + shape.tied_output.total
            weights.append(own)
            kv.append(sum(self.kv[i] for i in layers))
            start += count
        host_parts = self._in_host(placement)
        host_weights = shape.embedding.total + sum(part.total for part in host_parts)
        compute, host_compute = self._compute(placement)
        repack = self._repacked(placement, host_parts)
        host_kv = sum(self.kv[: slots - placement.n_gpu_layers])
        if placement.n_gpu_layers == 0:
            host_weights -= shape.tied_output.total  # in RAM the output is the embedding itself, not a copy
        used = host_weights + host_kv + host_compute
        repacks = used + repack + self._shared_ram(weights, kv, compute) <= self.ram
        repacks = repacks and self.may_repack(placement)
        return Demand(
            tuple(weights),
            tuple(kv),
            compute,
            host_weights,
            host_kv,
            host_compute,
            repack if repacks else 0,
            (repacks or not repack) and self.may_repack(placement),
        )

    @property
    def ram(self) -> int:
        """RAM that a plan may fill: the available less a reserve for everything else."""
        return self.host.available_bytes - self.host.reserve_bytes

    def verdict(self, placement: Placement, demand: Demand) -> Verdict:
        """Classify a placement by its demand."""
        in_ram = demand.host + self._shared_ram(demand.weights, demand.kv, demand.compute)
        if self.exceeds_a_device(demand) or in_ram > self.ram:
            return "does_not_fit"
        if placement.n_gpu_layers <= self.shape.n_layer:
            return "layers_in_ram"
        return "experts_in_ram" if placement.in_ram else "gpu"

    def exceeds_a_device(self, demand: Demand) -> bool:
        """Whether the part of any device exceeds its memory."""
        parts = zip(demand.weights, demand.kv, demand.compute, self.usable, strict=True)
        return any(weights + kv + compute > usable for weights, kv, compute, usable in parts)

    def rank(self, placement: Placement) -> tuple[int, int, int]:
        """Sort key, the best first: verdict, layers off the devices, layers with experts in RAM."""
        verdict = self.verdict(placement, self.demand(placement))
        return (VERDICTS.index(verdict), -placement.n_gpu_layers, len(placement.in_ram))

    def reads_file(self, placement: Placement) -> bool:
        """Whether the file is read instead of mapped.

        If devices with their own memory take a part, mapping would also load that part into RAM.
        """
        if self.options.mmap is not None:
            return not self.options.mmap
        used = self._used(placement)
        return bool(used) and not any(device.shares_ram for device in used)

    def may_repack(self, placement: Placement) -> bool:
        """Whether repacking is allowed, regardless of the memory that it needs."""
        return self.options.repack and not self.breaks_tiles(placement)

    def breaks_tiles(self, placement: Placement) -> bool:
        """Whether the engine would abort while repacking, because it takes a stack of matrices for a single one.

        Attention with compressed keys has such stacks (seen with llama-cpp-python 0.3.36).
        """
        in_ram = self.shape.layers[: max(0, self.shape.n_layer + 1 - placement.n_gpu_layers)]
        return self.host.has_amx and any(layer.attention.stacked for layer in in_ram)

    def _used(self, placement: Placement) -> list[Device]:
        return [device for device, count in zip(self.devices, placement.counts, strict=True) if count]

    def _largest_in_ram(self, *, ram_layers: bool, experts_out: bool) -> int:
        layers = self.shape.layers
        dense = max((max(each.attention.largest, each.dense_ffn.largest) for each in layers), default=0)
        experts = max((each.experts.largest for each in layers), default=0)
        return max(dense if ram_layers else 0, experts if experts_out or ram_layers else 0)

    def _in_host(self, placement: Placement) -> list[Weights]:
        """Weights in RAM besides the embedding."""
        shape = self.shape
        first = shape.n_layer + 1 - placement.n_gpu_layers
        parts = [part for each in shape.layers[:first] for part in (each.attention, each.dense_ffn, each.experts)]
        parts += [shape.layers[i].experts for i in placement.in_ram]
        if placement.n_gpu_layers == 0:
            parts += [shape.output, shape.tied_output]
        return parts

    def _repacked(self, placement: Placement, parts: Sequence[Weights]) -> int:
        """Bytes of copies in the processor's order; a file that is read is converted without a copy."""
        used = self._used(placement)
        if any(device.backend in WITH_HOST_BUFFER for device in used):
            return 0
        if self.reads_file(placement):
            return sum(part.tile_surplus() for part in parts) if self.host.has_amx else 0
        return sum(part.repacked(self.host.repacked_types, amx=self.host.has_amx) for part in parts)

    def _shared_ram(self, weights: Sequence[int], kv: Sequence[int], compute: Sequence[int]) -> int:
        return sum(
            own + cache + work
            for device, own, cache, work in zip(self.devices, weights, kv, compute, strict=True)
            if device.shares_ram
        )

    def _compute(self, placement: Placement) -> tuple[tuple[int, ...], int]:
        shape, own, first = self.shape, self.buffers, placement.first
        in_ram, slots = frozenset(placement.in_ram), shape.n_layer + 1
        ram_layers = placement.n_gpu_layers < slots
        begin = slots - placement.n_gpu_layers
        sizes: list[int] = []
        for number, (device, count) in enumerate(zip(self.devices, placement.counts, strict=True)):
            layers = range(begin, min(begin + count, shape.n_layer))
            begin += count
            if not count:
                sizes.append(0)
                continue
            offloads = number == first and device.backend in OFFLOADING and (ram_layers or bool(in_ram))
            size = own.device(
                experts=offloads or any(shape.layers[i].experts.total and i not in in_ram for i in layers),
                output=begin == slots,
                pipeline=placement.pipeline,
                first=number == first,
                after_ram=number == first and ram_layers,
                layers=len(layers) > 0,
            )
            if offloads:
                size += self._largest_in_ram(ram_layers=ram_layers, experts_out=bool(in_ram))
            sizes.append(max(0, size + self.corrections.devices.get(device.name, 0)))
        host = own.host(
            layers=ram_layers,
            experts=bool(in_ram),
            output=placement.n_gpu_layers == 0,
            pipeline=placement.pipeline,
        )
        return tuple(sizes), max(0, host + self.corrections.host)
