"""Going through a load without taking memory: the engine's ``no_alloc``, and what its log then tells.

Weights and KV print as 0 in that mode; the header gives both exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import llama_cpp

from app.engine.child.buffers import HOST, buffer_sizes, flash_attention, pipeline_parallelism
from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.loader import make_context, read_headers
from app.engine.child.parameters import check, choose_devices, count_gpu_layers, model_parameters
from app.engine.child.rehearsal_buffers import as_in_a_load
from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import LoadOptions, RehearsalDone, Rehearse
from model_manager.errors import Cancelled, UserError


def rehearse(command: Rehearse, ggml: Ggml, stop: StopFlag, threads: int, log: Callable[[], str]) -> RehearsalDone:
    """Rehearse the load; ``log`` gives what the engine has said since the command began.

    Raises:
        UserError: as ``load`` does.
        Cancelled: ``stop`` was set.
    """
    begin = time.monotonic()
    options = command.options
    check(options)
    ggml.add_rpc_servers(options.rpc_servers)
    handles = ggml.devices_in_use()
    devices = choose_devices(handles, options)
    gpu_layers = count_gpu_layers(options, devices)
    found = _go_through(options, ggml, devices, gpu_layers, stop, threads, log)
    memory = {name: dict(figures) for name, figures in found.memory.items()}
    told = {device.facts.name: memory.pop(device.facts.name, {}).get("compute_bytes", 0) for device in devices}
    host = memory.pop(HOST, {}).get("compute_bytes", 0)

    def again(other: LoadOptions) -> dict[str, int]:
        chosen = choose_devices(handles, other)
        heard = _go_through(other, ggml, chosen, -1, stop, threads, log)
        return {name: figures["compute_bytes"] for name, figures in heard.memory.items()}

    if headers := read_headers(Path(options.path)):
        told = as_in_a_load(
            told, options, devices, headers, again, gpu_layers=gpu_layers, pipeline=pipeline_parallelism(found.log)
        )
    figures = {
        device.facts.name: {
            "compute_bytes": told[device.facts.name],
            "free_bytes": device.facts.free_bytes,
            "total_bytes": device.facts.total_bytes,
        }
        for device in devices
    }
    figures.update({name: {"compute_bytes": sums["compute_bytes"]} for name, sums in memory.items()})
    return RehearsalDone(
        request=command.request,
        devices=figures,
        host_compute_bytes=host,
        pipeline=pipeline_parallelism(found.log),
        flash_attention=flash_attention(found.log),
        context=found.context,
        seconds=time.monotonic() - begin,
    )


@dataclass(frozen=True)
class _Heard:
    """``memory`` by device as ``buffer_sizes`` has it."""

    memory: Mapping[str, Mapping[str, int]]
    log: str
    context: int


def _go_through(
    options: LoadOptions,
    ggml: Ggml,
    devices: Sequence[DeviceHandle],
    gpu_layers: int,
    stop: StopFlag,
    threads: int,
    log: Callable[[], str],
) -> _Heard:
    if stop.is_set():
        raise Cancelled
    before = len(log())
    keep: list[object] = []
    # As llama.cpp's own fit does (common/fit.cpp).  Nothing is mapped: there may be nothing behind the header.
    params = model_parameters(options, ggml, devices, gpu_layers, keep, mmap=False)
    params.no_alloc = True
    model = llama_cpp.llama_model_load_from_file(options.path.encode(), params)
    if not model:
        raise UserError("load_refused", path=options.path)
    context = make_context(model, options, stop, threads)
    size = llama_cpp.llama_n_ctx(context)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    if stop.is_set():
        raise Cancelled
    said = log()[before:]
    return _Heard(buffer_sizes(said, devices), said, size)
