"""Load parameters of a model file: those fixed for a plan (``PlanOptions``) and those of the engine (``LoadSpec``)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

KV_TYPES = ("f16", "q8_0", "q4_0")

DEFAULT_BATCH = 512
GUESS_ROWS = 8
"""Tokens of a batch that checks guessed tokens of an answer."""
CPU = "CPU"
"""As the only device it excludes all others, and with them the memory that their backends reserve."""


@dataclass(frozen=True)
class LoadSpec:
    """Load parameters; llama.cpp's names are in parentheses where they differ.  None or empty: the engine chooses."""

    context: int | None = None
    """Tokens (``n_ctx``); None: the trained context, at most 8192."""
    kv_type: str = "f16"
    """Type of keys and values (``type_k``, ``type_v``), one of ``KV_TYPES``."""
    flash_attention: bool | None = None
    """``flash_attn_type``; a quantised KV cache needs it."""
    devices: tuple[str, ...] = ()
    """Names as the engine lists them, in the order in which they receive layers; empty: all."""
    tensor_split: tuple[float, ...] = ()
    """One share per device; empty: by free memory."""
    n_gpu_layers: int | None = None
    """Layers on devices, the output counted as one; negative: all; None: as many as fit."""
    experts_in_ram: tuple[int, ...] | None = None
    """Layers whose experts stay in host memory (``tensor_buft_overrides``); None: none for the engine, the planner's
    choice in a plan."""
    stacks_on_devices: tuple[str, ...] | None = None
    """Experts of one matrix each that are on a device wherever the rest of their layer is: LAYER.MATRIX=DEVICE, as
    ``13.down=CUDA1``; None: none for the engine, the planner's choice in a plan."""
    batch: int | None = None
    """Tokens given to the engine in one call (``n_batch``)."""
    micro_batch: int | None = None
    """Tokens computed in one step (``n_ubatch``), on which the compute buffers depend."""
    offload_min_batch: int | None = None
    """Tokens of a batch from which devices take weights out of host memory (``GGML_OP_OFFLOAD_MIN_BATCH``)."""
    threads: int | None = None
    """``n_threads``; None adapts the number during generation."""
    split_mode: str = "layer"
    """``layer``, ``row``, ``tensor`` or ``none`` (everything on ``main_gpu``).  The engine refuses ``row`` and
    ``tensor`` where a backend or an architecture lacks them."""
    main_gpu: str | None = None
    """Name of the device for the split mode ``none``; None: the first."""
    pipeline: bool | None = None
    """False forbids pipeline parallelism, which needs larger compute buffers.  The engine enables it where all layers
    are on several devices, split by layer, with no experts in RAM."""
    output_rows: int = GUESS_ROWS
    """Tokens of a batch whose logits are available (``n_outputs_max``); 0: all, each with a row as wide as the
    vocabulary."""
    full_windows: bool | None = None
    """Whether layers with a sliding window keep the whole context (``swa_full``).  Without it they need less KV cache,
    and a prompt that departs too early from the previous one is read again.  None: yes for the engine, the planner's
    choice in a plan."""
    repack: bool = True
    """Whether weights in host memory may be copied into the processor's own order (``use_extra_bufts``)."""
    mmap: bool | None = None
    """Whether host memory maps the file instead of holding a copy (``load_mode``)."""
    projector: str = ""
    """Path of the file that makes embeddings from pictures; empty for none."""
    projector_device: str | None = None
    """Name of the device for it, or ``CPU``; None: the planner's choice, for the engine the CPU."""
    rpc_servers: tuple[str, ...] = ()
    """HOST:PORT of llama.cpp RPC servers; their devices are numbered in this order."""

    @property
    def n_batch(self) -> int:
        """``batch`` or its default, which holds a micro batch."""
        return self.batch or max(DEFAULT_BATCH, self.micro_batch or 0)

    @property
    def n_ubatch(self) -> int:
        """``micro_batch`` or its default, at most ``n_batch``."""
        return min(self.micro_batch or DEFAULT_BATCH, self.n_batch)

    @property
    def may_use_flash_attention(self) -> bool:
        """Whether the engine uses flash attention, or decides."""
        return self.kv_type != "f16" or self.flash_attention is not False


@dataclass(frozen=True)
class PlanOptions(LoadSpec):
    """The part of a ``LoadSpec`` that is fixed for a plan; None, empty and "auto" are left to the planner.

    A new load parameter needs no change here: fixed values are part of every plan.
    """

    kv_type: str = "auto"
    margin_bytes: int = 0
    """Bytes that stay free on every device beyond its reserve."""

    @property
    def fixed(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        defaults = PlanOptions()
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(defaults, name)}

    def over(self, other: PlanOptions) -> PlanOptions:
        """Merge two options; the fixed values of ``self`` take precedence."""
        return replace(other, **self.fixed)

    def resolved(self, **values: Any) -> LoadSpec:
        """Return the spec of these options with ``values`` for those left open."""
        return LoadSpec(**{field.name: getattr(self, field.name) for field in fields(LoadSpec)} | values)
