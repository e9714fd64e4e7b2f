"""Tools in requests: their definitions, the choice between them, and calls with their results among the messages.

The formats of OpenAI and Anthropic are read in ``request`` and ``messages_request``; this module has what they share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.backend import PromptMessage
from app.conversation import Role
from app.local_server.fields import ApiError, is_object
from app.local_server.model import ServedModel
from app.messages import sentence
from app.structured.schema import schema_grammar
from app.tool_calls import ToolCall, ToolDefinition, ToolStep
from model_manager.disk.json_file import to_json
from model_manager.errors import UserError

MAX_TOOLS = 256
_NAME = re.compile(r"[\w.:-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class ToolUse:
    """The tools of a request, and which calls its answer may have."""

    tools: tuple[ToolDefinition, ...] = ()
    schema: str = ""
    """Of an answer that must be a call: an object with ``name`` and ``arguments``; empty where a call is optional."""
    is_parallel: bool = True
    """Whether an answer may have several calls."""


def tool_use(tools: Sequence[ToolDefinition], chosen: str | None, model: ServedModel, *, is_parallel: bool) -> ToolUse:
    """Return the use of tools by an answer.

    ``chosen`` is ``auto``, ``none``, ``required``, or ``=NAME`` for a certain tool; None for the default.

    Raises:
        ApiError: with status 400.
    """
    names = [each.name for each in tools]
    if len(set(names)) < len(names):
        raise ApiError(400, "Two tools have the same name.", param="tools")
    if chosen == "none" or not tools:
        if chosen not in (None, "none", "auto"):
            raise ApiError(400, "tool_choice needs tools.", param="tool_choice")
        return ToolUse()
    if not model.knows_tools:
        message = (
            f"{model.id} can't call tools: its chat template doesn't have them. Leave out tools, or use another model."
        )
        raise ApiError(400, message, param="tools", code="tools_not_supported")
    if chosen in (None, "auto"):
        return ToolUse(tuple(tools), is_parallel=is_parallel)
    asked = [each for each in tools if chosen == "required" or chosen == f"={each.name}"]
    if not asked:
        raise ApiError(400, "tool_choice names none of the tools.", param="tool_choice")
    schema = to_json({"anyOf": [_call_schema(each, number) for number, each in enumerate(asked)]}).decode()
    try:
        schema_grammar(schema)
    except UserError as error:
        raise ApiError(400, sentence(error), param="tools", code=error.code) from error
    return ToolUse(tuple(tools), schema)


def are_tools(value: object) -> bool:
    """Return whether a value is a list of objects, at most ``MAX_TOOLS``."""
    return isinstance(value, list) and len(value) <= MAX_TOOLS and all(map(is_object, value))


def definition(name: Any, description: Any, schema: Any, place: str) -> ToolDefinition:
    """Return a tool.  Raises ``ApiError`` where its name can't be one."""
    if not _NAME.fullmatch(name):
        message = f"{place}name must be up to 128 letters, digits, and the characters . : _ -"
        raise ApiError(400, f"{message}.", param=f"{place}name")
    return ToolDefinition(name, description, schema or {"type": "object", "properties": {}})


def forced_call(text: str) -> ToolCall | None:
    """Return the call that an answer by ``ToolUse.schema`` is; None where it was cut."""
    try:
        value = json.loads(text)
        return ToolCall(value["name"], value["arguments"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


class Turns:
    """The messages of a request.  Calls and their results become steps of the answers that made them."""

    def __init__(self) -> None:
        self._messages: list[PromptMessage] = []
        self._waiting: dict[str, int] = {}
        """Places in the last step of the calls that have no result yet, by their ids."""

    def add(self, message: PromptMessage, place: str) -> None:
        """Add a message without calls."""
        self._require_results(place)
        last = self._messages[-1] if self._messages else None
        if message.role is Role.ASSISTANT and last is not None and last.steps and not (last.content or last.thought):
            self._messages[-1] = replace(message, steps=last.steps)
        else:
            self._messages.append(message)

    def add_calls(self, text: str, thought: str, calls: Sequence[tuple[str, ToolCall]], place: str) -> None:
        """Add an answer that ends with calls, each with its id."""
        ids = [id_ for id_, _ in calls]
        if len(set(ids)) < len(ids):
            raise ApiError(400, f"Two calls in {place} have the same id.", param=place)
        step = ToolStep(tuple(call for _, call in calls), text, thought)
        self.add(PromptMessage(Role.ASSISTANT, "", steps=()), place)
        self._messages[-1] = replace(self._messages[-1], steps=(*self._messages[-1].steps, step))
        self._waiting = {id_: number for number, id_ in enumerate(ids)}

    def add_result(self, id_: str, result: str, place: str) -> None:
        """Add the result of the call with this id."""
        number = self._waiting.pop(id_, None)
        if number is None:
            raise ApiError(400, f"{place} is no result of a call in the answer before it.", param=place)
        *steps, step = self._messages[-1].steps
        calls = [*step.calls]
        calls[number] = replace(calls[number], result=result)
        self._messages[-1] = replace(self._messages[-1], steps=(*steps, replace(step, calls=tuple(calls))))

    def finish(self) -> tuple[PromptMessage, ...]:
        """Return the messages."""
        self._require_results("messages")
        return tuple(self._messages)

    def _require_results(self, place: str) -> None:
        if self._waiting:
            message = f"The call {next(iter(self._waiting))[:100]!r} needs its result before {place}."
            raise ApiError(400, message, param=place)


def _call_schema(tool: ToolDefinition, number: int) -> dict[str, Any]:
    arguments = _rebased(tool.schema, f"#/anyOf/{number}/properties/arguments")
    properties = {"name": {"const": tool.name}, "arguments": arguments}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _rebased(value: Any, root: str) -> Any:
    """Return a schema whose references to its own root lead to the place where it is put."""
    if isinstance(value, dict):
        return {
            name: f"{root}{each[1:]}"
            if name == "$ref" and isinstance(each, str) and each.startswith("#")
            else _rebased(each, root)
            for name, each in value.items()
        }
    return [_rebased(each, root) for each in value] if isinstance(value, list) else value
