"""The samplers as a chain."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_cpp import llama_cpp

from app.engine.child.sampler import sampler_chain
from app.engine.local_engine import LocalEngine
from app.sampling import Sampling
from tests.engine.requests import ask, load

LOGITS = (0.0, 2.0, 1.9, 0.5)


def chosen(sampling: Sampling, prompt: Sequence[int]) -> int:
    return sequence(sampling, prompt, 1)[0]


def sequence(sampling: Sampling, prompt: Sequence[int], count: int) -> list[int]:
    """Tokens that are chosen one after another."""
    chain = sampler_chain(sampling, len(LOGITS), prompt)
    tokens: list[int] = []
    for _ in range(count):
        candidates = (llama_cpp.llama_token_data * len(LOGITS))(
            *(llama_cpp.llama_token_data(id=token, logit=logit, p=0.0) for token, logit in enumerate(LOGITS))
        )
        array = llama_cpp.llama_token_data_array(data=candidates, size=len(LOGITS), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(chain, ctypes.byref(array))
        # Samplers may move the beginning.
        tokens.append(int(array.data[array.selected].id))
        llama_cpp.llama_sampler_accept(chain, tokens[-1])
    llama_cpp.llama_sampler_free(chain)
    return tokens


def test_the_repeat_penalty_counts_the_end_of_the_prompt() -> None:
    penalty = Sampling(temperature=0.0, repeat_penalty=1.5)
    assert chosen(penalty, []) == 1
    assert chosen(penalty, [1]) == 2
    assert chosen(penalty, [1, *[0] * 63]) == 2
    assert chosen(penalty, [1, *[0] * 64]) == 1
    assert chosen(Sampling(temperature=0.0), [1]) == 1


ALL = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "top_n_sigma": 0.0}


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        ({}, {0, 1, 2, 3}),
        ({"temperature": 0.0}, {1}),
        ({"top_k": 1}, {1}),
        ({"top_k": 3}, {1, 2, 3}),
        ({"top_p": 0.4}, {1}),
        ({"top_p": 0.8}, {1, 2}),
        ({"min_p": 0.5}, {1, 2}),
        ({"min_p": 0.2}, {1, 2, 3}),
        ({"top_n_sigma": 0.5}, {1, 2}),
        ({"top_n_sigma": 2.0}, {1, 2, 3}),
        ({"typical_p": 0.5}, {1, 2}),
        # The likely ones but the last of them are left out.
        ({"xtc_probability": 1.0, "xtc_threshold": 0.15}, {0, 2, 3}),
        ({"xtc_probability": 1.0, "xtc_threshold": 0.4}, {0, 1, 2, 3}),
        # Temperatures from almost 0 to 4, by the entropy.
        ({"dynatemp_range": 2.0, "dynatemp_exponent": 100.0}, {1}),
        ({"dynatemp_range": 2.0, "dynatemp_exponent": 0.01}, {0, 1, 2, 3}),
        ({"mirostat": 1, "mirostat_tau": 0.0}, {1}),
        ({"mirostat": 2, "mirostat_tau": 0.0}, {1}),
        ({"mirostat": 2, "mirostat_tau": 20.0}, {0, 1, 2, 3}),
    ],
)
def test_each_parameter_keeps_the_tokens_that_its_description_says(values: dict[str, float], tokens: set[int]) -> None:
    assert {chosen(Sampling(**{**ALL, **values}, seed=seed), []) for seed in range(200)} == tokens


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_penalties_count_the_tokens_before(name: str) -> None:
    penalty = Sampling(temperature=0.0, **{name: 0.5})  # type: ignore[arg-type]
    assert (chosen(penalty, []), chosen(penalty, [1])) == (1, 2)
    # The frequency counts how often.
    assert chosen(penalty, [1, 1, 1, 1, 2]) == (2 if name == "frequency_penalty" else 1)


def test_dry_ends_repetitions_but_not_at_breakers(shared_engine: LocalEngine, tiny_model: Path) -> None:
    load(shared_engine, tiny_model)

    def answer(**dry: Any) -> str:
        return ask(shared_engine, "la la la la la la", temperature=0.0, max_tokens=60, **dry).text

    greedy = answer()
    assert answer(dry_multiplier=5.0) != greedy
    for without_effect in (
        {"dry_allowed_length": 100},
        {"dry_penalty_last_n": 0},
        {"dry_penalty_last_n": 2},
        {"dry_sequence_breakers": tuple(set(greedy))},
    ):
        assert answer(dry_multiplier=5.0, **without_effect) == greedy, without_effect
    # The base counts each further token of a repetition.
    assert answer(dry_multiplier=0.01, dry_base=4.0) != answer(dry_multiplier=0.01, dry_base=1.0)


def test_adaptive_p_prefers_tokens_near_its_target() -> None:
    def share(target: float) -> float:
        flat = {**ALL, "temperature": 1.0, "adaptive_target": target, "adaptive_decay": 0.5}
        return sum(chosen(Sampling(**flat, seed=seed), []) in (1, 2) for seed in range(200)) / 200  # type: ignore[arg-type]

    assert share(0.05) < share(0.9)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"mirostat": 1, "mirostat_tau": 0.5}, "mirostat_eta"),
        ({"mirostat": 2, "mirostat_tau": 0.5}, "mirostat_eta"),
        ({"adaptive_target": 0.3}, "adaptive_decay"),
    ],
)
def test_controlled_samplers_learn_from_what_they_chose(values: dict[str, float], name: str) -> None:
    slow, fast = (
        [sequence(Sampling(**{**ALL, **values, name: value}, seed=seed), [], 30) for seed in range(5)]  # type: ignore[arg-type]
        for value in (0.0, 0.9)
    )
    assert slow != fast
