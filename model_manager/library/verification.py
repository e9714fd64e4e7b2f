"""Is this file the published one, bit for bit, and if not, which pieces of it are damaged?

A file that was downloaded has its origin beside it: it is read in the *published* order through its layout, so that one
whose experts were stacked is held against the hub's own SHA-256 too.  Any other file is hashed as it lies and compared
with what the caller, or the catalogue, knows.  Fetching damaged pieces again is ``download``'s business
(``reopen_for_mending``), which ones is decided in ``mending``.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from model_manager.cancellation import NEVER_CANCELLED, CancelToken
from model_manager.disk.files import open_regular, read_error
from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.catalogue import CATALOGUE
from model_manager.layout.layout import Layout
from model_manager.layout.origin import PIECE_BYTES, Origin, read_origin
from model_manager.layout.published_bytes import PublishedHashes, SourceView
from model_manager.progress import OnProgress, Progress, ignore_progress
from model_manager.published import HubFile, PublishedModel

STEP_BYTES = 8 << 20
"""Read between two looks at whether to go on."""
_READ_BYTES = 128 << 10
"""SHA-256 runs twice as fast over 64 to 256 KiB as over 1 MiB, which leaves the processor's cache."""


@dataclass(frozen=True)
class PartCheck:
    """One published file: what its SHA-256 should be, None where nobody told, and what it is here.

    ``sha256`` is None where the file here ends before the part does.
    """

    name: str
    bytes: int
    expected_sha256: str | None
    sha256: str | None


@dataclass(frozen=True)
class Verification:
    """What was found out about one file.

    ``matches``: whether it is the published one, None where nobody knows what was published.  ``published_id`` is what
    it was compared with.  ``sha256`` is that of the file here, which for a ``stacked`` one is not the published hash;
    it is None for a stacked file that does not match.  ``parts`` are the published files, in their order.

    ``damaged_pieces`` are numbers of pieces of the published parts (``origin.PIECE_BYTES``), counted through all parts,
    whose checksum is wrong; ``head_damaged`` that the new head of a stacked file is.  Where a file does not match and
    ``pieces_known`` is false, the damage can be anywhere.  ``published_changed``: what the caller says is published now
    is another file than the one that was downloaded.
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
    """What ``Origin.piece_crc32`` would be, where the published parts are known."""

    @property
    def published_sha256(self) -> str | None:
        """What the published file's SHA-256 should be; None where unknown, and for a file of several raw parts."""
        return self.parts[0].expected_sha256 if len(self.parts) == 1 else None


def verify(
    path: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    expected: PublishedModel | None = None,
) -> Verification:
    """Read a file once and compare it with what was published.

    What was published is told by the origin beside the file, else by ``expected`` (also for a file that was repaired
    here, whose origin knows its layout and nothing of hubs), else by the catalogue.
    ``on_progress`` counts the file's own bytes; it and ``cancel`` run in this thread.

    Raises ``Cancelled``, and ``UserError`` as ``open_regular`` does, or file_changed(path) when the file was written to
    meanwhile.
    """
    kept = read_origin(path)
    origin = None if kept is None else _with_hashes(kept, path, expected)
    file, before = open_regular(path)
    with file:
        run = _Run(path, before.st_size, on_progress, cancel)
        try:
            if origin is not None and _is_sound(origin):
                found = _against_origin(run, file, origin)
            else:
                found = _against_what_is_known(run, file, expected)
        except OSError as error:
            raise read_error(error, path) from error
        after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise UserError("file_changed", path=path)
    if kept is not None and expected is not None and any(part.sha256 for part in kept.parts):
        return replace(found, published_changed=published_changed(kept, expected))
    return found


def verify_all(
    path: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken = NEVER_CANCELLED,
    expected: PublishedModel | None = None,
) -> tuple[Verification, ...]:
    """``verify`` for each file of a split model; ``path`` is any of them.  Progress runs over all.

    Raises as ``verify``; file_missing(path) for a shard that is not there.
    """
    paths = named_shards(path)
    sizes = [_size(each) for each in paths]
    found = []
    for number, each in enumerate(paths):
        earlier = sum(sizes[:number])

        def forward(progress: Progress, earlier: int = earlier) -> None:
            on_progress(Progress(earlier + progress.done, sum(sizes)))

        found.append(verify(each, forward, cancel, expected))
    return tuple(found)


