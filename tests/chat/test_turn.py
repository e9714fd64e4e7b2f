"""One answer from beginning to end over a real store; what answers is scripted, since it is the seam to the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.backend import ChatEvent, ChatRequest, Finished, Loaded, Piece
from app.chat.turn import AnswerOrigin, TurnResult, run_turn
from app.conversation import Message, Sampling, Status
from app.store.store import ConversationStore
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError

ORIGIN = AnswerOrigin("starter", "ab" * 32, "Q4_1", "llama.cpp")
DONE = Finished("stop", 10, 2, 100.0, 50.0, 0.1)


class Script:
    """A source that does what the test wrote down."""

    def __init__(self, *steps: ChatEvent | BaseException | Callable[[], object]) -> None:
        self._steps = steps
        self.asked: list[ChatRequest] = []

    def stream(self, request: ChatRequest, _token: CancelToken) -> Iterator[ChatEvent]:
        self.asked.append(request)
        for step in self._steps:
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
            else:
                yield step


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(tmp_path / "conversations") as opened:
        yield opened


@pytest.fixture
def answer(store: ConversationStore) -> Message:
    return store.begin_turn(store.create().id, "What is the sea?")[1]


def turn(store: ConversationStore, answer: Message, source: Script, prefill: str = "") -> TurnResult:
    request = ChatRequest((), Sampling(temperature=0.5), prefill)
    return run_turn(store, source, request, answer, lambda: ORIGIN, lambda _event: None)


def test_a_whole_answer_is_kept_with_what_made_it(store: ConversationStore, answer: Message) -> None:
    source = Script(Loaded(0.0, 100), Piece("The ", 1, 11), Piece("sea.", 2, 12), DONE)
    result = turn(store, answer, source)
    kept = store.message(answer.id)
    assert result.error is None
    assert (kept.content, kept.status) == ("The sea.", Status.COMPLETE)
    assert kept.made_by is not None
    assert kept.made_by.file_sha256 == ORIGIN.file_sha256
    assert kept.made_by.tokens_per_second == 50.0
    assert kept.made_by.seed == source.asked[0].sampling.seed, "the seed that was drawn is the one that was used"
    assert kept.made_by.sampling.temperature == 0.5
    assert result.message == kept


def test_a_chosen_seed_stays(store: ConversationStore, answer: Message) -> None:
    request = ChatRequest((), Sampling(seed=7))
    run_turn(store, Script(DONE), request, answer, lambda: ORIGIN, lambda _event: None)
    made_by = store.message(answer.id).made_by
    assert made_by is not None
    assert made_by.seed == 7


def test_the_growing_answer_is_in_the_database(
    store: ConversationStore, answer: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("app.chat.turn.time.monotonic", lambda: float(next(clock)))
    seen: list[tuple[str, Status]] = []

    def look() -> None:
        kept = store.message(answer.id)
        seen.append((kept.content, kept.status))

    turn(store, answer, Script(look, Piece("One", 1, 1), look, Piece(" two", 2, 2), look, DONE))
    assert seen == [
        ("", Status.STREAMING),
        ("One", Status.STREAMING),
        ("One two", Status.STREAMING),
    ]


def test_an_engine_that_dies_leaves_the_words_and_the_reason(store: ConversationStore, answer: Message) -> None:
    died = UserError("engine_died", phase="generating", returncode=-9, signal="SIGKILL", log="")
    result = turn(store, answer, Script(Piece("Half", 1, 1), died))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.INTERRUPTED)
    assert kept.error is not None
    assert (kept.error["code"], kept.error["signal"]) == ("engine_died", "SIGKILL")
    assert result.error is died


def test_an_answer_that_never_began_failed(store: ConversationStore, answer: Message) -> None:
    turn(store, answer, Script(UserError("not_gguf", path=Path("/x.gguf"))))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("", Status.FAILED)
    assert kept.error == {"code": "not_gguf", "path": "/x.gguf"}


@pytest.mark.parametrize("end", [Cancelled(), Finished("cancelled", 10, 1, None, None, None)])
def test_a_stopped_answer_keeps_what_was_there(
    store: ConversationStore, answer: Message, end: Finished | Cancelled
) -> None:
    result = turn(store, answer, Script(Piece("Half", 1, 1), end))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.STOPPED)
    assert result.error is None


def test_a_bug_is_raised_when_the_words_are_safe(store: ConversationStore, answer: Message) -> None:
    with pytest.raises(ZeroDivisionError):
        turn(store, answer, Script(Piece("Half", 1, 1), lambda: 1 // 0))
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half", Status.INTERRUPTED)


def test_continuing_adds_to_what_was_there(store: ConversationStore, answer: Message) -> None:
    turn(store, answer, Script(Piece("Half", 1, 1), Cancelled()))
    resumed = store.resume_answer(answer.id)
    turn(store, resumed, Script(Piece(" and half", 1, 1), DONE), prefill=resumed.content)
    kept = store.message(answer.id)
    assert (kept.content, kept.status) == ("Half and half", Status.COMPLETE)


def test_a_store_that_cannot_be_written_does_not_lose_the_words(
    store: ConversationStore, answer: Message, tmp_path: Path
) -> None:
    import sqlite3

    blocker = sqlite3.connect(tmp_path / "conversations" / "conversations.sqlite3", isolation_level=None)
    with ConversationStore.open(tmp_path / "conversations", busy_timeout_s=0.05) as hasty:
        blocker.execute("BEGIN IMMEDIATE")
        result = turn(hasty, answer, Script(Piece("No limit", 1, 1), DONE))
        blocker.execute("ROLLBACK")
        blocker.close()
        assert result.save_error is not None
        assert result.save_error.code == "database_locked"
        assert result.message.content == "No limit"
        hasty.finish_answer(answer.id, result.message.content, Status.COMPLETE, result.message.made_by)
    assert store.message(answer.id).content == "No limit"
