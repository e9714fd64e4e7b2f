"""Background jobs and other calls from threads: outcomes, progress, cancellation, and what is destroyed meanwhile."""

from __future__ import annotations

import threading
import traceback

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from app.store.store import ConversationStore
from model_manager.download.queue import DownloadQueue
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from ui.models.downloads import on_queue_change
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


class Page(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.changes = 0

    def count(self) -> None:
        self.changes += 1


def test_a_change_of_the_queue_meets_pages_that_are_closed_meanwhile(qapp, tmp_path):
    queue = DownloadQueue(lambda: tmp_path, lambda: Access("http://127.0.0.1:9", proxy=""))
    is_changing, is_closed, errors = threading.Event(), threading.Event(), []
    queue.subscribe(lambda: (is_changing.set(), is_closed.wait(10)))
    closed, open_ = Page(), Page()
    for page in (closed, open_):
        on_queue_change(queue, page, page.count)

    def change() -> None:
        try:
            queue.forget("nothing")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    assert is_changing.wait(10)
    closed.deleteLater()
    for _ in range(2):
        # The page, and what belongs to it.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not isValid(closed)
    is_closed.set()
    thread.join(10)
    qapp.processEvents()
    assert errors == []
    assert (closed.changes, open_.changes) == (0, 1)
    open_.deleteLater()


def test_a_job_is_not_deleted_while_its_thread_is_in_a_signal(qtbot, qapp):
    is_destroyed, seen = threading.Event(), []
    job = Job(QObject(qapp))
    job.destroyed.connect(is_destroyed.set)
    # Called in the job's thread, after the event for the window's thread was posted.
    job._returned.connect(lambda: seen.append(is_destroyed.wait(0.3)), Qt.ConnectionType.DirectConnection)
    with qtbot.waitSignal(job.destroyed):
        job.start(lambda: None)
    assert seen == [False]
