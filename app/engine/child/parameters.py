"""The engine's parameters from LoadOptions: devices, overrides, split, context; for a load and a rehearsal alike."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import psutil

from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.stop_flag import StopFlag
from app.engine.device_choice import usual_devices
from app.engine.protocol import LoadOptions
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader

GPU_RESERVE_BYTES = 1 << 30
RAM_SHARE = 0.9
"""Of the available host memory, what weights may take that cannot be dropped and read again."""
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""Names of enum ggml_type."""
SPLIT_MODES = {"none": 0, "layer": 1, "row": 2, "tensor": 3}
"""enum llama_split_mode."""
LOAD_MODES = {None: -1, False: 0, True: 1}
"""enum llama_load_mode by whether the file is to be mapped: as the devices can, no, yes."""
FLASH_ATTENTION = {None: -1, False: 0, True: 1}
_EXPERTS = r"blk\.({layers})\.ffn_(up|down|gate|gate_up)_(ch|)exps"
_LAYER = re.compile(r"blk\.(\d+)\.")
_NOTHING = "no tensor has this name"
"""With any override at all, even one that matches nothing, the engine does without pipeline parallelism."""


class TensorBufferOverride(ctypes.Structure):
    """struct llama_model_tensor_buft_override of llama.h."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def check(options: LoadOptions) -> None:
    """Refuse what no engine understands.

    Raises:
        UserError: ``kv_type_unknown``, ``split_mode_unknown``.
    """
    if options.kv_type not in KV_TYPES:
        raise UserError("kv_type_unknown", kv_type=options.kv_type, known=list(KV_TYPES))
    if options.split_mode not in SPLIT_MODES:
        raise UserError("split_mode_unknown", split_mode=options.split_mode, known=list(SPLIT_MODES))


def choose_devices(handles: Sequence[DeviceHandle], options: LoadOptions) -> list[DeviceHandle]:
    """The devices that get layers, in their order.

    Raises:
        UserError: ``device_unknown``, ``tensor_split_length``, ``split_mode_not_on_device``.
    """
    by_name = {handle.facts.name: handle for handle in handles}
    if options.devices:
        unknown = [name for name in options.devices if name not in by_name]
        if unknown:
            raise UserError("device_unknown", name=unknown[0], known=list(by_name))
        chosen = [by_name[name] for name in options.devices if by_name[name].facts.kind != "cpu"]
    else:
        chosen = [by_name[facts.name] for facts in usual_devices([handle.facts for handle in handles])]
    names = [device.facts.name for device in chosen]
    if options.main_gpu is not None and options.main_gpu not in names:
        raise UserError("device_unknown", name=options.main_gpu, known=names)
    if options.tensor_split and len(options.tensor_split) != len(chosen):
        raise UserError("tensor_split_length", shares=len(options.tensor_split), devices=len(chosen))
    if options.split_mode == "row" and (whole := [device.facts.name for device in chosen if not device.splits_rows]):
        raise UserError("split_mode_not_on_device", split_mode=options.split_mode, device=whole[0])
    return chosen


def count_gpu_layers(options: LoadOptions, devices: Sequence[DeviceHandle]) -> int:
    """Layers that go on the devices, -1 for all: the wish, or by a rough count of the memory that is free."""
    if options.gpu_layers is not None:
        return options.gpu_layers
    if not devices:
        return 0
    free = sum(max(0, device.facts.free_bytes - GPU_RESERVE_BYTES) for device in devices)
    # A tenth more than the file stands for KV cache and compute buffers; 1000 is more layers than any file has.
    share = free / (1.1 * Path(options.path).stat().st_size)
    return -1 if share >= 1 else int(share * _block_count(options.path))


def may_map(
    options: LoadOptions, devices: Sequence[DeviceHandle], gpu_layers: int, headers: Sequence[GgufHeader]
) -> bool | None:
    """Whether to map the file, None as the devices can: the wish, or what reads the file once.

    Mapping reads all of it inside one system call, deaf and without progress, and what goes to devices a second time
    where it is larger than the free memory.  So it is read instead where a device takes a part of it and host memory
    has room for the rest.
    """
    if options.mmap is not None or not devices or gpu_layers == 0 or not headers:
        return options.mmap
    if any(device.uses_host_memory for device in devices):
        return None
    layers = headers[0].block_count or 0
    first = 0 if gpu_layers < 0 else max(0, layers + 1 - gpu_layers)
    experts = re.compile(_EXPERTS.format(layers="|".join(map(str, options.experts_in_ram)) or "none"))
    in_ram = 0
    for tensor in (tensor for header in headers for tensor in header.tensors):
        match = _LAYER.match(tensor.name)
        on_device = int(match[1]) >= first if match else tensor.name.startswith("output") and first <= layers
        if not on_device or experts.match(tensor.name):
            in_ram += tensor.n_bytes
    return None if in_ram > psutil.virtual_memory().available * RAM_SHARE else False


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


def model_parameters(
    options: LoadOptions,
    ggml: Ggml,
    devices: Sequence[DeviceHandle],
    gpu_layers: int,
    keep: list[object],
    *,
    mmap: bool | None,
) -> Any:
    """llama_model_params; ``keep`` takes what has to live as long as the loaded file."""
    # Any: the structure's annotations in llama-cpp-python name other types than its ctypes fields take.
    params: Any = llama_cpp.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.load_mode = LOAD_MODES[mmap]
    params.split_mode = SPLIT_MODES[options.split_mode]
    names = [device.facts.name for device in devices]
    params.main_gpu = names.index(options.main_gpu) if options.main_gpu else 0
    params.use_extra_bufts = options.repack
    pointers = (ctypes.c_void_p * (len(devices) + 1))(*(device.pointer for device in devices), None)
    params.devices = ctypes.cast(pointers, ctypes.c_void_p)
    keep.append(pointers)
    if options.tensor_split:
        shares = (ctypes.c_float * llama_cpp.llama_max_devices())(*options.tensor_split)
        params.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
        keep.append(shares)
    if options.experts_in_ram or not options.pipeline:
        layers = "|".join(map(str, options.experts_in_ram))
        overrides = (TensorBufferOverride * 2)()
        overrides[0].pattern = (_EXPERTS.format(layers=layers) if layers else _NOTHING).encode()
        overrides[0].buffer_type = ggml.cpu_buffer_type()
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        keep.append(overrides)
    return params


def context_parameters(options: LoadOptions, context: int, stop: StopFlag, threads: int) -> Any:
    """llama_context_params for ``context`` tokens."""
    params: Any = llama_cpp.llama_context_default_params()
    params.n_ctx = context
    params.n_batch = options.batch
    params.n_ubatch = min(options.micro_batch, options.batch)
    params.n_seq_max = 1
    params.n_outputs_max = options.output_rows
    params.swa_full = options.full_windows
    params.n_threads = params.n_threads_batch = threads
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    quantised = options.kv_type != "f16"
    params.flash_attn_type = FLASH_ATTENTION[True if quantised else options.flash_attention]
    params.abort_callback = stop.callback
    params.abort_callback_data = stop.data
    params.no_perf = True
    return params
