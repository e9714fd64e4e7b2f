"""Verification of a file against what was published, and which of its pieces must be downloaded again.

A downloaded file has its origin beside it: it is read in the published order through its layout, so that a file whose
experts were stacked is compared with the hub's SHA-256 too.  Any other file is hashed as it is and compared with what
the caller or the catalogue knows.  ``download`` downloads damaged pieces.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, islice, repeat
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import file_size, open_regular, open_unmodified
from model_manager.disk.hashing import READ_BYTES, STEP_BYTES, read_all, read_step
from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import find_published
from model_manager.layout.layout import SourceView, TensorLayout
from model_manager.layout.origin import Origin, read_origin, write_origin
from model_manager.library.library import ModelLibrary
from model_manager.progress import OnProgress, Progress, ignore_progress
from model_manager.published import HubFile, PublishedModel


@dataclass(frozen=True)
class Verification:
    """Result of the verification of one file.

    ``matches``: whether it is the published file, None where that is unknown.  ``origin`` is what it was compared with,
    without parts where nothing is known; ``digests`` are the SHA-256 of its parts on disk, None where the file ends
    before the part does.  ``sha256`` is the hash of the file on disk, which for a stacked file isn't the published
    one; None for a stacked file that doesn't match.

    ``damaged_pieces`` are the numbers of pieces of the published parts (``Origin.piece_crc32``) with a wrong checksum;
    ``head_damaged``: the new header of a stacked file is damaged.  Where a file doesn't match and ``pieces_known`` is
    false, the damage can be anywhere.  ``published_changed``: what is published now differs from what was downloaded.
    """

    path: Path
    bytes: int
    sha256: str | None
    matches: bool | None
    origin: Origin
    digests: tuple[str | None, ...]
    damaged_pieces: tuple[int, ...]
    pieces_known: bool
    head_damaged: bool
    published_changed: bool
    piece_crc32: tuple[int, ...] = field(repr=False)
    """CRC-32 of each complete piece on disk, where the published parts are known."""

    @property
    def published_id(self) -> str | None:
        """Id of the published model that the file was compared with."""
        return self.origin.model_id or None

    @property
    def expected_bytes(self) -> int | None:
        """Size of the file that matches; None where it is unknown."""
        return self.origin.layout.target_bytes if self.origin.parts else None


class PublishedHashes:
    """Hashes of published parts, updated with their concatenated bytes; bytes after the last part are ignored.

    ``digests`` holds the SHA-256 of each complete part, ``crc32s`` the CRC-32 of each complete piece: ``piece_bytes``
    of a part, the last piece of a part shorter.
    """

    def __init__(self, parts: tuple[HubFile, ...], piece_bytes: int) -> None:
        self._parts = parts
        self._piece_bytes = piece_bytes
        self._number, self._offset = 0, 0
        self._digest = hashlib.sha256()
        self._crc32 = 0
        self.digests: list[str] = []
        self.crc32s: list[int] = []
        self._finish_parts()

    def update(self, content: memoryview) -> None:
        """Add the next bytes."""
        while content and self._number < len(self._parts):
            rest_of_part = self._parts[self._number].bytes - self._offset
            rest_of_piece = self._piece_bytes - self._offset % self._piece_bytes
            now = content[: min(rest_of_piece, rest_of_part)]
            self._digest.update(now)
            self._crc32 = zlib.crc32(now, self._crc32)
            self._offset += len(now)
            content = content[len(now) :]
            if len(now) in (rest_of_piece, rest_of_part):
                self.crc32s.append(self._crc32)
                self._crc32 = 0
            self._finish_parts()

    def _finish_parts(self) -> None:
        # More than one at once where a part is empty.
        while self._number < len(self._parts) and self._offset == self._parts[self._number].bytes:
            self.digests.append(self._digest.hexdigest())
            self._digest = hashlib.sha256()
            self._number, self._offset = self._number + 1, 0


def verify(
    path: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    expected: PublishedModel | None = None,
) -> Verification:
    """Read a file once and compare it with what was published.

    That is known from the origin beside the file, else from ``expected`` (also for a file that was converted on this
    computer, whose origin has a layout but no hashes), else from the catalogue.

    Raises ``Cancelled``, and ``UserError`` as ``open_unmodified``.
    """
    stored = read_origin(path)
    with open_unmodified(path) as (file, status):
        origin = _reference(path, status.st_size, stored, expected)
        layout = origin.layout
        hashes = PublishedHashes(origin.parts, origin.piece_bytes)
        whole = hashlib.sha256()
        # The hash of the only part is that of the file: it isn't computed twice.
        is_only_part = layout.is_identity and len(origin.parts) == 1 and status.st_size == layout.target_bytes
        if layout.is_identity:
            consumers = (hashes.update,) if is_only_part else (whole.update, hashes.update)
            read_all(file, status.st_size, consumers, on_progress, cancel)
        else:
            _read_both_orders(path, file, status.st_size, layout, hashes, whole, on_progress, cancel)
        file.seek(0)
        head_damaged = file.read(len(layout.target_head)) != layout.target_head
    sha256 = hashes.digests[0] if is_only_part else whole.hexdigest()
    # A part or piece beyond the end of a file that is too short has no digest, and counts as damaged.
    digests = tuple(islice(chain(hashes.digests, repeat(None)), len(origin.parts)))
    crc32s = list(islice(chain(hashes.crc32s, repeat(None)), len(origin.piece_crc32)))
    pieces_known = len(origin.piece_crc32) == len(origin.piece_lengths())
    damaged = [number for number, crc32 in enumerate(origin.piece_crc32) if pieces_known and crc32 != crc32s[number]]
    is_wrong = head_damaged or status.st_size != layout.target_bytes
    # Where every piece is as it was downloaded but the hash is wrong, another file was downloaded.
    pieces_known = pieces_known and (bool(damaged) or is_wrong)
    pairs = [(part.sha256, digest) for part, digest in zip(origin.parts, digests, strict=True)]
    matches: bool | None = None
    if is_wrong or any(wanted not in (None, found) for wanted, found in pairs):
        matches = False
    elif pairs and all(wanted for wanted, _ in pairs):
        matches, damaged = True, []
    elif damaged:
        matches = False
    elif not pairs and not origin.model_id:
        model_id, matches = _in_catalogue(path, sha256)
        origin = replace(origin, model_id=model_id)
    return Verification(
        path=path,
        bytes=status.st_size,
        sha256=sha256 if layout.is_identity or matches is not False else None,
        matches=matches,
        origin=origin,
        digests=digests,
        damaged_pieces=tuple(damaged),
        pieces_known=pieces_known,
        head_damaged=head_damaged,
        published_changed=bool(stored and expected and stored.has_hashes and published_changed(stored, expected)),
        piece_crc32=tuple(hashes.crc32s),
    )


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
    return not all(part.name in now and now[part.name].has_content_of(part) for part in origin.parts)


def pieces_to_redownload(verification: Verification, origin: Origin | None) -> tuple[int, ...] | None:
    """Return the numbers of the pieces that must be downloaded again.

    None where the file matches, or what was published is unknown.
    """
    if verification.matches is not False or origin is None:
        return None
    if verification.pieces_known:
        return verification.damaged_pieces
    return tuple(range(len(origin.piece_lengths())))


def worst_verification(verifications: Sequence[Verification]) -> Verification:
    """Return a file that doesn't match, else one of which that is unknown, else the first one."""
    order = {False: 0, None: 1, True: 2}
    return min(verifications, key=lambda each: order[each.matches])


