"""What of a conversation fits into the context: which turns are left out, or why the question is refused.

Nothing is left out unless the person chose that, and what is left out is told: to the answer that did not see it, and
from there to the transcript.  A turn is a question with its answer; it stays or goes as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.backend import ChatRequest, Fitted, PromptMessage
from app.chat.prompt import prompt_messages
from app.chat.token_estimate import TEMPLATE_TOKENS, estimated_tokens
from app.conversation import ContextPolicy, ContextUse, MadeBy, Message, Role
from model_manager.errors import UserError

ANSWER_SHARE = 8
"""An answer finds at least this part of the context free, or the limit of its length where that is less."""
REST_SHARE = 32
"""The same for an answer that goes on."""
STEP = 0.75
"""Once turns have to go, so many go that the rest takes this part of the room: the engine reads the rest anew each
time, and then keeps it for several turns."""
LOW = 0.5
"""With less of the room taken than this the context has grown, or much was deleted: turns may come back."""
CAUTION = 1.25
"""So much more than estimated a prompt may have."""
TOO_MUCH = 8
"""A conversation that is this many times larger than the context is not counted exactly before turns go."""

Count = Callable[[Sequence[PromptMessage], str, Sequence[str]], tuple[int, tuple[int, ...]]]
"""Tokens of the prompt made of messages and the beginning of the answer, and of each of some texts by itself."""


@dataclass(frozen=True)
class Turn:
    """Places of a question and what followed it; ``may_go`` where nothing in it has to stay."""

    places: tuple[int, ...]
    may_go: bool


@dataclass(frozen=True)
class Horizon:
    """The first message of a branch that the model still sees, and those above it that it sees because of a pin."""

    first_seen: str
    still_seen: frozenset[str]


def room_for_answer(context: int, max_tokens: int | None, prefill: str = "") -> int:
    """Tokens that are kept free for the answer."""
    share = max(1, context // (REST_SHARE if prefill else ANSWER_SHARE))
    return min(share, max_tokens) if max_tokens else share


def turns(messages: Sequence[PromptMessage]) -> list[Turn]:
    """The turns after the system prompt, the oldest first.

    The last one stays, one with a pinned message in it, and one that could not be named when it is told what is left
    out.  A question stays with its answer: a template may refuse an answer without one.
    """
    groups: list[list[int]] = []
    for place, message in enumerate(messages):
        if message.role is Role.SYSTEM:
            continue
        if message.role is Role.USER or not groups:
            groups.append([])
        groups[-1].append(place)
    return [
        Turn(
            tuple(group),
            number < len(groups) - 1 and all(messages[p].id and not messages[p].is_pinned for p in group),
        )
        for number, group in enumerate(groups)
    ]


def roll(messages: Sequence[PromptMessage], tokens: Sequence[float], room: float) -> tuple[str, ...]:
    """Ids to leave out: of the oldest turns that may go, until what is left has at most ``room`` tokens, or all."""
    left = sum(tokens)
    out: list[str] = []
    for turn in turns(messages):
        if left <= room:
            break
        if turn.may_go:
            left -= sum(tokens[place] for place in turn.places)
            out += [messages[place].id for place in turn.places]
    return tuple(out)


def fit(request: ChatRequest, context: int, count: Count) -> tuple[ChatRequest, Fitted]:
    """The request with what fits of its messages, counted exactly, and what to tell of it.

    What was out before stays out as long as the rest takes a good part of the room, so that the engine can keep what
    it has read.

    Raises:
        UserError: with ``needed`` tokens (room for an answer included), ``context`` and ``prompt_tokens``:
            ``context_full`` where turns would have to go and the policy is to stop; ``question_too_long`` where the
            system prompt and the last question alone have no room; ``pinned_too_long`` where the pinned turns leave
            them none.
        As ``count`` does.
    """
    return _Fitting(request, context, count).result()


def fit_by_estimate(request: ChatRequest, context: int) -> tuple[ChatRequest, Fitted]:
    """The same where nobody counts, as for a server that has told its context: rather too little than too much.

    Only where turns may be left out: whether all of a conversation fits is better told by who counts.  With ``context``
    0, not known, nothing is left out.
    """
    if request.context_policy is ContextPolicy.STOP or not context:
        return replace(request, left_out=()), Fitted((), 0, context)
    return fit(request, context, _estimated_count)


def _estimated_count(
    messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]
) -> tuple[int, tuple[int, ...]]:
    whole = sum(estimated_tokens(message.content) + TEMPLATE_TOKENS for message in messages)
    counts = (math.ceil(CAUTION * estimated_tokens(text)) for text in texts)
    return math.ceil(CAUTION * (whole + estimated_tokens(prefill))), tuple(counts)


class _Fitting:
    def __init__(self, request: ChatRequest, context: int, count: Count) -> None:
        self._request, self._context, self._count = request, context, count
        self._messages = request.messages
        self._keep = room_for_answer(context, request.sampling.max_tokens, request.prefill)
        self._room = max(1, context - self._keep)
        may_go = {request.messages[p].id for turn in turns(request.messages) if turn.may_go for p in turn.places}
        self._before = tuple(m.id for m in self._messages if m.id in request.left_out and m.id in may_go)
        self._is_rolling = request.context_policy is ContextPolicy.ROLL

    def result(self) -> tuple[ChatRequest, Fitted]:
        about = sum(estimated_tokens(message.content) for message in self._without(self._before))
        whole = None
        if about <= TOO_MUCH * self._context:
            # Almost always all fits, and one exact count is enough.
            whole = self._exactly(self._before)
            if whole <= self._room and not self._before:
                return self._done((), whole)
            if whole > self._room and not self._is_rolling:
                raise self._error("context_full", whole)
        weights = self._weights(whole)
        if whole is not None and whole <= self._room:
            return self._come_back(whole, weights)
        if not self._is_rolling:
            gone = set(self._before)
            left = sum(weight for m, weight in zip(self._messages, weights, strict=True) if m.id not in gone)
            raise self._error("context_full", round(left))
        return self._roll(self._before, weights)

    def _come_back(self, whole: int, weights: list[float]) -> tuple[ChatRequest, Fitted]:
        """What was out may have room again."""
        if sum(weights) <= self._room:
            everything = self._exactly(())
            if everything <= self._room:
                return self._done((), everything)
        if self._is_rolling and whole <= LOW * self._room:
            return self._roll((), weights)
        return self._done(self._before, whole)

    def _roll(self, out: tuple[str, ...], weights: list[float]) -> tuple[ChatRequest, Fitted]:
        staying = set(out)
        left = [0.0 if m.id in staying else weight for m, weight in zip(self._messages, weights, strict=True)]
        aim = STEP * self._room
        while True:
            out = self._in_order({*out, *roll(self._messages, left, aim)})
            whole = self._exactly(out)
            if whole <= self._room:
                return self._done(out, whole)
            # The weights are shares of what was counted: the template may have made more of what is left.
            gone = set(out)
            further = next((turn for turn in turns(self._messages) if self._may_still_go(turn, gone)), None)
            if further is None:
                raise self._error(*self._reason(whole))
            out = self._in_order({*out, *(self._messages[place].id for place in further.places)})
            left = [0.0 if m.id in out else weight for m, weight in zip(self._messages, left, strict=True)]

    def _may_still_go(self, turn: Turn, gone: set[str]) -> bool:
        return turn.may_go and self._messages[turn.places[0]].id not in gone

    def _weights(self, whole: int | None) -> list[float]:
        """Tokens of each message with its share of what the template adds."""
        _, counts = self._count((), "", [message.content for message in self._messages])
        weights = [float(tokens + TEMPLATE_TOKENS) for tokens in counts]
        if whole is not None:
            gone = set(self._before)
            there = sum(weight for m, weight in zip(self._messages, weights, strict=True) if m.id not in gone)
            weights = [weight * whole / max(1.0, there) for weight in weights]
        return weights

    def _exactly(self, out: tuple[str, ...]) -> int:
        return self._count(self._without(out), self._request.prefill, ())[0]

    def _without(self, out: Sequence[str]) -> tuple[PromptMessage, ...]:
        gone = set(out)
        return tuple(message for message in self._messages if not message.id or message.id not in gone)

    def _in_order(self, ids: set[str]) -> tuple[str, ...]:
        return tuple(message.id for message in self._messages if message.id in ids)

    def _reason(self, whole: int) -> tuple[str, int]:
        last = set(turns(self._messages)[-1].places)
        alone = [m for p, m in enumerate(self._messages) if m.role is Role.SYSTEM or p in last]
        tokens = self._count(alone, self._request.prefill, ())[0]
        return ("question_too_long", tokens) if tokens > self._room else ("pinned_too_long", whole)

    def _error(self, code: str, prompt_tokens: int) -> UserError:
        needed = prompt_tokens + self._keep
        return UserError(code, needed=needed, context=self._context, prompt_tokens=prompt_tokens)

    def _done(self, out: tuple[str, ...], whole: int) -> tuple[ChatRequest, Fitted]:
        fitted = Fitted(out, whole, self._context)
        return replace(self._request, messages=self._without(out), left_out=out), fitted


# What the window and the command line show of it


def left_out_before(branch: Sequence[Message]) -> tuple[str, ...]:
    """Ids that the newest answer of the branch did not see."""
    return next((message.made_by.left_out for message in reversed(branch) if message.made_by is not None), ())


def horizon(branch: Sequence[Message], left_out: Sequence[str]) -> Horizon | None:
    """Where the line stands above which the model no longer sees; None where it sees everything."""
    gone = set(left_out)
    places = [place for place, message in enumerate(branch) if message.id in gone]
    if not places or places[-1] + 1 >= len(branch):
        return None
    first = places[-1] + 1
    return Horizon(branch[first].id, frozenset(_pinned_turns(branch[:first]) - gone))


def filled_context(made_by: MadeBy) -> bool:
    """Whether the answer ended because the context was full, not because of a limit of length."""
    size = made_by.plan.get("context")
    used = made_by.prompt_tokens + made_by.completion_tokens
    return made_by.finish_reason == "length" and isinstance(size, int) and 0 < size <= used


def context_use(branch: Sequence[Message], system_prompt: str, size: int) -> ContextUse:
    """How full the context is after the newest answer of a branch.

    ``size`` is the context that another question would find.  The figures are those of who answered where they were
    told, else they are estimated from the characters.
    """
    out = left_out_before(branch)
    pinned = tuple(message.id for message in branch if message.is_pinned)
    refused = _tokens_of(branch[-1].error) if branch else 0
    if refused is not None:
        return ContextUse(refused, size, left_out=out, pinned=pinned)
    # A question whose answer never came is not sent again.
    answers = (message for message in reversed(branch) if message.role is Role.ASSISTANT and message.content.strip())
    newest = next(answers, None)
    made_by = newest.made_by if newest is not None else None
    if made_by is not None and made_by.prompt_tokens:
        return ContextUse(made_by.prompt_tokens + made_by.completion_tokens, size, left_out=out, pinned=pinned)
    gone = set(out)
    sent = (message for message in prompt_messages(system_prompt, branch) if not message.id or message.id not in gone)
    used = sum(estimated_tokens(message.content) + TEMPLATE_TOKENS for message in sent)
    return ContextUse(used, size, is_estimate=True, left_out=out, pinned=pinned)


def _pinned_turns(branch: Sequence[Message]) -> set[str]:
    """Ids of the questions and answers that stay because of a pin."""
    found: set[str] = set()
    turn: list[Message] = []
    for message in (*branch, None):
        if message is None or message.role is Role.USER:
            if any(each.is_pinned for each in turn):
                found.update(each.id for each in turn)
            turn = []
        if message is not None:
            turn.append(message)
    return found


def _tokens_of(error: dict[str, Any] | None) -> int | None:
    tokens = (error or {}).get("prompt_tokens")
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None
