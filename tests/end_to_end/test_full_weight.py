"""A large model: two layers of the home model's true shape, about 2.2 GiB on disk and in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backend import ChatEvent, LoadProgress, ModelLoaded, PromptProgress, TextDelta
from app.engine.local_engine import LocalEngine
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled
from model_manager.plan.load_spec import LoadSpec
from tests.engine.requests import ask
from tests.rigs.big_moe import write_big_moe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("heavy") / "heavy.gguf"
    write_big_moe(path, n_layer=2, legacy=False)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    made = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    yield made
    made.release()


def test_a_load_can_be_stopped_and_then_tells_its_progress(engine: LocalEngine, heavy: Path) -> None:
    spec, token = LoadSpec(context=2048), CancelToken()

    def stop_early() -> None:
        for event in engine.load(heavy, spec, token):
            if isinstance(event, LoadProgress) and event.fraction > 0.1:
                token.cancel()

    with pytest.raises(Cancelled):
        stop_early()
    assert engine.state is None
    events = list(engine.load(heavy, spec))
    fractions = [event.fraction for event in events if isinstance(event, LoadProgress)]
    assert fractions == sorted(fractions)
    assert len(fractions) > 5
    assert isinstance(events[-1], ModelLoaded)
    assert engine.state is not None
    memory = engine.state.result.memory["CPU"]
    assert memory["weights_bytes"] + memory.get("repack_bytes", 0) > 2 << 30


def test_a_slow_prompt_tells_the_time_left_and_stops_within_a_second(engine: LocalEngine, heavy: Path) -> None:
    seen: list[PromptProgress] = []
    asked: list[float] = []
    token = CancelToken()

    def stop_when_the_time_is_known(event: ChatEvent) -> None:
        if isinstance(event, PromptProgress):
            seen.append(event)
            if event.seconds_left is not None and not asked:
                asked.append(time.monotonic())
                token.cancel()

    list(engine.load(heavy, LoadSpec(context=2048)))
    with pytest.raises(Cancelled):
        ask(engine, "a slow prompt " * 80, on_event=stop_when_the_time_is_known, token=token)
    # A stop takes effect between two operations of the graph.
    assert time.monotonic() - asked[0] < 1.5
    assert seen[-1].read < seen[-1].total


def test_it_answers_at_last_and_stop_keeps_the_engine(engine: LocalEngine, heavy: Path) -> None:
    list(engine.load(heavy, LoadSpec(context=2048)))
    token = CancelToken()

    def stop_at_the_third(event: ChatEvent) -> None:
        if isinstance(event, TextDelta) and event.tokens >= 3:
            token.cancel()

    answer = ask(engine, "hello", on_event=stop_at_the_third, token=token)
    assert answer.finished is not None
    assert answer.finished.finish_reason == "cancelled"
    assert engine.state is not None
