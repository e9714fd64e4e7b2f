"""A model of a server as a chat source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.backend import AnswerOrigin, ChatEvent, ChatRequest, Finished, Fitted, Loaded, Piece, PromptMessage
from app.chat.context import fit, fit_by_estimate
from app.chat.token_estimate import TEMPLATE_TOKENS, estimated_tokens
from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, ContextPolicy
from app.servers import protocol
from app.servers.client import ServerClient
from app.servers.protocol import Delta, Kind, ServedModel
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError

SHORTER = 0.75
"""A conversation that was too long for a server is tried again with so much of its tokens, ..."""
SHORTER_TRIES = 4
"""... at most so many times."""


@dataclass
class ServerState:
    """What was learnt about one server in this run of the program; kept between answers."""

    models: tuple[ServedModel, ...] | None = None
    refused: set[str] = field(default_factory=set)
    """Fields of a request that it does not take."""
    guessed_context: dict[str, int] = field(default_factory=dict)
    """Tokens that a model was seen to take at most, where the server does not tell."""


class ServerBackend:
    """One model of one server."""

    is_remote = True

    def __init__(self, reach: Callable[[], tuple[ServerClient, ServerState]], model_id: str, name: str) -> None:
        """``reach`` gives the client when it is first needed, in the thread that asks: its key may have to be unlocked.

        ``name`` is the server's; empty for the first that it lists.
        """
        self._reach = reach
        self._reached: tuple[ServerClient, ServerState] | None = None
        self._model_id = model_id
        self._name = name

    def stream(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Ask, and tell what comes.  A connection lost before the first word is tried once more.

        Raises:
            UserError: as ``ServerClient`` and ``reach`` do, and ``server_empty`` (host) where it lists no model.
            Cancelled: ``token`` was cancelled before the first word.
        """
        token.raise_if_cancelled()
        self._reached = self._reach()
        self._client.resume()
        progress = _Progress()
        try:
            # Shut the connection: the server stops too.
            with token.on_cancel(self._client.stop):
                model = self._model()
                yield Loaded(0.0, model.context or 0)
                yield from self._answer(request, model, progress)
        except Cancelled:
            if not progress.tokens:
                raise
            progress.finish_reason = "cancelled"
        finally:
            self._client.resume()
        yield from progress.end()

    def origin(self) -> AnswerOrigin:
        """Which model of which server."""
        if self._reached is None:
            return AnswerOrigin(self._model_id)
        kind = self._kind(self._name)
        return AnswerOrigin(
            self._model_id, engine=None if kind is Kind.OTHER else kind.value, endpoint=self._client.url
        )

    @property
    def name(self) -> str:
        """The server's name of the model; known once it was listed."""
        return self._name

    @property
    def _client(self) -> ServerClient:
        assert self._reached is not None
        return self._reached[0]

    @property
    def _state(self) -> ServerState:
        assert self._reached is not None
        return self._reached[1]

    def _model(self) -> ServedModel:
        if self._state.models is None:
            try:
                self._state.models = self._client.models()
            except UserError as error:
                # Some serve chat without a list; the name alone is enough then.
                if error.code not in ("server_not_an_api", "server_refused") or not self._name:
                    raise
                self._state.models = ()
        models = self._state.models
        if not self._name:
            if not models:
                raise UserError("server_empty", host=self._client.host)
            self._name = models[0].name
        found = next((each for each in models if each.name == self._name), None)
        return found or ServedModel(self._name, models[0].kind if models else Kind.OTHER, None)

    def _answer(self, request: ChatRequest, model: ServedModel, progress: _Progress) -> Iterator[ChatEvent]:
        """Fit the conversation into the context, ask, and tell what comes.

        A server that does not tell its context says when it is full; a conversation that may roll is then tried
        shorter, and what was learnt is kept.
        """
        for last_try in (False,) * SHORTER_TRIES + (True,):
            fitting, fitted = self._fit(request, model)
            yield fitted
            try:
                for delta in self._deltas(fitting, model, progress):
                    yield from progress.take(delta)
            except UserError as error:
                may_roll = request.context_policy is ContextPolicy.ROLL and not progress.tokens
                if error.code != "server_context_full" or last_try or not may_roll:
                    raise
                about = sum(estimated_tokens(each.content) + TEMPLATE_TOKENS for each in fitting.messages)
                self._state.guessed_context[model.name] = max(1, int(about * SHORTER))
            else:
                return

    def _fit(self, request: ChatRequest, model: ServedModel) -> tuple[ChatRequest, Fitted]:
        """Counted by the server where it counts, else about; a server whose context is not known decides itself."""
        context = self._state.guessed_context.get(model.name) or model.context or 0
        if not context or model.kind is not Kind.VLLM:
            return fit_by_estimate(request, context)

        def count(messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]) -> tuple[int, tuple[int, ...]]:
            told = self._client.token_count(model.name, protocol.told(messages))
            if told is None:
                raise _CountsNot
            return told + estimated_tokens(prefill), tuple(estimated_tokens(text) for text in texts)

        try:
            return fit(request, context, count)
        except _CountsNot:
            return fit_by_estimate(request, context)

    def _kind(self, name: str) -> Kind:
        return next((each.kind for each in self._state.models or () if each.name == name), Kind.OTHER)

    def _deltas(self, request: ChatRequest, model: ServedModel, progress: _Progress) -> Iterator[Delta]:
        tried_again = False
        while True:
            body = protocol.chat_body(request, model.name, model.kind, frozenset(self._state.refused))
            try:
                yield from self._client.chat(body, model.name)
            except UserError as error:
                if progress.tokens:
                    raise
                if self._is_about_a_field(error, body):
                    continue
                if error.code != "server_lost" or tried_again:
                    raise
                tried_again = True
            else:
                return

    def _is_about_a_field(self, error: UserError, body: bytes) -> bool:
        if error.code != "server_refused":
            return False
        name = protocol.refused_field(body, str(error.data.get("detail", "")))
        if name is None:
            return False
        self._state.refused.add(name)
        return True


