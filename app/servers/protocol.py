"""What is said between us and a server: the body of a request, the pieces of its answer, the reasons of a refusal.

The form is that of OpenAI's chat completions with streaming (server-sent events, https://html.spec.whatwg.org/#server-
sent-events).  Beyond it: vLLM and llama-server take more samplers, and both tell thoughts apart from the answer, as
``reasoning_content`` or ``reasoning``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.backend import ChatRequest, PromptMessage
from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN, Role, Sampling

LONGEST_LINE = 16 << 20
"""Bytes of one event; a server that sends more speaks something else."""

_NEEDED = frozenset({"model", "messages", "stream"})
_THOUGHTS = re.compile(rf"\A\s*{THOUGHT_OPEN}.*?(?:{THOUGHT_CLOSE}|\Z)\s*", re.DOTALL)


class Kind(StrEnum):
    """Which program serves, as far as it matters for what it understands."""

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
"""``owned_by`` in the list of models tells the program."""


@dataclass(frozen=True)
class ServedModel:
    """A model of a server.  ``context`` in tokens, None where the server does not say."""

    name: str
    kind: Kind
    context: int | None


@dataclass(frozen=True)
class Delta:
    """What one event of a stream brings.  Counts are of the whole request so far, None where they are not told."""

    text: str = ""
    thought: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Foreign(ValueError):
    """What came is not what such a server says."""


def served_models(body: bytes) -> tuple[ServedModel, ...]:
    """The models in the answer to ``GET /models``.

    Raises:
        Foreign: it is no such answer.
    """
    try:
        entries = json.loads(body)["data"]
        return tuple(
            ServedModel(str(each["id"]), _OWNERS.get(str(each.get("owned_by")), Kind.OTHER), _context(each))
            for each in entries or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Foreign(str(error)) from error


def chat_body(request: ChatRequest, name: str, kind: Kind, left_away: frozenset[str] = frozenset()) -> bytes:
    """The body of ``POST /chat/completions``, without the fields in ``left_away``."""
    messages = told(request.messages)
    body: dict[str, Any] = {"model": name, "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if kind is Kind.VLLM:
        body["stream_options"]["continuous_usage_stats"] = True
    if request.prefill:
        messages.append({"role": Role.ASSISTANT.value, "content": request.prefill})
        if kind is Kind.VLLM:
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    body |= _samplers(request.sampling, kind)
    if "max_tokens" in left_away and "max_tokens" in body:
        # The name that newer hosted models insist on.
        body["max_completion_tokens"] = body["max_tokens"]
    return json.dumps({key: value for key, value in body.items() if key not in left_away}, ensure_ascii=False).encode()


def told(messages: Iterable[PromptMessage]) -> list[dict[str, str]]:
    """A conversation as it is sent: without the thoughts of earlier answers, which no model is trained to read."""
    return [
        {
            "role": each.role.value,
            "content": _THOUGHTS.sub("", each.content) if each.role is Role.ASSISTANT else each.content,
        }
        for each in messages
    ]


def refused_field(body: bytes, message: str) -> str | None:
    """The field of a request that a server's sentence speaks of first, if it may be left away."""
    places = {name: re.search(rf"\b{name}\b", message) for name in json.loads(body) if name not in _NEEDED}
    named = {name: place.start() for name, place in places.items() if place}
    return min(named, key=named.__getitem__, default=None)


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of each server-sent event.

    Raises:
        Foreign: a line without an end.
    """
    rest = b""
    data: list[str] = []
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            raise Foreign("a line without an end")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                data.append(text[5:].removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data = []
    last = rest.rstrip(b"\r").decode("utf-8", "replace")
    if last.startswith("data:"):
        data.append(last[5:].removeprefix(" "))
    if data:
        yield "\n".join(data)


def delta_of(event: str) -> Delta:
    """What an event of the stream says.

    Raises:
        Foreign: it is no JSON of the known form.
        StreamRefused: the server tells in the stream that it cannot go on.
    """
    try:
        values = json.loads(event)
    except ValueError as error:
        raise Foreign(str(error)) from error
    if isinstance(values, Mapping) and values.get("error"):
        raise StreamRefused(refusal(event.encode()))
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
        raise Foreign(str(error)) from error


class StreamRefused(ValueError):
    """An error told inside a stream; ``str()`` is the server's own sentence."""


def refusal(body: bytes) -> str:
    """The server's own sentence in the body of an error; empty where there is none."""
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


def says_context_is_full(message: str) -> bool:
    """Whether a refusal means that the conversation is longer than the context."""
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
    return {key: value for key, value in values.items() if value is not None}


def _context(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    found = entry.get("max_model_len") or entry.get("max_context_length") or entry.get("context_length")
    if found is None and isinstance(meta, Mapping):
        found = meta.get("n_ctx") or meta.get("n_ctx_train")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None
