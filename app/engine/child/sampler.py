"""Tokens and text of an answer: the chain of samplers, and the text that no later token can change.

A new parameter of ``Sampling`` is applied in ``sampler_chain``.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp

from app.backend import TokenControls
from app.conversation import Sampling
from app.thoughts import ThoughtStream, partial_at

PENALTY_WINDOW = 64
"""Tokens to which the penalties apply."""
NO_CONTROLS = TokenControls()


def sampler_chain(
    sampling: Sampling, vocabulary_size: int, prompt: Sequence[int], controls: TokenControls = NO_CONTROLS
) -> int:
    """Return a new chain, for ``llama_sampler_free``; ``prompt`` are the tokens before the answer.

    Logit bias, penalties, top-nσ, top-k, top-p, min-p, temperature and random choice with this seed, in llama.cpp's
    order.
    """
    samplers = []
    if controls.logit_bias:
        count = len(controls.logit_bias)
        biases = (llama_cpp.llama_logit_bias * count)(*(llama_cpp.llama_logit_bias(*e) for e in controls.logit_bias))
        samplers.append(llama_cpp.llama_sampler_init_logit_bias(vocabulary_size, count, biases))
    penalties = sampling.repeat_penalty, controls.frequency_penalty, controls.presence_penalty
    if penalties != (1.0, 0.0, 0.0):
        samplers.append(llama_cpp.llama_sampler_init_penalties(vocabulary_size, PENALTY_WINDOW, *penalties))
        for token in prompt[-PENALTY_WINDOW:]:
            llama_cpp.llama_sampler_accept(samplers[-1], token)
    if sampling.temperature <= 0:
        samplers.append(llama_cpp.llama_sampler_init_greedy())
    else:
        if sampling.top_n_sigma > 0:
            samplers.append(llama_cpp.llama_sampler_init_top_n_sigma(sampling.top_n_sigma))
        if sampling.top_k > 0:
            samplers.append(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            samplers.append(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            samplers.append(llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
        samplers.append(llama_cpp.llama_sampler_init_temp(sampling.temperature))
        samplers.append(llama_cpp.llama_sampler_init_dist(sampling.seed or 0))
    chain: int = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for each in samplers:
        llama_cpp.llama_sampler_chain_add(chain, each)
    return chain


def log_probabilities(logits: Any, size: int, token: int, count: int) -> list[tuple[int, float]]:
    """Return ``token`` and the ``count`` most probable tokens, each with the logarithm of its probability.

    ``logits`` is the engine's array of ``size`` floats.
    """
    values = np.ctypeslib.as_array(logits, (size,)).astype(np.float64)
    values -= values.max()
    values -= np.log(np.exp(values).sum())
    top = np.argpartition(values, -count)[-count:] if count else np.array([], int)
    top = top[np.argsort(-values[top])]
    return [(int(each), float(values[each])) for each in (token, *top)]


class TextStream:
    """Decodes the bytes of an answer; returns text that no later byte can change, with thoughts in the usual tags."""

    def __init__(self, stop: Sequence[str], thoughts: ThoughtStream | None = None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(filter(None, stop))
        self._thoughts = thoughts or ThoughtStream()
        self._held = ""
        self.stopped = False
        """Whether a stop string was reached, which ends the text."""

    def add(self, piece: bytes) -> str:
        """Add the bytes of one token; return the text that became final."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(piece)
        found = [place for place in map(text.find, self._stop) if place >= 0]
        if found:
            self.stopped, self._held = True, ""
            return self._thoughts.add(text[: min(found)])
        end = min((partial_at(text, stop) for stop in self._stop), default=len(text))
        self._held = text[end:]
        return self._thoughts.add(text[:end])

    def finish(self) -> str:
        """Return the rest, at the end of the answer.  An incomplete character is dropped."""
        rest, self._held = self._held, ""
        return (self._thoughts.add(rest) if rest else "") + self._thoughts.finish()
