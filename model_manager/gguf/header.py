"""Header of a GGUF file: metadata, tensors, and the size that the file must have.

Everything computed about a model comes from its header, never from names or README files.  As strict as llama.cpp,
which refuses gaps between tensors, duplicate names and so on, so that the engine reads every header that is read here.

Source of the format: ``ggml/include/gguf.h`` and ``ggml/src/gguf.cpp`` of llama.cpp; the keys of the metadata:
``gguf-py/gguf/constants.py``.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from model_manager.disk.files import open_regular, read_error
from model_manager.errors import UserError
from model_manager.gguf.reader import U32_TYPE, Damaged, GgufReader, Unread, Value
from model_manager.gguf.tensor_types import FILE_TYPES, NO_WEIGHTS, REMOVED_TENSOR_TYPES, TENSOR_TYPES

__all__ = [
    "GgufHeader",
    "TensorInfo",
    "Unread",
    "Value",
    "check_answers",
    "check_loadable",
    "parse_header",
    "read_header",
]

MAGIC = b"GGUF"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_WEB_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--", b'{"error"')
_SNIFFED_BYTES = 512
_DEFAULT_ALIGNMENT = 32
_ENGINE_ALIGNMENT = 32
"""Of mapped weights: TENSOR_ALIGNMENT in ``ggml/src/ggml-impl.h``."""
_SINGLE_PRECISION = re.compile(
    r"norm|\.(?:ssm_[ad]|ssm_conv1d\w*|ple_conv1d|shortconv\.conv|hc_\w*(?:base|scale)|altup_correct_scale)(?:\.|$)"
    r"|\.time_mix_(?:lerp_\w+|first|decay|[wav]0|ln|k_[ka]|r_k)\.|\.channel_mix_lerp_\w\."
)
"""Names of weights by which no matrices are multiplied; the operations with them take 32-bit floats alone.  Source:
``LLM_TENSOR_INFOS`` in ``src/llama-arch.cpp`` of llama.cpp, as shipped with llama-cpp-python 0.3.36."""
_NOT_DECODED = ("clip", "controlvector", "t5", "wavtokenizer-dec")
"""Architectures that ``llama_decode`` doesn't run, or not without an encoder before."""
_ALIGNMENTS = frozenset(1 << power for power in range(21))
_MAX_KEYS = 1 << 16
_MAX_KEY_BYTES = (1 << 16) - 1
_MAX_TENSORS = 1 << 16
_MAX_TENSOR_NAME_BYTES = 63
_MAX_DIMENSIONS = 4
_MAX_NAME_CHARACTERS = 200
_GUESSED_FILE_TYPE = 1024
_ONE_EXPERT = re.compile(r"blk\.[0-9]+\.ffn_(up|gate|down)\.[0-9]+\.weight")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor.  ``shape`` in ggml's order, fastest dimension first; ``offset`` is relative to ``data_offset``."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    n_bytes: int


@dataclass(frozen=True)
class GgufHeader:
    """The header of one file.  Sizes and offsets in bytes; those of tensors are relative to ``data_offset``.

    ``metadata`` contains numbers, strings and tuples of up to 1024 numbers; longer arrays, arrays of strings (the
    vocabulary) and strings beyond 1 MiB are ``Unread``.
    """

    path: Path
    file_bytes: int
    version: int
    metadata: Mapping[str, Value] = field(hash=False, repr=False)
    tensors: tuple[TensorInfo, ...] = field(repr=False)
    data_offset: int
    alignment: int
    metadata_end: int = field(default=0, compare=False)

    def text(self, key: str) -> str | None:
        """Return a metadata value if it is a string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str) -> int | None:
        """Return a metadata value if it is a whole number."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def architecture(self) -> str | None:
        """Architecture (``"llama"``), which is also the prefix of its keys."""
        return self.text("general.architecture")

    @property
    def name(self) -> str | None:
        """Name that the authors gave the model; the beginning of one that is too long for a name."""
        name = self.text("general.name")
        return name and name[:_MAX_NAME_CHARACTERS]

    @property
    def context_length(self) -> int | None:
        """Context length of the training, in tokens."""
        return self.integer(f"{self.architecture}.context_length")

    @property
    def block_count(self) -> int | None:
        """Number of layers."""
        return self.integer(f"{self.architecture}.block_count")

    @property
    def expert_count(self) -> int:
        """Number of experts in each layer; 0 for a dense model."""
        return self.integer(f"{self.architecture}.expert_count") or 0

    @property
    def embeds(self) -> bool:
        """Whether the model is made to compare texts (enum llama_pooling_type), not to answer."""
        return bool(self.integer(f"{self.architecture}.pooling_type"))

    @property
    def chat_template(self) -> str | None:
        """Jinja template of the model."""
        return self.text("tokenizer.chat_template")

    @property
    def split_count(self) -> int:
        """Number of files of a split model; 1 for a single file."""
        return max(1, self.integer("split.count") or 1)

    @property
    def split_number(self) -> int:
        """Number of this file among them, from 0."""
        return self.integer("split.no") or 0

    @cached_property
    def quantisation(self) -> str | None:
        """Usual name (``"Q3_K_M"``); without ``general.file_type`` the tensor type with the most bytes."""
        number = self.integer("general.file_type")
        if number is not None and (known := FILE_TYPES.get(number & ~_GUESSED_FILE_TYPE)):
            return known
        n_bytes: dict[str, int] = {}
        for tensor in self.tensors:
            n_bytes[tensor.type] = n_bytes.get(tensor.type, 0) + tensor.n_bytes
        return max(n_bytes, key=n_bytes.__getitem__, default=None)

    @cached_property
    def parameter_count(self) -> int:
        """Number of values in all tensors of this file."""
        return sum(prod(tensor.shape) for tensor in self.tensors)

    @cached_property
    def experts_in_separate_tensors(self) -> bool:
        """Whether every expert has its own tensors (``blk.0.ffn_up.3.weight``), as until April 2024."""
        return any(_ONE_EXPERT.fullmatch(tensor.name) for tensor in self.tensors)

    @property
    def end_of_data(self) -> int:
        """Least size of the file."""
        last = max((tensor.offset + tensor.n_bytes for tensor in self.tensors), default=0)
        return self.data_offset + last


