"""What the program and its engine child say to each other: frozen values, one JSON line each.

Commands go to the child's standard input, events come back on a pipe of their own.  Every command carries the number of
its request, every event the number of the request that it answers.  The child ends when the command pipe is closed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.chat.conversation import Role, Sampling
from app.chat.source import PromptMessage


@dataclass(frozen=True)
class LoadOptions:
    """How a file is to lie on the devices.  A later part computes what is left open here from the plan."""

    path: str
    context: int | None = None
    """Tokens; None takes the trained context, at most 8192."""
    batch: int = 512
    micro_batch: int = 512
    gpu_layers: int | None = None
    """Layers on devices, -1 for all; None takes as many as the devices' free memory holds by a rough count."""
    tensor_split: tuple[float, ...] = ()
    """One share a device; empty leaves it to llama.cpp (by free memory)."""
    experts_in_ram: tuple[int, ...] = ()
    """Layers whose experts stay in host memory."""
    devices: tuple[str, ...] = ()
    """Names as the engine lists them; empty takes all."""
    rpc_servers: tuple[str, ...] = ()
    """HOST:PORT of llama.cpp RPC servers."""
    kv_type: str = "f16"
    """f16, q8_0 or q4_0."""
    flash_attention: bool | None = None
    """None leaves it to llama.cpp; a quantised KV cache turns it on."""
    threads: int | None = None
    """None adapts the number while it generates."""


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
class ListDevices:
    """Ask for the device list of this engine build."""

    request: int
    rpc_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stop:
    """End the request of that number soon.  The one command that is obeyed while another is at work."""

    request: int


@dataclass(frozen=True)
class Loading:
    """``fraction`` from 0 to 1, ``seconds_left`` from the speed so far."""

    request: int
    fraction: float
    seconds_left: float | None = None


@dataclass(frozen=True)
class LoadDone:
    """Loaded.  ``context`` in tokens; ``memory`` maps a device name to bytes of weights, KV and compute buffers."""

    request: int
    context: int
    gpu_layers: int
    layers: int
    engine: str
    memory: Mapping[str, Mapping[str, int]]


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
class EngineDevice:
    """A device as the engine lists it; memory in bytes, ``kind`` gpu, cpu or accelerator."""

    name: str
    description: str
    backend: str
    kind: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class DeviceList:
    """The devices of this engine build and what else it can do."""

    request: int
    devices: tuple[EngineDevice, ...]
    engine: str


@dataclass(frozen=True)
class Failed:
    """The request ended in a UserError of that code, or was cancelled (``code`` "cancelled")."""

    request: int
    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


Command = Load | Generate | ListDevices | Stop
Event = Loading | LoadDone | Reading | TextPiece | AnswerDone | DeviceList | Failed

_KINDS: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        Load,
        Generate,
        ListDevices,
        Stop,
        Loading,
        LoadDone,
        Reading,
        TextPiece,
        AnswerDone,
        DeviceList,
        Failed,
    )
}


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
            case "Load":
                body["options"] = LoadOptions(**_tuples(body["options"]))
            case "Generate":
                body["messages"] = tuple(PromptMessage(Role(m["role"]), m["content"]) for m in body["messages"])
                body["sampling"] = Sampling(**_tuples(body["sampling"]))
            case "DeviceList":
                body["devices"] = tuple(EngineDevice(**device) for device in body["devices"])
        message: Command | Event = kind(**_tuples(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return message


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
