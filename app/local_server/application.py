"""The web application of the local server: routes, checks, errors as JSON, and the answers of the model."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from app.backend import AnswerFinished, ChatRequest, PromptProgress
from app.engine.protocol import Embeddings, TokenCounts, Tokens
from app.local_server.access import Access
from app.local_server.clients import Clients
from app.local_server.fields import ApiError
from app.local_server.messages_reply import MessagesReply
from app.local_server.messages_request import parse_count_call, parse_messages_call
from app.local_server.model import ModelProvider, ServedModel
from app.local_server.outcomes import Outcomes
from app.local_server.pictures import decoded
from app.local_server.reply import Reply, embedding_object
from app.local_server.request import (
    MAX_BODY,
    Call,
    EmbeddingCall,
    parse_call,
    parse_embedding_call,
    parse_tokenize_call,
)
from app.local_server.request_queue import (
    MAX_WAITING,
    Event,
    Outcome,
    QueuedRequest,
    QueueFull,
    RequestQueue,
    Value,
)
from app.messages import sentence
from model_manager.cancellation import CancelToken
from model_manager.disk.json_file import to_json
from model_manager.errors import Cancelled, UserError

BODY_S = 60.0
"""Seconds for a body to arrive."""
MAX_DISCARDED = 1 << 30
"""Bytes that are read of a body that is too large, so that its sender gets to the response."""
KEEP_ALIVE_S = 5.0
"""Interval of the comments in a stream that has nothing else to say; HTTP clients give up on silent connections."""
_TOO_LONG = ("context_full", "question_too_long", "pinned_too_long", "prompt_too_long")
_REFUSED = (
    "chat_template_failed",
    "chat_template_too_costly",
    "embedding_model",
    "not_a_chat_model",
    "not_an_embedding_model",
)
_NOT_READY = ("no_local_model", "local_server_stopped")

logger = logging.getLogger(__name__)


def make_application(access: Access, queue: RequestQueue, clients: Clients, model: ModelProvider) -> ASGIApp:
    """Return the application."""
    endpoints = _Endpoints(queue, clients, model)
    routes = []
    for path, endpoint, method in (
        ("/health", endpoints.health, "GET"),
        ("/models", endpoints.models, "GET"),
        ("/models/{id:path}", endpoints.model, "GET"),
        ("/chat/completions", endpoints.chat, "POST"),
        ("/completions", endpoints.text, "POST"),
        ("/embeddings", endpoints.embeddings, "POST"),
        ("/tokenize", endpoints.tokenize, "POST"),
        ("/messages", endpoints.messages, "POST"),
        ("/messages/count_tokens", endpoints.count_tokens, "POST"),
    ):
        # As llama-server does: some programs add /v1 to the address, others don't.
        routes += [Route(prefix + path, endpoint, methods=[method]) for prefix in ("/v1", "")]
    handlers: dict[Any, ExceptionHandler] = {ApiError: _respond, HTTPException: _respond, Exception: _respond}
    answers = Starlette(routes=routes, exception_handlers=handlers)
    inner: ASGIApp = _Guard(answers, access.check_key)
    if access.origins:
        inner = CORSMiddleware(inner, access.origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    return _Guard(inner, access.check_sender)


class _Guard:
    """Checks the headers of a request before the application gets it."""

    def __init__(self, app: ASGIApp, check: Callable[[Mapping[str, str]], None]) -> None:
        self._app, self._check = app, check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        try:
            self._check(Headers(scope=scope))
        except ApiError as error:
            await _json_error(error, scope)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            # The application has answered already.  Without the message, which may contain text of the request.
            trace = "".join(traceback.format_tb(error.__traceback__))
            logger.exception("request failed: %s\n%s", type(error).__name__, trace, exc_info=False)


class _Endpoints:
    """The answers to the requests, one method for each path."""

    def __init__(self, queue: RequestQueue, clients: Clients, model: ModelProvider) -> None:
        self._queue, self._clients, self._model = queue, clients, model

    async def health(self, _request: Request) -> Response:
        """Return the state of the queue."""
        running = int(self._queue.running is not None)
        return JSONResponse({"status": "ok", "running": running, "waiting": self._queue.waiting})

    async def models(self, _request: Request) -> Response:
        """Return the list of the model and of embedding models."""
        return JSONResponse({"object": "list", "data": [*(await self._entries()).values()]})

    async def model(self, request: Request) -> Response:
        """Return a model."""
        entry = (await self._entries()).get(request.path_params["id"])
        if entry is None:
            raise ApiError(404, "This model isn't served here.", param="model", code="model_not_found")
        return JSONResponse(entry)

    async def _entries(self) -> dict[str, dict[str, object]]:
        entries = {}
        with suppress(UserError):
            # It reads the headers of new files.
            for name, created in (await asyncio.to_thread(self._model.embedding_models)).items():
                entries[name] = _entry(name, created)
        with suppress(UserError):
            served = self._model()
            entry = {**_entry(served.id, served.created), "context_length": served.context or None}
            entries = {served.id: entry} | {name: each for name, each in entries.items() if name != served.id}
        return entries

    async def chat(self, request: Request) -> Response:
        """Answer a conversation."""
        return await self._answer(request, partial(parse_call, is_chat=True), Reply)

    async def text(self, request: Request) -> Response:
        """Continue a text."""
        return await self._answer(request, partial(parse_call, is_chat=False), Reply)

    async def messages(self, request: Request) -> Response:
        """Answer a conversation in the format of Anthropic's API."""
        return await self._answer(request, parse_messages_call, MessagesReply)

    async def _answer(
        self,
        request: Request,
        parse: Callable[[bytes, ServedModel], Call],
        make_reply: Callable[[Call, str], Reply | MessagesReply],
    ) -> Response:
        body = await _body(request)
        served = self._served()
        call = parse(body, served)
        self._note(request)
        run = partial(_run, served.backend.stream, call.request)
        return _Answer(self._queue, run, call, make_reply(call, served.id))

    async def embeddings(self, request: Request) -> Response:
        """Compute embeddings."""
        call = parse_embedding_call(await _body(request))
        self._note(request)
        return _ValueAnswer(
            self._queue,
            lambda token: (self._model.embed(call.model, call.texts, token),),
            partial(_embedding_object, call),
        )

    async def count_tokens(self, request: Request) -> Response:
        """Count the tokens of a prompt, as Anthropic's API does."""
        body = await _body(request)
        served = self._served()
        call = parse_count_call(body, served)
        self._note(request)
        run = partial(_run, served.backend.count, call.request)
        return _ValueAnswer(self._queue, run, lambda value: {"input_tokens": _as_counts(value).prompt_tokens})

    async def tokenize(self, request: Request) -> Response:
        """Return the tokens of a text, as llama-server does."""
        text, special, with_ends = parse_tokenize_call(await _body(request))
        served = self._served()
        self._note(request)
        run = partial(served.backend.tokenize, text, special, with_ends)
        return _ValueAnswer(self._queue, run, lambda value: {"tokens": _as_tokens(value).tokens})

    def _note(self, request: Request) -> None:
        self._clients.note(request.client.host if request.client else "", request.headers.get("user-agent", ""))

    def _served(self) -> ServedModel:
        try:
            # In this thread: it only looks at the file's time, and another thread would take a millisecond.
            return self._model()
        except UserError as error:
            raise _api_error(error) from error


