"""Loadable files of many architectures, grown from the messages with which the engine refuses incomplete ones."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from tests.fuzz.gguf_cases import KEYS, EditableHeader
from tests.fuzz.hostile import Hostile
from tests.rigs import gguf_bytes
from tests.rigs.gguf_bytes import ARRAY, BOOL, F32, STRING, U32

_GROWN = """
    afmoe apertus arcee arctic arwkv7 baichuan bailingmoe bailingmoe2 bailingmoe3 bitnet bloom chatglm codeshell
    cogvlm cohere2 cohere2moe command-r dbrx deci deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4 dots1 dream
    ernie4_5 ernie4_5-moe eurobert exaone exaone-moe exaone4 falcon falcon-h1 gemma gemma-embedding gemma2 gemma3
    gemma3n gemma4 glm-dsa glm4 glm4moe glm5-next gpt-oss gpt2 gptneox granite granite_swa granitehybrid granitemoe
    grok grovemoe hrm_text hunyuan-dense hunyuan-moe hunyuan_vl hy_v3 hy_v4 internlm2 jais jais2 jamba kimi-k3
    kimi-linear laguna lfm2 lfm2moe llada llada-moe llama llama-embed llama4 maincoder mamba mamba2 maple mellum
    mimo2 minicpm minicpm3 minimax-01 minimax-m2 minimax-m3 mistral3 mistral4 modern-bert mpt muse-glimmer nanbeige
    nemotron nemotron_h nemotron_h_moe neo-bert olmo olmo2 olmoe openelm orion paddleocr pangu-embedded phi2 phi3
    phimoe plamo plamo2 plamo3 pockettts qwen qwen2 qwen2moe qwen2vl qwen3 qwen35 qwen35moe qwen3moe qwen3next
    qwen3tts qwen3vl qwen3vlmoe qwen4exp refact rnd1 rwkv6qwen2 rwkv7 seed_oss smallthinker smollm3 spark2_5
    stablelm starcoder starcoder2 step35 t5encoder talkie xverse
