"""Messages of OpenAI-compatible servers: request bodies, stream events, error messages.

The format is OpenAI's streaming chat completions (server-sent events, https://html.spec.whatwg.org/#server-sent-
events).  In addition, vLLM and llama-server accept more samplers and send thoughts as ``reasoning_content`` or
``reasoning``.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.backend import ChatRequest, PromptMessage
from app.conversation import Role, Sampling
from app.thoughts import template_variables

MAX_LINE = 16 << 20
"""Largest event in bytes."""

_REQUIRED = frozenset({"model", "messages", "stream"})


class Kind(StrEnum):
    """Server program, where its protocol differs."""

    VLLM = "vLLM"
    LLAMA_SERVER = "llama-server"
    OLLAMA = "Ollama"
    LM_STUDIO = "LM Studio"
    OTHER = "other"


_OWNERS = {
    "vllm": Kind.VLLM,
    "llamacpp": Kind.LLAMA_SERVER,
    "library": Kind.OLLAMA,
    "organization_owner": Kind.LM_STUDIO,
}
"""Server program by ``owned_by`` in the list of models."""


@dataclass(frozen=True)
class ServedModel:
    """A model of a server; ``context`` in tokens, None if unknown."""

    name: str
    kind: Kind
    context: int | None


@dataclass(frozen=True)
class Delta:
    """Content of one stream event.  Token counts are totals of the request so far, None if not sent."""

    text: str = ""
    thought: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ProtocolError(ValueError):
    """The response is not in the expected format."""


def served_models(body: bytes) -> tuple[ServedModel, ...]:
    """Parse the response to ``GET /models``.

    Raises:
        ProtocolError: it has another format.
    """
    try:
        entries = json.loads(body)["data"]
        return tuple(
            ServedModel(str(each["id"]), _OWNERS.get(str(each.get("owned_by")), Kind.OTHER), _context(each))
            for each in entries or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(str(error)) from error


def chat_body(request: ChatRequest, name: str, kind: Kind, rejected: frozenset[str] = frozenset()) -> bytes:
    """Return the body of ``POST /chat/completions`` without the ``rejected`` fields."""
    messages = chat_messages(request.messages)
    body: dict[str, Any] = {"model": name, "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if kind is Kind.VLLM:
        body["stream_options"]["continuous_usage_stats"] = True
    if request.prefill:
        messages.append({"role": Role.ASSISTANT.value, "content": request.prefill})
        if kind is Kind.VLLM:
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    body |= _samplers(request.sampling, kind)
    if "max_tokens" in rejected and "max_tokens" in body:
        # The name required by newer hosted models.
        body["max_completion_tokens"] = body["max_tokens"]
    return json.dumps({key: value for key, value in body.items() if key not in rejected}, ensure_ascii=False).encode()


def chat_messages(messages: Iterable[PromptMessage]) -> list[dict[str, str]]:
    """Return the messages to send, without the thoughts of earlier answers."""
    return [{"role": each.role.value, "content": each.content} for each in messages]


def rejected_field(body: bytes, message: str) -> str | None:
    """Return the first optional request field that an error message mentions."""
    places = {name: re.search(rf"\b{name}\b", message) for name in json.loads(body) if name not in _REQUIRED}
    named = {name: place.start() for name, place in places.items() if place}
    return min(named, key=named.__getitem__, default=None)


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each server-sent event.

    Raises:
        ProtocolError: a line is too long.
    """
    rest = b""
    data: list[str] = []
    # The end completes the last event.
    for chunk in itertools.chain(chunks, (b"\n\n",)):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE:
            raise ProtocolError("the line is too long")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                data.append(text[5:].removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data = []


def parse_delta(event: str) -> Delta:
    """Parse a stream event.

    Raises:
        ProtocolError: it has another format.
        StreamError: the server reports an error.
    """
    try:
        values = json.loads(event)
    except ValueError as error:
        raise ProtocolError(str(error)) from error
    if isinstance(values, Mapping) and values.get("error"):
        raise StreamError(error_message(event.encode()))
    try:
        usage = values.get("usage") or {}
        choice: Mapping[str, Any] = next(iter(values.get("choices") or ()), {})
        delta = choice.get("delta") or {}
        thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
        return Delta(
            text=str(delta.get("content") or ""),
            thought=thought if isinstance(thought, str) else "",
            finish_reason=choice.get("finish_reason"),
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )
    except (TypeError, AttributeError) as error:
        raise ProtocolError(str(error)) from error


class StreamError(ValueError):
    """An error inside a stream; ``str()`` is the server's message."""


def error_message(body: bytes) -> str:
    """Return the server's message in the body of an error, empty if there is none."""
    try:
        values = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(values, Mapping):
        return ""
    inner = values.get("error")
    for place in (inner, values):
        if isinstance(place, Mapping):
            for key in ("message", "detail", "error"):
                if isinstance(place.get(key), str):
                    return str(place[key])
    return inner if isinstance(inner, str) else ""


def is_context_full(message: str) -> bool:
    """Return whether an error message means that the conversation exceeds the context."""
    text = message.lower()
    return any(
        mark in text
        for mark in ("context length", "context size", "context_length", "maximum model length", "max_model_len")
    ) or ("token" in text and "exceed" in text)


def _samplers(sampling: Sampling, kind: Kind) -> dict[str, Any]:
    values: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
    values |= {"max_tokens": sampling.max_tokens, "stop": list(sampling.stop) or None}
    if kind is not Kind.OTHER:
        values |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
        values["repetition_penalty" if kind is Kind.VLLM else "repeat_penalty"] = sampling.repeat_penalty
    if sampling.thinking and kind in (Kind.VLLM, Kind.LLAMA_SERVER):
        values["chat_template_kwargs"] = template_variables(sampling.thinking)
    if sampling.thinking not in ("", "on") and kind is not Kind.LLAMA_SERVER:
        values["reasoning_effort"] = sampling.thinking if sampling.thinking != "off" else "none"
    if kind is Kind.LLAMA_SERVER:
        values["top_n_sigma"] = sampling.top_n_sigma or None
    return {key: value for key, value in values.items() if value is not None}


def _context(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    found = entry.get("max_model_len") or entry.get("max_context_length") or entry.get("context_length")
    if found is None and isinstance(meta, Mapping):
        found = meta.get("n_ctx") or meta.get("n_ctx_train")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None
