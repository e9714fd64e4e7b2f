"""Estimates of a plan's speed: of generation, the time to read all weights that one token needs, and of prompts.

Generation of single tokens is bound by memory bandwidth: every dense weight and the weights of the used experts are
read once per token.  Devices work one after the other (split by layers), so their times add up.

The share of a memory's bandwidth that programs reach is from published figures of llama-bench (7B, Q4_0, 3.56 GiB:
RTX 4090 about 185 tokens/s, RTX 3090 160, RX 7900 XTX 120, M1 Max 61, M2 Ultra 88) and, for processors, measured here.
The time to start a layer with experts fits Qwen3-30B-A3B on A10, RTX 3090 Ti and RTX 4090 (tests/plan/test_speed.py).
A processor computes some types more slowly than it reads them; the rates per core are those of a Zen 4 core, with AMX
those of a Xeon core.  One core alone doesn't reach the bandwidth of the memory, and weights that fit into the last
cache level are not read from RAM.

A prompt is bound by computation.  Weights in RAM are copied to the first device for every micro-batch, or computed by
the CPU where that is faster.  The rates are round figures from llama-bench too (pp512 of the same model: RTX 3090 about
5,200 tokens/s, RX 7900 XTX 3,500, M2 Ultra 1,240; a Zen 4 core about 60 GFLOPS); they are modelled, not measured here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from model_manager.devices.devices import Device, HostMemory
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
LAYER_ON_GPU_S, EXPERTS_ON_GPU_S = 40e-6, 80e-6
"""Starting the work of a layer on a GPU: without experts, and with experts there."""
_LAYER_ON_CPU_S = 50e-6
"""Waiting of the threads for each other after each of the fifteen or so steps of a layer."""
_EXPERTS_IN_RAM_S = 100e-6
"""Transfer of a layer's activations to the CPU and back."""

TURN_PROMPT, TURN_ANSWER = 4000, 200
"""Tokens of a turn for which the micro-batch is chosen: a question about a document."""
OFFLOAD_BOUNDS = (8, 256)
UNKNOWN_LINK = 12e9
"""Bytes per second of an unknown connection: PCIe 4.0 x8 or 3.0 x16."""
USUAL_OFFLOAD = 32
"""Tokens of a batch from which backends copy weights from RAM, unless told otherwise."""
_FLOPS_PER_BYTE = {"CUDA": 80, "": 80, "Vulkan": 50, "ROCm": 50, "HIP": 50, "MTL": 20, "Metal": 20}
"""Operations per second for each byte per second of a device's memory."""
_DEFAULT_FLOPS_PER_BYTE = 40
_CORE_FLOPS, _CORE_FLOPS_WITH_AMX = 60e9, 120e9

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
        on_host += [(weights.attention, 1), (weights.dense_ffn, 1)]
        seconds += _LAYER_ON_CPU_S
        host_cache += n_bytes
    on_host += [(weights, used_experts) for _layer, weights in placement.experts.get(None, ())]
    for number, (device, planned) in enumerate(zip(problem.devices, placement.devices, strict=True)):
        own = frozenset(planned.layers)
        n_bytes = used_experts * sum(weights.total for _layer, weights in placement.experts.get(number, ()))
        # The rest of their layers is elsewhere.
        seconds += _EXPERTS_IN_RAM_S * len({layer for layer, _ in placement.experts.get(number, ())} - own)
        for layer in planned.layers:
            if layer == shape.n_layer:
                n_bytes += shape.output.total + shape.tied_output.total
                continue
            weights = shape.layers[layer]
            n_bytes += weights.dense + cache[layer]
            if layer in in_ram:
                seconds += LAYER_ON_GPU_S + _EXPERTS_IN_RAM_S
            else:
                seconds += EXPERTS_ON_GPU_S if weights.experts.total else LAYER_ON_GPU_S
        seconds += n_bytes / _device(problem, device)
    if not placement.n_gpu_layers:
        on_host += [(shape.output, 1), (shape.tied_output, 1)]
    seconds += _host_seconds(problem, on_host, host_cache)
    return 1 / seconds if seconds > 0 else 0.0


