"""Requests of OpenAI's API: a body becomes a ``Call``, or is refused with the name of the field that is the reason.

A field does what it says, makes no difference to the answer (``IGNORED``), or is refused.  The format is that of
https://platform.openai.com/docs/api-reference, with the sampler names of llama-server and vLLM.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.backend import ChatRequest, PromptMessage, TokenControls
from app.chat.prompt import default_sampling
from app.conversation import Role
from app.local_server.fields import (
    ApiError,
    Fields,
    is_filled_list,
    is_flag,
    is_number,
    is_object,
    is_text,
    is_whole,
)
from app.local_server.model import ServedModel
from app.local_server.openai_tokens import COUNT, text_of
from app.local_server.pictures import check_count, picture_of
from app.local_server.tools import MAX_TOOLS, ToolUse, Turns, are_tools, definition, tool_use
from app.parameter import parameters
from app.sampling import SamplerParameters, Sampling
from app.structured.schema import JSON_OBJECT
from app.tool_calls import ToolCall, ToolDefinition
from model_manager.disk.json_file import JsonError, from_json, to_json

MAX_BODY = 16 << 20
"""Bytes of a body: many times the longest contexts, or some pictures."""
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
    "functions": ([],),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),  # of a text completion
}
"""Fields that may have only these values, which don't change the answer."""
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": None,
}


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

    values = Fields.parse(body)
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
        values.take("model", "a text", is_text),
        tuple(text if isinstance(text, str) else text_of(text) for text in texts),
        encoding == "base64",
        values.take("dimensions", "a whole number above 0", lambda value: is_whole(value, 1, math.inf), None),
    )
    values.finish()
    return call


def _are_tokens(value: object) -> bool:
    return isinstance(value, list) and all(is_whole(token, 0, COUNT - 1) for token in value)


def parse_tokenize_call(body: bytes) -> tuple[str, bool, bool]:
    """Parse the body of a request for tokens, in llama-server's format.

    Returns the text, whether special tokens in it are recognised, and whether BOS and EOS are added.  Raises
    ``ApiError`` with status 400.
    """
    values = Fields.parse(body)
    text = values.take("content", "a text", is_text)
    special = values.take("parse_special", "true or false", is_flag, True)
    with_ends = values.take("add_special", "true or false", is_flag, False)
    values.finish((), {"with_pieces": (False,)})
    return text, special, with_ends


@dataclass(frozen=True)
class Call:
    """A request for an answer.  ``is_chat``: a conversation, else a text to continue."""

    request: ChatRequest
    is_chat: bool
    is_stream: bool = False
    includes_usage: bool = False
    """Whether a stream ends with the numbers of tokens."""
    tool_use: ToolUse = field(default_factory=ToolUse)


def parse_call(body: bytes, model: ServedModel, *, is_chat: bool) -> Call:
    """Parse the body of a chat or text completion.

    What a body leaves open is as in the settings of the program.

    Raises:
        ApiError: with status 400, or 404 for another model.
    """
    values = Fields.parse(body)
    name = values.take("model", "a text", is_text, model.id)
    if name != model.id:
        raise unknown_model(name, model)
    is_stream = values.take("stream", "true or false", is_flag, False)
    includes_usage = _includes_usage(values.take("stream_options", "an object", is_object, {}))
    sampling, controls = _sampling(values, model), _controls(values, is_chat=is_chat)
    use = ToolUse()
    if is_chat:
        messages, prefill = _messages(values.take("messages", "a list of messages", is_filled_list), model), ""
        use = _tool_use(values, model)
        schema = answer_schema(_json_schema(values), use, "response_format")
        sampling = replace(sampling, thinking=_thinking(values, model), json_schema=schema)
    else:
        messages, prefill = (), _prompt(values)
    values.finish(IGNORED, _ONLY)
    request = ChatRequest(messages, sampling, prefill, controls=controls, tools=use.tools)
    return Call(request, is_chat, is_stream, includes_usage, use)


def unknown_model(name: str, model: ServedModel) -> ApiError:
    """Return the error for the name of another model."""
    message = f"The model {repr(name)[:200]} isn't served here. Use {model.id!r}."
    return ApiError(404, message, param="model", code="model_not_found")


def answer_schema(schema: str, use: ToolUse, place: str) -> str:
    """Return the schema of an answer that is a call, or of one without tools.

    Raises:
        ApiError: with status 400, for a schema beside tools.
    """
    if schema and use.tools:
        message = f"{place} can't be combined with tools here. Leave out one of them, or choose no tool."
        raise ApiError(400, message, param=place, code="unsupported_parameter")
    return use.schema or schema


def _includes_usage(options: Mapping[str, Any]) -> bool:
    values = Fields(options, "stream_options.")
    includes_usage: bool = values.take("include_usage", "true or false", is_flag, False)
    values.take("include_obfuscation", "true or false", is_flag, False)
    values.finish()
    return includes_usage


