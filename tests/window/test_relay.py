"""Changes that arrive in other threads while what they are for is destroyed."""

from __future__ import annotations

import threading

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from model_manager.download.queue import DownloadQueue
from model_manager.hub.access import Access
from ui.models.downloads import on_queue_change
from ui.widgets.job import Job

PATIENCE_S = 30


class Page(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.changes = 0

    def count(self) -> None:
        self.changes += 1


def test_a_change_of_the_queue_meets_pages_that_are_closed_meanwhile(qapp, tmp_path):
    queue = DownloadQueue(lambda: tmp_path, lambda: Access("http://127.0.0.1:9", proxy=""))
    is_changing, is_closed, errors = threading.Event(), threading.Event(), []
    queue.subscribe(lambda: (is_changing.set(), is_closed.wait(PATIENCE_S)))
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
    assert is_changing.wait(PATIENCE_S)
    closed.deleteLater()
    for _ in range(2):
        # The page, and what belongs to it.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not isValid(closed)
    is_closed.set()
    thread.join(PATIENCE_S)
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
