"""Loading a file: progress, cancellation, and the loaded model with its context."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import llama_cpp
import psutil

from app.backend import LoadProgress
from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.parameters import (
    check,
    choose_devices,
    context_parameters,
    count_gpu_layers,
    may_map,
    model_parameters,
)
from app.engine.child.stop_flag import StopFlag
from model_manager.errors import UserError
from model_manager.gguf.header import GgufHeader
from model_manager.gguf.shards import read_model
from model_manager.plan import LoadSpec

DEFAULT_CONTEXT = 8192
READ_BYTES = 8 << 20

Emit = Callable[[LoadProgress], None]


@dataclass
class LoadedModel:
    """A loaded file.  The pointers belong to the engine until ``free``."""

    model: int
    context: int
    context_size: int
    gpu_layers: int
    layers: int
    devices: list[DeviceHandle]
    headers: tuple[GgufHeader, ...]
    """Of all its files; empty if this program cannot read them, even if the engine can."""
    keep: list[object] = field(default_factory=list)
    """Objects that the engine has pointers to."""

    def free(self) -> None:
        """Free model and context."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)
        self.keep.clear()


def load(path: str, spec: LoadSpec, ggml: Ggml, stop: StopFlag, emit: Emit) -> LoadedModel:
    """Load the file and make a context for it.

    Raises:
        UserError: ``load_refused`` if the engine refuses the file or lacks memory for it; ``device_unknown``,
            ``kv_type_unknown``, ``rpc_server_unreachable`` and further ones about the spec.
        Cancelled: ``stop`` was set.
    """
    check(spec)
    ggml.add_rpc_servers(spec.rpc_servers)
    devices = choose_devices(ggml.devices(), spec)
    meter = _ProgressMeter(emit)
    gpu_layers = count_gpu_layers(path, spec, devices)
    headers = read_headers(Path(path))
    mmap = may_map(spec, devices, gpu_layers, headers)
    if mmap is not False:
        _warm_up(Path(path), stop, meter)
    keep: list[object] = []
    params = model_parameters(spec, ggml, devices, gpu_layers, keep, mmap=mmap)

    def on_progress(fraction: float, _data: object) -> bool:
        meter.loading(fraction)
        return not stop.is_set()

    params.progress_callback = llama_cpp.llama_progress_callback(on_progress)
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if stop.is_set():
        if model:
            llama_cpp.llama_model_free(model)
        stop.raise_if_set()
    if not model:
        raise UserError("load_refused", path=path)
    context = make_context(model, path, spec, stop)
    layers = llama_cpp.llama_model_n_layer(model)
    on_devices = 0 if not devices else layers + 1 if gpu_layers < 0 else min(gpu_layers, layers + 1)
    return LoadedModel(model, context, llama_cpp.llama_n_ctx(context), on_devices, layers, devices, headers, keep)


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

    READING_SHARE = 0.9

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
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
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            stop.raise_if_set()
            done += count
            meter.reading(done / size)
