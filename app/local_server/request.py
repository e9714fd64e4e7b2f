"""Requests of OpenAI's API: a body becomes a ``Call``, or is refused with the name of the field that is the reason.

A field does what it says, makes no difference to the answer (``IGNORED``), or is refused.  The format is that of
https://platform.openai.com/docs/api-reference, with the sampler names of llama-server and vLLM.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.backend import ChatRequest, PromptMessage, TokenControls
from app.chat.prompt import default_sampling
from app.conversation import Role
from app.local_server.model import ServedModel
from app.local_server.openai_tokens import COUNT, text_of
from app.parameter import parameters
from app.sampling import SamplerParameters, Sampling
from app.structured.schema import JSON_OBJECT
from model_manager.disk.json_file import JsonError, from_json, to_json

MAX_BODY = 8 << 20
"""Bytes of a body: many times the longest contexts."""
MAX_STOPS, MAX_STOP_CHARACTERS = 16, 500
MAX_BIASES = 300
MAX_LOGPROBS = 20
MAX_TEXTS = 2048
MAX_TOKENS = 1 << 24
SEEDS = (1 << 32) - 1
"""The engine's seeds have 32 bits, of which the last value means a random one."""

IGNORED = frozenset(
    {
        "cache_prompt",
        "metadata",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""Fields that clients send by habit and that don't change the answer."""
_ONLY: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none", "auto"),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),  # of a text completion
}
"""Fields that may have only these values, which don't change the answer."""
_ALIASES = {"max_tokens": "max_completion_tokens", "repeat_penalty": "repetition_penalty"}
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}


class ApiError(Exception):
    """An error response; ``param`` names the field that is the reason, ``code`` the problem for programs."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """Return the error in OpenAI's format."""
        kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class EmbeddingCall:
    """A request for the embeddings of texts by a model."""

    model: str
    texts: tuple[str, ...]
    is_base64: bool
    dimensions: int | None
    """Which the vectors must have; None for any."""


def parse_embedding_call(body: bytes) -> EmbeddingCall:
    """Parse the body of a request for embeddings.  Raises ``ApiError`` with status 400."""

    def is_filled(text: object) -> bool:
        return bool(text) and (isinstance(text, str) or _are_tokens(text))

    values = _Values.parse(body)
    given = values.take(
        "input",
        f"a text or up to {MAX_TEXTS} texts, none of them empty, or tokens of cl100k_base in their place",
        lambda value: (
            is_filled(value) or (isinstance(value, list) and 0 < len(value) <= MAX_TEXTS and all(map(is_filled, value)))
        ),
    )
    texts = [given] if is_filled(given) else given
    encoding = values.take("encoding_format", "float or base64", lambda value: value in ("float", "base64"), "float")
    call = EmbeddingCall(
        values.take("model", "a text", _is_text),
        tuple(text if isinstance(text, str) else text_of(text) for text in texts),
        encoding == "base64",
        values.take("dimensions", "a whole number above 0", lambda value: _is_whole(value, 1, math.inf), None),
    )
    values.finish()
    return call


def _are_tokens(value: object) -> bool:
    return isinstance(value, list) and all(_is_whole(token, 0, COUNT - 1) for token in value)


@dataclass(frozen=True)
class Call:
    """A request for an answer.  ``is_chat``: a conversation, else a text to continue."""

    request: ChatRequest
    is_chat: bool
    is_stream: bool = False
    includes_usage: bool = False
    """Whether a stream ends with the numbers of tokens."""


def parse_call(body: bytes, model: ServedModel, *, is_chat: bool) -> Call:
    """Parse the body of a chat or text completion.

    What a body leaves open is as in the settings of the program.

    Raises:
        ApiError: with status 400, or 404 for another model.
    """
    values = _Values.parse(body)
    name = values.take("model", "a text", _is_text, model.id)
    if name != model.id:
        message = f"The model {name[:200]!r} isn't served here. Use {model.id!r}."
        raise ApiError(404, message, param="model", code="model_not_found")
    is_stream = values.take("stream", "true or false", _is_flag, False)
    includes_usage = _includes_usage(values.take("stream_options", "an object", _is_object, {}))
    sampling, controls = _sampling(values, model), _controls(values, is_chat=is_chat)
    if is_chat:
        messages, prefill = _messages(values.take("messages", "a list of messages", _is_filled_list)), ""
        sampling = replace(sampling, thinking=_thinking(values, model), json_schema=_json_schema(values))
    else:
        messages, prefill = (), _prompt(values)
    values.finish()
    return Call(ChatRequest(messages, sampling, prefill, controls=controls), is_chat, is_stream, includes_usage)


