"""Messages between the program and its engine child: frozen dataclasses, one line each.

Commands go to the child's standard input, events come back on a separate pipe.  A line is the number of a request,
the name of the message's class and its fields as JSON.  Every event carries the number of the request that it answers.
Events of an answer that the program needs unchanged are those of ``app.backend``.  The child ends when the command pipe
is closed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, get_args

from app.backend import LoadProgress, PromptMessage, PromptProgress, TextDelta, TokenControls, ToolsCalled
from app.conversation import Speculation
from app.sampling import Sampling
from app.tool_calls import ToolDefinition
from model_manager.devices.devices import Device
from model_manager.disk.json_file import JsonError, from_json, to_json
from model_manager.plan.load_plan import Rehearsal
from model_manager.plan.load_spec import LoadSpec
from model_manager.plan.model_shape import AttentionShape


@dataclass(frozen=True)
class Load:
    """Load a file, in place of the loaded one."""

    path: str
    spec: LoadSpec


@dataclass(frozen=True)
class Rehearse:
    """Run through a load without allocating memory.  A sparse file with only the header is sufficient.

    ``simulated``: names of devices that this machine lacks, rehearsed like CUDA's.
    """

    path: str
    spec: LoadSpec
    simulated: tuple[str, ...] = ()


@dataclass(frozen=True)
class CacheOptions:
    """The conversation cache: its folder, and the bytes that it may take there and in memory."""

    folder: str
    disk_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class Generate:
    """Answer a conversation with the loaded file, or without messages continue the text ``prefill``.

    Its state is kept in ``cache`` for ``conversation``, which is empty for a temporary one.  ``exact_batches`` is the
    file of ``app.engine.child.speculation``; empty for no guesses.
    """

    messages: tuple[PromptMessage, ...]
    sampling: Sampling
    prefill: str = ""
    controls: TokenControls = field(default_factory=TokenControls)
    conversation: str = ""
    cache: CacheOptions | None = None
    exact_batches: str = ""
    tools: tuple[ToolDefinition, ...] = ()


@dataclass(frozen=True)
class Forget:
    """Delete the states of these conversations; None: of all."""

    conversations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CountTokens:
    """Count tokens with the vocabulary and the template of the loaded file; the KV cache is not changed.

    Pictures of ``messages`` may be those of ``without_pictures``.

    Each of ``texts`` is counted on its own.  The other fields are counted as the prompt that ``Generate`` would make of
    them, where there are messages or a prefill.
    """

    messages: tuple[PromptMessage, ...] = ()
    prefill: str = ""
    thinking: str = ""
    texts: tuple[str, ...] = ()
    tools: tuple[ToolDefinition, ...] = ()


DIGEST_BYTES = 16
"""Of a picture; no picture is so small."""


def picture_digest(data: bytes) -> bytes:
    """Return the digest of a picture's file."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def without_pictures(messages: Iterable[PromptMessage]) -> tuple[PromptMessage, ...]:
    """Return the messages with digests as the data of pictures, which is enough to count their tokens."""
    return tuple(
        replace(each, pictures=tuple(replace(picture, data=picture_digest(picture.data)) for picture in each.pictures))
        for each in messages
    )


@dataclass(frozen=True)
class Tokenize:
    """Tokenise a text with the vocabulary of the loaded file.

    ``special``: special tokens in it become single tokens.  ``with_ends``: BOS and EOS are added as to a prompt.
    """

    text: str
    special: bool = True
    with_ends: bool = False


@dataclass(frozen=True)
class ListDevices:
    """List the devices of this engine build.  Problems with ``optional_servers`` are reported, not failures."""

    rpc_servers: tuple[str, ...] = ()
    optional_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeasureAttention:
    """Measure attention on the CPU with flash attention and without."""

    shape: AttentionShape


@dataclass(frozen=True)
class Bench:
    """Measure the loaded file: ``repetitions`` times a prompt and a generation of these numbers of tokens.

    The generation begins after ``depth`` other tokens, whose reading is not measured.
    """

    prompt_tokens: int = 512
    generated_tokens: int = 64
    repetitions: int = 3
    depth: int = 0


@dataclass(frozen=True)
class Embed:
    """Compute the embeddings of some texts with an embedding model, which stays loaded beside the other file."""

    path: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Lend:
    """Lend this PC's devices to other PCs until the child ends; ``cache`` is a folder for the models they load."""

    host: str
    port: int
    cache: str
    limit_bytes: int | None = None


@dataclass(frozen=True)
class Stop:
    """Stop the request with the line's number.  The only command that is handled while another one runs."""


@dataclass(frozen=True)
class Ready:
    """The child and its backends have started.  Answers no request."""


