"""The end of a file: verified and given its name, or quarantined, in steps that a crash may part anywhere."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.disk.files import disk_error, move_over, sync
from model_manager.download.hasher import Hashes
from model_manager.download.journal import JournalWriter, Opening, PieceNote, write_journal
from model_manager.download.pieces import Board, PartialFile
from model_manager.errors import UserError
from model_manager.layout.file_names import FilesOf
from model_manager.layout.origin import Origin, write_origin

NOTE_EVERY_S = 0.5


class Scribe(threading.Thread):
    """Writes the journals while the data comes."""

    def __init__(self, board: Board, on_error: Callable[[BaseException], None]) -> None:
        """Raises ``UserError`` as ``disk_error`` does."""
        super().__init__(name="download journal", daemon=True)
        self._board = board
        self._on_error = on_error
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._writers: dict[PartialFile, JournalWriter] = {}
        for file in board.files:
            try:
                self._writers[file] = JournalWriter(file.files.journal)
            except OSError as error:
                self.close()
                raise disk_error(error, file.files.journal) from error

    def run(self) -> None:
        """Work until the board ends."""
        try:
            while not self._board.wait(lambda: False, NOTE_EVERY_S):
                for file in self._board.files:
                    self._note(file)
        except BaseException as error:
            self._on_error(error)

    def drop(self, file: PartialFile) -> None:
        """Write no more about a file, and have it open no more."""
        with self._syncing, self._lock:
            writer = self._writers.pop(file, None)
            if writer is not None:
                writer.close()

    def close(self) -> None:
        """The last note of all files, without waiting for the disk: what it says is checked at the next start."""
        with self._lock:
            for file, writer in self._writers.items():
                with contextlib.suppress(OSError):
                    # All of it: what the thread is just syncing was never written.
                    writer.append(file.notes(), durable=False)
                writer.close()
            self._writers.clear()

    def _note(self, file: PartialFile) -> None:
        with self._lock:
            if file not in self._writers:
                return
            notes = file.notes(new=True)
        if not notes:
            return
        with self._syncing:
            if file not in self._writers:
                return
            with file.files.part.open("r+b", buffering=0) as handle:
                sync(cast(BinaryIO, handle))
        with self._lock:
            if file in self._writers:
                self._writers[file].append(notes)


def finish(file: PartialFile, hashes: Hashes) -> Path:
    """Give a verified file its name and keep where it came from.  Nobody has it open.

    Raises ``UserError``: file_in_the_way(path), and as ``disk_error`` does.
    """
    files, published = file.files, file.opening.published
    if files.whole.exists():
        raise UserError("file_in_the_way", path=files.whole)
    origin = Origin(
        model_id=published.id,
        repository=published.repository,
        commit=published.commit,
        parts=file.parts,
        layout=file.layout,
        sha256=hashes.whole,
        verified_at=datetime.now(UTC),
        checksums_from=published.checksums_from,
        piece_bytes=file.opening.piece_bytes,
        piece_crc32=tuple(piece.crc32 or 0 for piece in file.pieces),
    )
    try:
        _sync_part(file)
        write_origin(files.whole, origin)
        move_over(files.part, files.whole)
        files.journal.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, files.part) from error
    file.is_finished = True
    return files.whole


def quarantine(file: PartialFile, damaged_parts: tuple[int, ...]) -> UserError:
    """Set a file aside whose hash is wrong; what its good parts hold need not be fetched again.  Nobody has it open.

    Returns the ``UserError`` to raise: download_damaged(path, name), or as ``disk_error``.
    """
    files = file.files
    names = ", ".join(file.parts[part].name for part in damaged_parts)
    notes = [
        PieceNote(piece.number, *piece.state)
        for piece in file.pieces
        if piece.part not in damaged_parts and piece.is_complete
    ]
    try:
        _sync_part(file)
        set_aside(files, file.opening, notes)
    except OSError as error:
        return disk_error(error, files.part)
    except UserError as error:
        return error
    return UserError("download_damaged", path=files.bad, name=names)


def set_aside(files: FilesOf, opening: Opening, notes: Iterable[PieceNote]) -> None:
    """Put a partial file in quarantine with what is known of it.  Nobody has it open.

    Raises OSError, and UserError as ``write_atomically`` does.
    """
    write_journal(files.bad_journal, replace(opening, reopened_from=None), notes)
    move_over(files.part, files.bad)
    files.journal.unlink(missing_ok=True)


def _sync_part(file: PartialFile) -> None:
    with file.files.part.open("r+b", buffering=0) as handle:
        sync(cast(BinaryIO, handle))