class _Values:
    """The fields of an object, each taken once; null counts as absent."""

    def __init__(self, values: Mapping[str, Any], place: str = "") -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._place = place

    @classmethod
    def parse(cls, body: bytes) -> _Values:
        """Parse the body of a request."""
        try:
            return cls(from_json(body, dict[str, Any]))
        except JsonError as error:
            raise ApiError(400, f"The body isn't a JSON object: {error}.") from None

    def take(self, name: str, expected: str, is_valid: Callable[[Any], bool], default: Any = ...) -> Any:
        """Return a field, under its name or its alias, that is ``expected``; without a default it is required."""
        given = [each for each in (name, _ALIASES.get(name)) if each in self._values]
        if not given:
            if default is ...:
                raise ApiError(400, f"{self._place}{name} is missing.", param=self._place + name)
            return default
        values = [self._values.pop(str(each)) for each in given]
        if not all(map(is_valid, values)) or values[0] != values[-1]:
            raise ApiError(400, f"{self._place}{given[-1]} must be {expected}.", param=f"{self._place}{given[-1]}")
        return values[0]

    def finish(self) -> None:
        """Refuse every field that was not taken and changes the answer."""
        for name, value in self._values.items():
            only = _ONLY.get(name)
            if name in IGNORED or (only and any(value == each and type(value) is type(each) for each in only)):
                continue
            place = (self._place + name)[:200]
            message = f"{place} isn't supported here{f', except as {to_json(only[0]).decode()}' if only else ''}."
            raise ApiError(400, message, param=place, code="unsupported_parameter")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_filled_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_whole(value: object, least: float, most: float) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _includes_usage(options: Mapping[str, Any]) -> bool:
    values = _Values(options, "stream_options.")
    includes_usage: bool = values.take("include_usage", "true or false", _is_flag, False)
    values.take("include_obfuscation", "true or false", _is_flag, False)
    values.finish()
    return includes_usage


def _sampling(values: _Values, model: ServedModel) -> Sampling:
    given: dict[str, Any] = {}
    for name, declared in parameters(SamplerParameters).items():
        expected = " or ".join(map(str, (*declared.choices, *declared.named_values)))
        if declared.maximum > declared.minimum:
            expected = f"a number from {declared.minimum:g} to {declared.maximum:g}{expected and f' or {expected}'}"
        value = values.take(name, expected, declared.accepts, None)
        if value is not None:
            given[name] = value
    limit = values.take(
        "max_tokens", "a whole number above 0", lambda value: value == -1 or _is_whole(value, 1, math.inf), 0
    )
    if limit:
        given["max_tokens"] = None if limit == -1 else min(limit, MAX_TOKENS)
    seed = values.take("seed", "a whole number", lambda value: _is_whole(value, -math.inf, math.inf), None)
    given["seed"] = (random.getrandbits(32) if seed is None else seed) % SEEDS
    stop = values.take("stop", f"a text or up to {MAX_STOPS} texts", _is_stop, [])
    given["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    breakers = values.take(
        "dry_sequence_breakers", f"up to {MAX_STOPS} texts", _is_stop, model.sampling.dry_sequence_breakers
    )
    given["dry_sequence_breakers"] = (breakers,) if isinstance(breakers, str) else tuple(breakers)
    sampling = replace(model.sampling, **given)
    # A model may need a penalty where neither the settings nor the request have one.
    return sampling if "repeat_penalty" in given else default_sampling(sampling, model.id)


