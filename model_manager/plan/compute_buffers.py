"""Estimates of the engine's compute buffers.

Computed from the tensors that are alive at the same time, with the widths of the network, and fitted to loads by
llama.cpp on RPC and Vulkan devices (llama-cpp-python 0.3.36).  In the formulas E is a vector of the embedding's width
per token, F one of the feed-forward's width per used expert, U one of the embedding's width per used expert, Q the
queries, M the mask of the context and V the logits, all in bytes for one micro-batch:

* feed-forward: M + max(3 F + 3 E, 2 U + 4 E, 2 U + F + E);
* attention: M + 2 E + 3 Q; without flash attention plus 2 E and the whole product of queries and keys;
* output: V + E;
* pipeline parallelism keeps four copies of the inputs of a device: 3 M + 4 E more.

The buffer of a device is the largest of those computed on it.  For 60 layers of width 7168 with feed-forward 20480,
two used experts, micro-batch 512 and 4k of context that is 286 MiB on each of two devices, 354 with pipeline
parallelism, as in a load with an f16 cache; with a q8_0 cache it is one E less.  A device with only the last layer or
the output needs little, because only the rows of the output are computed there, but is counted like the others.  Every
estimate is an upper bound: backends that fuse operations (Vulkan) need up to one E less.  A rehearsal replaces the
estimate (``load_plan.Rehearsal``).
"""

from __future__ import annotations

from dataclasses import dataclass

from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import ModelShape

_VALUE_BYTES = 4
_COPIES = 4
"""GGML_SCHED_MAX_COPIES."""
_SMALL_BYTES = 256 << 10
"""Positions, numbers of tokens and of rows."""
_ROTATION_BYTES = 128 << 10
"""The matrix that rotates keys and values before they are quantised."""

WITH_HOST_BUFFER = frozenset({"", "CUDA", "ROCm", "HIP", "MUSA", "Vulkan", "SYCL", "CANN"})
"""Backends that provide pinned host memory; with one of them weights in RAM are never repacked.  The empty name is a
simulated GPU."""


@dataclass(frozen=True)
class ComputeBufferEstimate:
    """Estimates in bytes for one spec; ``device`` and ``host`` combine them."""

    embedding: int
    masks: int
    attention: int
    dense: int
    experts: int
    host_experts: int
    logits: int
    recurrent: int
    largest_entering: int
    """Input of the first device after layers computed in RAM."""

    def device(
        self, *, experts: bool, output: bool, pipeline: bool, first: bool, after_ram: bool, layers: bool = True
    ) -> int:
        """One device with ``layers`` or with the output alone; ``experts``: it computes with experts."""
        if not layers and not experts:
            return _SMALL_BYTES + self.logits + self.largest_entering + self.embedding
        parts = [self.attention, self.dense]
        if experts:
            parts.append(self.experts)
        if output:
            parts.append(self.logits - self.masks)
        size = _SMALL_BYTES + self.masks + max(parts)
        if after_ram:
            size += self.largest_entering
        if pipeline:
            size += (_COPIES - 1) * self.masks + (4 if first or not self.recurrent else 9) * self.embedding
            size += (4 if first else 6) * self.recurrent
        return size

    def host(self, *, layers: bool, experts: bool, output: bool, pipeline: bool) -> int:
        """Host memory: ``layers`` and ``experts`` that are computed there, whether the output is."""
        parts = [2 * self.embedding]
        if experts or layers:
            parts.append(self.host_experts + (2 * self.embedding if layers else 0))
        if layers:
            parts += [self.attention + self.embedding, self.dense + self.embedding]
        if output:
            parts.append(self.logits - self.masks)
        size = _SMALL_BYTES + self.masks + max(parts)
        return size + ((_COPIES - 1) * (self.masks + self.embedding) if pipeline else 0)


def buffers(shape: ModelShape, spec: LoadSpec) -> ComputeBufferEstimate:
    """Estimate the buffers of a model for a resolved spec (context, batch sizes, cache type)."""
    context = spec.context or 0
    widths, rows = shape.widths, min(spec.n_ubatch, context)
    value = _VALUE_BYTES * rows
    embedding = value * widths.embedding
    queries = value * widths.queries
    masks = _masks(shape, spec, rows)
    attention = 2 * embedding + 3 * queries
    if spec.kv_type != "f16":
        attention += _ROTATION_BYTES
    if shape.cache.has_attention and not spec.may_use_flash_attention:
        attention += value * widths.heads * context + 2 * embedding
    if widths.recurrent:
        attention = max(attention, 2 * embedding + value * (2 * widths.recurrent + 4 * widths.convolution))
    dense = 3 * value * max(widths.dense_ffn, widths.shared_ffn) + 3 * embedding
    expert = value * widths.expert_ffn * widths.experts_used
    entering = embedding * widths.experts_used
    mixture = max(3 * expert + 3 * embedding, 2 * entering + 4 * embedding, 2 * entering + expert + embedding)
    host_mixture = max(3 * expert + 2 * embedding, 2 * entering + 3 * embedding, 2 * entering + expert + embedding)
    return ComputeBufferEstimate(
        embedding=embedding,
        masks=masks,
        attention=attention,
        dense=dense,
        experts=mixture if widths.experts else 0,
        host_experts=host_mixture if widths.experts else 0,
        logits=_VALUE_BYTES * min(rows, spec.output_rows) * widths.vocabulary + embedding,
        recurrent=value * widths.recurrent,
        largest_entering=entering + embedding,
    )


def _masks(shape: ModelShape, spec: LoadSpec, rows: int) -> int:
    cache = shape.cache
    if not cache.has_attention:
        return 0
    value = 2 if spec.may_use_flash_attention else 4
    size = value * rows * (spec.context or 0)
    if cache.has_windows:
        size += value * rows * cache.window_cells(spec)
    return size
