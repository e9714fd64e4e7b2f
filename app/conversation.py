"""Value types of conversations and messages, single and as whole trees.  The store saves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.parameter import parameter, parameters
from app.translation import QT_TRANSLATE_NOOP
from model_manager.errors import UserError

THOUGHT_OPEN, THOUGHT_CLOSE = "<think>", "</think>"
"""Tags around the reasoning in the text of an answer; backends that deliver it separately have the tags added."""


STOP_SEQUENCE = "stop_sequence"
"""Finish reason of a structured answer that a stop sequence has cut."""

EDITED = "edited"
"""Finish reason of a version of an answer that the user wrote."""

TRASH_DAYS = 30
"""Deleted conversations and messages can be restored for this long."""


class Role(StrEnum):
    """Author of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Status(StrEnum):
    """State of a message."""

    COMPLETE = "complete"
    STREAMING = "streaming"
    """A live process is writing it."""
    STOPPED = "stopped"
    """The user stopped it."""
    INTERRUPTED = "interrupted"
    """The engine or the program died during the answer; the text so far is kept."""
    FAILED = "failed"
    """The answer could not begin; ``Message.error`` is the reason."""


class ContextPolicy(StrEnum):
    """What happens when a conversation no longer fits into the context."""

    STOP = "stop"
    """The question is refused with an error, and the user decides."""
    ROLL = "roll"
    """The oldest turns are left out, except pinned messages; a line in the transcript marks the place."""
    SUMMARISE = "summarise"
    """The model summarises the oldest turns, except pinned messages, and gets the summary in their place."""


class Shelf(StrEnum):
    """Where a conversation is."""

    CONVERSATIONS = "conversations"
    """In the list: pinned ones first, then the latest activity."""
    ARCHIVE = "archive"
    """The last archived first."""
    TRASH = "trash"
    """The last deleted first."""


@dataclass(frozen=True)
class ShelfOrder:
    """The conversations of a shelf in their order, as numbers: thousands are read in milliseconds."""

    numbers: list[int]
    """``ConversationStore.numbered`` reads their conversations."""
    sections: list[int]
    """Sizes of the sections: of the pinned ones, of each period, and of those before the periods."""


@dataclass(frozen=True)
class Attachment:
    """A text attached to a question: a dropped file or a long paste."""

    name: str
    content: str
    tokens: int | None = None
    """Counted by the model that was selected when it was attached; None if there was none."""


@dataclass(frozen=True)
class GivenPassage:
    """A passage of an attachment, from ``start`` to ``end`` in its text."""

    start: int
    end: int
    page: int = 0
    """From 1; 0 in texts without pages."""
    heading: str = ""
    """The last heading above it."""


@dataclass(frozen=True)
class Excerpt:
    """The passages of one attachment that the model was given for an answer."""

    attachment: int
    """Number among the attachments of the branch, from 0; negative for a document of the folder."""
    name: str
    passages: tuple[GivenPassage, ...]
    """In their order in the text."""


@dataclass(frozen=True)
class DocumentUse:
    """What the model was given of attachments that don't fit beside the conversation as a whole."""

    excerpts: tuple[Excerpt, ...]
    total: int
    """Passages that the attachments have together."""
    is_spread: bool = False
    """The question named nothing in them: the passages are the beginning and others at equal distances."""
    is_first: bool = True
    """The passages given for earlier questions were not repeated."""

    @property
    def given(self) -> int:
        """Number of passages that the model was given."""
        return sum(len(each.passages) for each in self.excerpts)


REPETITION = QT_TRANSLATE_NOOP("parameters", "Against repetition")
VARIETY = QT_TRANSLATE_NOOP("parameters", "More variety")
CONTROLLED = QT_TRANSLATE_NOOP("parameters", "Controlled probability")


