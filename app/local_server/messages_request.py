"""Requests of Anthropic's Messages API: a body becomes a ``Call``, as in ``request`` for OpenAI's.

The format is that of https://platform.claude.com/docs/en/api/messages.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.backend import ChatRequest, PromptMessage
from app.chat.prompt import default_sampling
from app.conversation import Picture, Role
from app.local_server.fields import ApiError, Fields, is_filled_list, is_flag, is_object, is_text, is_whole
from app.local_server.model import ServedModel
from app.local_server.pictures import check_count, picture_of
from app.local_server.request import (
    MAX_STOP_CHARACTERS,
    MAX_STOPS,
    MAX_TOKENS,
    SEEDS,
    Call,
    answer_schema,
    sampler_values,
    unknown_model,
)
from app.local_server.tools import MAX_TOOLS, Turns, are_tools, definition, tool_use
from app.sampling import Sampling
from app.tool_calls import ToolCall, ToolDefinition
from model_manager.disk.json_file import to_json

IGNORED = frozenset(
    {
        *("cache_control", "container", "context_management", "diagnostics", "inference_geo", "metadata"),
        *("service_tier", "speed", "user_profile_id", "workspace_id"),
    }
)
"""Fields that don't change the answer of a local model."""
_BILLING = "x-anthropic-billing-header:"
"""Begins a part of Claude Code's system prompt that is meant for Anthropic's server.  It differs in every request, so
that nothing after it could be reused from the KV cache (https://github.com/ggml-org/llama.cpp/pull/21793)."""
_SEEN, _UNSEEN = "[A picture, which is in the next message.]", "[A picture, which you can't see.]"
"""In place of a picture in the result of a tool."""
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.USER}
"""Chat templates have a system message at the beginning only; later ones become parts of the user's messages."""
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def parse_messages_call(body: bytes, model: ServedModel) -> Call:
    """Parse the body of a request for an answer.

    Names of Claude's models mean the local model, because programs made for Anthropic's API use some without asking.

    Raises:
        ApiError: with status 400, or 404 for another model.
    """
    values = Fields.parse(body)
    limit = values.take("max_tokens", "a whole number above 0", lambda value: is_whole(value, 1, float("inf")))
    is_stream = values.take("stream", "true or false", is_flag, False)
    sampling = replace(
        model.sampling,
        **sampler_values(values, "temperature", "top_p", "top_k"),
        max_tokens=min(limit, MAX_TOKENS),
        seed=random.getrandbits(32) % SEEDS,
        stop=tuple(values.take("stop_sequences", f"up to {MAX_STOPS} texts", _are_stops, [])),
    )
    call = _call(values, model, default_sampling(sampling, model.id))
    values.finish(IGNORED)
    return replace(call, is_stream=is_stream)


def parse_count_call(body: bytes, model: ServedModel) -> Call:
    """Parse the body of a request for the number of tokens.  Raises as ``parse_messages_call``."""
    values = Fields.parse(body)
    call = _call(values, model, model.sampling)
    values.finish(IGNORED | {"mcp_servers"})
    return call


def _call(values: Fields, model: ServedModel, sampling: Sampling) -> Call:
    name = values.take("model", "a text", is_text)
    if name != model.id and not name.startswith("claude"):
        raise unknown_model(name, model)
    system = values.take("system", "a text or parts of type text", _is_system, "")
    turns = Turns()
    if text := system if isinstance(system, str) else "\n\n".join(_system_texts(system)):
        turns.add(PromptMessage(Role.SYSTEM, text), "system")
    messages = values.take("messages", "a list of messages", is_filled_list)
    for number, message in enumerate(messages):
        _add_message(turns, message, model, f"messages[{number}]")
    prompt = turns.finish()
    check_count(prompt)
    prefill = ""
    if prompt[-1].role is Role.ASSISTANT and not prompt[-1].steps:
        # The answer goes on with this text.
        prefill, prompt = prompt[-1].content, prompt[:-1]
    if not any(each.role is Role.USER for each in prompt):
        raise ApiError(400, "messages needs a message of the user.", param="messages")
    tools = values.take("tools", f"a list of up to {MAX_TOOLS} tools", are_tools, [])
    definitions = [_tool(each, f"tools[{number}].") for number, each in enumerate(tools)]
    chosen, is_parallel = _choice(Fields(values.take("tool_choice", "an object", is_object, {}), "tool_choice."))
    use = tool_use(definitions, chosen, model, is_parallel=is_parallel)
    effort, schema = _output(Fields(values.take("output_config", "an object", is_object, {}), "output_config."))
    thinking = _thinking(values, model, effort)
    schema = answer_schema(schema, use, "output_config.format")
    request = ChatRequest(prompt, replace(sampling, thinking=thinking, json_schema=schema), prefill, tools=use.tools)
    return Call(request, is_chat=True, tool_use=use)


def _system_texts(parts: Sequence[Mapping[str, str]]) -> list[str]:
    return [each["text"] for each in parts if not each["text"].startswith(_BILLING)]


def _is_system(value: object) -> bool:
    return is_text(value) or (
        isinstance(value, list)
        and all(isinstance(each, dict) and each.get("type") == "text" and is_text(each.get("text")) for each in value)
    )


def _are_stops(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_STOPS
        and all(is_text(each) and 0 < len(each) <= MAX_STOP_CHARACTERS for each in value)
    )


