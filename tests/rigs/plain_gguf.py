"""GGUF files of any size with a valid header and random data, for tests that move, hash or map bytes.

``sparse=True`` writes no data: any size without using disk space.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

ALIGNMENT = 32
BLOCK_BYTES = 16 << 20
MAX_TENSOR_BYTES = 1 << 30
_I8, _STRING = 24, 8


def write_plain_gguf(path: Path, n_bytes: int, *, seed: int = 0, sparse: bool = False) -> Path:
    """Write a file of exactly ``n_bytes`` bytes (at least 512)."""
    head = _head(n_bytes)
    with path.open("wb") as file:
        file.write(head)
        if sparse:
            file.truncate(n_bytes)
            return path
        pool = random.Random(seed).randbytes(min(BLOCK_BYTES, n_bytes))
        at, turn = len(head), 0
        while at < n_bytes:
            # All blocks differ, so that a misplaced block is detected.
            shift = turn * 4099 % len(pool)
            block = (pool[shift:] + pool[:shift])[: n_bytes - at]
            file.write(block)
            at, turn = at + len(block), turn + 1
    return path


def _head(n_bytes: int) -> bytes:
    count = -(-n_bytes // MAX_TENSOR_BYTES)
    while True:
        sizes = [MAX_TENSOR_BYTES] * (count - 1)
        data_at = len(_with_tensors([*sizes, 0]))
        rest = n_bytes - data_at - sum(sizes)
        if rest > 0:
            return _with_tensors([*sizes, rest])
        count -= 1


def _with_tensors(sizes: list[int]) -> bytes:
    key, value = b"general.architecture", b"llama"
    head = b"GGUF" + struct.pack("<IQQ", 3, len(sizes), 1)
    head += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", _STRING, len(value)) + value
    offset = 0
    for number, size in enumerate(sizes):
        name = f"blk.{number}.data.weight".encode()
        head += struct.pack("<Q", len(name)) + name + struct.pack("<IQIQ", 1, size, _I8, offset)
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return head.ljust(-(-len(head) // ALIGNMENT) * ALIGNMENT, b"\0")
