"""Value types of conversations and messages, single and as whole trees.  The store saves them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.context import ContextPolicy
from app.sampling import Sampling
from model_manager.errors import UserError

THOUGHT_OPEN, THOUGHT_CLOSE = "<think>", "</think>"
"""Tags around the reasoning in the text of an answer; backends that deliver it separately have the tags added."""


STOP_SEQUENCE = "stop_sequence"
"""Finish reason of a structured answer that a stop sequence has cut."""

TOOLS_CALLED = "tool_calls"
"""Finish reason of an answer that waits for the user to allow its calls of tools."""

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
class Picture:
    """A picture for a model: upright, scaled down and without metadata, as ``app.documents.pictures`` makes it."""

    name: str
    data: bytes = field(repr=False)
    """A PNG or JPEG file."""
    media_type: str
    """``image/png`` or ``image/jpeg``."""
    width: int
    """In pixels, as the height."""
    height: int

    @property
    def data_url(self) -> str:
        """The picture as a URL (RFC 2397)."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True)
class Attachment:
    """A text or a picture attached to a question: a file or something pasted."""

    name: str
    content: str
    """Empty for a picture."""
    tokens: int | None = None
    """Counted by the model that was selected when it was attached; None if there was none."""
    picture: Picture | None = None


@dataclass(frozen=True)
class Fact:
    """A sentence that the user wants models to know in later conversations."""

    id: str
    text: str


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
    earlier_tokens: int = 0
    """Completion tokens of the parts that this one continues."""
    lacks_tools: bool = False
    """Whether the conversation has tools, but the chat template of the model knows none."""
    whole_documents: tuple[str, ...] = ()
    """Names of the documents of its folder, where the model was given them as a whole."""

    @property
    def answer_tokens(self) -> int:
        """Completion tokens of the whole answer."""
        return self.earlier_tokens + self.completion_tokens


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
class DocumentHit:
    """Search hit in a document of a folder; in its name where the snippet is that."""

    folder_id: str
    number: int
    """Of the document in the store."""
    name: str
    snippet: str
    """A line of text around the hit."""
    spans: tuple[tuple[int, int], ...]
    """Start and end of each match in the snippet, in characters."""
    place: tuple[int, int]
    """Start and end of the best match in the content; both 0 for a name."""


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
