"""Files that downloads finish, quarantine or leave in a folder, and damaged files reopened to be downloaded again.

Every change is a sequence of steps that the next download completes after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.disk.files import disk_errors, move_over, sync
from model_manager.download.hasher import FileHashes
from model_manager.download.journal import Journal, JournalHeader, PieceRecord, read_journal, write_journal
from model_manager.download.piece_queue import PartialFile
from model_manager.download.prepare import is_finished, locked, recover, remove_leftovers
from model_manager.errors import UserError
from model_manager.layout.file_names import JOURNAL_SUFFIX, FilesOf, files_of, targets_of
from model_manager.layout.origin import Origin, read_origin, write_origin
from model_manager.published import PublishedModel

# The end of a download


def finish(file: PartialFile, hashes: FileHashes) -> None:
    """Rename a verified file, which no thread has open, and write its origin.

    Raises ``UserError``: file_in_the_way(path), and as ``disk_error``.
    """
    files, published = file.files, file.header.published
    if files.whole.exists():
        raise UserError("file_in_the_way", path=files.whole)
    origin = Origin(
        model_id=published.id,
        repository=published.repository,
        commit=published.commit,
        parts=file.parts,
        layout=file.layout,
        sha256=hashes.on_disk,
        verified_at=datetime.now(UTC),
        checksums_from=published.checksums_from,
        piece_bytes=file.header.piece_bytes,
        piece_crc32=tuple(piece.state[1] or 0 for piece in file.pieces),
    )
    with disk_errors(files.part):
        _sync(files.part)
        write_origin(files.whole, origin)
        move_over(files.part, files.whole)
        files.journal.unlink(missing_ok=True)


def quarantine(file: PartialFile, damaged_parts: tuple[int, ...]) -> UserError:
    """Rename a file with a wrong hash, which no thread has open; the pieces of its good parts stay known.

    Returns the error to raise: download_damaged(path, name).  Raises ``UserError`` as ``disk_error``.
    """
    records = [
        PieceRecord(piece.number, *piece.state)
        for piece in file.pieces
        if piece.part not in damaged_parts and piece.is_complete
    ]
    with disk_errors(file.files.part):
        _sync(file.files.part)
        _move_to_quarantine(file.files, file.header, records)
    names = ", ".join(file.parts[part].name for part in damaged_parts)
    return UserError("download_damaged", path=file.files.bad, name=names)


def _move_to_quarantine(files: FilesOf, header: JournalHeader, records: Iterable[PieceRecord]) -> None:
    write_journal(files.bad_journal, replace(header, reopened_from=None), records)
    move_over(files.part, files.bad)
    files.journal.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("r+b", buffering=0) as handle:
        sync(cast(BinaryIO, handle))


# Unfinished downloads


def unfinished(folder: Path) -> tuple[PublishedModel, ...]:
    """Return the models with partial files in the folder, oldest first."""
    found: dict[str, tuple[int, PublishedModel]] = {}
    try:
        journals = [path for path in folder.iterdir() if path.name.endswith(JOURNAL_SUFFIX)]
    except OSError:
        return ()
    for path in journals:
        journal = read_journal(path)
        files = FilesOf(folder, path.name.removesuffix(JOURNAL_SUFFIX))
        if journal is None or journal.header.file_name != files.name or _is_leftover(files, journal):
            continue
        with suppress(OSError):
            published = journal.header.published
            entry = (path.stat().st_mtime_ns, published)
            found[published.id] = min(entry, found.get(published.id, entry), key=itemgetter(0))
    return tuple(published for _, published in sorted(found.values(), key=itemgetter(0)))


def partial_bytes(published: PublishedModel, folder: Path) -> int:
    """Return the bytes of a published model in the folder, in finished and partial files."""
    total = 0
    for target in published.targets():
        files = FilesOf(folder, target.file_name)
        try:
            if is_finished(files, target):
                total += target.bytes
                continue
        except (UserError, OSError):
            continue
        journal = read_journal(files.journal)
        if journal is not None and files.part.exists():
            total += journal.bytes_done
    return total


def discard(published: PublishedModel, folder: Path) -> None:
    """Delete the unfinished files of a model, and its finished shards while others are missing.

    Quarantined files are kept, and so is a file that was reopened: it goes back to quarantine.

    Raises ``UserError``: download_busy(path), name_not_allowed(name), and as ``disk_error``.
    """
    targets = targets_of(published)
    files = [files_of(folder, target.file_name) for target in targets]
    if not folder.is_dir():
        return
    finished = []
    for target, each in zip(targets, files, strict=True):
        try:
            if is_finished(each, target):
                finished.append(each)
        except UserError:
            # A file of another origin with that name.
            continue
    with locked(files), disk_errors(folder):
        for each in files:
            _discard(each)
        for each in finished if len(finished) < len(files) else ():
            each.whole.unlink(missing_ok=True)
            each.origin.unlink(missing_ok=True)


def _discard(files: FilesOf) -> None:
    remove_leftovers(files)
    journal = read_journal(files.journal)
    if journal is not None and journal.header.reopened_from is not None and files.part.exists():
        _move_to_quarantine(files, journal.header, journal.pieces.values())
        return
    files.part.unlink(missing_ok=True)
    files.journal.unlink(missing_ok=True)


def _is_leftover(files: FilesOf, journal: Journal) -> bool:
    """Return whether the file is finished and a crash left its journal."""
    return files.whole.exists() and not files.part.exists() and journal.header.reopened_from != files.whole.name


# Damaged files


def reopen_for_redownload(path: Path, damaged: Sequence[int] | None) -> PublishedModel:
    """Turn a finished or quarantined file into a partial one; ``download`` of the result fetches what is missing.

    ``path`` is ``NAME.gguf`` with its origin, or ``NAME.gguf.bad``.  ``damaged`` are numbers of pieces as in
    ``Origin.piece_crc32``; None means all pieces, or for a quarantined file those that aren't in its journal.  Other
    pieces are checked by their CRC-32, and the whole file is verified again.

    Raises ``UserError``: origin_unknown(path), download_busy(path), name_not_allowed(name), file_missing(path),
    file_in_the_way(path), and as ``disk_error``.
    """
    is_quarantined = path.name.endswith(".bad")
    files = files_of(path.parent, path.name.removesuffix(".bad"))
    with locked([files]):
        if not path.exists():
            raise UserError("file_missing", path=path)
        with disk_errors(path):
            recover(files)
            if files.part.exists():
                raise UserError("file_in_the_way", path=files.part)
            header, records = _read_quarantined(files) if is_quarantined else _read_finished(files)
            keep_none = damaged is None and not is_quarantined
            kept = [each for each in records if not keep_none and each.number not in (damaged or ())]
            write_journal(files.journal, header, kept)
            move_over(path, files.part)
            if is_quarantined:
                files.bad_journal.unlink(missing_ok=True)
    return header.published


def _read_finished(files: FilesOf) -> tuple[JournalHeader, list[PieceRecord]]:
    origin = read_origin(files.whole)
    if origin is None:
        raise UserError("origin_unknown", path=files.whole)
    published = PublishedModel(
        id=origin.model_id,
        repository=origin.repository,
        commit=origin.commit,
        file_name=files.name,
        kind="file" if len(origin.parts) == 1 else "parts",
        files=origin.parts,
        checksums_from=origin.checksums_from,
    )
    header = JournalHeader(published, files.name, origin.layout, origin.piece_bytes, files.whole.name)
    pieces = PartialFile(files, header).pieces
    crcs: Sequence[int | None] = origin.piece_crc32
    if len(crcs) != len(pieces):
        crcs = [None] * len(pieces)
    return header, [PieceRecord(piece.number, piece.length, crc) for piece, crc in zip(pieces, crcs, strict=True)]


def _read_quarantined(files: FilesOf) -> tuple[JournalHeader, list[PieceRecord]]:
    journal = read_journal(files.bad_journal)
    if journal is None or journal.header.file_name != files.name:
        raise UserError("origin_unknown", path=files.bad)
    return replace(journal.header, reopened_from=files.bad.name), list(journal.pieces.values())
