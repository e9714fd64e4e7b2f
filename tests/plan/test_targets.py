"""The home model on two GPUs of 24 GB: never worse than llama.cpp's own fit, and close to the bound."""

from __future__ import annotations

import time

import pytest

from model_manager.plan.load_plan import LoadPlan
from model_manager.plan.load_spec import PlanOptions
from model_manager.plan.model_shape import read_model_shape
from model_manager.plan.planner import plan_model
from tests.plan.plan_builders import QUANTISATIONS, apus_header, apus_shape, cards, check, plan_apus, ram

CONTEXTS = (4096, 8192, 32768)
CARD_GIB = 23.54

LLAMA_CPP_FIT = {"Q2_K": (0, 0, 4), "IQ3_XXS": (0, 0, 7), "Q3_K_M": (10, 12, 19), "Q4_K_M": (22, 23, 28)}
"""Layers' experts that ``llama-fit-params`` leaves in RAM there, with its margin of 1 GiB and a cache of 16 bits."""
BOUND = {
    "q8_0": {"Q2_K": (0, 0, 0), "IQ3_XXS": (0, 0, 0), "Q3_K_M": (7, 8, 12), "Q4_K_M": (18, 19, 22)},
    "f16": {"Q2_K": (0, 0, 2), "IQ3_XXS": (0, 0, 5), "Q3_K_M": (8, 9, 16), "Q4_K_M": (19, 20, 25)},
}
"""What 512 MiB of reserve and 0.35 GiB of compute buffers a card leave at best."""


def _planned(quantisation: str, context: int, kv_type: str = "auto") -> LoadPlan:
    found = plan_apus(quantisation, CARD_GIB, CARD_GIB, context=context, kv_type=kv_type)
    check(found, apus_shape(quantisation), cards(CARD_GIB, CARD_GIB), ram())
    assert found.context == context
    assert found.n_gpu_layers == 61
    return found


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_no_more_experts_in_ram_than_llama_cpp(quantisation: str) -> None:
    for context, theirs in zip(CONTEXTS, LLAMA_CPP_FIT[quantisation], strict=True):
        assert len(_planned(quantisation, context).experts_in_ram) <= theirs
        assert len(_planned(quantisation, context, "f16").experts_in_ram) <= theirs


@pytest.mark.parametrize("kv_type", ["q8_0", "f16"])
@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_within_two_layers_of_the_bound(quantisation: str, kv_type: str) -> None:
    for context, bound in zip(CONTEXTS, BOUND[kv_type][quantisation], strict=True):
        found = _planned(quantisation, context, kv_type)
        assert found.kv_type == kv_type
        assert len(found.experts_in_ram) <= bound + 2


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_automatic_cache_is_8_bit_only_if_more_fits_on_the_gpus(quantisation: str) -> None:
    for context in CONTEXTS:
        automatic = _planned(quantisation, context)
        by_type = {kv: len(_planned(quantisation, context, kv).experts_in_ram) for kv in ("f16", "q8_0")}
        assert automatic.kv_type == ("q8_0" if by_type["q8_0"] < by_type["f16"] else "f16")
        assert len(automatic.experts_in_ram) == min(by_type.values())


def test_planning_is_fast() -> None:
    header, machine, host = apus_header("Q4_K_M"), cards(CARD_GIB, CARD_GIB), ram()
    times = []
    for context in (None, 4096, 8192, 32768) * 2:
        begin = time.process_time()
        plan_model(read_model_shape((header,)), machine, host, PlanOptions(context=context))
        times.append(time.process_time() - begin)
    assert sorted(times)[len(times) // 2] <= 0.05
