"""Shape of a model for planning: weights and cache of each layer, and the widths of its computations.

Everything comes from the headers' tensors and keys, nothing from file names.  Their placement is left to ``placement``.

Source of which tensor belongs to the input, to a layer or to the output: ``LLM_TENSOR_INFOS`` in
``src/llama-arch.cpp`` of llama.cpp, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from model_manager.devices.devices import TILED_WITH_AMX
from model_manager.gguf.header import GgufHeader, TensorInfo
from model_manager.gguf.projector import Projector
from model_manager.plan.kv_cache import RECURRENT_INTERVAL, AttentionRange, CacheRules, HeaderKeys, cache_rules

_BLOCK = re.compile(r"(?:enc\.|dec\.)?blk\.([0-9]{1,3})\.(.+)")
_STACKED_EXPERTS = re.compile(r"ffn_(up|down|gate|gate_up)_(ch|)exps")
"""The engine's pattern of tensors that stay in RAM (``common/fit.cpp``)."""
_ONE_EXPERT = re.compile(r"ffn_(up|gate|down)\.[0-9]+\.weight")
_INPUT = ("token_embd.", "position_embd.", "token_types.", "per_layer_token_embd.")
_FIRST_LAYER = (
    "token_embd_norm.",
    "rope_freqs.",
    "rope_factors_",
    "per_layer_model_proj.",
    "per_layer_proj_norm.",
    "hrm.z_l_init",
)
"""Tensors without a layer number that the engine places with layer 0."""
_STATES_ON_CUDA = ((1,), (16,))
"""Rows of ``ssm_a`` with which ggml-cuda scans a state (``GGML_OP_SSM_SCAN``): Mamba-2, and Mamba-1 with this state."""
_WITHOUT_OUTPUT = frozenset({"bitnet", "eurobert", "modern-bert", "neo-bert"})
"""Architectures that compute their output on the host with the token embedding, or none."""
_PARALLEL = frozenset({"arctic", "cohere2", "cohere2moe", "command-r", "falcon-h1"})
"""Architectures whose attention and feed-forward network have the same input; the output of the former is
projected last."""
_ATTENTION, _DENSE_FFN = "attention", "dense"
_ROUTER_AND_NORMS = ("ffn_norm", "ffn_gate_inp", "ffn_exp_probs", "ffn_post_norm", "ffn_pre_norm")


@dataclass(frozen=True)
class Weights:
    """Bytes of a group of tensors: in total, by type, those that can be repacked, and of the largest."""

    total: int = 0
    by_type: Mapping[str, int] = field(default_factory=dict)
    repackable: Mapping[str, int] = field(default_factory=dict)
    """By type, matrices with a multiple of eight rows, which the engine may copy into the processor's own order."""
    largest: int = 0
    tileable: Mapping[str, int] = field(default_factory=dict)
    """By type, those of them that a processor with AMX converts to tiles."""
    stacked: int = 0
    """Bytes of stacks of matrices in quantised types."""
    second: int = 0
    """Bytes of the second largest."""

    def repacked(self, types: frozenset[str], *, amx: bool) -> int:
        """Bytes of the engine's copies on a processor that repacks these types."""
        tiles = self.tileable if amx else {}
        rows = sum(n_bytes - tiles.get(kind, 0) for kind, n_bytes in self.repackable.items() if kind in types)
        return rows + sum(round(n_bytes * TILED_WITH_AMX[kind]) for kind, n_bytes in tiles.items())

    def tile_surplus(self) -> int:
        """Bytes by which tiles are larger than their matrices."""
        return sum(round(n_bytes * (TILED_WITH_AMX[kind] - 1)) for kind, n_bytes in self.tileable.items())


def _weigh(tensors: Iterable[TensorInfo]) -> Weights:
    total = largest = second = 0
    by_type: dict[str, int] = {}
    repackable: dict[str, int] = {}
    tileable: dict[str, int] = {}
    stacked = 0
    for tensor in tensors:
        total += tensor.n_bytes
        by_type[tensor.type] = by_type.get(tensor.type, 0) + tensor.n_bytes
        if len(tensor.shape) > 1:
            largest, second = max(largest, tensor.n_bytes), max(second, min(largest, tensor.n_bytes))
            if tensor.shape[1] % 8 == 0:
                repackable[tensor.type] = repackable.get(tensor.type, 0) + tensor.n_bytes
            if _fills_tiles(tensor):
                tileable[tensor.type] = tileable.get(tensor.type, 0) + tensor.n_bytes
            if len(tensor.shape) > 2 and tensor.type in TILED_WITH_AMX and tensor.type != "F16":
                stacked += tensor.n_bytes
    return Weights(total, by_type, repackable, largest, tileable, stacked, second)


