"""Memory that the engine reports in its log, by device."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.engine.child.ggml import DeviceHandle
from model_manager.gguf.header import GgufHeader

HOST = "CPU"
MEBIBYTE = 1 << 20
_BUFFER = re.compile(r"(?<!\S)(?P<buffers>\S+)\s+(?P<what>model|KV|RS|compute) buffer size\s*=\s*(?P<mib>[0-9.]+) MiB")
_KIND = {"model": "weights_bytes", "KV": "kv_bytes", "RS": "kv_bytes", "compute": "compute_bytes"}
_ALL_DEVICES = "Meta("
_TILES = "AMX"
"""The host's buffers of matrices in tiles, which may be larger than those in the file."""
_PIPELINE = "pipeline parallelism enabled"
_NO_PIPELINE = "retrying without pipeline parallelism"
_FLASH_ATTENTION = re.compile(r"flash_attn\s+=\s*enabled|Flash Attention enabled")


def buffer_sizes(log: str, devices: Sequence[DeviceHandle]) -> dict[str, dict[str, int]]:
    """Parse the "buffer size" lines of one load: bytes of weights, KV and compute buffers by device.

    All kinds of host memory are under ``CPU``: plain, pinned by a driver (``CUDA_Host``), the mapped file
    (``mapped_bytes``, a range that may cover tensors of devices too) and the copies in the processor's own order
    (``repack_bytes``).  With the split mode tensor the engine reports one figure, that of the fullest device
    (``ggml-backend-meta.cpp``), which is then used for each device.  An unknown buffer keeps the engine's name for it.
    """
    names = {device.buffers: device.name for device in devices}
    memory: dict[str, dict[str, int]] = {}
    for match in _BUFFER.finditer(log):
        buffers, kind = match["buffers"], _KIND[match["what"]]
        # Metal has buffers of the same device by other names: MTL0_Private, MTL0_Mapped.
        name = names.get(buffers) or names.get(buffers.removesuffix("_Private").removesuffix("_Mapped"))
        if name is None and (buffers.startswith(HOST) or buffers.endswith("_Host")):
            name = HOST
            if buffers.endswith("_Mapped"):
                kind = "mapped_bytes"
            elif buffers.endswith("_REPACK"):
                kind = "repack_bytes"
        if name is None and buffers == _TILES:
            name, kind = HOST, "tile_bytes"
        for each in names.values() if buffers.startswith(_ALL_DEVICES) else (name or buffers,):
            sums = memory.setdefault(each, {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0})
            sums[kind] = sums.get(kind, 0) + round(float(match["mib"]) * MEBIBYTE)
    # The engine's own order is that of addresses in memory.
    known = [name for name in (HOST, *names.values()) if name in memory]
    return {name: memory[name] for name in dict.fromkeys((*known, *memory))}


def allocated(
    log: str, devices: Sequence[DeviceHandle], headers: Sequence[GgufHeader], *, output_on_device: bool
) -> Mapping[str, Mapping[str, int]]:
    """Parse like ``buffer_sizes``, but count each tensor in host memory once instead of the mapped range.

    For a mapped file these are the tensors that are on no device.  For a file that is read, the repacked tensors are
    not copies but the weights themselves.
    """
    memory = buffer_sizes(log, devices)
    host = {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0, **memory.pop(HOST, {})}
    memory = {HOST: host, **memory}
    mapped, tiles = host.pop("mapped_bytes", 0), host.pop("tile_bytes", 0)
    if tiles:
        host["repack_bytes"] = host.get("repack_bytes", 0) + tiles
    if not mapped:
        host["weights_bytes"] += host.pop("repack_bytes", 0)
        once = _held_by_host(memory, headers, output_on_device=output_on_device)
        if tiles and 0 < once < host["weights_bytes"]:
            host["weights_bytes"], host["repack_bytes"] = once, host["weights_bytes"] - once
    elif not headers or _ALL_DEVICES in log:
        host["weights_bytes"] += mapped
    else:
        host["weights_bytes"] = _held_by_host(memory, headers, output_on_device=output_on_device)
    return memory


def _held_by_host(
    memory: Mapping[str, Mapping[str, int]], headers: Sequence[GgufHeader], *, output_on_device: bool
) -> int:
    """Bytes of the tensors that are on no device."""
    elsewhere = sum(sums["weights_bytes"] for name, sums in memory.items() if name != HOST)
    sizes = {tensor.name: tensor.n_bytes for header in headers for tensor in header.tensors}
    if output_on_device and "output.weight" not in sizes:
        # The output is the token embedding once more, on the device; its first copy stays in host memory.
        elsewhere -= sizes.get("token_embd.weight", 0)
    return max(0, sum(sizes.values()) - elsewhere)


def is_pinned(log: str) -> bool:
    """Whether a driver pinned the weights in host memory: where it refuses, the engine falls back to plain memory."""
    return re.search(r"_Host\s+model buffer size", log) is not None


def pipeline_parallelism(log: str) -> bool:
    """Whether the log reports pipeline parallelism."""
    return _PIPELINE in log and _NO_PIPELINE not in log


def flash_attention(log: str) -> bool:
    """Whether the log reports flash attention."""
    return bool(_FLASH_ATTENTION.search(log))
