"""What follows from a verification: which pieces to fetch again, and what is remembered.

The pieces are fetched by ``download`` (``reopen_for_mending``); quarantine is in ``quarantine``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.errors import UserError
from model_manager.layout.layout import Layout
from model_manager.layout.origin import PIECE_BYTES, Origin, read_origin, write_origin
from model_manager.library.library import ModelLibrary
from model_manager.library.verification import Verification
from model_manager.published import HubFile, PublishedModel


@dataclass(frozen=True)
class Mending:
    """How to make a damaged file right: ``pieces`` for ``reopen_for_mending``, None for all, and the bytes to fetch."""

    path: Path
    pieces: tuple[int, ...] | None
    bytes: int


def mending(verification: Verification, origin: Origin | None) -> Mending | None:
    """Which pieces to fetch again; None where the file is right, or nobody knows what it should be."""
    if verification.matches is not False or origin is None:
        return None
    if not verification.pieces_known:
        return Mending(verification.path, None, sum(part.bytes for part in origin.parts))
    lengths = origin.piece_lengths()
    return Mending(
        verification.path,
        verification.damaged_pieces,
        sum(lengths[piece] for piece in verification.damaged_pieces),
    )


def remember(verification: Verification, library: ModelLibrary, expected: PublishedModel | None = None) -> None:
    """Keep what was found out: the hash in the library, and in the file's origin when it was found right.

    With the ``expected`` that it was compared with, a file of unknown origin becomes known as that published one, from
    then on to be traced and mended like a download: one in the models folder, or one that was repaired here.

    Raises ``UserError`` as ``record_file_hash``.  That the origin cannot be written (a folder to read only) is no harm.
    """
    path = verification.path
    if verification.sha256 is not None:
        library.record_file_hash(path, verification.sha256)
    if not verification.matches:
        return
    origin = read_origin(path)
    if expected is not None and (origin is None or not origin.has_hashes):
        own = library.models_folder
        if origin is None and (own is None or not path.absolute().is_relative_to(own)):
            return
        origin = Origin(
            model_id=expected.id,
            repository=expected.repository,
            commit=expected.commit,
            parts=tuple(HubFile(part.name, part.bytes, part.expected_sha256) for part in verification.parts),
            layout=Layout.identity(verification.bytes) if origin is None else origin.layout,
            sha256=None,
            checksums_from=expected.checksums_from,
            piece_bytes=PIECE_BYTES if origin is None else origin.piece_bytes,
            piece_crc32=verification.piece_crc32,
        )
    if origin is not None:
        with suppress(UserError):
            write_origin(path, replace(origin, sha256=verification.sha256, verified_at=datetime.now(UTC)))
