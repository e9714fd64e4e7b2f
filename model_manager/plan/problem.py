"""One model, devices and RAM, one context and cache type: how much room there is and what a placement takes.

Which placement is best is searched in ``placement``; the choice of context and cache type is made in ``planning``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.plan.compute_buffers import OFFLOADING, WITH_HOST_BUFFER, Buffers, Setting, buffers
from model_manager.plan.kv_cache import KvType
from model_manager.plan.model_shape import ModelFacts, Weights
from model_manager.plan.split import Room, Slots
from model_manager.plan.values import VERDICTS, Verdict, Wishes


@dataclass(frozen=True)
class Corrections:
    """What a rehearsal told beyond the estimate, in bytes: by device name, and for the host.

    ``rows``: tokens of the micro batch that was rehearsed.
    """

    devices: Mapping[str, int] = field(default_factory=dict)
    host: int = 0
    rows: int = 0

    def at(self, rows: int) -> Corrections:
        """The same for another micro batch: what was over or under is so in proportion to the rows of a smaller one."""
        if rows >= self.rows:
            return self
        devices = {name: size * rows // self.rows for name, size in self.devices.items()}
        return Corrections(devices, self.host * rows // self.rows, rows)


@dataclass(frozen=True)
class Placement:
    """``counts``: slots (layers, and the output last) of each device; ``in_ram``: layers whose experts stay in RAM."""

    counts: tuple[int, ...]
    in_ram: tuple[int, ...]
    pipeline: bool = False

    @property
    def n_gpu_layers(self) -> int:
        """Slots on devices."""
        return sum(self.counts)

    @property
    def first(self) -> int | None:
        """The first device with anything on it."""
        return next((number for number, count in enumerate(self.counts) if count), None)


@dataclass(frozen=True)
class Demand:
    """What a placement takes, in bytes: a tuple with one figure for each device, and the host's."""

    weights: tuple[int, ...]
    kv: tuple[int, ...]
    compute: tuple[int, ...]
    host_weights: int
    host_kv: int
    host_compute: int
    repack: int
    repacks: bool
    """Whether the engine may repack: a second copy of the weights in RAM has room."""

    @property
    def host(self) -> int:
        """All of the host's memory."""
        return self.host_weights + self.host_kv + self.host_compute + self.repack