def _is_stop(value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    return len(texts) <= MAX_STOPS and all(
        isinstance(text, str) and 0 < len(text) <= MAX_STOP_CHARACTERS for text in texts
    )


def _controls(values: _Values, *, is_chat: bool) -> TokenControls:
    def is_count(value: object) -> bool:
        return _is_whole(value, 0, MAX_LOGPROBS)

    top: int | None
    number = f"a whole number up to {MAX_LOGPROBS}"
    if is_chat:
        wants = values.take("logprobs", "true or false", _is_flag, False)
        top = values.take("top_logprobs", f"{number}, together with logprobs", lambda v: wants and is_count(v), 0)
        top = top if wants else None
    else:
        top = values.take("logprobs", number, is_count, None)
    return TokenControls(
        logit_bias=_biases(values),
        top_logprobs=top,
    )


def _biases(values: _Values) -> tuple[tuple[int, float], ...]:
    def is_valid(value: object) -> bool:
        return (
            isinstance(value, dict)
            and len(value) <= MAX_BIASES
            and all(name.isdecimal() and len(name) < 10 and _is_number(bias, -100, 100) for name, bias in value.items())
        )

    expected = f"an object of up to {MAX_BIASES} numbers of tokens, each with a number from -100 to 100"
    biases = values.take("logit_bias", expected, is_valid, {})
    return tuple((int(token), float(bias)) for token, bias in biases.items())


def _thinking(values: _Values, model: ServedModel) -> str:
    choices = {"none": "off"} | {choice: choice for choice in model.thinking if choice not in ("on", "off")}
    effort = values.take(
        "reasoning_effort", f"one of {', '.join(choices)} for this model", lambda v: _is_text(v) and v in choices, ""
    )
    template = _Values(values.take("chat_template_kwargs", "an object", _is_object, {}), "chat_template_kwargs.")
    expected = "true or false, for models with this switch"
    is_on = template.take(
        "enable_thinking", expected, lambda v: _is_flag(v) and (not v or "on" in model.thinking), None
    )
    template.finish()
    thinking = choices.get(effort, "" if is_on is None else "on" if is_on else "off")
    # A model without this switch doesn't think anyway.
    return "" if thinking == "off" and "off" not in model.thinking else thinking


def _json_schema(values: _Values) -> str:
    """Return the schema of the answer as text; it is checked where it is used."""
    kinds = ("text", "json_object", "json_schema")

    def is_valid(value: object) -> bool:
        return isinstance(value, dict) and value.get("type") in kinds

    wanted = _Values(values.take("response_format", f"an object of type {', '.join(kinds)}", is_valid, {}))
    kind = wanted.take("type", "a text", _is_text, "text")
    if kind == "json_schema":
        schema = _Values(wanted.take("json_schema", "an object", _is_object), "response_format.json_schema.")
        text = to_json(schema.take("schema", "an object", _is_object)).decode()
        for name, expected, is_right in (
            ("name", "a text", _is_text),
            ("description", "a text", _is_text),
            # An answer is always valid.
            ("strict", "true or false", _is_flag),
        ):
            schema.take(name, expected, is_right, None)
        schema.finish()
    wanted.finish()
    return text if kind == "json_schema" else JSON_OBJECT if kind == "json_object" else ""


def _prompt(values: _Values) -> str:
    def is_valid(value: object) -> bool:
        texts = value if isinstance(value, list) else [value]
        return len(texts) == 1 and isinstance(texts[0], str) and bool(texts[0])

    prompt = values.take("prompt", "a text that is not empty", is_valid)
    return prompt[0] if isinstance(prompt, list) else str(prompt)


def _messages(messages: list[Any]) -> tuple[PromptMessage, ...]:
    return tuple(_message(message, f"messages[{number}]") for number, message in enumerate(messages))


def _message(message: Any, place: str) -> PromptMessage:
    if not isinstance(message, dict):
        raise ApiError(400, f"{place} must be an object.", param=place)
    values = _Values({name: value for name, value in message.items() if value != []}, f"{place}.")
    role = _ROLES[values.take("role", f"one of {', '.join(_ROLES)}", lambda value: _is_text(value) and value in _ROLES)]
    is_answer = role is Role.ASSISTANT
    # Clients return answers as they got them, with fields that are empty.
    content = values.take("content", "a text or parts of type text", _is_content, "" if is_answer else ...)
    thought = values.take("reasoning_content", "a text", _is_text, "") if is_answer else ""
    values.finish()
    return PromptMessage(role, _text(content), thought=thought)


def _is_content(content: object) -> bool:
    return isinstance(content, str) or (
        isinstance(content, list)
        and all(
            isinstance(part, dict)
            and part.keys() == {"type", "text"}
            and part["type"] == "text"
            and _is_text(part["text"])
            for part in content
        )
    )


def _text(content: str | list[dict[str, str]]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)
