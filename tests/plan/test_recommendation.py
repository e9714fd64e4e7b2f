"""Recommendation of a quantisation."""

from __future__ import annotations

import pytest

from model_manager.devices.devices import Device
from model_manager.hub.catalogue import APUS
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.recommendation import USABLE_TOKENS_PER_S, Candidate, Recommendation, recommend
from tests.plan.plan_builders import apus_header, cards, ram

CANDIDATES = tuple(
    Candidate(entry.id, entry.quantisation, entry.bytes, (apus_header(entry.quantisation),)) for entry in APUS
)


def _recommended(found: tuple[Recommendation, ...]) -> Recommendation | None:
    chosen = [each for each in found if each.recommended]
    assert len(chosen) <= 1
    return chosen[0] if chosen else None


@pytest.mark.parametrize(
    ("devices", "quantisation", "reason"),
    [
        (cards(24, 24), "IQ3_XXS", "best_on_gpus"),
        (cards(24, 24, 24), "Q4_K_M", "best_on_gpus"),
        (cards(48, 48), "Q4_K_M", "best_on_gpus"),
        (cards(24, 16), "IQ3_XXS", "best_at_usable_speed"),
        (cards(8), "Q2_K", "smallest"),
        ((), "Q2_K", "smallest"),
    ],
)
def test_the_best_quantisation_that_fits_is_recommended(
    devices: tuple[Device, ...], quantisation: str, reason: str
) -> None:
    found = recommend(CANDIDATES, devices, ram(80))
    chosen = _recommended(found)
    assert chosen is not None
    assert (chosen.quantisation, chosen.reason) == (quantisation, reason)
    assert [each.id for each in found] == [candidate.id for candidate in CANDIDATES]
    if reason == "best_at_usable_speed":
        assert chosen.plan.tokens_per_second_estimate >= USABLE_TOKENS_PER_S
    for each in found:
        assert each.plan.context == 8192
        if not each.recommended:
            assert each.reason in ("finer_fits", "too_slow", "does_not_fit")
            assert (each.reason == "finer_fits") == (
                each.plan.verdict != "does_not_fit" and each.bits_per_weight <= chosen.bits_per_weight
            )


def test_none_is_recommended_if_none_fits() -> None:
    found = recommend(CANDIDATES, cards(8), ram(16))
    assert _recommended(found) is None
    assert {each.reason for each in found} == {"does_not_fit"}


def test_recommendation_depends_on_the_context() -> None:
    short = _recommended(recommend(CANDIDATES, cards(24, 24, 24), ram(80), PlanOptions(context=4096)))
    long = _recommended(recommend(CANDIDATES, cards(24, 24, 24), ram(80), PlanOptions(context=32768, kv_type="f16")))
    assert short is not None
    assert long is not None
    assert short.quantisation == "Q4_K_M"
    assert long.quantisation == "Q3_K_M"
    assert long.plan.context == 32768
