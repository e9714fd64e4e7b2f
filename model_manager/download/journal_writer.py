"""Thread that appends to the journals while data arrives."""

from __future__ import annotations

import contextlib
import threading
from typing import BinaryIO, cast

from model_manager.disk.files import disk_error, sync
from model_manager.download.journal import record_line
from model_manager.download.piece_queue import PartialFile
from model_manager.download.session import Session

INTERVAL_S = 0.5


class JournalWriter(threading.Thread):
    """Appends the changed pieces of each file after its data was synced."""

    def __init__(self, session: Session, files: tuple[PartialFile, ...]) -> None:
        """Raises ``UserError`` as ``disk_error``."""
        super().__init__(name="download journal", daemon=True)
        self._session = session
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._journals: dict[PartialFile, BinaryIO] = {}
        for file in files:
            try:
                self._journals[file] = cast(BinaryIO, file.files.journal.open("ab", buffering=0))
            except OSError as error:
                self.close()
                raise disk_error(error, file.files.journal) from error

    def run(self) -> None:
        """Work until the download ends."""
        try:
            while not self._session.wait(lambda: False, INTERVAL_S):
                for file in tuple(self._journals):
                    self._append(file)
        except BaseException as error:
            self._session.fail(error)

    def remove(self, file: PartialFile) -> None:
        """Close a file and its journal."""
        with self._sync_lock, self._lock:
            journal = self._journals.pop(file, None)
            if journal is not None:
                journal.close()

    def close(self) -> None:
        """Append the last state of all files, without a sync: the data is checked by the next run."""
        with self._lock:
            for file, journal in self._journals.items():
                with contextlib.suppress(OSError):
                    # All pieces: the thread may be in the middle of a sync.
                    journal.write(record_line(file.records()))
                journal.close()
            self._journals.clear()

    def _append(self, file: PartialFile) -> None:
        with self._lock:
            line = record_line(file.records(changed_only=True)) if file in self._journals else b""
        if not line:
            return
        with self._sync_lock:
            if file not in self._journals:
                return
            with file.files.part.open("r+b", buffering=0) as handle:
                sync(cast(BinaryIO, handle))
        with self._lock:
            if file in self._journals:
                self._journals[file].write(line)
                sync(self._journals[file])
