"""Session with a loaded file: reads prompts in batches, generates, and reuses the KV cache between turns."""

from __future__ import annotations

import ctypes
import operator
import random
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from llama_cpp import llama_cpp

from app.backend import PromptMessage, PromptProgress, TextDelta, TokenProbability, ToolsCalled
from app.conversation import STOP_SEQUENCE, Picture
from app.engine.child import checkpoint
from app.engine.child.conversation_cache import CacheKey, ConversationCache, common_prefix
from app.engine.child.loader import LoadedModel
from app.engine.child.pictures.reader import DecodeError, PictureReader, TextPart
from app.engine.child.pictures.tokens import PicturePlace, PromptTokens, picture_tokens
from app.engine.child.sampler import GrammarSampler, TextStream, log_probabilities, sampler_chain
from app.engine.child.speculation import CachedTokens, ExactBatches, SpeculativeDecoder
from app.engine.child.stop_flag import StopFlag
from app.engine.child.template import PICTURE, Prompt, PromptTemplate, pictures_of
from app.engine.child.threads import ThreadCount
from app.engine.child.tool_calls import CallStream
from app.engine.child.vocabulary import Vocabulary
from app.engine.protocol import (
    Bench,
    BenchProgress,
    BenchResult,
    CountTokens,
    Event,
    Generate,
    GenerateResult,
    TokenCounts,
    Tokenize,
    Tokens,
)
from app.structured.schema import schema_grammar
from app.thoughts import STANDARD, ThoughtStream, split_thought
from app.tool_calls import ToolCall, ToolDefinition
from model_manager.devices.devices import usable_cores
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.shards import model_stem
from model_manager.plan.load_spec import GUESS_ROWS, LoadSpec

FLUSH_S = 0.05
"""Interval of text events: each one wakes the window, which takes a core from the engine."""
FIRST_BATCH = 16
"""Tokens of the first batch of a prompt, for an early estimate of the time left."""
BATCH_S, DEVICE_BATCH_S = 2.0, 0.7
"""Seconds per batch.  A batch that would take longer is made smaller, down to LEAST_BATCH tokens, for frequent
progress.  The CPU can be stopped between two operations, pipelined devices only between two (shorter) batches."""
LEAST_BATCH = 16
CELL_STEP = 256
"""Attention is computed over cells of the cache in steps of this, so that batches best end at one."""
LEAST_WHOLE = 128
"""Of this limit for a batch, even parts have more tokens than devices need to take weights out of host memory."""
UNSTOPPABLE_S = 0.7
"""Batches are made smaller where a device cannot be stopped for longer."""
PICTURE_REPORT_S = 0.1
DECODE_ABORTED = 2
DECODE_NO_ROOM = 1
BENCH_REPORT_S = 0.1
COPY_IDLE_S, WRITE_IDLE_S = 1.0, 20.0
"""Seconds after an answer until its state is copied to memory, and until it is written to the disk: not after each of
many answers."""
LEAST_STATE = 64
"""Tokens of the shortest conversation whose state is kept."""
LEAST_GAIN, LEAST_PART = 16, 0.02
"""A state is restored if it saves at least so many tokens, and this part of its tokens: reading one takes about a
hundred times longer than restoring it."""

Emit = Callable[[Event], None]


