"""Rehearsal of a load without allocating memory: the engine's ``no_alloc``, and the buffers that its log reports.

Weights and KV print as 0 in that mode; the header gives both exactly.

The rehearsal is wrong about the compute buffers of later devices.  Where all layers are on several devices, the engine
pins the first operation of every layer to the layer's own device, but in a rehearsal that is lost before it measures:
``ggml_backend_sched_reserve_size`` resets the scheduler after the graph was built (``ggml/src/ggml-backend.cpp`` in
llama-cpp-python 0.3.36), and a device's first norm is counted for the device before.  It is then one more input of the
device, with four copies under pipeline parallelism, and the buffers behind it are arranged differently than in a load.
The first device is measured correctly, and in a load every device begins like it, with one incoming row of the
embedding.  So a later device is rehearsed again in first place, with layers like its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llama_cpp import llama_cpp

from app.engine.child.ggml import DeviceHandle, Ggml
from app.engine.child.loader import (
    choose_devices,
    count_gpu_layers,
    make_context,
    model_parameters,
    read_headers,
)
from app.engine.child.memory.buffers import HOST, buffer_sizes, flash_attention, pipeline_parallelism
from app.engine.child.stop_flag import StopFlag
from model_manager.errors import UserError
from model_manager.plan.compute_buffers import LIKE_CUDA
from model_manager.plan.load_plan import Rehearsal
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import ModelShape, read_model_shape
from model_manager.plan.split import layers_of

_COPIES = 4
"""GGML_SCHED_MAX_COPIES."""
_VALUE_BYTES = 4
_REPEATS = 3
"""After this many layers of one kind, further ones reuse the same buffers."""


def rehearse(path: str, spec: LoadSpec, ggml: Ggml, stop: StopFlag, log: Callable[[], str]) -> Rehearsal:
    """Rehearse loading one file; ``log`` returns the engine's log since the command began.

    Raises:
        UserError: as ``load``.
        Cancelled: stopped.
    """
    ggml.add_rpc_servers(spec.rpc_servers)
    handles = ggml.devices_in_use()
    devices = choose_devices(handles, spec)
    headers = read_headers(Path(path))
    gpu_layers = count_gpu_layers(path, spec, devices, headers)

    def run(spec: LoadSpec, devices: Sequence[DeviceHandle], gpu_layers: int) -> tuple[str, int]:
        """Return the log, and the context's size in tokens."""
        stop.raise_if_set()
        before = len(log())
        keep: list[object] = []
        # As llama.cpp's own fit does (common/fit.cpp).  Nothing is mapped: there may be nothing behind the header.
        params = model_parameters(spec, ggml, devices, gpu_layers, keep, mmap=False)
        params.no_alloc = True
        model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not model:
            raise UserError("load_refused", path=path)
        context = make_context(model, path, spec, stop)
        size = llama_cpp.llama_n_ctx(context)
        llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)
        stop.raise_if_set()
        return log()[before:], size

    first, context_size = run(spec, devices, gpu_layers)
    pipeline = pipeline_parallelism(first)
    sizes = {**{device.name: 0 for device in devices}, **_compute_bytes(first, devices)}
    host = sizes.pop(HOST, 0)
    if headers:

        def again(other: LoadSpec) -> Mapping[str, int]:
            chosen = choose_devices(handles, other)
            return _compute_bytes(run(other, chosen, -1)[0], chosen)

        shape = read_model_shape(headers)
        sizes = correct_for_load(sizes, spec, devices, shape, again, gpu_layers=gpu_layers, pipeline=pipeline)
    return Rehearsal(sizes, host, pipeline, flash_attention(first), context_size)


def _compute_bytes(log: str, devices: Sequence[DeviceHandle]) -> dict[str, int]:
    return {name: sums["compute_bytes"] for name, sums in buffer_sizes(log, devices).items()}


def correct_for_load(
    sizes: Mapping[str, int],
    spec: LoadSpec,
    devices: Sequence[DeviceHandle],
    shape: ModelShape,
    again: Callable[[LoadSpec], Mapping[str, int]],
    *,
    gpu_layers: int,
    pipeline: bool,
) -> dict[str, int]:
    """Correct rehearsed compute buffers (bytes by device) to those of a load; ``again`` rehearses another spec."""
    found = dict(sizes)
    if len(devices) < 2 or spec.split_mode != "layer" or 0 <= gpu_layers <= shape.n_layer:
        return found
    shares = spec.tensor_split or tuple(float(device.device.free_bytes) for device in devices)
    where = layers_of(shares, shape.n_layer + 1, shape.n_layer)
    used = [number for number in range(len(devices)) if number in where[:-1]]
    if not used:
        return found
    names = [device.name for device in devices]
    # One expert tensor at a time is on such a first device, whichever it is.
    offloads = any(devices[number].device.copies_weights for number in used)
    is_movable = _is_uniform(shape) and not (spec.experts_in_ram and offloads)
    row = _VALUE_BYTES * min(spec.n_ubatch, spec.context or spec.n_ubatch)
    embedding = row * shape.widths.embedding
    surplus = _COPIES * embedding if pipeline else 0
    first = used[0]
    measured = {(devices[first].device.backend, _kinds(shape, spec, where, first)): sizes.get(names[first], 0)}
    for number in used[1:]:
        own = max(0, sizes.get(names[number], 0) - surplus)
        kinds = _kinds(shape, spec, where, number)
        key = (devices[number].device.backend, kinds)
        if is_movable and kinds:
            if key not in measured:
                measured[key] = again(_in_first_place(shape, spec, names, number, kinds)).get(names[number], 0)
            own = max(own, measured[key])
        elif kinds and not pipeline and devices[number].device.backend in LIKE_CUDA:
            own += embedding  # at most: the first layer's input beside its norm
        found[names[number]] = own
    return found


def _is_uniform(shape: ModelShape) -> bool:
    """Whether all layers are alike, so that any of them can replace any other."""
    kinds = {
        (layer.dense_ffn.total > 0, layer.experts.total > 0, cache.attends, cache.key_values, cache.state_bytes)
        for layer, cache in zip(shape.layers, shape.cache.layers, strict=True)
    }
    return len(kinds) == 1


def _kinds(shape: ModelShape, spec: LoadSpec, where: Sequence[int | None], number: int) -> tuple[bool, ...]:
    """Whether the experts of each of a device's layers are in RAM, in order, with long runs shortened.

    The model's last layer is not counted: behind its attention only the rows of the output remain.
    """
    last = shape.n_layer - 1 if spec.output_rows else shape.n_layer
    kinds: list[bool] = []
    for layer in range(last):
        if where[layer] == number:
            kind = layer in (spec.experts_in_ram or ())
            if kinds[-_REPEATS:] != [kind] * _REPEATS:
                kinds.append(kind)
    return tuple(kinds)


def _in_first_place(
    shape: ModelShape, spec: LoadSpec, names: Sequence[str], number: int, kinds: Sequence[bool]
) -> LoadSpec:
    other = names[0 if number else 1]
    return replace(
        spec,
        devices=(names[number], other),
        tensor_split=(float(len(kinds)), float(shape.n_layer + 1 - len(kinds))),
        experts_in_ram=tuple(layer for layer, is_in_ram in enumerate(kinds) if is_in_ram),
        stacks_on_devices=None,
        pipeline=spec.pipeline is not False and not spec.experts_in_ram,
        main_gpu=None,
    )
