"""Chain of samplers that chooses the next token.  A new parameter of ``Sampling`` is applied here."""

from __future__ import annotations

import llama_cpp

from app.conversation import Sampling

PENALTY_WINDOW = 64
"""Tokens to which the repeat penalty applies."""


class Sampler:
    """Penalties, top-nσ, top-k, top-p, min-p, temperature and random choice, in llama.cpp's order with this seed."""

    def __init__(self, sampling: Sampling, vocabulary_size: int) -> None:
        self.chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        if sampling.repeat_penalty != 1.0:
            self._add(
                llama_cpp.llama_sampler_init_penalties(
                    vocabulary_size, PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0
                )
            )
        if sampling.temperature <= 0:
            self._add(llama_cpp.llama_sampler_init_greedy())
            return
        if sampling.top_n_sigma > 0:
            self._add(llama_cpp.llama_sampler_init_top_n_sigma(sampling.top_n_sigma))
        if sampling.top_k > 0:
            self._add(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            self._add(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            self._add(llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
        self._add(llama_cpp.llama_sampler_init_temp(sampling.temperature))
        self._add(llama_cpp.llama_sampler_init_dist(sampling.seed or 0))

    def free(self) -> None:
        """Free the chain and its samplers."""
        llama_cpp.llama_sampler_free(self.chain)

    def _add(self, sampler: int) -> None:
        llama_cpp.llama_sampler_chain_add(self.chain, sampler)