"""
GROWN = tuple(_GROWN.split())
_START = {
    "block_count": 2,
    "context_length": 512,
    "embedding_length": 64,
    "feed_forward_length": 96,
    "expert_feed_forward_length": 32,
    "expert_count": 4,
    "expert_used_count": 2,
    "expert_gating_func": 2,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "attention.layer_norm_epsilon": 1e-5,
}
_AS_MANY_HEADS = ("cogvlm", "dots1", "minicpm3", "olmoe", "qwen")
"""Architectures without groups of heads that share keys and values."""
_USUAL = {
    "attention.kv_lora_rank": 16,
    "attention.q_lora_rank": 16,
    "attention.sliding_window": 16,
    "rope.dimension_count": 8,
    "rope.dimension_sections": [4, 4, 4, 0],
    "expert_shared_feed_forward_length": 32,
    **{f"attention.{name}_lora_rank": 8 for name in ("decay", "iclr", "value_residual_mix", "gate")},
    **{f"time_{name}_extra_dim": 8 for name in ("mix", "decay")},
}
"""Values of keys that only some architectures need; 1 for others."""
_LINEAR_ATTENTION = ("qwen35", "qwen35moe", "qwen3next")
_OPTIONAL: dict[str, dict[str, tuple[int, ...]]] = {
    "phi3": {"blk.{}.attn_qkv.weight": (1,)},
    "pockettts": {"blk.{}.attn_qkv.weight": (1,)},
    "laguna": {"blk.{}.attn_gate.weight": (64, 4)},
    "glm-dsa": {
        f"blk.{{}}.indexer.{name}": (1,)
        for name in ("k_norm.weight", "k_norm.bias", "proj.weight", "attn_k.weight", "attn_q_b.weight")
    },
    "t5encoder": {"enc.blk.{}.attn_rel_b.weight": (1,)},
    **{name: {f"blk.{{}}.attn_{part}.weight": (1,) for part in ("qkv", "gate")} for name in _LINEAR_ATTENTION},
    **{
        name: {"blk.{}.ssm_conv1d.bias": (1,)}
        for name in ("falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe")
    },
}
"""Tensors of layers that the engine doesn't ask for, and doesn't do without."""
_LATENT = {
    "attention.head_count_kv": 1,
    "attention.key_length": 24,
    "attention.value_length": 16,
    "attention.key_length_mla": 16,
    "attention.value_length_mla": 8,
    "attention.kv_lora_rank": 16,
    "attention.q_lora_rank": 16,
    "rope.dimension_count": 8,
    "expert_shared_count": 1,
}
_INDEXED = {"attention.indexer.head_count": 2, "attention.indexer.key_length": 64, "attention.indexer.top_k": 8}
_STATES = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 128,
    "ssm.state_size": 16,
    "ssm.time_step_rank": 8,
    "ssm.group_count": 2,
}
_LINEAR = {**_STATES, "full_attention_interval": 2}
_SECTIONS = {"rope.dimension_sections": [4, 2, 2, 0]}
_WINDOWS = {"attention.sliding_window": 16, "attention.sliding_window_pattern": [True, False]}
_HYBRID = {"attention.head_count_kv": [0, 2]}
_RWKV = {"wkv.head_size": 16, "token_shift_count": 2, "attention.gate_lora_rank": 8}
_THREE = {
    "block_count": 3,
    "attention.head_count_kv": [0, 2, 0],
    "feed_forward_length": [0, 0, 96],
    "expert_shared_feed_forward_length": 32,
}
_OWN: dict[str, dict[str, Any]] = {
    "afmoe": _WINDOWS,
    "bailingmoe3": {
        **_LATENT,
        "attention.head_count_kv": [0, 1],
        "kda.head_dim": 16,
        "kda.gate_lower_bound": -5.0,
        "ssm.conv_kernel": 4,
    },
    "deepseek2": _LATENT,
    "deepseek2-ocr": {"attention.head_count_kv": 4, "rope.dimension_count": 0},
    "minicpm3": {"rope.dimension_count": 8},
    "modern-bert": {"attention.head_count_kv": 4},
    "apertus": {f"xielu.{name}": [0.5, 0.5] for name in ("alpha_n", "alpha_p", "beta", "eps")},
    "deepseek4": {
        **_INDEXED,
        "block_count": 3,
        "attention.head_count_kv": 1,
        "attention.key_length": 64,
        "attention.value_length": 64,
        "attention.q_lora_rank": 16,
        "attention.sliding_window": 16,
        "rope.dimension_count": 16,
        "expert_gating_func": 4,
        "expert_weights_norm": True,
        "expert_weights_scale": 1.0,
        "swiglu_clamp_exp": [7.0, 7.0, 7.0],
        "attention.compress_ratios": [0, 4, 128],
        "attention.output_group_count": 2,
        "attention.output_lora_rank": 8,
        "hyper_connection.count": 4,
        "hyper_connection.epsilon": 1e-5,
        "embedding_length_out": 256,
        "hash_layer_count": 0,
    },
    "deepseek32": {**_LATENT, **_INDEXED},
    "falcon-h1": _STATES,
    "glm5-next": {
        **_LATENT,
        **_INDEXED,
        "attention.head_count_kv": [0, 1],
        "kda.head_dim": 16,
        "ssm.conv_kernel": 4,
        "rope.dimension_count": 0,
        "attention.key_length": 16,
        "attention.indexer.kpool": 2,
        "hyper_connection.count": 4,
        "kda.gate_lower_bound": -5.0,
    },
    "hy_v4": {**_LATENT, "hyper_connection.count": 4},
    "minimax-m3": {
        "attention.indexer.head_count": 2,
        "attention.indexer.key_length": 16,
        "attention.indexer.top_k": 8,
        "attention.indexer.block_size": 16,
    },
    "gemma-embedding": {"block_count": 6},
    "gemma4": {**_WINDOWS, "attention.key_length_swa": 16, "attention.value_length_swa": 16},
    "glm-dsa": {**_LATENT, **_INDEXED},
    "granite_swa": _WINDOWS,
    "granitehybrid": {**_STATES, **_HYBRID},
    "jamba": {**_STATES, **_HYBRID},
    "kimi-k3": {**_LATENT, "attention.head_count_kv": [0, 1], "kda.head_dim": 16, "ssm.conv_kernel": 4},
    "kimi-linear": {**_LATENT, "attention.head_count_kv": [0, 1], "kda.head_dim": 16, "ssm.conv_kernel": 4},
    "lfm2": {**_HYBRID, "shortconv.l_cache": 3},
    "lfm2moe": {**_HYBRID, "shortconv.l_cache": 3},
    "llama4": {"block_count": 4},
    "mamba": {**_STATES, "attention.head_count": 0},
    "maple": _WINDOWS,
    "mimo2": _WINDOWS,
    "minimax-01": {"full_attention_interval": 2},
    "mistral4": _LATENT,
    "nemotron_h": {**_STATES, **_THREE},
    "nemotron_h_moe": {**_STATES, **_THREE},
    "paddleocr": {"rope.dimension_sections": [4, 2, 2, 0]},
    "plamo2": {**_STATES, **_HYBRID, "ssm.group_count": 0},
    "qwen35": {**_LINEAR, **_SECTIONS},
    "qwen35moe": {**_LINEAR, **_SECTIONS},
    "qwen3next": _LINEAR,
    "arwkv7": {**_RWKV, "token_shift_count": 1},
    "qwen4exp": {**_LINEAR, **_SECTIONS, **_INDEXED, "hyper_connection.count": 2, "hyper_connection.low_rank": 8},
    "rwkv6qwen2": {**_RWKV, "token_shift_count": 1},
    "rwkv7": _RWKV,
    "spark2_5": _WINDOWS,
    "step35": _WINDOWS,
    "t5encoder": {"attention.head_count_kv": 4, "attention.relative_buckets_count": 32},
}
"""Numbers with which an architecture's graph is whole: what it asserts, and layers of every kind that it has."""
_UNPREFIXED = "xielu."
"""Beginning of keys without the name of the architecture."""
_LENGTHS = ("attention.key_length", "attention.value_length", "rope.dimension_count")
_NUMBERS = (0, 1, 2, 3, 5, 6, 12, 17, 32, 33, 64, 100, 128, 255, 256, 1000)
_TYPES = {"f32": 1.0, "u32": 1, "i32": 1, "bool": True, "str": "none"}
_MOST_STEPS = 300


