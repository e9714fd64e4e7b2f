"""Size of the KV cache or recurrent state of each layer, for any context and cache type.

The rules are llama.cpp's: which layers attend to everything, which to a sliding window, which have a state instead, and
how long the rows are.  For an architecture without rules here every layer is assumed to attend to everything, and
``estimated`` is set.

Source: ``llama_model::create_memory`` in ``src/llama-model.cpp``, ``src/llama-kv-cache.cpp``,
``src/llama-kv-cache-iswa.cpp``, ``src/llama-memory-recurrent.cpp``, ``src/llama-hparams.cpp`` and the
``load_arch_hparams`` of ``src/models/*.cpp``, as shipped with llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from model_manager.gguf.header import GgufHeader
from model_manager.plan.load_spec import LoadSpec

CONTEXT_STEP = 256
"""The engine rounds a context up to this (``GGML_PAD`` in ``llama_context``)."""

_BLOCK_VALUES = {"f16": 1, "q8_0": 32, "q4_0": 32}
_BLOCK_BYTES = {"f16": 2, "q8_0": 34, "q4_0": 18}
_STATE_BYTES = 4  # recurrent states are F32 whatever the cache type

_RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
_WITHOUT_HEADS = frozenset(
    {"jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe", "kimi-linear", "kimi-k3", "bailingmoe3", "glm5-next"}
)
"""Hybrids whose recurrent layers are those without key/value heads."""
RECURRENT_INTERVAL = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "qwen4exp": 4, "minimax-01": 8}
"""Hybrids in which one layer of each interval attends."""
_WITHOUT_GROUPS = frozenset({"mamba", "jamba"})
"""Architectures for which the engine ignores ``ssm.group_count``."""
_WITHOUT_CACHE = frozenset(
    {"bert", "modern-bert", "dream", "llada", "llada-moe", "rnd1", "gemma-embedding", "eurobert", "neo-bert"}
)
_ROUGH = frozenset(
    {"deepseek32", "deepseek4", "glm-dsa", "glm5-next", "dots3note", "hy_v4", "minimax-m3", "qwen4exp", "kimi-k3"}
    | {"t5", "graniteswitch", "dflash", "eagle3", "gemma4-assistant", "nanbeige", "hrm_text"}
)
"""Architectures with special caches, for which an upper bound is used."""


@dataclass(frozen=True)
class _Windows:
    period: int
    dense_first: bool = False
    default: int = 0
    only_with_key: bool = False


_SLIDING = {
    "afmoe": _Windows(4, only_with_key=True),
    "cohere2": _Windows(4),
    "cohere2moe": _Windows(4, dense_first=True),
    "exaone-moe": _Windows(4, default=128),
    "exaone4": _Windows(4, default=4096),
    "gemma2": _Windows(2, default=4096),
    "gemma3": _Windows(6, only_with_key=True),
    "gemma3n": _Windows(5),
    "gpt-oss": _Windows(2),
    "laguna": _Windows(4, dense_first=True, only_with_key=True),
    "llama4": _Windows(4, default=8192),
    "mellum": _Windows(4, only_with_key=True),
    "muse-glimmer": _Windows(4),
    "olmo2": _Windows(4, only_with_key=True),
    "plamo3": _Windows(8, only_with_key=True),
    "smallthinker": _Windows(4, dense_first=True, default=4096, only_with_key=True),
}
_SLIDING_BY_ARRAY = frozenset({"gemma4", "granite_swa", "maple", "mimo2", "spark2_5", "step35", "dots3note"})
_FIXED_WINDOW = frozenset({"llama4", "smallthinker"})
"""Architectures with a fixed window, whatever the header says."""


@dataclass(frozen=True)
class HeaderKeys:
    """Numbers of a header by ``<architecture>.<key>``, with the fallbacks of llama.cpp's ``load_hparams``."""

    header: GgufHeader

    @property
    def architecture(self) -> str:
        """Name of the architecture, empty where the header has none."""
        return self.header.architecture or ""

    def number(self, key: str, default: int = 0) -> int:
        """Return an integer, of an array the largest; the default where the key is missing or has another type."""
        return max(self._numbers(key), default=default)

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return f"{self.architecture}.{key}" in self.header.metadata

    def per_layer(self, key: str, layers: int, default: int = 0) -> tuple[int, ...]:
        """Return one number per layer, from an array or from one number for all."""
        given = self._numbers(key)[:layers]
        return given + (given[-1] if given else default,) * (layers - len(given))

    def array(self, key: str, layers: int) -> tuple[bool, ...] | None:
        """Return one boolean per layer; None where the key is missing or the array is too short."""
        value = self.header.metadata.get(f"{self.architecture}.{key}")
        if not isinstance(value, tuple) or len(value) < layers:
            return None
        return tuple(bool(each) for each in value[:layers])

    def _numbers(self, key: str) -> tuple[int, ...]:
        value = self.header.metadata.get(f"{self.architecture}.{key}", ())
        return tuple(int(each) for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int))


