"""PySide6 6.12.0 on Python 3.11 loses a reference of None with each void call and of True with each emit."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal

CALLS, EMITS, SLACK = 10_000, 2_000, 200


class Speaker(QObject):
    spoke = Signal()


def test_none_keeps_its_references_over_void_calls(qapp: object) -> None:
    quiet = QObject()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        quiet.setObjectName("name")
    assert sys.getrefcount(None) > before - SLACK


def test_true_keeps_its_references_over_emits(qapp: object) -> None:
    speaker = Speaker()
    before = sys.getrefcount(True)
    for _ in range(EMITS):
        speaker.spoke.emit()
    assert sys.getrefcount(True) > before - SLACK