def _run(
    run: Callable[[ChatRequest, CancelToken], Iterable[Event]], request: ChatRequest, token: CancelToken
) -> Iterable[Event]:
    return run(decoded(request, token), token)


class _QueuedResponse(Response):
    """The response to a request that waits in the queue, which ends when the client hangs up."""

    def __init__(self, queue: RequestQueue, run: Callable[[CancelToken], Iterable[Event]]) -> None:
        self._queue = queue
        self._outcomes = Outcomes()
        self._queued = QueuedRequest(run, self._outcomes.put)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait in the queue, and send the response."""
        try:
            self._queue.add(self._queued)
        except QueueFull as full:
            message = f"{MAX_WAITING} requests are waiting already. Try again later."
            error = ApiError(429, message, code="queue_full", retry_after_s=full.retry_after_s)
            await _json_error(error, scope)(scope, receive, send)
            return
        answer = asyncio.create_task(self._respond(scope, receive, send))
        hung_up = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait((answer, hung_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._queue.discard(self._queued)
            hung_up.cancel()
            answer.cancel()
        with suppress(asyncio.CancelledError):
            await answer

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class _ValueAnswer(_QueuedResponse):
    """The response with one value; ``make_object`` returns its JSON, or raises ``ApiError``."""

    def __init__(
        self,
        queue: RequestQueue,
        run: Callable[[CancelToken], Iterable[Event]],
        make_object: Callable[[Value], dict[str, Any]],
    ) -> None:
        super().__init__(queue, run)
        self._make_object = make_object

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            for outcome in await self._outcomes.get():
                response = self._response(outcome, scope)
                if response is not None:
                    await response(scope, receive, send)
                    return

    def _response(self, outcome: Outcome, scope: Scope) -> Response | None:
        """Return the response; None while the model is being loaded."""
        if error := _failure(outcome):
            return _json_error(error, scope)
        try:
            return _JSON(self._make_object(outcome)) if isinstance(outcome, Value) else None
        except ApiError as error:
            return _json_error(error, scope)


class _Answer(_QueuedResponse):
    """The response with the answer to a call."""

    def __init__(
        self,
        queue: RequestQueue,
        run: Callable[[CancelToken], Iterable[Event]],
        call: Call,
        reply: Reply | MessagesReply,
    ) -> None:
        super().__init__(queue, run)
        self._call, self._reply = call, reply

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._stream if self._call.is_stream else self._whole)(scope, receive, send)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            for outcome in await self._outcomes.get():
                if error := _failure(outcome):
                    await _json_error(error, scope)(scope, receive, send)
                    return
                assert not isinstance(outcome, UserError | Cancelled | Value)
                self._reply.add(outcome)
                if isinstance(outcome, AnswerFinished):
                    await _JSON(self._reply.whole(outcome))(scope, receive, send)
                    return

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun, progress, reply = False, "", self._reply

        async def write(text: bytes, *, is_last: bool = False) -> None:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                text = reply.encode(*reply.first()) + text
            await send({"type": "http.response.body", "body": text, "more_body": not is_last})

        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    outcomes = await self._outcomes.get()
            except TimeoutError:
                position = self._queue.position(self._queued)
                await write(reply.keep_alive(f"position {position} in the queue" if position else progress))
                continue
            data, is_last = b"", False
            for outcome in outcomes:
                if error := _failure(outcome):
                    if has_begun:
                        await write(data + reply.error(error), is_last=True)
                    else:
                        await _json_error(error, scope)(scope, receive, send)
                    return
                assert not isinstance(outcome, UserError | Cancelled | Value)
                if isinstance(outcome, PromptProgress):
                    progress = f"prompt {outcome.read} of {outcome.total}"
                is_last = isinstance(outcome, AnswerFinished)
                data += reply.encode(*reply.add(outcome))
            if data:
                await write(data + reply.end if is_last else data, is_last=is_last)
            if is_last:
                return


class _JSON(JSONResponse):
    """JSON that may contain lone surrogates."""

    def render(self, content: object) -> bytes:
        """Encode the content."""
        return to_json(content)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    """Read the body.

    Raises:
        ApiError: with status 408 or 413.
        ClientDisconnect: it was not complete.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_DISCARDED:
                    break
                if size <= MAX_BODY:
                    body += chunk
    except TimeoutError:
        raise ApiError(408, f"The body didn't arrive within {BODY_S:g} s.") from None
    if size > MAX_BODY:
        raise ApiError(413, f"The body is larger than {MAX_BODY} bytes.", code="body_too_large")
    return bytes(body)


