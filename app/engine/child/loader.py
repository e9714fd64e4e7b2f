"""Loading a file: llama.cpp's parameters for a ``LoadSpec``, progress, cancellation, and the loaded model."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from llama_cpp import llama_cpp

from app.backend import LoadProgress
from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.graph_slices import GraphSlices
from app.engine.child.memory.host_weights import HostWeights
from app.engine.child.memory.weights_reader import is_cached
from app.engine.child.stop_flag import StopFlag
from model_manager.devices.devices import default_devices, usable_cores
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import GgufHeader, TensorInfo
from model_manager.gguf.shards import read_model
from model_manager.plan.engine_arguments import flash_attention, tensor_overrides
from model_manager.plan.load_spec import CPU, LoadSpec

DEFAULT_CONTEXT = 8192
READ_BYTES = 8 << 20
READING_SHARE = 0.9
"""Share of the progress for reading the file, the rest is the engine's work."""

GPU_RESERVE_BYTES = 1 << 30
RAM_SHARE = 0.9
"""Share of the available host memory for weights that are read instead of mapped."""
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""Names of enum ggml_type."""
SPLIT_MODES = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
"""enum llama_split_mode."""
LOAD_MODES = {None: -1, False: 0, True: 1}
"""enum llama_load_mode by ``mmap``; None: the engine decides by the devices."""
DIRECT_IO = 4
"""LLAMA_LOAD_MODE_DIRECT_IO: read past the page cache (on Linux), with a line in the log where it is not possible."""
FLASH_ATTENTION = {None: -1, False: 0, True: 1}
_LAYER = re.compile(r"blk\.(\d+)\.")


Emit = Callable[[LoadProgress], None]


@dataclass
class LoadedModel:
    """A loaded file.  The pointers belong to the engine until ``free``."""

    path: str
    model: int
    context: int
    context_size: int
    gpu_layers: int
    layers: int
    devices: list[DeviceHandle]
    headers: tuple[GgufHeader, ...]
    """Of all its files; empty if this program cannot read them, even if the engine can."""
    slices: GraphSlices | None = None
    """Stops devices inside a batch; None where there are none, or their backends are not known."""
    offloads: bool = False
    """Whether a device computes with weights from host memory, copied to it for every batch that is large enough."""
    keep: list[object] = field(default_factory=list)
    """Objects that the engine has pointers to."""

    def free(self) -> None:
        """Free model and context."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)
        self.keep.clear()


def load(
    path: str, spec: LoadSpec, ggml: Ggml, stop: StopFlag, emit: Emit, slices: GraphSlices | None = None
) -> LoadedModel:
    """Load the file and make a context for it, with ``slices`` on its devices.

    Raises:
        UserError: ``load_refused`` if the engine refuses the file or lacks memory for it; ``device_unknown``,
            ``kv_type_unknown``, ``rpc_server_unreachable`` and further ones about the spec.
        Cancelled: ``stop`` was set.
    """
    ggml.add_rpc_servers(spec.rpc_servers)
    devices = choose_devices(ggml.devices(), spec)
    meter = _ProgressMeter(emit)
    headers = read_headers(Path(path))
    gpu_layers = count_gpu_layers(path, spec, devices, headers)
    mmap = choose_mmap(spec, devices, gpu_layers, headers)
    if mmap is not False:
        _warm_up(Path(path), stop, meter)
    keep: list[object] = []
    params = model_parameters(spec, ggml, devices, gpu_layers, keep, mmap=mmap)
    host = _host_tensors(spec, gpu_layers, headers)
    host_weights = HostWeights(ggml, headers, usable_cores()) if mmap is False and host else None
    if mmap is False and _has_room(host) and not is_cached(Path(path)):
        params.load_mode = DIRECT_IO

    def on_progress(fraction: float, _data: object) -> bool:
        meter.loading(fraction)
        return not stop.is_set()

    params.progress_callback = llama_cpp.llama_progress_callback(on_progress)
    with host_weights.during_load() if host_weights is not None else nullcontext():
        model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    try:
        stop.raise_if_set()
        if not model:
            raise UserError("load_refused", path=path)
        if host_weights is not None:
            host_weights.read(stop, meter.loading)
    except (Cancelled, UserError, OSError) as error:
        if model:
            llama_cpp.llama_model_free(model)
        if isinstance(error, OSError):
            raise UserError("load_refused", path=path) from error
        raise
    # Backends that span several devices are not known here.
    is_known = spec.split_mode in ("layer", "none") and bool(devices)
    slices = slices if slices is not None and is_known and slices.install(devices) else None
    context = make_context(model, path, spec, stop)
    layers = llama_cpp.llama_model_n_layer(model)
    on_devices = 0 if not devices else layers + 1 if gpu_layers < 0 else min(gpu_layers, layers + 1)
    return LoadedModel(
        path=path,
        model=model,
        context=context,
        context_size=llama_cpp.llama_n_ctx(context),
        gpu_layers=on_devices,
        layers=layers,
        devices=devices,
        headers=headers,
        slices=slices,
        offloads=(bool(spec.experts_in_ram) or on_devices <= layers)
        and on_devices > 0
        and any(device.device.copies_weights for device in devices),
        keep=keep,
    )


