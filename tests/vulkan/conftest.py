"""Fixtures: two Vulkan devices that are the CPU, with an engine built for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backend import ChatEvent, ChatRequest, PromptMessage
from app.backends import LocalBackend
from app.conversation import Role
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from app.services import Services
from model_manager.plan.load_spec import PlanOptions
from tests.rigs import vulkan

Ask = Callable[..., list[ChatEvent]]


@pytest.fixture(scope="session", autouse=True)
def two_vulkan_devices() -> Iterator[None]:
    command = vulkan.lacking()
    if command is not None:
        pytest.fail(f"the two Vulkan devices are missing: {command}")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in vulkan.environment().items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    made = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    yield made
    made.release()


@pytest.fixture
def ask(services: Services) -> Ask:
    """Load a file with these options, send a request and return all events."""

    def ask(path: Path | str, *, max_tokens: int = 4, **options: object) -> list[ChatEvent]:
        source = LocalBackend(
            services,
            str(path),
            PlanOptions(**options),  # type: ignore[arg-type]
        )
        question = PromptMessage(Role.USER, "What is the capital of France?")
        return list(source.stream(ChatRequest((question,), Sampling(temperature=0.0, seed=1, max_tokens=max_tokens))))

    return ask
