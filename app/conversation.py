"""What a conversation is, as plain values.  Ids and rows belong to the store; words and pictures to the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

THOUGHT_OPEN, THOUGHT_CLOSE = "<think>", "</think>"
"""Tags around the reasoning in the text of an answer; backends that deliver it separately have the tags added."""


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Status(StrEnum):
    """How far a message got."""

    COMPLETE = "complete"
    STREAMING = "streaming"
    """Being written by a process that is alive."""
    STOPPED = "stopped"
    """The person pressed stop."""
    INTERRUPTED = "interrupted"
    """The engine or the program died in the middle; what was there is kept."""
    FAILED = "failed"
    """The answer could not be begun; ``Message.error`` says why."""


class ContextPolicy(StrEnum):
    """What happens when a conversation no longer fits into the context.  Nothing is ever left out silently."""

    STOP = "stop"
    """The question is refused with a sentence; the person decides."""
    ROLL = "roll"
    """The oldest turns are left out, pinned messages stay; a line in the transcript shows where."""


@dataclass(frozen=True)
class Attachment:
    """A text that a question brings along: a file that was dropped, or a long paste."""

    name: str
    content: str
    tokens: int | None = None
    """Counted by the model that was chosen when it was attached; None where none could count."""


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.  The names and the order of the samplers are llama.cpp's."""

    temperature: float = 0.7
    """0 takes the most probable token always."""
    top_k: int = 40
    """Keep the k most probable tokens; 0 keeps all."""
    top_p: float = 0.95
    """Keep the most probable tokens that together reach this probability; 1 keeps all."""
    min_p: float = 0.05
    """Keep tokens at least this probable, relative to the most probable one; 0 keeps all."""
    repeat_penalty: float = 1.0
    """Divide the logits of the last 64 tokens by this; 1 changes nothing."""
    seed: int | None = None
    """None takes a fresh one for each answer."""
    max_tokens: int | None = None
    """None goes on to the end of the answer or of the context."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these strings."""


@dataclass(frozen=True)
class MadeBy:
    """What made an answer, enough to make it again."""

    model_id: str
    sampling: Sampling
    seed: int
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    """``stop``, ``length``, ``cancelled`` or ``died``."""
    tokens_per_second: float | None = None
    prompt_tokens_per_second: float | None = None
    time_to_first_token_s: float | None = None
    file_sha256: str | None = None
    quantisation: str | None = None
    engine: str | None = None
    """Name and version, ``llama.cpp (llama-cpp-python 0.3.36)``."""
    program: str | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    endpoint: str | None = None
    """The address of the server that answered; None for a file on this machine."""
    thought_s: float | None = None
    """Seconds from the first word of its thoughts to their end."""
    left_out: tuple[str, ...] = ()
    """Ids of the messages of its branch that it did not see, because the context was full."""


@dataclass(frozen=True)
class Message:
    """One message.  Messages of a conversation form a tree: several answers to one question are siblings."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    status: Status
    content: str
    created_at: datetime
    """With time zone, UTC."""
    made_by: MadeBy | None = None
    error: dict[str, Any] | None = None
    """``{"code": ..., **data}`` of the UserError that ended it."""
    attachments: tuple[Attachment, ...] = ()
    is_pinned: bool = False
    """Stays in the prompt when older turns roll out."""


@dataclass(frozen=True)
class Conversation:
    """A conversation without its messages."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    system_prompt: str = ""
    model_id: str | None = None
    """The model it was last continued with."""
    leaf_id: str | None = None
    """The last message of the branch that is shown."""
    message_count: int = 0
    is_pinned: bool = False
    """Stands above the others in the list."""
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    """Since when it lies in the bin."""
    title_is_chosen: bool = False
    """A person wrote the title; no program changes it."""
    sampling: Sampling | None = None
    """Its own; None takes the one of the settings."""
    context_policy: ContextPolicy | None = None
    """Its own; None takes the one of the settings."""


@dataclass(frozen=True)
class SearchHit:
    """A place where a search text occurs; ``message_id`` is None for a title."""

    conversation_id: str
    message_id: str | None
    title: str
    snippet: str
    """A line of text around the hit."""
    span: tuple[int, int]
    """Where in the snippet the hit lies, in characters."""