@dataclass(frozen=True)
class Problem:
    """A model, the devices and the RAM, for one context and cache type."""

    facts: ModelFacts
    devices: tuple[PlanDevice, ...]
    host: HostMemory
    wishes: Wishes
    corrections: Corrections
    setting: Setting
    kv_type: KvType

    @cached_property
    def buffers(self) -> Buffers:
        """The estimates of the compute buffers."""
        return buffers(self.facts, self.setting)

    @cached_property
    def kv(self) -> tuple[int, ...]:
        """Bytes of cache and state of each layer."""
        return self.facts.cache.layer_bytes(
            self.setting.context,
            self.kv_type,
            micro_batch=self.setting.micro_batch,
            full_windows=self.setting.full_windows,
            flash_attention=self.setting.flash_attention,
        )

    @cached_property
    def slots(self) -> Slots:
        """Everything that could be on devices; experts that must stay in RAM by wish are left out."""
        facts, wish = self.facts, self.wishes.experts_in_ram
        experts = [layer.experts.total for layer in facts.layers]
        dense = [layer.dense + kv for layer, kv in zip(facts.layers, self.kv, strict=True)]
        if wish is not None:
            dense = [n + (0 if i in wish else experts[i]) for i, n in enumerate(dense)]
            experts = [0] * len(experts)
        return Slots((*dense, facts.output.total + facts.tied_output.total), (*experts, 0))

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Bytes that each device can take, less the margin wished."""
        return tuple(max(0, device.usable_bytes - self.wishes.margin_bytes) for device in self.devices)

    def rooms(self, *, experts: bool, ram_layers: bool, experts_out: bool, pipeline: bool = False) -> tuple[Room, ...]:
        """What each device can hold beside its compute buffers.

        ``experts``: it computes with experts that lie on it; ``ram_layers``: there are layers in RAM;
        ``experts_out``: there are layers on devices whose experts lie in RAM.
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
        """What a placement takes."""
        facts, in_ram = self.facts, frozenset(placement.in_ram)
        slots = facts.n_layer + 1
        start = slots - placement.n_gpu_layers
        weights: list[int] = []
        kv: list[int] = []
        for count in placement.counts:
            layers = range(start, min(start + count, facts.n_layer))
            own = sum(facts.layers[i].dense + (0 if i in in_ram else facts.layers[i].experts.total) for i in layers)
            if count and start + count == slots:
                own += facts.output.total + facts.tied_output.total
            weights.append(own)
            kv.append(sum(self.kv[i] for i in layers))
            start += count
        host_parts = self._in_host(placement)
        host_weights = facts.embedding.total + sum(part.total for part in host_parts)
        compute, host_compute = self._compute(placement)
        repack = self._repacked(placement, host_parts)
        host_kv = sum(self.kv[: slots - placement.n_gpu_layers])
        if placement.n_gpu_layers == 0:
            host_weights -= facts.tied_output.total  # in RAM the output is the embedding itself, not a copy
        used = host_weights + host_kv + host_compute
        repacks = used + repack + self._shared_ram(weights, kv, compute) <= self.ram
        repacks = repacks and not self.breaks_tiles(placement)
        return Demand(
            tuple(weights),
            tuple(kv),
            compute,
            host_weights,
            host_kv,
            host_compute,
            repack if repacks else 0,
            (repacks or not repack) and not self.breaks_tiles(placement),
        )

    @property
    def ram(self) -> int:
        """RAM that a plan may fill: what is available less a margin for everything else."""
        return self.host.available_bytes - self.host.reserve_bytes

    def verdict(self, placement: Placement, demand: Demand) -> Verdict:
        """What became of it."""
        over = any(
            weights + kv + compute > usable
            for weights, kv, compute, usable in zip(demand.weights, demand.kv, demand.compute, self.usable, strict=True)
        )
        if over or demand.host + self._shared_ram(demand.weights, demand.kv, demand.compute) > self.ram:
            return "does_not_fit"
        if placement.n_gpu_layers <= self.facts.n_layer:
            return "layers_in_ram"
        return "experts_in_ram" if placement.in_ram else "gpu"

    def rank(self, placement: Placement) -> tuple[int, int, int]:
        """The smaller, the better: verdict, layers off the devices, layers whose experts are in RAM."""
        verdict = self.verdict(placement, self.demand(placement))
        return (VERDICTS.index(verdict), -placement.n_gpu_layers, len(placement.in_ram))

    def reads(self, placement: Placement) -> bool:
        """Whether host memory gets its part of the file by reading it: where devices with memory of their own take
        another part, mapping would bring all of it into RAM and once more onto the devices."""
        used = [device for device, count in zip(self.devices, placement.counts, strict=True) if count]
        return bool(used) and not any(device.shares_ram for device in used)

    def breaks_tiles(self, placement: Placement) -> bool:
        """Whether the engine must not repack, because it takes stacks of matrices for tiles of a single one.

        Attention with compressed keys has such stacks, and the engine ends itself then (seen with 0.3.36).
        """
        in_ram = self.facts.layers[: max(0, self.facts.n_layer + 1 - placement.n_gpu_layers)]
        return self.host.has_amx and any(layer.attention.stacked for layer in in_ram)

    def _largest_in_ram(self, *, ram_layers: bool, experts_out: bool) -> int:
        layers = self.facts.layers
        dense = max((max(each.attention.largest, each.dense_ffn.largest) for each in layers), default=0)
        experts = max((each.experts.largest for each in layers), default=0)
        return max(dense if ram_layers else 0, experts if experts_out or ram_layers else 0)

    def _in_host(self, placement: Placement) -> list[Weights]:
        """The weights in RAM beside the embedding."""
        facts = self.facts
        first = facts.n_layer + 1 - placement.n_gpu_layers
        parts = [part for each in facts.layers[:first] for part in (each.attention, each.dense_ffn, each.experts)]
        parts += [facts.layers[i].experts for i in placement.in_ram]
        if placement.n_gpu_layers == 0:
            parts += [facts.output, facts.tied_output]
        return parts

    def _repacked(self, placement: Placement, parts: Sequence[Weights]) -> int:
        """Copies beside the mapped file; what is read is brought into the processor's order at once."""
        used = [device for device, count in zip(self.devices, placement.counts, strict=True) if count]
        if any(device.backend in WITH_HOST_BUFFER for device in used):
            return 0
        if self.reads(placement):
            return sum(part.tile_surplus() for part in parts) if self.host.has_amx else 0
        return sum(part.repacked(self.host.repacked_types, amx=self.host.has_amx) for part in parts)

    def _shared_ram(self, weights: Sequence[int], kv: Sequence[int], compute: Sequence[int]) -> int:
        return sum(
            own + cache + work
            for device, own, cache, work in zip(self.devices, weights, kv, compute, strict=True)
            if device.shares_ram
        )

    def _compute(self, placement: Placement) -> tuple[tuple[int, ...], int]:
        facts, own, first = self.facts, self.buffers, placement.first
        in_ram, slots = frozenset(placement.in_ram), facts.n_layer + 1
        ram_layers = placement.n_gpu_layers < slots
        begin = slots - placement.n_gpu_layers
        sizes: list[int] = []
        for number, (device, count) in enumerate(zip(self.devices, placement.counts, strict=True)):
            layers = range(begin, min(begin + count, facts.n_layer))
            begin += count
            if not count:
                sizes.append(0)
                continue
            offloads = number == first and device.backend in OFFLOADING and (ram_layers or bool(in_ram))
            size = own.device(
                experts=offloads or any(facts.layers[i].experts.total and i not in in_ram for i in layers),
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
