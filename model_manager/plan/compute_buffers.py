"""Estimates of the engine's compute buffers.

Computed from the tensors that are alive at the same time, with the widths of the network, as llama.cpp's allocator
(``ggml-alloc.c``) places them: seen with llama-cpp-python 0.3.36 on RPC, Vulkan and simulated CUDA devices.  In the
formulas E is a vector of the embedding's width per token, F one of the feed-forward's width per used expert, U one of
the embedding's width per used expert, Q the queries, M the masks of the layers on the device and V the logits, all in
bytes for one micro-batch:

* feed-forward: M + 3 F + 3 E, without a gate 2 F; experts: M + 3 E + max(3 F, U + F), with 2 F more where U does not
  fit into what the gate and its input leave;
* attention: M + 2 E + 3 Q; without flash attention plus 2 E and the whole product of queries and keys; ggml-cuda
  converts a quantised cache into f16 inside flash attention: C, the largest cache of a layer in f16, instead of one Q;
  with an indexer two masks of what that chose more;
* output: V + E;
* layers with a state: the projection into it, its input and output of the convolution, and its own output;
* pipeline parallelism keeps four copies of the inputs of a device: 3 M + 4 E more, and with layers that have only a
  state the parts of that which cross from one device to the next;
* inputs of all layers (gemma3n, Gemma-4-E4B) are alive on the first device until its last layer, and their slices are
  inputs of the others, as are caches that layers on one device read from another: once for each layer, because each
  has a separate view.

The first device also computes with weights that are copied to it from RAM, matrix by matrix.  Of the stacks S1 >= S2 of
a layer's experts only one is needed at a time, but what was S2 becomes a gap in which S1 does not fit:

* M + 3 E + max(S2 + 2 F, S1 + F + U), with another F where the activation does not fit into the gap of S2;
* for layers of another device both stacks are alive, because the numbers of the chosen experts lie between them:
  S2 + E + S1;
* layers in RAM: of a feed-forward network's matrices W1 >= W2 one at a time, M + 3 E + W2 + 2 F or 3 F; attention takes
  3 E and the layer's cache more; the masks come behind the first layer's tensors, which leaves a gap of U.

The buffer of a device is the largest of those computed on it.  For 60 layers of width 7168 with feed-forward 20480,
two used experts, micro-batch 512 and 4k of context that is 286 MiB on each of two devices, 354 with pipeline
parallelism, as in a load with an f16 cache.  Where a device has only the last layer, its feed-forward network is not
counted, because only the rows of the output pass it.  Backends that fuse operations (Vulkan) need up to one E less.  A
rehearsal replaces the estimate (``load_plan.Rehearsal``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from model_manager.plan.kv_cache import AttentionRange
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
LIKE_CUDA = frozenset({"", "CUDA", "ROCm", "HIP", "MUSA"})
"""Backends made of ggml-cuda."""


class LayerKinds(NamedTuple):
    """What the layers on a device do."""

    attends: bool = True
    has_windows: bool = True
    has_state: bool = True
    has_ffn: bool = True
    """A feed-forward network besides the experts."""


class DeviceUse(NamedTuple):
    """What a device computes, on which its compute buffer depends.

    ``experts``: it has experts in its memory; ``ram_layers``: there are layers in RAM; ``experts_out``: there are
    layers on devices whose experts are in RAM; ``layers`` is false for the output alone; ``staged``: stacks of experts
    that the first device holds while they are copied from RAM, two where some belong to another device; ``copied``:
    bytes of other devices' tensors that its layers read; ``leaves``: bytes of tensors that its layers keep throughout.
    """

    experts: bool
    output: bool
    pipeline: bool
    first: bool
    ram_layers: bool
    experts_out: bool
    layers: bool = True
    staged: int = 1
    inner: bool = True
    """It has other layers than the last, behind whose attention only the rows of the output are computed."""
    kinds: LayerKinds = LayerKinds()
    copied: int = 0
    leaves: int = 0
    parts: bool = False
    """It has some of a layer's experts, and others are elsewhere."""
    stacks: tuple[int, int] | None = None
    """Bytes of the two largest matrices of a layer's experts in RAM, if known."""


class HostUse(NamedTuple):
    """What is computed in host memory: layers, experts, the output; with pipeline parallelism on the devices."""

    layers: bool
    experts: bool
    output: bool
    pipeline: bool


