"""GGUF headers written byte by byte, also invalid ones."""

from __future__ import annotations

import struct
from pathlib import Path

from model_manager.gguf.header import GgufHeader, read_header
from model_manager.gguf.reader import GgufReader

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def string(text: str | bytes) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return u64(len(content)) + content


def key(name: str, kind: int, value: object) -> bytes:
    """Return a metadata entry; an array is (type, [elements])."""
    if kind == ARRAY:
        assert isinstance(value, tuple)
        inner, elements = value
        body = u32(inner) + u64(len(elements)) + b"".join(scalar(inner, element) for element in elements)
    else:
        body = scalar(kind, value)
    return string(name) + u32(kind) + body


def scalar(kind: int, value: object) -> bytes:
    if kind == STRING:
        assert isinstance(value, str | bytes)
        return string(value)
    return struct.pack(f"<{_FORMATS[kind]}", value)


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return string(name) + u32(len(shape)) + b"".join(u64(size) for size in shape) + u32(kind) + u64(offset)


def header(
    keys: list[bytes],
    tensors: list[bytes],
    *,
    version: int = 3,
    key_count: int | None = None,
    tensor_count: int | None = None,
) -> bytes:
    counts = u64(len(tensors) if tensor_count is None else tensor_count)
    counts += u64(len(keys) if key_count is None else key_count)
    return b"GGUF" + u32(version) + counts + b"".join(keys) + b"".join(tensors)


def padded(content: bytes, alignment: int = 32) -> bytes:
    return content + bytes(-len(content) % alignment)


def small_model(keys: list[bytes] | None = None, **options: int) -> bytes:
    """Return a complete file with one tensor of 32 numbers."""
    keys = [key("general.architecture", STRING, "llama"), *(keys or [])]
    return padded(header(keys, [tensor("output.weight", (32,))], **options)) + bytes(128)


def with_keys(source: Path, out: Path, changes: dict[str, tuple[int, object] | None]) -> Path:
    """Copy a real file with metadata entries replaced, added or removed (None)."""
    whole = source.read_bytes()
    old = read_header(source)
    kept = []
    with source.open("rb", buffering=0) as file:
        reader = GgufReader(file, len(whole))
        reader.read(24)
        for _ in old.metadata:
            start = reader.position
            name = reader.identifier(1 << 16)
            reader.value()
            if name not in changes:
                kept.append(whole[start : reader.position])
    kept += [key(name, *change) for name, change in changes.items() if change is not None]
    infos = whole[reader.position : old.data_offset]
    counts = u64(len(old.tensors)) + u64(len(kept))
    # The padding after the header depends on its length.
    infos = infos[: _length_of_infos(old)]
    out.write_bytes(padded(whole[:8] + counts + b"".join(kept) + infos, old.alignment) + whole[old.data_offset :])
    return out


def _length_of_infos(header: GgufHeader) -> int:
    return sum(len(tensor(each.name, each.shape)) for each in header.tensors)
