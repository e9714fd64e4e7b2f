"""Fitting of a conversation to the loaded context, with reuse of the cache."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from app.backend import (
    AnswerFinished,
    ChatEvent,
    ChatRequest,
    ContextFitted,
    ModelLoaded,
    PromptMessage,
    PromptProgress,
    TextDelta,
)
from app.backends import LocalBackend
from app.context import ContextPolicy
from app.conversation import Role
from app.sampling import Sampling
from app.services import Services
from model_manager.errors import UserError
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.tiny_model import write_tiny_model

CONTEXT = 512


def answered(services: Services, path: Path, request: ChatRequest, context: int = CONTEXT) -> list[ChatEvent]:
    source = LocalBackend(
        services,
        str(path),
        PlanOptions(context=context),
    )
    return list(source.stream(request))


def one(events: list[ChatEvent], kind: type) -> ChatEvent:
    return next(event for event in events if isinstance(event, kind))


def talk(services: Services, path: Path, turns: int) -> list[tuple[ContextFitted, PromptProgress, AnswerFinished]]:
    """A conversation of so many turns under the policy to roll; what each turn told."""
    messages: list[PromptMessage] = [PromptMessage(Role.SYSTEM, "Be short.")]
    reported: list[tuple[ContextFitted, PromptProgress, AnswerFinished]] = []
    left_out: tuple[str, ...] = ()
    for turn in range(turns):
        messages.append(PromptMessage(Role.USER, f"Question number {turn:02}?", f"q{turn}"))
        sampling = Sampling(temperature=0.0, seed=1, max_tokens=20)
        request = ChatRequest(tuple(messages), sampling, context_policy=ContextPolicy.ROLL, left_out=left_out)
        events = answered(services, path, request)
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        fitted, reading, finished = (one(events, kind) for kind in (ContextFitted, PromptProgress, AnswerFinished))
        assert isinstance(fitted, ContextFitted)
        assert isinstance(reading, PromptProgress)
        assert isinstance(finished, AnswerFinished)
        kinds = [type(event) for event in events]
        assert kinds.index(ModelLoaded) < kinds.index(ContextFitted) < kinds.index(PromptProgress)
        reported.append((fitted, reading, finished))
        messages.append(PromptMessage(Role.ASSISTANT, text, f"a{turn}"))
        left_out = fitted.left_out
    return reported


def test_long_conversation_rolls_in_steps_and_reuses_the_cache(services: Services, tmp_path: Path) -> None:
    reported = talk(services, write_tiny_model(tmp_path / "tiny.gguf"), 24)
    steps = 0
    for before, now in pairwise(reported):
        fitted, reading, finished = now
        # The number that is told is the number that was read.
        assert fitted.prompt_tokens == finished.prompt_tokens == reading.total
        assert fitted.prompt_tokens <= CONTEXT
        assert fitted.context == CONTEXT
        assert set(before[0].left_out) <= set(fitted.left_out)
        if fitted.left_out == before[0].left_out:
            assert reading.reused >= before[2].prompt_tokens
        else:
            steps += 1
            assert fitted.prompt_tokens <= 0.8 * CONTEXT
            # The system prompt at least is kept; what follows stands elsewhere now.
            assert 10 < reading.reused < fitted.prompt_tokens
    assert 2 <= steps <= 6
    assert reported[-1][0].left_out[:2] == ("q0", "a0")


def test_larger_context_brings_turns_back(services: Services, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf")
    messages = tuple(
        PromptMessage((Role.USER, Role.ASSISTANT)[place % 2], "words " * 10, str(place)) for place in range(11)
    )
    request = ChatRequest(messages, Sampling(seed=1, max_tokens=2), context_policy=ContextPolicy.ROLL)
    small = one(answered(services, path, request), ContextFitted)
    assert isinstance(small, ContextFitted)
    assert small.left_out
    again = ChatRequest(messages, request.sampling, context_policy=ContextPolicy.ROLL, left_out=small.left_out)
    large = one(answered(services, path, again, 2048), ContextFitted)
    assert isinstance(large, ContextFitted)
    assert (large.left_out, large.context) == ((), 2048)


def test_stop_policy_refuses_before_reading(services: Services, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf")
    messages = tuple(
        PromptMessage((Role.USER, Role.ASSISTANT)[place % 2], "words " * 10, str(place)) for place in range(11)
    )
    with pytest.raises(UserError) as caught:
        answered(services, path, ChatRequest(messages, Sampling(seed=1)))
    assert caught.value.code == "context_full"
    assert caught.value.data["context"] == CONTEXT
    assert caught.value.data["prompt_tokens"] > CONTEXT
    assert services.engine.state is not None, "the file stays loaded"
