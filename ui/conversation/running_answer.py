"""One answer under way, as the window sees it: what has come so far, and what it is waiting for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from app.backend import ChatBackend, ChatEvent, ChatRequest, Fitted, Loaded, LoadProgress, Piece, PromptProgress
from app.chat.turn import AnswerOrigin, TurnResult, run_turn
from app.chat.worker import InferenceWorker
from app.conversation import Message
from app.servers.registry import is_server_model
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from ui.conversation.bridge import TurnSignals
from ui.conversation.message_items import MessageItems


@dataclass
class RunningAnswer:
    """The state of one answer under way.  Touched by the window's thread alone."""

    message: Message
    model_name: str
    backend: ChatBackend
    text: str
    store: ConversationStore
    model_id: str
    request: ChatRequest
    token: CancelToken = field(default_factory=CancelToken)
    """Cancelled by the stop button."""
    is_kept: bool = False
    """Its temporary conversation was stored meanwhile: the answer is to be stored once it is complete."""
    begun: bool = False
    load: LoadProgress | None = None
    fitted: Fitted | None = None
    context_used: int = 0
    """Tokens in the KV cache."""
    reading: PromptProgress | None = None
    tokens: int = 0
    first_token_at: float | None = None
    asked_at: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    """Time of the last progress."""

    def take(self, event: ChatEvent) -> None:
        """Take note of an event."""
        self.begun = True
        self.since = time.monotonic()
        match event:
            case LoadProgress():
                self.load = event
            case Loaded():
                self.load = None
            case Fitted():
                self.fitted = event
            case PromptProgress():
                self.reading = event
            case Piece():
                self.text += event.text
                self.tokens, self.context_used = event.tokens, event.context_used
                if self.first_token_at is None:
                    self.first_token_at = self.since

    def waiting_text(self, words: MessageItems) -> str:
        """The line that stands where the answer will be; empty once the answer has begun."""
        if self.first_token_at is not None:
            return ""
        waited = time.monotonic() - self.since
        if not self.begun:
            return words.queued()
        if is_server_model(self.model_id):
            return words.asking(self.model_name, waited)
        if self.reading is not None:
            return words.reading(self.reading, waited)
        return words.loading(self.model_name, self.load or LoadProgress(1.0, None), waited)

    def speed(self) -> float | None:
        """Tokens a second so far; None while there are too few to tell."""
        if self.first_token_at is None or self.tokens < 8:
            return None
        seconds = self.since - self.first_token_at
        return (self.tokens - 1) / seconds if seconds > 0 else None


def start_answer(
    worker: InferenceWorker,
    running: RunningAnswer,
    signals: TurnSignals,
    origin: Callable[[], AnswerOrigin],
) -> None:
    """Queue the answer with the inference worker."""
    message_id = running.message.id

    def job() -> None:
        result: TurnResult = run_turn(
            running.store,
            running.backend,
            running.request,
            running.message,
            origin,
            partial(signals.tell, message_id),
            running.token,
        )
        signals.end(message_id, result)

    worker.submit(job, running.token)
