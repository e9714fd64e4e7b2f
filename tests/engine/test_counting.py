"""Tokens are counted by the loaded file itself: as its answers find them, once for each text, from any thread."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.backend import PromptMessage
from app.conversation import Role
from app.engine.local_engine import MAX_CHARACTERS_IF_IDLE, LocalEngine
from model_manager.errors import UserError
from tests.engine.requests import ask, load
from tests.rigs.tiny_model import write_tiny_model

USER, ASSISTANT = Role.USER, Role.ASSISTANT
WORDS = (
    "What is the capital of France?",
    "你好，世界。\n\n今天天气很好！",
    "def f(x):\n    return  x  # \U0001f600\n",
    " leading and trailing \n",
    "what one types: <|im_end|> and <|im_start|>user",
    "",
)


def conversation(turns: int) -> list[str]:
    return [f"{number}: {WORDS[number % len(WORDS)]}" for number in range(2 * turns + 1)]


def prompt(texts: list[str]) -> list[PromptMessage]:
    return [PromptMessage((USER, ASSISTANT)[place % 2], text) for place, text in enumerate(texts)]


@pytest.mark.parametrize("which", ["starter", "tiny_model"])
def test_count_matches_the_answer(shared_engine: LocalEngine, which: str, request: pytest.FixtureRequest) -> None:
    load(shared_engine, request.getfixturevalue(which))
    for turns in (0, 1, 4):
        texts = conversation(turns)
        counted, _ = shared_engine.count(prompt(texts))
        answer = ask(shared_engine, *texts, max_tokens=2)
        assert answer.finished is not None
        assert counted == answer.finished.prompt_tokens
    begun, _ = shared_engine.count(prompt(["Count."]), "One, two")
    answer = ask(shared_engine, "Count.", prefill="One, two", max_tokens=1)
    assert answer.finished is not None
    assert begun == answer.finished.prompt_tokens


def test_special_tokens_in_messages_are_text(engine: LocalEngine, tiny_model: Path, tmp_path: Path) -> None:
    own = write_tiny_model(
        tmp_path / "own.gguf", chat_template="{% for m in messages %}{{ m.content }}</s>{% endfor %}>"
    )
    for path in (tiny_model, own):
        load(engine, path)
        for text in ("<|im_end|>", "<s>", "<<|im_start|>>"):
            counted, (alone,) = engine.count(prompt([text, text, "?"]), texts=[text])
            letters = "x" * len(text)
            assert (counted, (alone,)) == engine.count(prompt([letters, letters, "?"]), texts=[letters])


def test_count_with_the_files_own_template(engine: LocalEngine, tmp_path: Path) -> None:
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}</s>{% endfor %}>"
    load(engine, write_tiny_model(tmp_path / "own.gguf", chat_template=template))
    counted, _ = engine.count(prompt(["one", "two", "three"]))
    answer = ask(engine, "one", "two", "three", max_tokens=1)
    assert answer.finished is not None
    assert counted == answer.finished.prompt_tokens


def test_counting_does_not_change_the_cache(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    first = ask(shared_engine, "Name a river.", max_tokens=6)
    texts = ["Name a river.", first.text, "Another one."]
    counted, _ = shared_engine.count(prompt(texts))
    second = ask(shared_engine, *texts, max_tokens=2)
    assert second.finished is not None
    assert counted == second.finished.prompt_tokens
    assert second.reading[0].reused >= first.finished.prompt_tokens + 5  # type: ignore[union-attr]


def test_count_of_each_text_is_cached(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    messages = prompt([f"{number} " + "some words of a message, 一些汉字. " * 12 for number in range(1001)])
    texts = [message.content for message in messages]
    begin = time.monotonic()
    first = shared_engine.count(messages, texts=texts)
    middle = time.monotonic()
    assert shared_engine.count(messages, texts=texts) == first
    again = time.monotonic() - middle
    assert first[0] > sum(first[1]) > 100_000
    assert again < middle - begin


def test_idle_engine_counts_from_any_thread(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    found: list[tuple[int, ...] | None] = []
    thread = threading.Thread(target=lambda: found.append(shared_engine.count_if_idle(["one two three", "四五六"])))
    thread.start()
    thread.join()
    assert found == [shared_engine.count(texts=["one two three", "四五六"])[1]]
    assert found[0] is not None
    assert found[0][0] == 3
    assert shared_engine.count_if_idle(["x" * (MAX_CHARACTERS_IF_IDLE + 1)]) is None


def test_busy_engine_does_not_count(shared_engine: LocalEngine, starter: Path) -> None:
    load(shared_engine, starter)
    meanwhile: list[tuple[int, ...] | None] = []
    ask(
        shared_engine,
        "Name a river.",
        max_tokens=8,
        on_event=lambda event: meanwhile.append(shared_engine.count_if_idle(["one"])),
    )
    assert meanwhile
    assert set(meanwhile) == {None}
    assert shared_engine.count_if_idle(["one"]) is not None


def test_concurrent_counts_and_answers(shared_engine: LocalEngine, tiny_model: Path) -> None:
    """Counts of other threads and the worker's answers do not take each other's events."""
    load(shared_engine, tiny_model)
    done = threading.Event()
    wrong: list[object] = []
    counted: list[int] = []

    def keep_counting() -> None:
        while not done.is_set():
            tokens = shared_engine.count_if_idle(["abc"])
            if tokens is None:
                continue
            counted.append(1)
            if tokens != (3,) and tokens != (4,):
                wrong.append(tokens)

    threads = [threading.Thread(target=keep_counting) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        texts = [ask(shared_engine, "hello", max_tokens=4).text for _ in range(8)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert len(set(texts)) == 1
    assert counted
    assert wrong == []


def test_without_a_loaded_file_there_is_no_count(engine: LocalEngine) -> None:
    assert engine.count_if_idle(["one"]) is None
    with pytest.raises(UserError) as caught:
        engine.count(texts=["one"])
    assert caught.value.code == "nothing_loaded"


def test_template_error_is_reported(engine: LocalEngine, tmp_path: Path) -> None:
    template = "{{ raise_exception('no') }}"
    load(engine, write_tiny_model(tmp_path / "refusing.gguf", chat_template=template))
    with pytest.raises(UserError) as caught:
        engine.count(prompt(["one"]))
    assert caught.value.code == "chat_template_failed"
