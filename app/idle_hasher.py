"""Hashes the files of the library while nothing is being answered, so that later answers can name their file."""

from __future__ import annotations

import threading
from collections.abc import Callable

from model_manager.cancellation import CancelToken
from model_manager.disk.hashing import sha256_of
from model_manager.errors import Cancelled, UserError
from model_manager.library.library import ModelLibrary
from model_manager.progress import Progress

PAUSE_S = 0.5


class IdleHashing:
    """A thread that begins with the first ``look`` and stands still while ``is_busy``."""

    def __init__(self, library: ModelLibrary, is_busy: Callable[[], bool]) -> None:
        self._library = library
        self._is_busy = is_busy
        self._wanted = threading.Event()
        self._closed = CancelToken()
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)

    def look(self) -> None:
        """Hash what has no hash yet, at leisure."""
        self._wanted.set()
        if not self._thread.is_alive() and not self._closed.is_cancelled:
            self._thread.start()

    def close(self) -> None:
        """End; a file that was half hashed begins anew at the next start."""
        self._closed.cancel()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed.is_cancelled:
                return
            try:
                self._hash_all()
            except Cancelled:
                return
            except UserError:
                # The list cannot be read; whoever shows it says so.
                continue

    def _hash_all(self) -> None:
        for model in self._library.list():
            if not model.ready or model.sha256 is not None:
                continue
            try:
                sha256 = sha256_of(model.path, self._stand_still_while_busy, self._closed)
                self._library.record_file_hash(model.path, sha256)
            except UserError:
                # Gone or changed meanwhile: it is looked at again at the next start.
                continue

    def _stand_still_while_busy(self, _progress: Progress) -> None:
        while self._is_busy() and not self._closed.wait(PAUSE_S):
            pass
