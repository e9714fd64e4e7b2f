"""Maintenance of the conversation store: automatic backup, emptying of the trash, search index."""

from __future__ import annotations

import logging
from datetime import timedelta

from PySide6.QtCore import QObject, QTimer

from app.config.settings import SettingsFile
from app.conversation import TRASH_DAYS
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.widgets.job import run_job

START_DELAY_MS = 2000
PAUSE_MS = 50
"""Between two steps of the index: answers are saved and the window is painted meanwhile."""


class Maintenance(QObject):
    """Runs in background jobs, a little at a time.  A failure is logged; the next start tries again."""

    def __init__(self, store: ConversationStore, settings: SettingsFile, parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._settings = store, settings
        self._is_indexing = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._index)
        QTimer.singleShot(START_DELAY_MS, self, self._clean_up)

    def schedule(self) -> None:
        """Update the search index soon."""
        if not self._is_indexing and not self._timer.isActive():
            self._timer.start(START_DELAY_MS)

    def _clean_up(self) -> None:
        store, settings = self._store, self._settings

        def clean_up() -> None:
            try:
                store.backup_if_due(settings.now.backups())
                store.purge_deleted(timedelta(days=TRASH_DAYS))
            except StoreClosed:
                # The program has ended meanwhile.
                return

        run_job(self, clean_up, lambda _none: self.schedule(), self._fail)

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
