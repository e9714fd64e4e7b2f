"""Verification of a file against what was published, and which of its pieces must be downloaded again.

A downloaded file has its origin beside it: it is read in the published order through its layout, so that a file whose
experts were stacked is compared with the hub's SHA-256 too.  Any other file is hashed as it is and compared with what
the caller or the catalogue knows.  ``download`` downloads damaged pieces.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import file_size, open_regular, read_error
from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.catalogue import CATALOGUE
from model_manager.layout.layout import Layout
from model_manager.layout.origin import Origin, read_origin, write_origin
from model_manager.layout.published_bytes import PublishedHashes, SourceView
from model_manager.library.library import ModelLibrary
from model_manager.progress import OnProgress, Progress, ignore_progress
from model_manager.published import HubFile, PublishedModel

STEP_BYTES = 8 << 20
"""Read between two progress steps."""
_READ_BYTES = 128 << 10
"""SHA-256 is twice as fast over 64 to 256 KiB as over 1 MiB, which exceeds the processor's cache."""


@dataclass(frozen=True)
class PartCheck:
    """One published file: its expected SHA-256, None where unknown, and the SHA-256 of its bytes on disk.

    ``sha256`` is None where the file on disk ends before the part does.
    """

    name: str
    bytes: int
    expected_sha256: str | None
    sha256: str | None


@dataclass(frozen=True)
class Verification:
    """Result of the verification of one file.

    ``matches``: whether it is the published file, None where that is unknown; ``published_id`` is the model that it was
    compared with.  ``sha256`` is the hash of the file on disk, which for a ``stacked`` file isn't the published one;
    None for a stacked file that doesn't match.  ``parts`` are the published files in their order.

    ``damaged_pieces`` are the numbers of pieces of the published parts (``Origin.piece_crc32``) with a wrong checksum;
    ``head_damaged``: the new header of a stacked file is damaged.  Where a file doesn't match and ``pieces_known`` is
    false, the damage can be anywhere.  ``published_changed``: what is published now differs from what was downloaded.
    """

    path: Path
    bytes: int
    expected_bytes: int | None
    sha256: str | None
    matches: bool | None
    published_id: str | None = None
    parts: tuple[PartCheck, ...] = ()
    stacked: bool = False
    damaged_pieces: tuple[int, ...] = ()
    pieces_known: bool = False
    head_damaged: bool = False
    published_changed: bool = False
    piece_crc32: tuple[int, ...] = field(default=(), repr=False)
    """CRC-32 of each complete piece on disk, where the published parts are known."""

    @property
    def published_sha256(self) -> str | None:
        """Expected hash of the published file; None where unknown, and for a file of several split parts."""
        return self.parts[0].expected_sha256 if len(self.parts) == 1 else None


def verify(
    path: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    expected: PublishedModel | None = None,
) -> Verification:
    """Read a file once and compare it with what was published.

    That is known from the origin beside the file, else from ``expected`` (also for a file that was converted on this
    computer, whose origin has a layout but no hashes), else from the catalogue.

    Raises ``Cancelled``, and ``UserError`` as ``open_regular``, or file_changed(path) where the file is written to
    meanwhile.
    """
    stored = read_origin(path)
    file, before = open_regular(path)
    with file:
        origin = _reference(path, before.st_size, stored, expected)
        hashes = PublishedHashes(origin.parts, origin.piece_bytes)
        layout = origin.layout

        def report(done: int) -> None:
            on_progress(Progress(min(done, before.st_size), before.st_size))

        try:
            if layout.is_identity:
                sha256 = _read_sequentially(path, file, before.st_size, hashes, report, cancel)
            else:
                sha256 = _read_both_orders(path, file, before.st_size, layout, hashes, report, cancel)
            file.seek(0)
            head_damaged = file.read(len(layout.target_head)) != layout.target_head
        except OSError as error:
            raise read_error(error, path) from error
        after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UserError("file_changed", path=path)
    found = _compare(path, before.st_size, origin, hashes, sha256, head_damaged=head_damaged)
    if stored is not None and expected is not None and stored.has_hashes:
        return replace(found, published_changed=published_changed(stored, expected))
    return found


def verify_all(
    path: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    expected: PublishedModel | None = None,
) -> tuple[Verification, ...]:
    """Verify each file of a split model; ``path`` is any of them.  Progress counts the bytes of all.

    Raises as ``verify``; file_missing(path) for a missing shard.
    """
    paths = named_shards(path)
    sizes = [file_size(each) for each in paths]
    found = []
    for number, each in enumerate(paths):
        earlier = sum(sizes[:number])

        def report(progress: Progress, earlier: int = earlier) -> None:
            on_progress(Progress(earlier + progress.done, sum(sizes)))

        found.append(verify(each, report, cancel, expected))
    return tuple(found)


