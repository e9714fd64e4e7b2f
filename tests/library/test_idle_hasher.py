"""Background hashing of the library: it pauses during answers, and shutting down does not wait for it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from app.idle_hasher import IdleHasher
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


def start_hasher(library: Watched, is_busy: Callable[[], bool]) -> IdleHasher:
    made = IdleHasher(library, is_busy)
    made.refresh()
    return made


def test_a_registered_file_is_hashed(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    made = start_hasher(library, lambda: False)
    assert library.recorded.acquire(timeout=PATIENCE_S)
    made.shut_down()
    (model,) = library.list()
    assert model.sha256 == hashlib.sha256(tiny.read_bytes()).hexdigest()


def test_hashing_pauses_while_an_answer_is_generated(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    busy, asked = threading.Event(), threading.Event()
    busy.set()

    def is_busy() -> bool:
        asked.set()
        return busy.is_set()

    made = start_hasher(library, is_busy)
    assert asked.wait(PATIENCE_S)
    assert not library.recorded.acquire(timeout=0.1)
    busy.clear()
    assert library.recorded.acquire(timeout=PATIENCE_S)
    made.shut_down()


def test_shutting_down_does_not_finish_the_file(tmp_path: Path, tiny: Path) -> None:
    library = Watched(tmp_path)
    library.register(tiny)
    asked = threading.Event()
    made = start_hasher(library, lambda: asked.set() or True)
    assert asked.wait(PATIENCE_S)
    made.shut_down()
    (model,) = library.list()
    assert model.sha256 is None
