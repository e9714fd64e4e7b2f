"""The parts of an answer: thoughts, text and calls of tools, whatever format the reply to the request has."""

from __future__ import annotations

from dataclasses import dataclass

from app.backend import AnswerFinished, ChatEvent, ContextFitted, PromptProgress, TextDelta, ToolsCalled
from app.local_server.request import Call
from app.local_server.tools import forced_call
from app.thoughts import ThoughtSplitter
from app.tool_calls import ToolCall


@dataclass(frozen=True)
class Part:
    """What an event adds to an answer."""

    thought: str = ""
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class AnswerReader:
    """Reads an answer from the events of its backend, and keeps it as a whole."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._splitter = ThoughtSplitter()
        self._forced: list[str] = []
        """The answer so far, where it must be a call."""
        self._called: tuple[ToolCall, ...] = ()
        self._parts: list[Part] = []
        self.prompt_tokens = self.reused = 0
        """Of the prompt: its tokens, and those of them that were in the KV cache."""

    @property
    def thought(self) -> str:
        """The thoughts so far."""
        return "".join(each.thought for each in self._parts)

    @property
    def text(self) -> str:
        """The text so far."""
        text = "".join(each.text for each in self._parts)
        return text.rstrip() if self.calls else text

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls, once the answer has ended."""
        return tuple(call for each in self._parts for call in each.calls)

    def add(self, event: ChatEvent) -> Part:
        """Add an event; return what it adds to the answer."""
        part = Part()
        match event:
            case ContextFitted():
                self.prompt_tokens = event.prompt_tokens
            case PromptProgress():
                self.prompt_tokens, self.reused = event.total, event.reused
            case TextDelta():
                part = self._part(*(self._splitter.add(event.text) if self._call.is_chat else ("", event.text)))
            case ToolsCalled():
                self._called = event.calls
            case AnswerFinished():
                part = self._part(*self._splitter.finish())
                # The last call of an answer that was cut can lack arguments.
                part = Part(part.thought, part.text, self._made() if event.finish_reason == "stop" else ())
        if part != Part():
            self._parts.append(part)
        return part

    def _part(self, thought: str, text: str) -> Part:
        if self._call.tool_use.schema:
            self._forced.append(text)
            text = ""
        return Part(thought, text)

    def _made(self) -> tuple[ToolCall, ...]:
        forced = forced_call("".join(self._forced)) if self._call.tool_use.schema else None
        calls = self._called if forced is None else (forced,)
        return calls if self._call.tool_use.is_parallel else calls[:1]
