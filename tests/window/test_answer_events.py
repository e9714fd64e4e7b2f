"""Events of answers arrive in order, complete, and joined where they are fast."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.backend import ChatRequest, ModelLoaded, TextDelta
from app.chat.answer import AnswerResult, RunningAnswer
from app.sampling import Sampling
from app.store.store import ConversationStore
from ui.conversation.answer_events import AnswerEvents, join_pieces


@pytest.fixture
def answers() -> list[RunningAnswer]:
    store = ConversationStore.in_memory()
    messages = [store.begin_turn(store.create().id, "?")[1] for _ in range(2)]
    request = ChatRequest((), Sampling())
    return [RunningAnswer(message, store, None, request, "starter") for message in messages]  # type: ignore[arg-type]


@pytest.fixture
def parent() -> QObject:
    return QObject()


def test_pieces_of_each_answer_are_joined(answers: list[RunningAnswer]) -> None:
    first, second = answers
    events = [
        (first, ModelLoaded(0.0, 8)),
        (first, TextDelta("x", 1, 11)),
        (first, TextDelta("y", 2, 12)),
        (second, TextDelta("z", 1, 5)),
        (first, TextDelta("w", 3, 13)),
    ]
    assert list(join_pieces(events)) == [
        (first, ModelLoaded(0.0, 8)),
        (first, TextDelta("xyw", 3, 13)),
        (second, TextDelta("z", 1, 5)),
    ]


def test_every_piece_arrives_and_the_result_is_last(
    qtbot: QtBot, answers: list[RunningAnswer], parent: QObject
) -> None:
    events = AnswerEvents(parent)
    received: dict[str, list[object]] = {answer.message.id: [] for answer in answers}
    events.received.connect(lambda answer, event: received[answer.message.id].append(event))

    def write(answer: RunningAnswer) -> None:
        for number in range(5000):
            events.post(answer, TextDelta(chr(0x4E00 + number), number + 1, number))
        events.post(answer, AnswerResult(answer.message))

    threads = [threading.Thread(target=write, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(
        lambda: all(each and isinstance(each[-1], AnswerResult) for each in received.values()), timeout=10_000
    )
    for thread in threads:
        thread.join()
    for each in received.values():
        text = "".join(event.text for event in each if isinstance(event, TextDelta))
        assert text == "".join(chr(0x4E00 + number) for number in range(5000))
        assert len(each) < 5000


def test_slow_layout_lengthens_the_pause(qtbot: QtBot, answers: list[RunningAnswer], parent: QObject) -> None:
    events, answer = AnswerEvents(parent), answers[0]
    texts: list[str] = []

    def show(_answer: RunningAnswer, piece: TextDelta) -> None:
        texts.append(piece.text)
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass

    events.received.connect(show)
    for character in "abc":
        events.post(answer, TextDelta(character, 1, 1))
    assert texts == []
    qtbot.waitUntil(lambda: texts == ["abc"])
    started = time.monotonic()
    events.post(answer, TextDelta("d", 4, 4))
    qtbot.waitUntil(lambda: texts == ["abc", "d"])
    assert time.monotonic() - started > 0.15