def read_header(path: Path, *, whole: bool = True) -> GgufHeader:
    """Read the header of a GGUF file of version 2 or 3, little-endian.

    ``whole=False`` accepts a file whose tensor data is incomplete, such as a partial download.

    Raises ``UserError``: file_missing(path), is_a_folder(path), not_a_file(path), file_unreadable(path, detail),
    not_gguf(path), is_web_page(path), is_lfs_pointer(path), gguf_version_unsupported(path, version, big_endian),
    gguf_damaged(path, detail), tensor_type_unsupported(path, tensor, type), hyperparameters_absurd(path, key, value),
    gguf_incomplete(path, bytes, expected_bytes).
    """
    file, status = open_regular(path)
    with file:
        try:
            header = parse_header(file, status.st_size, path)
        except OSError as error:
            raise read_error(error, path) from error
    if whole and header.file_bytes < header.end_of_data:
        raise UserError("gguf_incomplete", path=path, bytes=header.file_bytes, expected_bytes=header.end_of_data)
    return header


def parse_header(file: BinaryIO, file_bytes: int, path: Path) -> GgufHeader:
    """Read the header at the beginning of a seekable binary file; ``path`` names it in errors.

    Reads windows of up to 1 MiB, in order, and nothing beyond the last window of the header.

    Raises ``OSError`` as ``file`` does, and ``UserError``: not_gguf(path), is_web_page(path), is_lfs_pointer(path),
    gguf_version_unsupported(path, version, big_endian), gguf_damaged(path, detail), tensor_type_unsupported(path,
    tensor, type), hyperparameters_absurd(path, key, value) for numbers that would end the engine's process or make a
    plan of any size.
    """
    try:
        header = _parse(path, GgufReader(file, file_bytes), file_bytes)
    except Damaged as error:
        raise UserError("gguf_damaged", path=path, detail=str(error)) from error
    for key, value in invalid_hyperparameters(header):
        raise UserError("hyperparameters_absurd", path=path, key=key, value=value)
    return header


def check_loadable(header: GgufHeader, *further: GgufHeader) -> None:
    """Refuse a model that the engine would refuse; ``further`` are the other files of a split model.

    Raises ``UserError``: experts_in_separate_tensors(path) for files made before April 2024, which stacking the experts
    makes loadable; not_a_chat_model(path, architecture, type) for adapters, vision projectors, translation models (T5),
    importance matrices, vocabularies without weights, and models with a vocabulary of word pieces that don't say how
    the vector of a text is made; tensor_type_unsupported(path, tensor, type) for weights with which the engine would
    crash; hyperparameters_absurd(path, key, value) for tensors that it can't map, because they don't begin at a
    multiple of 32 bytes.
    """
    kind = header.text("general.type")
    weights = any(each.tensors for each in (header, *further))
    architecture = header.architecture
    usable = kind in (None, "model") and weights and (header.embeds or header.text("tokenizer.ggml.model") != "bert")
    if architecture in (None, *_NOT_DECODED) or not usable:
        raise UserError("not_a_chat_model", path=header.path, architecture=architecture, type=kind)
    for each in (header, *further):
        if each.experts_in_separate_tensors:
            raise UserError("experts_in_separate_tensors", path=header.path)
        for tensor in each.tensors:
            if (each.data_offset + tensor.offset) % _ENGINE_ALIGNMENT:
                value = str(each.alignment)
                raise UserError("hyperparameters_absurd", path=each.path, key="general.alignment", value=value)
            if not _is_usable(tensor):
                raise UserError("tensor_type_unsupported", path=each.path, tensor=tensor.name, type=tensor.type)


