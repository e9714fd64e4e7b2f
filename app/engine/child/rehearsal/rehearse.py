"""Rehearsal of a load without allocating memory: the engine's ``no_alloc``, and the buffers that its log reports.

Weights and KV print as 0 in that mode; the header gives both exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from llama_cpp import llama_cpp

from app.engine.child.ggml import Ggml
from app.engine.child.loader import choose_devices, count_gpu_layers, make_context, model_parameters, read_headers
from app.engine.child.memory.buffers import HOST, buffer_sizes, flash_attention, pipeline_parallelism
from app.engine.child.rehearsal.layer_pins import pinned_layers
from app.engine.child.rehearsal.simulated_devices import SimulatedDevices
from app.engine.child.stop_flag import StopFlag
from app.engine.protocol import Rehearse
from model_manager.errors import UserError
from model_manager.plan.load_plan import Rehearsal


def rehearse(command: Rehearse, ggml: Ggml, stop: StopFlag, log: Callable[[], str]) -> Rehearsal:
    """Rehearse loading one file; ``log`` returns the engine's log since the command began.

    Raises:
        UserError: as ``load``.
        Cancelled: stopped.
    """
    path, spec = command.path, command.spec
    ggml.add_rpc_servers(spec.rpc_servers)
    simulated = SimulatedDevices(ggml, command.simulated)
    devices = choose_devices([*ggml.devices_in_use(), *simulated.handles], spec)
    headers = read_headers(Path(path))
    gpu_layers = count_gpu_layers(path, spec, devices, headers)
    before = len(log())
    keep: list[object] = []
    # As llama.cpp's own fit does (common/fit.cpp).  Nothing is mapped: there may be nothing behind the header.
    params = model_parameters(spec, ggml, devices, gpu_layers, keep, mmap=False)
    params.no_alloc = True
    stop.raise_if_set()
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise UserError("load_refused", path=path)
    n_layer = (headers[0].block_count or 0) if headers else 0
    has_all_layers = spec.split_mode == "layer" and not 0 <= gpu_layers <= n_layer
    with pinned_layers(ggml, devices if has_all_layers else ()):
        context = make_context(model, path, spec, stop)
    context_size = llama_cpp.llama_n_ctx(context)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    stop.raise_if_set()
    text = log()[before:]
    found = {name: sums["compute_bytes"] for name, sums in buffer_sizes(text, devices).items()}
    sizes = {**{device.name: 0 for device in devices}, **found}
    host = sizes.pop(HOST, 0)
    return Rehearsal(sizes, host, pipeline_parallelism(text), flash_attention(text), context_size)
