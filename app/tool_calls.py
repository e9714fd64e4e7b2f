"""Calls of tools: as values, and as the Markdown in which an answer keeps them.

All that a model wrote before its last call is kept as thoughts in the stored answer, with each call and its result as a
block of code in a special language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.conversation import THOUGHT_CLOSE, THOUGHT_OPEN
from app.thoughts import split_thought

CALL, RESULT, FAILED = "tool-call", "tool-result", "tool-error"
"""Languages of the blocks."""
LINE = 100
"""Characters of a call that is written in one line."""
_BLOCK = re.compile(rf"^(`{{3,}})({CALL}|{RESULT}|{FAILED})\n(.*?)^\1[ \t]*(?:\n+|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class ToolDefinition:
    """A tool as it is offered to a model; ``schema`` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=dict)

    def to_openai(self) -> dict[str, Any]:
        """Return it in the format of OpenAI's API, which chat templates expect."""
        function = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": function}


@dataclass(frozen=True)
class ToolCall:
    """A call; ``result`` is None until it was made."""

    name: str
    arguments: dict[str, Any]
    result: str | None = None
    has_failed: bool = False


@dataclass(frozen=True)
class ToolStep:
    """What a model wrote, and the calls that it ended with."""

    calls: tuple[ToolCall, ...]
    text: str = ""
    thought: str = ""

    @property
    def whole_text(self) -> str:
        """All its text, as for an estimate of its tokens."""
        calls = (f"{each.name} {each.arguments} {each.result}" for each in self.calls)
        return "\n".join((self.thought, self.text, *calls))


def call_block(call: ToolCall) -> str:
    """Return the Markdown of a call without its result."""
    value = {"name": call.name, "arguments": call.arguments}
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= LINE else json.dumps(value, ensure_ascii=False, indent=2)
    return _fenced(CALL, text.replace(THOUGHT_CLOSE, THOUGHT_CLOSE.replace("/", "\\u002f")))


def result_block(call: ToolCall) -> str:
    """Return the Markdown of the result of a call."""
    return _fenced(FAILED if call.has_failed else RESULT, _within_thought(call.result or ""))


def split_steps(content: str) -> tuple[tuple[ToolStep, ...], str, str]:
    """Return the steps of a stored answer, their text, which is an open thought, and the answer after them.

    The text before a call is a thought there: whether a model repeats it is up to its chat template.
    """
    thought, has_ended, answer = split_thought(content)
    if answer == content or f"```{CALL}\n" not in thought:
        return (), "", content
    steps: list[ToolStep] = []
    calls: list[ToolCall] = []
    text, place, answered = "", 0, 0
    for block in _BLOCK.finditer(thought):
        between, place = thought[place : block.start()].strip(), block.end()
        if block[2] == CALL:
            if answered or (between and calls):
                steps.append(ToolStep(tuple(calls), thought=text))
                calls, text, answered = [], "", 0
            if (call := _parsed(block[3])) is not None:
                calls.append(call)
                text = text or between
        elif answered < len(calls):
            call = calls[answered]
            calls[answered] = ToolCall(call.name, call.arguments, block[3].removesuffix("\n"), block[2] == FAILED)
            answered += 1
    if calls:
        steps.append(ToolStep(tuple(calls), thought=text))
    rest, answer = thought[place:].strip("\n"), answer.lstrip("\n")
    if rest.strip():
        answer = f"{THOUGHT_OPEN}\n{rest}" + (f"\n{THOUGHT_CLOSE}\n\n{answer}" if has_ended else "")
    return tuple(steps), THOUGHT_OPEN + thought[:place], answer


def folded(before: str, written: str) -> str:
    """Return the thought, still open, of an answer that goes on with tools.

    ``before`` is the open thought of the steps so far, ``written`` what the model wrote since.
    """
    thought, _, answer = split_thought(written)
    parts = (before or THOUGHT_OPEN, thought, _within_thought(answer))
    return "\n\n".join(filter(None, (part.strip("\n") for part in parts))) + "\n\n"


def pending(steps: Sequence[ToolStep]) -> tuple[ToolCall, ...]:
    """Return the calls of the last step that were not made."""
    return tuple(each for each in steps[-1].calls if each.result is None) if steps else ()


def _parsed(text: str) -> ToolCall | None:
    try:
        value = json.loads(text)
        name, arguments = value["name"], value["arguments"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return ToolCall(name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None


def _within_thought(text: str) -> str:
    """Return a text without the tag that would end the thought around it: an invisible space divides it."""
    return text.replace(THOUGHT_CLOSE, THOUGHT_CLOSE.replace("/", "\u200b/"))


def _fenced(language: str, text: str) -> str:
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n\n"