def published_changed(origin: Origin, published: PublishedModel) -> bool:
    """Whether what is published now under these names is not what was downloaded.  Hashes decide, not commits."""
    now = {part.name: part for part in published.files}
    for part in origin.parts:
        new = now.get(part.name)
        if new is None or new.bytes != part.bytes:
            return True
        if new.sha256 and part.sha256 and new.sha256 != part.sha256:
            return True
    return False


class _Run:
    """Progress and the wish to end, shared by the two ways of reading."""

    def __init__(self, path: Path, n_bytes: int, on_progress: OnProgress, cancel: CancelToken) -> None:
        self.path = path
        self.bytes = n_bytes
        self._on_progress = on_progress
        self._cancel = cancel

    def look(self) -> None:
        self._cancel.raise_if_cancelled()

    def tell(self, done: int) -> None:
        self._on_progress(Progress(min(done, self.bytes), self.bytes))


def _against_origin(run: _Run, file: BinaryIO, origin: Origin) -> Verification:
    layout = origin.layout
    hashes = PublishedHashes(origin.parts, origin.piece_bytes)
    head_damaged = False
    if layout.is_identity:
        sha256 = _read_as_it_lies(run, file, hashes)
    else:
        sha256 = _read_both_ways(run, file, layout, hashes)
        file.seek(0)
        head_damaged = file.read(len(layout.target_head)) != layout.target_head
    size_right = run.bytes == layout.target_bytes
    parts = _compared(origin.parts, hashes.digests)
    damaged: tuple[int, ...] = ()
    # What a file that is too short has no bytes of counts as damaged.
    if pieces_known := len(origin.piece_crc32) == len(origin.piece_lengths()):
        found: list[int | None] = [*hashes.crc32s, *[None] * (len(origin.piece_crc32) - len(hashes.crc32s))]
        damaged = tuple(number for number, crc32 in enumerate(origin.piece_crc32) if crc32 != found[number])
    matches = _matches(parts, intact=size_right and not head_damaged)
    if matches:
        damaged = ()
    elif damaged:
        matches = False
    return Verification(
        path=run.path,
        bytes=run.bytes,
        expected_bytes=layout.target_bytes,
        sha256=sha256 if layout.is_identity or matches is not False else None,
        matches=matches,
        published_id=origin.model_id or None,
        parts=parts,
        stacked=not layout.is_identity,
        damaged_pieces=damaged,
        # Every piece as it was fetched, and yet another hash: what was fetched was not the published file.
        pieces_known=pieces_known and (bool(damaged) or head_damaged or not size_right),
        head_damaged=head_damaged,
        piece_crc32=tuple(hashes.crc32s),
    )


def _against_what_is_known(run: _Run, file: BinaryIO, expected: PublishedModel | None) -> Verification:
    parts, published_id = _expected_parts(run.path, run.bytes, expected)
    hashes = PublishedHashes(parts, PIECE_BYTES)
    sha256 = _read_as_it_lies(run, file, hashes)
    expected_bytes = sum(part.bytes for part in parts) if parts else None
    checks = _compared(parts, hashes.digests)
    matches = _matches(checks, intact=expected_bytes == run.bytes) if checks else None
    if not checks:
        published_id, matches = _in_catalogue(run.path, sha256)
    return Verification(
        path=run.path,
        bytes=run.bytes,
        expected_bytes=expected_bytes,
        sha256=sha256,
        matches=matches,
        published_id=published_id,
        parts=checks,
        piece_crc32=tuple(hashes.crc32s),
    )


def _read_as_it_lies(run: _Run, file: BinaryIO, hashes: PublishedHashes) -> str:
    """Read the file from end to end; its SHA-256."""
    # That of the only part is that of the file: it is not made twice.
    whole = None if hashes.is_only_part(run.bytes) else hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    done = 0
    # A file that somebody goes on writing to has no end.
    while done <= run.bytes:
        run.look()
        step = 0
        while step < STEP_BYTES and (count := file.readinto(buffer)):  # type: ignore[attr-defined]
            if whole is not None:
                whole.update(buffer[:count])
            hashes.update(buffer[:count])
            step += count
        if not step:
            break
        done += step
        run.tell(done)
    if whole is not None:
        return whole.hexdigest()
    if not hashes.digests:
        raise UserError("file_changed", path=run.path)
    return hashes.digests[0]


