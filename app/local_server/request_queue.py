"""Queue of the requests for answers: one after another in the inference worker, behind the window's questions."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.backend import AnswerFinished, ChatEvent, TextDelta
from app.chat.worker import InferenceWorker
from app.engine.protocol import Embeddings, TokenCounts, Tokens
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

MAX_WAITING = 64
"""Requests that wait; further ones are refused."""
MAX_RETRY_S = 60

Value = Embeddings | TokenCounts | Tokens
Event = ChatEvent | Value
Outcome = Event | UserError | Cancelled
"""The last one of a request is ``AnswerFinished``, a ``Value`` or an error."""

logger = logging.getLogger(__name__)


class QueueFull(Exception):
    """Too many requests wait; ``retry_after_s`` estimates when one of them is done."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class QueuedRequest:
    """A request that waits or runs.  ``run`` yields its events, which ``deliver`` gets, in the worker's thread."""

    run: Callable[[CancelToken], Iterable[Event]]
    deliver: Callable[[Outcome], None]
    token: CancelToken = field(default_factory=CancelToken)
    tokens: int = 0
    """Tokens generated so far."""
    first_token_at: float | None = None
    last_token_at: float = 0.0
    """On the monotonic clock."""

    def tokens_per_second(self) -> float | None:
        """Return the speed so far, None before the second piece."""
        if self.first_token_at is None or self.last_token_at <= self.first_token_at:
            return None
        return (self.tokens - 1) / (self.last_token_at - self.first_token_at)


class RequestQueue:
    """Requests in their order.  Thread-safe."""

    def __init__(self, worker: InferenceWorker) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._waiting: deque[QueuedRequest] = deque()
        self._is_submitted = False
        """Whether a job of the worker will take the next request, or is running one."""
        self.running: QueuedRequest | None = None
        self.tokens_per_second: float | None = None
        """Of the last request that ended."""
        self._seconds = 1.0
        """Average duration of a request."""

    @property
    def waiting(self) -> int:
        """Number of requests that wait."""
        return len(self._waiting)

    def add(self, request: QueuedRequest) -> None:
        """Add a request.  Raises ``QueueFull``."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise QueueFull(min(MAX_RETRY_S, max(1, round(self._seconds))))
            self._waiting.append(request)
            self._submit()

    def position(self, request: QueuedRequest) -> int:
        """Return the number of requests before this one that have not ended."""
        with self._lock:
            if request not in self._waiting:
                return 0
            return self._waiting.index(request) + (self.running is not None)

    def discard(self, request: QueuedRequest) -> None:
        """End a request, whether it waits, runs or has ended."""
        request.token.cancel()
        with self._lock:
            if request in self._waiting:
                self._waiting.remove(request)

    def cancel_all(self) -> None:
        """End all requests."""
        with self._lock:
            waiting, running = tuple(self._waiting), self.running
            self._waiting.clear()
        if running is not None:
            running.token.cancel()
        for request in waiting:
            request.deliver(Cancelled())

    def _submit(self) -> None:
        if self._waiting and not self._is_submitted:
            self._is_submitted = True
            # One job for one request: a question of the window that comes meanwhile goes before the next request.
            self._worker.submit(self._serve_next, is_last=True)

    def _serve_next(self) -> None:
        with self._lock:
            request = self.running = self._waiting.popleft() if self._waiting else None
        begin = time.monotonic()
        try:
            if request is not None:
                request.deliver(self._serve(request))
        finally:
            with self._lock:
                if request is not None:
                    self.tokens_per_second = request.tokens_per_second() or self.tokens_per_second
                    self._seconds += 0.2 * (time.monotonic() - begin - self._seconds)
                self.running, self._is_submitted = None, False
                self._submit()

    def _serve(self, request: QueuedRequest) -> Outcome:
        """Deliver the events of an answer except for the last one, which is returned."""
        last: Outcome = Cancelled()
        try:
            request.token.raise_if_cancelled()
            for event in request.run(request.token):
                if isinstance(event, TextDelta):
                    request.tokens, request.last_token_at = event.tokens, time.monotonic()
                    request.first_token_at = request.first_token_at or request.last_token_at
                if isinstance(event, AnswerFinished | Value):
                    last = event
                else:
                    request.deliver(event)
        except (UserError, Cancelled) as error:
            return error
        except Exception as error:
            # Without its message, which may contain text of the request.
            trace = "".join(traceback.format_tb(error.__traceback__))
            logger.exception("request failed: %s\n%s", type(error).__name__, trace, exc_info=False)
            return UserError("request_failed")
        return last