def prompt_tokens_per_second(placement: Placement, tokens: int = TURN_PROMPT) -> float:
    """Estimate tokens per second of reading a prompt, in whole micro-batches; 0 for a model without weights."""
    spec = placement.problem.spec
    tokens = max(1, min(tokens, (spec.context or 2 * tokens) // 2))
    batches = math.ceil(tokens / max(1, spec.n_ubatch))
    seconds = batches * batch_seconds(placement, tokens / batches)
    return tokens / seconds if seconds > 0 else 0.0


def turn_seconds(placement: Placement) -> float:
    """Estimate the time to read a prompt of ``TURN_PROMPT`` tokens and write ``TURN_ANSWER``."""
    reading, writing = prompt_tokens_per_second(placement), tokens_per_second(placement)
    return TURN_PROMPT / reading + TURN_ANSWER / writing if reading and writing else math.inf


def batch_seconds(placement: Placement, tokens: float) -> float:
    """Estimate the time to read one batch of a prompt."""
    ram = _InRam(placement)
    seconds = tokens * ram.device_s + min(tokens * ram.host_s, ram.copy_s(tokens) + tokens * ram.copied_s)
    return seconds if ram.target else tokens * (ram.device_s + ram.host_s)


def offload_min_batch(placement: Placement) -> int | None:
    """Return the tokens of a batch from which copying weights from RAM is faster than computing them there.

    None where nothing is copied, or about the engine's default is right.
    """
    ram = _InRam(placement)
    if ram.target is None:
        return None
    sizes = range(OFFLOAD_BOUNDS[0], OFFLOAD_BOUNDS[1] + 1)
    found = next((n for n in sizes if n * ram.host_s > ram.copy_s(n) + n * ram.copied_s), sizes[-1])
    return None if USUAL_OFFLOAD * 0.75 <= found <= USUAL_OFFLOAD * 1.25 else found


class _InRam:
    """Reading a prompt with a placement: seconds per token on devices and the CPU, and the copies of weights."""

    def __init__(self, placement: Placement) -> None:
        problem, shape = placement.problem, placement.problem.shape
        self.target = placement.offloads_to
        self._unused = 1 - min(1.0, shape.widths.experts_used / shape.widths.experts if shape.widths.experts else 1.0)
        flops = 2 * 8 / max(0.1, shape.bits_per_weight)
        """Of one byte of weights and one token."""
        layers = shape.layers[: placement.first_slot]
        self._dense = sum(layer.dense for layer in layers)
        self._experts = sum(weights.total for _layer, weights in placement.experts.get(None, ()))
        host = problem.host
        rate = (problem.options.threads or host.cores) * (_CORE_FLOPS_WITH_AMX if host.has_amx else _CORE_FLOPS)
        in_ram_flops = flops * (self._dense + (1 - self._unused) * self._experts)
        self.host_s = in_ram_flops / rate
        self.copied_s = in_ram_flops / _device_flops(problem, self.target) if self.target else math.inf
        self.device_s = 0.0
        for number, (device, planned) in enumerate(zip(problem.devices, placement.devices, strict=True)):
            experts = sum(weights.total for _layer, weights in placement.experts.get(number, ()))
            # The output is computed for one token only.
            dense = sum(shape.layers[layer].dense for layer in planned.layers if layer < shape.n_layer)
            n_bytes = dense + experts * (1 - self._unused)
            self.device_s += flops * n_bytes / _device_flops(problem, device)
        self._link = (self.target.link_bytes_per_s if self.target else None) or UNKNOWN_LINK
        if self.target and self.target.shares_ram:
            self._link = _ram(problem)

    def copy_s(self, tokens: float) -> float:
        """Seconds to copy the weights that this many tokens use."""
        used: float = 1 - self._unused**tokens
        return (self._dense + used * self._experts) / self._link


def _device_flops(problem: Problem, device: Device) -> float:
    return _device(problem, device) * _FLOPS_PER_BYTE.get(device.backend, _DEFAULT_FLOPS_PER_BYTE)


def is_speed_guessed(placement: Placement) -> bool:
    """Whether the bandwidth of a used device is unknown."""
    used = [device for device in placement.used_devices if not device.shares_ram]
    return any(device.backend == "RPC" or memory_bandwidth(device.description) is None for device in used)


def usable_bandwidth(device: Device, host: HostMemory) -> float:
    """Return the bytes per second that programs read from a device's memory; a guess where the card is unknown."""
    # The hardware behind an RPC server is unknown.
    known = None if device.backend == "RPC" else memory_bandwidth(device.description)
    if known is None and (device.backend == "RPC" or device.shares_ram):
        known = host.bandwidth or UNKNOWN_RAM
    return (known or UNKNOWN_CARD) * _BANDWIDTH_SHARES.get(device.backend, _DEFAULT_BANDWIDTH_SHARE)


def _ram(problem: Problem) -> float:
    return problem.host.bandwidth or UNKNOWN_RAM


def _device(problem: Problem, device: Device) -> float:
    return usable_bandwidth(device, problem.host)


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
