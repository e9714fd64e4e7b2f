"""Loading a file: progress, cancel, and what the engine made of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import llama_cpp
import psutil

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
from app.engine.protocol import LoadOptions
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import GgufHeader
from model_manager.gguf.shards import read_model

DEFAULT_CONTEXT = 8192
READ_BYTES = 8 << 20

Progress = Callable[[float, float | None], None]
"""Called with a fraction from 0 to 1 and the seconds left, None while they cannot be told."""


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
    """Of all its files; none where they could not be read, which the engine may think otherwise of."""
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
            ``kv_type_unknown``, ``rpc_server_unreachable`` and further ones about the options.
        Cancelled: ``stop`` was set.
    """
    check(options)
    ggml.add_rpc_servers(options.rpc_servers)
    devices = choose_devices(ggml.devices(), options)
    meter = _Meter(progress)
    gpu_layers = count_gpu_layers(options, devices)
    headers = read_headers(Path(options.path))
    mmap = may_map(options, devices, gpu_layers, headers)
    if mmap is not False:
        _warm_up(Path(options.path), stop, meter)
    keep: list[object] = []
    params = model_parameters(options, ggml, devices, gpu_layers, keep, mmap=mmap)

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
    context = make_context(model, options, stop, threads)
    layers = llama_cpp.llama_model_n_layer(model)
    on_devices = 0 if not devices else layers + 1 if gpu_layers < 0 else min(gpu_layers, layers + 1)
    return LoadedModel(model, context, llama_cpp.llama_n_ctx(context), on_devices, layers, devices, headers, keep)


def read_headers(path: Path) -> tuple[GgufHeader, ...]:
    """The headers of all files of a model, none where they cannot be read."""
    try:
        return read_model(path)
    except UserError:
        return ()


def make_context(model: int, options: LoadOptions, stop: StopFlag, threads: int) -> int:
    """A context for the loaded file, which is freed where there is no room for one.

    Raises:
        UserError: ``load_refused``.
    """
    size = options.context or min(DEFAULT_CONTEXT, llama_cpp.llama_model_n_ctx_train(model))
    context: int | None = llama_cpp.llama_init_from_model(model, context_parameters(options, size, stop, threads))
    if not context:
        llama_cpp.llama_model_free(model)
        raise UserError("load_refused", path=options.path)
    return context


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
