"""Summaries of the oldest turns of a conversation that no longer fits into the context, by the model that answers.

The turns that would be left out are summarised, and the summary takes their place in the prompt.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from app.backend import (
    AnswerFinished,
    ChatBackend,
    ChatEvent,
    ChatRequest,
    ContextFitted,
    PromptMessage,
    Summarised,
    Summarising,
    TextDelta,
)
from app.chat.context import room_for_answer
from app.chat.documents import GAP, as_given
from app.chat.prompt import turns, with_summary
from app.context import ContextPolicy
from app.conversation import Role
from app.thoughts import split_thought
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

INSTRUCTION = (
    "Summarise our conversation up to here as notes, so that it can be continued without the messages above. Keep "
    "everything that matters later: names, numbers, decisions, results, open questions, and what I asked you to "
    "remember. Write at most {words} words in the language of the conversation, without an introduction."
)
MAX_TOKENS = 1024
SHARE = 6
"""A summary takes at most this part of the room."""
FRAME_TOKENS = 32
"""Of the line above a summary, and its fence."""
MIN_TOKENS = 16
"""With less room for a summary the turns are left out without one."""
WORDS_PER_TOKEN = 0.6
TOKENS_PER_EVENT = 8
"""Tokens between two reports of progress."""


def stream(backend: ChatBackend, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent]:
    """Stream an answer; under the policy to summarise, the oldest turns are summarised first where not all fit.

    Raises:
        UserError: as the backend does; ``summary_empty``.
        Cancelled: ``token`` was cancelled before the first token of the answer.
    """
    while request.context_policy is ContextPolicy.SUMMARISE:
        fitted = None
        events = backend.stream(request, token)
        for event in events:
            if isinstance(event, ContextFitted) and event.left_out:
                fitted = event
                break
            yield event
        if fitted is None:
            return
        _close(events)
        room = fitted.context - room_for_answer(fitted.context, request.sampling.max_tokens, request.prefill)
        budget = min(MAX_TOKENS, room // SHARE, room - fitted.prompt_tokens - FRAME_TOKENS)
        if budget < MIN_TOKENS:
            request = replace(request, context_policy=ContextPolicy.ROLL)
            break
        summary = yield from _summarise(backend, request, fitted.left_out, budget, token)
        yield summary
        ids = [message.id for message in request.messages]
        covered = ids[: ids.index(summary.message_id) + 1]
        request = replace(request, messages=with_summary(request.messages, set(covered), summary.summary), left_out=())
    yield from backend.stream(request, token)


def _summarise(
    backend: ChatBackend, request: ChatRequest, left_out: tuple[str, ...], budget: int, token: CancelToken
) -> Generator[ChatEvent, None, Summarised]:
    """Summarise the turns down to the last of ``left_out``, or as many of the oldest as fit into the context at once.

    They remain the beginning of the prompt, so that the KV cache is reused.
    """
    end = max(index for index, message in enumerate(request.messages) if message.id in left_out) + 1
    messages = tuple(replace(message, is_pinned=False) for message in request.messages[:end])
    instruction = PromptMessage(Role.USER, INSTRUCTION.format(words=int(budget * WORDS_PER_TOKEN)))
    sampling = replace(
        request.sampling, temperature=0.0, max_tokens=budget, stop=(), thinking="off", json_schema="", grammar=""
    )
    while True:
        count = sum(bool(message.id) for message in messages)
        attempt = ChatRequest((*messages, instruction), sampling, context_policy=ContextPolicy.ROLL)
        result = yield from _generate(backend, attempt, count, token)
        if isinstance(result, str):
            return Summarised(messages[-1].id, result, count)
        if result.documents is not None:
            messages = as_given(replace(request, messages=messages)).messages
            continue
        able = [turn for turn in turns(attempt.messages) if turn.can_go]
        lacking = sum(messages[turn.indices[0]].id in result.left_out for turn in able)
        if len(able) > 1:
            messages = messages[: able[max(0, len(able) - lacking - 1)].indices[-1] + 1]
        else:
            messages = tuple(replace(each, content=_shortened(each.content)) for each in messages)


def _generate(
    backend: ChatBackend, request: ChatRequest, count: int, token: CancelToken
) -> Generator[ChatEvent, None, str | ContextFitted]:
    """Return the summary; where the messages don't fit as a whole, nothing is generated and what fits is returned."""
    text, tokens, reason = "", 0, ""
    events = backend.stream(request, token)
    for event in events:
        match event:
            case ContextFitted() if event.left_out or event.documents is not None:
                _close(events)
                return event
            case ContextFitted():
                yield Summarising(count, 0)
            case TextDelta():
                text += event.text
                if event.tokens >= tokens + TOKENS_PER_EVENT:
                    tokens = event.tokens
                    yield Summarising(count, tokens)
            case AnswerFinished():
                reason = event.finish_reason
            case _:
                yield event
    # A small model may have ended before the stop reached it.
    if reason == "cancelled" or token.is_cancelled:
        raise Cancelled
    text = split_thought(text)[2].strip()
    if not text:
        raise UserError("summary_empty")
    return f"{text} {GAP}" if reason == "length" else text


def _shortened(text: str) -> str:
    """Return the beginning and the end of a text, half of it together."""
    length = len(text) // 4
    return f"{text[:length]}\n\n{GAP}\n\n{text[-length:]}" if length > len(GAP) else ""


def _close(events: Iterator[ChatEvent]) -> None:
    """Keep a stream that has fitted the conversation from generating."""
    if isinstance(events, Generator):
        events.close()
