"""Chat backend for a model of a server."""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.backend import (
    AnswerFinished,
    AnswerOrigin,
    ChatEvent,
    ChatRequest,
    ContextFitted,
    ModelLoaded,
    PromptMessage,
    TextDelta,
    ToolsCalled,
)
from app.chat.context import fit, fit_by_estimate
from app.chat.documents import all_picture_tokens, estimated_prompt_tokens
from app.chat.prompt import asks_about_pictures, without_pictures
from app.chat.token_estimate import estimated_tokens
from app.context import ContextPolicy
from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.servers import protocol
from app.servers.client import ServerClient
from app.servers.protocol import Delta, Kind, ServedModel
from app.thoughts import ThoughtStream
from app.tool_calls import ToolCall
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.errors import Cancelled, UserError

SHORTEN_TO = 0.75
"""Fraction of the tokens for the next attempt when a conversation exceeds an unknown context."""
SHORTEN_ATTEMPTS = 4
_REFUSALS = ("server_refused", "server_failing", "server_model_missing")
"""Errors of servers that may be about the pictures of a request."""
MAX_ANSWER = 4 << 20
"""Characters after which an answer ends as at a token limit: some models and servers never end."""


class ServerBackend:
    """One model of one server."""

    is_remote = True

    def __init__(
        self,
        connect: Callable[[], ServerClient],
        model_id: str,
        name: str,
        on_listed: Callable[[Sequence[ServedModel]], object] = lambda _models: None,
    ) -> None:
        """``connect`` returns a client that is not in use, in the streaming thread: the keyring can be locked.

        ``name`` is the server's name of the model; empty for its first one.  ``on_listed`` gets the server's models
        when they were listed.
        """
        self._connect, self._on_listed = connect, on_listed
        self._answered_by: tuple[ServerClient, ServedModel] | None = None
        self._model_id = model_id
        self.name = name
        """The server's name of the model; set once models are listed."""

    def stream(self, request: ChatRequest, token: CancelToken = NEVER_CANCELLED) -> Iterator[ChatEvent]:
        """Stream an answer.  A connection lost before the first token is retried once.

        Raises:
            UserError: as ``ServerClient`` and ``connect`` do; ``server_empty`` (host) if it lists no model;
            ``model_reads_no_pictures`` (model), or ``server_reads_no_pictures`` (model, host, detail).
            Cancelled: ``token`` was cancelled before the first token.
        """
        token.raise_if_cancelled()
        progress = _Progress()
        try:
            # Shutting down the connection stops the server too.
            with self._connect() as client, token.on_cancel(client.stop):
                model = self._model(client)
                self._answered_by = client, model
                yield ModelLoaded(0.0, model.context or 0)
                yield from _answer(client, request, model, progress)
        except Cancelled:
            if not progress.tokens:
                raise
            progress.finish_reason = "cancelled"
        yield from progress.end()

    def origin(self) -> AnswerOrigin:
        """Return the model and server of the answer."""
        if self._answered_by is None:
            return AnswerOrigin(self._model_id)
        client, model = self._answered_by
        engine = None if model.kind is Kind.OTHER else model.kind.value
        return AnswerOrigin(self._model_id, engine=engine, endpoint=client.url)

    def _model(self, client: ServerClient) -> ServedModel:
        models = client.knowledge.models
        if models is None:
            try:
                models = client.models()
                self._on_listed(models)
            except UserError as error:
                # Some servers have no list of models; the name is sufficient.
                if error.code not in ("server_not_an_api", "server_refused") or not self.name:
                    raise
                models = ()
            client.knowledge.models = models
        if not self.name:
            if not models:
                raise UserError("server_empty", host=client.host)
            self.name = models[0].name
        found = next((each for each in models if each.name == self.name), None)
        return found or ServedModel(self.name, models[0].kind if models else Kind.OTHER, None)


def _answer(client: ServerClient, request: ChatRequest, model: ServedModel, progress: _Progress) -> Iterator[ChatEvent]:
    """Fit the conversation into the context and stream the answer.

    If a server of unknown context reports that it is full, and the policy allows it, the request is repeated with a
    shorter conversation.
    """
    has_refused = model.name in client.knowledge.without_pictures and not asks_about_pictures(request)
    if model.reads_pictures is False or has_refused:
        request = without_pictures(request, model.name)
    for last_try in (False,) * SHORTEN_ATTEMPTS + (True,):
        fitting, fitted = _fit(client, request, model)
        yield fitted
        progress.fitted_tokens = fitted.prompt_tokens
        try:
            for delta in _deltas(client, fitting, model, progress):
                yield from progress.handle(delta)
                if progress.characters > MAX_ANSWER:
                    progress.finish_reason = "length"
                    return
        except UserError as error:
            can_roll = request.context_policy is not ContextPolicy.STOP and not progress.tokens
            if error.code != "server_context_full" or last_try or not can_roll:
                raise
            about = sum(map(estimated_prompt_tokens, fitting.messages))
            client.knowledge.guessed_context[model.name] = max(1, int(about * SHORTEN_TO))
        else:
            return


