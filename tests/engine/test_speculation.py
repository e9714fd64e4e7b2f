"""Guessed tokens: the same answers as without them, on real models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import llama_cpp as llama

from app.backend import TokenControls
from app.conversation import Speculation
from app.engine.child.speculation import (
    AFTER_MISS,
    LONG,
    PAUSE,
    SHORT,
    CachedTokens,
    ExactBatches,
    Gain,
    Lookup,
    SpeculativeDecoder,
)
from app.engine.local_engine import LocalEngine
from tests.engine.requests import Answer, ask, load
from tests.rigs.arch_shapes import fill_weights, write_arch
from tests.rigs.tiny_model import write_tiny_model

WORDS = " ".join(f"{word} {number}" for number, word in enumerate(("stone", "lamp", "river", "lamp", "stone") * 12))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose batches are exact with every build of the engine, and whose answers soon repeat themselves."""
    return write_tiny_model(
        tmp_path_factory.mktemp("guesses") / "model.gguf", n_embd=128, tensor_type="Q4_1", context_length=4096
    )


def both(engine: LocalEngine, record: Path, *messages: str, **options: object) -> tuple[Answer, Speculation]:
    """Ask without and with guesses, check that all is equal, and return the second answer and its guesses."""
    engine.exact_batches = lambda: None
    # So that both read the same part of the prompt: sums depend on its batches too.
    ask(engine, *messages, **{**options, "max_tokens": 1})  # type: ignore[arg-type]
    plain = ask(engine, *messages, **options)  # type: ignore[arg-type]
    engine.exact_batches = lambda: record
    guessed = ask(engine, *messages, **options)  # type: ignore[arg-type]
    assert plain.finished is not None
    assert guessed.finished is not None
    assert plain.finished.speculation is None
    assert guessed.text == plain.text
    assert guessed.finished.completion_tokens == plain.finished.completion_tokens
    assert guessed.finished.finish_reason == plain.finished.finish_reason
    assert guessed.pieces[-1].context_used == plain.pieces[-1].context_used
    use = guessed.finished.speculation
    assert use is not None
    assert use.accepted <= use.guessed
    return guessed, use


def probabilities(answer: Answer) -> list[object]:
    return [each for piece in answer.pieces for each in piece.probabilities]