def read_headers(path: Path) -> tuple[GgufHeader, ...]:
    """Read the headers of all files of a model; empty if they cannot be read."""
    try:
        return read_model(path)
    except UserError:
        return ()


def make_context(model: int, path: str, spec: LoadSpec, stop: StopFlag) -> int:
    """Make a context for the loaded file; frees the file if there is not enough memory for one.

    Raises:
        UserError: ``load_refused``.
    """
    size = spec.context or min(DEFAULT_CONTEXT, llama_cpp.llama_model_n_ctx_train(model))
    context: int | None = llama_cpp.llama_init_from_model(model, context_parameters(spec, size, stop))
    if not context:
        llama_cpp.llama_model_free(model)
        raise UserError("load_refused", path=path)
    return context


class _ProgressMeter:
    """Progress of a load in two steps: reading the file into memory, and the engine's own work."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._begin = time.monotonic()
        self._read = 0.0
        self._reported = 0.0

    def reading(self, fraction: float) -> None:
        self._read = fraction * READING_SHARE
        self._report(self._read)

    def loading(self, fraction: float) -> None:
        self._report(self._read + fraction * (1 - self._read))

    def _report(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self._reported >= 0.1 or fraction >= 1:
            self._reported = now
            elapsed = now - self._begin
            left = elapsed * (1 - fraction) / fraction if fraction > 0.02 and elapsed > 0.5 else None
            self._emit(LoadProgress(fraction, left))


def _warm_up(path: Path, stop: StopFlag, meter: _ProgressMeter) -> None:
    """Read the file once, so that its pages are in memory when the engine maps them.

    The engine's own mapping reads everything inside one system call, for minutes without progress or cancellation.  A
    file larger than the free memory is left to it, since its pages could not stay.
    """
    size = path.stat().st_size
    if size > psutil.virtual_memory().available:
        return
    done = 0
    buffer = memoryview(bytearray(READ_BYTES))
    with path.open("rb", buffering=0) as file, Path(os.devnull).open("wb") as nowhere:
        while count := _read_on(file, nowhere, buffer):
            stop.raise_if_set()
            done += count
            meter.reading(done / size)


def _read_on(file: FileIO, nowhere: BinaryIO, buffer: memoryview) -> int:
    if sys.platform == "linux":
        # Copies nothing; some file systems refuse it.
        with suppress(OSError):
            return os.sendfile(nowhere.fileno(), file.fileno(), None, READ_BYTES)
    return file.readinto(buffer) or 0


# Parameters


class TensorBufferOverride(ctypes.Structure):
    """struct llama_model_tensor_buft_override of llama.h."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def choose_devices(handles: Sequence[DeviceHandle], spec: LoadSpec) -> list[DeviceHandle]:
    """Choose the devices that get layers, in their order, and check the spec.

    Raises:
        UserError: ``kv_type_unknown``, ``split_mode_unknown``, ``device_unknown``, ``tensor_split_length``,
            ``split_mode_not_on_device``.
    """
    if spec.kv_type not in KV_TYPES:
        raise UserError("kv_type_unknown", kv_type=spec.kv_type, known=list(KV_TYPES))
    if spec.split_mode not in SPLIT_MODES:
        raise UserError("split_mode_unknown", split_mode=spec.split_mode, known=list(SPLIT_MODES))
    by_name = {handle.name: handle for handle in handles}
    if spec.devices:
        unknown = [name for name in spec.devices if name not in by_name]
        if unknown:
            raise UserError("device_unknown", name=unknown[0], known=list(by_name))
        chosen = [by_name[name] for name in spec.devices if by_name[name].device.kind != "cpu"]
    else:
        chosen = [by_name[device.name] for device in default_devices([handle.device for handle in handles])]
    names = [device.name for device in chosen]
    if spec.main_gpu is not None and spec.main_gpu not in names:
        raise UserError("device_unknown", name=spec.main_gpu, known=names)
    if spec.tensor_split and len(spec.tensor_split) != len(chosen):
        raise UserError("tensor_split_length", shares=len(spec.tensor_split), devices=len(chosen))
    if spec.split_mode == "row" and (whole := [device.name for device in chosen if not device.splits_rows]):
        raise UserError("split_mode_not_on_device", split_mode=spec.split_mode, device=whole[0])
    return chosen