def _is_usable(tensor: TensorInfo) -> bool:
    if "_tid2eid." in tensor.name:
        # A table of the experts of each token.
        return tensor.type == "I32"
    if tensor.name.startswith("d2t"):
        # A table of token numbers.
        return True
    # Norms and biases are multiplied with and added to activations.
    is_vector = tensor.name.endswith("_exps.bias") or max(tensor.shape, default=1) == prod(tensor.shape)
    is_single = is_vector or _SINGLE_PRECISION.search(tensor.name)
    return tensor.type == "F32" if is_single else tensor.type not in NO_WEIGHTS


def check_answers(header: GgufHeader, *further: GgufHeader) -> None:
    """Refuse a model that can't answer.  Raises as ``check_loadable``, and ``embedding_model`` (path)."""
    check_loadable(header, *further)
    if header.embeds:
        raise UserError("embedding_model", path=header.path)


def _parse(path: Path, reader: GgufReader, file_bytes: int) -> GgufHeader:
    magic = reader.read(min(file_bytes, len(MAGIC)))
    if magic != MAGIC:
        raise UserError(
            _code_of_other_file(magic + reader.read(min(file_bytes - len(magic), _SNIFFED_BYTES))), path=path
        )
    version = reader.u32()
    if version not in (2, 3):
        # In a big-endian file the small version number is in the upper bytes.
        big_endian = version & 0xFFFF == 0 and version != 0
        if big_endian:
            version = int.from_bytes(version.to_bytes(4, "little"), "big")
        raise UserError("gguf_version_unsupported", path=path, version=version, big_endian=big_endian)
    tensor_count, key_count = reader.u64(), reader.u64()
    if tensor_count > _MAX_TENSORS or key_count > _MAX_KEYS:
        raise Damaged(f"{tensor_count} tensors and {key_count} keys")
    metadata, alignment = _read_metadata(reader, key_count)
    metadata_end = reader.position
    tensors = _read_tensors(path, reader, tensor_count, alignment)
    data_offset = padded(reader.position, alignment) if tensors else reader.position
    return GgufHeader(
        path=path,
        file_bytes=file_bytes,
        version=version,
        metadata=MappingProxyType(metadata),
        tensors=tensors,
        data_offset=data_offset,
        alignment=alignment,
        metadata_end=metadata_end,
    )


def _code_of_other_file(beginning: bytes) -> str:
    """Return the error code for a file that isn't GGUF: a failed download often leaves another one."""
    if beginning.startswith(_LFS_POINTER):
        return "is_lfs_pointer"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "is_web_page" if text.startswith(_WEB_PAGES) else "not_gguf"


def _read_metadata(reader: GgufReader, count: int) -> tuple[dict[str, Value], int]:
    metadata: dict[str, Value] = {}
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(count):
        key = reader.identifier(_MAX_KEY_BYTES)
        if key in metadata:
            raise Damaged(f"duplicate key {key!r}")
        kind, value = reader.value()
        metadata[key] = value
        if key == "general.alignment":
            if kind != U32_TYPE or not isinstance(value, int) or value not in _ALIGNMENTS:
                raise Damaged(f"alignment {value!r}")
            alignment = value
    return metadata, alignment


def _read_tensors(path: Path, reader: GgufReader, count: int, alignment: int) -> tuple[TensorInfo, ...]:
    tensors: list[TensorInfo] = []
    names: set[str] = set()
    expected_offset = 0
    for _ in range(count):
        name = reader.identifier(_MAX_TENSOR_NAME_BYTES)
        if name in names:
            raise Damaged(f"duplicate tensor {name!r}")
        names.add(name)
        dimensions = reader.u32()
        if dimensions > _MAX_DIMENSIONS:
            raise Damaged(f"tensor {name!r} with {dimensions} dimensions")
        shape = struct.unpack(f"<{dimensions}Q", reader.read(8 * dimensions))
        values = prod(shape)
        if not 0 < values < 1 << 63:
            raise Damaged(f"tensor {name!r} of {values} values")
        number = reader.u32()
        kind = TENSOR_TYPES.get(number)
        if kind is None:
            known_name = REMOVED_TENSOR_TYPES.get(number, str(number))
            raise UserError("tensor_type_unsupported", path=path, tensor=name, type=known_name)
        if (shape[0] if shape else 1) % kind.block_values:
            raise Damaged(f"tensor {name!r} of type {kind.name} with shape {shape}")
        offset = reader.u64()
        if offset != expected_offset:
            raise Damaged(f"tensor {name!r} at offset {offset}, expected {expected_offset}")
        n_bytes = values // kind.block_values * kind.block_bytes
        tensors.append(TensorInfo(name, shape, kind.name, offset, n_bytes))
        expected_offset += padded(n_bytes, alignment)
    return tuple(tensors)


