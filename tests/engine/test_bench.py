"""Measurement of the loaded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from app.engine.protocol import BenchProgress
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from tests.engine.requests import ask, load


def test_bench_reports_each_repetition(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter, context=1024, batch=64)
    progress: list[BenchProgress] = []
    done = shared_engine.bench(prompt_tokens=160, generated_tokens=12, repetitions=2, on_progress=progress.append)
    assert (done.prompt_tokens, done.generated_tokens) == (160, 12)
    assert len(done.prompt_tokens_per_second) == len(done.tokens_per_second) == 2
    assert max(done.prompt_tokens_per_second) > min(done.tokens_per_second) > 0
    fractions = [each.fraction for each in progress]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_bench_without_a_prompt(shared_engine: LocalEngine, tiny_model: Path) -> None:
    load(shared_engine, tiny_model, context=512)
    done = shared_engine.bench(prompt_tokens=0, generated_tokens=8, repetitions=3)
    assert done.prompt_tokens_per_second == ()
    assert len(done.tokens_per_second) == 3


def test_answer_after_a_bench_is_unchanged(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter, context=1024)
    before = ask(engine, "What is the capital of France?", max_tokens=12)
    engine.bench(prompt_tokens=32, generated_tokens=4, repetitions=1)
    after = ask(engine, "What is the capital of France?", max_tokens=12)
    assert after.text == before.text
    assert after.reading[0].reused == 0


def test_bench_can_be_cancelled(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter, context=1024)
    seen: list[BenchProgress] = []
    token = CancelToken()

    def stop_when_it_generates(event: BenchProgress) -> None:
        seen.append(event)
        if event.stage == "generation":
            token.cancel()

    with pytest.raises(Cancelled):
        engine.bench(0, 1000, 1000, stop_when_it_generates, token)
    assert seen[-1].fraction < 0.1
    load(engine, starter, context=1024)
    assert ask(engine, "hello", max_tokens=2).finished is not None


def test_bench_larger_than_the_context_is_an_error(shared_engine: LocalEngine, tiny_model: Path) -> None:
    load(shared_engine, tiny_model, context=256)
    with pytest.raises(UserError) as caught:
        shared_engine.bench(prompt_tokens=512)
    assert caught.value.code == "bench_context_too_small"
    assert (caught.value.data["context"], caught.value.data["needed"]) == (256, 512)


def test_bench_without_a_model_is_an_error(engine: LocalEngine) -> None:
    with pytest.raises(UserError, match="nothing_loaded"):
        engine.bench()
