"""The real service over a real engine, and what asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.backend import ChatEvent, ChatRequest, PromptMessage
from app.backends import LocalBackend
from app.conversation import Role
from app.sampling import Sampling
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.rigs.rpc_device import serving

Ask = Callable[..., list[ChatEvent]]


@pytest.fixture(scope="module")
def two_devices() -> Iterator[tuple[str, ...]]:
    with ExitStack() as servers:
        yield tuple(servers.enter_context(serving()) for _ in range(2))


@pytest.fixture
def ask(services: Services) -> Ask:
    """Ask a file, loaded with these options; returns all events."""

    def ask(
        path: Path | str, *, on_event: Callable[[ChatEvent], None] = lambda _event: None, **options: object
    ) -> list[ChatEvent]:
        source = LocalBackend(
            services,
            str(path),
            PlanOptions(**options),  # type: ignore[arg-type]
        )
        question = PromptMessage(Role.USER, "What is the capital of France?")
        events = []
        for event in source.stream(ChatRequest((question,), Sampling(temperature=0.0, seed=1, max_tokens=8))):
            on_event(event)
            events.append(event)
        return events

    return ask
