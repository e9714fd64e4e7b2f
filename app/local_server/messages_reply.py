"""Answers in the format of Anthropic's Messages API, whole or as the events of a stream.

Streams: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import uuid
from typing import Any

from app.backend import AnswerFinished, ChatEvent
from app.local_server.answer import AnswerReader
from app.local_server.fields import ApiError
from app.local_server.request import Call
from app.tool_calls import ToolCall
from model_manager.disk.json_file import to_json


class MessagesReply:
    """The answer to one call, from the events of its backend."""

    end = b""
    """Behind the events of a stream."""

    def __init__(self, call: Call, model_id: str) -> None:
        self._answer = AnswerReader(call)
        self._head = {"id": f"msg_{uuid.uuid4().hex}", "type": "message", "role": "assistant", "model": model_id}
        self._open = ""
        """Type of the block of the stream that is not ended."""
        self._blocks = 0

    def add(self, event: ChatEvent) -> list[dict[str, Any]]:
        """Add an event; return the events of a stream that it becomes."""
        part = self._answer.add(event)
        events = self._delta("thinking", part.thought) + self._delta("text", part.text)
        for call in part.calls:
            events += self._close()
            events.append(self._begin({**_call_object(call), "input": {}}))
            json_delta = {"type": "input_json_delta", "partial_json": to_json(call.arguments).decode()}
            events.append({"type": "content_block_delta", "index": self._blocks, "delta": json_delta})
            events += self._close()
        if isinstance(event, AnswerFinished):
            events += self._close()
            events.append({"type": "message_delta", "delta": self._stop(event), "usage": self._usage(event)})
            events.append({"type": "message_stop"})
        return events

    def whole(self, finished: AnswerFinished) -> dict[str, Any]:
        """Return the answer as one object, after all events were added."""
        content: list[dict[str, Any]] = []
        if thought := self._answer.thought:
            content.append({"type": "thinking", "thinking": thought, "signature": ""})
        if text := self._answer.text:
            content.append({"type": "text", "text": text})
        content += map(_call_object, self._answer.calls)
        return {**self._head, "content": content, **self._stop(finished), "usage": self._usage(finished)}

    def first(self) -> list[dict[str, Any]]:
        """Return the events at the beginning of a stream."""
        nothing: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None}
        message = {**self._head, **nothing, "usage": self._usage(None)}
        return [{"type": "message_start", "message": message}]

    def encode(self, *events: dict[str, Any]) -> bytes:
        """Return the bytes of events of a stream."""
        return b"".join(b"event: %s\ndata: %s\n\n" % (each["type"].encode(), to_json(each)) for each in events)

    def error(self, error: ApiError) -> bytes:
        """Return the last event of a stream that failed."""
        return self.encode(error.anthropic_body())

    def keep_alive(self, _note: str) -> bytes:
        """Return what a stream sends that has nothing else to say."""
        return self.encode({"type": "ping"})

    def _delta(self, kind: str, text: str) -> list[dict[str, Any]]:
        if not text:
            return []
        events = []
        if self._open != kind:
            events = [*self._close(), self._begin({"type": kind, kind: "", **_signature(kind)})]
        delta = {"type": f"{kind}_delta", kind: text}
        return [*events, {"type": "content_block_delta", "index": self._blocks, "delta": delta}]

    def _begin(self, block: dict[str, Any]) -> dict[str, Any]:
        self._open = block["type"]
        return {"type": "content_block_start", "index": self._blocks, "content_block": block}

    def _close(self) -> list[dict[str, Any]]:
        if not self._open:
            return []
        self._open, self._blocks = "", self._blocks + 1
        return [{"type": "content_block_stop", "index": self._blocks - 1}]

    def _stop(self, finished: AnswerFinished) -> dict[str, Any]:
        if self._answer.calls:
            return {"stop_reason": "tool_use", "stop_sequence": None}
        if finished.stop_string:
            return {"stop_reason": "stop_sequence", "stop_sequence": finished.stop_string}
        return {"stop_reason": "end_turn" if finished.finish_reason == "stop" else "max_tokens", "stop_sequence": None}

    def _usage(self, finished: AnswerFinished | None) -> dict[str, Any]:
        prompt = finished.prompt_tokens if finished else self._answer.prompt_tokens
        return {
            "input_tokens": max(0, prompt - self._answer.reused),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": self._answer.reused,
            "output_tokens": finished.completion_tokens if finished else 0,
        }


def _signature(kind: str) -> dict[str, str]:
    return {"signature": ""} if kind == "thinking" else {}


def _call_object(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": call.name, "input": call.arguments}
