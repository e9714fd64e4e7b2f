"""What a rehearsal gets wrong about the compute buffers of later devices, put right.

Where everything lies on several devices the engine pins the first operation of every layer to the layer's own device.
Its rehearsal forgets that before it measures: ``ggml_backend_sched_reserve_size`` resets the scheduler after the graph
was built (``ggml/src/ggml-backend.cpp`` inside llama-cpp-python 0.3.36), and a device's first norm is taken for the
work of the device before.  It is then one more input of the device, with four copies where pipeline parallelism is on,
and the buffers behind it are laid out otherwise than in a load.  The first device is measured rightly, and in a load
every device begins as it does, with the row of the embedding that comes in.  So a later device is rehearsed once more
in first place, with layers like its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.engine.child.ggml import DeviceHandle
from app.engine.protocol import LoadOptions
from model_manager.gguf.header import GgufHeader
from model_manager.plan.compute_buffers import OFFLOADING
from model_manager.plan.model_shape import ModelFacts, model_facts
from model_manager.plan.split import layers_of

_COPIES = 4
"""GGML_SCHED_MAX_COPIES."""
_VALUE_BYTES = 4
_REPEATS = 3
"""After so many layers of one kind the buffers of further ones lie where theirs did."""
Told = Mapping[str, int]
"""Compute buffers in bytes, by the name of the device."""


def as_in_a_load(
    told: Told,
    options: LoadOptions,
    devices: Sequence[DeviceHandle],
    headers: Sequence[GgufHeader],
    again: Callable[[LoadOptions], Told],
    *,
    gpu_layers: int,
    pipeline: bool,
) -> dict[str, int]:
    """The compute buffers as a load with these options has them; ``again`` rehearses other options."""
    found = dict(told)
    if len(devices) < 2 or options.split_mode != "layer":
        return found
    facts = model_facts(headers)
    if 0 <= gpu_layers <= facts.n_layer:
        return found
    shares = options.tensor_split or tuple(float(device.facts.free_bytes) for device in devices)
    where = layers_of(shares, facts.n_layer + 1, facts.n_layer)
    used = [number for number in range(len(devices)) if number in where[:-1]]
    if not used:
        return found
    names = [device.facts.name for device in devices]
    # One expert tensor at a time lies on such a first device, whichever it is.
    offloads = any(devices[number].facts.backend in OFFLOADING for number in used)
    movable = _is_uniform(facts) and not (options.experts_in_ram and offloads)
    row = _VALUE_BYTES * min(options.micro_batch, options.batch, options.context or options.micro_batch)
    copied = (_COPIES if pipeline else 0) * row * facts.widths.embedding
    measured = {(devices[used[0]].facts.backend, _kinds(facts, options, where, used[0])): told.get(names[used[0]], 0)}
    for number in used[1:]:
        own = max(0, told.get(names[number], 0) - copied)
        kinds = _kinds(facts, options, where, number)
        key = (devices[number].facts.backend, kinds)
        if movable and kinds:
            if key not in measured:
                measured[key] = again(_in_first_place(facts, options, names, number, kinds)).get(names[number], 0)
            own = max(own, measured[key])
        found[names[number]] = own
    return found


def _is_uniform(facts: ModelFacts) -> bool:
    """Whether all layers are alike, so that any of them may stand for any other."""
    kinds = {
        (
            layer.dense_ffn.total > 0,
            layer.experts.total > 0,
            cache.attends,
            cache.key_values,
            cache.state_bytes,
        )
        for layer, cache in zip(facts.layers, facts.cache.layers, strict=True)
    }
    return len(kinds) == 1


def _kinds(facts: ModelFacts, options: LoadOptions, where: Sequence[int | None], number: int) -> tuple[bool, ...]:
    """For the layers of a device in order whether their experts are in RAM, long runs cut short.

    Behind the attention of the model's last layer only the rows of the output are left: it is not counted.
    """
    last = facts.n_layer - 1 if options.output_rows else facts.n_layer
    kinds: list[bool] = []
    for layer in range(last):
        if where[layer] == number:
            kind = layer in options.experts_in_ram
            if kinds[-_REPEATS:] != [kind] * _REPEATS:
                kinds.append(kind)
    return tuple(kinds)


def _in_first_place(
    facts: ModelFacts, options: LoadOptions, names: Sequence[str], number: int, kinds: Sequence[bool]
) -> LoadOptions:
    other = names[0 if number else 1]
    in_ram = tuple(layer for layer, is_in_ram in enumerate(kinds) if is_in_ram)
    return replace(
        options,
        devices=(names[number], other),
        tensor_split=(float(len(kinds)), float(facts.n_layer + 1 - len(kinds))),
        experts_in_ram=in_ram,
        pipeline=options.pipeline and not options.experts_in_ram,
        main_gpu=None,
    )
