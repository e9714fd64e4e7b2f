"""What an answer tells arrives in order, whole, and together where it comes fast."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.backend import Loaded, Piece
from ui.conversation.bridge import TurnSignals, joined


def test_pieces_that_follow_each_other_are_one() -> None:
    told = [
        ("a", Loaded(0.0, 8)),
        ("a", Piece("x", 1, 11)),
        ("a", Piece("y", 2, 12)),
        ("b", Piece("z", 1, 5)),
        ("a", Piece("w", 3, 13)),
    ]
    assert list(joined(told)) == [
        ("a", Loaded(0.0, 8)),
        ("a", Piece("xy", 2, 12)),
        ("b", Piece("z", 1, 5)),
        ("a", Piece("w", 3, 13)),
    ]


def test_nothing_is_lost_and_the_end_comes_last(qtbot: QtBot) -> None:
    parent = QObject()
    signals = TurnSignals(parent)
    texts: list[str] = []
    ended: list[int] = []
    signals.came.connect(lambda _id, piece: texts.append(piece.text))
    signals.ended.connect(lambda _id, _result: ended.append(len("".join(texts))))

    def write() -> None:
        for number in range(5000):
            signals.tell("a", Piece(chr(0x4E00 + number), number + 1, number))
        signals.end("a", None)  # type: ignore[arg-type]

    thread = threading.Thread(target=write)
    thread.start()
    qtbot.waitUntil(lambda: bool(ended), timeout=10_000)
    thread.join()
    assert ended == [5000]
    assert "".join(texts) == "".join(chr(0x4E00 + number) for number in range(5000))
    assert len(texts) < 5000


def test_pieces_are_shown_together_and_slow_layout_lengthens_the_pause(qtbot: QtBot) -> None:
    parent = QObject()
    signals = TurnSignals(parent)
    texts: list[str] = []

    def show(_id: str, piece: Piece) -> None:
        texts.append(piece.text)
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass

    signals.came.connect(show)
    for character in "abc":
        signals.tell("a", Piece(character, 1, 1))
    assert texts == []
    qtbot.waitUntil(lambda: texts == ["abc"])
    started = time.monotonic()
    signals.tell("a", Piece("d", 4, 4))
    qtbot.waitUntil(lambda: texts == ["abc", "d"])
    assert time.monotonic() - started > 0.15
