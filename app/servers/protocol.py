"""Messages of OpenAI-compatible servers: request bodies, stream events, error messages.

The format is OpenAI's streaming chat completions (server-sent events, https://html.spec.whatwg.org/#server-sent-
events).  In addition, vLLM and llama-server accept more samplers and send thoughts as ``reasoning_content`` or
``reasoning``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.backend import ChatRequest, PromptMessage, content_parts, openai_messages
from app.conversation import Role
from app.sampling import Sampling, changed_samplers
from app.structured.schema import JSON_OBJECT, parse_schema
from app.thoughts import template_variables
from model_manager.disk.json_file import JsonError, from_json
from model_manager.hub.access import split_url

MAX_EVENT = 4 << 20
"""Largest event in bytes."""
MAX_NAME, MAX_MESSAGE = 256, 500
"""Longest name of a model, and characters of an error message that are read."""
MAX_TOKENS = (1 << 31) - 1
"""Largest number of tokens that is believed."""
MAX_CALLS = 64
"""Calls of tools in one answer that are read."""
END = "[DONE]"
"""Data of the last event."""

TOOL_ROLE = "role: tool"
"""In place of a field, for servers whose chat template refuses messages of this role."""

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
_ABOUT_PICTURES = re.compile(r"image|picture|vision|visual|multi-?modal|mmproj", re.IGNORECASE)
_REQUIRED = frozenset({"model", "messages", "stream"})


class Kind(StrEnum):
    """Server program, where its protocol differs."""

    VLLM = "vLLM"
    LLAMA_SERVER = "llama-server"
    OLLAMA = "Ollama"
    LM_STUDIO = "LM Studio"
    ANTHROPIC = "Anthropic"
    GEMINI = "Gemini"
    OTHER = "other"


_OWNERS = {
    "vllm": Kind.VLLM,
    "llamacpp": Kind.LLAMA_SERVER,
    "library": Kind.OLLAMA,
    "organization_owner": Kind.LM_STUDIO,
}
"""Server program by ``owned_by`` in the list of models."""


_HOSTS = {"api.anthropic.com": Kind.ANTHROPIC, "generativelanguage.googleapis.com": Kind.GEMINI}
"""Services whose protocol differs, by their hosts."""
_HOSTED = frozenset({Kind.ANTHROPIC, Kind.GEMINI, Kind.OTHER})
"""Services that know the fields of OpenAI's API only."""
_NO_SIGNATURE = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""Gemini refuses earlier calls without the signature that it made for them; this value is documented for conversations
from elsewhere (https://ai.google.dev/gemini-api/docs/thought-signatures)."""


@dataclass(frozen=True)
class ServedModel:
    """A model of a server; ``context`` in tokens, None if unknown."""

    name: str
    kind: Kind
    context: int | None
    reads_pictures: bool | None = None
    """None where the server doesn't say it."""


@dataclass(frozen=True)
class Delta:
    """Content of one stream event.  Token counts are totals of the request so far, None if not sent."""

    text: str = ""
    thought: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    calls: tuple[CallDelta, ...] = ()


@dataclass(frozen=True)
class CallDelta:
    """A piece of a call of a tool; ``number`` is its place among those of the answer."""

    number: int
    name: str
    arguments: str
    """A piece of a JSON text."""


class ProtocolError(ValueError):
    """The response is not in the expected format."""


def models_request(url: str, key: str) -> tuple[str, dict[str, str]]:
    """Return the path of the list of models of the API at ``url``, and the headers that it needs besides the usual.

    Anthropic's list is not part of its compatible API: it has pages, of at most 1,000 models, and another header for
    the key (https://platform.claude.com/docs/en/api/models-list).
    """
    if _HOSTS.get(split_url(url).hostname or "") is not Kind.ANTHROPIC:
        return "/models", {}
    return "/models?limit=1000", {"anthropic-version": "2023-06-01", **({"x-api-key": key} if key else {})}


def served_models(body: bytes, url: str = "") -> tuple[ServedModel, ...]:
    """Parse the response to ``GET /models`` of the API at ``url``.  Names that can't be shown are left out.

    Raises:
        ProtocolError: it has another format.
    """
    values = _object(body)
    entries = [] if values.get("data", "") is None else values.get("data")
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise ProtocolError("no list of models")
    hosted = _HOSTS.get(split_url(url).hostname or "")
    capabilities = _capabilities(values)
    return tuple(
        ServedModel(
            name,
            hosted or _OWNERS.get(str(each.get("owned_by")), Kind.OTHER),
            _context(each),
            _reads_pictures(each, capabilities.get(name)),
        )
        for each in entries
        if isinstance(name := each.get("id"), str) and 0 < len(name) <= MAX_NAME and name.isprintable()
    )


def chat_body(request: ChatRequest, name: str, kind: Kind, rejected: frozenset[str] = frozenset()) -> bytes:
    """Return the body of ``POST /chat/completions`` without the ``rejected`` fields."""
    messages = chat_messages(request.messages)
    if TOOL_ROLE in rejected:
        messages = list(_without_tool_role(messages))
    if kind is Kind.GEMINI:
        for call in (call for message in messages for call in message.get("tool_calls", ())):
            call["extra_content"] = _NO_SIGNATURE
    body: dict[str, Any] = {"model": name, "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if kind is Kind.VLLM:
        body["stream_options"]["continuous_usage_stats"] = True
    if request.prefill:
        messages.append({"role": Role.ASSISTANT.value, "content": request.prefill})
        if kind is Kind.VLLM:
            body |= {"continue_final_message": True, "add_generation_prompt": False}
    body |= _samplers(request.sampling, kind)
    if request.tools:
        body["tools"] = [each.to_openai() for each in request.tools]
    if "max_tokens" in rejected and "max_tokens" in body:
        # The name required by newer hosted models.
        body["max_completion_tokens"] = body["max_tokens"]
    kept = {key: value for key, value in body.items() if key not in rejected}
    return json.dumps(kept, ensure_ascii=False).encode(errors="replace")


def chat_messages(messages: Iterable[PromptMessage]) -> list[dict[str, Any]]:
    """Return the messages to send, without the thoughts of earlier answers."""
    sent = list(openai_messages(messages, lambda each: content_parts(each.content, each.pictures)))
    for message in sent:
        message.pop("reasoning_content", None)
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
    return sent


def refuses_pictures(message: str) -> bool:
    """Return whether the error message of a request with pictures is about them."""
    return _ABOUT_PICTURES.search(message) is not None


def _without_tool_role(messages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield messages with calls as text, and their results as messages of the user, so that roles still alternate."""
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(f"Result of {message['name']}:\n{message['content']}")
            continue
        if results:
            yield {"role": Role.USER.value, "content": "\n\n".join(results)}
            results = []
        calls = [
            f"{each['function']['name']} {each['function']['arguments']}" for each in message.get("tool_calls", ())
        ]
        if calls:
            yield {"role": message["role"], "content": "\n\n".join(filter(None, (message["content"], *calls)))}
        else:
            yield message
    if results:
        yield {"role": Role.USER.value, "content": "\n\n".join(results)}


def rejected_field(body: bytes, message: str) -> str | None:
    """Return the first optional request field that an error message mentions, or ``TOOL_ROLE``."""
    values = json.loads(body)
    places = {name: re.search(rf"\b{name}\b", message) for name in values if name not in _REQUIRED}
    named = {name: place.start() for name, place in places.items() if place}
    if not named and re.search(r"\broles?\b", message) and any(each["role"] == "tool" for each in values["messages"]):
        return TOOL_ROLE
    return min(named, key=named.__getitem__, default=None)


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each server-sent event.

    Some servers leave out the empty line after the last event; a last event that was cut is dropped.

    Raises:
        ProtocolError: an event is too long.
    """
    rest, data, size = b"", list[str](), 0
    for chunk in chunks:
        *lines, rest = _LINE_END.split(rest + chunk)
        for line in lines:
            if size + len(line) > MAX_EVENT:
                break
            if line.startswith(b"data:"):
                data.append(_data_of(line))
                size += len(line)
            elif not line and data:
                yield "\n".join(data)
                data, size = [], 0
        else:
            line = rest
        if size + len(line) > MAX_EVENT:
            raise ProtocolError("an event is too long")
    last = "\n".join([*data, *([_data_of(rest)] if rest.startswith(b"data:") else [])])
    if last.strip() == END or _is_object(last):
        yield last


def parse_delta(event: str) -> Delta:
    """Parse a stream event.

    Raises:
        ProtocolError: it has another format.
        StreamError: the server reports an error.
    """
    values = _object(event)
    if values.get("error"):
        raise StreamError(_message_of(values))
    try:
        choice: Mapping[str, Any] = next(iter(values.get("choices") or ()), {})
        delta = choice.get("delta") or {}
        reason, usage = choice.get("finish_reason"), values.get("usage")
        usage = usage if isinstance(usage, Mapping) else {}
        return Delta(
            text=_text(delta.get("content")),
            thought=_text(delta.get("reasoning_content") or delta.get("reasoning")),
            # Some servers send an empty one, or the text "null", with every event.
            finish_reason=reason if isinstance(reason, str) and reason not in ("", "null") else None,
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            calls=tuple(_calls(delta.get("tool_calls") or ())),
        )
    except (TypeError, AttributeError) as error:
        raise ProtocolError(str(error)) from error


def _calls(values: Iterable[Mapping[str, Any]]) -> Iterator[CallDelta]:
    for place, each in enumerate(values):
        function = each.get("function") or {}
        number, arguments = each.get("index", place), function.get("arguments") or ""
        if isinstance(number, int) and 0 <= number < MAX_CALLS:
            # Ollama sends the arguments as a value at times.
            arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)
            yield CallDelta(number, _text(function.get("name")), arguments)


class StreamError(ValueError):
    """An error inside a stream; ``str()`` is the server's message."""


def token_count(body: bytes) -> int | None:
    """Parse the response to ``POST /tokenize`` of vLLM; None if the server has no such request.

    Raises:
        ProtocolError: it has another format.
    """
    return _count(_object(body).get("count"))


def error_message(body: bytes) -> str:
    """Return the server's message in the body of an error as one printable line, empty if there is none.

    Gemini's errors are lists of one object.
    """
    try:
        return _message_of(_object(body.strip().removeprefix(b"[").removesuffix(b"]")))
    except ProtocolError:
        return ""


def is_context_full(message: str) -> bool:
    """Return whether an error message means that the conversation exceeds the context."""
    text = message.lower()
    return any(
        mark in text
        for mark in ("context length", "context size", "context_length", "maximum model length", "max_model_len")
    ) or ("token" in text and "exceed" in text)


def _samplers(sampling: Sampling, kind: Kind) -> dict[str, Any]:
    # Anthropic refuses those of white space.
    stops = [each for each in sampling.stop if each.strip() or kind is not Kind.ANTHROPIC]
    values: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
    values |= {"max_tokens": sampling.max_tokens, "stop": stops or None}
    if kind not in _HOSTED:
        values |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
        values["repetition_penalty" if kind is Kind.VLLM else "repeat_penalty"] = sampling.repeat_penalty
    if sampling.thinking and kind in (Kind.VLLM, Kind.LLAMA_SERVER):
        values["chat_template_kwargs"] = template_variables(sampling.thinking)
    if sampling.thinking not in ("", "on") and kind is not Kind.LLAMA_SERVER:
        values["reasoning_effort"] = sampling.thinking if sampling.thinking != "off" else "none"
    if kind is Kind.LLAMA_SERVER:
        # Its names are ours.
        values |= {name: value for name, value in changed_samplers(sampling).items() if name not in values}
    else:
        # Those of OpenAI's API.
        values |= {name: getattr(sampling, name) or None for name in ("frequency_penalty", "presence_penalty")}
    if sampling.json_schema == JSON_OBJECT:
        values["response_format"] = {"type": "json_object"}
    elif sampling.json_schema:
        schema = {"name": "answer", "schema": parse_schema(sampling.json_schema), "strict": True}
        values["response_format"] = {"type": "json_schema", "json_schema": schema}
    return {key: value for key, value in values.items() if value is not None}


def _object(data: bytes | str) -> dict[str, Any]:
    try:
        return from_json(data, dict[str, Any])
    except JsonError as error:
        raise ProtocolError(str(error)) from error


def _is_object(data: str) -> bool:
    try:
        return bool(_object(data))
    except ProtocolError:
        return False


def _data_of(line: bytes) -> str:
    return line[5:].removeprefix(b" ").decode("utf-8", "replace").rstrip("\r")


def _text(content: object) -> str:
    """Return a text, or that of a list of parts (``{"type": "text", "text": ...}``)."""
    parts = content if isinstance(content, list) else [content]
    texts = (part.get("text") if isinstance(part, Mapping) else part for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def _message_of(values: Mapping[str, Any]) -> str:
    inner = values.get("error")
    places = [place for place in (inner, values) if isinstance(place, Mapping)]
    values_ = [place.get(key) for place in places for key in ("message", "detail", "error")]
    text = next((text for text in values_ if isinstance(text, str)), "")
    if not text:
        # Mistral's, and those of FastAPI, list what is wrong with the fields.
        text = next((json.dumps(each, ensure_ascii=False) for each in values_ if isinstance(each, list | dict)), "")
    text = text[:MAX_MESSAGE]
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _count(value: object) -> int | None:
    """Return a number of tokens; None for anything else, as each number of a server is checked here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS:
        return None
    return int(value)


def _context(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    places = [(entry, key) for key in ("max_model_len", "max_context_length", "context_length", "max_input_tokens")]
    if isinstance(meta, Mapping):
        places += [(meta, "n_ctx"), (meta, "n_ctx_train")]
    return next((count for place, key in places if (count := _count(place.get(key)))), None)


def _capabilities(listing: Mapping[str, Any]) -> dict[str, Any]:
    """Return what llama-server says of its models in a second list, by their names."""
    models = listing.get("models")
    found = (each for each in (models if isinstance(models, list) else ()) if isinstance(each, Mapping))
    return {each["name"]: each.get("capabilities") for each in found if isinstance(each.get("name"), str)}


def _reads_pictures(entry: Mapping[str, Any], capabilities: object) -> bool | None:
    """Return what llama-server (``multimodal``), OpenRouter (``input_modalities``) and Mistral (``vision``) say."""
    if isinstance(capabilities, list):
        return "multimodal" in capabilities
    architecture, own = entry.get("architecture"), entry.get("capabilities")
    inputs = architecture.get("input_modalities") if isinstance(architecture, Mapping) else None
    if isinstance(inputs, list):
        return "image" in inputs
    vision = own.get("vision") if isinstance(own, Mapping) else None
    return vision if isinstance(vision, bool) else None