def _fills_tiles(tensor: TensorInfo) -> bool:
    """``supports_op`` in ``ggml/src/ggml-cpu/amx/amx.cpp``."""
    if len(tensor.shape) != 2 or tensor.type not in TILED_WITH_AMX or tensor.shape[1] % 32:
        return False
    return tensor.shape[0] % {"F16": 16, "Q4_0": 32, "Q4_1": 32, "Q8_0": 32}.get(tensor.type, 256) == 0


def _sum(parts: Iterable[Weights]) -> Weights:
    parts = tuple(parts)

    def by_type(kinds: Iterable[Mapping[str, int]]) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for each in kinds:
            sums.update(each)
        return dict(sums)

    *_, second, largest = sorted(size for each in (*parts, Weights()) for size in (each.largest, each.second))
    return Weights(
        sum(each.total for each in parts),
        by_type(each.by_type for each in parts),
        by_type(each.repackable for each in parts),
        largest,
        by_type(each.tileable for each in parts),
        sum(each.stacked for each in parts),
        second,
    )


@dataclass(frozen=True)
class LayerWeights:
    """One layer.  ``attention`` includes norms, router, recurrent and all other parts.

    ``stacks`` are its experts by what they compute: "up", "gate", "down", or "gate_up" for two of these in one.
    """

    attention: Weights = field(default_factory=Weights)
    dense_ffn: Weights = field(default_factory=Weights)
    stacks: Mapping[str, Weights] = field(default_factory=dict)

    @cached_property
    def experts(self) -> Weights:
        """All experts."""
        return _sum(self.stacks.values())

    @property
    def dense(self) -> int:
        """Bytes of the layer without its experts."""
        return self.attention.total + self.dense_ffn.total


@dataclass(frozen=True)
class IndexWidths:
    """What the choice of an indexer takes, in numbers of four bytes for each token of a batch.

    ``leaves`` for each token chosen, ``inputs`` and ``copied`` for each of the context: as in
    ``compute_buffers.IndexBytes``.  ``shares``: layers without an indexer use the choice of another.
    """

    leaves: float = 0
    inputs: float = 0
    copied: float = 0
    shares: bool = False


_INDEXES = {
    "deepseek32": IndexWidths(leaves=1),
    "dots3note": IndexWidths(leaves=1),
    "glm-dsa": IndexWidths(leaves=1),
    "glm5-next": IndexWidths(inputs=1.5),
    "hy_v4": IndexWidths(leaves=1, shares=True),
    "minimax-m3": IndexWidths(copied=1),
}


@dataclass(frozen=True)
class TensorWidths:
    """Elements per token in the network's computations, from the header."""

    embedding: int
    queries: int
    heads: int
    dense_ffn: int
    expert_ffn: int
    shared_ffn: int
    experts_used: int
    experts: int
    vocabulary: int
    recurrent: int
    """Of the state's input."""
    convolution: int
    state: int
    """All that is alive at the same time in a layer with a state."""
    gated: bool = True
    """Whether the feed-forward networks have a gate."""
    parallel: bool = False
    """Whether attention and feed-forward network have the same input, and their outputs are added."""
    index: IndexWidths = field(default_factory=IndexWidths)
    index_chosen: int = 0
    """Tokens of the context that an indexer chooses."""
    indexer: int = 0
    """Queries of the indexer that chooses from the context, in architectures that mark its choice for each layer."""
    ranking_heads: int = 0
    """Heads that rank the whole context for each token (MiniMax-M3)."""
    decay_heads: int = 0
    """Heads of linear attention for which the engine computes a decay from every token to every other."""
    layer_inputs: int = 0
    """Inputs of all layers besides the embedding."""
    streams: int = 0
    """Vectors of the embedding's width that go from layer to layer, where there are several."""


@dataclass(frozen=True)
class AttentionShape:
    """What determines the speed of attention: heads of queries, those of keys and values, their width, and layers."""

    heads: int
    key_heads: int
    width: int
    layers: int