@dataclass(frozen=True)
class SamplerParameters:
    """Parameters of the samplers that choose the next token; names and order of the samplers are llama.cpp's."""

    temperature: float = parameter(
        0.7,
        minimum=0,
        maximum=2,
        step=0.1,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Temperature"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Higher values give more varied answers, lower values more predictable ones; 0 always picks "
            "the most probable token.",
        ),
    )
    top_p: float = parameter(
        0.95,
        minimum=0,
        maximum=1,
        step=0.05,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Samples from the most probable tokens that together reach this probability; 1 keeps all."
        ),
    )
    top_k: int = parameter(
        40,
        minimum=0,
        maximum=1000,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-k"),
        description=QT_TRANSLATE_NOOP("parameters", "Samples from this many of the most probable tokens; 0 keeps all."),
    )
    min_p: float = parameter(
        0.05,
        minimum=0,
        maximum=1,
        step=0.01,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Min-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Excludes tokens whose probability is below this fraction of the most probable token's; 0 keeps all.",
        ),
    )
    top_n_sigma: float = parameter(
        0.0,
        minimum=0,
        maximum=10,
        step=0.1,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Top-nσ"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Keeps tokens whose logit is within this many standard deviations of the highest; 0 keeps all.",
        ),
    )
    typical_p: float = parameter(
        1.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Typical-p"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Keeps the tokens that are about as surprising as expected, up to this probability; 1 keeps all.",
        ),
    )
    repeat_penalty: float = parameter(
        1.0,
        minimum=0.5,
        maximum=2,
        step=0.05,
        page="conversation",
        label=QT_TRANSLATE_NOOP("parameters", "Repeat penalty"),
        description=QT_TRANSLATE_NOOP("parameters", "Values above 1 make repetition less likely; 1 has no effect."),
        group=REPETITION,
    )
    """Divides the logits of the last 64 tokens."""
    frequency_penalty: float = parameter(
        0.0,
        minimum=-2,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Frequency penalty"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Makes a token less likely the more often it was used; 0 has no effect."
        ),
        group=REPETITION,
    )
    presence_penalty: float = parameter(
        0.0,
        minimum=-2,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Presence penalty"),
        description=QT_TRANSLATE_NOOP("parameters", "Makes tokens that were used before less likely; 0 has no effect."),
        group=REPETITION,
    )
    dry_multiplier: float = parameter(
        0.0,
        maximum=10,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "DRY multiplier"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Penalty for tokens that continue a repeated sequence; 0 turns DRY off, 0.8 is usual."
        ),
        group=REPETITION,
    )
    dry_base: float = parameter(
        1.75,
        minimum=1,
        maximum=4,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "DRY base"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "The penalty grows by this factor with each token of the repetition."
        ),
        group=REPETITION,
    )
    dry_allowed_length: int = parameter(
        2,
        maximum=100,
        label=QT_TRANSLATE_NOOP("parameters", "DRY allowed length"),
        description=QT_TRANSLATE_NOOP("parameters", "Repetitions up to this many tokens are not penalised."),
        group=REPETITION,
    )
    dry_penalty_last_n: int = parameter(
        -1,
        maximum=1 << 20,
        step=256,
        named_values={-1: QT_TRANSLATE_NOOP("parameters", "Whole context")},
        suggestion=1024,
        label=QT_TRANSLATE_NOOP("parameters", "DRY range"),
        description=QT_TRANSLATE_NOOP("parameters", "Tokens of the conversation in which repetitions are looked for."),
        group=REPETITION,
    )
    xtc_probability: float = parameter(
        0.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "XTC probability"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "How often the most probable tokens are left out, for more unusual answers; 0 turns XTC off."
        ),
        group=VARIETY,
    )
    xtc_threshold: float = parameter(
        0.1,
        maximum=0.5,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "XTC threshold"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Of the tokens above this probability only the least probable is kept."
        ),
        group=VARIETY,
    )
    dynatemp_range: float = parameter(
        0.0,
        maximum=2,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Temperature range"),
        description=QT_TRANSLATE_NOOP(
            "parameters",
            "Lets the temperature go up and down by this much, with the model's uncertainty; 0 keeps it fixed.",
        ),
        group=VARIETY,
    )
    dynatemp_exponent: float = parameter(
        1.0,
        maximum=10,
        step=0.1,
        label=QT_TRANSLATE_NOOP("parameters", "Temperature exponent"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Above 1 only great uncertainty raises the temperature; below 1 already little."
        ),
        group=VARIETY,
    )
    mirostat: int = parameter(
        0,
        choices={0: QT_TRANSLATE_NOOP("parameters", "Off"), 1: "Mirostat 1", 2: "Mirostat 2"},
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Keeps the surprise of the answer constant; replaces the samplers from top-k to XTC."
        ),
        group=CONTROLLED,
    )
    mirostat_tau: float = parameter(
        5.0,
        maximum=20,
        step=0.5,
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat tau"),
        description=QT_TRANSLATE_NOOP("parameters", "Surprise to aim at: lower values give more predictable answers."),
        group=CONTROLLED,
    )
    mirostat_eta: float = parameter(
        0.1,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Mirostat eta"),
        description=QT_TRANSLATE_NOOP("parameters", "How fast mirostat corrects itself."),
        group=CONTROLLED,
    )
    adaptive_target: float = parameter(
        0.0,
        maximum=1,
        step=0.05,
        label=QT_TRANSLATE_NOOP("parameters", "Adaptive-p target"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Prefers tokens near this probability, averaged over the answer; 0 turns it off."
        ),
        group=CONTROLLED,
    )
    adaptive_decay: float = parameter(
        0.9,
        maximum=0.99,
        step=0.01,
        label=QT_TRANSLATE_NOOP("parameters", "Adaptive-p decay"),
        description=QT_TRANSLATE_NOOP("parameters", "How long adaptive-p remembers: 0.9 is about ten tokens."),
        group=CONTROLLED,
    )


