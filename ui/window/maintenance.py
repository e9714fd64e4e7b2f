"""Maintenance: backup, emptying of the trash, conversation cache, search index, and garbage collection while idle."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from datetime import timedelta

from PySide6.QtCore import QObject, QTimer

from app.conversation import TRASH_DAYS
from app.services import Services
from model_manager.errors import UserError
from ui.widgets.job import run_job

START_DELAY_MS = 2000
PAUSE_MS = 10
"""Between two steps of the index: answers are saved and the window is painted meanwhile."""
BACKUP_MS = 3_600_000
"""Between two looks at whether the automatic backup is due."""
COLLECT_MS = 60_000
NEVER = 1_000_000
"""More collections of the middle generation than happen in one run of the program."""


class Maintenance(QObject):
    """Runs in background jobs, a little at a time.  A failure is logged; the next start tries again."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services, self._store = services, services.store
        self._is_indexing = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._index)
        QTimer.singleShot(START_DELAY_MS, self, self._clean_up)
        self.backup_timer = QTimer(self, interval=BACKUP_MS)
        self.backup_timer.timeout.connect(self._back_up)
        self.backup_timer.start()

    def schedule(self) -> None:
        """Update the search index soon."""
        if not self._is_indexing and not self._timer.isActive():
            self._timer.start(START_DELAY_MS)

    def _clean_up(self) -> None:
        services, store = self._services, self._store

        def clean_up() -> None:
            store.backup_if_due(services.settings.current.backups())
            store.purge_deleted(timedelta(days=TRASH_DAYS))
            services.tidy_states()
            services.pages.delete_earlier()

        run_job(self, clean_up, lambda _none: self.schedule(), self._fail)

    def _back_up(self) -> None:
        store, schedule = self._store, self._services.settings.current.backups()
        run_job(self, lambda: store.backup_if_due(schedule), lambda _backup: None, self._fail)

    def _index(self) -> None:
        self._is_indexing = True
        run_job(self, self._store.update_search_index, self._continue, self._fail)

    def _continue(self, has_more: bool) -> None:
        self._is_indexing = False
        if has_more:
            self._timer.start(PAUSE_MS)

    def _fail(self, error: UserError) -> None:
        self._is_indexing = False
        logging.getLogger(__name__).warning("maintenance: %s", error.code)


class IdleGarbageCollector(QObject):
    """Runs full collections only while nothing is busy; the short ones, of young objects, stay automatic.

    A full one visits every object: with a conversation of ten thousand messages it stops the window for 80 ms.
    """

    def __init__(self, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._thresholds = gc.get_threshold()
        gc.set_threshold(self._thresholds[0], self._thresholds[1], NEVER)
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> bool:
        """Run a full collection unless something is busy; return whether it ran."""
        if self._is_busy():
            return False
        gc.collect()
        return True

    def close(self) -> None:
        """Return to Python's automatic collections."""
        self._timer.stop()
        gc.set_threshold(*self._thresholds)