class _CountsNot(Exception):
    """The server has no way to count tokens."""


class _Progress:
    """Counts and times of one answer, and its thoughts put between their marks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = clock()
        self._first: float | None = None
        self._last = self._asked
        self._thinking = False
        self._told_tokens = False
        self._prompt_tokens = 0
        self.tokens = 0
        self.finish_reason: str | None = None

    def take(self, delta: Delta) -> Iterator[ChatEvent]:
        """The pieces in an event of the server."""
        self.finish_reason = delta.finish_reason or self.finish_reason
        self._prompt_tokens = delta.prompt_tokens or self._prompt_tokens
        text = self._marked(delta)
        if delta.text or delta.thought:
            self._last = self._clock()
            self._first = self._last if self._first is None else self._first
        if delta.completion_tokens:
            self.tokens, self._told_tokens = delta.completion_tokens, True
        elif text and not self._told_tokens:
            # One event is one token with most servers; the usage at the end corrects it.
            self.tokens += 1
        if text:
            yield Piece(text, max(self.tokens, 1), self._prompt_tokens + self.tokens)

    def end(self) -> Iterator[ChatEvent]:
        """The last events."""
        if self._thinking:
            self._thinking = False
            yield Piece(f"\n{THOUGHT_CLOSE}\n\n", self.tokens, self._prompt_tokens + self.tokens)
        seconds = 0.0 if self._first is None else self._last - self._first
        yield Finished(
            finish_reason=self.finish_reason if self.finish_reason in ("length", "cancelled") else "stop",
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self.tokens,
            prompt_tokens_per_second=None,
            tokens_per_second=(self.tokens - 1) / seconds if self.tokens > 1 and seconds > 0 else None,
            time_to_first_token_s=None if self._first is None else self._first - self._asked,
        )

    def _marked(self, delta: Delta) -> str:
        text = ""
        if delta.thought:
            text += ("" if self._thinking else f"{THOUGHT_OPEN}\n") + delta.thought
            self._thinking = True
        if delta.text:
            text += (f"\n{THOUGHT_CLOSE}\n\n" if self._thinking else "") + delta.text
            self._thinking = False
        return text