def record_verification(verification: Verification, library: ModelLibrary) -> None:
    """Store the hash in the library, and in the file's origin where it matches.

    A file of unknown origin gets one, so that it can be repaired like a download, where it is in the models folder or
    was converted on this computer.

    Raises ``UserError`` as ``ModelLibrary.record_file_hash``.  An origin that can't be written (a read-only folder) is
    ignored.
    """
    path, origin, folder = verification.path, verification.origin, library.models_folder
    if verification.sha256 is not None:
        library.record_file_hash(path, verification.sha256)
    if not verification.matches or not origin.parts:
        return
    if read_origin(path) is not None or (folder is not None and path.absolute().is_relative_to(folder)):
        verified = replace(origin, sha256=verification.sha256, verified_at=datetime.now(UTC))
        with suppress(UserError):
            write_origin(path, replace(verified, piece_crc32=origin.piece_crc32 or verification.piece_crc32))


# What to compare with


def find_expected(path: Path, access: Callable[[], Access]) -> PublishedModel | None:
    """Return what a hub publishes under the name of a file whose origin is unknown, for models of the catalogue.

    ``access`` is called, and the hub queried, only where that is needed.  Raises ``UserError`` as ``find_published``.
    """
    entry = next((each for each in CATALOGUE if each.file_name == path.name and each.sha256 is None), None)
    origin = read_origin(path)
    if entry is None or (origin is not None and origin.has_hashes):
        return None
    return find_published(entry.id, access())


