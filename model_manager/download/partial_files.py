"""Files of downloads on disk: opened, finished, quarantined, discarded, and reopened to be downloaded again.

Every change is a sequence of steps that the next download completes after a crash.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, cast

from model_manager.disk.files import (
    FileLock,
    disk_errors,
    is_file,
    is_sole_link,
    remove_temporary_files,
    replace_durably,
    sync,
    write_at,
)
from model_manager.disk.space import Reserve
from model_manager.download.journal import Journal, JournalHeader, PieceStates, read_journal, write_journal
from model_manager.download.pieces import PartialFile
from model_manager.errors import UserError
from model_manager.layout.file_names import JOURNAL_SUFFIX, ModelFilePaths, model_file_paths, target_files
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin, read_origin, write_origin
from model_manager.published import HubFile, PublishedModel, TargetFile


@contextlib.contextmanager
def locked(files: Sequence[ModelFilePaths]) -> Iterator[None]:
    """Lock the files against other downloads on this computer.

    Raises ``UserError``: download_busy(path), and as ``FileLock``.
    """
    with contextlib.ExitStack() as locks:
        for each in files:
            locks.enter_context(FileLock(each.lock, UserError("download_busy", path=each.whole)))
        yield


# The beginning of a download


def recover(files: ModelFilePaths) -> None:
    """Complete a step that a crash interrupted.  The caller holds the lock.  Raises OSError."""
    _remove_leftovers(files)
    journal = read_journal(files.journal)
    if journal is None or files.part.exists():
        return
    reopened = journal.header.reopened_from
    if reopened in (files.whole.name, files.bad.name) and (files.folder / reopened).exists():
        replace_durably(files.folder / reopened, files.part)
    elif files.whole.exists():
        files.journal.unlink()


def is_finished(files: ModelFilePaths, target: TargetFile, commit: str) -> bool:
    """Return whether the complete, verified file of this commit is present, or one with the same hash.

    Raises ``UserError``: file_in_the_way(path) for another file with its name; and OSError.
    """
    if not files.whole.exists():
        return False
    origin = read_origin(files.whole)
    is_same = origin is not None and _same_files(origin.parts, target.parts, same_commit=origin.commit == commit)
    if origin is None or not is_same or files.whole.stat().st_size != origin.layout.target_bytes:
        raise UserError("file_in_the_way", path=files.whole)
    return True


def resumable_journal(files: ModelFilePaths, target: TargetFile, commit: str) -> Journal | None:
    """Return the journal of an earlier run, where its data is present.

    None for data that may belong to another file: a link, unless a file of ours was reopened.  Raises ``UserError``:
    partial_of_another_file(path, bytes) for data of another version; and OSError.
    """
    journal = read_journal(files.journal)
    if journal is None or not is_file(files.part):
        return None
    header = journal.header
    if header.reopened_from is None and not is_sole_link(files.part):
        return None
    if not _same_files(header.parts, target.parts, same_commit=header.published.commit == commit):
        raise UserError("partial_of_another_file", path=files.part, bytes=journal.bytes_done)
    return journal


def open_partial(
    files: ModelFilePaths,
    published: PublishedModel,
    layout: TensorLayout,
    journal: Journal | None,
    piece_bytes: int,
    reserve: Reserve,
    heads: Mapping[str, bytes | bytearray],
) -> PartialFile:
    """Return the partial file with its space reserved and its journal rewritten.

    ``heads`` are the beginnings of published files by their name, which are stored where their pieces are empty.

    Raises ``UserError`` as ``disk_error``.
    """
    header = JournalHeader(published, files.name, layout, piece_bytes)
    if journal is not None:
        known = journal.header
        header = replace(header, piece_bytes=known.piece_bytes, reopened_from=known.reopened_from)
    file = PartialFile(files, header)
    with disk_errors(files.part):
        if journal is None:
            write_journal(files.journal, header, {})
            # A link is removed, not followed.
            files.part.unlink(missing_ok=True)
        else:
            file.restore(journal.pieces)
        with cast(BinaryIO, files.part.open("xb" if journal is None else "r+b", buffering=0)) as handle:
            reserve(handle, layout.target_bytes)
            for start, content in layout.unpublished():
                write_at(handle, start, content)
            for piece in file.pieces:
                head = heads.get(piece.published_file.name, b"")[piece.start : piece.start + piece.length]
                if head and not piece.done:
                    file.extend(piece, bytes(head), handle)
        write_journal(files.journal, header, file.states())
    return file


def _same_files(known: Sequence[HubFile], published: Sequence[HubFile], *, same_commit: bool) -> bool:
    return len(known) == len(published) and all(
        each.has_content_of(other, same_commit=same_commit) for each, other in zip(known, published, strict=True)
    )


# The end of a download


def finish(file: PartialFile, sha256: str | None) -> None:
    """Rename a verified file and write its origin; ``sha256`` is the hash of the file on disk.

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
        sha256=sha256,
        verified_at=datetime.now(UTC),
        checksums_from=published.checksums_from,
        piece_bytes=file.header.piece_bytes,
        piece_crc32=tuple(piece.state[1] or 0 for piece in file.pieces),
    )
    with disk_errors(files.part):
        _sync(files.part)
        _remove_link(files.origin)
        write_origin(files.whole, origin)
        replace_durably(files.part, files.whole)
        files.journal.unlink(missing_ok=True)


