"""What a format is to the export: a way to turn conversations into bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.chat.conversation import Status
from app.store.trees import ConversationTree


@dataclass(frozen=True)
class Labels:
    """The words of an exported text; the window hands in those of its language."""

    untitled: str = "Conversation"
    system: str = "System prompt"
    user: str = "You"
    assistant: str = "Assistant"
    statuses: Mapping[Status, str] = field(
        default_factory=lambda: {
            Status.STREAMING: "being written",
            Status.STOPPED: "stopped",
            Status.INTERRUPTED: "interrupted",
            Status.FAILED: "failed",
        }
    )
    time: str = "Time"
    model: str = "Model"
    quantisation: str = "Quantisation"
    file_sha256: str = "SHA-256 of the file"
    seed: str = "Seed"
    sampling: str = "Sampling"
    prompt_tokens: str = "Tokens of the prompt"
    completion_tokens: str = "Tokens of the answer"
    tokens_per_second: str = "Tokens per second"
    engine: str = "Engine"
    program: str = "Program"


@dataclass(frozen=True)
class Options:
    """How to write.  ``metadata`` adds to each answer what made it."""

    metadata: bool = True
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True)
class Format:
    """A format by its file name suffix, ``".md"``.

    ``write`` is given one conversation, or any number where ``many_in_one_file`` says that it takes them.
    """

    suffix: str
    many_in_one_file: bool
    write: Callable[[Sequence[ConversationTree], Options], bytes]
