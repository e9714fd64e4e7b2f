"""The samplers as a chain."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

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