@dataclass(frozen=True)
class ComputeBufferEstimate:
    """Estimates in bytes for one spec; ``device`` and ``host`` combine them."""

    embedding: int
    mask: int
    """Of layers that attend to everything."""
    window_mask: int
    decay: int
    """What linear attention (MiniMax-01) forgets from token to token."""
    attention: int
    f16_cache: int
    """The largest cache of a layer in f16, where the cache is quantised."""
    ram_cache: int
    """The largest cache of a layer."""
    state: int
    dense: int
    experts: int
    host_experts: int
    logits: int
    expert_ffn: int
    entering: int
    chosen: int
    """Numbers of the experts, ranked for each token."""
    recurrent: int
    """What crosses from one device to the next, in models without attention."""
    state_inputs: int
    layer_inputs: int
    streams: int
    stacks: tuple[int, int]
    """The two largest matrices of experts of one layer."""
    matrices: tuple[int, int]
    """The two largest of a feed-forward network."""
    ffn: int
    kept: int
    """Output of the attention, where it waits for the feed-forward network of the same input."""

    @property
    def parts(self) -> int:
        """Results that leave or enter a device between the matrices of a layer's experts."""
        return self.expert_ffn + self.embedding

    @property
    def masks(self) -> int:
        """Masks of all layers."""
        return self.mask + self.window_mask + self.decay

    def device(self, use: DeviceUse, *, like_cuda: bool, copies_weights: bool) -> int:
        """One device, without ``parts``; with ggml-cuda's memory where ``like_cuda``; whether it copies weights."""
        kinds, copies_weights = use.kinds, copies_weights and use.first and (use.ram_layers or use.experts_out)
        if not (use.layers or use.experts or copies_weights):
            return _SMALL_BYTES + self.logits + self.embedding
        masks = (self.mask if kinds.attends else 0) + (self.window_mask if kinds.has_windows else 0)
        masks += self.decay if kinds.has_state else 0
        f16_cache = self.f16_cache if like_cuda else 0
        kept = self.kept + f16_cache if self.kept else 0
        parts = [self.embedding]
        if kinds.attends or kinds.has_windows:
            parts.append(self.attention + f16_cache)
        if kinds.has_state:
            parts.append(self.state + kept)
        inner = use.inner or self.streams > 0  # several streams are computed to the end
        if kinds.has_ffn and inner:
            # The input of the first layer is among the copies of pipeline parallelism.
            parts.append(self.dense + kept - (self.embedding if use.pipeline else 0))
        if use.experts and inner:
            parts.append(self.experts + kept)
        if use.output:
            parts.append(self.logits + self.embedding - masks)
        size = masks + max(parts)
        if copies_weights:
            size = max(size, self._with_copied_weights(use, f16_cache, kept))
        size += _SMALL_BYTES + use.leaves + use.copied * (_COPIES if use.pipeline else 1)
        size += self.streams
        if use.first and self.layer_inputs:
            size += self.layer_inputs + self.embedding
        if use.pipeline:
            size += (_COPIES - 1) * masks + _COPIES * self.embedding
            size += _COPIES * (self.layer_inputs if use.first or self.streams else 0)
            size += _COPIES * (self.embedding + 2 * self.streams if self.streams else 0)
            size += _COPIES * self.recurrent if use.first else 6 * self.recurrent + self.state_inputs
        return size

    def _with_copied_weights(self, use: DeviceUse, f16_cache: int, kept: int) -> int:
        parts = [0]
        first, second = use.stacks or self.stacks
        gate = second + (3 if self.expert_ffn > second else 2) * self.expert_ffn
        if first:
            mixture = 3 * self.embedding + max(gate, first + self.expert_ffn + self.entering)
            parts.append(max(self.experts, mixture) + kept)
            if use.staged > 1 and use.experts_out:
                parts.append(second + self.embedding + self.chosen + max(first, gate - second) - self.masks)
        if use.ram_layers:
            if first:
                parts.append(parts[1] + self.entering)
            parts.append(self.attention + 3 * self.embedding + self.ram_cache + f16_cache)
            first, second = self.matrices
            parts.append(3 * self.embedding + second + (3 if self.ffn > second else 2) * self.ffn + kept)
            if kept and first > 2 * self.ffn:
                parts.append(6 * self.embedding + second + first + self.ffn + kept)
        return self.masks + max(parts)

    def host(self, use: HostUse) -> int:
        """Host memory."""
        parts = [2 * self.embedding]
        if use.experts or use.layers:
            parts.append(self.host_experts + (2 * self.embedding if use.layers else 0))
        if use.layers:
            parts += [max(self.attention, self.state) + self.embedding, self.dense + self.embedding]
        if use.output:
            parts.append(self.logits + self.embedding - self.masks)
        size = _SMALL_BYTES + self.masks + max(parts) + self.layer_inputs * (2 if use.layers else 1)
        return size + ((_COPIES - 1) * (self.masks + self.embedding) if use.pipeline else 0)


