"""Results of planning: ``LoadPlan`` with its devices, verdict and reasons, and the engine's rehearsal of one.

Sentences about a plan are made elsewhere, from its verdict and its reasons, which are codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from model_manager.plan.engine_arguments import engine_values
from model_manager.plan.load_spec import LoadSpec

Verdict = Literal["gpu", "experts_in_ram", "layers_in_ram", "does_not_fit"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""The best first."""

REASONS: frozenset[str] = frozenset(
    {
        "not_rehearsed",  # the compute buffers are estimates
        "context_chosen",  # no context was requested
        "context_above_trained",  # more was requested than the model was trained for
        "smaller_context_fits_gpu",  # with a smaller context everything would be on the GPUs
        "q8_0_fits_all",  # with a cache of 8 bits everything is on the GPUs, with 16 not
        "own_windows",  # layers with a sliding window keep only that
        "q8_0_keeps_more",  # it keeps more on the GPUs
        "kv_type_impossible",  # the heads do not fill whole blocks of the requested cache type
        "flash_attention_needed",  # disabled by the user, but the requested cache type needs it
        "no_gpu",  # no device to put anything on
        "device_unused",  # a device has no room for a single layer
        "too_many_devices",  # more than the engine takes; the largest are used
        "ram_too_small",  # the part for RAM would be pushed to swap
        "repacking_off",  # RAM holds the weights, but no second copy of them in the processor's own order
        "wish_too_large",  # the fixed options do not fit
        "cache_estimated",  # the rules of this architecture's cache are not known
        "split_mode_estimated",  # memory of this split mode is estimated as for whole layers
        "speed_measured",  # the speed of answers was measured with this plan
        "speed_guessed",  # a device's memory bandwidth is not known
        "no_offload",  # the first device leaves prompts with weights in RAM to the CPU
        "not_pinned",  # the driver did not lock the RAM of the loaded plan
    }
)


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
    projector_bytes: int = 0
    """The projector for pictures, with its buffers."""

    @property
    def used_bytes(self) -> int:
        """What the model takes."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes + self.projector_bytes


@dataclass(frozen=True)
class HostPlan:
    """Host memory.  ``weights_bytes`` counts each tensor once, ``repack_bytes`` are further copies of some of them."""

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    repack_bytes: int
    available_bytes: int
    projector_bytes: int = 0
    total_bytes: int = 0
    """The whole RAM; 0 where unknown."""

    @property
    def used_bytes(self) -> int:
        """Sum of the parts."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes + self.repack_bytes + self.projector_bytes

    @property
    def cache_bytes(self) -> int:
        """Limit of the conversation cache in RAM: a quarter of what is left."""
        return max(0, self.available_bytes - self.used_bytes) // 4


@dataclass(frozen=True)
class LoadPlan:
    """How to load a model, and the memory that it takes.

    ``spec`` is what the engine receives: devices without a share are left out, and it names ``CPU`` where none has one.
    ``output_copy_bytes`` of the weights are a second copy of the token embedding (tied embeddings), ``unused_bytes``
    stay in the file: the weights of all devices and of the host, less the former and with the latter, are the tensors
    of the files, each once.
    """

    verdict: Verdict
    spec: LoadSpec
    n_layer: int
    devices: tuple[DevicePlan, ...]
    host: HostPlan
    output_copy_bytes: int
    unused_bytes: int
    tokens_per_second_estimate: float
    prompt_tokens_per_second_estimate: float
    reasons: tuple[str, ...]

    @property
    def context(self) -> int:
        """Tokens."""
        return self.spec.context or 0

    @property
    def kv_type(self) -> str:
        """Type of the KV cache."""
        return self.spec.kv_type

    @property
    def n_gpu_layers(self) -> int:
        """Layers on devices, the output counted as one."""
        return self.spec.n_gpu_layers or 0

    @property
    def experts_in_ram(self) -> tuple[int, ...]:
        """Layers on devices whose experts are in RAM."""
        return self.spec.experts_in_ram or ()

    @property
    def tensor_split(self) -> tuple[float, ...]:
        """One share for each of ``devices``; without fixed shares its number of layers, with the output."""
        shares = dict(zip(self.spec.devices, self.spec.tensor_split, strict=False))
        return tuple(shares.get(device.name, 0.0) for device in self.devices)

    @property
    def used_devices(self) -> tuple[DevicePlan, ...]:
        """Devices with layers, in the engine's order."""
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
            "devices": [_without(asdict(device), "layers") for device in self.devices],
            "host": _without(asdict(self.host), "available_bytes", "total_bytes"),
            "tokens_per_second_estimate": round(self.tokens_per_second_estimate, 2),
            "prompt_tokens_per_second_estimate": round(self.prompt_tokens_per_second_estimate, 2),
            "reasons": list(self.reasons),
            "engine": engine_values(self.spec),
        }


def _without(figures: dict[str, object], *names: str) -> dict[str, object]:
    return {key: value for key, value in figures.items() if key not in names}


@dataclass(frozen=True)
class Rehearsal:
    """What a load would take besides weights and KV cache, which are known from the header.

    Compute buffers in bytes: ``compute_bytes`` by name of the device, and the host's.  ``pipeline`` and
    ``flash_attention``: whether the engine would use them.  ``context`` in tokens as the engine rounds it.
    """

    compute_bytes: Mapping[str, int]
    host_compute_bytes: int
    pipeline: bool
    flash_attention: bool
    context: int


@dataclass(frozen=True)
class RehearsedPlan:
    """A plan with the engine's rehearsal of it, and the one that was rehearsed before, if any.

    The differences between rehearsals and estimates are added to the estimates of other plans of the same model; where
    the engine refused pipeline parallelism or flash attention, plans do without it.
    """

    plan: LoadPlan
    rehearsal: Rehearsal
    earlier: RehearsedPlan | None = None

    @property
    def all(self) -> tuple[RehearsedPlan, ...]:
        """This one and the earlier ones, the latest first."""
        return (self, *(self.earlier.all if self.earlier else ()))
