"""One answer from beginning to end over a real store, with a scripted backend."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backend import AnswerFinished, AnswerOrigin, ChatEvent, ChatRequest, ModelLoaded, TextDelta
from app.chat.answer import AnswerResult, RunningAnswer
from app.conversation import Message, Status
from app.sampling import Sampling
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

ORIGIN = AnswerOrigin("starter", "ab" * 32, "Q4_1", "llama.cpp")
DONE = AnswerFinished("stop", 10, 2, 100.0, 50.0, 0.1)


class ScriptedBackend:
    """A backend that yields, raises or calls what it is given."""

    is_remote = False

    def __init__(self, *steps: ChatEvent | BaseException | Callable[[], object]) -> None:
        self._steps = steps

    def stream(self, request: ChatRequest, token: CancelToken) -> Iterator[ChatEvent]:
        for step in self._steps:
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
            else:
                yield step

    def origin(self) -> AnswerOrigin:
        return ORIGIN


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "conversations") as opened:
        yield opened


@pytest.fixture
def answer(store: ConversationStore) -> Message:
    return store.begin_turn(store.create().id, "What is the sea?")[1]


def generate(store: ConversationStore, answer: Message, backend: ScriptedBackend, prefill: str = "") -> AnswerResult:
    request = ChatRequest((), Sampling(temperature=0.5, seed=7), prefill)
    return RunningAnswer(answer, store, backend, request, "starter").generate(lambda _event: None)


def test_complete_answer_is_stored_with_its_provenance(store: ConversationStore, answer: Message) -> None:
    backend = ScriptedBackend(ModelLoaded(0.0, 100), TextDelta("The ", 1, 11), TextDelta("sea.", 2, 12), DONE)
    result = generate(store, answer, backend)
    kept = store.message(answer.id)
    assert result.error is None
    assert (kept.content, kept.status) == ("The sea.", Status.COMPLETE)
    assert kept.provenance is not None
    assert kept.provenance.file_sha256 == ORIGIN.file_sha256
    assert kept.provenance.tokens_per_second == 50.0
    assert kept.provenance.seed == 7
    assert kept.provenance.sampling.temperature == 0.5
    assert result.message == kept


def test_growing_answer_is_stored_while_no_piece_arrives(
    store: ConversationStore, answer: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.chat.answer.SAVE_INTERVAL_S", 0.01)

    def stall(text: str) -> Callable[[], object]:
        def wait() -> None:
            kept = store.message(answer.id)
            deadline = time.monotonic() + 20
            while kept.content != text:
                assert time.monotonic() < deadline, f"{kept.content!r} is stored"
                kept = store.message(answer.id)
            assert kept.status is Status.STREAMING

        return wait

    steps = TextDelta("One", 1, 1), stall("One"), TextDelta(" two", 2, 2), stall("One two"), DONE
    generate(store, answer, ScriptedBackend(*steps))
    assert store.message(answer.id).status is Status.COMPLETE
    assert "answer saver" not in {thread.name for thread in threading.enumerate()}


def test_dead_engine_leaves_text_and_error(store: ConversationStore, answer: Message) -> None:
    died = UserError("engine_died", phase="generating", returncode=-9, signal="SIGKILL", log="")
    result = generate(store, answer, ScriptedBackend(TextDelta("Half", 1, 1), died))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.INTERRUPTED)
    assert kept.error is not None
    assert (kept.error["code"], kept.error["signal"]) == ("engine_died", "SIGKILL")
    assert result.error is died


def test_answer_without_text_has_failed(store: ConversationStore, answer: Message) -> None:
    generate(store, answer, ScriptedBackend(UserError("not_gguf", path=Path("/x.gguf"))))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("", Status.FAILED)
    assert kept.error == {"code": "not_gguf", "path": "/x.gguf"}


@pytest.mark.parametrize("end", [Cancelled(), AnswerFinished("cancelled", 10, 1, None, None, None)])
def test_stopped_answer_keeps_its_text(
    store: ConversationStore, answer: Message, end: AnswerFinished | Cancelled
) -> None:
    result = generate(store, answer, ScriptedBackend(TextDelta("Half", 1, 1), end))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.STOPPED)
    assert result.error is None


def test_bug_is_returned_after_the_text_was_stored(store: ConversationStore, answer: Message) -> None:
    result = generate(store, answer, ScriptedBackend(TextDelta("Half", 1, 1), lambda: 1 // 0))
    assert isinstance(result.bug, ZeroDivisionError)
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.INTERRUPTED)


def test_answer_ends_whatever_its_backend_says_of_it(store: ConversationStore, answer: Message) -> None:
    backend = ScriptedBackend(TextDelta("Half", 1, 1), DONE)
    backend.origin = lambda: 1 // 0  # type: ignore[method-assign, assignment, return-value]
    result = generate(store, answer, backend)
    assert isinstance(result.bug, ZeroDivisionError)
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.INTERRUPTED)
    assert result.message == kept


def test_continuing_appends_to_the_text(store: ConversationStore, answer: Message) -> None:
    generate(store, answer, ScriptedBackend(TextDelta("Half", 1, 1), Cancelled()))
    resumed = store.resume_answer(answer.id)
    generate(store, resumed, ScriptedBackend(TextDelta(" and half", 1, 1), DONE), prefill=resumed.content)
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half and half", Status.COMPLETE)


def test_failing_store_does_not_lose_the_text(store: ConversationStore, answer: Message, tmp_path: Path) -> None:
    blocker = sqlite3.connect(tmp_path / "conversations" / "conversations.sqlite3", isolation_level=None)
    with ConversationStore.open(tmp_path / "conversations", busy_timeout_s=0.05) as hasty:
        blocker.execute("BEGIN IMMEDIATE")
        result = generate(hasty, answer, ScriptedBackend(TextDelta("No limit", 1, 1), DONE))
        blocker.execute("ROLLBACK")
        blocker.close()
        assert result.save_error is not None
        assert result.save_error.code == "database_locked"
        assert result.message.content == "No limit"
        hasty.finish_answer(answer.id, result.message.content, Status.COMPLETE, result.message.provenance)
    assert store.message(answer.id).content == "No limit"


def test_an_answer_waits_for_a_locked_store(store: ConversationStore, answer: Message, tmp_path: Path) -> None:
    blocker = sqlite3.connect(tmp_path / "conversations" / "conversations.sqlite3", isolation_level=None)
    with ConversationStore.open(tmp_path / "conversations", busy_timeout_s=0.05) as hasty:
        blocker.execute("BEGIN IMMEDIATE")

        class Unlocking(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "not stored" in record.getMessage():
                    blocker.close()

        handler = Unlocking()
        logging.getLogger("app.chat.answer").addHandler(handler)
        result = generate(hasty, answer, ScriptedBackend(TextDelta("No limit", 1, 1), DONE))
        logging.getLogger("app.chat.answer").removeHandler(handler)
        assert result.save_error is None
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("No limit", Status.COMPLETE)


def test_answer_cancelled_in_the_queue_does_not_start(store: ConversationStore, answer: Message) -> None:
    backend = ScriptedBackend(lambda: pytest.fail("it was started"))
    running = RunningAnswer(answer, store, backend, ChatRequest((), Sampling()), "starter")
    running.token.cancel()
    assert running.generate(lambda _event: None).message.status is Status.STOPPED


@pytest.mark.parametrize(
    ("prefill", "pieces", "seconds"),
    [
        ("", ("\n<th", "ink>Hm", ".</thi", "nk>Yes."), 3.0),
        ("", ("<think>Hm.</think>Yes.",), 0.0),
        ("", ("<think>Hm", ", it was cut"), None),
        ("", ("Yes: ", "<think>", "</think>"), None),
        ("<think>Hm", (".</think>", "Yes."), None),
        ("", ("Hm.\n</th", "ink>", "Yes."), 1.0),
    ],
)
def test_thinking_time_is_measured(
    store: ConversationStore, answer: Message, monkeypatch: pytest.MonkeyPatch, prefill: str, pieces, seconds
) -> None:
    now = [0.0]
    monkeypatch.setattr("app.chat.answer.time.monotonic", lambda: now[0])
    script: list[object] = []
    for number, text in enumerate(pieces):
        script += [lambda number=number: now.__setitem__(0, float(number)), TextDelta(text, number, number)]
    generate(store, answer, ScriptedBackend(*script, DONE), prefill=prefill)
    made_by = store.message(answer.id).provenance
    assert made_by is not None
    assert made_by.thought_s == seconds
