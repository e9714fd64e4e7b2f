"""An answer with tools: rounds of the model, between which the calls that it makes are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from app.backend import (
    AnswerFinished,
    ChatBackend,
    ChatEvent,
    ChatRequest,
    PromptMessage,
    TextDelta,
    TextReplaced,
    ToolsCalled,
    ToolStarted,
)
from app.chat import summaries
from app.conversation import THOUGHT_CLOSE, TOOLS_CALLED, Role
from app.thoughts import ThoughtSplitter, split_thought
from app.tool_calls import ToolCall, ToolDefinition, ToolStep, call_block, folded, pending, result_block, split_steps
from model_manager.cancellation import CancelToken

MAX_ROUNDS = 12
"""After so many the user is asked, whatever was allowed."""
DECLINED = "The user declined this call."
UNKNOWN = "There is no tool of this name."


class Decision(StrEnum):
    """What the user decided about calls that wait."""

    RUN = "run"
    ALWAYS = "always"
    """Also all later calls of these tools."""
    DECLINE = "decline"


class ToolProvider(Protocol):
    """The tools of the user's tool servers, for any thread."""

    def offer(self, servers: Sequence[str], token: CancelToken) -> tuple[ToolDefinition, ...]:
        """Connect the servers and return their tools.  Raises UserError, Cancelled."""
        ...

    def is_allowed(self, name: str) -> bool:
        """Return whether the user has allowed all calls of a tool."""
        ...

    def allow(self, name: str) -> None:
        """Allow all calls of a tool from now on.  Raises UserError."""
        ...

    def run(self, call: ToolCall, token: CancelToken) -> ToolCall:
        """Return a call with its result, which may be an error that the model gets.  Raises Cancelled."""
        ...


def stream(
    backend: ChatBackend,
    request: ChatRequest,
    provider: ToolProvider | None,
    token: CancelToken,
    *,
    decision: Decision | None = None,
) -> Iterator[ChatEvent]:
    """Stream an answer, and run the tools that it calls.

    Calls that the user has not allowed end it with the finish reason ``TOOLS_CALLED``.  ``decision`` is what the
    user decided about those of an answer that goes on; None asks again.

    Raises:
        UserError: as ``summaries.stream`` and ``ToolProvider.offer``.
        Cancelled: ``token`` was cancelled.
    """
    steps, before, rest = split_steps(request.prefill)
    sampling = request.sampling
    tools: tuple[ToolDefinition, ...] = ()
    if provider is not None and sampling.tools and not (sampling.json_schema or sampling.grammar):
        yield ToolStarted(", ".join(sampling.tools))
        tools = provider.offer(sampling.tools, token)
    box = _ToolBox(provider, tools)
    finished = AnswerFinished(TOOLS_CALLED, 0, 0, None, None, None)
    for number in range(MAX_ROUNDS + 1):
        if waiting := pending(steps):
            if decision is None and (number == MAX_ROUNDS or not all(map(box.is_allowed, waiting))):
                break
            made = [each for each in steps[-1].calls if each.result is not None]
            for call in waiting:
                yield ToolStarted(call.name)
                made.append(box.run(call, token, decision))
                before += result_block(made[-1])
                yield TextDelta(result_block(made[-1]), finished.completion_tokens, 0)
            steps, decision = (*steps[:-1], replace(steps[-1], calls=tuple(made))), None
        messages = request.messages
        if steps:
            messages = (*messages, PromptMessage(Role.ASSISTANT, "", steps=steps))
        opened = replace(request, messages=messages, prefill=rest, tools=tools)
        round_ = _Round(before, rest)
        for event in summaries.stream(backend, opened, token):
            if isinstance(event, TextDelta):
                text = round_.add(event.text)
                yield replace(event, text=text, tokens=finished.completion_tokens + event.tokens)
            elif isinstance(event, ToolsCalled):
                round_.calls = event.calls
            elif isinstance(event, AnswerFinished):
                finished = replace(event, completion_tokens=finished.completion_tokens + event.completion_tokens)
            else:
                yield event
        if not round_.calls:
            if end := round_.end():
                yield TextDelta(end, finished.completion_tokens, 0)
            break
        thought, _, answer = split_thought(round_.written)
        steps = (*steps, ToolStep(round_.calls, answer.strip(), thought.strip()))
        before, rest = folded(before, round_.written) + "".join(map(call_block, round_.calls)), ""
        yield TextReplaced(before)
        finished = replace(finished, finish_reason=TOOLS_CALLED)
    yield finished


class _ToolBox:
    """The offered tools; a model may call others."""

    def __init__(self, provider: ToolProvider | None, tools: Sequence[ToolDefinition]) -> None:
        self._provider, self._names = provider, {each.name for each in tools}

    def is_allowed(self, call: ToolCall) -> bool:
        return self._provider is None or call.name not in self._names or self._provider.is_allowed(call.name)

    def run(self, call: ToolCall, token: CancelToken, decision: Decision | None) -> ToolCall:
        if self._provider is None or call.name not in self._names:
            return replace(call, result=UNKNOWN, has_failed=True)
        if decision is Decision.DECLINE:
            return replace(call, result=DECLINED, has_failed=True)
        if decision is Decision.ALWAYS:
            self._provider.allow(call.name)
        return self._provider.run(call, token)


class _Round:
    """What the model writes in one round; after steps, which are an open thought, its thoughts continue that."""

    def __init__(self, before: str, written: str) -> None:
        self.written = written
        self.calls: tuple[ToolCall, ...] = ()
        self._splitter = ThoughtSplitter() if before else None
        self._is_open = bool(before)
        if written:
            self._joined(written)

    def add(self, text: str) -> str:
        """Add text; return how it continues the stored answer."""
        self.written += text
        return self._joined(text)

    def end(self) -> str:
        """Return the end of a thought that has none."""
        if self._splitter is None:
            return ""
        thought, answer = self._splitter.finish()
        return self._closed(thought, answer) or (f"\n{THOUGHT_CLOSE}\n\n" if self._is_open else "")

    def _joined(self, text: str) -> str:
        return text if self._splitter is None else self._closed(*self._splitter.add(text))

    def _closed(self, thought: str, answer: str) -> str:
        if not (answer and self._is_open):
            return thought + answer
        self._is_open = False
        return f"{thought}\n{THOUGHT_CLOSE}\n\n{answer}"