def _fit(client: ServerClient, request: ChatRequest, model: ServedModel) -> tuple[ChatRequest, ContextFitted]:
    """Fit with the server's token counts or estimates; an unknown context is left to the server."""
    context = client.knowledge.guessed_context.get(model.name) or model.context or 0
    if not context or model.kind is not Kind.VLLM:
        return fit_by_estimate(request, context)

    def count(messages: Sequence[PromptMessage], prefill: str, texts: Sequence[str]) -> tuple[int, tuple[int, ...]]:
        # The server counts a picture as its mark alone.
        texts_only = [replace(each, pictures=()) for each in messages]
        tokens = client.token_count(model.name, protocol.chat_messages(texts_only))
        if tokens is None:
            raise _CannotCount
        tokens += sum(map(all_picture_tokens, messages))
        return tokens + estimated_tokens(prefill), tuple(estimated_tokens(text) for text in texts)

    try:
        return fit(request, context, count)
    except _CannotCount:
        return fit_by_estimate(request, context)


def _deltas(client: ServerClient, request: ChatRequest, model: ServedModel, progress: _Progress) -> Iterator[Delta]:
    retried = False
    while True:
        body = protocol.chat_body(request, model.name, model.kind, frozenset(client.knowledge.rejected))
        try:
            yield from client.chat(body, model.name)
        except UserError as error:
            # llama-server reports an error of a chat template with the status of a server error.
            is_refused = error.code in ("server_refused", "server_failing") and not progress.tokens
            detail = str(error.data.get("detail", ""))
            if error.code in _REFUSALS and _has_pictures(request) and protocol.refuses_pictures(detail):
                if asks_about_pictures(request):
                    details = {"model": model.name, "host": client.host, "detail": detail}
                    raise UserError("server_reads_no_pictures", **details) from error
                client.knowledge.without_pictures.add(model.name)
                request = without_pictures(request, model.name)
            elif is_refused and (field := protocol.rejected_field(body, detail)):
                client.knowledge.rejected.add(field)
            elif error.code == "server_lost" and not (retried or progress.tokens):
                retried = True
            else:
                raise
        else:
            return


def _has_pictures(request: ChatRequest) -> bool:
    return any(each.pictures for each in request.messages)


class _CannotCount(Exception):
    """The server cannot count tokens."""


class _Progress:
    """Token counts and times of one answer; puts thoughts between tags."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first: float | None = None
        self._last = self._started
        self._thinking = False
        self._thoughts = ThoughtStream()
        self._has_usage = False
        self._prompt_tokens = 0
        self.fitted_tokens = 0
        """Of the prompt; most servers report their own count at the end."""
        # Two events can contain the halves of one character.
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._calls: dict[int, tuple[str, str]] = {}
        self.tokens = self.characters = 0
        self.finish_reason: str | None = None

    def handle(self, delta: Delta) -> Iterator[ChatEvent]:
        """Yield the pieces of a server event."""
        self.finish_reason = delta.finish_reason or self.finish_reason
        self._prompt_tokens = delta.prompt_tokens or self._prompt_tokens
        text = self._decoder.decode(self._tagged(delta).encode("utf-16-le", "surrogatepass"))
        for call in delta.calls:
            name, arguments = self._calls.get(call.number, ("", ""))
            self._calls[call.number] = name or call.name, arguments + call.arguments
            self.characters += len(call.arguments)
        self.characters += len(text)
        if delta.text or delta.thought or delta.calls:
            self._last = time.monotonic()
            self._first = self._last if self._first is None else self._first
        if delta.completion_tokens:
            self.tokens, self._has_usage = delta.completion_tokens, True
        elif (delta.text or delta.thought or delta.calls) and not self._has_usage:
            # Most servers send one token per event; the usage at the end corrects the count.
            self.tokens += 1
        if text:
            yield TextDelta(text, max(self.tokens, 1), self._context_used())

    def _context_used(self) -> int:
        """Return the tokens of prompt and answer; 0 where those of the prompt are not known."""
        prompt = self._prompt_tokens or self.fitted_tokens
        return prompt + self.tokens if prompt else 0

    def end(self) -> Iterator[ChatEvent]:
        """Yield the final events."""
        rest = self._thoughts.finish().encode("utf-16-le", "surrogatepass")
        text = self._decoder.decode(rest, final=True) + (f"\n{THOUGHT_CLOSE}\n\n" if self._thinking else "")
        if text:
            yield TextDelta(text, self.tokens, self._context_used())
        if self.finish_reason not in ("length", "cancelled") and (calls := tuple(self._made())):
            yield ToolsCalled(calls)
        seconds = 0.0 if self._first is None else self._last - self._first
        yield AnswerFinished(
            finish_reason=self.finish_reason if self.finish_reason in ("length", "cancelled") else "stop",
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self.tokens,
            prompt_tokens_per_second=None,
            tokens_per_second=(self.tokens - 1) / seconds if self.tokens > 1 and seconds > 0 else None,
            time_to_first_token_s=None if self._first is None else self._first - self._started,
        )

    def _made(self) -> Iterator[ToolCall]:
        for name, text in self._calls.values():
            arguments: Any = None
            with suppress(ValueError, RecursionError):
                arguments = json.loads(text or "{}")
            if name and isinstance(arguments, dict):
                yield ToolCall(name, arguments)

    def _tagged(self, delta: Delta) -> str:
        text = ""
        if delta.thought:
            text += ("" if self._thinking else f"{THOUGHT_OPEN}\n") + delta.thought
            self._thinking = True
        if delta.text:
            text += (f"\n{THOUGHT_CLOSE}\n\n" if self._thinking else "") + self._thoughts.add(delta.text)
            self._thinking = False
        return text