def quarantine(file: PartialFile, damaged_parts: tuple[int, ...]) -> UserError:
    """Rename a file with a wrong hash; the pieces of its good parts stay known.

    Returns the error to raise: download_damaged(path, name).  Raises ``UserError`` as ``disk_error``.
    """
    good = {piece.number: piece.state for piece in file.pieces if piece.part not in damaged_parts and piece.is_complete}
    with disk_errors(file.files.part):
        _sync(file.files.part)
        _move_to_quarantine(file.files, file.header, good)
    names = ", ".join(file.parts[part].name for part in damaged_parts)
    return UserError("download_damaged", path=file.files.bad, name=names)


def _move_to_quarantine(files: ModelFilePaths, header: JournalHeader, pieces: PieceStates) -> None:
    write_journal(files.bad_journal, replace(header, reopened_from=None), pieces)
    replace_durably(files.part, files.bad)
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
        files = ModelFilePaths(folder, path.name.removesuffix(JOURNAL_SUFFIX))
        if journal is None or journal.header.file_name != files.name:
            continue
        if files.whole.exists() and not files.part.exists() and journal.header.reopened_from != files.whole.name:
            # The file is finished, and a crash left its journal.
            continue
        with contextlib.suppress(OSError):
            published = journal.header.published
            entry = (path.stat().st_mtime_ns, published)
            found[published.id] = min(entry, found.get(published.id, entry), key=itemgetter(0))
    return tuple(published for _, published in sorted(found.values(), key=itemgetter(0)))


def partial_bytes(published: PublishedModel, folder: Path) -> int:
    """Return the bytes of a published model in the folder, in finished and partial files."""
    total = 0
    for target in published.targets():
        files = ModelFilePaths(folder, target.file_name)
        with contextlib.suppress(UserError, OSError):
            if is_finished(files, target, published.commit):
                total += target.bytes
            elif (journal := read_journal(files.journal)) is not None and files.part.exists():
                total += journal.bytes_done
    return total


def discard(published: PublishedModel, folder: Path) -> None:
    """Delete the unfinished files of a model, and its finished shards while others are missing.

    Quarantined files are kept, and so is a file that was reopened: it goes back to quarantine.

    Raises ``UserError``: download_busy(path), name_not_allowed(name), and as ``disk_error``.
    """
    targets = target_files(published)
    files = [model_file_paths(folder, target.file_name) for target in targets]
    if not folder.is_dir():
        return
    finished = []
    for target, each in zip(targets, files, strict=True):
        # An error means a file of another origin with that name.
        with contextlib.suppress(UserError):
            finished += [each] if is_finished(each, target, published.commit) else []
    with locked(files), disk_errors(folder):
        for each in files:
            discard_file(each)
        for each in finished if len(finished) < len(files) else ():
            each.whole.unlink(missing_ok=True)
            each.origin.unlink(missing_ok=True)


def discard_file(files: ModelFilePaths) -> None:
    """Delete an unfinished file; one that was reopened goes back to quarantine.  The caller holds the lock.

    Raises OSError.
    """
    _remove_leftovers(files)
    journal = read_journal(files.journal)
    if journal is not None and journal.header.reopened_from is not None and files.part.exists():
        _move_to_quarantine(files, journal.header, journal.pieces)
        return
    files.part.unlink(missing_ok=True)
    files.journal.unlink(missing_ok=True)


def _remove_leftovers(files: ModelFilePaths) -> None:
    for path in (files.journal, files.bad_journal, files.origin):
        remove_temporary_files(path)
    for path in (files.journal, files.bad_journal):
        _remove_link(path)


def _remove_link(path: Path) -> None:
    """Remove a link, so that writing doesn't replace the file that it points to."""
    if path.is_symlink():
        path.unlink()


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
    files = model_file_paths(path.parent, path.name.removesuffix(".bad"))
    with locked([files]):
        if not path.exists():
            raise UserError("file_missing", path=path)
        with disk_errors(path):
            recover(files)
            if files.part.exists():
                raise UserError("file_in_the_way", path=files.part)
            journal = read_journal(files.bad_journal) if is_quarantined else _journal_of_finished(files)
            if journal is None or journal.header.file_name != files.name:
                raise UserError("origin_unknown", path=path)
            if damaged is None and not is_quarantined:
                journal.pieces.clear()
            kept = {number: state for number, state in journal.pieces.items() if number not in (damaged or ())}
            write_journal(files.journal, replace(journal.header, reopened_from=path.name), kept)
            replace_durably(path, files.part)
            if is_quarantined:
                files.bad_journal.unlink(missing_ok=True)
    return journal.header.published


def _journal_of_finished(files: ModelFilePaths) -> Journal | None:
    origin = read_origin(files.whole)
    if origin is None:
        return None
    published = PublishedModel(
        id=origin.model_id,
        repository=origin.repository,
        commit=origin.commit,
        file_name=files.name,
        kind="file" if len(origin.parts) == 1 else "parts",
        files=origin.parts,
        checksums_from=origin.checksums_from,
    )
    lengths = origin.piece_lengths()
    crcs: Sequence[int | None] = origin.piece_crc32
    if len(crcs) != len(lengths):
        crcs = [None] * len(lengths)
    header = JournalHeader(published, files.name, origin.layout, origin.piece_bytes)
    return Journal(header, dict(enumerate(zip(lengths, crcs, strict=True))))