@dataclass(frozen=True)
class LoadResult:
    """The file is loaded.  ``context`` in tokens.

    ``memory`` maps the name of a device, and ``CPU`` for all host memory, to ``weights_bytes``, ``kv_bytes`` and
    ``compute_bytes`` as the engine allocated them.  Host weights count each tensor once, whether the file is mapped or
    read; ``repack_bytes`` are further copies in the processor's own order, present only where the file is mapped.
    """

    context: int
    gpu_layers: int
    layers: int
    engine: str
    memory: Mapping[str, Mapping[str, int]]
    pipeline: bool = False
    flash_attention: bool = False
    pinned: bool | None = None
    """Whether the weights that devices copy from host memory are pinned there; None where none are."""


@dataclass(frozen=True)
class Lending:
    """Other PCs can connect: the names of the lent devices, and the bytes that are used on them."""

    devices: tuple[str, ...]
    used_bytes: int


@dataclass(frozen=True)
class BenchProgress:
    """Progress of a measurement: ``fraction`` from 0 to 1, ``stage`` prompt or generation."""

    fraction: float
    stage: str


@dataclass(frozen=True)
class BenchResult:
    """Tokens per second of each repetition, for reading a prompt and for generating."""

    prompt_tokens: int
    generated_tokens: int
    prompt_tokens_per_second: tuple[float, ...]
    tokens_per_second: tuple[float, ...]


@dataclass(frozen=True)
class GenerateResult:
    """End of an answer: ``stop``, ``length`` or ``cancelled``.  ``reading_s``: seconds for the prompt."""

    finish_reason: str
    prompt_tokens: int
    read_tokens: int
    reading_s: float
    completion_tokens: int
    speculation: Speculation | None = None
    stop_string: str = ""
    """The stop string of the request that ended it."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text."""

    tokens: tuple[int, ...]


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of the whole prompt, 0 without one, and of each text."""

    prompt_tokens: int
    text_tokens: tuple[int, ...]


@dataclass(frozen=True)
class Embeddings:
    """A vector of length 1 for each text, 0 for one without tokens; and the tokens of each text."""

    dimension: int
    vectors: bytes
    """32-bit floats, row by row: ``numpy.frombuffer(vectors, "f").reshape(-1, dimension)``."""
    tokens: tuple[int, ...]

    def rows(self) -> list[list[float]]:
        """Return the vectors."""
        values = array("f", self.vectors).tolist()
        return [values[start : start + self.dimension] for start in range(0, len(values), self.dimension)]


@dataclass(frozen=True)
class Forgotten:
    """The states are deleted."""


@dataclass(frozen=True)
class Failure:
    """The request ended in a ``UserError`` of this code, or was cancelled (``code`` "cancelled")."""

    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FlashAttentionGain:
    """How many times faster a typical turn's attention is with flash attention; None where it can't be measured."""

    gain: float | None


@dataclass(frozen=True)
class DeviceList:
    """The devices of this engine build, and the backends that it was built with, with devices or without.

    ``rpc_servers`` are the usable ones, in the order that numbers their devices; ``missing`` has a failure with
    ``server`` for each optional one that is not usable.
    """

    devices: tuple[Device, ...]
    engine: str
    backends: tuple[str, ...] = ()
    rpc_servers: tuple[str, ...] = ()
    missing: tuple[Failure, ...] = ()


Command = (
    Load
    | Generate
    | Forget
    | CountTokens
    | Tokenize
    | ListDevices
    | MeasureAttention
    | Rehearse
    | Bench
    | Embed
    | Lend
    | Stop
)
Result = (
    LoadResult
    | GenerateResult
    | Forgotten
    | TokenCounts
    | Tokens
    | Rehearsal
    | BenchResult
    | DeviceList
    | FlashAttentionGain
    | Embeddings
    | Failure
)
"""The last event of a request."""
Event = Ready | LoadProgress | PromptProgress | TextDelta | ToolsCalled | BenchProgress | Lending | Result

_TYPES: Mapping[str, type[Any]] = {type_.__name__: type_ for type_ in (*get_args(Command), *get_args(Event))}


def encode(request: int, message: Command | Event) -> bytes:
    """Encode a message as a line of UTF-8, with its line end."""
    return b"%d %s %s\n" % (request, type(message).__name__.encode(), to_json(message))


def decode(line: bytes) -> tuple[int, Any]:
    """Decode a line: the number of its request and the message, None where its type or fields are unknown."""
    try:
        number, name, body = line.split(b" ", 2)
        return int(number), from_json(body, _TYPES[name.decode()])
    except (JsonError, ValueError, KeyError):
        return 0, None