def published_changed(origin: Origin, published: PublishedModel) -> bool:
    """Return whether what is published now differs from what was downloaded, by sizes and hashes."""
    now = {part.name: part for part in published.files}
    for part in origin.parts:
        new = now.get(part.name)
        if new is None or new.bytes != part.bytes:
            return True
        if new.sha256 and part.sha256 and new.sha256 != part.sha256:
            return True
    return False


def pieces_to_redownload(verification: Verification, origin: Origin | None) -> tuple[int, ...] | None:
    """Return the numbers of the pieces that must be downloaded again.

    None where the file matches, or what was published is unknown.
    """
    if verification.matches is not False or origin is None:
        return None
    if verification.pieces_known:
        return verification.damaged_pieces
    return tuple(range(len(origin.piece_lengths())))


def record_verification(
    verification: Verification, library: ModelLibrary, expected: PublishedModel | None = None
) -> None:
    """Store the hash in the library, and in the file's origin where it matches.

    A file of unknown origin that matches ``expected`` gets an origin, so that it can be repaired like a download, where
    it is in the models folder or was converted on this computer.

    Raises ``UserError`` as ``ModelLibrary.record_file_hash``.  An origin that can't be written (a read-only folder) is
    ignored.
    """
    path = verification.path
    if verification.sha256 is not None:
        library.record_file_hash(path, verification.sha256)
    if not verification.matches:
        return
    origin = read_origin(path)
    if expected is not None and (origin is None or not origin.has_hashes):
        models_folder = library.models_folder
        if origin is None and (models_folder is None or not path.absolute().is_relative_to(models_folder)):
            return
        new = _origin_of(
            expected, tuple(HubFile(each.name, each.bytes, each.expected_sha256) for each in verification.parts)
        )
        if origin is not None:
            new = replace(new, layout=origin.layout, piece_bytes=origin.piece_bytes)
        origin = replace(new, checksums_from=expected.checksums_from, piece_crc32=verification.piece_crc32)
    if origin is not None:
        with suppress(UserError):
            write_origin(path, replace(origin, sha256=verification.sha256, verified_at=datetime.now(UTC)))


# What to compare with


def _reference(path: Path, n_bytes: int, stored: Origin | None, expected: PublishedModel | None) -> Origin:
    """Return the origin to compare a file with; one without parts where nothing is known."""
    if stored is not None and not stored.has_hashes:
        parts = _expected_parts(path, stored.layout.source_bytes, expected)
        if expected is not None and parts and sum(part.bytes for part in parts) == stored.layout.source_bytes:
            same_sizes = [part.bytes for part in parts] == [part.bytes for part in stored.parts]
            stored = replace(
                stored,
                model_id=stored.model_id or expected.id,
                parts=parts,
                piece_crc32=stored.piece_crc32 if same_sizes else (),
            )
    if stored is not None and _is_consistent(stored):
        return stored
    if expected is not None:
        return _origin_of(expected, _expected_parts(path, n_bytes, expected))
    return Origin("", "", "", (), Layout.identity(n_bytes), None)


def _origin_of(published: PublishedModel, parts: tuple[HubFile, ...]) -> Origin:
    layout = Layout.identity(sum(part.bytes for part in parts))
    return Origin(published.id, published.repository, published.commit, parts, layout, sha256=None)


def _expected_parts(path: Path, n_bytes: int, expected: PublishedModel | None) -> tuple[HubFile, ...]:
    """Return the parts of the published file with the name or size of a file on disk, else of the first one."""
    targets = expected.targets() if expected is not None else ()
    named = [target for target in targets if target.file_name == path.name]
    sized = [target for target in targets if target.bytes == n_bytes]
    return next((target.parts for target in (*named, *sized, *targets)), ())


def _is_consistent(origin: Origin) -> bool:
    """Return whether parts and layout describe the same bytes; the stored origin may have been edited."""
    sizes = [part.bytes for part in origin.parts]
    return bool(sizes) and min(sizes) >= 0 and sum(sizes) == origin.layout.source_bytes and origin.piece_bytes > 0


# Comparison


