"""Tokens and text of an answer: the chain of samplers, a grammar, and the text that no later token can change.

A new parameter of ``Sampling`` is applied in ``sampler_chain``.
"""

from __future__ import annotations

import codecs
import ctypes
import os
import tempfile
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp

from app.backend import TokenControls
from app.engine.child.tool_calls import CallStream
from app.engine.child.vocabulary import Vocabulary
from app.sampling import Sampling
from app.thoughts import ThoughtStream, partial_at
from model_manager.errors import UserError

PENALTY_WINDOW = 64
"""Tokens to which the penalties apply."""
MIROSTAT_TOKENS = 100
"""From which mirostat 1 estimates the distribution, as in llama.cpp."""
MAX_GRAMMAR_BYTES, MAX_GRAMMAR_DEPTH = 8 << 20, 500
"""llama.cpp parses a grammar recursively."""
GRAMMAR_TOKEN_S = 0.5
"""CPU time for one token.  The state of an ambiguous grammar can double with each token, without end."""
_REFUSED = float("-inf")
NO_CONTROLS = TokenControls()


def sampler_chain(
    sampling: Sampling,
    vocabulary_size: int,
    prompt: Sequence[int],
    controls: TokenControls = NO_CONTROLS,
    *,
    vocabulary: int | None = None,
    context_size: int = 0,
) -> int:
    """Return a new chain, for ``llama_sampler_free``; ``prompt`` are the tokens before the answer.

    Logit bias, penalties, DRY, top-nσ, top-k, typical-p, top-p, min-p, XTC, temperature and random choice with this
    seed, in llama.cpp's order.  ``vocabulary`` is the engine's, for DRY, which looks at up to ``context_size`` tokens.
    """
    seed = sampling.seed or 0
    samplers = []
    if controls.logit_bias:
        count = len(controls.logit_bias)
        biases = (llama_cpp.llama_logit_bias * count)(*(llama_cpp.llama_logit_bias(*e) for e in controls.logit_bias))
        samplers.append(llama_cpp.llama_sampler_init_logit_bias(vocabulary_size, count, biases))
    penalties = sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty
    if penalties != (1.0, 0.0, 0.0):
        samplers.append(llama_cpp.llama_sampler_init_penalties(vocabulary_size, PENALTY_WINDOW, *penalties))
        for token in prompt[-PENALTY_WINDOW:]:
            llama_cpp.llama_sampler_accept(samplers[-1], token)
    if sampling.dry_multiplier > 0 and vocabulary:
        last = sampling.dry_penalty_last_n
        count = min(last, context_size) if last >= 0 else context_size
        texts = [text.encode("utf-8", "replace") for text in sampling.dry_sequence_breakers if text]
        breakers = (ctypes.c_char_p * len(texts))(*texts)
        values = sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length
        samplers.append(llama_cpp.llama_sampler_init_dry(vocabulary, *values, count, breakers, len(texts)))
        for token in prompt[-count:] if count else ():
            llama_cpp.llama_sampler_accept(samplers[-1], token)
    if sampling.temperature <= 0:
        samplers.append(llama_cpp.llama_sampler_init_greedy())
    elif sampling.mirostat:
        samplers.append(llama_cpp.llama_sampler_init_temp(sampling.temperature))
        aim = seed, sampling.mirostat_tau, sampling.mirostat_eta
        samplers.append(
            llama_cpp.llama_sampler_init_mirostat(vocabulary_size, *aim, MIROSTAT_TOKENS)
            if sampling.mirostat == 1
            else llama_cpp.llama_sampler_init_mirostat_v2(*aim)
        )
    else:
        if sampling.top_n_sigma > 0:
            samplers.append(llama_cpp.llama_sampler_init_top_n_sigma(sampling.top_n_sigma))
        if sampling.top_k > 0:
            samplers.append(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
        if sampling.typical_p < 1:
            samplers.append(llama_cpp.llama_sampler_init_typical(sampling.typical_p, 1))
        if sampling.top_p < 1:
            samplers.append(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            samplers.append(llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
        if sampling.xtc_probability > 0:
            samplers.append(llama_cpp.llama_sampler_init_xtc(sampling.xtc_probability, sampling.xtc_threshold, 1, seed))
        samplers.append(
            llama_cpp.llama_sampler_init_temp_ext(
                sampling.temperature, sampling.dynatemp_range, sampling.dynatemp_exponent
            )
        )
        samplers.append(
            llama_cpp.llama_sampler_init_adaptive_p(sampling.adaptive_target, sampling.adaptive_decay, seed)
            if sampling.adaptive_target > 0
            else llama_cpp.llama_sampler_init_dist(seed)
        )
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


class GrammarSampler:
    """Chooses tokens so that the answer after the thoughts is a text of a grammar.

    As llama.cpp's common sampler, it lets the chain choose among all tokens first and applies the grammar to all of
    them only if it refuses the chosen one.
    """

    def __init__(
        self, chain: int, grammar: str, context: int, vocabulary: Vocabulary, thoughts: ThoughtStream, *, thinks: bool
    ) -> None:
        """``thoughts`` reads the same answer; ``thinks``: whether the model may open a thought, without the template.

        Raises:
            UserError: ``grammar_invalid`` (detail).
        """
        self._chain, self._context, self._vocabulary = chain, context, vocabulary
        self._grammar = _new_grammar(vocabulary, grammar)
        marks = thoughts.marks
        self._close = marks.close.encode()
        self._answer_mark = marks.answer.lstrip().encode()
        openings = (marks.open.lstrip().encode(), self._answer_mark) if thoughts.thinks is None and thinks else ()
        self._openings = tuple(filter(None, openings))
        self._is_thought = bool(thoughts.thinks)
        self._head = b""
        """Text before the answer: the beginning of a mark, or a thought."""
        self._forced: list[int] = []
        self._incomplete = b""
        """Of a character of which tokens contain only a part."""
        self._numbers = np.arange(vocabulary.size)
        self._candidates = np.zeros(vocabulary.size, [("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def close(self) -> None:
        """Free the grammar."""
        llama_cpp.llama_sampler_free(self._grammar)

    def resume(self, text: str) -> None:
        """Begin after ``text``, the beginning of an answer that is continued.

        Raises:
            UserError: ``answer_not_in_format`` if no text of the grammar begins with it.
        """
        for token in self._tokens(text.lstrip().encode()):
            if not self._allows(token):
                raise UserError("answer_not_in_format")
            self._accept(token)

    def sample(self, row: int) -> int | None:
        """Return the next token, for this row of the context's logits; None if no token can continue the answer.

        Raises:
            UserError: ``grammar_too_costly``.
        """
        token = self._next(row)
        if token is not None:
            llama_cpp.llama_sampler_accept(self._chain, token)
        return token

    def _next(self, row: int) -> int | None:
        if self._forced:
            return self._forced.pop(0)
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self._context, row), (self._vocabulary.size,))
        if self._is_thought or self._openings:
            token = self._thought_token(logits) if self._is_thought else self._first_token(logits)
            if token is not None:
                return token
        begin = time.thread_time()
        refused: set[int] = set()
        token = self._choose(logits, refused)
        while token is not None and not self._allows(token) and time.thread_time() - begin < GRAMMAR_TOKEN_S:
            refused.add(token)
            token = self._choose(logits, refused, constrained=True)
        if token is not None and not self._vocabulary.ends_answer(token):
            self._accept(token)
        if time.thread_time() - begin > GRAMMAR_TOKEN_S:
            raise UserError("grammar_too_costly")
        return token

    def _first_token(self, logits: Any) -> int | None:
        """Return the next token of the mark of a thought or an answer; None if the answer begins here."""
        token = self._choose(logits, ())
        assert token is not None
        piece = self._vocabulary.piece(token)
        text = self._head + piece
        if not piece or not any(
            mark.startswith(text) or (text.startswith(mark) and (mark != self._answer_mark or text.strip() == mark))
            for mark in self._openings
        ):
            # The rest of the mark that was begun, or that must be in front of the answer.
            begun = next((mark for mark in self._openings if self._head and mark.startswith(self._head)), None)
            text = begun or self._answer_mark
            if not text:
                self._openings = ()
                return None
            token = self._force(text[len(self._head) :])
        reached = next((mark for mark in self._openings if text.startswith(mark)), None)
        if reached is not None:
            self._openings, self._is_thought = (), reached != self._answer_mark
        self._head = text if reached is None else b""
        return token

    def _thought_token(self, logits: Any) -> int | None:
        refused: set[int] = set()
        while (token := self._choose(logits, refused)) is not None:
            text = self._head + self._vocabulary.piece(token)
            _, mark, answer = text.partition(self._close)
            if self._vocabulary.ends_answer(token):
                self._is_thought = False
                return self._force(self._close)
            if not answer.strip():
                self._is_thought, self._head = not mark, text[-len(self._close) :]
                return token
            refused.add(token)
        return None

    def _force(self, text: bytes) -> int:
        """Return the first token of a text; the others follow."""
        self._forced = self._tokens(text)
        return self._forced.pop(0)

    def _tokens(self, text: bytes) -> list[int]:
        """Return tokens of exactly this text.  The engine's tokeniser may put a space in front."""
        tokens = self._vocabulary.prompt_tokens(text.decode(errors="replace"), is_rest=True)
        if b"".join(map(self._vocabulary.piece, tokens)) == text:
            return tokens
        tokens, known = [], self._vocabulary.by_piece
        while text:
            length = next((size for size in range(min(len(text), 64), 0, -1) if text[:size] in known), 0)
            if not length:
                raise UserError("answer_not_in_format")
            tokens.append(known[text[:length]])
            text = text[length:]
        return tokens

    def _choose(self, logits: Any, refused: Collection[int], *, constrained: bool = False) -> int | None:
        """Let the chain choose among the tokens that are not refused; None if there are none."""
        candidates = self._candidates
        candidates["id"], candidates["logit"] = self._numbers, logits
        candidates["logit"][[*refused]] = _REFUSED
        data = candidates.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        chosen = llama_cpp.llama_token_data_array(data, len(candidates), -1, False)
        if constrained:
            llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(chosen))
        if refused and candidates["logit"].max() == _REFUSED:
            return None
        llama_cpp.llama_sampler_apply(self._chain, ctypes.byref(chosen))
        return int(chosen.data[chosen.selected].id)

    def _allows(self, token: int) -> bool:
        if self._vocabulary.ends_answer(token):
            return not self._incomplete and self._is_in_grammar(self._vocabulary.engine_end(token))
        # Control tokens have no text in the answer, but in the grammar.
        piece = b"" if token in self._vocabulary.shown else self._vocabulary.piece(token)
        try:
            codecs.utf_8_decode(self._incomplete + piece, "strict", False)
        except UnicodeDecodeError:
            return False
        return bool(piece) and self._is_in_grammar(token)

    def _is_in_grammar(self, token: int) -> bool:
        data = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(token, 1.0, 0.0))
        one = llama_cpp.llama_token_data_array(data, 1, -1, False)
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(one))
        return bool(token >= 0 and data[0].logit != _REFUSED)

    def _accept(self, token: int) -> None:
        # The engine ends the process if the grammar does not allow the token.
        llama_cpp.llama_sampler_accept(self._grammar, token)
        text = self._incomplete + self._vocabulary.piece(token)
        self._incomplete = text[codecs.utf_8_decode(text, "strict", False)[1] :]


def _new_grammar(vocabulary: Vocabulary, grammar: str) -> int:
    """Return a new sampler for ``llama_sampler_free``.  Raises ``UserError`` ``grammar_invalid`` (detail)."""
    text, depth, deepest = grammar.encode("utf-8", "replace"), 0, 0
    for character in grammar:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    if not text.strip() or len(text) > MAX_GRAMMAR_BYTES or deepest > MAX_GRAMMAR_DEPTH:
        raise UserError("grammar_invalid", detail=f"{len(text)} bytes")
    # The parser writes its message, and the grammar, to standard error only.
    with tempfile.TemporaryFile() as messages:
        stderr = os.dup(2)
        os.dup2(messages.fileno(), 2)
        try:
            sampler: int | None = llama_cpp.llama_sampler_init_grammar(vocabulary.pointer, text, b"root")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        messages.seek(0)
        first = messages.readline(4096).decode(errors="replace").strip()
    if not sampler:
        raise UserError("grammar_invalid", detail=first.partition("error parsing grammar: ")[2] or first)
    return sampler


class TextStream:
    """Decodes the bytes of an answer; returns text that no later byte can change, with thoughts in the usual tags."""

    def __init__(
        self, stop: Sequence[str], thoughts: ThoughtStream | None = None, calls: CallStream | None = None
    ) -> None:
        """``calls`` keeps calls of tools back."""
        self._calls = calls
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(filter(None, stop))
        self._thoughts = thoughts or ThoughtStream()
        self._held = ""
        self.stopped = False
        """Whether a stop string was reached, which ends the text."""
        self.stopped_by = ""
        """That stop string."""

    def add(self, piece: bytes) -> str:
        """Add the bytes of one token; return the text that became final."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(piece)
        found = [(place, stop) for stop in self._stop if (place := text.find(stop)) >= 0]
        if found:
            (place, self.stopped_by), self.stopped, self._held = min(found), True, ""
            return self._without_calls(text[:place])
        end = min((partial_at(text, stop) for stop in self._stop), default=len(text))
        self._held = text[end:]
        return self._without_calls(text[:end])

    def finish(self) -> str:
        """Return the rest, at the end of the answer.  An incomplete character is dropped."""
        rest, self._held = self._held, ""
        text = (self._thoughts.add(rest) if rest else "") + self._thoughts.finish()
        return self._calls.add(text) if self._calls is not None else text

    def _without_calls(self, text: str) -> str:
        text = self._thoughts.add(text)
        return self._calls.add(text) if self._calls is not None else text