def padded(count: int, alignment: int) -> int:
    """Return ``count`` rounded up to a multiple of ``alignment``."""
    return -(-count // alignment) * alignment


# Hyperparameters

MAX_LAYERS = 512
MAX_EXPERTS = 1024
_MAX_HEADS = 1 << 16
_MAX_WIDTH = 1 << 24
_BOUNDS = {
    "block_count": (1, MAX_LAYERS),
    "context_length": (16, 1 << 27),
    "embedding_length": (1, 1 << 20),
    "vocab_size": (0, 1 << 26),
    "token_shift_count": (0, 1 << 10),
    "attention.sliding_window": (0, (1 << 32) - 1),
    "attention.sliding_window_pattern": (0, (1 << 32) - 1),
    "full_attention_interval": (1, MAX_LAYERS),
    **dict.fromkeys(("nextn_predict_layers", "attention.shared_kv_layers"), (0, MAX_LAYERS)),
    "attention.recurrent_layers": (0, MAX_LAYERS),
    **dict.fromkeys(("expert_count", "expert_used_count", "expert_shared_count"), (0, MAX_EXPERTS)),
    **dict.fromkeys(("expert_group_count", "expert_group_used_count"), (0, MAX_EXPERTS)),
    "expert_gating_func": (0, 4),
    **{f"{kind}feed_forward_length": (0, _MAX_WIDTH) for kind in ("", "expert_", "expert_shared_")},
    **dict.fromkeys(("ssm.inner_size", "ssm.state_size"), (1, _MAX_WIDTH)),
    **{f"attention.head_count{kind}": (0, _MAX_HEADS) for kind in ("", "_kv")},
    **{f"attention.{part}_length{kind}": (1, _MAX_HEADS) for part in ("key", "value") for kind in ("", "_mla", "_swa")},
    **dict.fromkeys(("attention.indexer.key_length", "shortconv.l_cache"), (0, _MAX_HEADS)),
    **{f"rope.dimension_count{kind}": (0, _MAX_HEADS) for kind in ("", "_swa")},
    **{f"ssm.{name}": (1, _MAX_HEADS) for name in ("conv_kernel", "time_step_rank")},
    "ssm.group_count": (0, _MAX_HEADS),
    "hyper_connection.count": (0, 16),
    "hyper_connection.sinkhorn_iterations": (1, MAX_LAYERS),
    "attention.relative_buckets_count": (4, _MAX_HEADS),
    **dict.fromkeys(("kda.head_dim", "wkv.head_size"), (1, _MAX_HEADS)),
}
"""Least and greatest value, also for each layer, of every whole number that a plan uses or the engine asserts.  What
the engine doesn't limit has a generous bound."""
_MAX_ARCHITECTURE_CHARACTERS = 60
_EPSILONS = ("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "attention.group_norm_epsilon")
_HEADS_NEEDED = re.compile(r"\.attn_[qk]")
_WHOLE_HEADS = """
    apertus arcee arctic baichuan chameleon codeshell cogvlm cohere2moe dbrx deci deepseek dots1 dream ernie4_5-moe
    ernie4_5 exaone-moe exaone exaone4 falcon granite_swa granitemoe graniteswitch granite grok grovemoe hunyuan-dense
    hunyuan-moe hunyuan_vl hy_v3 internlm2 jais2 llada-moe llada llama llama4 maincoder mellum minicpm mistral3 olmo
    olmo2 olmoe orion paddleocr pangu-embedded plamo pockettts qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3tts qwen3vl
    qwen3vlmoe rnd1 seed_oss smallthinker smollm3 starcoder2 talkie xverse
"""
_ROTATE_WHOLE_HEADS = frozenset(_WHOLE_HEADS.split())
"""Architectures whose graphs assert that the rotary embedding covers the whole head."""
_EQUAL_HEADS = """
    afmoe bailingmoe bailingmoe2 bitnet bloom chatglm cohere2 command-r deepseek2-ocr deepseek4 eurobert falcon-h1 gemma
    gemma-embedding gemma2 gemma3 gemma3n gemma4 glm4 glm4moe gpt-oss gpt2 gptneox granitehybrid hrm_text jais jamba
    laguna lfm2 lfm2moe llama-embed maple minimax-01 minimax-m2 minimax-m3 modern-bert mpt muse-glimmer nanbeige
    nemotron nemotron_h nemotron_h_moe neo-bert openelm phi2 phi3 phimoe qwen qwen35 qwen35moe qwen3next qwen4exp refact
    spark2_5 stablelm starcoder t5 t5encoder
"""
_KEYS_AS_LONG_AS_VALUES = _ROTATE_WHOLE_HEADS.union(_EQUAL_HEADS.split())
"""Architectures whose graphs need heads of one length for keys and values."""
_LINEAR_ATTENTION = ("qwen35", "qwen35moe", "qwen3next", "qwen4exp")
_WIDTH_OF_HEADS = _KEYS_AS_LONG_AS_VALUES.difference(_LINEAR_ATTENTION, ("deepseek4", "minimax-01"))
"""Architectures whose attention weights are as wide as their heads; others have gates or another attention as well."""
_NO_GROUPS_OF_HEADS = ("cogvlm", "dots1", "minicpm3", "olmoe", "qwen", "t5encoder")
"""Architectures in which no heads share keys and values."""
_SECTIONED_ROPE = ("paddleocr", "qwen2vl", "qwen35", "qwen35moe", "qwen3tts", "qwen3vl", "qwen3vlmoe", "qwen4exp")
_ATTENTION_WEIGHT = re.compile(r"blk\.([0-9]{1,3})\.attn_(q|k|v|qkv|output|kv_b|kv_a_mqa)\.weight")
_PARTLY_ROTATED = """
    bailingmoe3 deepseek2 deepseek32 glm-dsa glm5-next hy_v4 kimi-k3 kimi-linear minicpm3 mistral4 plm
"""
_LATENT_ATTENTION = frozenset(_PARTLY_ROTATED.split())
"""Architectures of which only a part of each head is rotated."""
_WITHOUT_ROTATION = ("deepseek2-ocr", "glm5-next")
"""Architectures whose files say that no dimension is rotated: one ignores it, the other rotates none."""
_ROTATED = _KEYS_AS_LONG_AS_VALUES.union(("mimo2", "plamo2", "plamo3", "step35"))
"""Architectures that rotate the whole head unless the file names a part of it."""
_TOKEN_SHIFTS = {"arwkv7": 1, "rwkv6": 2, "rwkv6qwen2": 1, "rwkv7": 2}
_RECURRENT_WITHOUT_HEADS = """
    bailingmoe3 glm5-next granitehybrid jamba kimi-k3 kimi-linear lfm2 lfm2moe nemotron_h nemotron_h_moe plamo2
"""
_HYBRID_BY_HEADS = frozenset(_RECURRENT_WITHOUT_HEADS.split())
"""Architectures of which a layer without heads for keys and values is recurrent."""
_FULL_ATTENTION_INTERVALS = {"minimax-01": 8, **dict.fromkeys(_LINEAR_ATTENTION, 4)}
_INDEXED = ("deepseek32", "deepseek4", "dots3note", "glm-dsa", "minimax-m3")
"""Architectures whose indexer rotates its keys; all but the last turn them by a Hadamard matrix of at least 64 × 64
too, DeepSeek V4 in parts."""
_DIVIDED_BY_HEADS = ("modern-bert", "neo-bert", "olmo2", "phimoe")
"""Architectures that the engine doesn't refuse with a message where the number of heads is missing."""
_EVEN_HEADS = ("deepseek2-ocr", "deepseek4", "minicpm3")
_ONE_LENGTH_OF_HEADS = ("gpt-oss", "maple", "mimo2", "plamo3", "step35")
_FOUR_CONNECTIONS = ("deepseek4", "glm5-next")
_WINDOW_PATTERNS = {"gemma-embedding": 6, "llama4": 4}
"""Layers after which one has no window, in architectures that need such a layer."""
_ALWAYS_EXPERTS = ("bailingmoe2", "glm4moe", "grovemoe", "lfm2moe", "llada-moe", "qwen35moe", "smallthinker")
_NAMED_GATES = """
    bailingmoe2 bailingmoe3 deepseek32 dflash dots1 dots3note exaone-moe hy_v4 kimi-k3 kimi-linear lfm2moe minimax-m2
    minimax-m3 smallthinker
"""
_GATES_WITHOUT_DEFAULT = frozenset(_NAMED_GATES.split())
"""Architectures whose graphs abort unless the file says how experts are chosen (``LLM_KV_EXPERT_GATING_FUNC``)."""
_STATE_BY_HEADS = ("falcon-h1", "granitehybrid", "mamba2", "nemotron_h", "nemotron_h_moe", "plamo2")
_STATES_OF_TWICE_THE_WIDTH = ("granitehybrid", "jamba")
_HRM_NUMBERS = ("layers_per_stack", "h_cycles", "l_cycles")
_ROPE_SCALING = ("none", "linear", "yarn", "longrope")


def invalid_hyperparameters(header: GgufHeader) -> Iterator[tuple[str, str]]:
    """Yield the keys, with their values as text, that no model has and that would abort the engine's process.

    The engine asserts them; everything that it refuses with a message is left to it.  Missing keys are ignored: some
    architectures have none of these.

    Source: ``llama_model_base::load_hparams`` in ``src/llama-model.cpp``, ``src/llama-hparams.h`` and the operations of
    ``ggml-cpu`` of llama.cpp, as shipped with llama-cpp-python 0.3.36.
    """
    architecture, metadata = header.architecture or "", header.metadata

    def key(name: str) -> str:
        return f"{architecture}.{name}"

    def numbers(name: str) -> tuple[int, ...]:
        value = metadata.get(key(name), ())
        return tuple(each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, int))

    if len(architecture) > _MAX_ARCHITECTURE_CHARACTERS or not architecture.isprintable():
        yield ("general.architecture", f"{architecture!r:.40}")
    for name, (least, most) in _BOUNDS.items():
        value = metadata.get(key(name), ())
        for each in value if isinstance(value, tuple) else (value,):
            if not isinstance(each, int) or not least <= each <= most:
                yield (key(name), f"{each!r:.40}")
    layers = max(numbers("block_count"), default=0)
    for number in numbers("nextn_predict_layers"):
        if number > layers > 0:
            yield (key("nextn_predict_layers"), f"{number} of {layers}")
    if architecture == "hrm_text" and layers:
        stack, high, low = (max(numbers(f"hrm.{name}"), default=1) for name in _HRM_NUMBERS)
        if stack * high * (low + 1) != layers:
            yield (key("block_count"), f"{layers} of {stack} × {high} × {low + 1}")
    heads, width = numbers("attention.head_count"), max(numbers("embedding_length"), default=0)
    kv_heads = numbers("attention.head_count_kv")
    if any(_HEADS_NEEDED.search(tensor.name) for tensor in header.tensors):
        if not any(heads) and (heads or architecture in _DIVIDED_BY_HEADS):
            yield (key("attention.head_count"), "0")
        if kv_heads and not any(kv_heads):
            yield (key("attention.head_count_kv"), "0")
    one_for_all = len(heads) == 1 or len(kv_heads) == 1
    for each, kv in product(heads, kv_heads) if one_for_all else zip(heads, kv_heads, strict=False):
        if kv and (each % kv or (each != kv and architecture in _NO_GROUPS_OF_HEADS)):
            yield (key("attention.head_count_kv"), f"{kv} for {each}")
    first = (heads and heads[0]) or max(heads, default=0) or 1
    usual_head, has_rest = width // first, width % first
    head = max(numbers("attention.key_length"), default=usual_head)
    value_head = max(numbers("attention.value_length"), default=usual_head)
    windowed = max(numbers("attention.key_length_swa"), default=head)
    windowed_value = max(numbers("attention.value_length_swa"), default=value_head)
    if architecture in _KEYS_AS_LONG_AS_VALUES:
        if has_rest and not numbers("attention.key_length"):
            yield (key("attention.head_count"), f"{first} for {width}")
        for part, length, expected in (("", value_head, head), ("_swa", windowed_value, windowed)):
            if length != expected:
                yield (key(f"attention.value_length{part}"), f"{length} of {expected}")
    if heads:
        lengths = ((head, value_head), (windowed, windowed_value))
        for name, of_layer in _weights_of_other_heads(header, heads, kv_heads or heads, lengths):
            yield (key("attention.head_count"), f"{of_layer} for {name}")
    if architecture == "cogvlm" and heads and first * head != width:
        yield (key("attention.key_length"), f"{head} of {width}")
    if architecture in _EVEN_HEADS and head % 2:
        yield (key("attention.key_length"), str(head))
    sections = numbers("rope.dimension_sections")
    needs_sections = heads and architecture in _SECTIONED_ROPE and max(sections[:3], default=0) <= 0
    if needs_sections or sum(sections) > head > 0 or min(sections, default=0) < 0:
        yield (key("rope.dimension_sections"), f"{list(sections)} of {head}")
    least_mla = min(numbers("attention.key_length_mla"), default=_MAX_HEADS + 1)
    rotated = numbers("rope.dimension_count")
    if not rotated and (architecture in _LATENT_ATTENTION or (architecture in _ROTATED and head % 2)):
        yield (key("rope.dimension_count"), f"none of {head}")
    if architecture == "step35" and (max(rotated, default=head) % 4):
        yield (key("rope.dimension_count"), f"{max(rotated, default=head)}, of which a half is rotated")
    if numbers("attention.key_length_swa"):
        number = max(numbers("rope.dimension_count_swa") or rotated, default=head)
        if number > windowed:
            yield (key("rope.dimension_count_swa"), f"{number} of {windowed}")
    for number in numbers("attention.indexer.key_length") if architecture in _INDEXED else ():
        is_whole = number.bit_count() == 1 or architecture == "deepseek4"
        is_turned = architecture == "minimax-m3" or (is_whole and number % 64 == 0)
        if not is_turned or max(rotated, default=head) > number:
            yield (key("attention.indexer.key_length"), str(number))
    for number in rotated:
        is_part = number < head and architecture in _ROTATE_WHOLE_HEADS
        is_all = number == head and architecture in _LATENT_ATTENTION
        is_none = not number and architecture not in _WITHOUT_ROTATION
        if number % 2 or is_part or is_all or is_none or number > head > 0 or number >= least_mla:
            yield (key("rope.dimension_count"), f"{number} of {head}")
    if architecture == "minimax-m3":
        if not all(numbers("attention.indexer.block_size")):
            yield (key("attention.indexer.block_size"), "0")
        for each in numbers("attention.indexer.head_count"):
            if any(each != kv for kv in kv_heads or heads):
                yield (key("attention.indexer.head_count"), f"{each} for {max(kv_heads or heads)}")
    if architecture == "glm5-next":
        for pooled, top in product(numbers("attention.indexer.kpool"), numbers("attention.indexer.top_k")):
            if pooled < 2 or top % pooled:
                yield (key("attention.indexer.kpool"), f"{pooled} of {top}")
    if architecture in _FOUR_CONNECTIONS:
        for number in numbers("hyper_connection.count"):
            if number != 4:
                yield (key("hyper_connection.count"), str(number))
    for number in numbers("attention.output_group_count"):
        if number == 0 or any(each % number for each in heads):
            yield (key("attention.output_group_count"), f"{number} for {first}")
    bound = metadata.get(key("kda.gate_lower_bound"), -1.0)
    if architecture == "bailingmoe3":
        if not (isinstance(bound, float) and bound < 0):
            yield (key("kda.gate_lower_bound"), f"{bound!r:.40}")
        if metadata.get(key("kda.safe_gate")) is False:
            yield (key("kda.safe_gate"), "False")
    for size in numbers("wkv.head_size"):
        if size and width % size:
            yield (key("wkv.head_size"), f"{size} of {width}")
    shifts = max(numbers("token_shift_count"), default=2)
    if shifts != _TOKEN_SHIFTS.get(architecture, shifts):
        yield (key("token_shift_count"), str(shifts))
    shared = max(numbers("attention.shared_kv_layers"), default=0)
    if architecture == "gemma4" and layers and layers - shared < 2:
        yield (key("attention.shared_kv_layers"), f"{shared} of {layers}")
    has_window = architecture in ("gemma2", "gemma3", "gpt-oss", "llama4") or any(numbers("attention.sliding_window"))
    if has_window and metadata.get(key("attention.sliding_window_pattern")) == 1:
        yield (key("attention.sliding_window_pattern"), "1")
    for name, value in _layers_of_one_kind(architecture, layers, numbers):
        yield (key(name), value)
    if architecture == "ernie4_5-moe" and metadata.get(key("interleave_moe_layer_step")) == 0:
        yield (key("interleave_moe_layer_step"), "0")
    if architecture in _ONE_LENGTH_OF_HEADS:
        for part, length, expected in (("key", windowed, head), ("value", windowed_value, value_head)):
            if length != expected:
                yield (key(f"attention.{part}_length_swa"), f"{length} of {expected}")
    if architecture == "deepseek4" and any(each != 1 for each in kv_heads or heads):
        yield (key("attention.head_count_kv"), str(max(kv_heads or heads)))
    for number in numbers("ssm.group_count"):
        if (number == 0) != (architecture == "plamo2"):
            yield (key("ssm.group_count"), str(number))
    for inner in numbers("ssm.inner_size"):
        rank, groups = max(numbers("ssm.time_step_rank"), default=0), max(numbers("ssm.group_count"), default=1)
        by_heads = architecture in _STATE_BY_HEADS
        is_uneven = bool(groups and inner % groups) or (by_heads and bool(rank and inner % rank))
        is_uneven |= (by_heads or architecture in _LINEAR_ATTENTION) and bool(groups and rank % groups)
        is_other = inner != 2 * width and architecture in _STATES_OF_TWICE_THE_WIDTH
        if architecture in _LINEAR_ATTENTION:
            is_other = any(inner != rank * size for size in numbers("ssm.state_size"))
        if inner < rank or is_uneven or is_other:
            yield (key("ssm.inner_size"), str(inner))
    for name in _EPSILONS:
        epsilon = metadata.get(key(name))
        if isinstance(epsilon, float) and not 0 <= epsilon < math.inf:
            yield (key(name), str(epsilon))
    scaling = metadata.get(key("rope.scaling.type"))
    if isinstance(scaling, str) and scaling not in _ROPE_SCALING:
        yield (key("rope.scaling.type"), f"{scaling!r:.40}")
    experts = max(numbers("expert_count"), default=0)
    is_dense = architecture in ("hunyuan-dense", "hunyuan_vl") and experts <= 1
    used = max(numbers("expert_used_count"), default=0)
    has_experts = bool(numbers("expert_count")) and any("_exps." in tensor.name for tensor in header.tensors)
    needed = has_experts or architecture in _ALWAYS_EXPERTS
    if not is_dense and (used > experts or ((experts or needed) and not used)):
        yield (key("expert_used_count"), f"{used} of {experts}")
    if experts and architecture in _GATES_WITHOUT_DEFAULT and not any(numbers("expert_gating_func")):
        yield (key("expert_gating_func"), f"0 for {experts}")
    for number in numbers("experts_per_group"):
        if number == 0 or experts % number:
            yield (key("experts_per_group"), f"{number} of {experts}")
    groups = max(numbers("expert_group_count"), default=0)
    if groups and (groups >= experts or (groups > 1 and experts % groups)):
        yield (key("expert_group_count"), f"{groups} for {experts}")
    used_groups = max(numbers("expert_group_used_count"), default=0)
    if groups > 1 and not 0 < used_groups < groups:
        yield (key("expert_group_used_count"), f"{used_groups} of {groups}")


def _layers_of_one_kind(
    architecture: str, layers: int, numbers: Callable[[str], tuple[int, ...]]
) -> Iterator[tuple[str, str]]:
    """Yield what makes all layers recurrent, none, all windowed or none where the graph needs both kinds.

    ``numbers`` returns the numbers of a key, one or one for each of the ``layers``.
    """

    def of_layers(name: str, default: tuple[int, ...]) -> list[int]:
        values = numbers(name) or default
        return [values[min(layer, len(values) - 1)] for layer in range(layers)]

    layers = min(layers, MAX_LAYERS) - max(numbers("nextn_predict_layers"), default=0)
    if architecture in _HYBRID_BY_HEADS and layers > 0:
        name = "attention.head_count_kv"
        kv_heads = of_layers(name, numbers("attention.head_count") or (1,))
        widths = of_layers("feed_forward_length", (0,)) if architecture.startswith("nemotron") else [0] * layers
        kinds = {count == 0 for count, width in zip(kv_heads, widths, strict=True) if not width}
        if len(kinds) < 2:
            yield (name, f"{sorted(set(kv_heads))} in {layers} layers")
    if (interval := _FULL_ATTENTION_INTERVALS.get(architecture)) and layers > 0:
        recurrent = of_layers("attention.recurrent_layers", ()) if numbers("attention.recurrent_layers") else []
        interval = max(numbers("full_attention_interval"), default=interval)
        if (len(set(map(bool, recurrent))) < 2) if recurrent else not 1 < interval <= layers:
            yield ("full_attention_interval", f"{interval} of {layers} layers")
    name, window = "attention.sliding_window", max(numbers("attention.sliding_window"), default=None)
    pattern = numbers(f"{name}_pattern")
    if (architecture == "afmoe" and not window) or (architecture == "llama4" and window == 0):
        yield (name, str(window or 0))
    if window and len(pattern) > 1 and not any(pattern):
        yield (f"{name}_pattern", f"{list(pattern)}")
    period = max(pattern, default=0) or _WINDOW_PATTERNS.get(architecture, 0)
    if architecture in _WINDOW_PATTERNS and len(pattern) < 2 and 0 < layers < period:
        yield ("block_count", f"{layers} of {period}")


def _weights_of_other_heads(
    header: GgufHeader, heads: tuple[int, ...], kv_heads: tuple[int, ...], lengths: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, int]]:
    """Yield the weights of attention that aren't as wide as the heads of their layer, with the number of these.

    ``heads`` and ``kv_heads`` are one number or one for each layer, ``lengths`` those of keys and values that a layer
    may have.  The engine checks some weights by the first layer or by the width of the model, and asserts the rest.
    """
    is_latent, has_heads = header.architecture in _LATENT_ATTENTION, header.architecture in _WIDTH_OF_HEADS
    absorbed = {tensor.name for tensor in header.tensors if ".attn_k_b." in tensor.name}
    for tensor in header.tensors if is_latent or has_heads else ():
        if not (match := _ATTENTION_WEIGHT.fullmatch(tensor.name)) or prod(tensor.shape[2:]) != 1:
            continue
        layer, part = int(match[1]), match[2]
        count, kv_count = (each[min(layer, len(each) - 1)] for each in (heads, kv_heads))
        is_absorbed, width = f"blk.{layer}.attn_k_b.weight" in absorbed, (*tensor.shape, 1, 1)[part != "output"]
        if is_latent:
            is_right = {
                "kv_a_mqa": not is_absorbed or any(width == kv_count * length for length, _ in lengths),
                "kv_b": is_absorbed or count == kv_count,
            }.get(part, True)
        else:
            is_right = any(
                width
                == {
                    "q": count * length,
                    "k": kv_count * length,
                    "v": kv_count * value_length,
                    "qkv": count * length + kv_count * (length + value_length),
                    "output": count * value_length,
                }.get(part, width)
                for length, value_length in lengths
            )
        if not is_right:
            yield tensor.name, count
