"""Answers in OpenAI's format, whole or as the events of a stream."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from app.backend import AnswerFinished, ChatEvent, TextDelta, TokenProbability
from app.conversation import STOP_SEQUENCE
from app.engine.protocol import Embeddings
from app.local_server.answer import AnswerReader, Part
from app.local_server.fields import ApiError
from app.local_server.request import Call, EmbeddingCall
from app.tool_calls import ToolCall
from model_manager.disk.json_file import to_json


class Reply:
    """The answer to one call, from the events of its backend."""

    end = b"data: [DONE]\n\n"
    """Behind the events of a stream."""

    def __init__(self, call: Call, model_id: str) -> None:
        self._call = call
        kind, name = ("chatcmpl", "chat.completion") if call.is_chat else ("cmpl", "text_completion")
        self._head = {
            "id": f"{kind}-{uuid.uuid4().hex}",
            "object": name,
            "created": int(time.time()),
            "model": model_id,
        }
        self._answer = AnswerReader(call)
        self._probabilities: list[tuple[TokenProbability, ...]] = []
        self._offset = len(call.request.prefill)
        """Characters before the next token, in text completions."""

    def add(self, event: ChatEvent) -> list[dict[str, Any]]:
        """Add an event; return the events of a stream that it becomes."""
        part = self._answer.add(event)
        match event:
            case TextDelta():
                # Tokens of thoughts are not part of the answer.
                return self._pieces(part, () if part.thought and not part.text else event.probabilities)
            case AnswerFinished():
                pieces = self._pieces(part, ())
                pieces.append(self._event(self._choice({}, "", (), self._reason(event))))
                if self._call.includes_usage:
                    pieces.append(self._event(None, self._usage(event)))
                return pieces
        return []

    def whole(self, finished: AnswerFinished) -> dict[str, Any]:
        """Return the answer as one object, after all events were added."""
        text, thought, calls = self._answer.text, self._answer.thought, self._answer.calls
        if self._call.is_chat:
            message: dict[str, Any] = {"role": "assistant", "content": None if calls and not text else text}
            message |= {"refusal": None} | ({"reasoning_content": thought} if thought else {})
            message |= {"tool_calls": list(map(_call_object, calls))} if calls else {}
            choice: dict[str, Any] = {"message": message}
        else:
            choice = {"text": text}
        self._offset = len(self._call.request.prefill)
        logprobs = self._logprobs(self._probabilities)
        choice = {"index": 0, **choice, "logprobs": logprobs, "finish_reason": self._reason(finished)}
        return {**self._head, "choices": [choice], "usage": self._usage(finished)}

    def first(self) -> list[dict[str, Any]]:
        """Return the events at the beginning of a stream."""
        return [self._event(self._choice({"role": "assistant", "content": ""}, "", ()))] if self._call.is_chat else []

    def encode(self, *events: object) -> bytes:
        """Return the bytes of events of a stream."""
        return b"".join(b"data: %s\n\n" % to_json(event) for event in events)

    def error(self, error: ApiError) -> bytes:
        """Return the last event of a stream that failed."""
        return self.encode(error.body())

    def keep_alive(self, note: str) -> bytes:
        """Return what a stream sends that has nothing else to say."""
        return f": {note}\n\n".encode()

    def _pieces(self, part: Part, probabilities: Sequence[tuple[TokenProbability, ...]]) -> list[dict[str, Any]]:
        self._probabilities += probabilities
        pieces = [self._event(self._choice({"reasoning_content": part.thought}, "", ()))] if part.thought else []
        if part.text or probabilities:
            pieces.append(self._event(self._choice({"content": part.text}, part.text, probabilities)))
        for number, call in enumerate(part.calls):
            pieces.append(self._event(self._choice({"tool_calls": [{"index": number, **_call_object(call)}]}, "", ())))
        return pieces

    def _event(self, choice: dict[str, Any] | None, usage: dict[str, Any] | None = None) -> dict[str, Any]:
        head = {**self._head, "object": "chat.completion.chunk"} if self._call.is_chat else self._head
        event: dict[str, Any] = {**head, "choices": [] if choice is None else [choice]}
        return event | ({"usage": usage} if self._call.includes_usage else {})

    def _choice(
        self,
        delta: dict[str, Any],
        text: str,
        probabilities: Sequence[tuple[TokenProbability, ...]],
        reason: str | None = None,
    ) -> dict[str, Any]:
        content = {"delta": delta} if self._call.is_chat else {"text": text}
        return {"index": 0, **content, "logprobs": self._logprobs(probabilities), "finish_reason": reason}

    def _logprobs(self, tokens: Sequence[tuple[TokenProbability, ...]]) -> dict[str, Any] | None:
        if not tokens or self._call.request.controls.top_logprobs is None:
            return None
        if self._call.is_chat:
            return {"content": [{**_entry(own), "top_logprobs": list(map(_entry, top))} for own, *top in tokens]}
        texts = [_entry(own)["token"] for own, *_ in tokens]
        *offsets, self._offset = accumulate(map(len, texts), initial=self._offset)
        return {
            "text_offset": offsets,
            "tokens": texts,
            "token_logprobs": [own.logprob for own, *_ in tokens],
            "top_logprobs": [{_entry(each)["token"]: each.logprob for each in top} for _, *top in tokens],
        }

    def _usage(self, finished: AnswerFinished) -> dict[str, Any]:
        prompt, answer = finished.prompt_tokens, finished.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": self._answer.reused},
        }

    def _reason(self, finished: AnswerFinished) -> str:
        # OpenAI's API has no other word for an answer that was cut.
        cut = "length" if finished.finish_reason == STOP_SEQUENCE else finished.finish_reason
        return "tool_calls" if self._answer.calls else cut


def embedding_object(call: EmbeddingCall, embeddings: Embeddings) -> dict[str, Any]:
    """Return the embeddings as one object."""
    size = embeddings.dimension * 4
    vectors: list[Any] = embeddings.rows()
    if call.is_base64:
        data = embeddings.vectors
        vectors = [base64.b64encode(data[start : start + size]).decode() for start in range(0, len(data), size)]
    entries = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    tokens = sum(embeddings.tokens)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": entries, "model": call.model, "usage": usage}


def _call_object(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": to_json(call.arguments).decode()}
    return {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}


def _entry(token: TokenProbability) -> dict[str, Any]:
    text = token.data.decode(errors="replace")
    return {"token": text, "logprob": token.logprob, "bytes": list(token.data)}