@dataclass(frozen=True)
class ModelShape:
    """A whole model, from the headers of all its files.

    ``embedding`` is the input side, which is in host memory in every plan; ``output`` are the output's own tensors.
    ``tied_output``: there is no output matrix and the engine copies the token embedding to the output's device.
    ``not_on_cuda``: bytes of each layer that stay in host memory where its device has ggml-cuda.  ``unused`` are
    tensors that the engine does not load (layers for predicting several tokens at once).
    """

    layers: tuple[LayerWeights, ...]
    embedding: Weights
    output: Weights
    tied_output: Weights
    unused: Weights
    not_on_cuda: tuple[int, ...]
    cache: CacheRules
    widths: TensorWidths
    trained_context: int | None
    file_bytes: int
    parameters: int
    projector: Projector | None = None
    """With which the model reads pictures."""

    @property
    def n_layer(self) -> int:
        """Layers in the engine's split (``block_count``)."""
        return len(self.layers)

    @property
    def has_experts(self) -> bool:
        """Whether any layer has experts."""
        return any(layer.experts.total for layer in self.layers)

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors in the files, each once."""
        layers = sum(layer.dense + layer.experts.total for layer in self.layers)
        return layers + self.embedding.total + self.output.total + self.unused.total

    @property
    def attention(self) -> AttentionShape | None:
        """What determines the speed of attention; None where it differs between layers or isn't the usual one."""
        with_cache = [each for each in self.cache.layers if each.attends is not AttentionRange.NOWHERE]
        heads, sizes = self.widths.heads, self.cache.head_sizes
        rows = {row for each in with_cache for row in (each.key_values, each.value_values)}
        if len(sizes) != 1 or len(rows) != 1:
            return None
        key_heads, rest = divmod(rows.pop(), sizes[0])
        is_usual = key_heads > 0 and not rest and heads % key_heads == 0 and self.widths.queries == heads * sizes[0]
        return AttentionShape(heads, key_heads, sizes[0], len(with_cache)) if is_usual else None

    @property
    def bits_per_weight(self) -> float:
        """Mean bits per weight, a measure of quality among quantisations of one model."""
        return 8 * self.tensor_bytes / max(1, self.parameters)


def read_model_shape(headers: Sequence[GgufHeader]) -> ModelShape:
    """Group the tensors of all files of a model and read its keys, in some milliseconds for a large model."""
    first = headers[0]
    tensors = [tensor for header in headers for tensor in header.tensors]
    count = first.block_count or _layers_named(tensors)
    used = count - HeaderKeys(first).number("nextn_predict_layers")
    parts: list[dict[str, list[TensorInfo]]] = [{} for _ in range(count)]
    embedding: list[TensorInfo] = []
    output: list[TensorInfo] = []
    unused: list[TensorInfo] = []
    not_on_cuda = [0] * count
    output_norm_of_lfm2 = HeaderKeys(first).architecture.startswith("lfm2")
    for tensor in tensors:
        match = _BLOCK.match(tensor.name)
        if match and int(match[1]) < count:
            number = int(match[1])
            if tensor.name.endswith(".ssm_a") and tensor.shape[:1] not in _STATES_ON_CUDA:
                not_on_cuda[number] += tensor.n_bytes
            (parts[number].setdefault(_part(match[2]), []) if number < used else unused).append(tensor)
        elif tensor.name.startswith(_INPUT):
            embedding.append(tensor)
        elif parts and tensor.name.startswith(_FIRST_LAYER) and not output_norm_of_lfm2:
            parts[0].setdefault(_ATTENTION, []).append(tensor)
        else:
            output.append(tensor)
    names = {tensor.name: tensor for tensor in tensors}
    has_output = HeaderKeys(first).architecture not in _WITHOUT_OUTPUT
    tied = has_output and "output.weight" not in names and "token_embd.weight" in names
    return ModelShape(
        layers=tuple(map(_layer, parts)),
        embedding=_weigh(embedding),
        output=_weigh(output),
        tied_output=_weigh([names["token_embd.weight"]] if tied else []),
        unused=_weigh(unused),
        not_on_cuda=tuple(not_on_cuda),
        cache=cache_rules(headers, count),
        widths=_widths(first, names, count),
        trained_context=first.context_length,
        file_bytes=sum(header.file_bytes for header in headers),
        parameters=sum(header.parameter_count for header in headers),
    )


def _layers_named(tensors: Sequence[TensorInfo]) -> int:
    return max((int(match[1]) + 1 for tensor in tensors if (match := _BLOCK.match(tensor.name))), default=0)


def _layer(parts: dict[str, list[TensorInfo]]) -> LayerWeights:
    weights = {name: _weigh(tensors) for name, tensors in parts.items()}
    return LayerWeights(weights.pop(_ATTENTION, Weights()), weights.pop(_DENSE_FFN, Weights()), weights)


