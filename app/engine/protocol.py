"""What the program and its engine child say to each other: frozen values, one JSON line each.

Commands go to the child's standard input, events come back on a pipe of their own.  Every command carries the number of
its request, every event the number of the request that it answers.  The child ends when the command pipe is closed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from app.backend import PromptMessage
from app.conversation import Role, Sampling


@dataclass(frozen=True)
class LoadOptions:
    """How a file is to lie on the devices: what a plan says, and what is left open here is the engine's to choose."""

    path: str
    context: int | None = None
    """Tokens; None takes the trained context, at most 8192."""
    batch: int = 512
    """Tokens that are given to the engine at once (its n_batch)."""
    micro_batch: int = 512
    """Tokens that it computes at once (its n_ubatch), on which the compute buffers depend."""
    gpu_layers: int | None = None
    """Layers on devices, -1 for all; None takes as many as the devices' free memory holds by a rough count."""
    tensor_split: tuple[float, ...] = ()
    """One share a device; empty leaves it to llama.cpp (by free memory)."""
    experts_in_ram: tuple[int, ...] = ()
    """Layers whose experts stay in host memory."""
    devices: tuple[str, ...] = ()
    """Names as the engine lists them, in the order in which they get their layers; empty takes all."""
    rpc_servers: tuple[str, ...] = ()
    """HOST:PORT of llama.cpp RPC servers."""
    kv_type: str = "f16"
    """f16, q8_0 or q4_0, for keys and values."""
    flash_attention: bool | None = None
    """None leaves it to llama.cpp; a quantised KV cache turns it on."""
    threads: int | None = None
    """None adapts the number while it generates."""
    split_mode: str = "layer"
    """layer, row, tensor, or none (everything on ``main_gpu``).  Row and tensor are not in every backend, and tensor
    not for every architecture: the engine then refuses the load."""
    main_gpu: str | None = None
    """The device that takes everything with the split mode none; None takes the first."""
    mmap: bool | None = None
    """Whether host memory maps the file instead of holding a copy; None leaves it to llama.cpp."""
    pipeline: bool = True
    """False forbids pipeline parallelism, which takes larger compute buffers.  The engine turns it on by itself where
    all layers lie on several devices, split by layer, with no experts in RAM."""
    repack: bool = True
    """Whether weights in host memory may be brought into the processor's own order: a copy where the file is mapped."""
    full_windows: bool = True
    """Whether layers with a sliding window keep the whole context: without, they take less KV cache, and where a prompt
    leaves the one before too early it is read anew."""
    output_rows: int = 1
    """Tokens of a batch whose logits can be had (the engine's n_outputs_max).  An answer needs one; with 0, all of a
    batch, every one takes a row as wide as the vocabulary."""


@dataclass(frozen=True)
class Load:
    """Load a file; what was loaded before goes."""

    request: int
    options: LoadOptions


@dataclass(frozen=True)
class Generate:
    """Answer a conversation with the loaded file."""

    request: int
    messages: tuple[PromptMessage, ...]
    sampling: Sampling
    prefill: str = ""


@dataclass(frozen=True)
class Count:
    """Count tokens with the vocabulary and the template of the loaded file; the KV cache stays as it is.

    ``texts`` are counted one by one as they are.  ``messages`` and ``prefill`` are counted as the prompt that
    ``Generate`` would make of them, where there are any.
    """

    request: int
    messages: tuple[PromptMessage, ...] = ()
    prefill: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListDevices:
    """Ask for the device list of this engine build.  ``optional_servers`` may be missing: that is told, no failure."""

    request: int
    rpc_servers: tuple[str, ...] = ()
    optional_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rehearse:
    """Go through a load without taking memory.  The file may be a hole behind its true header."""

    request: int
    options: LoadOptions


@dataclass(frozen=True)
class Bench:
    """Measure the loaded file: that many times a prompt of so many tokens, and so many generated ones."""

    request: int
    prompt_tokens: int = 512
    generated_tokens: int = 64
    repetitions: int = 3


@dataclass(frozen=True)
class Stop:
    """End the request of that number soon.  The one command that is obeyed while another is at work."""

    request: int


@dataclass(frozen=True)
class Ready:
    """The child is up, its backends are: what ends it from now on is not its start.  Answers no request."""

    request: int = 0


@dataclass(frozen=True)
class Loading:
    """``fraction`` from 0 to 1, ``seconds_left`` from the speed so far."""

    request: int
    fraction: float
    seconds_left: float | None = None


@dataclass(frozen=True)
class LoadDone:
    """Loaded.  ``context`` in tokens.

    ``memory`` maps the name of a device, and ``CPU`` for all host memory, to ``weights_bytes``, ``kv_bytes`` and
    ``compute_bytes`` as the engine allocated them.  Host weights count each tensor once, whether the file is mapped or
    read; ``repack_bytes`` are further copies in the processor's own order, there only where the file is mapped.
    """

    request: int
    context: int
    gpu_layers: int
    layers: int
    engine: str
    memory: Mapping[str, Mapping[str, int]]
    pipeline: bool = False
    flash_attention: bool = False


