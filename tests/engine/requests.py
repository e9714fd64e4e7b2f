"""Requests of the tests to a real engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.backend import AnswerFinished, ChatEvent, ChatRequest, PromptMessage, PromptProgress, TextDelta, TokenControls
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.plan.load_spec import LoadSpec

NO_CONTROLS = TokenControls()


@dataclass
class Answer:
    text: str = ""
    finished: AnswerFinished | None = None
    reading: list[PromptProgress] = field(default_factory=list)
    pieces: list[TextDelta] = field(default_factory=list)


def load(engine: LocalEngine, path: Path, **options: object) -> list[ChatEvent]:
    return list(engine.load(path, LoadSpec(**options)))  # type: ignore[arg-type]


def ask(
    engine: LocalEngine,
    *messages: str,
    prefill: str = "",
    on_event: Callable[[ChatEvent], None] = lambda _event: None,
    token: CancelToken = NEVER_CANCELLED,
    conversation: str = "",
    controls: TokenControls = NO_CONTROLS,
    **sampling: object,
) -> Answer:
    """Ask what is loaded, with messages in turn of user and assistant; greedy unless told otherwise."""
    roles = (Role.USER, Role.ASSISTANT)
    prompt = tuple(PromptMessage(roles[place % 2], text) for place, text in enumerate(messages))
    wanted = Sampling(**{"temperature": 0.0, "seed": 1, **sampling})  # type: ignore[arg-type]
    answer = Answer()
    assert engine.state is not None
    list(engine.load(engine.state.path, engine.state.spec))
    request = ChatRequest(prompt, wanted, prefill, controls=controls, conversation_id=conversation)
    for event in engine.answer(request, token):
        match event:
            case TextDelta():
                answer.text += event.text
                answer.pieces.append(event)
            case PromptProgress():
                answer.reading.append(event)
            case AnswerFinished():
                answer.finished = event
        on_event(event)
    return answer
