"""One answer under way, as the window sees it: what has come so far, and what it is waiting for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.chat.conversation import Message
from app.chat.source import ChatEvent, ChatRequest, ChatSource, Loaded, LoadProgress, Piece, PromptProgress
from app.chat.turn import AnswerOrigin, TurnResult, run_turn
from app.services import Services
from model_manager.errors import Cancelled
from ui.bridge import TurnSignals
from ui.message_items import MessageItems


class StoppableSource:
    """A source whose ``stop`` also counts before it was asked anything, while its job waits for another's end."""

    def __init__(self, source: ChatSource) -> None:
        self._source = source
        self._stopped = threading.Event()
        self._asked = threading.Event()

    def stream(self, request: ChatRequest) -> Iterator[ChatEvent]:
        """As the source's own; raises Cancelled where stop came first."""
        self._asked.set()
        if self._stopped.is_set():
            raise Cancelled
        for event in self._source.stream(request):
            yield event
            if self._stopped.is_set():
                # Once more: the first may have come before the engine had heard of the request.
                self._source.stop()

    def stop(self) -> None:
        """End it soon."""
        self._stopped.set()
        if self._asked.is_set():
            self._source.stop()


@dataclass
class RunningAnswer:
    """The state of one answer under way.  Touched by the window's thread alone."""

    message: Message
    model_name: str
    source: StoppableSource
    text: str
    begun: bool = False
    load: LoadProgress | None = None
    reading: PromptProgress | None = None
    tokens: int = 0
    first_token_at: float | None = None
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
            case PromptProgress():
                self.reading = event
            case Piece():
                self.text += event.text
                self.tokens = event.tokens
                if self.first_token_at is None:
                    self.first_token_at = self.since

    def waiting_text(self, words: MessageItems) -> str:
        """The line that stands where the answer will be; empty once the answer has begun."""
        if self.first_token_at is not None:
            return ""
        waited = time.monotonic() - self.since
        if not self.begun:
            return words.queued()
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
    services: Services,
    running: RunningAnswer,
    request: ChatRequest,
    signals: TurnSignals,
    origin: Callable[[], AnswerOrigin],
) -> None:
    """Queue the answer with the inference worker."""
    message_id = running.message.id

    def job() -> None:
        result: TurnResult = run_turn(
            services.store,
            running.source,
            request,
            running.message,
            origin,
            lambda event: signals.came.emit(message_id, event),
        )
        signals.ended.emit(message_id, result)

    services.worker.submit(job)