def _sampling(values: Fields, model: ServedModel) -> Sampling:
    given = sampler_values(values, *parameters(SamplerParameters))
    limit = values.take(
        "max_tokens",
        "a whole number above 0",
        lambda value: value == -1 or is_whole(value, 1, math.inf),
        0,
        "max_completion_tokens",
    )
    if limit:
        given["max_tokens"] = None if limit == -1 else min(limit, MAX_TOKENS)
    seed = values.take("seed", "a whole number", lambda value: is_whole(value, -math.inf, math.inf), None)
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


def sampler_values(values: Fields, *names: str) -> dict[str, Any]:
    """Take the samplers of these names."""
    given: dict[str, Any] = {}
    for name in names:
        declared = parameters(SamplerParameters)[name]
        expected = " or ".join(map(str, (*declared.choices, *declared.named_values)))
        if declared.maximum > declared.minimum:
            expected = f"a number from {declared.minimum:g} to {declared.maximum:g}{expected and f' or {expected}'}"
        alias = "repetition_penalty" if name == "repeat_penalty" else ""
        value = values.take(name, expected, declared.accepts, None, alias)
        if value is not None:
            given[name] = value
    return given


def _is_stop(value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    return len(texts) <= MAX_STOPS and all(
        isinstance(text, str) and 0 < len(text) <= MAX_STOP_CHARACTERS for text in texts
    )


def _controls(values: Fields, *, is_chat: bool) -> TokenControls:
    def is_count(value: object) -> bool:
        return is_whole(value, 0, MAX_LOGPROBS)

    top: int | None
    number = f"a whole number up to {MAX_LOGPROBS}"
    if is_chat:
        wants = values.take("logprobs", "true or false", is_flag, False)
        top = values.take("top_logprobs", f"{number}, together with logprobs", lambda v: wants and is_count(v), 0)
        top = top if wants else None
    else:
        top = values.take("logprobs", number, is_count, None)
    return TokenControls(
        logit_bias=_biases(values),
        top_logprobs=top,
    )


def _biases(values: Fields) -> tuple[tuple[int, float], ...]:
    def is_valid(value: object) -> bool:
        return (
            isinstance(value, dict)
            and len(value) <= MAX_BIASES
            and all(name.isdecimal() and len(name) < 10 and is_number(bias, -100, 100) for name, bias in value.items())
        )

    expected = f"an object of up to {MAX_BIASES} numbers of tokens, each with a number from -100 to 100"
    biases = values.take("logit_bias", expected, is_valid, {})
    return tuple((int(token), float(bias)) for token, bias in biases.items())


def _thinking(values: Fields, model: ServedModel) -> str:
    choices = {"none": "off"} | {choice: choice for choice in model.thinking if choice not in ("on", "off")}
    effort = values.take(
        "reasoning_effort", f"one of {', '.join(choices)} for this model", lambda v: is_text(v) and v in choices, ""
    )
    template = Fields(values.take("chat_template_kwargs", "an object", is_object, {}), "chat_template_kwargs.")
    expected = "true or false, for models with this switch"
    is_on = template.take("enable_thinking", expected, lambda v: is_flag(v) and (not v or "on" in model.thinking), None)
    template.finish()
    thinking = choices.get(effort, "" if is_on is None else "on" if is_on else "off")
    # A model without this switch doesn't think anyway.
    return "" if thinking == "off" and "off" not in model.thinking else thinking


def _json_schema(values: Fields) -> str:
    """Return the schema of the answer as text; it is checked where it is used."""
    kinds = ("text", "json_object", "json_schema")

    def is_valid(value: object) -> bool:
        return isinstance(value, dict) and value.get("type") in kinds

    wanted = Fields(values.take("response_format", f"an object of type {', '.join(kinds)}", is_valid, {}))
    kind = wanted.take("type", "a text", is_text, "text")
    if kind == "json_schema":
        schema = Fields(wanted.take("json_schema", "an object", is_object), "response_format.json_schema.")
        text = to_json(schema.take("schema", "an object", is_object)).decode()
        for name, expected, is_right in (
            ("name", "a text", is_text),
            ("description", "a text", is_text),
            # An answer is always valid.
            ("strict", "true or false", is_flag),
        ):
            schema.take(name, expected, is_right, None)
        schema.finish()
    wanted.finish()
    return text if kind == "json_schema" else JSON_OBJECT if kind == "json_object" else ""


def _prompt(values: Fields) -> str:
    def is_valid(value: object) -> bool:
        texts = value if isinstance(value, list) else [value]
        return len(texts) == 1 and isinstance(texts[0], str) and bool(texts[0])

    prompt = values.take("prompt", "a text that is not empty", is_valid)
    return prompt[0] if isinstance(prompt, list) else str(prompt)


def _tool_use(values: Fields, model: ServedModel) -> ToolUse:
    def is_choice(value: object) -> bool:
        return value in ("none", "auto", "required") or is_object(value)

    tools = values.take("tools", f"a list of up to {MAX_TOOLS} tools", are_tools, [])
    definitions = [_tool(Fields(each, f"tools[{number}]."), number) for number, each in enumerate(tools)]
    chosen = values.take("tool_choice", "none, auto, required, or an object with a function", is_choice, None)
    if isinstance(chosen, dict):
        choice = Fields(chosen, "tool_choice.")
        choice.take("type", "function", lambda value: value == "function")
        function = Fields(choice.take("function", "an object", is_object), "tool_choice.function.")
        chosen = f"={function.take('name', 'a text', is_text)}"
        function.finish()
        choice.finish()
    is_parallel = values.take("parallel_tool_calls", "true or false", is_flag, True)
    return tool_use(definitions, chosen, model, is_parallel=is_parallel)


def _tool(values: Fields, number: int) -> ToolDefinition:
    values.take("type", "function", lambda value: value == "function")
    place = f"tools[{number}].function."
    function = Fields(values.take("function", "an object", is_object), place)
    tool = definition(
        function.take("name", "a text", is_text),
        function.take("description", "a text", is_text, ""),
        function.take("parameters", "an object", is_object, {}),
        place,
    )
    # Arguments follow their schema strictly where a call is required; else as far as the model writes them so.
    function.take("strict", "true or false", is_flag, None)
    function.finish()
    values.finish()
    return tool


def _messages(messages: list[Any], model: ServedModel) -> tuple[PromptMessage, ...]:
    turns = Turns()
    for number, message in enumerate(messages):
        _add_message(turns, message, model, f"messages[{number}]")
    prompt = turns.finish()
    check_count(prompt)
    return prompt


def _add_message(turns: Turns, message: Any, model: ServedModel, place: str) -> None:
    if not isinstance(message, dict):
        raise ApiError(400, f"{place} must be an object.", param=place)
    values = Fields({name: value for name, value in message.items() if value != []}, f"{place}.")
    role = _ROLES[values.take("role", f"one of {', '.join(_ROLES)}", lambda value: is_text(value) and value in _ROLES)]
    is_answer = role is Role.ASSISTANT
    # Clients return answers as they got them, with fields that are empty.
    content = values.take("content", "a text or parts of type text or image_url", _is_content, "" if is_answer else ...)
    text, urls = _text(content), _picture_urls(content)
    if urls and role is not Role.USER:
        raise ApiError(400, f"{place}.content may have pictures in the user's messages only.", param=f"{place}.content")
    pictures = tuple(picture_of(each, model, f"{place}.content") for each in urls)
    thought = values.take("reasoning_content", "a text", is_text, "") if is_answer else ""
    calls = values.take("tool_calls", "a list of calls", _are_calls, ()) if is_answer else ()
    if role is None:
        id_ = values.take("tool_call_id", "a text", is_text)
        values.take("name", "a text", is_text, "")
        turns.add_result(id_, text, place)
    elif calls:
        turns.add_calls(text, thought, [_call(each, f"{place}.tool_calls") for each in calls], place)
    else:
        turns.add(PromptMessage(role, text, thought=thought, pictures=pictures), place)
    values.finish()


def _are_calls(value: object) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_TOOLS and all(map(is_object, value))


def _call(call: Mapping[str, Any], place: str) -> tuple[str, ToolCall]:
    values = Fields({name: value for name, value in call.items() if name != "index"}, f"{place}.")
    id_ = values.take("id", "a text", is_text)
    values.take("type", "function", lambda value: value == "function", None)
    function = Fields(values.take("function", "an object", is_object), f"{place}.function.")
    name, text = function.take("name", "a text", is_text), function.take("arguments", "a text", is_text, "")
    function.finish()
    values.finish()
    try:
        return id_, ToolCall(name, from_json(text.encode("utf-8", "surrogatepass") or b"{}", dict[str, Any]))
    except JsonError:
        message = f"{place}.function.arguments must be the text of a JSON object."
        raise ApiError(400, message, param=f"{place}.function.arguments") from None


def _is_content(content: object) -> bool:
    return isinstance(content, str) or (isinstance(content, list) and all(map(_is_part, content)))


def _is_part(part: object) -> bool:
    if not isinstance(part, dict):
        return False
    if part.get("type") == "text":
        return part.keys() == {"type", "text"} and is_text(part["text"])
    image = part.get("image_url")
    return (
        part.keys() == {"type", "image_url"}
        and part["type"] == "image_url"
        and isinstance(image, dict)
        and is_text(image.get("url"))
        and image.keys() <= {"url", "detail"}
    )


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content if "text" in part)


def _picture_urls(content: str | list[dict[str, Any]]) -> list[str]:
    return [] if isinstance(content, str) else [part["image_url"]["url"] for part in content if "image_url" in part]
