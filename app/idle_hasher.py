"""Background hashing of the library's files while no answer is generated, so that later answers can name their file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from model_manager.cancellation import CancelToken
from model_manager.disk.hashing import sha256_of
from model_manager.errors import Cancelled, UserError
from model_manager.library.library import ModelLibrary
from model_manager.progress import Progress

PAUSE_S = 0.5


class IdleHasher:
    """A thread that starts with the first ``refresh`` and pauses while ``is_busy``."""

    def __init__(self, library: ModelLibrary, is_busy: Callable[[], bool]) -> None:
        self._library = library
        self._is_busy = is_busy
        self._requested = threading.Event()
        self._token = CancelToken()
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)

    def refresh(self) -> None:
        """Hash the files that have no hash yet, in the background."""
        self._requested.set()
        if not self._thread.is_alive() and not self._token.is_cancelled:
            self._thread.start()

    def shut_down(self) -> None:
        """End the thread; a partly hashed file is hashed from the beginning at the next start."""
        self._token.cancel()
        self._requested.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._requested.wait()
            self._requested.clear()
            try:
                self._token.raise_if_cancelled()
                # A list that can't be read is reported where it is shown.
                with suppress(UserError):
                    self._hash_all()
            except Cancelled:
                return

    def _hash_all(self) -> None:
        for model in self._library.list():
            if model.ready and model.sha256 is None:
                # A file that is missing or changed meanwhile is hashed after the next start.
                with suppress(UserError):
                    sha256 = sha256_of(model.path, self._pause_while_busy, self._token)
                    self._library.record_file_hash(model.path, sha256)

    def _pause_while_busy(self, _progress: Progress) -> None:
        while self._is_busy() and not self._token.wait(PAUSE_S):
            pass