def _part(name: str) -> str:
    if match := _STACKED_EXPERTS.search(name) or _ONE_EXPERT.fullmatch(name):
        return match[1]
    return _DENSE_FFN if name.startswith("ffn_") and not name.startswith(_ROUTER_AND_NORMS) else _ATTENTION


def _widths(header: GgufHeader, names: dict[str, TensorInfo], layers: int) -> TensorWidths:
    keys = HeaderKeys(header)
    table = names.get("token_embd.weight")
    embedding = keys.number("embedding_length") or (table.shape[0] if table and table.shape else 0)
    heads = keys.number("attention.head_count")
    used = keys.number("expert_used_count")
    feed_forward = keys.number("feed_forward_length")
    expert_ffn = keys.number("expert_feed_forward_length", feed_forward) if header.expert_count else 0
    head = keys.number("attention.key_length", embedding // heads if heads else 0)
    value = keys.number("attention.value_length", head)
    inner = keys.number("ssm.inner_size") or keys.number("kda.head_dim") * heads
    groups, state = keys.number("ssm.group_count"), keys.number("ssm.state_size")
    shared = keys.number("expert_shared_feed_forward_length", keys.number("expert_shared_count") * expert_ffn)
    # llama.cpp's qwen3moe and its like divide the feed-forward length among the experts used where a key is missing.
    stacked = next((tensor for name, tensor in names.items() if _STACKED_EXPERTS.search(name)), None)
    if stacked is not None and len(stacked.shape) > 1:
        expert_ffn = max(stacked.shape[:2]) if embedding not in stacked.shape[:2] else _other(stacked, embedding)
    indexer = keys.number("attention.indexer.head_count") * keys.number("attention.indexer.key_length")
    is_gemma3n = keys.architecture == "gemma3n"
    has_dense = any(f"blk.{number}.ffn_up.weight" in names for number in range(layers))
    return TensorWidths(
        embedding=embedding,
        queries=heads * max(head, value),
        heads=heads,
        dense_ffn=feed_forward if has_dense or not header.expert_count else 0,
        expert_ffn=expert_ffn,
        shared_ffn=shared,
        experts_used=min(used, header.expert_count) or (1 if header.expert_count else 0),
        experts=header.expert_count,
        vocabulary=table.shape[1] if table and len(table.shape) > 1 else 0,
        recurrent=inner or (embedding if keys.has("wkv.head_size") else 0),
        convolution=inner + 2 * groups * state if inner else 0,
        state=_state_width(keys, embedding, inner, inner + 2 * groups * state if inner else 0),
        gated=_is_gated(names.values(), feed_forward),
        parallel=keys.architecture in _PARALLEL,
        index=_INDEXES.get(keys.architecture, IndexWidths()),
        index_chosen=keys.number("attention.indexer.top_k"),
        indexer=indexer if keys.architecture in _INDEXES and keys.architecture != "minimax-m3" else 0,
        ranking_heads=keys.number("attention.indexer.head_count") if keys.architecture == "minimax-m3" else 0,
        decay_heads=heads if keys.architecture == "minimax-01" else 0,
        layer_inputs=keys.number("embedding_length_per_layer_input", 256 * is_gemma3n) * layers,
        streams=keys.number("altup.num_inputs", 4 * is_gemma3n),
    )


def _is_gated(tensors: Iterable[TensorInfo], feed_forward: int) -> bool:
    """Whether a feed-forward network has a gate: another matrix, or the second half of the rows."""
    return any(
        "ffn_gate.weight" in tensor.name
        or "ffn_gate_exps" in tensor.name
        or "ffn_gate_up" in tensor.name
        or (tensor.name.endswith("ffn_up.weight") and tensor.shape[-1:] >= (2 * feed_forward,))
        for tensor in tensors
    )


def _state_width(keys: HeaderKeys, embedding: int, inner: int, convolution: int) -> int:
    """Elements per token that are alive in a layer with a state besides two embeddings.

    Seen in the allocator: RWKV-6 mixes five vectors and RWKV-7 six, and keep all that they compute from them.
    """
    if keys.has("wkv.head_size"):
        return (16 if keys.architecture in ("rwkv7", "arwkv7") else 12) * embedding
    return inner + 3 * convolution if keys.architecture in RECURRENT_INTERVAL else 2 * inner + 4 * convolution


def _other(tensor: TensorInfo, embedding: int) -> int:
    first, second = tensor.shape[:2]
    return second if first == embedding else first