@dataclass(frozen=True)
class Sampling(SamplerParameters):
    """How an answer is generated."""

    seed: int | None = parameter(
        None,
        minimum=0,
        maximum=(1 << 31) - 1,
        named_values={None: QT_TRANSLATE_NOOP("parameters", "Random each time")},
        suggestion=42,
        label=QT_TRANSLATE_NOOP("parameters", "Seed"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "With a local model, the same seed and settings give the same answer again."
        ),
    )
    """None for a random one for each answer."""
    max_tokens: int | None = parameter(
        None,
        minimum=1,
        maximum=1 << 24,
        step=256,
        named_values={None: QT_TRANSLATE_NOOP("parameters", "No limit")},
        suggestion=1024,
        label=QT_TRANSLATE_NOOP("parameters", "Maximum tokens"),
        description=QT_TRANSLATE_NOOP("parameters", "In tokens; an English word is slightly more than one."),
    )
    """None for no limit but the context."""
    stop: tuple[str, ...] = parameter(
        (),
        label=QT_TRANSLATE_NOOP("parameters", "Stop sequences"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "The answer ends before the first of them. One per line; write \\n for a line break."
        ),
    )
    dry_sequence_breakers: tuple[str, ...] = parameter(
        ("\n", ":", '"', "*"),
        label=QT_TRANSLATE_NOOP("parameters", "DRY sequence breakers"),
        description=QT_TRANSLATE_NOOP(
            "parameters", "Texts at which a repetition ends. One per line; write \\n for a line break."
        ),
        group=REPETITION,
    )
    thinking: str = parameter(
        "",
        choices={
            "": QT_TRANSLATE_NOOP("parameters", "Default"),
            "off": QT_TRANSLATE_NOOP("parameters", "Off"),
            "on": QT_TRANSLATE_NOOP("parameters", "On"),
            "low": QT_TRANSLATE_NOOP("parameters", "Low"),
            "medium": QT_TRANSLATE_NOOP("parameters", "Medium"),
            "high": QT_TRANSLATE_NOOP("parameters", "High"),
            "max": QT_TRANSLATE_NOOP("parameters", "Maximum"),
        },
    )
    """Whether and how much the model thinks; empty for the default of its chat template."""
    json_schema: str = ""
    """JSON schema, as text, that the answer after the thoughts must satisfy; empty for free text.

    ``app.structured.schema`` lists what is supported and checks it.  An answer with the finish reason ``stop`` is
    valid; one that was cut ends with ``length`` at the token limit, with ``STOP_SEQUENCE`` at a stop sequence.
    """
    grammar: str = ""
    """The same as a GBNF grammar of llama.cpp with the rule ``root``; ``json_schema`` takes precedence.

    Only from the user of this program: a hostile grammar can take any amount of time and memory.
    """


def changed_samplers(sampling: Sampling) -> dict[str, Any]:
    """Return the parameters of the samplers that are not those of a new ``Sampling``."""
    usual = Sampling()
    names = (*parameters(SamplerParameters), "dry_sequence_breakers")
    return {name: value for name in names if (value := getattr(sampling, name)) != getattr(usual, name)}


def shown_samplers(sampling: Sampling) -> dict[str, float]:
    """Return the numbers of the samplers that are in the settings, and further ones that were changed."""
    changed = changed_samplers(sampling)
    return {
        name: getattr(sampling, name)
        for name, declared in parameters(SamplerParameters).items()
        if declared.page or name in changed
    }


@dataclass(frozen=True)
class Speculation:
    """Tokens of an answer that were guessed from text that repeats, and those that the model wrote as guessed."""

    guessed: int = 0
    accepted: int = 0
    off: str = ""
    """Why there are no guesses where they might be: ``recurrent``, ``windows`` or ``inexact``."""


@dataclass(frozen=True)
class Provenance:
    """Provenance of an answer, sufficient to reproduce it.

    Of an imported answer only the model and the program are known: the figures are 0.  Of one that the user edited it
    names the model of the original.
    """

    model_id: str
    sampling: Sampling | None
    """None for an imported answer, as ``seed``."""
    seed: int | None
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str
    """``stop``, ``length``, ``cancelled``, ``died`` or ``EDITED``."""
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
    """URL of the server that answered; None for a local model."""
    thought_s: float | None = None
    """Duration of the reasoning in seconds."""
    left_out: tuple[str, ...] = ()
    """Ids of the messages of its branch that were left out because the context was full."""
    documents: DocumentUse | None = None
    """None where the attachments were given as a whole, or there were none."""
    speculation: Speculation | None = None
    """None where it was turned off."""