def _read_both_ways(run: _Run, file: BinaryIO, layout: Layout, hashes: PublishedHashes) -> str:
    """Read the file in the published order for ``hashes``, and in its own for its SHA-256, which is returned.

    Both go side by side and are never further apart than a layer, so that the disk is read once.
    """
    whole = hashlib.sha256()
    view = SourceView(layout, file)
    buffer, own_buffer = memoryview(bytearray(_READ_BYTES)), memoryview(bytearray(_READ_BYTES))
    second, _ = open_regular(run.path)

    def own_order() -> None:
        step = 0
        while step < STEP_BYTES and (count := second.readinto(own_buffer)):  # type: ignore[attr-defined]
            whole.update(own_buffer[:count])
            step += count

    with second, ThreadPoolExecutor(1) as pool:
        for done in range(0, max(layout.source_bytes, run.bytes), STEP_BYTES):
            run.look()
            pending = pool.submit(own_order)
            for start in range(done, min(done + STEP_BYTES, layout.source_bytes), _READ_BYTES):
                piece = buffer[: min(_READ_BYTES, layout.source_bytes - start)]
                count = view.readinto(start, piece)
                # Zeros for what a file that is too short has not: what comes after it in this order may be there.
                piece[count:] = bytes(len(piece) - count)
                hashes.update(piece)
            pending.result()
            run.tell(done + STEP_BYTES)
    return whole.hexdigest()


def _compared(parts: tuple[HubFile, ...], digests: list[str]) -> tuple[PartCheck, ...]:
    # A part beyond the end of a file that is too short has no digest.
    return tuple(
        PartCheck(part.name, part.bytes, part.sha256, digests[number] if number < len(digests) else None)
        for number, part in enumerate(parts)
    )


def _matches(parts: tuple[PartCheck, ...], *, intact: bool) -> bool | None:
    if not intact or any(part.expected_sha256 not in (None, part.sha256) for part in parts):
        return False
    return True if parts and all(part.expected_sha256 for part in parts) else None


def _expected_parts(
    path: Path, n_bytes: int, expected: PublishedModel | None
) -> tuple[tuple[HubFile, ...], str | None]:
    if expected is None:
        return (), None
    targets = expected.targets()
    named = [target for target in targets if target.file_name == path.name]
    sized = [target for target in targets if target.bytes == n_bytes]
    chosen = (named or sized or list(targets))[:1]
    return (chosen[0].parts if chosen else ()), expected.id


def _with_hashes(origin: Origin, path: Path, expected: PublishedModel | None) -> Origin:
    """The origin, with what ``expected`` tells where it knows of no hash itself."""
    if origin.has_hashes:
        return origin
    parts, model_id = _expected_parts(path, origin.layout.source_bytes, expected)
    if not parts or sum(part.bytes for part in parts) != origin.layout.source_bytes:
        return origin
    same = [part.bytes for part in parts] == [part.bytes for part in origin.parts]
    return replace(
        origin,
        model_id=origin.model_id or model_id or "",
        parts=parts,
        piece_crc32=origin.piece_crc32 if same else (),
    )


def _in_catalogue(path: Path, sha256: str) -> tuple[str | None, bool | None]:
    for entry in CATALOGUE:
        if entry.sha256 == sha256:
            return entry.id, True
    for entry in CATALOGUE:
        if entry.sha256 is not None and entry.file_name == path.name:
            return entry.id, False
    return None, None


def _is_sound(origin: Origin) -> bool:
    """Whether the parts and the layout speak of the same bytes: the file that tells may have been tampered with."""
    sizes = [part.bytes for part in origin.parts]
    return bool(sizes) and min(sizes) >= 0 and sum(sizes) == origin.layout.source_bytes and origin.piece_bytes > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