class EngineContext:
    """A loaded file and its single sequence in the KV cache."""

    def __init__(
        self,
        loaded: LoadedModel,
        spec: LoadSpec,
        stop: StopFlag,
        emit: Emit,
        key: CacheKey,
        *,
        pipeline: bool = False,
        pictures: PictureReader | UserError | None = None,
    ) -> None:
        """``pipeline``: devices work at several batches at a time, and are not waited for in between.

        ``pictures`` reads pictures, or is the reason why it can't; None for files without a projector.
        """
        self._pictures = pictures or UserError("model_reads_no_pictures", model=model_stem(Path(loaded.path)))
        self.loaded = loaded
        self._slices = None if pipeline else loaded.slices
        self._pipeline = pipeline
        self._context = loaded.context
        self._memory = llama_cpp.llama_get_memory(loaded.context)
        self._window = max(1, llama_cpp.llama_model_n_swa(loaded.model))
        is_recurrent = llama_cpp.llama_model_is_recurrent(loaded.model) or llama_cpp.llama_model_is_hybrid(loaded.model)
        self._undivided = 0 if is_recurrent else self._window if self._window > 1 else sys.maxsize
        """States of more tokens can only be used as a whole."""
        self._exact = ExactBatches(key.text)
        has_windows = self._window > 1 and spec.full_windows is False
        # Cells of windows are used again in another order after some were removed, which changes the sums.
        self._guesses_off = "recurrent" if is_recurrent else "windows" if has_windows else ""
        self._has_rows = not 0 < spec.output_rows < GUESS_ROWS
        self._batch, self._micro_batch = spec.n_batch, spec.n_ubatch
        self._stop = stop
        self._emit = emit
        self.vocabulary = Vocabulary(loaded.model)
        source = llama_cpp.llama_model_chat_template(loaded.model, None)
        self._template = PromptTemplate(
            source.decode(errors="replace") if source else None,
            self.vocabulary.bos,
            self.vocabulary.eos,
            stop.is_set,
            plain=self.vocabulary.plain,
        )
        self._marks = self.vocabulary.special_in((*STANDARD.all, *self._template.marks.all))
        self.vocabulary.shown = self._marks
        self._threads = ThreadCount(usable_cores(), psutil.cpu_count() or 1, spec.threads)
        self._cached = CachedTokens([], b"")
        self._checkpoint = checkpoint.Checkpoint(loaded.context)
        self._states = ConversationCache(key)
        self._conversation = ""
        """The conversation in the KV cache whose state is to be kept; empty for a temporary one."""
        self._is_kept = True
        """Whether ``_states`` has the state of the KV cache, or it is not to be kept."""
        self._answered_at = time.monotonic()
        self._writing: Generator[None] | None = None

    def close(self) -> None:
        """Free the file and end the template's process."""
        self._template.close()
        if isinstance(self._pictures, PictureReader):
            self._pictures.close()
        self.loaded.free()

    def answer(self, command: Generate) -> GenerateResult:
        """Generate an answer; emits PromptProgress and TextDelta.

        Raises:
            UserError: ``prompt_too_long``, ``chat_template_failed``, ``chat_template_too_costly``,
                ``engine_decode_failed``; ``grammar_invalid``, ``grammar_too_costly``, ``answer_not_in_format``, and as
                ``schema_grammar``.
            Cancelled: stopped before the first token of the answer.
        """
        schema, grammar = command.sampling.json_schema, command.sampling.grammar
        grammar = schema_grammar(schema) if schema else grammar
        tools = command.tools
        prompt = self._prompt(command.messages, command.prefill, command.sampling.thinking, tools)
        form = self._template.call_form if tools and not grammar else None
        self._show(form.marks if form else ())
        self._open(command)
        pictures = pictures_of(command.messages)
        found = self._tokenise(prompt.text, pictures)
        tokens = found.tokens
        if len(tokens) >= self.loaded.context_size:
            raise UserError("prompt_too_long", prompt_tokens=len(tokens), context=self.loaded.context_size)
        begin = time.monotonic()
        self._threads.begin()
        self._restore(found)
        self._is_kept = not self._conversation
        read = self._read(found, prompt.text, pictures)
        reading_s = time.monotonic() - begin
        sampling = replace(command.sampling, stop=command.sampling.stop + prompt.stop)
        chain = sampler_chain(
            sampling,
            self.vocabulary.size,
            found.of_text,
            command.controls,
            vocabulary=self.vocabulary.pointer,
            context_size=self.loaded.context_size,
        )
        structured: GrammarSampler | None = None
        try:
            if grammar:
                structured = GrammarSampler(
                    chain, grammar, self._context, self.vocabulary, prompt.thoughts, thinks=self._template.thinks
                )
                if command.messages and command.prefill and not prompt.thoughts.thinks:
                    structured.resume(split_thought(command.prefill)[2])
            calls = CallStream(form) if form else None
            text, limit = TextStream(sampling.stop, prompt.thoughts, calls), sampling.max_tokens
            decoder = self._decoder(command.exact_batches)
            try:
                reason, count = self._generate(chain, text, limit, command.controls.top_logprobs, structured, decoder)
            finally:
                decoder.close()
        finally:
            llama_cpp.llama_sampler_free(chain)
            if structured is not None:
                structured.close()
        if calls is not None and reason != "cancelled":
            rest, made = calls.finish({each.name: each.schema for each in tools})
            if rest:
                self._emit(TextDelta(rest, count, len(self._cached.tokens)))
            if made:
                self._emit(ToolsCalled(tuple(ToolCall(*each) for each in made)))
        self._answered_at = time.monotonic()
        use = decoder.use if command.exact_batches else None
        stop_string = text.stopped_by if text.stopped_by in command.sampling.stop else ""
        return GenerateResult(reason, len(tokens), read, reading_s, count, use, stop_string)

    def tokenize(self, command: Tokenize) -> Tokens:
        """Return the tokens of a text."""
        return Tokens(tuple(self.vocabulary.tokens(command.text, special=command.special, with_ends=command.with_ends)))

    def count(self, command: CountTokens) -> TokenCounts:
        """Count tokens as ``answer`` would.  Raises as ``PromptTemplate.prompt``."""
        whole = 0
        if command.messages or command.prefill:
            prompt = self._prompt(command.messages, command.prefill, command.thinking, command.tools)
            whole = len(self._tokenise(prompt.text, pictures_of(command.messages)).tokens)
        return TokenCounts(whole, tuple(map(self.vocabulary.count, command.texts)))

    def bench(self, command: Bench) -> BenchResult:
        """Measure reading and generating random tokens, as llama-bench does; clears the KV cache.

        The first round of each compiles shaders and loads pages; it is not counted.

        Raises:
            UserError: ``bench_context_too_small`` (context, needed), ``engine_decode_failed``.
            Cancelled: stopped.
        """
        n_prompt, n_generated = command.prompt_tokens, command.generated_tokens
        needed = max(n_prompt, n_generated + command.depth)
        if needed > self.loaded.context_size:
            raise UserError("bench_context_too_small", context=self.loaded.context_size, needed=needed)
        self._close_conversation()
        self._cached = CachedTokens([], b"")
        generator = random.Random(1)
        tokens = (llama_cpp.llama_token * needed)(*(generator.randrange(self.vocabulary.size) for _ in range(needed)))
        rounds = [("prompt", min(n_prompt, self._micro_batch)), ("generation", min(n_generated, 1))]
        rounds += [("prompt", n_prompt)] * command.repetitions + [("generation", n_generated)] * command.repetitions
        total, done, reported = sum(count for _, count in rounds), 0, 0.0
        speeds: dict[str, list[float]] = {"prompt": [], "generation": []}
        self._emit(BenchProgress(0.0, "prompt"))
        self._threads.begin()
        try:
            for stage, count in filter(operator.itemgetter(1), rounds):
                llama_cpp.llama_memory_clear(self._memory, True)
                reads = stage == "prompt"
                if not reads and command.depth and count > 1:
                    for _ in self._read_batches(tokens, command.depth):
                        self._stop.raise_if_set()
                begin = time.monotonic()
                depth = command.depth if count > 1 else 0
                steps = self._read_batches(tokens, count) if reads else self._decode_singly(tokens, count, depth)
                for size in steps:
                    self._stop.raise_if_set()
                    done += size
                    if (now := time.monotonic()) - reported >= BENCH_REPORT_S:
                        reported = now
                        self._emit(BenchProgress(done / total, stage))
                # A device may still compute.
                llama_cpp.llama_synchronize(self._context)
                speeds[stage].append(count / (time.monotonic() - begin))
        finally:
            llama_cpp.llama_memory_clear(self._memory, True)
        return BenchResult(n_prompt, n_generated, tuple(speeds["prompt"][1:]), tuple(speeds["generation"][1:]))

    def _prompt(
        self, messages: tuple[PromptMessage, ...], prefill: str, thinking: str, tools: tuple[ToolDefinition, ...]
    ) -> Prompt:
        if not messages:
            return Prompt(prefill, thoughts=ThoughtStream(thinks=False))
        return self._template.prompt(messages, prefill, thinking, tools)

    def _show(self, texts: Iterable[str]) -> None:
        """Let the control tokens in these texts be part of the answer, beside the marks of thoughts."""
        shown = self._marks | self.vocabulary.special_in(texts)
        if shown != self.vocabulary.shown:
            self.vocabulary.shown = shown
            self.vocabulary.piece.cache_clear()

    def _tokenise(self, text: str, pictures: Mapping[str, Picture]) -> PromptTokens:
        # Tokenising a generated answer may give other tokens than those generated.  If the prompt continues the cached
        # text, the cached tokens are kept and only the rest is tokenised.  This is correct if the rest begins with a
        # special token or a picture, because no token spans its start.
        data = text.encode("utf-8", "replace")
        for cached in (self._cached, None if pictures else self._states.known_text(data)):
            if cached is not None and cached.text and data.startswith(cached.text):
                rest = data[len(cached.text) :].decode(errors="replace")
                if rest.startswith(PICTURE) or self.vocabulary.begins_special(rest):
                    places = tuple(cached.places) if isinstance(cached, CachedTokens) else ()
                    return self._with_pictures(PromptTokens(list(cached.tokens), places), rest, pictures)
        return self._with_pictures(PromptTokens(), text, pictures)

    def _with_pictures(self, begin: PromptTokens, text: str, pictures: Mapping[str, Picture]) -> PromptTokens:
        """Append the tokens of a text in which pictures are marked."""
        tokens, places, is_rest = begin.tokens, list(begin.places), bool(begin.tokens)
        for number, part in enumerate(text.split(PICTURE) if pictures else (text,)):
            # The digests of pictures are between two marks.
            if number % 2 == 0:
                if part or not is_rest:
                    tokens += self.vocabulary.prompt_tokens(part, is_rest=is_rest)
                is_rest = True
                continue
            for place, each in enumerate(self._reader.layout(pictures[part])):
                if isinstance(each, TextPart):
                    tokens += each.tokens
                else:
                    digest = bytes.fromhex(part)
                    places.append(PicturePlace(len(tokens), each.count, each.positions, digest, place))
                    tokens += picture_tokens(digest, place, each.count)
        if places and places[-1].end == len(tokens):
            raise UserError("chat_template_failed", detail="the prompt ends with a picture")
        return PromptTokens(tokens, tuple(places))

    @property
    def _reader(self) -> PictureReader:
        if isinstance(self._pictures, UserError):
            raise self._pictures
        return self._pictures

    def _read(self, prompt: PromptTokens, text: str, pictures: Mapping[str, Picture]) -> int:
        """Read the prompt into the KV cache; returns the number of tokens that were not cached."""
        tokens = prompt.tokens
        kept = self._keep_common_prefix(prompt)
        total, done = len(tokens), kept
        begin = time.monotonic()
        self._emit(PromptProgress(kept, total, kept, None))

        def report(read: int) -> None:
            left_s = (time.monotonic() - begin) / max(1, read - kept) * (total - read)
            self._emit(PromptProgress(read, total, kept, left_s))

        def report_part(tokens: int) -> None:
            report(done + tokens)

        middle = prompt.up_to(total - checkpoint.TAIL)
        for end in (middle, total) if self._has_checkpoint(total, kept) and middle > kept else (total,):
            for start, span_end, place in prompt.spans(done, end):
                if place is not None:
                    self._read_picture(place, pictures[place.picture.hex()], report_part)
                    done = span_end
                    self._cached.tokens.extend(tokens[start:done])
                    self._cached.places.append(place)
                    report(done)
                    continue
                array = (llama_cpp.llama_token * (span_end - start))(*tokens[start:span_end])
                for count in self._read_batches(array, span_end - start, report_part, self._cached.end):
                    done += count
                    self._cached.tokens.extend(tokens[done - count : done])
                    self._stop.raise_if_set()
                    report(done)
            if end < total:
                self._checkpoint.take(tokens[:end], self._cached.end)
        self._cached.text = text.encode("utf-8", "replace")
        return total - kept

    def _read_picture(self, place: PicturePlace, picture: Picture, on_part: Callable[[int], None]) -> None:
        """Read a picture into the KV cache; ``on_part`` is called with the tokens of it that are read."""
        self._use(self._threads.before_batch())
        slices, reported = self._slices, time.monotonic()

        def on_progress(fraction: float) -> None:
            nonlocal reported
            if (now := time.monotonic()) - reported >= PICTURE_REPORT_S:
                reported = now
                on_part(int(place.count * fraction))

        with slices.reading(place.count, lambda _layer: None) if slices else nullcontext():
            try:
                self._reader.read(picture, place.part, self._context, self._cached.end, self._batch, on_progress)
            except DecodeError as error:
                self._raise_if_failed(error.result)
            except Cancelled:
                self._raise_if_failed(DECODE_ABORTED)
            llama_cpp.llama_synchronize(self._context)

    def _read_batches(
        self,
        tokens: ctypes.Array[Any],
        count: int,
        on_part: Callable[[int], None] = lambda _tokens: None,
        position: int = 0,
    ) -> Iterator[int]:
        """Decode ``count`` tokens of a prompt in batches, from this position on; yield the size of each.

        Where devices copy weights from host memory, which they do once per batch, the batches are whole micro-batches,
        and the last two even.  Elsewhere they begin small and grow.  Within a batch of more than a second ``on_part``
        is called with the tokens of it that are read, as far as its layers tell.
        """
        slices, is_whole = self._slices, self._slices is not None and self.loaded.offloads
        limit = self._micro_batch
        size = _whole(count, limit) if is_whole else min(FIRST_BATCH, self._batch)
        batch_s = BATCH_S if slices or not self.loaded.gpu_layers else DEVICE_BATCH_S
        done, begin = 0, time.monotonic()

        def on_layer(layer: int) -> None:
            on_part(size * (layer + 1) // (self.loaded.layers + 1))

        while done < count:
            size = min(size, count - done)
            self._use(self._threads.before_batch())
            with slices.reading(size, on_layer) if slices else nullcontext():
                self._decode(_batch(tokens, done, size, position + done))
                if not self._pipeline:
                    # A device may still compute when the call returns.
                    llama_cpp.llama_synchronize(self._context)
            done += size
            yield size
            if slices and is_whole:
                if slices.longest_s > UNSTOPPABLE_S:
                    limit = max(LEAST_WHOLE, int(size * UNSTOPPABLE_S / slices.longest_s))
                size = _whole(count - done, limit)
            else:
                per_token = (time.monotonic() - begin) / done
                size = max(LEAST_BATCH, min(self._batch, int(batch_s / per_token)))
                if size > (over := (position + done + size) % CELL_STEP):
                    size -= over

    def _decode_singly(self, tokens: ctypes.Array[Any], count: int, position: int = 0) -> Iterator[int]:
        """Decode tokens one by one, as in an answer; yield 1 after each."""
        for start in range(count):
            self._stop.raise_if_set()
            self._use(self._threads.count)
            self._decode(_batch(tokens, start, 1, position + start))
            llama_cpp.llama_synchronize(self._context)
            self._threads.after_token(time.monotonic())
            yield 1

    def _has_checkpoint(self, total: int, kept: int) -> bool:
        """Whether a checkpoint is taken while the rest of a prompt is read."""
        return self._undivided < sys.maxsize and total > checkpoint.LEAST_TOKENS and total - kept > checkpoint.TAIL

    def _keep_common_prefix(self, prompt: PromptTokens) -> int:
        tokens = prompt.tokens
        kept, saved = self._common(prompt), self._checkpoint.tokens
        if not kept or not llama_cpp.llama_memory_seq_rm(self._memory, 0, prompt.position(kept), -1):
            # Layers with windows or a recurrent state cannot drop a part.
            is_saved = tokens[: len(saved)] == self._cached.tokens[: len(saved)] == saved
            if is_saved and len(saved) < len(tokens) and self._checkpoint.restore():
                kept = len(saved)
            else:
                llama_cpp.llama_memory_clear(self._memory, True)
                kept = 0
        self._cached = self._cached.up_to(kept)
        return kept

    # The conversation cache

    def idle_s(self) -> float | None:
        """Return the seconds until there is work for ``work_while_idle``; None where there is none."""
        if not self._is_kept:
            due = COPY_IDLE_S
        elif self._writing is not None:
            due = 0.0
        elif self._states.has_unwritten():
            due = WRITE_IDLE_S
        else:
            return None
        return max(0.0, self._answered_at + due - time.monotonic())

    def work_while_idle(self) -> None:
        """Copy the state of the conversation to memory, or write a chunk of what is only there."""
        if not self._is_kept:
            self._keep()
            return
        self._writing = self._writing or self._states.write()
        if next(self._writing, False) is False:
            self._writing = None

    def write_states(self, limit_s: float) -> None:
        """Write the states that are not on the disk yet, if that takes no longer than this."""
        end = time.monotonic() + limit_s
        self._keep()
        writing = self._writing or self._states.write()
        while time.monotonic() < end and next(writing, False) is None:
            pass
        writing.close()

    def forget(self, conversations: Sequence[str] | None) -> None:
        """Delete the states of these conversations; None: of all."""
        self._states.forget(conversations)
        if conversations is None or self._conversation in conversations:
            self._conversation, self._is_kept = "", True
            self._clear()

    def _open(self, command: Generate) -> None:
        """Keep the state of the conversation before, if ``command`` is about another one."""
        if command.cache is None:
            self._close_conversation()
            return
        if command.conversation != self._conversation:
            self._close_conversation()
        self._states.configure(command.cache)
        self._states.warn(command.conversation)
        # Fetching a state from another computer takes longer than a request may wait.
        has_rpc = any(handle.device.is_rpc for handle in self.loaded.devices)
        self._conversation = "" if has_rpc else command.conversation

    def _close_conversation(self) -> None:
        self._keep()
        self._conversation, self._is_kept = "", True

    def _keep(self) -> None:
        """Copy the state of the conversation to memory."""
        if self._is_kept or len(self._cached.tokens) < LEAST_STATE:
            self._is_kept = True
            return
        self._is_kept = True
        size = llama_cpp.llama_state_seq_get_size(self._context, 0)
        data = self._states.room(size)
        if data is not None:
            target = (ctypes.c_uint8 * size).from_buffer(data)
            if llama_cpp.llama_state_seq_get_data(self._context, target, size, 0) == size:
                self._states.keep(self._conversation, self._cached.tokens, self._cached.text, data)

    def _restore(self, prompt: PromptTokens) -> None:
        """Replace the KV cache by a state that has more in common with this prompt."""
        state, common = self._states.best(prompt.tokens[:-1], self._undivided)
        common = prompt.up_to(common)
        if state is None or common - self._common(prompt) < max(LEAST_GAIN, LEAST_PART * len(state.tokens)):
            return
        if len(state.tokens) > self.loaded.context_size or (data := self._states.data(state)) is None:
            return
        source = (ctypes.c_uint8 * len(data)).from_buffer(data)
        read = llama_cpp.llama_state_seq_set_data(self._context, source, len(data), 0)
        last = llama_cpp.llama_memory_seq_pos_max(self._memory, 0)
        # Pictures may take fewer positions than tokens; those behind ``common`` are removed with what is there.
        has_pictures = min(state.tokens) < 0
        if read == len(data) and (0 <= last < len(state.tokens) if has_pictures else last == len(state.tokens) - 1):
            places = [each for each in prompt.places if each.end <= common]
            self._cached = CachedTokens(list(state.tokens), b"" if has_pictures else state.text, places)
        else:
            self._states.reject(state)
            self._clear()

    def _clear(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, True)
        self._cached = CachedTokens([], b"")

    def _common(self, prompt: PromptTokens) -> int:
        """Return the number of tokens in the KV cache that need not be read for this prompt."""
        # The last token is always read: its logits determine the first token of the answer.
        common = prompt.up_to(common_prefix(self._cached.tokens, prompt.tokens[:-1]))
        # A layer with a sliding window may have dropped tokens that the next one attends to.
        first = llama_cpp.llama_memory_seq_pos_min(self._memory, 0)
        return common if first <= max(0, prompt.position(common) - self._window) else 0

    def _generate(
        self,
        chain: int,
        text: TextStream,
        max_tokens: int | None,
        top_logprobs: int | None,
        structured: GrammarSampler | None,
        decoder: SpeculativeDecoder,
    ) -> tuple[str, int]:
        free = self.loaded.context_size - len(self._cached.tokens)
        limit = free if max_tokens is None else min(max_tokens, free)
        reason, count, pending, flushed = "length", 0, "", 0.0
        plain = partial(llama_cpp.llama_sampler_sample, chain, self._context)
        sample: Callable[[int], int | None] = structured.sample if structured else plain
        row = -1
        threads = self._threads.count
        probabilities: list[tuple[TokenProbability, ...]] = []
        self._use(threads)
        while count < limit:
            if self._stop.is_set():
                reason = "cancelled"
                break
            token = sample(row)
            if token is None:
                break
            if self.vocabulary.ends_answer(token):
                reason = "stop"
                break
            count += 1
            piece = self.vocabulary.piece(token)
            if top_logprobs is not None:
                probabilities.append(self._probabilities(row, token, top_logprobs))
            pending += text.add(piece)
            now = time.monotonic()
            if text.stopped:
                # A structured answer is cut by it.
                reason = STOP_SEQUENCE if structured else "stop"
                break
            if now - flushed >= FLUSH_S or probabilities:
                self._emit(TextDelta(pending, count, len(self._cached.tokens), tuple(probabilities)))
                pending, flushed, probabilities = "", now, []
            if count == limit:
                break
            if (next_threads := self._threads.after_token(now)) != threads:
                threads = next_threads
                self._use(threads)
            try:
                row = decoder.next(token, threads, limit - count)
            except Cancelled:
                reason = "cancelled"
                break
            self._cached.tokens.append(token)
            self._cached.text += piece
        pending += text.finish()
        if pending or count:
            self._emit(TextDelta(pending, count, len(self._cached.tokens), tuple(probabilities)))
        return reason, count

    def _decoder(self, exact_batches: str) -> SpeculativeDecoder:
        may_guess = bool(exact_batches and self._has_rows and not self._guesses_off)
        if may_guess:
            self._exact.open(exact_batches)
        exact = self._exact if may_guess else None
        return SpeculativeDecoder(
            self._context, self.vocabulary.size, self._decode, self._cached, exact, self._guesses_off
        )

    def _probabilities(self, row: int, token: int, count: int) -> tuple[TokenProbability, ...]:
        """Return the probability of the token just sampled, and those of the ``count`` most probable ones."""
        logits = llama_cpp.llama_get_logits_ith(self._context, row)
        values = log_probabilities(logits, self.vocabulary.size, token, count)
        return tuple(TokenProbability(self.vocabulary.piece(each), value) for each, value in values)

    def _use(self, threads: int) -> None:
        llama_cpp.llama_set_n_threads(self._context, threads, threads)

    def _decode(self, batch: llama_cpp.llama_batch) -> None:
        self._raise_if_failed(llama_cpp.llama_decode(self._context, batch))

    def _raise_if_failed(self, result: int) -> None:
        """Raise the error for a result of ``llama_decode``."""
        if result == 0:
            return
        # Part of the batch may be in the cache; only the earlier tokens are known to be there.
        llama_cpp.llama_memory_seq_rm(self._memory, 0, self._cached.end, -1)
        if result == DECODE_ABORTED:
            raise Cancelled
        if result == DECODE_NO_ROOM:
            size = self.loaded.context_size
            raise UserError("context_full", needed=size + 1, context=size)
        raise UserError("engine_decode_failed", result=result)


def _whole(count: int, limit: int) -> int:
    """Return the size of the next batch of ``count`` tokens: ``limit``, or half of what two batches hold."""
    return limit if count >= 2 * limit else count if count <= limit else -(-count // 2)


def _batch(tokens: ctypes.Array[Any], start: int, count: int, position: int) -> Any:
    part = ctypes.byref(tokens, start * ctypes.sizeof(llama_cpp.llama_token))
    batch = llama_cpp.llama_batch_get_one(ctypes.cast(part, ctypes.POINTER(llama_cpp.llama_token)), count)
    batch.pos = (llama_cpp.llama_pos * count)(*range(position, position + count))
    return batch
