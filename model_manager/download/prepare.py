"""Steps before the first byte: recovery after a crash, layout of each file, and space on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from model_manager.disk.files import disk_errors, move_over, remove_temporary_files, write_at
from model_manager.disk.lock import FileLock
from model_manager.disk.space import Reserve
from model_manager.download.journal import Journal, JournalHeader, read_journal, write_journal
from model_manager.download.piece_queue import PartialFile
from model_manager.download.session import Session, Worker
from model_manager.download.source import DownloadSource
from model_manager.errors import UserError
from model_manager.hub.remote_header import read_remote_header
from model_manager.layout.file_names import FilesOf
from model_manager.layout.layout import Layout
from model_manager.layout.origin import read_origin
from model_manager.layout.stacking import layout_for
from model_manager.published import HubFile, PublishedModel, Target


@contextlib.contextmanager
def locked(files: Sequence[FilesOf]) -> Iterator[None]:
    """Lock the files against other downloads on this computer.

    Raises ``UserError``: download_busy(path), and as ``FileLock``.
    """
    with contextlib.ExitStack() as locks:
        for each in files:
            locks.enter_context(FileLock(each.lock, UserError("download_busy", path=each.whole)))
        yield


def recover(files: FilesOf) -> None:
    """Complete a step that a crash interrupted.  The caller holds the lock.  Raises OSError."""
    remove_leftovers(files)
    journal = read_journal(files.journal)
    if journal is None or files.part.exists():
        return
    reopened = journal.header.reopened_from
    if reopened in (files.whole.name, files.bad.name) and (files.folder / reopened).exists():
        move_over(files.folder / reopened, files.part)
    elif files.whole.exists():
        files.journal.unlink()


def remove_leftovers(files: FilesOf) -> None:
    """Remove the temporary files of a crash.  The caller holds the lock."""
    for path in (files.journal, files.bad_journal, files.origin):
        remove_temporary_files(path)


def is_finished(files: FilesOf, target: Target) -> bool:
    """Return whether the complete, verified, published file is present.

    Raises ``UserError``: file_in_the_way(path) for another file with its name; and OSError.
    """
    if not files.whole.exists():
        return False
    origin = read_origin(files.whole)
    is_same = origin is not None and _same_files(origin.parts, target.parts)
    if origin is None or not is_same or files.whole.stat().st_size != origin.layout.target_bytes:
        raise UserError("file_in_the_way", path=files.whole)
    return True


def resumable_journal(files: FilesOf, target: Target) -> Journal | None:
    """Return the journal of an earlier run, where its data is present.

    Raises ``UserError``: partial_of_another_file(path, bytes) for data of another version.
    """
    journal = read_journal(files.journal)
    if journal is None or not files.part.exists():
        return None
    if not _same_files(journal.header.parts, target.parts):
        raise UserError("partial_of_another_file", path=files.part, bytes=journal.bytes_done)
    return journal


class LayoutReader(Worker):
    """Thread that reads the headers of published files and decides how the files are laid out on disk."""

    def __init__(self, session: Session, targets: Iterable[Target]) -> None:
        super().__init__(session, "download header")
        self.layouts: dict[Target, Layout] = {}
        self._targets = tuple(targets)

    @property
    def is_done(self) -> bool:
        """Whether all layouts are known."""
        return len(self.layouts) == len(self._targets)

    def step(self, source: DownloadSource) -> bool:
        """Read the headers.

        Raises ``UserError``: published_shorter(name, bytes, expected_bytes) for a file that is smaller than its header
        says; and as ``read_remote_header``, ``layout_for`` and ``RemoteFile.open``.
        """

        def read_part(part: HubFile, start: int, length: int) -> bytes:
            return source.file(part).read(start, length, self.add_received)

        for target in self._targets:
            if target in self.layouts:
                continue
            header, head = read_remote_header(target, read_part)
            if header.end_of_data > target.bytes:
                sizes = {"bytes": target.bytes, "expected_bytes": header.end_of_data}
                raise UserError("published_shorter", name=target.file_name, **sizes)
            self.layouts[target] = layout_for(header, head)
        self.session.notify()
        return False


def open_partial(
    files: FilesOf,
    published: PublishedModel,
    layout: Layout,
    journal: Journal | None,
    piece_bytes: int,
    reserve: Reserve,
) -> PartialFile:
    """Return the partial file with its space reserved and its journal rewritten.

    Raises ``UserError`` as ``disk_error``.
    """
    header = JournalHeader(published, files.name, layout, piece_bytes)
    if journal is not None:
        known = journal.header
        header = replace(header, piece_bytes=known.piece_bytes, reopened_from=known.reopened_from)
    file = PartialFile(files, header)
    with disk_errors(files.part):
        if journal is None:
            write_journal(files.journal, header, ())
        else:
            file.restore(journal.pieces.values())
        with files.part.open("wb" if journal is None else "r+b", buffering=0) as handle:
            reserve(cast(BinaryIO, handle), layout.target_bytes)
            for start, content in layout.unpublished():
                write_at(cast(BinaryIO, handle), start, content)
        if journal is not None:
            write_journal(files.journal, header, file.records())
    return file


def _same_files(known: Sequence[HubFile], published: Sequence[HubFile]) -> bool:
    """Return whether sizes, and hashes where both are known, are equal."""
    return len(known) == len(published) and all(
        one.bytes == other.bytes and (not one.sha256 or not other.sha256 or one.sha256.lower() == other.sha256.lower())
        for one, other in zip(known, published, strict=True)
    )
