"""Full searches for garbage wait until nothing is under way."""

from __future__ import annotations

import gc
import weakref

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from ui.window.maintenance import IdleGarbageCollector


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_collection_waits_until_idle_and_close_restores_the_thresholds(qapp: QApplication) -> None:
    before = gc.get_threshold()
    busy = [True]
    parent = QObject()
    garbage = IdleGarbageCollector(lambda: busy[0], parent)
    assert gc.get_threshold()[:2] == before[:2]
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
    assert gc.get_threshold() == before
