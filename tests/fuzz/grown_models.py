"""Loadable files of many architectures, grown from the messages with which the engine refuses incomplete ones."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.gguf_cases import KEYS, EditableHeader
from tests.fuzz.hostile import Hostile
from tests.rigs import gguf_bytes
from tests.rigs.gguf_bytes import ARRAY, BOOL, F32, STRING, U32

_GROWN = """
    apertus arcee arctic baichuan bailingmoe bailingmoe2 bitnet bloom chatglm codeshell cogvlm cohere2 cohere2moe
    command-r dbrx deci deepseek dots1 dream ernie4_5 ernie4_5-moe eurobert exaone exaone-moe exaone4 falcon gemma
    gemma2 gemma3 gemma3n glm4 glm4moe gpt-oss gpt2 gptneox granite granitemoe grovemoe hrm_text hunyuan-dense
    hunyuan-moe hy_v3 internlm2 jais jais2 llada llada-moe llama llama-embed maincoder mamba2 mellum minicpm minicpm3
    minimax-m2 mistral3 modern-bert mpt nanbeige nemotron neo-bert olmo olmo2 olmoe openelm orion pangu-embedded phi2
    phi3 phimoe plamo qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3tts qwen3vl qwen3vlmoe refact rnd1 seed_oss
    smallthinker smollm3 stablelm starcoder starcoder2 talkie xverse
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
}
"""Values of keys that only some architectures need; 1 for others."""
_OPTIONAL = {"phi3": "attn_qkv"}
"""Tensors of layers that the engine doesn't ask for, and doesn't do without."""
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
            self.keys = {**_START, **shared}

    def header(self) -> EditableHeader:
        names = ("tokenizer.ggml.", "tokenizer.chat_template")
        entries = [entry for entry in self.vocabulary.entries if entry[0].startswith(names)]
        named = {f"{self.architecture}.{key}": value for key, value in self.keys.items()}
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
        layers, optional = self.keys.get("block_count"), _OPTIONAL.get(self.architecture)
        for layer in range(layers if optional and isinstance(layers, int) else 0):
            self.tensors.setdefault(f"blk.{layer}.{optional}.weight", (1,))
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
        return False

    def _set(self, key: str, value: Any) -> bool:
        is_new = value is not None and repr(self.keys.get(key)) != repr(value)
        self.keys[key] = value
        return is_new


def _typed(value: Any) -> tuple[int, Any]:
    """Return the type of a GGUF value, and the value as the writer takes it."""
    if isinstance(value, list):
        return ARRAY, (U32, value)
    kinds: Iterator[int] = (
        kind for type_, kind in ((bool, BOOL), (int, U32), (float, F32)) if isinstance(value, type_)
    )
    return next(kinds, STRING), value