def test_answers_are_the_same_with_guesses(shared_engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    load(shared_engine, model, context=2048, kv_type="q8_0", threads=1)
    record = tmp_path / "exact.json"
    greedy: dict[str, object] = {"max_tokens": 120}
    warm = {**greedy, "temperature": 0.8}
    _, use = both(shared_engine, record, WORDS, **greedy)
    assert use.accepted > 0
    assert use.off == ""
    total = Speculation()
    for options in (
        *({**warm, "seed": seed} for seed in range(1, 5)),
        {**warm, "temperature": 0.3, "repeat_penalty": 1.3},
        {**greedy, "repeat_penalty": 1.1},
        {**greedy, "frequency_penalty": 0.1, "presence_penalty": 0.2},
        {**warm, "dry_multiplier": 0.4},
        {**warm, "mirostat": 2},
        {**greedy, "grammar": 'root ::= ("lamp" | "stone" | " ")*'},
        {**warm, "grammar": "root ::= [a-e]*", "seed": 3},
    ):
        _, use = both(shared_engine, record, WORDS, **options)
        total = Speculation(total.guessed + use.guessed, total.accepted + use.accepted)
    # Some guesses were right, some were wrong and taken back.
    assert 0 < total.accepted < total.guessed


def test_probabilities_are_the_same_with_guesses(shared_engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    load(shared_engine, model, context=2048, kv_type="q8_0", threads=1)
    options = {"max_tokens": 60, "controls": TokenControls(top_logprobs=3)}
    answer, use = both(shared_engine, tmp_path / "exact.json", WORDS, **options)
    assert use.accepted > 0
    shared_engine.exact_batches = lambda: None
    plain = probabilities(ask(shared_engine, WORDS, **options))  # type: ignore[arg-type]
    assert probabilities(answer) == plain
    assert len(plain) == 60


def test_an_answer_may_end_anywhere_in_a_guess(shared_engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    """What follows in the KV cache is removed: the next answer is the same, and reads as little."""
    load(shared_engine, model, context=2048, kv_type="q8_0", threads=1)
    record = tmp_path / "exact.json"
    whole, _ = both(shared_engine, record, WORDS, max_tokens=60)
    for end in range(40, 48):
        cut, _ = both(shared_engine, record, WORDS, max_tokens=end)
        assert whole.text.startswith(cut.text)
        followed, _ = both(shared_engine, record, WORDS, cut.text, "And then?", max_tokens=40)
        assert followed.reading[0].reused >= cut.pieces[-1].context_used
    stopped, _ = both(shared_engine, record, WORDS, max_tokens=60, stop=(whole.text[41:44],))
    assert len(stopped.text) < 45


def test_guesses_end_with_the_context(shared_engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    load(shared_engine, model, context=512, kv_type="q8_0", threads=1)
    answer, use = both(shared_engine, tmp_path / "exact.json", "stone")
    assert use.accepted > 0
    assert answer.finished is not None
    assert answer.finished.finish_reason == "length"
    assert answer.finished.prompt_tokens + answer.finished.completion_tokens == 512


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_flash_attention_has_the_sums_of_single_tokens(
    shared_engine: LocalEngine, model: Path, tmp_path: Path, threads: int
) -> None:
    """Without its hook the engine divides the cache between its threads for single tokens, from 512 cells on."""
    load(shared_engine, model, context=2048, flash_attention=True, threads=threads)
    record = tmp_path / "exact.json"
    _, use = both(shared_engine, record, WORDS, max_tokens=60)
    assert use.accepted > 0
    ((_, modes),) = json.loads(record.read_bytes()).items()
    assert set(modes.values()) == {True}


def test_batches_with_other_sums_are_not_used(model: Path, tmp_path: Path) -> None:
    """An engine whose batches end in another last bit, as those of some devices."""
    loaded = llama.llama_model_load_from_file(str(model).encode(), llama.llama_model_default_params())
    size = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(loaded))
    context = llama.llama_init_from_model(loaded, llama.llama_context_default_params())
    cached, record = CachedTokens([], b""), tmp_path / "exact.json"

    def decode(batch: llama.llama_batch) -> None:
        assert llama.llama_decode(context, batch) == 0
        if batch.n_tokens > 1:
            logits = llama.llama_get_logits_ith(context, 1)
            logits[0] = np.nextafter(np.float32(logits[0]), np.float32(np.inf))

    exact = ExactBatches("engine")
    exact.open(str(record))
    decoder = SpeculativeDecoder(context, size, decode, cached, exact, "")
    for token in [5, 6, 7, 8, 9] * 20:
        assert decoder.next(token, 1, 100) == 0
        cached.tokens.append(token)
    assert decoder.use == Speculation(off="inexact")
    assert list(json.loads(record.read_bytes())["engine"].values()) == [False]
    decoder.close()
    llama.llama_free(context)
    llama.llama_model_free(loaded)


def test_tests_of_batches_are_remembered(engine: LocalEngine, model: Path, tmp_path: Path) -> None:
    record = tmp_path / "exact.json"
    load(engine, model, context=2048, kv_type="q8_0", threads=1)
    both(engine, record, WORDS, max_tokens=60)
    ((key, modes),) = json.loads(record.read_bytes()).items()
    assert set(modes.values()) == {True}
    record.write_text(json.dumps({key: dict.fromkeys(modes, False)}))
    load(engine, model, context=2048, kv_type="q8_0", threads=1, micro_batch=64)
    _, use = both(engine, record, WORDS, max_tokens=60)
    assert use.accepted > 0
    load(engine, model, context=2048, kv_type="q8_0", threads=1)
    _, use = both(engine, record, WORDS, max_tokens=60)
    assert use == Speculation(off="inexact")
    record.write_bytes(b"{")
    load(engine, model, context=1024, kv_type="q8_0", threads=1)
    _, use = both(engine, record, WORDS, max_tokens=60)
    assert use.accepted > 0


@pytest.mark.parametrize(
    ("architecture", "full_windows", "off"),
    [("gemma3", False, "windows"), ("gemma3", True, ""), ("qwen35", None, "recurrent")],
)
def test_models_that_cannot_take_back_guesses(
    engine: LocalEngine, tmp_path: Path, architecture: str, full_windows: bool | None, off: str
) -> None:
    keys = {"attention.sliding_window": 64} if architecture == "gemma3" else {}
    path = fill_weights(write_arch(tmp_path / "model.gguf", architecture, n_layer=4, keys=keys))
    load(engine, path, context=2048, batch=64, micro_batch=64, full_windows=full_windows, threads=1)
    _, use = both(engine, tmp_path / "exact.json", "ab" * 200, max_tokens=40)
    assert use.off in {off, "inexact"} if not off else use == Speculation(off=off)


def test_a_guess_continues_what_came_before() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20])
    assert lookup.guess(SHORT) == []
    for token in (1, 2, 3):
        lookup.add(token)
    assert lookup.guess(SHORT) == [4, 5, 6]
    assert lookup.guess(LONG) == [4, 5, 6, 7, 8, 9, 10]
    # One token is another than there.
    lookup.add(30)
    assert lookup.guess(SHORT) == [5, 6, 7]
    for token in range(31, 31 + AFTER_MISS):
        lookup.add(token)
    assert lookup.guess(SHORT) == []
    # The place that was right is followed where the same tokens came again later.
    twice = Lookup([1, 2, 3, 4, 10, 2, 3, 4, 20, 5, 1, 2, 3])
    twice.add(4)
    assert twice.guess(SHORT) == [10, 2, 3]
    loop = Lookup([1, 2] * 4)
    assert loop.guess(LONG) == [1, 2, 1, 2, 1, 2, 1]


def test_guesses_pause_soon_where_they_cost_time_and_are_tried_again() -> None:
    gain = Gain()
    for _ in range(4):
        assert not gain.is_worth(4)
        gain.single(0.1)
    count, begin, tried = 4, 0, []
    while count < 1000:
        if gain.is_worth(count):
            tried.append(count)
            count += 1
            gain.batch(0.25, 1, count)
        else:
            count += 1
            gain.single(0.1)
    # All guesses were wrong: none after 30 tokens, and the next one only after a pause, each twice as long.
    begin = tried[0]
    assert [each for each in tried if begin < each < begin + PAUSE] == []
    assert len(tried) <= 5
    assert len(tried) >= 3
    lost = sum(0.15 for _ in tried)
    assert lost < 0.02 * 1000 * 0.1
    while not gain.is_worth(count):
        count += 1
    for _ in range(20):
        assert gain.is_worth(count)
        count += 4
        gain.batch(0.2, 4, count)
    assert gain.length == LONG
