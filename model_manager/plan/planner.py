"""The planner: chooses context, cache type and placement of a model for these devices and this RAM.

A pure function.  What it decides besides the placement (``placement``):

* **Context**: the fixed one, at most what the model was trained for.  Otherwise the largest of 32k and 16k with which
  everything is on the devices at the fixed cache type (16 bits where that is open); else 8192, or 4096 where only that
  gives a better verdict.
* **Cache type** "auto": f16, or q8_0 where that gives a better verdict or keeps at least one more layer, or the experts
  of one more layer, on the devices.  q4_0 only on request.
* **Pipeline parallelism**: with everything on several devices and a context large enough for long prompts, if its
  larger buffers fit.
* **Flash attention**: on if the cache needs it or the layers are split over GPUs and CPU.  On the CPU alone, with a
  16-bit cache, off unless it was measured to be much faster: a token can take three times as long with it, and guesses
  don't work.  Else the engine decides.
* **Micro-batch** where a device copies weights from RAM for each of them: larger ones are read faster and take memory
  from layers.  The one with the shortest typical turn of those that read nearly as fast as any, unless that makes the
  turn much longer.
* **Sliding windows** of their own size, instead of the whole context, where that keeps more on the devices, allows a
  larger context or spares an 8-bit cache; else the whole context, with which edited conversations need less reading.
* **Single matrices of experts** fill what is left on the devices where that is too little for a whole layer's
  (``single_matrices``).
* **Projector** of a model that reads pictures: on the first device of this machine, where that changes neither the
  verdict nor the context; else on the CPU, which reads a picture many times slower.
* **Repacking**: off where RAM holds the weights but not second copies of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from model_manager.devices.devices import Device, HostMemory
from model_manager.errors import UserError
from model_manager.gguf.projector import Projector
from model_manager.plan.kv_cache import padded
from model_manager.plan.load_plan import LoadPlan, Rehearsal, RehearsedPlan
from model_manager.plan.load_spec import CPU, KV_TYPES, PlanOptions
from model_manager.plan.model_shape import ModelShape
from model_manager.plan.placement import all_on_devices, balanced, best_placement, with_pipeline
from model_manager.plan.problem import HOST, Correction, Placement, Problem
from model_manager.plan.single_matrices import moved_in_spec, with_moved, with_single_matrices
from model_manager.plan.speed import (
    batch_seconds,
    is_speed_guessed,
    offload_min_batch,
    prompt_tokens_per_second,
    tokens_per_second,
    turn_seconds,
)

MAX_DEVICES = 16
"""``llama_max_devices()``."""
DEFAULT_CONTEXT = 8192
SMALLEST_CONTEXT = 4096
LARGE_CONTEXTS = (32768, 16384)
PIPELINE_FROM = 4096
"""Tokens of context from which prompts can be long enough for pipeline parallelism to pay."""
MICRO_BATCHES = (1024, 2048, 4096)
"""Larger ones than the default, which are tried where weights are copied from RAM."""
MAX_BATCH_S, GUESSED_BATCH_S = 16.0, 8.0
"""Longest time of a micro-batch; the second where the card or its connection is unknown."""
READING_SHARE, TURN_SHARE = 0.9, 1.11
"""The chosen micro-batch reads at least so fast compared to the fastest, if its turn takes at most so long compared to
the shortest.  Where the speeds are guessed, no layer is given up for the former."""
_REHEARSALS = 5
"""Most rehearsals until the plan no longer changes."""
_AS_GOOD = 0.001
"""Part of a turn by which a rehearsed plan may be slower than another one."""


def plan_model(
    shape: ModelShape,
    devices: Sequence[Device],
    host: HostMemory,
    options: PlanOptions | None = None,
    rehearsed: RehearsedPlan | None = None,
    *,
    is_hopeful: bool = False,
) -> LoadPlan:
    """Plan the load of a model.

    ``is_hopeful``: as if what was not rehearsed took no more than what was, to see whether a plan with more on the
    devices is worth a rehearsal.

    Raises:
        UserError: device_unknown(name, known), tensor_split_length(shares, devices), kv_type_unknown(kv_type, known).
    """
    options, projector = options or PlanOptions(), shape.projector
    if projector is None:
        return _plan_text_model(shape, devices, host, options, rehearsed, is_hopeful)
    less = replace(host, available_bytes=max(0, host.available_bytes - projector.total_bytes))
    on_cpu = _plan_text_model(shape, devices, less, options, rehearsed, is_hopeful)
    own = {each.name for each in devices if not each.is_rpc and each.usable_bytes >= projector.total_bytes}
    name = options.projector_device or next((each.name for each in on_cpu.used_devices if each.name in own), CPU)
    if name in own:
        reserved = [
            replace(device, reserve_bytes=device.reserve_bytes + projector.total_bytes * (device.name == name))
            for device in devices
        ]
        on_device = _plan_text_model(shape, reserved, host, options, rehearsed, is_hopeful)
        is_as_good = on_device.verdict == on_cpu.verdict and on_device.context >= on_cpu.context
        if options.projector_device or is_as_good:
            return _with_projector(on_device, name, projector)
    return _with_projector(on_cpu, CPU, projector)


def _with_projector(plan: LoadPlan, name: str, projector: Projector) -> LoadPlan:
    """Show the memory that was reserved for the projector on this device, or in RAM."""
    size, host = projector.total_bytes, plan.host
    devices = tuple(
        replace(each, reserve_bytes=each.reserve_bytes - size, projector_bytes=size) if each.name == name else each
        for each in plan.devices
    )
    if name == CPU:
        host = replace(host, available_bytes=host.available_bytes + size, projector_bytes=size)
    spec = replace(plan.spec, projector=str(projector.path), projector_device=name)
    return replace(plan, spec=spec, devices=devices, host=host)


def _plan_text_model(
    shape: ModelShape,
    devices: Sequence[Device],
    host: HostMemory,
    options: PlanOptions,
    rehearsed: RehearsedPlan | None,
    is_hopeful: bool,
) -> LoadPlan:
    chosen, reasons = _choose_devices(tuple(devices), options)
    earlier = rehearsed.all if rehearsed else ()
    for each in earlier:
        options = replace(options, **_refused(each))
    earlier = tuple(_without_refused(each) for each in earlier)
    base = Problem(shape, chosen, host, options)
    corrections = tuple(found for each in earlier for found in _corrections(base, each))
    base = replace(base, corrections=corrections, is_hopeful=is_hopeful)
    placement, more = _decide(base)
    if shape.cache.has_windows and options.full_windows is None:
        own = replace(base, options=replace(options, full_windows=False))
        windowed, windowed_reasons = _decide(own)
        if _preference(windowed) < _preference(placement):
            base, placement, more = own, windowed, (*windowed_reasons, "own_windows")
    placement, more = _with_micro_batch(base, placement, more)
    best = with_single_matrices(_finished(placement))
    found = [old for each in earlier if (old := _rehearsed_placement(best, each.plan))]
    placement = _with_attention(min(found, key=turn_seconds, default=best))
    return _assemble(placement, (*reasons, *more, *_general_reasons(placement, rehearsed)))


def plan_with_rehearsals(
    shape: ModelShape,
    devices: Sequence[Device],
    host: HostMemory,
    options: PlanOptions | None,
    rehearse: Callable[[LoadPlan], Rehearsal | None],
) -> tuple[LoadPlan, RehearsedPlan | None]:
    """Plan with rehearsed buffers; returns the last rehearsal too, for the plans that follow.

    ``rehearse`` returns None where the engine cannot rehearse; then the estimate holds, with the reason
    "not_rehearsed".  It is called once where the estimate was right, up to five times where the plan changes with the
    result, or where experts are in RAM and a hopeful plan has more on the devices.
    """
    best = plan_model(shape, devices, host, options)
    rehearsed: RehearsedPlan | None = None
    keys: set[tuple[object, ...]] = set()
    next_one = best
    while len(keys) < _REHEARSALS and (rehearsal := rehearse(next_one)) is not None:
        keys.add(_placement_key(next_one))
        rehearsed = RehearsedPlan(next_one, rehearsal, rehearsed)
        next_one = best = plan_model(shape, devices, host, options, rehearsed)
        if _placement_key(best) in keys and best.experts_in_ram:
            next_one = plan_model(shape, devices, host, options, rehearsed, is_hopeful=True)
        if _placement_key(next_one) in keys:
            break
    return best, rehearsed


def _placement_key(plan: LoadPlan) -> tuple[object, ...]:
    layers, spec = tuple(device.layers for device in plan.devices), plan.spec
    experts = spec.experts_in_ram, spec.stacks_on_devices
    return layers, experts, spec.pipeline, spec.context, spec.kv_type, spec.micro_batch, spec.full_windows


def _preference(placement: Placement) -> tuple[object, ...]:
    """Sort key of placements with and without full windows, the best first."""
    spec, (verdict, *layers) = placement.problem.spec, placement.rank
    return verdict, -(spec.context or 0), layers, spec.kv_type != "f16"


def _decide(base: Problem) -> tuple[Placement, tuple[str, ...]]:
    """Choose the context, the cache type and the placement; returns the reasons too."""
    fixed, trained = base.options.context, base.shape.trained_context
    if fixed is not None and fixed > 0:
        context = min(fixed, trained) if trained else fixed
        placement, reasons = _best_at(base, padded(context))
        capped = ("context_above_trained",) if trained and fixed > trained else ()
        return placement, (*capped, *reasons, *_smaller_context_hint(base, placement))
    for large in LARGE_CONTEXTS:
        if trained and padded(trained) < large:
            continue
        kv_type, kv_reasons = _fixed_kv_type(base)
        found = all_on_devices(base.at(large, kv_type))
        if found is not None and found.verdict == "gpu":
            return found, ("context_chosen", *kv_reasons)
    contexts = [min(each, padded(trained)) if trained else each for each in (DEFAULT_CONTEXT, SMALLEST_CONTEXT)]
    best, reasons = _best_at(base, contexts[0])
    if contexts[1] < contexts[0] and best.verdict != "gpu":
        smaller, smaller_reasons = _best_at(base, contexts[1])
        if smaller.rank[0] < best.rank[0]:
            best, reasons = smaller, smaller_reasons
    return best, ("context_chosen", *reasons)


def _with_micro_batch(
    base: Problem, placement: Placement, reasons: tuple[str, ...]
) -> tuple[Placement, tuple[str, ...]]:
    """Choose the micro-batch, with the cache type that is best with it."""
    context, options = placement.problem.spec.context or 0, base.options
    is_open = options.micro_batch is None and options.batch is None
    if not is_open or placement.offloads_to is None or placement.verdict == "does_not_fit":
        return placement, reasons
    others = tuple(reason for reason in reasons if not reason.startswith("q8_0_"))
    candidates = [(placement, reasons)]
    is_guessed = is_speed_guessed(placement) or placement.offloads_to.link_bytes_per_s is None
    share, longest_s = (1.0, GUESSED_BATCH_S) if is_guessed else (TURN_SHARE, MAX_BATCH_S)
    for size in MICRO_BATCHES:
        larger, kv_reasons = _best_at(replace(base, options=replace(options, micro_batch=size)), context)
        if larger.verdict != placement.verdict or batch_seconds(larger, size) > longest_s:
            break
        candidates.append((larger, (*others, *kv_reasons)))
    turns = [turn_seconds(each) for each, _ in candidates]
    speeds = [prompt_tokens_per_second(each) for each, _ in candidates]
    short = [number for number, turn in enumerate(turns) if turn <= share * min(turns)]
    fast = [number for number in short if speeds[number] >= READING_SHARE * max(speeds)]
    best = min(fast, key=lambda number: turns[number]) if fast else max(short, key=lambda number: speeds[number])
    return candidates[best]


def _with_attention(placement: Placement) -> Placement:
    """Turn flash attention off on the CPU alone with a 16-bit cache, if RAM holds the larger buffers."""
    problem, spec = placement.problem, placement.problem.spec
    is_open = spec.flash_attention is None and spec.kv_type == "f16" and problem.shape.cache.has_attention
    if placement.n_gpu_layers or not is_open or (problem.host.flash_attention_gain or 0.0) > 1:
        return placement
    without = replace(placement, problem=replace(problem, spec=replace(spec, flash_attention=False)))
    return without if without.verdict == placement.verdict else placement


def _best_at(base: Problem, context: int) -> tuple[Placement, tuple[str, ...]]:
    """Choose the better cache type for a context."""
    kv_type, reasons = _fixed_kv_type(base)
    best = best_placement(base.at(context, kv_type))
    if base.options.kv_type != "auto" or not _may_quantise(base) or best.verdict == "gpu":
        return best, reasons
    quantised = best_placement(base.at(context, "q8_0"))
    if quantised.rank < best.rank:
        return quantised, ("q8_0_fits_all" if quantised.verdict == "gpu" else "q8_0_keeps_more",)
    return best, reasons


def _fixed_kv_type(base: Problem) -> tuple[str, tuple[str, ...]]:
    kv_type = base.options.kv_type
    if kv_type == "auto":
        return "f16", ()
    if kv_type not in KV_TYPES:
        raise UserError("kv_type_unknown", kv_type=kv_type, known=list(KV_TYPES))
    if not base.shape.cache.allows(kv_type):
        return "f16", ("kv_type_impossible",)
    needed = kv_type != "f16" and base.options.flash_attention is False
    return kv_type, ("flash_attention_needed",) if needed else ()


def _may_quantise(base: Problem) -> bool:
    cache = base.shape.cache
    is_possible = cache.has_attention and cache.allows("q8_0") and base.options.flash_attention is not False
    return is_possible and not base.lacks_flash_attention


def _smaller_context_hint(base: Problem, placement: Placement) -> tuple[str, ...]:
    is_smallest = (placement.problem.spec.context or 0) <= SMALLEST_CONTEXT
    if is_smallest or not base.devices or placement.verdict == "gpu":
        return ()
    quantised = base.options.kv_type == "auto" and _may_quantise(base)
    kv_type = "q8_0" if quantised else _fixed_kv_type(base)[0]
    fits = all_on_devices(base.at(SMALLEST_CONTEXT, kv_type))
    return () if fits is None else ("smaller_context_fits_gpu",)


def _choose_devices(devices: tuple[Device, ...], options: PlanOptions) -> tuple[tuple[Device, ...], tuple[str, ...]]:
    known = [device.name for device in devices]
    names = options.devices
    if options.split_mode == "none" and options.main_gpu is not None:
        names = (options.main_gpu,)
    if unknown := [name for name in names if name not in known]:
        raise UserError("device_unknown", name=unknown[0], known=known)
    if names:
        devices = tuple(device for device in devices if device.name in names)
    if options.split_mode == "none":
        devices = devices[:1]
    reasons: tuple[str, ...] = ()
    if len(devices) > MAX_DEVICES:
        largest = sorted(devices, key=lambda device: device.usable_bytes, reverse=True)[:MAX_DEVICES]
        devices, reasons = tuple(device for device in devices if device in largest), ("too_many_devices",)
    if options.tensor_split and len(options.tensor_split) != len(devices):
        raise UserError("tensor_split_length", shares=len(options.tensor_split), devices=len(devices))
    return devices, reasons


def _refused(rehearsed: RehearsedPlan) -> dict[str, Any]:
    """What the engine refused of a plan."""
    spec, rehearsal = rehearsed.plan.spec, rehearsed.rehearsal
    refused: dict[str, Any] = {}
    if not rehearsal.pipeline and spec.pipeline:
        refused["pipeline"] = False
    if not rehearsal.flash_attention and spec.flash_attention is not False:
        refused["flash_attention"] = False
    return refused


def _without_refused(rehearsed: RehearsedPlan) -> RehearsedPlan:
    spec = replace(rehearsed.plan.spec, **_refused(rehearsed))
    return replace(rehearsed, plan=replace(rehearsed.plan, spec=spec))


def _corrections(base: Problem, rehearsed: RehearsedPlan) -> Iterator[Correction]:
    """Yield the differences between a rehearsal and what would have been estimated for its plan."""
    spec, rehearsal = rehearsed.plan.spec, rehearsed.rehearsal
    options = replace(
        base.options,
        batch=spec.batch,
        micro_batch=spec.micro_batch,
        output_rows=spec.output_rows,
        full_windows=spec.full_windows,
        flash_attention=spec.flash_attention,
    )
    context = rehearsed.plan.context
    estimated = _placement_of(replace(base, options=options).at(context, spec.kv_type), rehearsed.plan)
    if estimated is None:
        return
    estimated = with_moved(estimated, spec)
    rows = min(spec.n_ubatch, context)
    for device in estimated.used_devices:
        if device.name in rehearsal.compute_bytes:
            use = estimated.uses[device.name]
            size = estimated.problem.compute_bytes(device, use._replace(parts=False))
            yield Correction(device.name, use, rows, rehearsal.compute_bytes[device.name] - size, estimated.layout)
    size = rehearsal.host_compute_bytes - estimated.host.compute_bytes
    yield Correction(HOST, estimated.host_use, rows, size, estimated.layout)


def _placement_of(problem: Problem, plan: LoadPlan) -> Placement | None:
    """The placement of an earlier plan, None where it was made for other devices."""
    if [device.name for device in plan.devices] != [device.name for device in problem.devices]:
        return None
    counts = tuple(len(device.layers) for device in plan.devices)
    return Placement(problem, counts, plan.experts_in_ram, bool(plan.spec.pipeline))


def _rehearsed_placement(best: Placement, plan: LoadPlan) -> Placement | None:
    """The placement of a rehearsed plan, where it is still as good as the best and keeps to the options.

    So a rehearsal confirms a plan instead of moving a layer here and there.
    """
    problem, options = best.problem, best.problem.options
    if (old := _placement_of(problem, plan)) is None:
        return None
    old = with_moved(old, plan.spec)
    compared = ("context", "kv_type", "micro_batch", "full_windows")
    is_same = all(getattr(plan.spec, name) == getattr(problem.spec, name) for name in compared)
    contradicts = (
        (options.tensor_split and options.tensor_split != plan.tensor_split)
        or (options.experts_in_ram is not None and old.in_ram != best.in_ram)
        or (options.stacks_on_devices is not None and old.moved != best.moved)
        or (options.pipeline is not None and old.pipeline is not options.pipeline)
        or plan.spec.split_mode != options.split_mode
    )
    if not is_same or contradicts or old.rank[:2] != best.rank[:2]:
        return None
    return old if turn_seconds(old) <= turn_seconds(best) * (1 + _AS_GOOD) else None


def _general_reasons(placement: Placement, rehearsed: RehearsedPlan | None) -> Iterator[str]:
    problem = placement.problem
    if placement.verdict == "does_not_fit":
        yield "wish_too_large" if placement.exceeds_a_device else "ram_too_small"
    if placement.may_repack and not placement.repacks:
        yield "repacking_off"
    if not problem.devices:
        yield "no_gpu"
    elif 0 in placement.counts:
        yield "device_unused"
    if problem.shape.cache.estimated:
        yield "cache_estimated"
    if problem.options.split_mode in ("row", "tensor"):
        yield "split_mode_estimated"
    if _refuses_offload(placement):
        yield "no_offload"
    if is_speed_guessed(placement):
        yield "speed_guessed"
    if rehearsed is None:
        yield "not_rehearsed"


def _refuses_offload(placement: Placement) -> bool:
    """Whether the first device leaves prompts with weights in RAM to the CPU, although its backend would copy them."""
    in_ram = placement.in_ram or 0 < placement.n_gpu_layers <= placement.problem.shape.n_layer
    return bool(in_ram) and placement.used_devices[0].offloads is False and not placement.used_devices[0].is_rpc


def _assemble(placement: Placement, reasons: tuple[str, ...]) -> LoadPlan:
    problem, options = placement.problem, placement.problem.options
    shares = options.tensor_split or tuple(map(float, placement.counts))
    split = {device.name: share for device, share in zip(problem.devices, shares, strict=True) if share > 0}
    spec = replace(
        problem.spec,
        flash_attention=_flash_attention(placement),
        devices=tuple(split) or (CPU,),
        tensor_split=tuple(split.values()),
        n_gpu_layers=placement.n_gpu_layers,
        experts_in_ram=placement.in_ram,
        stacks_on_devices=moved_in_spec(placement),
        main_gpu=options.main_gpu if options.main_gpu in split else None,
        pipeline=placement.pipeline,
        repack=placement.repacks,
        offload_min_batch=problem.spec.offload_min_batch or offload_min_batch(placement),
        mmap=False if placement.reads_file else options.mmap,
    )
    return LoadPlan(
        verdict=placement.verdict,
        spec=spec,
        n_layer=problem.shape.n_layer,
        devices=placement.devices,
        host=placement.host,
        output_copy_bytes=problem.shape.tied_output.total if placement.n_gpu_layers else 0,
        unused_bytes=problem.shape.unused.total,
        tokens_per_second_estimate=tokens_per_second(placement),
        prompt_tokens_per_second_estimate=prompt_tokens_per_second(placement),
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _flash_attention(placement: Placement) -> bool | None:
    problem = placement.problem
    if problem.spec.kv_type != "f16":
        return True
    # Between layers in RAM and layers on a device the engine's own test finds an operation on the wrong side and turns
    # flash attention off for all of them, and then its buffers grow many times over.
    mixed = 0 < placement.n_gpu_layers <= problem.shape.n_layer and problem.shape.cache.has_attention
    return True if mixed and problem.spec.flash_attention is None else problem.spec.flash_attention


def _finished(placement: Placement) -> Placement:
    """Balance the devices, with pipeline parallelism where it fits and pays."""
    problem, options = placement.problem, placement.problem.options
    pays = (problem.spec.context or 0) >= PIPELINE_FROM or options.pipeline is True
    candidates: list[Placement | None] = [balanced(placement)]
    if placement.verdict == "gpu" and options.pipeline is not False and options.split_mode == "layer" and pays:
        candidates = [with_pipeline(problem), *candidates]
    # RAM may hold the one and not the other: larger buffers, other experts.
    return next((each for each in candidates if each and each.verdict == placement.verdict), placement)