def buffers(shape: ModelShape, spec: LoadSpec, *, like_cuda: bool = False) -> ComputeBufferEstimate:
    """Estimate the buffers of a model for a resolved spec (context, batch sizes, cache type).

    ``like_cuda``: a device has ggml-cuda, whose flash attention does not know all head sizes.
    """
    context, cache = spec.context or 0, shape.cache
    widths, rows = shape.widths, min(spec.n_ubatch, context)
    value = _VALUE_BYTES * rows
    embedding = value * widths.embedding
    flash = uses_flash_attention(shape, spec, like_cuda=like_cuda)
    attention = 2 * embedding + 3 * value * widths.queries
    if spec.kv_type != "f16":
        attention += _ROTATION_BYTES
    if cache.has_attention and not flash:
        attention += value * widths.heads * context + 2 * embedding
    ram_cache, f16_cache = _largest_caches(shape, spec)
    state = 2 * embedding + value * widths.state
    gated = 3 if widths.gated else 2
    dense = gated * value * max(widths.dense_ffn, widths.shared_ffn) + 3 * embedding
    expert = value * widths.expert_ffn * widths.experts_used
    entering = embedding * widths.experts_used
    # The output of the experts takes the place of their gate and their input, where it fits into these.
    halves = 2 * expert if widths.gated and entering > 2 * expert else 0
    mixture = 3 * embedding + max(gated * expert, entering + expert + halves)
    host_mixture = max(3 * expert + 2 * embedding, 2 * entering + 3 * embedding, 2 * entering + expert + embedding)
    if widths.indexer:
        attention += 2 * value * max(widths.indexer, context)
    if widths.ranking_heads:
        attention += value * context * (2 * widths.ranking_heads + 1)
    mask = rows * ((2 if flash else 4) + (2 if widths.indexer else 0))
    stacks = max(((each.experts.largest, each.experts.second) for each in shape.layers), default=(0, 0))
    only_states = widths.recurrent > 0 and not cache.has_attention
    return ComputeBufferEstimate(
        embedding=embedding,
        mask=mask * context if cache.attends_everywhere else 0,
        window_mask=mask * cache.window_cells(spec) if cache.has_windows else 0,
        decay=value * rows * widths.decay_heads,
        attention=attention,
        f16_cache=max(0, f16_cache - value * widths.queries) if spec.kv_type != "f16" else 0,
        ram_cache=ram_cache,
        state=state,
        dense=dense,
        experts=mixture if widths.experts else 0,
        host_experts=host_mixture if widths.experts else 0,
        logits=_VALUE_BYTES * min(rows, spec.output_rows) * widths.vocabulary,
        expert_ffn=expert,
        entering=entering,
        chosen=value * widths.experts,
        recurrent=value * widths.recurrent if only_states else 0,
        state_inputs=embedding * (2 if widths.convolution else 5) if only_states else 0,
        layer_inputs=value * widths.layer_inputs,
        streams=embedding * widths.streams,
        stacks=stacks,
        matrices=max(((each.dense_ffn.largest, each.dense_ffn.second) for each in shape.layers), default=(0, 0)),
        ffn=value * max(widths.dense_ffn, widths.shared_ffn),
        kept=value * widths.queries if widths.parallel else 0,
    )


class IndexBytes(NamedTuple):
    """Bytes by layer for what an indexer chose from the context."""

    leaves: tuple[int, ...]
    """Kept on the layer's device while anything is computed."""
    inputs: tuple[int, ...]
    """Inputs of every device."""
    copied: tuple[int, ...]
    """Copied from the first device to the others."""


def index_bytes(shape: ModelShape, spec: LoadSpec) -> IndexBytes:
    """Estimate the memory of indexers."""
    context, kind = spec.context or 0, shape.widths.index
    rows = _VALUE_BYTES * min(spec.n_ubatch, context)

    def of_layers(size: float) -> tuple[int, ...]:
        return tuple(
            round(size) if layer.indexes or (kind.shares and layer.key_values) else 0 for layer in shape.cache.layers
        )

    chosen = rows * min(context, shape.widths.index_chosen)
    return IndexBytes(
        of_layers(kind.leaves * chosen),
        of_layers(kind.inputs * rows * context),
        of_layers(kind.copied * rows * context),
    )


def uses_flash_attention(shape: ModelShape, spec: LoadSpec, *, like_cuda: bool) -> bool:
    """Whether flash attention is used: where the engine chooses, it is left off if a device lacks it."""
    is_open = spec.flash_attention is None and spec.kv_type == "f16"
    return spec.may_use_flash_attention and not (is_open and like_cuda and not shape.cache.has_flash_on_cuda)


def _largest_caches(shape: ModelShape, spec: LoadSpec) -> tuple[int, int]:
    """Return the bytes of the largest cache of a layer, as it is and in f16."""
    cache, f16 = shape.cache, 0
    bytes_of_layers = cache.layer_bytes(spec)
    largest = 0
    for layer, n_bytes in zip(cache.layers, bytes_of_layers, strict=True):
        if layer.attends is not AttentionRange.NOWHERE:
            cells = cache.window_cells(spec) if layer.attends is AttentionRange.WINDOW else spec.context or 0
            largest = max(largest, n_bytes - layer.state_bytes)
            f16 = max(f16, 2 * cells * (layer.key_values + layer.value_values))
    return largest, f16
