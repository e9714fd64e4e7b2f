"""Background jobs: outcomes in the window's thread, progress, cancellation, and a parent that is destroyed."""

from __future__ import annotations

import threading
import traceback

import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QWidget

from app.store.store import ConversationStore
from model_manager.errors import Cancelled, UserError
from ui.widgets.job import Job, run_job


def test_result_is_delivered_in_the_window_thread(qtbot, qapp):
    results = []

    def succeeded(value: int) -> None:
        results.append((value, QThread.currentThread() is qapp.thread()))

    job = run_job(QObject(qapp), threading.get_ident, succeeded, pytest.fail)
    qtbot.waitSignal(job.finished).wait()
    [(worker, is_in_window_thread)] = results
    assert is_in_window_thread
    assert worker != threading.get_ident()


def test_error_is_delivered(qtbot, qapp):
    errors = []

    def work() -> None:
        raise UserError("disk_full", path="x")

    job = run_job(QObject(qapp), work, pytest.fail, errors.append)
    qtbot.waitSignal(job.finished).wait()
    assert [error.code for error in errors] == ["disk_full"]


def test_bug_reaches_the_exception_hook(qtbot, qapp):
    with qtbot.captureExceptions() as caught:
        job = run_job(QObject(qapp), lambda: 1 // 0, pytest.fail, pytest.fail)
        qtbot.waitSignal(job.finished).wait()
    assert caught[0][0] is ZeroDivisionError
    assert "<lambda>" in {frame.name for frame in traceback.extract_tb(caught[0][2])}


def test_job_that_outlives_the_store_only_finishes(qtbot, qapp):
    store = ConversationStore.in_memory()
    store.close()
    for work in (store.titles, store.update_search_index):
        job = run_job(QObject(qapp), work, pytest.fail, pytest.fail)
        qtbot.waitSignal(job.finished).wait()


def test_cancelled_job_only_finishes(qtbot, qapp):
    started = threading.Event()
    job = Job(QObject(qapp))

    def work() -> None:
        started.set()
        assert job.token.wait(10)
        raise Cancelled

    job.succeeded.connect(pytest.fail)
    job.failed.connect(pytest.fail)
    job.start(work)
    assert started.wait(10)
    with qtbot.waitSignal(job.finished):
        job.cancel()


def test_progress_is_throttled_and_the_last_value_precedes_the_result(qtbot, qapp):
    events = []
    job = Job(QObject(qapp))

    def work() -> str:
        for number in range(1000):
            job.report(number)
        return "result"

    job.progress.connect(events.append)
    job.succeeded.connect(events.append)
    job.start(work)
    qtbot.waitSignal(job.finished).wait()
    assert events[-2:] == [999, "result"]
    assert len(events) < 100


def test_work_can_run_elsewhere(qtbot, qapp):
    submitted = []
    job = Job(QObject(qapp))
    job.start(threading.get_ident, submitted.append)
    with qtbot.waitSignal(job.succeeded) as result:
        submitted[0]()
    assert result.args == [threading.get_ident()]


def test_destroying_the_parent_cancels_the_job_and_silences_it(qtbot, qapp):
    parent, is_cancelled = QWidget(), []
    job = Job(parent)
    for signal in (job.progress, job.succeeded, job.failed, job.finished):
        signal.connect(pytest.fail)

    def work() -> None:
        is_cancelled.append(job.token.wait(10))
        job.report(1)

    job.start(work)
    parent.deleteLater()
    qtbot.waitSignal(job.destroyed).wait()
    assert is_cancelled == [True]
