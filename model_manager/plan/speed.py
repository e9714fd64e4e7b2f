"""Estimate of a plan's generation speed: the time to read all weights that one token needs.

Generation of single tokens is bound by memory bandwidth: every dense weight and the weights of the used experts are
read once per token.  Devices work one after the other (split by layers), so their times add up.

The share of a memory's bandwidth that programs reach is from published figures of llama-bench (7B, Q4_0, 3.56 GiB:
RTX 4090 about 185 tokens/s, RTX 3090 160, RX 7900 XTX 120, M1 Max 61, M2 Ultra 88) and, for processors, measured here.
A processor computes some types more slowly than it reads them; the rates per core are those of a Zen 4 core, with AMX
those of a Xeon core.  One core alone doesn't reach the bandwidth of the memory, and weights that fit into the last
cache level are not read from RAM.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from model_manager.devices.devices import Device
from model_manager.devices.gpu_bandwidth import memory_bandwidth
from model_manager.plan.model_shape import Weights
from model_manager.plan.problem import Placement, Problem

UNKNOWN_CARD = 500e9
"""Bytes per second of a GPU that is not in the table: a mid-range card."""
UNKNOWN_RAM = 40e9
"""Bytes per second of RAM that was not measured: two channels of DDR4 or slow DDR5."""
CONTEXT_IN_USE = 1024
"""Tokens of conversation that the estimate reads from the cache."""

_BANDWIDTH_SHARES = {"CUDA": 0.9, "ROCm": 0.6, "HIP": 0.6, "MTL": 0.6, "Metal": 0.6, "Vulkan": 0.75, "RPC": 0.9}
_DEFAULT_BANDWIDTH_SHARE = 0.8
_LAYER_ON_GPU_S = 40e-6
"""Starting the work of a layer on a GPU."""
_LAYER_ON_CPU_S = 50e-6
"""Waiting of the threads for each other after each of the fifteen or so steps of a layer."""
_EXPERTS_IN_RAM_S = 100e-6
"""Transfer of a layer's activations to the CPU and back."""

_PER_CORE = {
    kind: rate * 1e9
    for kind, rate in {
        "IQ1_S": 2.9,
        "IQ1_M": 2.8,
        "IQ2_XXS": 3.0,
        "IQ2_XS": 3.3,
        "IQ2_S": 4.2,
        "IQ3_XXS": 4.0,
        "IQ3_S": 3.8,
        "IQ4_XS": 12,
        "MXFP4": 8,
        "TQ1_0": 5.7,
        "TQ2_0": 15,
        "Q2_K": 12.5,
        "Q3_K": 12,
        "Q4_1": 12.5,
        "Q5_0": 13,
        "Q5_1": 13,
        "Q5_K": 11.5,
        "Q6_K": 25,
        "Q8_0": 25,
        "F16": 29,
        "BF16": 28,
    }.items()
}
_PER_CORE_ELSE = 17e9
_PER_CORE_WITH_AMX = {**_PER_CORE, "Q4_1": 23.5e9}
_CACHED_SHARE = 0.25
"""Weights up to this part of the last cache stay in it from one token to the next."""
_WIDE = 2048
"""The width at which these rates were measured; in narrower networks every row costs more than its bytes."""
_NARROW_COST = 0.15


def tokens_per_second(placement: Placement) -> float:
    """Estimate tokens per second of an answer; 0 for a model without weights."""
    problem, shape, in_ram = placement.problem, placement.problem.shape, frozenset(placement.in_ram)
    used_experts = shape.widths.experts_used / shape.widths.experts if shape.widths.experts else 1.0
    cache = [min(1.0, CONTEXT_IN_USE / (problem.spec.context or 1)) * each for each in problem.kv]
    seconds = 0.0
    host_cache = 0.0
    on_host: list[tuple[Weights, float]] = []
    for weights, n_bytes in zip(shape.layers[: placement.first_slot], cache, strict=False):
        on_host += [(weights.attention, 1), (weights.dense_ffn, 1), (weights.experts, used_experts)]
        seconds += _LAYER_ON_CPU_S
        host_cache += n_bytes
    for device, planned in zip(problem.devices, placement.devices, strict=True):
        n_bytes = 0.0
        for layer in planned.layers:
            if layer == shape.n_layer:
                n_bytes += shape.output.total + shape.tied_output.total
                continue
            weights = shape.layers[layer]
            n_bytes += weights.dense + cache[layer]
            if layer in in_ram:
                on_host.append((weights.experts, used_experts))
                seconds += _EXPERTS_IN_RAM_S
            else:
                n_bytes += weights.experts.total * used_experts
            seconds += _LAYER_ON_GPU_S
        seconds += n_bytes / _device(problem, device)
    if not placement.n_gpu_layers:
        on_host += [(shape.output, 1), (shape.tied_output, 1)]
    seconds += _host_seconds(problem, on_host, host_cache)
    return 1 / seconds if seconds > 0 else 0.0


def is_speed_guessed(placement: Placement) -> bool:
    """Whether the bandwidth of a used device is unknown."""
    used = placement.used_devices
    return any(device.backend == "RPC" or memory_bandwidth(device.description) is None for device in used)


def _ram(problem: Problem) -> float:
    return problem.host.bandwidth or UNKNOWN_RAM


def _device(problem: Problem, device: Device) -> float:
    # The hardware behind an RPC server is unknown.
    known = _ram(problem) if device.backend == "RPC" else memory_bandwidth(device.description)
    return (known or UNKNOWN_CARD) * _BANDWIDTH_SHARES.get(device.backend, _DEFAULT_BANDWIDTH_SHARE)


def _host_seconds(problem: Problem, weights: Iterable[tuple[Weights, float]], cache: float) -> float:
    """Seconds per token for the part in RAM; ``cache``: bytes of KV cache that are read."""
    by_type: dict[str, float] = {}
    for part, share in weights:
        for kind, n_bytes in part.by_type.items():
            by_type[kind] = by_type.get(kind, 0.0) + share * n_bytes
    narrow = max(0.0, _WIDE / max(1, problem.shape.widths.embedding) - 1)
    host, threads = problem.host, problem.options.threads or problem.host.cores
    cores = threads / (1 + _NARROW_COST * narrow)
    rates = _PER_CORE_WITH_AMX if host.has_amx else _PER_CORE
    reading = math.inf
    if sum(by_type.values()) + cache > _CACHED_SHARE * host.cache_bytes:
        reading = min(_ram(problem), threads * (host.core_bandwidth or math.inf))
    seconds = sum(n_bytes / min(reading, cores * rates.get(kind, _PER_CORE_ELSE)) for kind, n_bytes in by_type.items())
    return seconds + cache / min(reading, threads * _PER_CORE_ELSE)
