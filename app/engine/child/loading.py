"""Loading a file: the engine's parameters from LoadOptions, progress, cancel, and what the engine allocated."""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llama_cpp
import psutil

from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import LoadOptions
from model_manager.errors import Cancelled, UserError

DEFAULT_CONTEXT = 8192
READ_BYTES = 8 << 20
GPU_RESERVE_BYTES = 1 << 30
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""Names of enum ggml_type."""
LOAD_MODE_AUTO = -1
FLASH_ATTENTION = {None: -1, False: 0, True: 1}

Progress = Callable[[float, float | None], None]
"""Called with a fraction from 0 to 1 and the seconds left, None while they cannot be told."""


class TensorBufferOverride(ctypes.Structure):
    """struct llama_model_tensor_buft_override of llama.h."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


@dataclass
class LoadedModel:
    """A loaded file.  The pointers belong to the engine until ``free``."""

    model: int
    context: int
    context_size: int
    gpu_layers: int
    layers: int
    keep: list[object] = field(default_factory=list)
    """Memory that the engine keeps pointers into."""

    def free(self) -> None:
        """Give everything back to the system."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)
        self.keep.clear()


def load(options: LoadOptions, ggml: Ggml, stop: StopFlag, threads: int, progress: Progress) -> LoadedModel:
    """Load the file and make a context for it.

    Raises:
        UserError: ``load_refused`` when the engine refuses the file or has no room for it; ``device_unknown``,
            ``kv_type_unknown``, ``rpc_server_unreachable``.
        Cancelled: ``stop`` was set.
    """
    if options.kv_type not in KV_TYPES:
        raise UserError("kv_type_unknown", kv_type=options.kv_type, known=list(KV_TYPES))
    ggml.add_rpc_servers(options.rpc_servers)
    devices = _choose_devices(ggml.devices(), options.devices)
    meter = _Meter(progress)
    gpu_layers = _gpu_layers(options, devices)
    if not devices or gpu_layers == 0:
        _warm_up(Path(options.path), stop, meter)
    keep: list[object] = []
    params = _model_params(options, ggml, devices, gpu_layers, keep)

    def on_progress(fraction: float, _data: object) -> bool:
        meter.loading(fraction)
        return not stop.is_set()

    params.progress_callback = llama_cpp.llama_progress_callback(on_progress)
    model = llama_cpp.llama_model_load_from_file(options.path.encode(), params)
    if stop.is_set():
        if model:
            llama_cpp.llama_model_free(model)
        raise Cancelled
    if not model:
        raise UserError("load_refused", path=options.path)
    context_size = options.context or min(DEFAULT_CONTEXT, llama_cpp.llama_model_n_ctx_train(model))
    context = llama_cpp.llama_init_from_model(model, _context_params(options, context_size, stop, threads))
    if not context:
        llama_cpp.llama_model_free(model)
        raise UserError("load_refused", path=options.path)
    layers = llama_cpp.llama_model_n_layer(model)
    on_devices = 0 if not devices else layers + 1 if gpu_layers < 0 else min(gpu_layers, layers + 1)
    return LoadedModel(model, context, llama_cpp.llama_n_ctx(context), on_devices, layers, keep)


def _choose_devices(handles: Sequence[DeviceHandle], wanted: Sequence[str]) -> list[DeviceHandle]:
    gpus = [handle for handle in handles if handle.facts.kind == "gpu"]
    if not wanted:
        return gpus
    by_name = {handle.facts.name: handle for handle in handles}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise UserError("device_unknown", name=unknown[0], known=list(by_name))
    return [by_name[name] for name in wanted if by_name[name].facts.kind != "cpu"]


def _gpu_layers(options: LoadOptions, devices: Sequence[DeviceHandle]) -> int:
    if options.gpu_layers is not None:
        return options.gpu_layers
    if not devices:
        return 0
    free = sum(max(0, device.facts.free_bytes - GPU_RESERVE_BYTES) for device in devices)
    # A tenth more than the file stands for KV cache and compute buffers; 1000 is more layers than any file has.
    share = free / (1.1 * Path(options.path).stat().st_size)
    return -1 if share >= 1 else int(share * _block_count(options.path))


def _block_count(path: str) -> int:
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise UserError("load_refused", path=path)
    try:
        return int(llama_cpp.llama_model_n_layer(model))
    finally:
        llama_cpp.llama_model_free(model)


def _model_params(
    options: LoadOptions, ggml: Ggml, devices: Sequence[DeviceHandle], gpu_layers: int, keep: list[object]
) -> Any:
    # Any: the structure's annotations in llama-cpp-python name other types than its ctypes fields take.
    params: Any = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.load_mode = LOAD_MODE_AUTO
    pointers = (ctypes.c_void_p * (len(devices) + 1))(*(device.pointer for device in devices), None)
    params.devices = ctypes.cast(pointers, ctypes.c_void_p)
    keep.append(pointers)
    if options.tensor_split:
        if len(options.tensor_split) != len(devices):
            raise UserError("tensor_split_length", shares=len(options.tensor_split), devices=len(devices))
        shares = (ctypes.c_float * llama_cpp.llama_max_devices())(*options.tensor_split)
        params.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
        keep.append(shares)
    if options.experts_in_ram:
        numbers = "|".join(map(str, options.experts_in_ram))
        overrides = (TensorBufferOverride * 2)()
        overrides[0].pattern = rf"blk\.({numbers})\.ffn_(up|down|gate|gate_up)_(ch|)exps".encode()
        overrides[0].buffer_type = ggml.cpu_buffer_type()
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        keep.append(overrides)
    return params


def _context_params(options: LoadOptions, context: int, stop: StopFlag, threads: int) -> Any:
    params: Any = llama_cpp.llama_context_default_params()
    params.n_ctx = context
    params.n_batch = options.batch
    params.n_ubatch = min(options.micro_batch, options.batch)
    params.n_seq_max = 1
    params.n_threads = params.n_threads_batch = threads
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    quantised = options.kv_type != "f16"
    params.flash_attn_type = FLASH_ATTENTION[True if quantised else options.flash_attention]
    params.abort_callback = stop.callback
    params.abort_callback_data = stop.data
    params.no_perf = True
    return params


class _Meter:
    """Progress of a load in two steps: reading the file into memory, and the engine's own work."""

    READING_SHARE = 0.9

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begin = time.monotonic()
        self._done = 0.0
        self._reported = 0.0

    def reading(self, fraction: float) -> None:
        self._done = fraction * self.READING_SHARE
        self._report(self._done)

    def loading(self, fraction: float) -> None:
        self._report(self._done + fraction * (1 - self._done))

    def _report(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self._reported < 0.1 and fraction < 1:
            return
        self._reported = now
        elapsed = now - self._begin
        left = elapsed * (1 - fraction) / fraction if fraction > 0.02 and elapsed > 0.5 else None
        self._progress(fraction, left)


def _warm_up(path: Path, stop: StopFlag, meter: _Meter) -> None:
    """Read the file once, so that its pages are in memory when the engine maps them.

    The engine's own mapping reads everything inside one system call: for minutes it would tell no progress and hear no
    stop.  A file larger than the free memory is left to it, since its pages could not stay.
    """
    size = path.stat().st_size
    if size > psutil.virtual_memory().available:
        return
    done = 0
    buffer = memoryview(bytearray(READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            if stop.is_set():
                raise Cancelled
            done += count
            meter.reading(done / size)


_BUFFER = re.compile(
    r"(?P<device>[A-Za-z0-9_\[\]:.]+?)(?P<mapped>_Mapped|_REPACK)?\s+"
    r"(?P<what>model|KV|RS|compute|output) buffer size\s*=\s*(?P<mib>[0-9.]+) MiB"
)
_KIND = {"model": "weights_bytes", "KV": "kv_bytes", "RS": "kv_bytes", "compute": "compute_bytes"}


def allocated(log: str) -> dict[str, dict[str, int]]:
    """Bytes of weights, KV and compute buffers by device, from the engine's "buffer size" lines of one load.

    Copies of weights in the processor's own order (CPU_REPACK) are counted apart, as ``repack_bytes``.
    """
    memory: dict[str, dict[str, int]] = {}
    for match in _BUFFER.finditer(log):
        kind = _KIND.get(match["what"])
        if kind is None:
            continue
        if match["mapped"] == "_REPACK":
            kind = "repack_bytes"
        sums = memory.setdefault(match["device"], {"weights_bytes": 0, "kv_bytes": 0, "compute_bytes": 0})
        sums[kind] = sums.get(kind, 0) + round(float(match["mib"]) * 2**20)
    return memory
