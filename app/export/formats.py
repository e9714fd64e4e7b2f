"""What a format is to the export: a way to turn conversations into bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.conversation import Status

if TYPE_CHECKING:
    from app.formulas import Mathematics
    from app.store.conversation_trees import ConversationTree

FORMAT_NAMES = ("md", "html", "pdf", "json", "txt", "jsonl")
"""Every format by the name a person types.  The one that needs Qt is handed in from outside."""


class Thoughts(StrEnum):
    """What becomes of what a model wrote to itself before it answered."""

    KEEP = "keep"
    FOLD = "fold"
    """Closed until the reader opens it; written out, but paler, where a format knows no folding."""
    DROP = "drop"


@dataclass(frozen=True)
class Labels:
    """The words of an exported text; the window hands in those of its language."""

    language: str = "en"
    """The code of the language the words are in, as HTML and PDF name it: ``en``, ``zh-CN``."""
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
    thoughts: str = "Thoughts"
    attachment: str = "Attachment"
    details: str = "Details"
    time: str = "Time"
    model: str = "Model"
    endpoint: str = "Server"
    quantisation: str = "Quantisation"
    file_sha256: str = "SHA-256 of the file"
    plan: str = "Plan"
    seed: str = "Seed"
    sampling: str = "Sampling"
    prompt_tokens: str = "Tokens of the prompt"
    left_out: str = "Messages left out"
    completion_tokens: str = "Tokens of the answer"
    finish_reason: str = "Ended by"
    thought_time: str = "Time of its thoughts"
    tokens_per_second: str = "Tokens per second"
    engine: str = "Engine"
    program: str = "Program"
    page: str = "Page {number}"


def _go_on(_share: float) -> None:
    """Nobody watches."""


def _say_nothing(_code: str, _data: Mapping[str, object]) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Watch:
    """Who is told how far it is and what could not be done as it should."""

    progress: Callable[[float], None] = _go_on
    """Called with the share that is done, from 0 to 1; ends the export by raising ``Cancelled``."""
    warn: Callable[[str, Mapping[str, object]], None] = _say_nothing
    """Called with a code of ``app.messages`` and its data."""


@dataclass(frozen=True)
class Options:
    """How to write."""

    metadata: bool = True
    """Add to each answer what made it."""
    thoughts: Thoughts = Thoughts.FOLD
    all_branches: bool = False
    """For a format of separate examples: one for each branch, not only for the one that is shown."""
    unfinished: bool = False
    """For the same: also answers that did not come to their end."""
    paper: str = ""
    """``a4`` or ``letter`` for a format with pages; empty for what is usual where the person lives."""
    mathematics: Mathematics | None = None
    """Draws formulas; without it they stand as their source."""
    labels: Labels = field(default_factory=Labels)
    watch: Watch = field(default_factory=Watch)


@dataclass(frozen=True)
class Format:
    """A format by its file name suffix, ``".md"``.

    ``write`` is given one conversation, or any number where ``many_in_one_file`` says that it takes them.
    """

    suffix: str
    many_in_one_file: bool
    write: Callable[[Sequence[ConversationTree], Options], bytes]
    needs_the_way: bool = False
    """One message alone means nothing in it: it is written with those that led to it."""
