"""A real child with real models: load, read, generate, stop strings, templates, and the KV cache kept between turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backend import LoadProgress, ModelLoaded
from app.engine.local_engine import LocalEngine
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.tiny_model import write_tiny_model


def test_load_reports_progress_and_memory(shared_engine: LocalEngine, starter: Path) -> None:
    shared_engine.release()
    events = load(shared_engine, starter)
    fractions = [event.fraction for event in events if isinstance(event, LoadProgress)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert isinstance(events[-1], ModelLoaded)
    state = shared_engine.state
    assert state is not None
    assert state.result.layers == 30
    memory = state.result.memory["CPU"]
    assert memory["weights_bytes"] > 90 << 20
    # 30 layers, 3 key/value heads of 64, f16, 8192 tokens of context: keys and values.
    assert memory["kv_bytes"] == 30 * 2 * 3 * 64 * 2 * 8192
    assert memory["compute_bytes"] > 1 << 20


def test_same_file_and_spec_are_not_loaded_again(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    assert load(shared_engine, starter) == [ModelLoaded(0.0, 8192)]


def test_the_starter_answers_sensibly(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    answer = ask(shared_engine, "What is the capital of France? Answer in one short sentence.", max_tokens=40)
    assert "Paris" in answer.text
    assert answer.finished is not None
    assert answer.finished.finish_reason == "stop"
    assert answer.finished.completion_tokens == answer.pieces[-1].tokens
    assert answer.finished.tokens_per_second
    assert answer.finished.time_to_first_token_s


def test_a_small_top_n_sigma_makes_a_hot_answer_greedy(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    greedy = ask(shared_engine, "Tell me a story.", temperature=0.0, max_tokens=16).text
    hot = {"temperature": 1.9, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "max_tokens": 16}
    assert ask(shared_engine, "Tell me a story.", top_n_sigma=0.001, seed=5, **hot).text == greedy
    assert ask(shared_engine, "Tell me a story.", top_n_sigma=0.0, seed=5, **hot).text != greedy


def test_same_seed_gives_the_same_answer(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    texts = [
        ask(shared_engine, "Tell me a story.", temperature=1.0, seed=seed, max_tokens=24).text for seed in (5, 5, 6)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_follow_up_reads_only_new_tokens(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    question = "Name three rivers of Europe and say something about each of them."
    first = ask(shared_engine, question, temperature=0.8, seed=3, max_tokens=200)
    second = ask(shared_engine, question, first.text, "Thank you. And one of Asia?", max_tokens=8)
    assert first.finished is not None
    assert second.finished is not None
    reused = second.reading[0].reused
    assert reused >= first.finished.prompt_tokens + first.finished.completion_tokens - 1
    assert second.reading[-1].read == second.reading[-1].total == second.finished.prompt_tokens


def test_reused_cache_gives_the_same_answer_as_a_fresh_one(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter)
    turns = ("My name is Mina.", "Hello Mina!", "What is my name?")
    ask(engine, turns[0], max_tokens=8)
    with_cache = ask(engine, *turns, max_tokens=12)
    assert with_cache.reading[0].reused > 0
    engine.release()
    load(engine, starter)
    assert ask(engine, *turns, max_tokens=12).text == with_cache.text


@pytest.mark.parametrize("penalty", [1.0, 1.5])
def test_continuation_starts_after_the_prefill(shared_engine: LocalEngine, starter: Path, penalty: float) -> None:
    """With a penalty for repetitions too, because it counts what is in the prompt."""
    load(shared_engine, starter)
    question, sampling = "Count from one to twenty in words.", {"repeat_penalty": penalty}
    whole = ask(shared_engine, question, max_tokens=40, **sampling)
    begun = ask(shared_engine, question, max_tokens=20, **sampling)
    rest = ask(shared_engine, question, prefill=begun.text, max_tokens=20, **sampling)
    assert whole.text.startswith(begun.text)
    assert begun.text + rest.text == whole.text


def test_stop_strings_and_token_limit(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    limited = ask(shared_engine, "Count from one to twenty in words.", max_tokens=5)
    assert limited.finished is not None
    assert (limited.finished.finish_reason, limited.finished.completion_tokens) == ("length", 5)
    word = limited.text.split()[-1]
    stopped = ask(shared_engine, "Count from one to twenty in words.", max_tokens=50, stop=(word,))
    assert stopped.finished is not None
    assert stopped.finished.finish_reason == "stop"
    assert word not in stopped.text
    assert limited.text.startswith(stopped.text)


def test_prompt_progress_is_monotonic(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    answer = ask(shared_engine, "word " * 900, max_tokens=2)
    read = [progress.read for progress in answer.reading]
    assert read == sorted(set(read))
    assert len(read) > 3
    assert read[-1] == answer.reading[-1].total > 900
    # A batch ends where a step of the engine's cache does, or attention is computed over empty cells.
    assert any(place % 256 == 0 for place in read[:-1])


def test_prompt_longer_than_the_context_is_an_error(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model, context=256)
    with pytest.raises(UserError) as caught:
        ask(engine, "x" * 1000)
    assert caught.value.code == "prompt_too_long"
    assert caught.value.data["context"] == 256
    assert int(str(caught.value.data["prompt_tokens"])) > 1000
    assert ask(engine, "short", max_tokens=3).finished is not None


def test_answer_ends_at_the_context_limit(engine: LocalEngine, tiny_model: Path) -> None:
    load(engine, tiny_model, context=256)
    answer = ask(engine, "hello")
    assert answer.finished is not None
    assert answer.finished.finish_reason == "length"
    assert answer.finished.prompt_tokens + answer.finished.completion_tokens == 256


def test_file_without_a_template_uses_chatml(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "ends.gguf", end_bias=60.0)
    load(engine, path)
    answer = ask(engine, "hello")
    assert answer.finished is not None
    assert (answer.finished.finish_reason, answer.text) == ("stop", "")
    # <s>, <|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n, a token for each letter.
    assert answer.finished.prompt_tokens >= len("user\nhello\nassistant\n") + 3


def test_the_files_own_template_is_used(engine: LocalEngine, tmp_path: Path) -> None:
    template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    load(engine, write_tiny_model(tmp_path / "own.gguf", chat_template=template))
    short = ask(engine, "hello", max_tokens=1)
    assert short.finished is not None
    assert short.finished.prompt_tokens <= len("[user]hello") + 2


def test_template_error_is_reported(engine: LocalEngine, tmp_path: Path) -> None:
    refusing = "{{ raise_exception('only poems here') }}"
    load(engine, write_tiny_model(tmp_path / "refuses.gguf", chat_template=refusing))
    with pytest.raises(UserError) as caught:
        ask(engine, "hello")
    assert caught.value.code == "chat_template_failed"
    assert "only poems here" in str(caught.value.data["detail"])


def test_template_cannot_leave_its_sandbox(engine: LocalEngine, tmp_path: Path) -> None:
    hostile = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    load(engine, write_tiny_model(tmp_path / "hostile.gguf", chat_template=hostile))
    with pytest.raises(UserError) as caught:
        ask(engine, "hello")
    assert caught.value.code == "chat_template_failed"


def test_quantised_kv_cache_needs_about_half(engine: LocalEngine, starter: Path) -> None:
    load(engine, starter, kv_type="q8_0", context=1024)
    assert engine.state is not None
    # q8_0 keeps 32 values in 34 bytes, f16 in 64.
    assert engine.state.result.memory["CPU"]["kv_bytes"] == pytest.approx(30 * 2 * 3 * 64 * 1024 * 34 / 32, rel=0.01)
    assert ask(engine, "hello", max_tokens=4).finished is not None


def test_experts_in_ram_and_unknown_devices(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "moe.gguf", n_expert=4)
    load(engine, path, experts_in_ram=(0, 1), context=512)
    assert ask(engine, "hello", max_tokens=8).finished is not None
    with pytest.raises(UserError, match="kv_type_unknown"):
        load(engine, path, kv_type="q1")
    with pytest.raises(UserError, match="device_unknown"):
        load(engine, path, devices=("CUDA7",))


def test_unstacked_experts_are_refused_with_the_log(engine: LocalEngine, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True)
    with pytest.raises(UserError) as caught:
        load(engine, path)
    assert caught.value.code == "load_refused"
    assert "ffn_down_exps" in str(caught.value.data["log"])


def test_device_list_contains_the_cpu(engine: LocalEngine) -> None:
    found = engine.devices()
    assert "llama.cpp" in found.engine
    processor = next(device for device in found.devices if device.kind == "cpu")
    assert processor.total_bytes >= processor.free_bytes > 1 << 28


def test_missing_rpc_server_is_an_error(engine: LocalEngine) -> None:
    with pytest.raises(UserError) as caught:
        engine.devices(("127.0.0.1:1",))
    assert caught.value.code == "rpc_server_unreachable"
    assert caught.value.data["server"] == "127.0.0.1:1"
