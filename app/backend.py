"""Chat backend: the interface of local models and servers that answer a conversation.

A backend is used from one thread at a time.  ``stream`` blocks between events; its ``CancelToken`` may be cancelled
from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from app.context import ContextPolicy
from app.conversation import Attachment, DocumentUse, Picture, Role, Speculation
from app.sampling import Sampling
from app.tool_calls import ToolCall, ToolDefinition, ToolStep
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

if TYPE_CHECKING:
    from model_manager.plan.load_plan import LoadPlan  # the engine's child reads this module too, and plans nothing


@dataclass(frozen=True)
class PromptMessage:
    """One message of a prompt."""

    role: Role
    content: str
    id: str = ""
    """Id of the stored message; empty for the system prompt and other messages that are not stored."""
    is_pinned: bool = False
    """Is not left out when the context is full."""
    thought: str = ""
    """Of an earlier answer, whose content is without it."""
    steps: tuple[ToolStep, ...] = ()
    """Calls of tools before the content; an answer that goes on with tools has steps alone."""
    pictures: tuple[Picture, ...] = ()
    """Of a question; the model sees them above the content."""

    @property
    def whole_text(self) -> str:
        """All its text, as for an estimate of its tokens."""
        return "\n".join((*(each.whole_text for each in self.steps), self.content)) if self.steps else self.content

    def without_steps(self) -> PromptMessage:
        """Return the message with its steps as text, for models that don't know tools."""
        return replace(self, content=self.whole_text, steps=())

    def without_pictures(self) -> PromptMessage:
        """Return the message with the names of its pictures instead of them, for models that don't read any."""
        names = (f"[Picture, which you can't see: {each.name}]" for each in self.pictures)
        return replace(self, content="\n\n".join(filter(None, (*names, self.content))), pictures=())


def openai_messages(
    messages: Iterable[PromptMessage], content_of: Callable[[PromptMessage], object] = lambda message: message.content
) -> Iterator[dict[str, Any]]:
    """Yield messages in the format of OpenAI's API, with the arguments of calls as values.

    Each step becomes separate messages.  Thoughts are the ``reasoning_content``.  ``content_of`` returns the content of
    a message, which may be a list of parts.
    """
    number = 0
    for message in messages:
        for step in message.steps:
            # Mistral's templates want ids of nine letters.
            ids = [f"call{number + place:05d}" for place in range(len(step.calls))]
            number += len(ids)
            functions = [{"name": each.name, "arguments": each.arguments} for each in step.calls]
            calls = [
                {"id": id_, "type": "function", "function": each} for id_, each in zip(ids, functions, strict=True)
            ]
            yield {**_said(message.role, step.text, step.thought), "tool_calls": calls}
            for id_, call in zip(ids, step.calls, strict=True):
                yield {"role": "tool", "tool_call_id": id_, "name": call.name, "content": call.result or ""}
        if message.content or message.thought or not message.steps:
            yield _said(message.role, content_of(message), message.thought)


def content_parts(content: str, pictures: Sequence[Picture]) -> str | list[dict[str, Any]]:
    """Return the content of a message in the format of OpenAI's API: with pictures a list of parts."""
    if not pictures:
        return content
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": each.data_url}} for each in pictures]
    return [*parts, {"type": "text", "text": content}] if content else parts


def _said(role: Role, content: object, thought: str) -> dict[str, Any]:
    return {"role": role.value, "content": content, **({"reasoning_content": thought} if thought else {})}


@dataclass(frozen=True)
class TokenControls:
    """Controls of single tokens, which programs have and people don't; for local models."""

    logit_bias: tuple[tuple[int, float], ...] = ()
    """Tokens and what is added to their logits."""
    top_logprobs: int | None = None
    """This many of the most probable tokens are reported beside each token; None reports none at all."""


@dataclass(frozen=True)
class QuestionWithDocuments(PromptMessage):
    """A question whose attachments and summary are not in its content yet: ``app.chat.documents`` puts in what fits."""

    attachments: tuple[tuple[int, Attachment], ...] = ()
    """With their numbers among the attachments of the branch."""
    given: DocumentUse | None = None
    """What its answer was made from, for an earlier question."""
    summary: str = ""
    """Of the turns that were above it."""


Similarities = Callable[[Sequence[str], str], Sequence[Sequence[float]] | None]
"""Returns the similarity of each passage of some texts to a question; None where that is not known."""


