"""What downloads left in a folder: how much is there, what may go on, throwing it away, and mending a damaged file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from model_manager.disk.files import disk_error, move_over
from model_manager.download.finish import set_aside
from model_manager.download.journal import Journal, Opening, PieceNote, read_journal, write_journal
from model_manager.download.pieces import PartialFile
from model_manager.download.prepare import is_finished, locked, settle, sweep
from model_manager.errors import UserError
from model_manager.layout.file_names import JOURNAL_SUFFIX, FilesOf, files_of, targets_of
from model_manager.layout.origin import Origin, read_origin
from model_manager.published import PublishedModel


def unfinished(folder: Path) -> tuple[PublishedModel, ...]:
    """The models that partial files in the folder belong to, the oldest first."""
    found: dict[str, tuple[int, PublishedModel]] = {}
    try:
        journals = [path for path in folder.iterdir() if path.name.endswith(JOURNAL_SUFFIX)]
    except OSError:
        return ()
    for path in journals:
        journal = read_journal(path)
        files = FilesOf(folder, path.name.removesuffix(JOURNAL_SUFFIX))
        if journal is None or journal.opening.file_name != files.name or _is_over(files, journal):
            continue
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            continue
        published = journal.opening.published
        if published.id not in found or found[published.id][0] > changed:
            found[published.id] = (changed, published)
    return tuple(published for _, published in sorted(found.values(), key=lambda each: each[0]))


def partial_bytes(published: PublishedModel, folder: Path) -> int:
    """Bytes of a published model that are in the folder, finished files and partial ones together."""
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


def discard(published_or_file_names: PublishedModel | Iterable[str], folder: Path) -> None:
    """Throw away what is there of a model that is not whole; files in quarantine stay, and one that was being mended
    goes there.

    ``published`` also takes the finished shards of a model that is not whole, for alone they are of no use; file names
    take partial files alone.

    Raises ``UserError``: download_busy(path), name_not_allowed(name), and as ``disk_error`` does.
    """
    if isinstance(published_or_file_names, PublishedModel):
        targets = targets_of(published_or_file_names)
        files = [files_of(folder, target.file_name) for target in targets]
        whole = []
        for target, each in zip(targets, files, strict=True):
            try:
                if is_finished(each, target):
                    whole.append(each)
            except UserError:
                # Another file of that name is not ours to take.
                continue
        shards = whole if len(whole) < len(files) else []
    else:
        files, shards = [files_of(folder, name) for name in published_or_file_names], []
    if not folder.is_dir():
        return
    with locked(files):
        try:
            for each in files:
                _discard(each)
            for each in shards:
                each.whole.unlink(missing_ok=True)
                each.origin.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, folder) from error


def _discard(files: FilesOf) -> None:
    sweep(files)
    journal = read_journal(files.journal)
    if journal is not None and journal.opening.reopened_from is not None and files.part.exists():
        # It was whole once, or nearly: whoever gives up mending it did not ask for its end.
        set_aside(files, journal.opening, journal.pieces.values())
        return
    files.part.unlink(missing_ok=True)
    files.journal.unlink(missing_ok=True)


def reopen_for_mending(path: Path, damaged: Sequence[int] | None) -> PublishedModel:
    """Make a partial file of a finished or quarantined one; ``download`` of what is returned then mends it.

    ``path`` is ``NAME.gguf`` with its origin beside it, or ``NAME.gguf.bad``.  ``damaged`` are numbers of pieces, as
    ``Origin.piece_crc32`` counts them; None means all of them, or for a quarantined file those that its journal misses.
    The other pieces are believed as far as their CRC-32 shows it, and the whole is verified again.  A crash in the
    midst loses nothing: the next ``download`` completes the step.

    Raises ``UserError``: origin_unknown(path), download_busy(path), name_not_allowed(name), file_missing(path),
    file_in_the_way(path), and as ``disk_error`` does.
    """
    quarantined = path.name.endswith(".bad")
    files = files_of(path.parent, path.name.removesuffix(".bad"))
    with locked([files]):
        if not path.exists():
            raise UserError("file_missing", path=path)
        try:
            settle(files)
            if files.part.exists():
                raise UserError("file_in_the_way", path=files.part)
            opening, notes = _of_quarantined(files) if quarantined else _of_finished(files)
            gone = _all_pieces(opening) if damaged is None and not quarantined else frozenset(damaged or ())
            write_journal(files.journal, opening, (note for note in notes if note.number not in gone))
            move_over(path, files.part)
            if quarantined:
                files.bad_journal.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, path) from error
    return opening.published


def _of_finished(files: FilesOf) -> tuple[Opening, list[PieceNote]]:
    origin = read_origin(files.whole)
    if origin is None:
        raise UserError("origin_unknown", path=files.whole)
    opening = Opening(_published(origin, files.name), files.name, origin.layout, origin.piece_bytes, files.whole.name)
    pieces = PartialFile(files, opening).pieces
    crcs: Sequence[int | None] = origin.piece_crc32
    if len(crcs) != len(pieces):
        crcs = [None] * len(pieces)
    return opening, [PieceNote(piece.number, piece.length, crc) for piece, crc in zip(pieces, crcs, strict=True)]


def _of_quarantined(files: FilesOf) -> tuple[Opening, list[PieceNote]]:
    journal = read_journal(files.bad_journal)
    if journal is None or journal.opening.file_name != files.name:
        raise UserError("origin_unknown", path=files.bad)
    known = journal.opening
    opening = Opening(known.published, known.file_name, known.layout, known.piece_bytes, files.bad.name)
    return opening, list(journal.pieces.values())


def _published(origin: Origin, name: str) -> PublishedModel:
    kind = "file" if len(origin.parts) == 1 else "parts"
    return PublishedModel(
        id=origin.model_id,
        repository=origin.repository,
        commit=origin.commit,
        file_name=name,
        kind="file" if kind == "file" else "parts",
        files=origin.parts,
        checksums_from=origin.checksums_from,
    )


def _all_pieces(opening: Opening) -> frozenset[int]:
    return frozenset(range(sum(-(-part.bytes // opening.piece_bytes) for part in opening.parts)))


def _is_over(files: FilesOf, journal: Journal) -> bool:
    """Whether the file is finished and its journal alone was left by a crash."""
    return files.whole.exists() and not files.part.exists() and journal.opening.reopened_from != files.whole.name