class AttentionRange(Enum):
    """Range of a layer's attention."""

    NOWHERE = 0
    WINDOW = 1
    EVERYWHERE = 2


@dataclass(frozen=True)
class LayerCache:
    """Row lengths of one layer (key and value elements per token), and bytes of state independent of the context."""

    attends: AttentionRange
    key_values: int
    value_values: int
    state_bytes: int = 0
    source: int | None = None
    """Number of the layer whose cache it reads, where it has none."""
    indexes: bool = False
    """Whether it has an indexer, which chooses what it attends to."""


@dataclass(frozen=True)
class CacheRules:
    """Cache of every layer.  ``window`` in tokens, 0 without one; ``estimated`` where the rules are unknown."""

    layers: tuple[LayerCache, ...]
    window: int
    head_sizes: tuple[int, ...]
    """All head sizes that occur: a quantised cache needs each to be a multiple of its block."""
    estimated: bool
    has_flash_on_cuda: bool = True
    """Whether ggml-cuda has flash attention for the model (``ggml_cuda_get_best_fattn_kernel`` in ``fattn.cu``)."""

    @property
    def has_attention(self) -> bool:
        """Whether any layer has a KV cache at all."""
        return any(layer.attends is not AttentionRange.NOWHERE for layer in self.layers)

    def owner(self, layer: int) -> int:
        """Return the number of the layer whose cache a layer reads, of most its own."""
        source = self.layers[layer].source
        return layer if source is None else source

    @property
    def attends_everywhere(self) -> bool:
        """Whether any layer attends to everything."""
        return any(layer.attends is AttentionRange.EVERYWHERE for layer in self.layers)

    @property
    def has_windows(self) -> bool:
        """Whether any layer has a sliding window."""
        return any(layer.attends is AttentionRange.WINDOW for layer in self.layers)

    def allows(self, kv_type: str) -> bool:
        """Whether the engine supports this cache type: head sizes must be multiples of its block."""
        block = _BLOCK_VALUES[kv_type]
        return all(size % block == 0 for size in self.head_sizes)

    def window_cells(self, spec: LoadSpec) -> int:
        """Tokens that a layer with a sliding window keeps."""
        context = spec.context or 0
        return context if spec.full_windows is not False else padded(min(context, self.window + spec.n_ubatch))

    def layer_bytes(self, spec: LoadSpec) -> tuple[int, ...]:
        """Bytes of each layer for the spec's context (a multiple of ``CONTEXT_STEP``) of one conversation."""
        context, kv_type, flash_attention = spec.context or 0, spec.kv_type, spec.may_use_flash_attention
        # Without flash attention the values are transposed, in rows of one length for all layers.
        longest = max((layer.value_values for layer in self.layers), default=0)
        windowed = self.window_cells(spec)
        cells = {AttentionRange.NOWHERE: 0, AttentionRange.WINDOW: windowed, AttentionRange.EVERYWHERE: context}
        return tuple(
            layer.state_bytes
            + cells[layer.attends]
            * (
                _row_bytes(layer.key_values, kv_type)
                + _row_bytes(layer.value_values if flash_attention or not layer.value_values else longest, kv_type)
            )
            for layer in self.layers
        )


