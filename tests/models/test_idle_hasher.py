"""Hashes are made at leisure: not while an answer is, and the program never waits for them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from app.idle_hasher import IdleHashing
from model_manager.library.library import ModelLibrary

PATIENCE_S = 20


class Watched(ModelLibrary):
    """Tells when a hash was recorded."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, find_starter=lambda: None)
        self.recorded = threading.Semaphore(0)

    def record_file_hash(self, path: Path, sha256: str) -> None:
        super().record_file_hash(path, sha256)
        self.recorded.release()


def hashing(library: Watched, is_busy: Callable[[], bool]) -> IdleHashing:
    made = IdleHashing(library, is_busy)
    made.look()
    return made


def test_a_registered_file_gets_its_hash(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    made = hashing(library, lambda: False)
    assert library.recorded.acquire(timeout=PATIENCE_S)
    made.close()
    (model,) = library.list()
    assert model.sha256 == hashlib.sha256(tiny.read_bytes()).hexdigest()


def test_it_stands_still_while_an_answer_is_made(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    busy, asked = threading.Event(), threading.Event()
    busy.set()

    def is_busy() -> bool:
        asked.set()
        return busy.is_set()

    made = hashing(library, is_busy)
    assert asked.wait(PATIENCE_S)
    assert not library.recorded.acquire(timeout=0.1)
    busy.clear()
    assert library.recorded.acquire(timeout=PATIENCE_S)
    made.close()


def test_closing_does_not_wait_for_the_end_of_a_file(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    asked = threading.Event()
    made = hashing(library, lambda: asked.set() or True)
    assert asked.wait(PATIENCE_S)
    made.close()
    (model,) = library.list()
    assert model.sha256 is None
