"""One answer: its state while it is generated, and the loop that streams it from a chat backend into the store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from app import __version__
from app.backend import (
    AnswerFinished,
    ChatBackend,
    ChatEvent,
    ChatRequest,
    ContextFitted,
    LoadProgress,
    ModelLoaded,
    PromptProgress,
    QuestionWithDocuments,
    Summarised,
    Summarising,
    TextDelta,
    TextReplaced,
    ToolStarted,
)
from app.chat import tool_rounds
from app.chat.tool_rounds import Decision, ToolProvider
from app.conversation import THOUGHT_CLOSE, DocumentUse, Message, Provenance, Status
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from app.thoughts import split_thought
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

FINISH_ATTEMPTS = 12
"""To store an answer in a database that another program has locked; each waits for the store's timeout of 5 s."""
SAVE_INTERVAL_S = 0.8
SPEED_TOKENS = 8
"""Tokens from which on the speed of a running answer is shown."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnswerResult:
    """How an answer ended.

    ``message`` is the stored message, or what it should be where ``save_error`` says that it could not be stored.
    ``finished`` holds the backend's figures where generation came to its end, ``bug`` an unexpected exception.
    """

    message: Message
    error: UserError | None = None
    save_error: UserError | None = None
    finished: AnswerFinished | None = None
    bug: BaseException | None = None


@dataclass
class RunningAnswer:
    """An answer that is queued or being generated.

    ``generate`` runs in the thread of its job and only reads the first group of fields; ``apply`` and
    everything else belong to the thread of the session.
    """

    message: Message
    store: ConversationStore
    backend: ChatBackend
    request: ChatRequest
    model_id: str
    token: CancelToken = field(default_factory=CancelToken)
    tools: ToolProvider | None = None
    decision: Decision | None = None
    """What the user decided about the calls at the end of the answer that goes on."""
    ended: Future[None] = field(default_factory=Future)
    """Done when nothing is written to ``store`` any more."""

    is_stored: bool = True
    """Whether its conversation is stored; false for a temporary one until that is saved."""
    text: str = ""
    has_started: bool = False
    """Whether an event has arrived; before that the answer is queued behind another one."""
    load: LoadProgress | None = None
    prompt: PromptProgress | None = None
    summarising: Summarising | None = None
    tool: str = ""
    """The tool, or the tool server, that is waited for."""
    fitted: ContextFitted | None = None
    context_used: int = 0
    """Tokens in the KV cache."""
    tokens: int = 0
    first_token_at: float | None = None
    result: AnswerResult | None = None
    started_at: float = field(default_factory=time.monotonic)
    updated_at: float = field(default_factory=time.monotonic)
    """Time of the last event, as the other times on the monotonic clock."""

    def apply(self, event: ChatEvent) -> None:
        """Update the state with an event."""
        self.has_started = True
        self.updated_at = time.monotonic()
        self.tool = ""
        match event:
            case LoadProgress():
                self.load = event
            case ModelLoaded():
                self.load = None
            case ContextFitted():
                self.fitted = event
            case PromptProgress():
                self.prompt = event
            case Summarising():
                self.summarising = event
            case Summarised():
                self.summarising = self.prompt = None
            case ToolStarted():
                self.tool = event.name
            case TextReplaced():
                self.text = event.text
            case TextDelta():
                self.text += event.text
                self.tokens, self.context_used = event.tokens, event.context_used
                if self.first_token_at is None:
                    self.first_token_at = self.updated_at

    def tokens_per_second(self) -> float | None:
        """Return the speed so far, None before ``SPEED_TOKENS``."""
        if self.first_token_at is None or self.tokens < SPEED_TOKENS:
            return None
        seconds = self.updated_at - self.first_token_at
        return (self.tokens - 1) / seconds if seconds > 0 else None

    def generate(self, on_event: Callable[[ChatEvent], None]) -> AnswerResult:
        """Stream the answer, calling ``on_event`` for every event, and store it.

        The growing text is stored about once a second, whether the next piece arrives or not, so that it survives a
        crash.  An error of the backend or of the store is part of the result.
        """
        text, tokens = self.request.prefill, 0
        left_out = self.request.left_out
        documents: DocumentUse | None = None
        begun_at: float | None = None
        thought_s: float | None = None
        finished: AnswerFinished | None = None
        error: UserError | None = None
        bug: BaseException | None = None
        status = Status.COMPLETE
        has_ended = threading.Event()

        def save_regularly() -> None:
            saved = text
            while not has_ended.wait(SAVE_INTERVAL_S):
                if saved is not text:
                    saved = text
                    self._save_text(saved)

        saver = threading.Thread(target=save_regularly, name="answer saver", daemon=True)
        saver.start()
        try:
            self.token.raise_if_cancelled()
            for event in tool_rounds.stream(self.backend, self.request, self.tools, self.token, decision=self.decision):
                if isinstance(event, TextReplaced):
                    text = event.text
                elif isinstance(event, TextDelta):
                    text += event.text
                    tokens, now = event.tokens, time.monotonic()
                    begun_at = now if begun_at is None else begun_at
                    newest = text[-len(event.text) - len(THOUGHT_CLOSE) :]
                    # The thoughts of a continued answer were measured before.
                    if thought_s is None and not self.request.prefill.strip() and THOUGHT_CLOSE in newest:
                        thought_s = now - begun_at if split_thought(text)[2] != text else None
                elif isinstance(event, ContextFitted):
                    left_out, documents = event.left_out, event.documents
                elif isinstance(event, Summarised):
                    self.store.set_summary(event.message_id, event.summary)
                elif isinstance(event, AnswerFinished):
                    finished = event
                on_event(event)
            if finished is not None and finished.finish_reason == "cancelled":
                status = Status.STOPPED
        except Cancelled:
            status = Status.STOPPED
        except UserError as caught:
            error, status = caught, Status.INTERRUPTED if tokens or text else Status.FAILED
        except BaseException as caught:
            bug, status = caught, Status.INTERRUPTED
        has_ended.set()
        saver.join()
        sampling, figures = self.request.sampling, finished or AnswerFinished("died", 0, tokens, None, None, None)
        # Only programs want to know which stop string ended it.
        kept = {name: value for name, value in vars(figures).items() if name != "stop_string"}
        details = {"code": error.code, **error.data} if error else None
        provenance, save_error, continued = None, None, self.message.provenance
        try:
            if bug is None:
                provenance = Provenance(
                    sampling=sampling,
                    seed=sampling.seed or 0,
                    program=f"APUS Chat {__version__}",
                    left_out=left_out,
                    documents=documents,
                    whole_documents=() if documents is not None else _of_folder(self.request, left_out),
                    thought_s=thought_s,
                    earlier_tokens=continued.answer_tokens if continued and self.request.prefill else 0,
                    **vars(self.backend.origin()),
                    **kept,
                )
        except Exception as caught:
            bug, status = caught, Status.INTERRUPTED
        message = replace(self.message, content=text, status=status, provenance=provenance, error=details)
        for _ in range(FINISH_ATTEMPTS):
            try:
                message, save_error = self.store.finish_answer(message.id, text, status, provenance, details), None
            except UserError as caught:
                save_error = caught
                logger.warning("answer not stored: %s", caught.code)
            except Exception as caught:
                # The conversation must not stay "running".
                bug = caught
            if save_error is None or save_error.code != "database_locked":
                break
        return AnswerResult(message, error, save_error, finished, bug)

    def _save_text(self, text: str) -> None:
        try:
            self.store.save_text(self.message.id, text)
        except StoreClosed:
            # The program has ended meanwhile.
            return
        except UserError as error:
            # The next attempt follows within a second, and the last one is reported.
            logger.warning("answer not saved yet: %s", error.code)


def _of_folder(request: ChatRequest, left_out: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the documents of the folder in a request, which have negative numbers."""
    questions = [each for each in request.messages if isinstance(each, QuestionWithDocuments)]
    attached = (each.attachments for each in questions if each.id not in left_out)
    return tuple(document.name for documents in attached for number, document in documents if number < 0)
