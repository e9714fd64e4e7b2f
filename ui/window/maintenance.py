"""What keeps the conversations in order while nobody waits: the copy of the day, the bin, the search index."""

from __future__ import annotations

import logging
from datetime import timedelta

from PySide6.QtCore import QObject, QTimer

from app.config.settings import SettingsFile
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.sidebar.shelf import KEPT_DAYS
from ui.widgets.job import run_job

AFTER_START_MS = 2000
"""The start belongs to the person."""
PAUSE_MS = 50
"""Between two steps of the index, so that answers are saved and the window is drawn meanwhile."""


class Upkeep(QObject):
    """Works in other threads, a little at a time; what fails is tried again another time."""

    def __init__(self, store: ConversationStore, settings: SettingsFile, parent: QObject) -> None:
        super().__init__(parent)
        self._store = store
        self._settings = settings
        self._indexing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._index)
        QTimer.singleShot(AFTER_START_MS, self, self._tidy)

    def look(self) -> None:
        """There may be something new to be indexed."""
        if not self._indexing and not self._timer.isActive():
            self._timer.start(AFTER_START_MS)

    def _tidy(self) -> None:
        store, settings = self._store, self._settings

        def work() -> None:
            try:
                store.backup_if_due(settings.now.backups())
                store.purge_deleted(timedelta(days=KEPT_DAYS))
            except StoreClosed:
                # The program ended meanwhile.
                return

        run_job(self, work, lambda _none: self.look(), self._failed)

    def _index(self) -> None:
        store = self._store
        self._indexing = True
        run_job(self, store.update_search_index, self._indexed, self._failed)

    def _indexed(self, more: bool) -> None:
        self._indexing = False
        if more:
            self._timer.start(PAUSE_MS)

    def _failed(self, error: UserError) -> None:
        self._indexing = False
        logging.getLogger(__name__).warning("upkeep: %s", error.code)
