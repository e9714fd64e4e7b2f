"""Garbage is collected in the window's thread, and all of it only while nothing is busy."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.window.maintenance import GarbageCollector


class Knot:
    """Holds itself."""

    def __init__(self, on_deletion: Callable[[], object] = bool) -> None:
        self.me = self
        weakref.finalize(self, on_deletion)


@pytest.fixture
def automatic() -> Iterator[None]:
    """Python's automatic collections, which the fixtures of the window tests turn off."""
    was_enabled = gc.isenabled()
    gc.enable()
    yield
    if not was_enabled:
        gc.disable()


@pytest.mark.usefixtures("automatic")
def test_a_full_collection_waits_until_idle_and_close_returns_to_automatic_ones(qapp: QApplication) -> None:
    busy = [True]
    garbage = GarbageCollector(lambda: busy[0], QObject(qapp))
    assert not gc.isenabled()
    knot = Knot()
    gone = weakref.ref(knot)
    gc.collect()
    del knot
    assert not garbage.collect()
    assert gone() is not None
    busy[0] = False
    assert garbage.collect()
    assert gone() is None
    garbage.close()
    assert gc.isenabled()


@pytest.mark.usefixtures("automatic")
def test_a_thread_leaves_garbage_to_the_thread_of_the_window(qapp: QApplication, qtbot: QtBot) -> None:
    garbage = GarbageCollector(lambda: True, QObject(qapp))
    deleted_in: list[int] = []
    kept: list[list[int]] = []

    def allocate() -> None:
        Knot(lambda: deleted_in.append(threading.get_ident()))
        # More than starts an automatic collection.
        kept.extend([number] for number in range(100_000))

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert deleted_in == []
    qtbot.waitUntil(lambda: deleted_in == [threading.get_ident()])
    garbage.close()