def padded(tokens: int) -> int:
    """Round tokens up as the engine does."""
    return -(-tokens // CONTEXT_STEP) * CONTEXT_STEP


def cache_rules(headers: Sequence[GgufHeader], layers: int) -> CacheRules:
    """Determine the cache of a model with this ``block_count``, prediction layers included."""
    keys = HeaderKeys(headers[0])
    used = layers - keys.number("nextn_predict_layers")
    heads = keys.per_layer("attention.head_count", layers)
    heads_kv = keys.per_layer("attention.head_count_kv", layers) if keys.has("attention.head_count_kv") else heads
    width = keys.number("embedding_length")
    head = width // max(1, heads[0]) if heads and heads[0] else 0
    key_length = keys.number("attention.key_length", head)
    value_length = keys.number("attention.value_length", head)
    key_window = keys.number("attention.key_length_swa", key_length)
    value_window = keys.number("attention.value_length_swa", value_length)
    compressed = keys.number("attention.key_length_mla") > 0 and keys.number("attention.value_length_mla") > 0
    recurrent, attending = _kinds(keys, layers, used, heads_kv)
    window, windowed = _windows(keys, layers, recurrent)
    state = _state_bytes(keys, heads[0] if heads else 0, width)
    with_cache = _layers_with_cache(keys, layers)
    extra = keys.number("attention.indexer.key_length") * _INDEXED_ROWS.get(keys.architecture, 1)
    indexing = _layers_with_indexer(headers) if extra else frozenset()
    found: list[LayerCache] = []
    for layer in range(layers):
        own_state = state if layer < used and recurrent[layer] else 0
        if layer >= used or layer >= with_cache or not attending[layer]:
            shares = with_cache <= layer < used and attending[layer]
            source = max(0, with_cache - (2 if windowed[layer] else 1)) if shares else None
            found.append(LayerCache(AttentionRange.NOWHERE, 0, 0, own_state, source))
            continue
        k, v = (key_window, value_window) if windowed[layer] else (key_length, value_length)
        found.append(
            LayerCache(
                AttentionRange.WINDOW if windowed[layer] else AttentionRange.EVERYWHERE,
                k * heads_kv[layer] + (extra if layer in indexing or not indexing else 0),
                0 if compressed else v * heads_kv[layer],
                own_state,
                indexes=layer in indexing,
            )
        )
    incomplete = any(attending) and not (key_length and any(heads_kv))
    return CacheRules(
        layers=_from_tensors(headers, found, width) if incomplete else tuple(found),
        window=window,
        head_sizes=tuple(sorted({key_length, key_window, value_length, value_window} - {0})),
        estimated=keys.architecture in _ROUGH or incomplete,
        has_flash_on_cuda=_has_flash_on_cuda(keys, heads, heads_kv, found, compressed, extra),
    )


_FLASH_SIZES = frozenset({40, 64, 72, 80, 96, 112, 128, 256})
_FLASH_PAIRS = {(192, 128): 8, (320, 256): 32, (512, 512): 2, (576, 512): 2}
"""Sizes of keys and values, and the heads of queries to one of keys of which there must be a multiple, or as many."""
_WITHOUT_FLASH = frozenset({"grok"})
"""Architectures for which the engine turns it off."""


def _has_flash_on_cuda(
    keys: HeaderKeys,
    heads: tuple[int, ...],
    heads_kv: tuple[int, ...],
    found: Sequence[LayerCache],
    compressed: bool,
    extra: int,
) -> bool:
    if keys.architecture in _ROUGH and keys.architecture not in ("deepseek32", "glm-dsa"):
        return True
    if keys.architecture in _WITHOUT_FLASH:
        return False
    for layer, queries, own in zip(found, heads, heads_kv, strict=False):
        if layer.attends is AttentionRange.NOWHERE or not own or (compressed and own != 1):
            continue
        size = (layer.key_values - extra * layer.indexes) // own
        values = keys.number("attention.kv_lora_rank") if compressed else layer.value_values // own
        if (size, values) in _FLASH_PAIRS:
            multiple = _FLASH_PAIRS[size, values]
            if queries // own < multiple or (size < 512 and queries // own % multiple):
                return False
        elif size not in _FLASH_SIZES or size != values:
            return False
    return True


_INDEXED_ROWS = {"minimax-m3": 2, "glm5-next": 3}
"""Rows of the indexer's keys for each token, where there are several."""


def _layers_with_indexer(headers: Sequence[GgufHeader]) -> frozenset[int]:
    names = (tensor.name.split(".", 3) for header in headers for tensor in header.tensors if ".indexer." in tensor.name)
    return frozenset(int(parts[1]) for parts in names if parts[0] == "blk" and parts[1].isdecimal())


def _from_tensors(headers: Sequence[GgufHeader], layers: Sequence[LayerCache], width: int) -> tuple[LayerCache, ...]:
    """Take row lengths from the tensors, for a header without the numbers; default: the model's width."""
    rows = {tensor.name: tensor.shape[-1] for header in headers for tensor in header.tensors if tensor.shape}
    return tuple(
        layer
        if layer.attends is AttentionRange.NOWHERE
        else replace(
            layer,
            key_values=rows.get(f"blk.{number}.attn_k.weight", width),
            value_values=rows.get(f"blk.{number}.attn_v.weight", width),
        )
        for number, layer in enumerate(layers)
    )


def _kinds(
    keys: HeaderKeys, layers: int, used: int, heads_kv: tuple[int, ...]
) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Return for each layer whether it has a recurrent state, and whether it attends."""
    architecture = keys.architecture
    if architecture in _RECURRENT:
        return (True,) * layers, (False,) * layers
    if architecture in _WITHOUT_CACHE:
        return (False,) * layers, (False,) * layers
    if architecture == "falcon-h1":
        return (True,) * layers, (True,) * layers
    if architecture in ("nemotron_h", "nemotron_h_moe"):
        widths = keys.per_layer("feed_forward_length", layers)
        mixers = tuple(not width for width in widths)
        recurrent = tuple(mixer and not kv for mixer, kv in zip(mixers, heads_kv, strict=True))
        return recurrent, tuple(mixer and kv > 0 for mixer, kv in zip(mixers, heads_kv, strict=True))
    if architecture in RECURRENT_INTERVAL:
        listed = keys.array("attention.recurrent_layers", layers)
        interval = max(1, keys.number("full_attention_interval", RECURRENT_INTERVAL[architecture]))
        recurrent = listed or tuple(layer < used and (layer + 1) % interval != 0 for layer in range(layers))
        return recurrent, tuple(not each for each in recurrent)
    if architecture in _WITHOUT_HEADS:
        recurrent = tuple(kv == 0 for kv in heads_kv)
        return recurrent, tuple(kv > 0 for kv in heads_kv)
    return (False,) * layers, (True,) * layers


def _windows(keys: HeaderKeys, layers: int, recurrent: tuple[bool, ...]) -> tuple[int, tuple[bool, ...]]:
    """Return the window in tokens and, for each layer, whether it uses that."""
    architecture, stated = keys.architecture, keys.number("attention.sliding_window")
    first = layers - keys.number("nextn_predict_layers")
    window, rule = stated, _SLIDING.get(architecture)
    pattern = keys.array("attention.sliding_window_pattern", layers)
    if architecture == "lfm2":
        pattern = tuple(not each for each in recurrent)
    elif rule is not None:
        window = rule.default if architecture in _FIXED_WINDOW else stated or rule.default
        is_off = architecture == "llama4" and keys.has("attention.sliding_window") and not stated
        if is_off or (rule.only_with_key and not stated) or (architecture == "exaone4" and first != 64):
            window = 0
        if pattern is None:
            period = keys.number("attention.sliding_window_pattern", rule.period)
            pattern = tuple(layer < first and _in_window(layer, period, rule.dense_first) for layer in range(layers))
    elif architecture not in _SLIDING_BY_ARRAY:
        window = 0
    return (window, pattern) if window and pattern else (0, (False,) * layers)


def _in_window(layer: int, period: int, dense_first: bool) -> bool:
    if period == 0:
        return True
    return layer % period != 0 if dense_first else layer % period < period - 1


def _layers_with_cache(keys: HeaderKeys, layers: int) -> int:
    """Number of layers with a cache of their own; the later ones share theirs."""
    if keys.architecture == "gemma3n":
        return min(layers, 20)
    if keys.architecture == "gemma4":
        return max(0, layers - keys.number("attention.shared_kv_layers"))
    return layers


def _state_bytes(keys: HeaderKeys, heads: int, width: int) -> int:
    """Bytes of one recurrent layer's states: ``n_embd_r`` and ``n_embd_s`` of ``llama-hparams.cpp``."""
    convolution = max(0, keys.number("ssm.conv_kernel") - 1)
    inner, state, groups = (keys.number(f"ssm.{key}") for key in ("inner_size", "state_size", "group_count"))
    delta_head = keys.number("kda.head_dim")
    if (wkv := keys.number("wkv.head_size")) > 0:
        return _STATE_BYTES * (keys.number("token_shift_count", 2) * width + width * wkv)
    if (short := keys.number("shortconv.l_cache")) > 0:
        return _STATE_BYTES * (width * (short - 1) + state * inner)
    if delta_head > 0:
        shift = 3 * (convolution or 3) * heads * delta_head
        return _STATE_BYTES * (shift + delta_head * delta_head * heads)
    if keys.architecture in _WITHOUT_GROUPS:
        groups = 0
    shift = convolution * (inner + 2 * groups * state)
    if keys.architecture == "minimax-01":
        linear = keys.number("attention.key_length", width // max(1, heads))
        return _STATE_BYTES * (shift + linear * linear * heads)
    return _STATE_BYTES * (shift + state * inner)


def _row_bytes(values: int, kv_type: str) -> int:
    return -(-values // _BLOCK_VALUES[kv_type]) * _BLOCK_BYTES[kv_type]
