"""Speculation without a draft model: guesses from text that repeats, which the model checks in one batch.

Each token is chosen by the answer's own samplers from the model's own logits, and a guess counts only while it is that
token.  The text is the same as without guesses where a batch gives bitwise the logits of single tokens, which depends
on the engine's kernels: it is tested before the first guess, and remembered.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp

from app.conversation import Speculation
from app.engine.child.pictures.tokens import PicturePlace, position, text_tokens
from model_manager.disk.json_file import JsonFile
from model_manager.errors import UserError
from model_manager.plan.load_spec import GUESS_ROWS

SHORT, LONG = 3, GUESS_ROWS - 1
"""Tokens of a guess.  With the token before it they fill 4 or 8 rows, for which engines have kernels."""
PATTERN = 3
"""Tokens that must have occurred before."""
AFTER_MISS = 3
"""Tokens after a wrong guess for which the place in the earlier text is still followed: one word may be another."""
FIRST_TOKENS = 4
"""Single tokens whose time is measured before the first guess."""
LOSS, CREDIT = 1.0, 4.0
"""Times of single tokens: guessing pauses after so much was lost; so much of what was gained counts against it."""
PAUSE, LONGEST_PAUSE = 64, 1024
"""Tokens of a pause; each one is twice as long as the one before until guesses gain again."""
DEPTH_STEP = 256
"""The engine pads the KV cache to these cells.  Kernels change at powers of two of it."""
KEPT_RECORDS = 64
"""Combinations of engine, file and parameters whose results are kept."""
_LOGIT_BYTES = ctypes.sizeof(ctypes.c_float)


@dataclass
class CachedTokens:
    """Content of the KV cache: the tokens, and the text that they came from."""

    tokens: list[int]
    text: bytes
    """Empty if unknown, for example after a stop during prompt processing."""
    places: list[PicturePlace] = field(default_factory=list)
    """The pictures among the tokens."""

    @property
    def end(self) -> int:
        """The engine's position of the next token."""
        return position(self.places, len(self.tokens))

    def up_to(self, count: int) -> CachedTokens:
        """Return the first tokens, whose text is unknown."""
        return CachedTokens(self.tokens[:count], b"", [each for each in self.places if each.end <= count])


class Lookup:
    """Finds how a text went on after its last tokens occurred before."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        """The place after the last occurrence of each pattern."""
        self._source, self._missed = 0, AFTER_MISS
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Append a token of the text."""
        tokens, source = self._tokens, self._source
        # A place that was right so far is better than the last one with the same few tokens.
        is_right = self._missed < AFTER_MISS and tokens[source : source + 1] == [token]
        tokens.append(token)
        pattern = tuple(tokens[-PATTERN:])
        found = source + 1 if is_right else self._places.get(pattern)
        self._places[pattern] = len(tokens)
        self._source, self._missed = (found, 0) if found else (source + 1, self._missed + 1)

    def guess(self, count: int) -> list[int]:
        """Return ``count`` tokens that may follow, or none."""
        found = self._tokens[self._source : self._source + count] if self._missed < AFTER_MISS else []
        # What reaches the end of the text is a loop.
        return (found * count)[:count]


class Gain:
    """Decides by the measured times of an answer whether guesses are worth their batches, and how long they are."""

    def __init__(self) -> None:
        self._single_s, self._singles = 0.0, 0
        self._balance = 0.0
        """Seconds gained."""
        self._pause, self._resume = PAUSE, 0
        self.length = SHORT

    def single(self, seconds: float) -> None:
        """Note the time of a token without a guess."""
        self._singles += 1
        share = max(0.2, 1 / self._singles)
        self._single_s += share * (seconds - self._single_s)

    def batch(self, seconds: float, tokens: int, count: int) -> None:
        """Note the time of a batch that gave ``tokens`` of the answer, which has ``count`` now."""
        self._balance = min(self._balance + tokens * self._single_s - seconds, CREDIT * self._single_s)
        if tokens > SHORT:
            self.length = LONG
        elif tokens < SHORT:
            self.length = SHORT
        if self._balance > 0:
            self._pause = PAUSE
        elif self._balance < -LOSS * self._single_s:
            self._resume, self._balance = count + self._pause, 0.0
            self._pause, self.length = min(2 * self._pause, LONGEST_PAUSE), SHORT

    def is_worth(self, count: int) -> bool:
        """Return whether to guess after ``count`` tokens of the answer."""
        return count >= self._resume and self._singles >= FIRST_TOKENS


class ExactBatches:
    """Whether batches give bitwise the logits of single tokens, by depth and number of threads; kept in a file."""

    def __init__(self, key: str) -> None:
        """``key`` identifies engine, file, devices and parameters."""
        self._key = key
        self._known: dict[str, bool] = {}
        self._file: JsonFile[dict[str, dict[str, bool]]] | None = None

    def open(self, path: str) -> None:
        """Read the results of earlier loads."""
        if self._file is None:
            self._file = JsonFile(Path(path), dict[str, dict[str, bool]], {})
            self._known = dict(self._file.read().get(self._key, {}))

    def get(self, mode: str) -> bool | None:
        """Return the result for a mode; None before its test."""
        return self._known.get(mode)

    def set(self, mode: str, *, is_exact: bool) -> None:
        """Keep a result."""
        self._known[mode] = is_exact
        assert self._file is not None
        others = {key: known for key, known in self._file.read().items() if key != self._key}
        newest = list(others.items())[-KEPT_RECORDS:]
        # It will be tested again.
        with suppress(UserError):
            self._file.write({**dict(newest), self._key: self._known})


