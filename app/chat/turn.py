"""One answer from beginning to end: asks the source, keeps what comes, and marks how it ended.

The message that is to hold the answer is written before the source is asked, and the growing answer at least once a
second: whatever dies, the words are there.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from app import __version__
from app.backend import ChatBackend, ChatEvent, ChatRequest, Finished, Fitted, Piece
from app.chat.thinking import Thinking
from app.conversation import MadeBy, Message, Status
from app.store.store import ConversationStore
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError

SAVE_S = 0.8

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnswerOrigin:
    """What is known before an answer about who makes it."""

    model_id: str
    file_sha256: str | None = None
    quantisation: str | None = None
    engine: str | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    endpoint: str | None = None


@dataclass(frozen=True)
class TurnResult:
    """The answer as it was kept, the error that ended it if one did, and whether keeping it failed.

    ``finished`` holds the source's figures, where it came to its end.
    """

    message: Message
    error: UserError | None = None
    save_error: UserError | None = None
    finished: Finished | None = None


def run_turn(
    store: ConversationStore,
    backend: ChatBackend,
    request: ChatRequest,
    answer: Message,
    origin: Callable[[], AnswerOrigin],
    on_event: Callable[[ChatEvent], None],
    token: CancelToken = NEVER_CANCELLED,
) -> TurnResult:
    """Fill ``answer``, a streaming message of the store, and return how it went.

    ``origin`` is asked once the backend is done, when its file is certainly loaded.  An error of the backend is part of
    the result, as is a store that cannot be written: the text then lives on in the result's message.  A bug is raised
    when what was there has been kept.
    """
    if request.sampling.seed is None:
        request = replace(request, sampling=replace(request.sampling, seed=random.getrandbits(32)))
    text = request.prefill
    saved_at = time.monotonic()
    finished: Finished | None = None
    error: UserError | None = None
    status = Status.COMPLETE
    pieces = 0
    left_out = request.left_out
    thinking = Thinking(request.prefill)
    try:
        for event in backend.stream(request, token):
            if isinstance(event, Piece):
                text += event.text
                pieces = event.tokens
                now = time.monotonic()
                thinking.take(event.text, now)
                if now - saved_at >= SAVE_S:
                    saved_at = now
                    _try(partial(store.save_text, answer.id, text))
            elif isinstance(event, Fitted):
                left_out = event.left_out
            elif isinstance(event, Finished):
                finished = event
            on_event(event)
        if finished is not None and finished.finish_reason == "cancelled":
            status = Status.STOPPED
    except Cancelled:
        status = Status.STOPPED
    except UserError as caught:
        error = caught
        status = Status.INTERRUPTED if pieces or text else Status.FAILED
    except BaseException:
        _try(lambda: store.finish_answer(answer.id, text, Status.INTERRUPTED, None))
        raise
    made_by = replace(_made_by(origin(), request, finished, pieces), left_out=left_out, thought_s=thinking.seconds)
    details = {"code": error.code, **error.data} if error else None
    result: list[Message] = []
    save_error = _try(lambda: result.append(store.finish_answer(answer.id, text, status, made_by, details)))
    if save_error is not None:
        logger.error("answer not kept: %s", save_error.code)
    message = result[0] if result else _unsaved(answer, text, status, made_by, details)
    return TurnResult(message, error, save_error, finished)


def _try(action: Callable[[], object]) -> UserError | None:
    try:
        action()
    except UserError as error:
        return error
    return None


def _unsaved(answer: Message, text: str, status: Status, made_by: MadeBy, error: dict[str, object] | None) -> Message:
    return Message(
        answer.id,
        answer.conversation_id,
        answer.parent_id,
        answer.role,
        status,
        text,
        answer.created_at,
        made_by,
        error,
    )


def _made_by(origin: AnswerOrigin, request: ChatRequest, finished: Finished | None, tokens: int) -> MadeBy:
    return MadeBy(
        model_id=origin.model_id,
        sampling=request.sampling,
        seed=request.sampling.seed or 0,
        prompt_tokens=finished.prompt_tokens if finished else 0,
        completion_tokens=finished.completion_tokens if finished else tokens,
        finish_reason=finished.finish_reason if finished else "died",
        tokens_per_second=finished.tokens_per_second if finished else None,
        prompt_tokens_per_second=finished.prompt_tokens_per_second if finished else None,
        time_to_first_token_s=finished.time_to_first_token_s if finished else None,
        file_sha256=origin.file_sha256,
        quantisation=origin.quantisation,
        engine=origin.engine,
        plan=origin.plan,
        endpoint=origin.endpoint,
        program=f"APUS Chat {__version__}",
    )
