"""Before the first byte: what is already here, how the file will be laid down, whether it fits, and room for it.

A step that a crash interrupted is completed here.
"""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from model_manager.disk.files import disk_error, move_over
from model_manager.disk.lock import FileLock
from model_manager.disk.space import Reserve
from model_manager.download.journal import Journal, Opening, read_journal, write_journal
from model_manager.download.pieces import PartialFile
from model_manager.errors import UserError
from model_manager.hub.remote_header import read_remote_header
from model_manager.layout.file_names import FilesOf
from model_manager.layout.layout import Layout
from model_manager.layout.origin import read_origin
from model_manager.layout.stacking import layout_for
from model_manager.published import HubFile, PublishedModel, Target

ReadPart = Callable[[HubFile, int, int], bytes]


@contextlib.contextmanager
def locked(files: Sequence[FilesOf]) -> Iterator[None]:
    """Hold the files against every other download on this machine.

    Raises ``UserError``: download_busy(path), and as ``disk_error`` does.
    """
    with contextlib.ExitStack() as held:
        for each in files:
            held.enter_context(FileLock(each.lock, UserError("download_busy", path=each.whole)))
        yield


def settle(files: FilesOf) -> None:
    """Complete what a crash left half done.  The caller holds the lock.  Raises OSError."""
    sweep(files)
    journal = read_journal(files.journal)
    if journal is None:
        return
    reopened = journal.opening.reopened_from
    if reopened in (files.whole.name, files.bad.name) and not files.part.exists():
        source = files.folder / reopened
        if source.exists():
            move_over(source, files.part)
            return
    if files.whole.exists() and not files.part.exists():
        files.journal.unlink()


def sweep(files: FilesOf) -> None:
    """Remove what was just being written when the program was killed.  The caller holds the lock.  Raises OSError."""
    for own in (files.journal, files.bad_journal, files.origin):
        for orphan in files.folder.glob(f".{glob.escape(own.name)}.*.new"):
            orphan.unlink(missing_ok=True)


def is_finished(files: FilesOf, target: Target) -> bool:
    """Whether the file is here whole, verified and the published one.

    Raises ``UserError``: file_in_the_way(path) when another file has its name.
    """
    if not files.whole.exists():
        return False
    origin = read_origin(files.whole)
    known = origin is not None and _same(origin.parts, target.parts)
    if origin is None or not known or files.whole.stat().st_size != origin.layout.target_bytes:
        raise UserError("file_in_the_way", path=files.whole)
    return True


def left_over(files: FilesOf, target: Target) -> Journal | None:
    """The journal of an earlier run, where its data is here too.

    Raises ``UserError``: partial_of_another_file(path, bytes) when it is that of another version.
    """
    journal = read_journal(files.journal)
    if journal is None or not files.part.exists():
        return None
    if not _same(journal.opening.parts, target.parts):
        raise UserError("partial_of_another_file", path=files.part, bytes=journal.bytes_done)
    return journal


def find_layout(target: Target, read_part: ReadPart) -> Layout:
    """Read the header of a published file and decide how it is laid down.

    Raises ``UserError``: published_shorter(name, bytes, expected_bytes) when its parts are smaller than its header
    says; as ``read_remote_header`` and ``layout_for`` do; and whatever ``read_part`` raises.
    """
    header, head = read_remote_header(target, read_part)
    if header.end_of_data > target.bytes:
        raise UserError(
            "published_shorter", name=target.file_name, bytes=target.bytes, expected_bytes=header.end_of_data
        )
    return layout_for(header, head)


def open_partial(
    files: FilesOf, published: PublishedModel, layout: Layout, journal: Journal | None, piece_bytes: int, room: Reserve
) -> PartialFile:
    """The partial file with its room reserved and its journal written anew.

    Raises ``UserError`` as ``disk_error`` does.
    """
    opening = Opening(published, files.name, layout, piece_bytes)
    if journal is not None:
        known = journal.opening
        opening = replace(opening, piece_bytes=known.piece_bytes, reopened_from=known.reopened_from)
    file = PartialFile(files, opening)
    try:
        if journal is None:
            write_journal(files.journal, file.opening, ())
            with files.part.open("wb", buffering=0) as handle:
                _lay_out(cast(BinaryIO, handle), layout, room)
        else:
            file.restore(journal.pieces.values())
            with files.part.open("r+b", buffering=0) as handle:
                _lay_out(cast(BinaryIO, handle), layout, room)
            write_journal(files.journal, file.opening, file.notes())
    except OSError as error:
        raise disk_error(error, files.part) from error
    return file


def _lay_out(handle: BinaryIO, layout: Layout, room: Reserve) -> None:
    room(handle, layout.target_bytes)
    if layout.is_identity:
        return
    for start, length in _gaps(layout):
        handle.seek(start)
        handle.write(bytes(length))
    handle.seek(0)
    handle.write(layout.target_head)


def _gaps(layout: Layout) -> Iterator[tuple[int, int]]:
    """Bytes on disk that come from nowhere: padding of less than the alignment between two tensors."""
    end = len(layout.target_head)
    for segment in sorted(layout.segments, key=lambda segment: segment.target):
        if segment.target > end:
            yield end, segment.target - end
        end = segment.target + segment.length
    if layout.target_bytes > end:
        yield end, layout.target_bytes - end


def _same(known: Sequence[HubFile], wanted: Sequence[HubFile]) -> bool:
    """Whether two listings speak of the same bytes, as far as they say."""
    return len(known) == len(wanted) and all(
        one.bytes == other.bytes and (not one.sha256 or not other.sha256 or one.sha256.lower() == other.sha256.lower())
        for one, other in zip(known, wanted, strict=True)
    )