def _tool(tool: Mapping[str, Any], place: str) -> ToolDefinition:
    values = Fields(tool, place)
    values.take("type", "custom: other tools are run by Anthropic's server", lambda value: value == "custom", None)
    found = definition(
        values.take("name", "a text", is_text),
        values.take("description", "a text", is_text, ""),
        values.take("input_schema", "an object", is_object),
        place,
    )
    # Arguments follow their schema strictly where a call is required; else as far as the model writes them so.
    values.take("strict", "true or false", is_flag, None)
    values.finish(IGNORED | {"defer_loading", "eager_input_streaming", "input_examples", "allowed_callers"})
    return found


def _choice(values: Fields) -> tuple[str | None, bool]:
    """Return the chosen tool as ``tool_use`` expects it, and whether an answer may have several calls."""
    kinds = (*_CHOICES, "tool")
    kind = values.take("type", f"one of {', '.join(kinds)}", lambda value: is_text(value) and value in kinds, None)
    name = values.take("name", "a text", is_text) if kind == "tool" else ""
    is_single = values.take("disable_parallel_tool_use", "true or false", is_flag, False)
    values.finish()
    return f"={name}" if kind == "tool" else _CHOICES.get(kind or ""), not is_single


def _output(values: Fields) -> tuple[str, str]:
    """Return the effort, and the schema of the answer as text; both empty where they are not given."""
    effort = values.take("effort", "a text", is_text, "")
    wanted = Fields(values.take("format", "an object", is_object, {}), "output_config.format.")
    kind = wanted.take("type", "json_schema", lambda value: value == "json_schema", None)
    schema = to_json(wanted.take("schema", "an object", is_object)).decode() if kind else ""
    wanted.finish()
    values.finish({"task_budget"})
    return effort, schema


def _thinking(values: Fields, model: ServedModel, effort: str) -> str:
    wanted = Fields(values.take("thinking", "an object", is_object, {}), "thinking.")
    kinds = ("enabled", "adaptive", "between_tools", "disabled")
    kind = wanted.take("type", f"one of {', '.join(kinds)}", lambda value: is_text(value) and value in kinds, None)
    # The local model decides how long it thinks.
    wanted.finish({"budget_tokens", "display"})
    switch = "off" if kind == "disabled" else "on" if kind else ""
    if switch != "off" and effort in model.thinking:
        return effort
    return switch if switch in model.thinking else ""


def _add_message(turns: Turns, message: Any, model: ServedModel, place: str) -> None:
    if not isinstance(message, dict):
        raise ApiError(400, f"{place} must be an object.", param=place)
    values = Fields(message, f"{place}.")
    role = values.take("role", f"one of {', '.join(_ROLES)}", lambda value: is_text(value) and value in _ROLES)
    content = values.take("content", "a text or a list of blocks", lambda value: is_text(value) or _is_list(value))
    values.finish()
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[tuple[str, ToolCall]] = []
    pictures: list[Picture] = []
    has_results = False
    for number, each in enumerate(blocks):
        block_place = f"{place}.content[{number}]"
        block = Fields(each if isinstance(each, dict) else {}, f"{block_place}.")
        kind = block.take("type", "a text", is_text)
        if kind == "text":
            texts.append(block.take("text", "a text", is_text))
            block.finish({"cache_control", "citations"})
        elif kind == "tool_result" and role == "user":
            has_results = True
            result = block.take("content", "a text or blocks of type text or image", _is_result, "")
            parts = [{"type": "text", "text": result}] if isinstance(result, str) else result
            text = "\n".join(part.get("text", _SEEN if model.reads_pictures else _UNSEEN) for part in parts)
            turns.add_result(block.take("tool_use_id", "a text", is_text), text, block_place)
            if model.reads_pictures:
                pictures += [_picture(part, model, block_place) for part in parts if part["type"] == "image"]
            block.finish({"cache_control", "is_error"})
        elif kind == "image" and role == "user":
            pictures.append(_picture(each, model, block_place))
        elif kind == "tool_use" and role == "assistant":
            call = ToolCall(block.take("name", "a text", is_text), block.take("input", "an object", is_object))
            calls.append((block.take("id", "a text", is_text), call))
            block.finish({"cache_control", "caller"})
        elif kind == "thinking" and role == "assistant":
            thoughts.append(block.take("thinking", "a text", is_text))
        elif kind != "redacted_thinking":
            message = f"{block_place}.type {kind[:100]!r} isn't supported here."
            raise ApiError(400, message, param=f"{block_place}.type", code="unsupported_parameter")
    text, thought = "\n\n".join(filter(None, texts)), "\n\n".join(thoughts)
    if calls:
        turns.add_calls(text, thought, calls, place)
    elif text or pictures or not has_results:
        turns.add(PromptMessage(_ROLES[role], text, thought=thought, pictures=tuple(pictures)), place)


def _picture(block: Mapping[str, Any], model: ServedModel, place: str) -> Picture:
    given = block.get("source")
    source = Fields(given if isinstance(given, dict) else {}, f"{place}.source.")
    source.take("type", "base64: pictures at addresses aren't fetched", lambda value: value == "base64")
    return picture_of(source.take("data", "a text", is_text), model, f"{place}.source.data")


def _is_result(value: object) -> bool:
    return is_text(value) or (
        isinstance(value, list)
        and all(
            isinstance(each, dict)
            and ((each.get("type") == "text" and is_text(each.get("text"))) or each.get("type") == "image")
            for each in value
        )
    )


def _is_list(value: object) -> bool:
    return isinstance(value, list)
