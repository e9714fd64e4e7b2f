"""The samplers as a chain."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import pytest
from llama_cpp import llama_cpp

from app.conversation import Sampling
from app.engine.child.sampler import sampler_chain

LOGITS = (0.0, 2.0, 1.9, 0.5)


def chosen(sampling: Sampling, prompt: Sequence[int]) -> int:
    candidates = (llama_cpp.llama_token_data * len(LOGITS))(
        *(llama_cpp.llama_token_data(id=token, logit=logit, p=0.0) for token, logit in enumerate(LOGITS))
    )
    array = llama_cpp.llama_token_data_array(data=candidates, size=len(LOGITS), selected=-1, sorted=False)
    chain = sampler_chain(sampling, len(LOGITS), prompt)
    llama_cpp.llama_sampler_apply(chain, ctypes.byref(array))
    llama_cpp.llama_sampler_free(chain)
    return int(candidates[array.selected].id)


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
    ],
)
def test_each_parameter_keeps_the_tokens_that_its_description_says(values: dict[str, float], tokens: set[int]) -> None:
    assert {chosen(Sampling(**{**ALL, **values}, seed=seed), []) for seed in range(200)} == tokens