def count_gpu_layers(path: str, spec: LoadSpec, devices: Sequence[DeviceHandle], headers: Sequence[GgufHeader]) -> int:
    """Return the number of layers on devices, -1 for all: the fixed number, or an estimate from the free memory."""
    if spec.n_gpu_layers is not None:
        return spec.n_gpu_layers
    if not devices or not headers:
        return 0
    free = sum(max(0, device.device.free_bytes - GPU_RESERVE_BYTES) for device in devices)
    # A tenth more than the file for KV cache and compute buffers.
    share = free / (1.1 * Path(path).stat().st_size)
    return -1 if share >= 1 else int(share * (headers[0].block_count or 0))


def choose_mmap(
    spec: LoadSpec, devices: Sequence[DeviceHandle], gpu_layers: int, headers: Sequence[GgufHeader]
) -> bool | None:
    """Return the ``mmap`` of the load: the fixed choice, else False to read the file, or None for the engine's default.

    A mapped file is read inside one system call, without progress or cancellation, and the devices' part is read a
    second time if the file is larger than the free memory.  Therefore the file is not mapped if devices take a part of
    it and the rest fits into host memory.
    """
    if spec.mmap is not None or not devices or gpu_layers == 0 or not headers:
        return spec.mmap
    if any(device.uses_host_memory for device in devices):
        return None
    in_ram = sum(tensor.n_bytes for tensor in _host_tensors(spec, gpu_layers, headers))
    return None if in_ram > psutil.virtual_memory().available * RAM_SHARE else False


def _has_room(host: Sequence[TensorInfo]) -> bool:
    """Whether direct reading has room: the engine holds a second copy of a tensor in host memory meanwhile."""
    sizes = [tensor.n_bytes for tensor in host]
    return sum(sizes) + max(sizes, default=0) < psutil.virtual_memory().available


def _host_tensors(spec: LoadSpec, gpu_layers: int, headers: Sequence[GgufHeader]) -> list[TensorInfo]:
    """Return the tensors in host memory."""
    layers = headers[0].block_count or 0 if headers else 0
    first = 0 if gpu_layers < 0 else max(0, layers + 1 - gpu_layers)
    overrides = [(re.compile(pattern), place) for pattern, place in tensor_overrides(spec)]
    found = []
    for tensor in (tensor for header in headers for tensor in header.tensors):
        match = _LAYER.match(tensor.name)
        on_device = int(match[1]) >= first if match else tensor.name.startswith("output") and first <= layers
        place = next((place for pattern, place in overrides if pattern.match(tensor.name)), None)
        if place == CPU or (place is None and not on_device):
            found.append(tensor)
    return found


def model_parameters(
    spec: LoadSpec,
    ggml: Ggml,
    devices: Sequence[DeviceHandle],
    gpu_layers: int,
    keep: list[object],
    *,
    mmap: bool | None,
) -> Any:
    """Return llama_model_params; ``keep`` receives the objects that must live as long as the loaded file."""
    # Any: the structure's annotations in llama-cpp-python name other types than its ctypes fields take.
    params: Any = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.load_mode = LOAD_MODES[mmap]
    params.split_mode = SPLIT_MODES[spec.split_mode]
    names = [device.name for device in devices]
    params.main_gpu = names.index(spec.main_gpu) if spec.main_gpu else 0
    params.use_extra_bufts = spec.repack
    pointers = (ctypes.c_void_p * (len(devices) + 1))(*(device.pointer for device in devices), None)
    params.devices = ctypes.cast(pointers, ctypes.c_void_p)
    keep.append(pointers)
    if spec.tensor_split:
        shares = (ctypes.c_float * llama_cpp.llama_max_devices())(*spec.tensor_split)
        params.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
        keep.append(shares)
    if patterns := tensor_overrides(spec):
        overrides = (TensorBufferOverride * (len(patterns) + 1))()
        buffers = {device.name: ggml.buffer_type(device.pointer) for device in devices}
        for override, (pattern, place) in zip(overrides, patterns, strict=False):
            override.pattern, override.buffer_type = pattern.encode(), buffers.get(place, ggml.cpu_buffer_type())
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        keep.append(overrides)
    return params


def context_parameters(spec: LoadSpec, context: int, stop: StopFlag) -> Any:
    """Return llama_context_params for ``context`` tokens."""
    params: Any = llama_cpp.llama_context_default_params()
    params.n_ctx = context
    params.n_batch = spec.n_batch
    params.n_ubatch = spec.n_ubatch
    params.n_seq_max = 1
    params.n_outputs_max = spec.output_rows
    params.swa_full = spec.full_windows is not False
    params.n_threads = params.n_threads_batch = spec.threads or usable_cores()
    params.type_k = params.type_v = KV_TYPES[spec.kv_type]
    params.flash_attn_type = FLASH_ATTENTION[flash_attention(spec)]
    params.abort_callback = stop.callback
    params.abort_callback_data = stop.data
    params.no_perf = True
    return params
