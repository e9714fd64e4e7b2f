"""Sentences about a plan: its verdict and its reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.messages.plans import (
    REASON_SENTENCES,
    RECOMMENDATION_SENTENCES,
    plan_sentence,
    recommendation_sentence,
    verdict_sentence,
)
from model_manager.plan.load_plan import REASONS, VERDICTS, LoadPlan
from tests.plan.plan_builders import plan_apus


def _plans() -> list[LoadPlan]:
    return [
        plan_apus("Q2_K", 24, 24, context=16384),
        plan_apus("Q2_K", 48),
        plan_apus("Q2_K", 24, 24, 24, context=5000),
        plan_apus("Q4_K_M", 24, 24, context=8192),
        plan_apus("Q4_K_M", 3, ram_gib=80),
        plan_apus("Q2_K"),
        plan_apus("Q4_K_M", ram_gib=16),
        plan_apus("Q4_K_M", 24, 2, tensor_split=(1.0, 9.0), n_gpu_layers=61),
    ]


def test_every_verdict_has_its_sentence() -> None:
    plans = _plans()
    assert {each.verdict for each in plans} == set(VERDICTS)
    sentences = [verdict_sentence(each, str) for each in plans]
    assert sentences[0].startswith("Fits on your two GPUs with 16k context, ")
    assert sentences[1].startswith("Fits on GPU0 with 32k context, ")
    assert sentences[2].startswith("Fits on your 3 GPUs with 5k context, ")
    assert "of its 60 layers are in RAM" in sentences[3]
    assert "of its 60 layers are on the GPU" in sentences[4]
    assert " with 8k context. It runs on the CPU" in sentences[5]
    assert "RAM" in sentences[6]
    assert "manual" in sentences[7]
    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences)


def test_more_than_the_whole_ram_is_not_blamed_on_other_programs() -> None:
    plan = plan_apus("Q4_K_M", ram_gib=16)
    busy = replace(plan, host=replace(plan.host, total_bytes=128 << 30))
    assert "Close other programs" in verdict_sentence(busy, str)
    small = verdict_sentence(replace(plan, host=replace(plan.host, total_bytes=24 << 30)), str)
    assert "this computer has 24.0 GiB" in small
    assert "other programs" not in small


def test_every_reason_has_a_sentence_or_is_part_of_the_verdict() -> None:
    assert REASONS - set(REASON_SENTENCES) == {"ram_too_small", "wish_too_large", "no_gpu", "context_chosen"}
    assert set(REASON_SENTENCES) <= REASONS
    seen = {reason for each in _plans() for reason in each.reasons}
    assert seen <= REASONS


def test_the_reasons_follow_the_verdict() -> None:
    reported = plan_sentence(plan_apus("Q2_K", 23.54, 23.54, context=32768), str)
    assert "An 8-bit KV cache makes everything fit." in reported
    refused = plan_sentence(plan_apus("Q4_K_M", ram_gib=16), str)
    assert refused == verdict_sentence(plan_apus("Q4_K_M", ram_gib=16), str)


def test_every_text_is_translated() -> None:
    asked: list[str] = []

    def translate(text: str) -> str:
        asked.append(text)
        return text

    plan_sentence(plan_apus("Q4_K_M", 24, 24, context=8192), translate)
    assert len(asked) >= 3
    assert all("GiB" not in text for text in asked)


@pytest.mark.parametrize("reason", RECOMMENDATION_SENTENCES)
def test_recommendations_have_their_sentences(reason: str) -> None:
    assert recommendation_sentence(reason, str).endswith(".")