def _reference(path: Path, n_bytes: int, stored: Origin | None, expected: PublishedModel | None) -> Origin:
    """Return the origin to compare a file with; one without parts where nothing is known."""
    if stored is not None and expected is not None and not stored.has_hashes:
        parts = _expected_parts(path, stored.layout.source_bytes, expected)
        same_sizes = [part.bytes for part in parts] == [part.bytes for part in stored.parts]
        piece_crc32 = stored.piece_crc32 if same_sizes else ()
        known = replace(_origin_of(expected, parts), layout=stored.layout, piece_bytes=stored.piece_bytes)
        if _is_consistent(known):
            return replace(known, piece_crc32=piece_crc32)
    if stored is not None and _is_consistent(stored):
        return stored
    if expected is not None:
        return _origin_of(expected, _expected_parts(path, n_bytes, expected))
    return Origin("", "", "", (), TensorLayout.identity(n_bytes), None)


def _origin_of(published: PublishedModel, parts: tuple[HubFile, ...]) -> Origin:
    return Origin(
        model_id=published.id,
        repository=published.repository,
        commit=published.commit,
        parts=parts,
        layout=TensorLayout.identity(sum(part.bytes for part in parts)),
        sha256=None,
        checksums_from=published.checksums_from,
    )


def _expected_parts(path: Path, n_bytes: int, expected: PublishedModel | None) -> tuple[HubFile, ...]:
    """Return the parts of the published file with the name or size of a file on disk, else of the first one."""
    targets = expected.targets() if expected is not None else ()
    named = [target for target in targets if target.file_name == path.name]
    sized = [target for target in targets if target.bytes == n_bytes]
    return next((target.parts for target in (*named, *sized, *targets)), ())


def _is_consistent(origin: Origin) -> bool:
    """Return whether parts and layout describe the same bytes; the stored origin may have been edited."""
    sizes = [part.bytes for part in origin.parts]
    return bool(sizes) and sum(sizes) == origin.layout.source_bytes


def _in_catalogue(path: Path, sha256: str) -> tuple[str, bool | None]:
    known = [entry for entry in CATALOGUE if entry.sha256 is not None]
    for entry in known:
        if entry.sha256 == sha256:
            return entry.id, True
    for entry in known:
        if entry.file_name == path.name:
            return entry.id, False
    return "", None


def _read_both_orders(
    path: Path,
    file: BinaryIO,
    n_bytes: int,
    layout: TensorLayout,
    hashes: PublishedHashes,
    whole: hashlib._Hash,
    on_progress: OnProgress,
    cancel: CancelToken,
) -> None:
    """Read the file in the published order for ``hashes``, and in its own order for ``whole``.

    Both run in parallel and are never further apart than a layer, so that the disk is read once.
    """
    view = SourceView(layout, file)
    buffer = memoryview(bytearray(READ_BYTES))
    second, _ = open_regular(path)
    with second, ThreadPoolExecutor(1) as pool:
        end = layout.source_end(n_bytes)
        for done in range(0, max(end, n_bytes), STEP_BYTES):
            cancel.raise_if_cancelled()
            pending = pool.submit(read_step, second, whole.update)
            for start in range(done, min(done + STEP_BYTES, end), READ_BYTES):
                piece = buffer[: min(READ_BYTES, end - start)]
                count = view.readinto(start, piece)
                # Zeros for what a file that is too short lacks: later bytes in this order may exist.
                piece[count:] = bytes(len(piece) - count)
                hashes.update(piece)
            pending.result()
            on_progress(Progress(min(done + STEP_BYTES, n_bytes), n_bytes))
