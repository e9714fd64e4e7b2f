"""Hostile GGUF headers made from real ones: changed keys, tensors, counts and bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from model_manager.gguf.header import read_header
from model_manager.gguf.reader import GgufReader
from model_manager.gguf.tensor_types import REMOVED_TENSOR_TYPES, TENSOR_TYPES
from tests.fuzz import hostile
from tests.fuzz.hostile import Hostile
from tests.rigs import gguf_bytes
from tests.rigs.gguf_bytes import ARRAY, BOOL, F32, F64, I32, I64, STRING, U8, U32, U64, padded

_KEYS = """block_count context_length embedding_length vocab_size feed_forward_length
    expert_feed_forward_length expert_shared_feed_forward_length expert_count expert_used_count
    expert_shared_count expert_group_count expert_group_used_count expert_gating_func
    expert_weights_scale leading_dense_block_count nextn_predict_layers interleave_moe_layer_step
    full_attention_interval token_shift_count logit_scale attn_logit_softcapping attention.head_count
    attention.head_count_kv attention.key_length attention.value_length attention.key_length_mla
    attention.value_length_mla attention.key_length_swa attention.value_length_swa
    attention.sliding_window attention.sliding_window_pattern attention.shared_kv_layers
    attention.recurrent_layers attention.kv_lora_rank attention.q_lora_rank attention.indexer.key_length
    attention.layer_norm_rms_epsilon attention.layer_norm_epsilon attention.scale attention.causal
    attention.clamp_kqv attention.max_alibi_bias rope.dimension_count rope.dimension_sections
    rope.freq_base rope.scaling.type rope.scaling.factor rope.scaling.original_context_length
    ssm.conv_kernel ssm.inner_size ssm.state_size ssm.group_count ssm.time_step_rank ssm.dt_b_c_rms
    kda.head_dim wkv.head_size shortconv.l_cache pooling_type"""
KEYS = _KEYS.split()
_ARCHITECTURES = """llama qwen3moe gemma2 gemma3 gemma3n gemma4 gpt-oss deepseek2 mamba mamba2 rwkv6 rwkv7 jamba lfm2
    qwen35 qwen3next minimax-01 falcon-h1 nemotron_h kimi-linear llama4 exaone4 cohere2 smallthinker
    step35 hunyuan-moe granitehybrid bert t5 clip brandnew"""
ARCHITECTURES = _ARCHITECTURES.split()
_GENERAL_KEYS = """general.alignment general.file_type general.type general.name general.architecture split.count
    split.no split.tensors.count tokenizer.chat_template tokenizer.ggml.model"""
GENERAL_KEYS = _GENERAL_KEYS.split()
SMALL = (0, 1, 2, 3, 4, 7, 8, 12, 16, 64, 128, 511, 512, 513, 1024, 1025)
_VOCABULARY = ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges")
_BITS = {U8: 8, U32: 32, I32: 32, U64: 64, I64: 64}
_LARGEST_HOLE = 1 << 40

Tensor = tuple[str, tuple[int, ...], int]
"""Name, shape and number of the type."""


@dataclass(frozen=True)
class EditableHeader:
    """The metadata entries of a file by name, as bytes, and its tensors; their data is a hole."""

    architecture: str
    entries: tuple[tuple[str, bytes], ...]
    tensors: tuple[Tensor, ...]
    alignment: int = 32

    @classmethod
    def read(cls, path: Path, *, vocabulary: bool = True) -> EditableHeader:
        """Read a file; without the ``vocabulary`` the engine refuses it and a plan is the same."""
        header, whole = read_header(path), path.read_bytes()
        entries = []
        with path.open("rb", buffering=0) as file:
            reader = GgufReader(file, len(whole))
            reader.read(24)
            for _ in header.metadata:
                start = reader.position
                name = reader.identifier(1 << 16)
                reader.value()
                if vocabulary or name not in _VOCABULARY:
                    entries.append((name, whole[start : reader.position]))
        numbers = {kind.name: number for number, kind in TENSOR_TYPES.items()}
        tensors = tuple((each.name, each.shape, numbers[each.type]) for each in header.tensors)
        return cls(header.architecture or "", tuple(entries), tensors)

    def write(self, path: Path, dice: Hostile | None = None) -> Path:
        """Write the file, with ``dice`` sometimes with wrong counts, damaged bytes or a wrong length."""
        infos, offset = [], 0
        for name, shape, number in self.tensors:
            content = name.encode(errors="surrogatepass")
            sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *(size % 2**64 for size in shape))
            infos.append(gguf_bytes.string(content) + sizes + struct.pack("<IQ", number, offset % 2**64))
            kind = TENSOR_TYPES.get(number, TENSOR_TYPES[0])
            n_bytes = prod(shape) // kind.block_values * kind.block_bytes
            offset += -(-n_bytes // self.alignment) * self.alignment
        head = gguf_bytes.header([entry for _, entry in self.entries], infos)
        length = len(head) + -len(head) % self.alignment + offset
        if dice is not None and dice.chance(0.05):
            place = dice.choice((4, 8, 16))
            head = head[:place] + gguf_bytes.u64(dice.integer() % 2**64) + head[place + 8 :]
        if dice is not None and dice.chance(0.1):
            head = dice.damaged(head)
        if dice is not None and dice.chance(0.05):
            length = dice.randrange(2 * len(head) + 1)
        hostile.write(path, padded(head))
        with path.open("r+b") as file:
            file.truncate(length if 0 < length < _LARGEST_HOLE else len(head))
        return path

    def mutated(self, dice: Hostile) -> EditableHeader:
        """Return a copy with a few changes."""
        changed = self.renamed(dice.choice(ARCHITECTURES)) if dice.chance(0.3) else self
        for _ in range(dice.choice((1, 1, 2, 3, 6))):
            change = dice.choice(
                (_change_key, _change_key, _change_key, _change_general, _change_entries, _change_tensor)
            )
            changed = change(changed, dice)
        return changed

    def renamed(self, architecture: str) -> EditableHeader:
        """Return the header of the same tensors with another architecture, and its keys named accordingly."""
        old, entries = f"{self.architecture}.", []
        for name, entry in self.entries:
            value = entry[8 + len(name) :]
            if name == "general.architecture":
                entries.append(_entry(name, STRING, architecture))
            elif name.startswith(old):
                renamed = f"{architecture}.{name.removeprefix(old)}"
                entries.append((renamed, gguf_bytes.string(renamed) + value))
            else:
                entries.append((name, entry))
        return replace(self, architecture=architecture, entries=tuple(entries))

    def with_entry(self, name: str, kind: int, value: object) -> EditableHeader:
        """Return a copy with one metadata entry replaced or added."""
        kept = tuple(entry for entry in self.entries if entry[0] != name)
        return replace(self, entries=(*kept, _entry(name, kind, value)))


def _entry(name: str, kind: int, value: object) -> tuple[str, bytes]:
    return name, gguf_bytes.key(name, kind, value)


def _integer(dice: Hostile) -> int:
    return dice.choice(SMALL) if dice.chance(0.6) else dice.integer()


def _scalar(dice: Hostile, kind: int) -> object:
    """Return a value that fits the type."""
    if kind in _BITS:
        value = _integer(dice) % 2 ** _BITS[kind]
        return value - 2 ** _BITS[kind] if kind in (I32, I64) and value >> (_BITS[kind] - 1) else value
    if kind == STRING:
        return dice.text().encode(errors="surrogatepass")
    if kind == BOOL:
        return dice.chance(0.5)
    return dice.choice((0.0, -1.0, 0.5, 1e-5, 1e30, float("inf"), float("-inf"), float("nan")))


def _value(dice: Hostile) -> tuple[int, object]:
    kind = dice.choice((U32, U32, U32, U32, U32, I32, U64, I64, U8, F32, F64, BOOL, STRING, ARRAY, ARRAY, ARRAY))
    if kind != ARRAY:
        return kind, _scalar(dice, kind)
    inner = dice.choice((U32, U32, I32, BOOL, F32, STRING))
    count = dice.choice((0, 1, 2, 3, 12, 12, 13, 1024, 1025))
    one = _scalar(dice, inner)
    return ARRAY, (inner, [_scalar(dice, inner) if dice.chance(0.2) else one for _ in range(count)])


def _change_key(header: EditableHeader, dice: Hostile) -> EditableHeader:
    return header.with_entry(f"{header.architecture}.{dice.choice(KEYS)}", *_value(dice))


def _change_general(header: EditableHeader, dice: Hostile) -> EditableHeader:
    name = dice.choice(GENERAL_KEYS)
    if name == "general.alignment" and dice.chance(0.7):
        alignment = 2 ** dice.randrange(32)
        return replace(header.with_entry(name, U32, alignment), alignment=alignment)
    return header.with_entry(name, *_value(dice))


def _change_entries(header: EditableHeader, dice: Hostile) -> EditableHeader:
    entries = list(header.entries)
    place = dice.randrange(len(entries))
    if dice.chance(0.8):
        del entries[place]
    else:
        entries.insert(dice.randrange(len(entries)), entries[place])
    return replace(header, entries=tuple(entries))


def _change_tensor(header: EditableHeader, dice: Hostile) -> EditableHeader:
    tensors = list(header.tensors)
    if not tensors:
        return header
    place = dice.randrange(len(tensors))
    name, shape, kind = tensors[place]
    match dice.randrange(7):
        case 0:
            del tensors[place]
        case 1:
            tensors.insert(dice.randrange(len(tensors)), tensors[place])
        case 2:
            number = dice.choice((0, 1, 11, 12, 511, 512, 10**6, 2**31 - 1, 10**40, "٣", "²", "-1", "0x1"))
            part = dice.choice(("attn_q.weight", "ffn_up.weight", "ffn_up_exps.weight", "ffn_up.0.weight", "x"))
            tensors[place] = (f"blk.{number}.{part}", shape, kind)
        case 3:
            names = ("token_embd.weight", "output.weight", "rope_freqs.weight", "blk.0.ffn_gate.7.weight", "")
            tensors[place] = (dice.choice((*names, dice.text()[:70])), shape, kind)
        case 4:
            count = dice.choice((0, 1, 2, 3, 4, 5))
            tensors[place] = (name, tuple(_integer(dice) % 2**64 for _ in range(count)), kind)
        case 5:
            tensors[place] = (name, shape, dice.choice((*TENSOR_TYPES, *REMOVED_TENSOR_TYPES, 43, 2**32 - 1)))
        case _:
            dice.shuffle(tensors)
    return replace(header, tensors=tuple(tensors))