@dataclass(frozen=True)
class ChatRequest:
    """A conversation to be answered.  ``prefill`` is the beginning of an answer that is continued.

    Without messages ``prefill`` is a text that is continued without the chat template.
    """

    messages: tuple[PromptMessage, ...]
    sampling: Sampling
    prefill: str = ""
    context_policy: ContextPolicy = ContextPolicy.STOP
    left_out: tuple[str, ...] = ()
    """Ids that were left out for the answer before: they stay left out where the KV cache can be reused then."""
    controls: TokenControls = field(default_factory=TokenControls)
    similarities: Similarities | None = field(default=None, compare=False)
    """For the ranking of passages by meaning too."""
    tools: tuple[ToolDefinition, ...] = ()
    conversation_id: str = ""
    """The stored conversation, whose state the engine keeps; empty for a temporary one."""


Count = Callable[[Sequence[PromptMessage], str, Sequence[str]], tuple[int, tuple[int, ...]]]
"""Counts the tokens of the prompt made of messages and the beginning of the answer, and of each of some texts alone."""


@dataclass(frozen=True)
class LoadProgress:
    """Loading: ``fraction`` from 0 to 1, ``seconds_left`` once it can be estimated."""

    fraction: float
    seconds_left: float | None


@dataclass(frozen=True)
class ModelLoaded:
    """The model file is ready; ``context`` in tokens, ``seconds`` 0 where it already was."""

    seconds: float
    context: int


@dataclass(frozen=True)
class PlanChanged:
    """Another plan is tried because memory ran out or an RPC server is missing.

    The code of ``because`` begins with ``rpc_`` in the second case; ``memory_not_pinned`` is a remark on a loaded plan.
    """

    because: UserError
    plan: LoadPlan


@dataclass(frozen=True)
class ContextFitted:
    """The conversation was fitted into the context: ids that are left out, and tokens of the prompt."""

    left_out: tuple[str, ...]
    prompt_tokens: int
    context: int
    documents: DocumentUse | None = None
    """None where attachments are given as a whole."""


@dataclass(frozen=True)
class Summarising:
    """The oldest messages are being summarised; ``tokens`` of the summary so far."""

    messages: int
    tokens: int


@dataclass(frozen=True)
class Summarised:
    """The branch down to this message has a new summary, of ``messages`` messages."""

    message_id: str
    summary: str
    messages: int


@dataclass(frozen=True)
class PromptProgress:
    """Prompt processing: tokens ``read`` of ``total``, of which ``reused`` were in the KV cache."""

    read: int
    total: int
    reused: int
    seconds_left: float | None


@dataclass(frozen=True)
class TokenProbability:
    """A token's bytes and the natural logarithm of its probability, before the samplers."""

    data: bytes
    logprob: float


@dataclass(frozen=True)
class TextDelta:
    """A piece of the answer, with all tokens generated so far and those in the KV cache."""

    text: str
    tokens: int
    context_used: int
    probabilities: tuple[tuple[TokenProbability, ...], ...] = ()
    """Of each token of this piece, where they were asked for: its own, and then those of the most probable tokens."""


@dataclass(frozen=True)
class ToolsCalled:
    """The answer ends with these calls, before ``AnswerFinished``."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class ToolStarted:
    """A tool is being called, or a tool server of this name started."""

    name: str


@dataclass(frozen=True)
class TextReplaced:
    """The whole text of the answer so far is another one."""

    text: str


@dataclass(frozen=True)
class AnswerFinished:
    """The end of an answer, with its figures: rates in tokens per second, times in seconds."""

    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_per_second: float | None
    tokens_per_second: float | None
    time_to_first_token_s: float | None
    speculation: Speculation | None = None
    stop_string: str = ""
    """The stop string of the request that ended it, of local models."""


ChatEvent = (
    LoadProgress
    | ModelLoaded
    | PlanChanged
    | ContextFitted
    | Summarising
    | Summarised
    | PromptProgress
    | TextDelta
    | TextReplaced
    | ToolsCalled
    | ToolStarted
    | AnswerFinished
)


@dataclass(frozen=True)
class AnswerOrigin:
    """The part of an answer's provenance that its backend knows; the fields are those of ``Provenance``."""

    model_id: str
    file_sha256: str | None = None
    quantisation: str | None = None
    engine: str | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    endpoint: str | None = None
    lacks_tools: bool = False


class ChatBackend(Protocol):
    """A model that answers, local or on a server."""

    is_remote: bool
    """Whether a server answers: the conversation leaves this computer, and each request may cost money."""

    def stream(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent]:
        """Yield events and at last ``AnswerFinished``, with the reason ``cancelled`` after a cancellation.

        Raises:
            UserError: it could not be answered (``engine_died``, ``prompt_too_long``, ...).
            Cancelled: ``token`` was cancelled before the first token.
        """
        ...

    def origin(self) -> AnswerOrigin:
        """Return the origin of the last answer."""
        ...