@dataclass
class GrownModel:
    """Metadata and tensors of a file, which ``grow`` completes."""

    architecture: str
    vocabulary: EditableHeader
    keys: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.keys:
            shared = {"attention.head_count_kv": 4} if self.architecture in _AS_MANY_HEADS else {}
            self.keys = {**_START, **shared, **_OWN.get(self.architecture, {})}

    def header(self) -> EditableHeader:
        names = ("tokenizer.ggml.", "tokenizer.chat_template")
        entries = [entry for entry in self.vocabulary.entries if entry[0].startswith(names)]
        named = {
            key if key.startswith(_UNPREFIXED) else f"{self.architecture}.{key}": value
            for key, value in self.keys.items()
        }
        for name, value in {"general.architecture": self.architecture, **named}.items():
            entries.append((name, gguf_bytes.key(name, *_typed(value))))
        tensors = tuple((name, shape, 0) for name, shape in self.tensors.items())
        return EditableHeader(self.architecture, tuple(entries), tensors)

    def mutated(self, dice: Hostile) -> GrownModel:
        """Return a copy with a number or two changed, by layer, or left out."""
        copied = GrownModel(self.architecture, self.vocabulary, copy.deepcopy(self.keys), dict(self.tensors))
        if dice.chance(0.1):
            copied.keys.update(dict.fromkeys(dice.choice((_LENGTHS[:2], _LENGTHS)), dice.choice(_NUMBERS)))
        for _ in range(dice.choice((1, 1, 1, 2))):
            key = dice.choice(KEYS if dice.chance(0.4) else (*self.keys, *_LENGTHS))
            if dice.chance(0.1):
                copied.keys.pop(key, None)
            elif not isinstance(self.keys.get(key), float):
                many = dice.chance(0.15)
                copied.keys[key] = [dice.choice(_NUMBERS) for _ in range(2)] if many else dice.choice(_NUMBERS)
        return copied

    def grow(self, path: Path, load: Callable[[Path], int]) -> int:
        """Write and load the file until it is complete or refused; return the signal that ended the engine."""
        self.tensors = {**self._optional(), **self.tensors}
        for _ in range(_MOST_STEPS):
            ended_by = load(self.header().write(path))
            log = Path(f"{path}.log").read_text(encoding="utf-8", errors="replace")
            if ended_by or not self._complete(log):
                return ended_by
        return 0

    def _complete(self, log: str) -> bool:
        """Add or correct what the engine names; return False if there is nothing, or it doesn't help."""
        key = re.escape(self.architecture) + r"\.([\w.]+)"
        if missing := re.search("key not found in model: " + key, log):
            return self._set(missing[1], _USUAL.get(missing[1], 1))
        if typed := re.search(rf"key {key} has wrong type \w+ but expected type (\w+)", log):
            return self._set(typed[1], _TYPES.get(typed[2]))
        if tensor := re.search(r"tensor '([^']+)' has wrong shape; expected\s+([\d, ]+), got", log):
            shape = tuple(map(int, tensor[2].split(",")))
            while shape[1:] and shape[-1] == 1:
                shape = shape[:-1]
            was, self.tensors[tensor[1]] = self.tensors[tensor[1]], shape
            return shape != was
        if absent := re.search(r"tensor '([^']+)'(?: not found|$)", log, re.MULTILINE):
            before = re.sub(r"blk\.(\d+)", lambda match: f"blk.{int(match[1]) - 1}", absent[1])
            is_new = absent[1] not in self.tensors
            self.tensors.setdefault(absent[1], self.tensors.get(before, (1,)))
            return is_new
        if "wrong number of tensors" in log:
            unused = [name for name in self._optional() if self.tensors.get(name) == (1,)]
            for name in unused:
                del self.tensors[name]
            return bool(unused)
        return False

    def _optional(self) -> dict[str, tuple[int, ...]]:
        layers, tensors = self.keys.get("block_count"), _OPTIONAL.get(self.architecture, {})
        numbers = range(layers if isinstance(layers, int) else 0)
        return {name.format(number): shape for number, (name, shape) in product(numbers, tensors.items())}

    def _set(self, key: str, value: Any) -> bool:
        is_new = value is not None and repr(self.keys.get(key)) != repr(value)
        self.keys[key] = value
        return is_new


def _typed(value: Any) -> tuple[int, Any]:
    """Return the type of a GGUF value, and the value as the writer takes it."""
    if isinstance(value, list):
        return ARRAY, (_typed(value[0])[0], value)
    kinds: Iterator[int] = (
        kind for type_, kind in ((bool, BOOL), (int, U32), (float, F32)) if isinstance(value, type_)
    )
    return next(kinds, STRING), value
