"""The plan: how a model is to be loaded on these devices and this RAM, with the wishes of a person kept.

A pure function.  What it decides beside the placement (``placement``):

* **Context**: the wish, at most what the model was trained for.  Without a wish the largest of 32k and 16k with which
  everything is on the devices at the wished cache type (16 bits where that is free); else 8192, or 4096 where only that
  gives a better verdict.
* **Cache type** "auto": f16, or q8_0 where that gives a better verdict or keeps at least one more layer, or the experts
  of one more layer, on the devices.  q4_0 only on request.
* **Pipeline parallelism**: with everything on several devices and a context in which long prompts have room, where its
  larger buffers fit.
* **Flash attention**: on where the cache needs it or layers lie on both sides; else the engine's own test.
* **Repacking**: off where RAM holds the weights but not second copies of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from model_manager.devices.devices import HostMemory, PlanDevice
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.plan.compute_buffers import Setting
from model_manager.plan.kv_cache import KV_TYPES, KvType, padded
from model_manager.plan.model_shape import ModelFacts, model_facts
from model_manager.plan.placement import all_on_devices, best_placement, shared_out, with_pipeline
from model_manager.plan.problem import Corrections, Placement, Problem
from model_manager.plan.speed import guessed, tokens_per_second
from model_manager.plan.values import (
    DEFAULT_BATCH,
    VERDICTS,
    DevicePlan,
    HostPlan,
    LoadPlan,
    Rehearsed,
    Wishes,
)

MAX_DEVICES = 16
"""``llama_max_devices()``."""
DEFAULT_CONTEXT = 8192
SMALLEST_CONTEXT = 4096
LARGE_CONTEXTS = (32768, 16384)
PIPELINE_FROM = 4096
"""Tokens of context from which prompts can be long enough for pipeline parallelism to pay."""


def plan(
    headers: Sequence[GgufHeader],
    devices: Sequence[PlanDevice],
    host: HostMemory,
    wishes: Wishes | None = None,
    measured: Rehearsed | None = None,
) -> LoadPlan:
    """Plan the load of a model from the headers of all its files, the first file first.

    Raises:
        UserError: device_unknown(name, known), tensor_split_length(shares, devices), kv_type_unknown(kv_type, known).
    """
    return plan_model(model_facts(headers), devices, host, wishes, measured)


def plan_model(
    facts: ModelFacts,
    devices: Sequence[PlanDevice],
    host: HostMemory,
    wishes: Wishes | None = None,
    measured: Rehearsed | None = None,
) -> LoadPlan:
    """The same for headers that were sorted already, for who plans one model again and again."""
    wishes = wishes or Wishes()
    chosen, reasons = _choose_devices(tuple(devices), wishes)
    task = _Task(facts, chosen, host, wishes, Corrections())
    if measured is not None:
        measured, wishes = _as_heard(measured, wishes)
        task = replace(task, wishes=wishes)
        task = replace(task, corrections=_corrections(task, measured))
    problem, placement, more = task.decide()
    placement = _rehearsed(problem, placement, measured) or _finished(problem, placement)
    return _assemble(problem, placement, (*reasons, *more, *_general_reasons(task, problem, placement, measured)))


@dataclass(frozen=True)
class _Task:
    """Everything but the context and the cache type."""

    facts: ModelFacts
    devices: tuple[PlanDevice, ...]
    host: HostMemory
    wishes: Wishes
    corrections: Corrections

    def decide(self) -> tuple[Problem, Placement, tuple[str, ...]]:
        """The context, the cache type and the placement, with the reasons for the choice."""
        wished, trained = self.wishes.context, self.facts.trained_context
        if wished is not None and wished > 0:
            context = min(wished, trained) if trained else wished
            problem, placement, reasons = self.at(padded(context))
            capped = ("context_above_trained",) if trained and wished > trained else ()
            return problem, placement, (*capped, *reasons, *self._smaller_hint(problem, placement))
        for large in LARGE_CONTEXTS:
            if trained and padded(trained) < large:
                continue
            kv_type, kv_reasons = self._wished_kv()
            roomy = self.problem(large, kv_type)
            found = all_on_devices(roomy)
            if found is not None and roomy.verdict(found, roomy.demand(found)) == "gpu":
                return roomy, found, ("context_chosen", *kv_reasons)
        contexts = [min(each, padded(trained)) if trained else each for each in (DEFAULT_CONTEXT, SMALLEST_CONTEXT)]
        best = self.at(contexts[0])
        if contexts[1] < contexts[0] and VERDICTS[best[0].rank(best[1])[0]] != "gpu":
            smaller = self.at(contexts[1])
            if smaller[0].rank(smaller[1])[0] < best[0].rank(best[1])[0]:
                best = smaller
        return best[0], best[1], ("context_chosen", *best[2])

    def at(self, context: int) -> tuple[Problem, Placement, tuple[str, ...]]:
        """The better cache type for a context."""
        kv_type, reasons = self._wished_kv()
        problem = self.problem(context, kv_type)
        placement = best_placement(problem)
        if self.wishes.kv_type != "auto" or not self._may_quantise():
            return problem, placement, reasons
        rank = problem.rank(placement)
        if rank[0] == 0:
            return problem, placement, reasons
        smaller = self.problem(context, "q8_0")
        candidate = best_placement(smaller)
        better = smaller.rank(candidate)
        if better < rank:
            return smaller, candidate, ("q8_0_fits_all" if better[0] == 0 else "q8_0_keeps_more",)
        return problem, placement, reasons

    def problem(self, context: int, kv_type: KvType) -> Problem:
        """The rest of the task for one context and cache type."""
        wishes = self.wishes
        micro_batch = min(wishes.micro_batch or DEFAULT_BATCH, wishes.batch or DEFAULT_BATCH)
        setting = Setting(
            context=context,
            micro_batch=micro_batch,
            output_rows=wishes.output_rows or micro_batch,
            quantised_cache=kv_type != "f16",
            flash_attention=kv_type != "f16" or wishes.flash_attention is not False,
            full_windows=wishes.full_windows,
        )
        corrections = self.corrections.at(min(setting.micro_batch, context))
        return Problem(self.facts, self.devices, self.host, wishes, corrections, setting, kv_type)

    def _wished_kv(self) -> tuple[KvType, tuple[str, ...]]:
        wish = self.wishes.kv_type
        if wish == "auto":
            return "f16", ()
        if wish not in KV_TYPES:
            raise UserError("kv_type_unknown", kv_type=wish, known=list(KV_TYPES))
        if not self.facts.cache.allows(wish):
            return "f16", ("kv_type_impossible",)
        needed = wish != "f16" and self.wishes.flash_attention is False
        return wish, ("flash_attention_needed",) if needed else ()

    def _may_quantise(self) -> bool:
        cache = self.facts.cache
        return cache.has_attention and cache.allows("q8_0") and self.wishes.flash_attention is not False

    def _smaller_hint(self, problem: Problem, placement: Placement) -> tuple[str, ...]:
        if problem.setting.context <= SMALLEST_CONTEXT or not self.devices or problem.rank(placement)[0] == 0:
            return ()
        kv_type: KvType = "q8_0" if self.wishes.kv_type == "auto" and self._may_quantise() else self._wished_kv()[0]
        fits = all_on_devices(self.problem(SMALLEST_CONTEXT, kv_type))
        return () if fits is None else ("smaller_context_fits_gpu",)


def _choose_devices(devices: tuple[PlanDevice, ...], wishes: Wishes) -> tuple[tuple[PlanDevice, ...], tuple[str, ...]]:
    known = [device.name for device in devices]
    wanted = wishes.devices
    if wishes.split_mode == "none" and wishes.main_gpu is not None:
        wanted = (wishes.main_gpu,)
    if unknown := [name for name in wanted if name not in known]:
        raise UserError("device_unknown", name=unknown[0], known=known)
    if wanted:
        devices = tuple(device for device in devices if device.name in wanted)
    if wishes.split_mode == "none":
        devices = devices[:1]
    reasons: tuple[str, ...] = ()
    if len(devices) > MAX_DEVICES:
        largest = sorted(devices, key=lambda device: device.usable_bytes, reverse=True)[:MAX_DEVICES]
        devices, reasons = tuple(device for device in devices if device in largest), ("too_many_devices",)
    if wishes.tensor_split and len(wishes.tensor_split) != len(devices):
        raise UserError("tensor_split_length", shares=len(wishes.tensor_split), devices=len(devices))
    return devices, reasons


def _as_heard(measured: Rehearsed, wishes: Wishes) -> tuple[Rehearsed, Wishes]:
    """The rehearsal as one of what the engine really did, and the wishes without what it refused."""
    told = measured.plan
    if measured.pipeline is False and told.pipeline:
        told, wishes = replace(told, pipeline=False), replace(wishes, pipeline=False)
    if measured.flash_attention is False and told.flash_attention is None:
        told, wishes = replace(told, flash_attention=False), replace(wishes, flash_attention=False)
    return replace(measured, plan=told), wishes


def _corrections(task: _Task, measured: Rehearsed) -> Corrections:
    """The differences between what a rehearsal told and what would have been estimated for its plan."""
    told = measured.plan
    placement = _told(task.devices, told)
    if placement is None:
        return Corrections()
    wishes = replace(
        task.wishes,
        batch=told.batch,
        micro_batch=told.micro_batch,
        output_rows=told.output_rows,
        full_windows=told.full_windows,
        flash_attention=told.flash_attention,
    )
    problem = replace(task, wishes=wishes).problem(told.context, told.kv_type)
    estimated = problem.demand(placement)
    return Corrections(
        {
            device.name: measured.compute_bytes[device.name] - compute
            for device, compute, count in zip(task.devices, estimated.compute, placement.counts, strict=True)
            if count and device.name in measured.compute_bytes
        },
        measured.host_compute_bytes - estimated.host_compute,
        min(told.micro_batch, told.context),
    )


def _told(devices: tuple[PlanDevice, ...], told: LoadPlan) -> Placement | None:
    """The placement of a plan that was made before, None where it was made for other devices."""
    if tuple(device.name for device in told.devices) != tuple(device.name for device in devices):
        return None
    return Placement(tuple(len(device.layers) for device in told.devices), told.experts_in_ram, told.pipeline)


def _rehearsed(problem: Problem, best: Placement, measured: Rehearsed | None) -> Placement | None:
    """The placement that was rehearsed, where it is still as good as the best and all that was wished.

    So one rehearsal confirms a plan instead of moving a layer here and there.
    """
    if measured is None or (old := _told(problem.devices, measured.plan)) is None:
        return None
    told, wishes, setting = measured.plan, problem.wishes, problem.setting
    same = (told.context, told.kv_type, told.micro_batch) == (setting.context, problem.kv_type, setting.micro_batch)
    unwished = (
        (wishes.tensor_split and wishes.tensor_split != told.tensor_split)
        or (wishes.experts_in_ram is not None and old.in_ram != best.in_ram)
        or (wishes.pipeline is not None and old.pipeline is not wishes.pipeline)
        or told.split_mode != wishes.split_mode
    )
    return old if same and not unwished and problem.rank(old) == problem.rank(best) else None


def _general_reasons(
    task: _Task, problem: Problem, placement: Placement, measured: Rehearsed | None
) -> tuple[str, ...]:
    found: list[str] = []
    demand = problem.demand(placement)
    if problem.verdict(placement, demand) == "does_not_fit":
        too_large = any(
            own + cache + work > usable
            for own, cache, work, usable in zip(demand.weights, demand.kv, demand.compute, problem.usable, strict=True)
        )
        found.append("wish_too_large" if too_large else "ram_too_small")
    if not demand.repacks and not problem.breaks_tiles(placement):
        found.append("repacking_off")
    if not task.devices:
        found.append("no_gpu")
    elif 0 in placement.counts:
        found.append("device_unused")
    if task.facts.cache.estimated:
        found.append("cache_estimated")
    if task.wishes.split_mode in ("row", "tensor"):
        found.append("split_mode_estimated")
    if guessed(problem, placement):
        found.append("speed_guessed")
    if measured is None:
        found.append("not_rehearsed")
    return tuple(found)


def _assemble(problem: Problem, placement: Placement, reasons: tuple[str, ...]) -> LoadPlan:
    demand = problem.demand(placement)
    facts, wishes, setting = problem.facts, problem.wishes, problem.setting
    slots = facts.n_layer + 1
    begin = slots - placement.n_gpu_layers
    devices: list[DevicePlan] = []
    for number, (device, count) in enumerate(zip(problem.devices, placement.counts, strict=True)):
        reserve = min(device.reserve_bytes, device.free_bytes)
        used = demand.weights[number] + demand.kv[number] + demand.compute[number]
        devices.append(
            DevicePlan(
                name=device.name,
                free_bytes=device.free_bytes,
                weights_bytes=demand.weights[number],
                kv_bytes=demand.kv[number],
                compute_bytes=demand.compute[number],
                reserve_bytes=reserve,
                left_bytes=device.free_bytes - reserve - used,
                layers=tuple(range(begin, begin + count)),
            )
        )
        begin += count
    return LoadPlan(
        verdict=problem.verdict(placement, demand),
        context=setting.context,
        kv_type=problem.kv_type,
        flash_attention=_flash_attention(problem, placement),
        n_gpu_layers=placement.n_gpu_layers,
        n_layer=facts.n_layer,
        tensor_split=wishes.tensor_split or tuple(float(count) for count in placement.counts),
        experts_in_ram=placement.in_ram,
        devices=tuple(devices),
        host=HostPlan(
            weights_bytes=demand.host_weights,
            kv_bytes=demand.host_kv,
            compute_bytes=demand.host_compute,
            repack_bytes=demand.repack,
            available_bytes=problem.host.available_bytes,
        ),
        batch=wishes.batch or max(DEFAULT_BATCH, setting.micro_batch),
        micro_batch=setting.micro_batch,
        threads=wishes.threads,
        pipeline=placement.pipeline,
        repack=demand.repacks,
        mmap=False if problem.reads(placement) else None,
        full_windows=setting.full_windows,
        output_rows=setting.output_rows,
        split_mode=wishes.split_mode,
        main_gpu=wishes.main_gpu,
        output_copy_bytes=facts.tied_output.total if placement.n_gpu_layers else 0,
        unused_bytes=facts.unused.total,
        tokens_per_second_estimate=tokens_per_second(problem, placement),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _flash_attention(problem: Problem, placement: Placement) -> bool | None:
    if problem.setting.quantised_cache:
        return True
    # Between layers in RAM and layers on a device the engine's own test finds an operation on the wrong side and turns
    # flash attention off for all of them, and then its buffers grow many times over.
    mixed = 0 < placement.n_gpu_layers <= problem.facts.n_layer and problem.facts.cache.has_attention
    return True if mixed and problem.wishes.flash_attention is None else problem.wishes.flash_attention


def _finished(problem: Problem, placement: Placement) -> Placement:
    """Shared out among the devices, and with pipeline parallelism where it fits and pays."""
    verdict = problem.verdict(placement, problem.demand(placement))
    wish, context = problem.wishes.pipeline, problem.setting.context
    candidates: list[Placement] = []
    if verdict == "gpu" and wish is not False and problem.wishes.split_mode == "layer":
        pays = context >= PIPELINE_FROM or wish is True
        if pays and (found := with_pipeline(problem)) is not None:
            candidates.append(found)
    candidates.append(shared_out(problem, placement))
    # RAM may hold the one and not the other: larger buffers, other experts.
    return next((each for each in candidates if problem.verdict(each, problem.demand(each)) == verdict), placement)
