"""Layout in which a file with one tensor per expert loads: the experts of a layer stacked into one tensor.

Until April 2024 llama.cpp's converters wrote ``blk.N.ffn_up.E.weight`` for every expert E; since then it is one
``blk.N.ffn_up_exps.weight`` whose slowest dimension counts the experts, and current engines read nothing else.  The
experts are contiguous in it and have one type and shape, so that stacking moves bytes and changes none.

Source of the names and shapes: ``src/llama-arch.cpp`` and ``src/models/llama.cpp`` of llama.cpp; of the header's format
and the rule that tensors follow each other without gaps: ``ggml/src/gguf.cpp``.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import read_error
from model_manager.disk.json_file import CompressedBytes
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader, TensorInfo, padded, read_header
from model_manager.gguf.reader import MAX_HEADER_BYTES
from model_manager.gguf.tensor_types import TENSOR_TYPES
from model_manager.layout.layout import ByteRange, TensorLayout, merged

_ONE_EXPERT = re.compile(r"(blk\.[0-9]+\.ffn_(?:up|gate|down))\.([0-9]+)\.weight")
_TYPE_NUMBERS = {kind.name: number for number, kind in TENSOR_TYPES.items()}
_MAX_NAME_BYTES = 63
_MAX_DIMENSIONS = 4
_TENSOR_COUNT_AT = 8
"""Offset of the number of tensors, after the magic and the version; the number of keys follows."""


@dataclass(frozen=True)
class _Stack:
    """A tensor of the new file and the published tensors that it consists of; mostly one."""

    name: str
    shape: tuple[int, ...]
    tensors: tuple[TensorInfo, ...]

    @property
    def n_bytes(self) -> int:
        return sum(tensor.n_bytes for tensor in self.tensors)


def layout_for(header: GgufHeader, head: bytes) -> TensorLayout:
    """Return the layout of a published file: unchanged, or with its experts stacked where each has its own tensors.

    ``head`` contains the bytes before ``header.data_offset``; only needed where the experts are stacked.  The metadata
    is copied unchanged, and a stacked tensor takes the place of its first expert: a download in the published order is
    ahead of the file on disk by at most one layer.

    Padding between tensors is mapped where the new file has room for it; the rest is assumed to be zeros, as in every
    file that llama.cpp wrote.

    Raises ``UserError``: experts_differ(path, tensor) in type or shape, experts_missing(path, tensor),
    experts_in_shards(path, count), gguf_incomplete(path, bytes, expected_bytes), gguf_damaged(path, detail).
    Raises ``ValueError`` where ``head`` belongs to another file.
    """
    if not header.experts_in_separate_tensors:
        return TensorLayout.identity(header.file_bytes)
    if header.split_count > 1:
        # Each shard contains the number of tensors in all shards, so a single one can't be converted.
        raise UserError("experts_in_shards", path=header.path, count=header.split_count)
    if header.file_bytes < header.end_of_data:
        raise UserError("gguf_incomplete", path=header.path, bytes=header.file_bytes, expected_bytes=header.end_of_data)
    if header.data_offset > MAX_HEADER_BYTES:
        raise UserError("gguf_damaged", path=header.path, detail=f"a head of {header.data_offset} bytes")
    counts = len(header.tensors), len(header.metadata)
    if len(head) != header.data_offset or struct.unpack_from("<QQ", head, _TENSOR_COUNT_AT) != counts:
        raise ValueError(f"the head of another file, of {len(head)} bytes, expected {header.data_offset}")
    stacks = _stacks(header)
    target_head = _new_head(header, head, stacks)
    segments, target_bytes = _segments(header, stacks, len(target_head))
    return TensorLayout(header.file_bytes, target_bytes, segments, CompressedBytes(head), CompressedBytes(target_head))


def read_layout(path: Path) -> tuple[GgufHeader, TensorLayout]:
    """Return the header of a file on disk and the layout that it should have; the identity where it loads already.

    Raises ``UserError`` as ``read_header`` and ``layout_for``.
    """
    header = read_header(path)
    head = b""
    try:
        if header.experts_in_separate_tensors:
            with path.open("rb") as file:
                head = file.read(min(header.data_offset, MAX_HEADER_BYTES))
        return header, layout_for(header, head)
    except OSError as error:
        raise read_error(error, path) from error
    except ValueError as error:
        raise UserError("file_changed", path=path) from error


def _stacks(header: GgufHeader) -> tuple[_Stack, ...]:
    """Return the tensors of the new file in its order."""
    experts: dict[str, dict[int, TensorInfo]] = {}
    names: list[str] = []
    single: dict[str, TensorInfo] = {}
    for tensor in header.tensors:
        match = _ONE_EXPERT.fullmatch(tensor.name)
        name = f"{match[1]}_exps.weight" if match else tensor.name
        if name not in experts:
            names.append(name)
        if match is None:
            single[name] = tensor
        elif int(match[2]) in experts.setdefault(name, {}):
            raise UserError("gguf_damaged", path=header.path, detail=f"duplicate expert {tensor.name!r}")
        else:
            experts[name][int(match[2])] = tensor
    if twice := experts.keys() & single.keys():
        raise UserError("gguf_damaged", path=header.path, detail=f"{min(twice)!r} stacked and in single tensors")
    count = header.expert_count or max(len(group) for group in experts.values())
    return tuple(
        _stacked(header, name, experts[name], count)
        if name in experts
        else _Stack(name, single[name].shape, (single[name],))
        for name in names
    )


def _stacked(header: GgufHeader, name: str, group: dict[int, TensorInfo], count: int) -> _Stack:
    prefix = name.removesuffix("_exps.weight")
    missing = next(number for number in range(len(group) + 1) if number not in group)
    if missing < count:
        raise UserError("experts_missing", path=header.path, tensor=f"{prefix}.{missing}.weight")
    if len(group) > count:
        detail = f"{len(group)} experts in {prefix}, expected {count}"
        raise UserError("gguf_damaged", path=header.path, detail=detail)
    tensors = tuple(group[number] for number in range(count))
    first = tensors[0]
    for tensor in tensors:
        if (tensor.type, tensor.shape) != (first.type, first.shape):
            raise UserError("experts_differ", path=header.path, tensor=tensor.name)
    if len(first.shape) >= _MAX_DIMENSIONS or len(name) > _MAX_NAME_BYTES:
        raise UserError("gguf_damaged", path=header.path, detail=f"expert {first.name!r} of shape {first.shape}")
    return _Stack(name, (*first.shape, count), tensors)


def _new_head(header: GgufHeader, head: bytes, stacks: tuple[_Stack, ...]) -> bytes:
    counts = struct.pack("<Q", len(stacks))
    pieces = [head[:_TENSOR_COUNT_AT], counts, head[_TENSOR_COUNT_AT + len(counts) : header.metadata_end]]
    offset = 0
    for stack in stacks:
        name = stack.name.encode()
        pieces.append(struct.pack("<Q", len(name)) + name)
        pieces.append(struct.pack(f"<I{len(stack.shape)}Q", len(stack.shape), *stack.shape))
        pieces.append(struct.pack("<IQ", _TYPE_NUMBERS[stack.tensors[0].type], offset))
        offset += padded(stack.n_bytes, header.alignment)
    content = b"".join(pieces)
    return content.ljust(padded(len(content), header.alignment), b"\0")


def _segments(header: GgufHeader, stacks: tuple[_Stack, ...], target_data: int) -> tuple[tuple[ByteRange, ...], int]:
    """Return the segments, and the size of the new file."""
    places: dict[str, tuple[int, int]] = {}
    offset = 0
    for stack in stacks:
        end = offset + stack.n_bytes
        room = padded(end, header.alignment) - end
        for tensor in stack.tensors:
            places[tensor.name] = offset, room if tensor is stack.tensors[-1] else 0
            offset += tensor.n_bytes
        offset += room
    source_bytes = header.file_bytes - header.data_offset
    segments = []
    end = 0
    for tensor in header.tensors:
        end = tensor.offset + tensor.n_bytes
        padding = min(padded(end, header.alignment), source_bytes) - end
        target, room = places[tensor.name]
        length = tensor.n_bytes + min(padding, room)
        segments.append(ByteRange(header.data_offset + tensor.offset, target_data + target, length))
    # Bytes after the last tensor don't belong to the model but to the published file.
    behind = padded(end, header.alignment)
    left_over = max(0, source_bytes - behind)
    segments.append(ByteRange(header.data_offset + behind, target_data + offset, left_over))
    return merged(segments), target_data + offset + left_over
