"""The values of a plan: what a person wishes, what a rehearsal told, and what came of it.

``LoadPlan.to_json`` has the keys that the command line prints.  Sentences about a plan are made elsewhere, from its
verdict and its reasons, which are codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from model_manager.plan.kv_cache import KvType

Verdict = Literal["gpu", "experts_in_ram", "layers_in_ram", "does_not_fit"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""The best first."""
KvWish = Literal["auto", "f16", "q8_0", "q4_0"]
SplitMode = Literal["layer", "row", "tensor", "none"]

DEFAULT_BATCH = 512

REASONS: frozenset[str] = frozenset(
    {
        "not_rehearsed",  # the compute buffers are estimates
        "context_chosen",  # nobody asked for a context
        "context_above_trained",  # more was asked for than the model was trained for
        "smaller_context_fits_gpu",  # with a smaller context everything would be on the GPUs
        "q8_0_fits_all",  # with a cache of 8 bits everything is on the GPUs, with 16 not
        "q8_0_keeps_more",  # it keeps more on the GPUs
        "kv_type_impossible",  # the heads do not fill whole blocks of the cache type asked for
        "flash_attention_needed",  # it was refused, but the cache type asked for needs it
        "no_gpu",  # no device to put anything on
        "device_unused",  # a device has no room for a single layer
        "too_many_devices",  # more than the engine takes; the largest are used
        "ram_too_small",  # what is left for RAM would be pushed to swap
        "repacking_off",  # RAM holds the weights, but no second copy of them in the processor's own order
        "wish_too_large",  # what was fixed by hand does not fit
        "cache_estimated",  # the rules of this architecture's cache are not known
        "split_mode_estimated",  # memory of this split mode is taken from that of whole layers
        "speed_guessed",  # a device's memory bandwidth is not known
    }
)


@dataclass(frozen=True)
class Wishes:
    """What is fixed; None (or empty, or "auto") is left to the plan.

    ``context`` in tokens.  ``devices`` are names to use, empty for all.  ``tensor_split`` has one share for each device
    used.  ``n_gpu_layers`` counts the output; negative means all.  ``experts_in_ram`` are numbers of layers.
    ``output_rows`` are the tokens of a batch whose logits can be had (llama.cpp's ``n_outputs_max``), 0 for all.
    ``full_windows`` keeps the whole context in layers with a sliding window too, as llama.cpp does by default
    (``swa_full``).  ``margin_bytes`` stay free on every device beyond its reserve.
    """

    context: int | None = None
    kv_type: KvWish = "auto"
    flash_attention: bool | None = None
    devices: tuple[str, ...] = ()
    tensor_split: tuple[float, ...] = ()
    n_gpu_layers: int | None = None
    experts_in_ram: tuple[int, ...] | None = None
    batch: int | None = None
    micro_batch: int | None = None
    threads: int | None = None
    split_mode: SplitMode = "layer"
    main_gpu: str | None = None
    pipeline: bool | None = None
    output_rows: int = 1
    full_windows: bool = True
    margin_bytes: int = 0


@dataclass(frozen=True)
class DevicePlan:
    """One device.  ``layers`` are numbers of whole layers, ``n_layer`` among them for the output.

    ``free_bytes`` is the sum of all the other figures; ``left_bytes`` may only be negative where nothing fits.
    """

    name: str
    free_bytes: int
    weights_bytes: int = 0
    kv_bytes: int = 0
    compute_bytes: int = 0
    reserve_bytes: int = 0
    left_bytes: int = 0
    layers: tuple[int, ...] = ()


@dataclass(frozen=True)
class HostPlan:
    """Host memory.  ``weights_bytes`` counts each tensor once, ``repack_bytes`` copies of some of them."""

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    repack_bytes: int
    available_bytes: int

    @property
    def used_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes + self.repack_bytes


@dataclass(frozen=True)
class LoadPlan:
    """How to load a model, and what it takes.

    ``tensor_split`` has one whole number for each of ``devices``: its layers, with the output.  Devices with 0 need not
    be given to the engine.  ``pipeline``: the engine turns pipeline parallelism on by itself with several devices and
    everything on them; where this is False then, any tensor override keeps it off.  ``repack`` is the engine's
    ``use_extra_bufts``; ``mmap`` False has the file read instead of mapped, None leaves that to the engine.
    ``flash_attention`` None leaves it to the engine.  ``output_copy_bytes`` of the weights are a second copy of the
    token embedding (tied embeddings), ``unused_bytes`` stay in the file: the weights of all devices and of the host,
    less the former and with the latter, are the tensors of the files, each once.
    """

    verdict: Verdict
    context: int
    kv_type: KvType
    flash_attention: bool | None
    n_gpu_layers: int
    n_layer: int
    tensor_split: tuple[float, ...]
    experts_in_ram: tuple[int, ...]
    devices: tuple[DevicePlan, ...]
    host: HostPlan
    batch: int
    micro_batch: int
    threads: int | None
    pipeline: bool
    repack: bool
    mmap: bool | None
    full_windows: bool
    output_rows: int
    split_mode: SplitMode
    main_gpu: str | None
    output_copy_bytes: int
    unused_bytes: int
    tokens_per_second_estimate: float
    reasons: tuple[str, ...]

    @property
    def used_devices(self) -> tuple[DevicePlan, ...]:
        """Devices that something lies on, in the engine's order."""
        return tuple(device for device in self.devices if device.layers)

    def to_json(self) -> dict[str, object]:
        """The plan with the keys that the command line prints."""
        return {
            "verdict": self.verdict,
            "context": self.context,
            "kv_type": self.kv_type,
            "n_gpu_layers": self.n_gpu_layers,
            "tensor_split": list(self.tensor_split),
            "experts_in_ram": list(self.experts_in_ram),
            "devices": [
                {
                    "name": device.name,
                    "free_bytes": device.free_bytes,
                    "weights_bytes": device.weights_bytes,
                    "kv_bytes": device.kv_bytes,
                    "compute_bytes": device.compute_bytes,
                    "reserve_bytes": device.reserve_bytes,
                    "left_bytes": device.left_bytes,
                }
                for device in self.devices
            ],
            "host": {
                "weights_bytes": self.host.weights_bytes,
                "kv_bytes": self.host.kv_bytes,
                "compute_bytes": self.host.compute_bytes,
                "repack_bytes": self.host.repack_bytes,
            },
            "tokens_per_second_estimate": round(self.tokens_per_second_estimate, 2),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class Rehearsed:
    """What the engine's rehearsal of ``plan`` told: compute buffers in bytes, by device name, and of the host.

    The difference to the estimate for that plan is added to the estimates of any other plan for the same model.
    ``pipeline`` and ``flash_attention`` are what the engine made of them, None where it did not say: where it refused
    one, plans do without it.
    """

    plan: LoadPlan
    compute_bytes: Mapping[str, int]
    host_compute_bytes: int
    pipeline: bool | None = None
    flash_attention: bool | None = None
