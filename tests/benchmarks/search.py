"""Search in 200,000 messages: time to the first 200 hits, against a scan of all messages in the same run.

    python -m tests.benchmarks.search [--out FILE] [--messages N]     some minutes

The messages have 423 characters on average, half of them Chinese.  Words and characters are as unequally frequent as
in a language but independent of each other, so there are more different pairs and the index is larger than for real
conversations.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from app.conversation import Conversation, ConversationTree, Message, Role, Status
from app.store.search import search
from app.store.store import ConversationStore
from tests.benchmarks.figures import Figure, at_least, at_most, median, report, reported, rounded

LENGTH, IN_ONE, RUNS = 423, 200, 7
LIMIT_MS = 100
INDEX_S, STEP_MS = 60, 50
START = datetime(2025, 1, 1, tzinfo=UTC)


class Corpus:
    """Random messages with a fixed seed, and search terms of known frequency."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        letters = "etaoinshrdlucmfwypvbgk"
        words = {"".join(self._chance.choices(letters, k=self._chance.randint(3, 9))) for _ in range(9000)}
        self.words = sorted(words, key=lambda word: (len(word), word))[:8000]
        self.signs = [chr(code) for code in range(0x4E00, 0x4E00 + 3500)]
        self._word_shares, self._sign_shares = _shares(len(self.words)), _shares(len(self.signs))

    def messages(self, conversation_id: str, first: int) -> Iterator[Message]:
        parent = None
        for number in range(first, first + IN_ONE):
            id_ = str(uuid.UUID(int=self._chance.getrandbits(128)))
            yield Message(
                id=id_,
                conversation_id=conversation_id,
                parent_id=parent,
                role=Role.ASSISTANT if number % 2 else Role.USER,
                status=Status.COMPLETE,
                content=self._text(self._chance.randint(1, 2 * LENGTH), chinese=self._chance.random() < 0.5),
                created_at=START + timedelta(seconds=number),
            )
            parent = id_

    def trees(self, count: int) -> Iterator[ConversationTree]:
        for first in range(0, count, IN_ONE):
            id_ = str(uuid.UUID(int=self._chance.getrandbits(128)))
            messages = tuple(self.messages(id_, first))
            yield ConversationTree(Conversation(id_, "Title", START, START, leaf_id=messages[-1].id), messages)

    def _text(self, length: int, *, chinese: bool) -> str:
        if chinese:
            signs = self._chance.choices(self.signs, cum_weights=self._sign_shares, k=length)
            signs[10::11] = "，" * len(signs[10::11])
            return "".join(signs)
        return " ".join(self._chance.choices(self.words, cum_weights=self._word_shares, k=length // 6 + 1))[:length]

    def terms(self) -> dict[str, str]:
        first, second, *_ = self.signs
        rare = self.signs[1800]
        return {
            "two signs, frequent": first + second,
            "two signs, rare": rare + first,
            "two signs, each frequent, with one that never stands there": first + "龘",
            "two signs that never occur": "龘靐",
            "four signs, never together": "".join(self.signs[at] for at in (5, 900, 17, 1400)),
            "one sign, frequent": first,
            "English word, frequent": self.words[0],
            "English word, rare": self.words[-1],
            "part of an English word": self.words[-1][2:7],
            "two letters": "wk",
            "word that never occurs": "zebrazone",
            "two frequent words": f"{self.words[0]} {self.words[1]}",
            "phrase of two frequent words": f'"{self.words[0]} {self.words[1]}"',
            "frequent and rare word": f"{self.words[0]} {self.words[-1]}",
            "three words, folded": f"{self.words[-1]} {self.words[3]} {self.words[50]}".upper().replace("E", "É"),
            "word and signs, never together": f"{self.words[0]} {first}",
        }


def _shares(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 10) for rank in range(count)))


def measured(store: ConversationStore, terms: dict[str, str]) -> Iterator[Figure]:
    for name, term in terms.items():
        with_index, by_the_clock, scanned = [], [], []
        with store._connections.reading() as connection:
            for _ in range(RUNS):
                begun, work = time.perf_counter(), time.thread_time()
                hits = search(connection, term, 200)
                with_index.append((time.thread_time() - work) * 1000)
                by_the_clock.append((time.perf_counter() - begun) * 1000)
            begun = time.thread_time()
            same = search(connection, term, 200, use_index=False)
            scanned.append((time.thread_time() - begun) * 1000)
        assert hits == same, name
        yield reported(
            at_most(
                f"{name}, ms of CPU time", median(with_index), LIMIT_MS,
                first=round(with_index[0], 1), hits=len(hits),
                by_the_clock_ms=rounded(by_the_clock), baseline_scan_ms=rounded(scanned), runs_ms=rounded(with_index),
            )
        )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=200_000)
    count = parser.parse_known_args()[0].messages
    corpus = Corpus()
    with tempfile.TemporaryDirectory() as folder, ConversationStore.open(Path(folder)) as store:
        begun = time.perf_counter()
        store.merge(corpus.trees(count))
        print(f"filled in {time.perf_counter() - begun:.1f} s", file=sys.stderr)
        path = Path(folder) / "conversations.sqlite3"
        steps, clock = [], []
        before = path.stat().st_size + path.with_name(f"{path.name}-wal").stat().st_size
        while True:
            begun, work = time.perf_counter(), time.thread_time()
            more = store.update_search_index()
            steps.append((time.thread_time() - work) * 1000)
            clock.append((time.perf_counter() - begun) * 1000)
            if not more:
                break
        with closing(sqlite3.connect(path)) as connection:
            mean = connection.execute("SELECT avg(length(content)) FROM messages").fetchone()[0]
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The limits are those of 200,000 messages.
        figures = [
            reported(
                at_most(
                    "index of 200,000 messages, CPU s", sum(steps) / 1000 * 200_000 / count, INDEX_S,
                    clock_s=round(sum(clock) / 1000, 1), mib_without=round(before / 2**20, 1),
                    mib_with=round(path.stat().st_size / 2**20, 1), characters=round(mean, 1), messages=count,
                )
            ),
            reported(
                at_most(
                    # The first one imports numpy.
                    "longest step of the index, ms of CPU time", max(steps[1:]), STEP_MS,
                    first=round(steps[0], 1), median=round(median(steps), 1), steps=len(steps),
                    clock_median=round(median(clock), 1), clock_longest=round(max(clock), 1),
                )
            ),
        ]  # fmt: skip
        figures += measured(store, corpus.terms())
        absent = next(figure for figure in figures if figure.name.startswith("two signs that never"))
        scan = median([float(each) for each in absent.details["baseline_scan_ms"]])  # type: ignore[attr-defined]
        figures.append(at_least("times faster than the scan where nothing is found", scan / absent.value, 10))
    return report(figures)


if __name__ == "__main__":
    raise SystemExit(main())