@dataclass(frozen=True)
class RehearsalDone:
    """What a load would take beside weights and KV, which are known from the header.

    ``devices`` maps the name of a device to ``compute_bytes``, and ``free_bytes`` and ``total_bytes`` as its driver
    tells them with the backend up.  ``context`` in tokens as the engine rounds it.
    """

    request: int
    devices: Mapping[str, Mapping[str, int]]
    host_compute_bytes: int
    pipeline: bool
    flash_attention: bool
    context: int
    seconds: float


@dataclass(frozen=True)
class BenchProgress:
    """Measuring: ``fraction`` from 0 to 1, ``stage`` prompt or generation."""

    request: int
    fraction: float
    stage: str


@dataclass(frozen=True)
class BenchDone:
    """The figures: tokens a second of each repetition, for reading a prompt and for generating."""

    request: int
    prompt_tokens: int
    generated_tokens: int
    prompt_tokens_per_second: tuple[float, ...]
    tokens_per_second: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """Reading the prompt, all in tokens; ``reused`` of them lay in the KV cache already."""

    request: int
    read: int
    total: int
    reused: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class TextPiece:
    """Text of the answer; ``tokens`` generated so far, ``context_used`` tokens in the KV cache."""

    request: int
    text: str
    tokens: int
    context_used: int


@dataclass(frozen=True)
class AnswerDone:
    """The end of an answer: ``stop``, ``length`` or ``cancelled``.  ``reading_s``: seconds that the prompt took."""

    request: int
    finish_reason: str
    prompt_tokens: int
    read_tokens: int
    reading_s: float
    completion_tokens: int


@dataclass(frozen=True)
class Counted:
    """Tokens of the whole prompt, 0 where no messages were asked about, and of each text."""

    request: int
    prompt_tokens: int
    text_tokens: tuple[int, ...]


@dataclass(frozen=True)
class EngineDevice:
    """A device as the engine lists it; memory in bytes, ``kind`` gpu, integrated_gpu, accelerator or cpu.

    ``pci_bus_id`` is ``domain:bus:device.function`` in small letters (``0000:c1:00.0``), empty where the backend tells
    none.
    """

    name: str
    description: str
    backend: str
    kind: str
    total_bytes: int
    free_bytes: int
    pci_bus_id: str = ""


@dataclass(frozen=True)
class MissingServer:
    """An RPC server that cannot be used: its code and facts as of a UserError."""

    server: str
    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeviceList:
    """The devices of this engine build, and the backends that it was built with, devices for them or not.

    ``rpc_servers`` are those in use, in the order that numbers their devices; ``missing`` the optional ones that are
    not.
    """

    request: int
    devices: tuple[EngineDevice, ...]
    engine: str
    backends: tuple[str, ...] = ()
    rpc_servers: tuple[str, ...] = ()
    missing: tuple[MissingServer, ...] = ()


@dataclass(frozen=True)
class Failed:
    """The request ended in a UserError of that code, or was cancelled (``code`` "cancelled")."""

    request: int
    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


Command = Load | Generate | Count | ListDevices | Rehearse | Bench | Stop
Event = (
    Ready
    | Loading
    | LoadDone
    | Reading
    | TextPiece
    | AnswerDone
    | Counted
    | RehearsalDone
    | BenchProgress
    | BenchDone
    | DeviceList
    | Failed
)
LAST = LoadDone | AnswerDone | Counted | RehearsalDone | BenchDone | DeviceList | Failed
"""Events after which nothing more comes for their request."""

_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*get_args(Command), *get_args(Event))}


def encode(message: Command | Event) -> bytes:
    """One line of UTF-8 JSON with its line end."""
    body = {"is": type(message).__name__, **dataclasses.asdict(message)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def decode(line: bytes) -> Command | Event | None:
    """The message of a line, or None where it is of a kind or shape not known here."""
    try:
        body = json.loads(line)
        kind = _KINDS[body.pop("is")]
        match kind.__name__:
            case "Load" | "Rehearse":
                body["options"] = LoadOptions(**_tuples(body["options"]))
            case "Count":
                body["messages"] = tuple(PromptMessage(Role(m["role"]), m["content"]) for m in body["messages"])
            case "Generate":
                body["messages"] = tuple(PromptMessage(Role(m["role"]), m["content"]) for m in body["messages"])
                body["sampling"] = Sampling(**_tuples(body["sampling"]))
            case "DeviceList":
                body["devices"] = tuple(EngineDevice(**device) for device in body["devices"])
                body["missing"] = tuple(MissingServer(**missing) for missing in body["missing"])
        message: Command | Event = kind(**_tuples(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return message


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