@dataclass(frozen=True)
class Message:
    """One message.  The messages of a conversation form a tree: answers to the same question are siblings."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    status: Status
    content: str
    created_at: datetime
    """With time zone, UTC."""
    provenance: Provenance | None = None
    error: dict[str, Any] | None = None
    """Code and data of the ``UserError`` that ended it: ``{"code": ..., **data}``."""
    attachments: tuple[Attachment, ...] = ()
    is_pinned: bool = False
    """Remains in the prompt when older turns are left out."""
    summary: str = ""
    """Of the branch down to this message: the model gets it instead of the turns that are not pinned."""


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
    """Last message of the selected branch."""
    message_count: int = 0
    is_pinned: bool = False
    """Listed above the others."""
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    """When it was moved to the trash."""
    title_is_chosen: bool = False
    """The user set the title; automatic titles don't replace it."""
    sampling: Sampling | None = None
    """None for the value in the settings."""
    context_policy: ContextPolicy | None = None
    """None for the value in the settings."""
    folder_id: str | None = None
    """The folder that contains it; also of an archived or deleted conversation."""
    source: dict[str, str] | None = None
    """Of a conversation imported from another program: ``program``, ``id`` and other fields that it had there."""


@dataclass(frozen=True)
class Folder:
    """A folder of conversations; one without a parent can contain other folders."""

    id: str
    name: str
    parent_id: str | None = None
    position: int = 0
    """Among the folders with the same parent, from 0."""
    is_expanded: bool = True
    """Whether the sidebar shows what it contains."""
    instructions: str = ""
    """Above the system prompt of every conversation in it."""
    preset_id: str = ""
    """Preset of the conversations in it; empty for none."""
    model_id: str | None = None
    """Model of new conversations in it."""


@dataclass(frozen=True)
class FolderContent:
    """A folder with its documents, as it is exported and imported."""

    folder: Folder
    documents: tuple[Attachment, ...]


@dataclass(frozen=True)
class DeletedFolder:
    """What ``ConversationStore.restore_folder`` needs to undo the deletion of a folder."""

    folders: tuple[Folder, ...]
    """Parents before their children."""
    documents: dict[int, tuple[str, Attachment]]
    """By their numbers, with the id of their folder."""
    moved: dict[str, str]
    """The folders of the conversations that were in them, by the ids of the conversations."""
    children: tuple[str, ...]
    """Folders that were in it and are kept."""
    trashed: tuple[str, ...]
    """Conversations that were moved to the trash."""


@dataclass(frozen=True)
class SearchHit:
    """Search hit; ``message_id`` is None for a title."""

    conversation_id: str
    message_id: str | None
    title: str
    snippet: str
    """A line of text around the hit."""
    spans: tuple[tuple[int, int], ...]
    """Start and end of each match in the snippet, in characters."""


@dataclass(frozen=True)
class ContextUse:
    """How full the context of a conversation is, in tokens; ``size`` is 0 where it is not known."""

    used: int
    size: int
    is_estimate: bool = False
    left_out: tuple[str, ...] = ()
    """Ids of the messages that the model does not see."""
    summarised: tuple[str, ...] = ()
    """Ids of the messages that the model gets a summary of."""
    pinned: tuple[str, ...] = ()
    """Ids of the pinned messages."""

    @property
    def free(self) -> int:
        """Tokens left for the next question and its answer."""
        return max(0, self.size - self.used)


@dataclass(frozen=True)
class ConversationTree:
    """A conversation with all its messages, parents before their children."""

    conversation: Conversation
    messages: tuple[Message, ...]
    folders: tuple[Folder, ...] = ()
    """Added with a new conversation where they are missing; the outer one first."""

    def branch(self) -> list[Message]:
        """Return the messages of the selected branch, from the root to the leaf."""
        by_id = {message.id: message for message in self.messages}
        branch = []
        message_id = self.conversation.leaf_id
        while message_id is not None:
            branch.append(by_id[message_id])
            message_id = by_id[message_id].parent_id
        return branch[::-1]


@dataclass(frozen=True)
class SkippedConversation:
    """A conversation that was not imported: its title, or its place in the file, and the reason."""

    what: str
    error: UserError


@dataclass(frozen=True)
class ImportResult:
    """What an import added; ``messages_added`` includes those of new conversations."""

    conversations_added: int
    messages_added: int
    refused: tuple[SkippedConversation, ...] = ()
    already_there: int = 0
    """Conversations that existed, perhaps with fewer messages."""

    def __add__(self, other: ImportResult) -> ImportResult:
        """Return the sum of two results."""
        return ImportResult(
            self.conversations_added + other.conversations_added,
            self.messages_added + other.messages_added,
            self.refused + other.refused,
            self.already_there + other.already_there,
        )
