"""Fitting a conversation into the context: which turns are left out, or why the question is refused.

Nothing is left out unless the user chose that policy, and the transcript shows what is.  A turn is a question with its
answers; it is kept or left out as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.backend import ChatRequest, ContextFitted, Count, PromptMessage
from app.chat.documents import (
    all_picture_tokens,
    estimated_message_tokens,
    estimated_prompt_tokens,
    fitting_documents,
    has_documents,
    whole_documents,
)
from app.chat.prompt import latest_summary, prompt_messages, turns
from app.chat.token_estimate import TEMPLATE_TOKENS, estimated_tokens
from app.context import ContextPolicy, ContextUse
from app.conversation import Attachment, Message, Provenance, Role
from model_manager.errors import UserError

ANSWER_SHARE = 8
"""This part of the context is kept free for an answer, or its token limit where that is less."""
CONTINUATION_SHARE = 32
"""The same for the continuation of an answer."""
ROLL_TARGET = 0.75
"""Once turns are left out, the rest takes this share of the room, so that the engine rarely reads it all again."""
RETURN_BELOW = 0.5
"""Turns come back where the rest takes less than this share: the context has grown, or much was deleted."""
ESTIMATE_MARGIN = 1.25
"""Factor for estimated tokens."""
LOW_ESTIMATE_MARGIN = 1.5
"""Divisor of estimated tokens where too high an estimate would refuse what fits."""
MAX_COUNTED_CONTEXTS = 8
"""A conversation that is estimated at more than this many contexts is not counted before turns are left out."""


@dataclass(frozen=True)
class VisibleContext:
    """Id of the first message that the model sees, and ids of those above it that it sees because of a pin.

    It gets the summary of the message ``summary_id`` instead of ``summarised`` others.
    """

    first_seen: str
    still_seen: frozenset[str]
    summary_id: str = ""
    summarised: int = 0


def room_for_answer(context: int, max_tokens: int | None, prefill: str = "") -> int:
    """Return the tokens that are kept free for the answer."""
    share = max(1, context // (CONTINUATION_SHARE if prefill else ANSWER_SHARE))
    return min(share, max_tokens) if max_tokens else share


def oldest_turns_to_drop(messages: Sequence[PromptMessage], tokens: Sequence[float], room: float) -> tuple[str, ...]:
    """Return ids of the oldest turns to leave out, until the rest has at most ``room`` tokens or none is left."""
    rest = sum(tokens)
    left_out: list[str] = []
    for turn in turns(messages):
        if rest <= room:
            break
        if turn.can_go:
            rest -= sum(tokens[index] for index in turn.indices)
            left_out += [messages[index].id for index in turn.indices]
    return tuple(left_out)


def fit(request: ChatRequest, context: int, count: Count) -> tuple[ChatRequest, ContextFitted]:
    """Return the request with the messages and the parts of documents that fit, counted exactly, and what was left out.

    What was left out before stays left out while the rest takes a good part of the room, so that the KV cache is
    reused.

    Raises:
        UserError: with ``needed`` tokens (including room for an answer), ``context`` and ``prompt_tokens``:
            ``question_too_long`` where the system prompt and the last question alone do not fit; ``pinned_too_long``
            where they do not fit beside the pinned turns; ``context_full`` where turns would have to be left out and
            the policy is to stop.
        As ``count`` does.
    """
    if not has_documents(request):
        return _Fitting(request, context, count).result()
    while True:
        room = context - room_for_answer(context, request.sampling.max_tokens, request.prefill)
        with_documents, use = fitting_documents(request, room, count)
        fitting, fitted = _Fitting(with_documents, context, count).result()
        lost = set(fitted.left_out) - set(request.left_out)
        if use is None or use.is_first or not lost:
            return fitting, replace(fitted, documents=use)
        # Passages may have been left out that were given before and are missing now.
        request = replace(request, left_out=fitted.left_out)


def fit_by_estimate(request: ChatRequest, context: int) -> tuple[ChatRequest, ContextFitted]:
    """Fit by estimated tokens, as for a server that reports only its context: rather too little than too much.

    Under the policy to stop nothing is left out, and what could fit is left to the server.  With an unknown context (0)
    everything is.

    Raises:
        UserError: as ``fit``.
    """
    if context and request.context_policy is not ContextPolicy.STOP:
        return fit(request, context, partial(_estimate, ESTIMATE_MARGIN))
    use = None
    request = replace(request, left_out=())
    if context and has_documents(request):
        room = context - room_for_answer(context, request.sampling.max_tokens, request.prefill)
        request, use = fitting_documents(request, room, partial(_estimate, ESTIMATE_MARGIN))
    request = whole_documents(request)
    if context:
        try:
            # Some servers cut the conversation without a word.
            fit(request, context, partial(_estimate, 1 / LOW_ESTIMATE_MARGIN))
        except UserError:
            # The error with the likely numbers.
            return fit(request, context, partial(_estimate, 1.0))
    return request, ContextFitted((), 0, context, use)


def _estimate(
    factor: float, messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]
) -> tuple[int, tuple[int, ...]]:
    prompt = sum(map(estimated_prompt_tokens, messages))
    counts = (math.ceil(factor * estimated_tokens(text)) for text in texts)
    return math.ceil(factor * (prompt + estimated_tokens(prefill))), tuple(counts)


class _Fitting:
    def __init__(self, request: ChatRequest, context: int, count: Count) -> None:
        self._request, self._context, self._count = request, context, count
        self._messages = request.messages
        self._reserved = room_for_answer(context, request.sampling.max_tokens, request.prefill)
        self._room = max(1, context - self._reserved)
        self._can_go = tuple(
            self._messages[i].id for turn in turns(self._messages) if turn.can_go for i in turn.indices
        )
        self._before = tuple(id_ for id_ in self._can_go if id_ in set(request.left_out))
        self._is_rolling = request.context_policy is not ContextPolicy.STOP

    def result(self) -> tuple[ChatRequest, ContextFitted]:
        estimate = sum(estimated_tokens(message.whole_text) for message in self._without(self._before))
        total = None
        if estimate <= MAX_COUNTED_CONTEXTS * self._context:
            # Usually everything fits, and one exact count is enough.
            total = self._exact(self._before)
            if total <= self._room and not self._before:
                return self._fitted((), total)
            if total > self._room and not self._is_rolling:
                raise self._refusal(total)
        weights = self._weights(total)
        if total is not None and total <= self._room:
            return self._restore(total, weights)
        if not self._is_rolling:
            raise self._refusal(round(self._sum(weights)))
        return self._roll(self._before, weights)

    def _restore(self, total: int, weights: list[float]) -> tuple[ChatRequest, ContextFitted]:
        """Bring back what was left out before, where it fits again."""
        if sum(weights) <= self._room:
            everything = self._exact(())
            if everything <= self._room:
                return self._fitted((), everything)
        if self._is_rolling and total <= RETURN_BELOW * self._room:
            return self._roll((), weights)
        return self._fitted(self._before, total)

    def _roll(self, left_out: tuple[str, ...], weights: list[float]) -> tuple[ChatRequest, ContextFitted]:
        while True:
            gone = set(left_out)
            rest = [0.0 if m.id in gone else w for m, w in zip(self._messages, weights, strict=True)]
            left_out = self._in_order(
                {*left_out, *oldest_turns_to_drop(self._messages, rest, ROLL_TARGET * self._room)}
            )
            total = self._exact(left_out)
            if total <= self._room:
                return self._fitted(left_out, total)
            # The weights are only shares of a count: leave out one more turn.
            gone = set(left_out)
            remaining = (turn for turn in turns(self._messages) if turn.can_go)
            turn = next((each for each in remaining if self._messages[each.indices[0]].id not in gone), None)
            if turn is None:
                raise self._misfit(total)
            left_out = self._in_order({*left_out, *(self._messages[index].id for index in turn.indices)})

    def _weights(self, total: int | None) -> list[float]:
        """Return the tokens of each message, with its share of what the template adds."""
        _, counts = self._count((), "", [message.content for message in self._messages])
        weights = [
            float(tokens + TEMPLATE_TOKENS + all_picture_tokens(message))
            for tokens, message in zip(counts, self._messages, strict=True)
        ]
        if total is not None:
            factor = total / max(1.0, self._sum(weights))
            weights = [weight * factor for weight in weights]
        return weights

    def _sum(self, weights: list[float]) -> float:
        """Return the weight of the messages that were not left out before."""
        gone = set(self._before)
        return sum(w for m, w in zip(self._messages, weights, strict=True) if m.id not in gone)

    def _exact(self, left_out: tuple[str, ...]) -> int:
        return self._count(self._without(left_out), self._request.prefill, ())[0]

    def _without(self, left_out: Sequence[str]) -> tuple[PromptMessage, ...]:
        ids = set(left_out)
        return tuple(message for message in self._messages if not message.id or message.id not in ids)

    def _in_order(self, ids: set[str]) -> tuple[str, ...]:
        return tuple(message.id for message in self._messages if message.id in ids)

    def _refusal(self, total: int) -> UserError:
        """Return the error of a policy to stop, where leaving out turns would be another way or would not help."""
        least = self._exact(self._can_go)
        return self._misfit(least) if least > self._room else self._error("context_full", total)

    def _misfit(self, least: int) -> UserError:
        """Return the error of a prompt of ``least`` tokens that is too long without any turn that can go."""
        last = {index for turn in turns(self._messages)[-1:] for index in turn.indices}
        needed = [m for index, m in enumerate(self._messages) if m.role is Role.SYSTEM or index in last]
        tokens = self._count(needed, self._request.prefill, ())[0]
        if tokens > self._room:
            return self._error("question_too_long", tokens)
        return self._error("pinned_too_long", least)

    def _error(self, code: str, prompt_tokens: int) -> UserError:
        needed = prompt_tokens + self._reserved
        return UserError(code, needed=needed, context=self._context, prompt_tokens=prompt_tokens)

    def _fitted(self, left_out: tuple[str, ...], total: int) -> tuple[ChatRequest, ContextFitted]:
        fitted = ContextFitted(left_out, total, self._context)
        return replace(self._request, messages=self._without(left_out), left_out=left_out), fitted


# Display


def left_out_before(branch: Sequence[Message]) -> tuple[str, ...]:
    """Return the ids that were left out for the newest answer of a branch."""
    return next((message.provenance.left_out for message in reversed(branch) if message.provenance is not None), ())


def summarised(branch: Sequence[Message]) -> tuple[str, ...]:
    """Return the ids of the messages that the model gets a summary of."""
    place = next((place for place in reversed(range(len(branch))) if branch[place].summary), -1)
    covered = (
        (turn.indices for turn in turns(branch) if turn.can_go and turn.indices[-1] <= place) if place >= 0 else ()
    )
    return tuple(branch[index].id for indices in covered for index in indices)


def horizon(branch: Sequence[Message], left_out: Sequence[str]) -> VisibleContext | None:
    """Return where the messages begin that the model sees; None where it sees all."""
    in_summary = summarised(branch)
    ids = {*left_out, *in_summary}
    indices = [index for index, message in enumerate(branch) if message.id in ids] if ids else []
    if not indices or indices[-1] + 1 >= len(branch):
        return None
    first = indices[-1] + 1
    pinned = [turn.indices for turn in turns(branch[:first]) if any(branch[index].is_pinned for index in turn.indices)]
    still_seen = frozenset(branch[index].id for turn in pinned for index in turn) - ids
    summary = latest_summary(branch) if branch[first - 1].id in in_summary else None
    if summary is None:
        return VisibleContext(branch[first].id, still_seen)
    return VisibleContext(branch[first].id, still_seen, summary.id, len(in_summary))


def filled_context(provenance: Provenance) -> bool:
    """Return whether an answer ended because the context was full, not at its token limit."""
    size = provenance.plan.get("context")
    used = provenance.prompt_tokens + provenance.completion_tokens
    return provenance.finish_reason == "length" and isinstance(size, int) and 0 < size <= used


def context_use(
    branch: Sequence[Message], system_prompt: str, size: int, documents: Mapping[int, Attachment] | None = None
) -> ContextUse:
    """Return how full a context of ``size`` tokens is after the newest answer of a branch.

    The figures are those of the backend where there are any, else estimates.
    """
    in_summary = summarised(branch)
    left_out = tuple(id_ for id_ in left_out_before(branch) if id_ not in in_summary)
    pinned = tuple(message.id for message in branch if message.is_pinned)
    empty = ContextUse(0, size, left_out=left_out, summarised=in_summary, pinned=pinned)
    refused = _prompt_tokens(branch[-1].error) if branch else None
    if refused is not None:
        return replace(empty, used=refused)
    # A question without an answer is not sent again.
    answers = (message for message in reversed(branch) if message.role is Role.ASSISTANT and message.content.strip())
    newest = next(answers, None)
    provenance = newest.provenance if newest is not None else None
    if provenance is not None and provenance.prompt_tokens:
        used = provenance.prompt_tokens + provenance.completion_tokens
        return replace(empty, used=used)
    ids = set(left_out)
    messages = prompt_messages(system_prompt, branch, documents)
    sent = (message for message in messages if not message.id or message.id not in ids)
    used = sum(map(estimated_message_tokens, sent))
    if not branch and documents:
        # They are attached to the first question.
        used += sum(estimated_tokens(each.content) for each in documents.values())
    return replace(empty, used=used, is_estimate=True)


def _prompt_tokens(error: dict[str, Any] | None) -> int | None:
    tokens = (error or {}).get("prompt_tokens")
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None