class SpeculativeDecoder:
    """Decodes the tokens of one answer, those that follow in a guess in the same batch."""

    def __init__(
        self,
        context: int,
        vocabulary_size: int,
        decode: Callable[[Any], None],
        cached: CachedTokens,
        exact: ExactBatches | None,
        off: str,
    ) -> None:
        """The caller appends the tokens of the answer to ``cached``; ``exact`` is None for no guesses, for ``off``."""
        self._context, self._memory = context, llama_cpp.llama_get_memory(context)
        self._size, self._decode, self._cached, self._exact = vocabulary_size, decode, cached, exact
        self._batch = llama_cpp.llama_batch_init(GUESS_ROWS, 0, 1)
        self._lookup = Lookup(text_tokens(cached.tokens) if exact else ())
        self._gain = Gain()
        self._guess: list[int] = []
        """Tokens in the KV cache after those of ``_cached``."""
        self._row = self._tokens = self._guessed = self._accepted = 0
        self._off = off
        self._step: tuple[float, int, int] | None = None
        """Beginning, tokens of the answer and rows of the last batch; None where it is not measured."""
        self._recorded: list[bytes] = []
        """Logits of the last tokens, decoded singly in ``_mode``."""
        self._mode = ""

    @property
    def use(self) -> Speculation:
        """Tokens guessed and accepted."""
        return Speculation(self._guessed, self._accepted, self._off)

    def close(self) -> None:
        """Remove wrong guesses from the KV cache."""
        self._drop_guess()
        llama_cpp.llama_batch_free(self._batch)

    def next(self, token: int, threads: int, limit: int) -> int:
        """Compute the logits after the next token of the answer; return their row.

        At most ``limit`` tokens follow.  Raises as ``decode``.
        """
        self._tokens += 1
        if self._exact is not None:
            self._lookup.add(token)
        if self._guess and self._guess[0] == token:
            del self._guess[0]
            self._row += 1
            self._accepted += 1
            return self._row
        self._drop_guess()
        guess = self._next_guess(threads, limit) if self._exact is not None else []
        self._measure(1 + len(guess))
        self._run([token, *guess])
        self._guess, self._row = guess, 0
        self._guessed += len(guess)
        if self._mode:
            self._recorded.append(self._logits(0))
        return 0

    def _next_guess(self, threads: int, limit: int) -> list[int]:
        assert self._exact is not None
        depth = len(self._cached.tokens)
        first, last = (place // DEPTH_STEP for place in (depth, depth + LONG))
        if not self._gain.is_worth(self._tokens) or limit < GUESS_ROWS or first != last:
            self._mode = ""
            return []
        mode = f"{first.bit_length()}/{threads}"
        is_exact = self._exact.get(mode)
        if is_exact is None and self._mode == mode and len(self._recorded) == GUESS_ROWS:
            self._step, self._mode = None, ""
            is_exact = self._test()
            self._exact.set(mode, is_exact=is_exact)
        guess = self._lookup.guess(self._gain.length) or self._lookup.guess(SHORT)
        if is_exact is None and mode != self._mode:
            self._recorded, self._mode = [], mode if guess else ""
        if is_exact is False:
            self._off = "inexact"
        return guess if is_exact else []

    def _measure(self, rows: int) -> None:
        now = time.monotonic()
        if self._step is not None:
            begin, tokens, last_rows = self._step
            if last_rows == 1:
                self._gain.single(now - begin)
            else:
                self._gain.batch(now - begin, self._tokens - tokens, self._tokens)
        self._step = now, self._tokens, rows

    def _test(self) -> bool:
        """Decode the last tokens again, in batches; singly once more where the logits are others."""
        tokens, text = self._cached.tokens, self._cached.text
        recent = tokens[-GUESS_ROWS:]
        # They are not in the KV cache if it is stopped meanwhile.
        del tokens[-GUESS_ROWS:]
        self._cached.text = b""
        is_exact = all(self._is_same(recent, rows) for rows in (SHORT + 1, LONG + 1))
        if not is_exact:
            self._is_same(recent, 1)
        tokens += recent
        self._cached.text = text
        return is_exact

    def _is_same(self, tokens: Sequence[int], rows: int) -> bool:
        self._remove_rest()
        for start in range(0, GUESS_ROWS, rows):
            self._run(tokens[start : start + rows], start)
            for row in range(rows):
                if rows > 1 and self._logits(row) != self._recorded[start + row]:
                    return False
        return True

    def _run(self, tokens: Sequence[int], offset: int = 0) -> None:
        batch, position = self._batch, self._end + offset
        batch.n_tokens = len(tokens)
        for row, token in enumerate(tokens):
            batch.token[row], batch.pos[row], batch.logits[row] = token, position + row, True
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, 0
        self._decode(batch)

    def _logits(self, row: int) -> bytes:
        return ctypes.string_at(llama_cpp.llama_get_logits_ith(self._context, row), self._size * _LOGIT_BYTES)

    def _drop_guess(self) -> None:
        if self._guess:
            self._remove_rest()
            self._guess = []

    def _remove_rest(self) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, 0, self._end, -1)

    @property
    def _end(self) -> int:
        return self._cached.end