def _entry(name: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": "apus-chat"}


def _embedding_object(call: EmbeddingCall, value: Value) -> dict[str, Any]:
    assert isinstance(value, Embeddings)
    if call.dimensions not in (None, value.dimension):
        raise ApiError(400, f"dimensions must be {value.dimension} for this model.", param="dimensions")
    return embedding_object(call, value)


def _as_counts(value: Value) -> TokenCounts:
    assert isinstance(value, TokenCounts)
    return value


def _as_tokens(value: Value) -> Tokens:
    assert isinstance(value, Tokens)
    return value


def _failure(outcome: Outcome) -> ApiError | None:
    if isinstance(outcome, UserError):
        return _api_error(outcome)
    is_cancelled = isinstance(outcome, AnswerFinished) and outcome.finish_reason == "cancelled"
    # The client has not hung up: the program ends.
    return _api_error(UserError("local_server_stopped")) if is_cancelled or isinstance(outcome, Cancelled) else None


def _api_error(error: UserError) -> ApiError:
    if error.code in _TOO_LONG:
        return ApiError(400, sentence(error), param="messages", code="context_length_exceeded")
    if error.code.startswith(("picture_", "attachment_too_large")):
        return ApiError(400, sentence(error), param="messages", code=error.code)
    if error.code.startswith(("schema_", "grammar_")):
        return ApiError(400, sentence(error), param="response_format", code=error.code)
    if error.code == "model_unknown":
        message = "There is no model of this name here."
        return ApiError(404, message, param="model", code="model_not_found")
    if error.code == "text_too_long_to_embed":
        return ApiError(400, sentence(error), param="input", code="context_length_exceeded")
    status = 400 if error.code in _REFUSED else 503 if error.code in _NOT_READY else 500
    return ApiError(status, sentence(error), code=error.code)


def _json_error(error: ApiError, scope: Scope) -> Response:
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    is_anthropic = scope["path"].removeprefix("/v1").startswith("/messages")
    return _JSON(error.anthropic_body() if is_anthropic else error.body(), error.status, headers)


async def _respond(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = ApiError(error.status_code, f"{error.detail}.", code=error.detail.lower().replace(" ", "_"))
    error = error if isinstance(error, ApiError) else _api_error(UserError("request_failed"))
    return _json_error(error, request.scope)
