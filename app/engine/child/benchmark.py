"""Measurement of prompt and generation speed with fixed numbers of tokens, as in llama-bench.

The number of threads adapts to the free cores, as in a conversation, unless the spec fixes it.
"""

from __future__ import annotations

import ctypes
import random
import time
from collections.abc import Callable

import llama_cpp

from app.engine.child.loader import LoadedModel
from app.engine.child.stop_flag import StopFlag
from app.engine.child.threads import ThreadCount
from app.engine.protocol import Bench, BenchProgress, BenchResult
from model_manager.errors import Cancelled, UserError

REPORT_S = 0.1
_TOKEN_BYTES = 4
_STOPPED = 2
"""Result of llama_decode after an abort."""


class Benchmark:
    """One measurement of a loaded file.  The KV cache is cleared."""

    def __init__(
        self,
        command: Bench,
        loaded: LoadedModel,
        batch: int,
        threads: ThreadCount,
        stop: StopFlag,
        emit: Callable[[BenchProgress], None],
    ) -> None:
        self._command = command
        self._loaded = loaded
        self._context = loaded.context
        self._memory = llama_cpp.llama_get_memory(loaded.context)
        self._batch = batch
        self._threads = threads
        self._stop = stop
        self._emit = emit
        vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(loaded.model))
        count = max(command.prompt_tokens, command.generated_tokens, 1)
        generator = random.Random(1)
        self._tokens = (llama_cpp.llama_token * count)(*(generator.randrange(vocabulary) for _ in range(count)))
        self._warm_up_prompt = min(command.prompt_tokens, batch)
        self._warm_up_generated = min(command.generated_tokens, 1)
        measured = command.repetitions * (command.prompt_tokens + command.generated_tokens)
        self._steps = max(1, self._warm_up_prompt + self._warm_up_generated + measured)
        self._done = 0
        self._reported = 0.0

    def run(self) -> BenchResult:
        """Measure, after a warm-up round that compiles shaders and loads pages.

        Raises:
            UserError: ``bench_context_too_small`` with ``context`` and ``needed``; ``engine_decode_failed``.
            Cancelled: stopped.
        """
        command = self._command
        needed = max(command.prompt_tokens, command.generated_tokens)
        if needed > self._loaded.context_size:
            raise UserError("bench_context_too_small", context=self._loaded.context_size, needed=needed)
        self._emit(BenchProgress(0.0, "prompt"))
        self._threads.begin()
        if self._warm_up_prompt:
            self._read(self._warm_up_prompt)
        if self._warm_up_generated:
            self._generate(self._warm_up_generated)
        rounds = range(command.repetitions)
        prompts = [self._read(command.prompt_tokens) for _ in rounds if command.prompt_tokens]
        generations = [self._generate(command.generated_tokens) for _ in rounds if command.generated_tokens]
        return BenchResult(
            prompt_tokens=command.prompt_tokens,
            generated_tokens=command.generated_tokens,
            prompt_tokens_per_second=tuple(prompts),
            tokens_per_second=tuple(generations),
        )

    def _read(self, count: int) -> float:
        """Read ``count`` tokens into an empty cache; returns tokens per second."""
        llama_cpp.llama_memory_clear(self._memory, True)
        begin = time.monotonic()
        for start in range(0, count, self._batch):
            self._use(self._threads.before_batch())
            self._decode(start, min(self._batch, count - start))
            self._report("prompt")
        return count / (time.monotonic() - begin)

    def _generate(self, count: int) -> float:
        """Generate ``count`` tokens into an empty cache; returns tokens per second."""
        llama_cpp.llama_memory_clear(self._memory, True)
        self._use(self._threads.count)
        begin = time.monotonic()
        for position in range(count):
            self._decode(position, 1)
            self._use(self._threads.after_token(time.monotonic()))
            self._report("generation")
        return count / (time.monotonic() - begin)

    def _use(self, threads: int) -> None:
        llama_cpp.llama_set_n_threads(self._context, threads, threads)

    def _decode(self, start: int, count: int) -> None:
        self._stop.raise_if_set()
        tokens = ctypes.cast(ctypes.byref(self._tokens, start * _TOKEN_BYTES), ctypes.POINTER(llama_cpp.llama_token))
        result = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(tokens, count))
        if result == _STOPPED:
            raise Cancelled
        if result != 0:
            raise UserError("engine_decode_failed", result=result)
        # A device may still compute when the call returns.
        llama_cpp.llama_synchronize(self._context)
        self._done += count

    def _report(self, stage: str) -> None:
        now = time.monotonic()
        if now - self._reported >= REPORT_S:
            self._reported = now
            self._emit(BenchProgress(min(1.0, self._done / self._steps), stage))