def _compare(
    path: Path, n_bytes: int, origin: Origin, hashes: PublishedHashes, sha256: str, *, head_damaged: bool
) -> Verification:
    layout = origin.layout
    is_size_right = n_bytes == layout.target_bytes
    # A part beyond the end of a file that is too short has no digest.
    digests = [*hashes.digests, *[None] * (len(origin.parts) - len(hashes.digests))]
    parts = tuple(
        PartCheck(part.name, part.bytes, part.sha256, digest)
        for part, digest in zip(origin.parts, digests, strict=True)
    )
    damaged: tuple[int, ...] = ()
    if pieces_known := len(origin.piece_crc32) == len(origin.piece_lengths()):
        # Pieces beyond the end of a file that is too short count as damaged.
        found: list[int | None] = [*hashes.crc32s, *[None] * (len(origin.piece_crc32) - len(hashes.crc32s))]
        damaged = tuple(number for number, crc32 in enumerate(origin.piece_crc32) if crc32 != found[number])
    is_wrong = any(part.expected_sha256 not in (None, part.sha256) for part in parts)
    matches: bool | None = None
    if not is_size_right or head_damaged or is_wrong:
        matches = False
    elif parts and all(part.expected_sha256 for part in parts):
        matches, damaged = True, ()
    elif damaged:
        matches = False
    published_id: str | None = origin.model_id or None
    if not parts and published_id is None:
        published_id, matches = _in_catalogue(path, sha256)
    return Verification(
        path=path,
        bytes=n_bytes,
        expected_bytes=layout.target_bytes if parts else None,
        sha256=sha256 if layout.is_identity or matches is not False else None,
        matches=matches,
        published_id=published_id,
        parts=parts,
        stacked=not layout.is_identity,
        damaged_pieces=damaged,
        # Where every piece is as it was downloaded but the hash is wrong, another file was downloaded.
        pieces_known=pieces_known and (bool(damaged) or head_damaged or not is_size_right),
        head_damaged=head_damaged,
        piece_crc32=tuple(hashes.crc32s),
    )


def _in_catalogue(path: Path, sha256: str) -> tuple[str | None, bool | None]:
    for entry in CATALOGUE:
        if entry.sha256 == sha256:
            return entry.id, True
    for entry in CATALOGUE:
        if entry.sha256 is not None and entry.file_name == path.name:
            return entry.id, False
    return None, None


# Reading


def _read_sequentially(
    path: Path,
    file: BinaryIO,
    n_bytes: int,
    hashes: PublishedHashes,
    report: Callable[[int], None],
    cancel: CancelToken,
) -> str:
    """Read the file from beginning to end; returns its SHA-256."""
    # That of the only part is that of the file: it isn't computed twice.
    whole = None if hashes.is_only_part(n_bytes) else hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    done = 0
    # Ends for a file that another program appends to.
    while done <= n_bytes:
        cancel.raise_if_cancelled()
        step = 0
        while step < STEP_BYTES and (count := file.readinto(buffer)):  # type: ignore[attr-defined]
            if whole is not None:
                whole.update(buffer[:count])
            hashes.update(buffer[:count])
            step += count
        if not step:
            break
        done += step
        report(done)
    if whole is not None:
        return whole.hexdigest()
    if not hashes.digests:
        raise UserError("file_changed", path=path)
    return hashes.digests[0]


def _read_both_orders(
    path: Path,
    file: BinaryIO,
    n_bytes: int,
    layout: Layout,
    hashes: PublishedHashes,
    report: Callable[[int], None],
    cancel: CancelToken,
) -> str:
    """Read the file in the published order for ``hashes``, and in its own order for its SHA-256, which is returned.

    Both run in parallel and are never further apart than a layer, so that the disk is read once.
    """
    whole = hashlib.sha256()
    view = SourceView(layout, file)
    buffer, own_buffer = memoryview(bytearray(_READ_BYTES)), memoryview(bytearray(_READ_BYTES))
    second, _ = open_regular(path)

    def hash_own_order() -> None:
        step = 0
        while step < STEP_BYTES and (count := second.readinto(own_buffer)):  # type: ignore[attr-defined]
            whole.update(own_buffer[:count])
            step += count

    with second, ThreadPoolExecutor(1) as pool:
        for done in range(0, max(layout.source_bytes, n_bytes), STEP_BYTES):
            cancel.raise_if_cancelled()
            pending = pool.submit(hash_own_order)
            for start in range(done, min(done + STEP_BYTES, layout.source_bytes), _READ_BYTES):
                piece = buffer[: min(_READ_BYTES, layout.source_bytes - start)]
                count = view.readinto(start, piece)
                # Zeros for what a file that is too short lacks: later bytes in this order may exist.
                piece[count:] = bytes(len(piece) - count)
                hashes.update(piece)
            pending.result()
            report(done + STEP_BYTES)
    return whole.hexdigest()
