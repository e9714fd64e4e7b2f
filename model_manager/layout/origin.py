"""Origin of a model file, stored beside it: what was published, and how its bytes are arranged in the file on disk.

It proves that a file whose experts were stacked is the published one, and shows which piece of a file is damaged, so
that only this piece is downloaded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from model_manager.disk.files import read_bytes, write_atomically
from model_manager.disk.json_file import from_json, to_json
from model_manager.layout.layout import TensorLayout
from model_manager.published import HubFile

FORMAT = 1
PIECE_BYTES = 16 << 20
"""Unit in which the published parts are downloaded, journalled and checked; a part's last piece is shorter."""
MAX_ORIGIN_BYTES = 256 << 20
"""Larger files are ignored: the origin of a model with 1263 tensors and a 64,000-token vocabulary takes 2 MB."""
MAX_PIECES = 1 << 20
"""Of one file: 16 TiB."""

_CLOCK_TOLERANCE = timedelta(seconds=3)
"""FAT stores modification times with a resolution of two seconds."""


@dataclass(frozen=True)
class Origin:
    """Origin of one file on disk.

    ``parts`` are the published files that make it up, with their SHA-256 where the hub provides one; ``layout`` maps
    them, concatenated, to the file on disk, whose hash is ``sha256``.  ``piece_crc32`` holds a CRC-32 for each piece of
    ``piece_bytes`` of each part, in order; empty where this program didn't download the file.
    """

    model_id: str
    repository: str
    commit: str
    parts: tuple[HubFile, ...]
    layout: TensorLayout
    sha256: str | None
    verified_at: datetime | None = None
    checksums_from: str = ""
    piece_bytes: int = PIECE_BYTES
    piece_crc32: tuple[int, ...] = field(default=(), repr=False)
    format: int = field(default=FORMAT, repr=False)

    @property
    def has_hashes(self) -> bool:
        """Whether the published hash of any part is known."""
        return any(part.sha256 for part in self.parts)

    @property
    def is_verifiable(self) -> bool:
        """Whether the published hash of each part is known."""
        return all(part.sha256 for part in self.parts)

    @property
    def published_sha256(self) -> str | None:
        """Published hash of the file; None where unknown, and for a file of several split parts."""
        return self.parts[0].sha256 if len(self.parts) == 1 else None

    @property
    def stacked(self) -> bool:
        """Whether the experts were stacked, so that the file on disk isn't the published one byte for byte."""
        return not self.layout.is_identity

    def piece_lengths(self) -> list[int]:
        """Return the bytes of each piece, in the order of ``piece_crc32``."""
        return [
            min(self.piece_bytes, part.bytes - start)
            for part in self.parts
            for start in range(0, part.bytes, self.piece_bytes)
        ]

    def summary(self) -> OriginSummary:
        """Return the origin without layout and checksums."""
        return OriginSummary(
            model_id=self.model_id,
            repository=self.repository,
            commit=self.commit,
            stacked=self.stacked,
            published_sha256=self.published_sha256,
            checksums_from=self.checksums_from,
            bytes=self.layout.target_bytes,
            sha256=self.sha256,
            verified_at=self.verified_at,
            is_verifiable=self.is_verifiable,
        )


@dataclass(frozen=True)
class OriginSummary:
    """The part of an origin that the library caches, so that a list of models doesn't parse megabytes.

    The fields are those of ``Origin``; ``bytes`` is the size of the file on disk.
    """

    model_id: str
    repository: str
    commit: str
    stacked: bool
    published_sha256: str | None
    checksums_from: str
    bytes: int
    sha256: str | None
    verified_at: datetime | None
    is_verifiable: bool = True

    def applies_to(self, n_bytes: int, mtime_ns: int) -> bool:
        """Return whether ``sha256`` holds for a file of this size that was last modified at ``mtime_ns``."""
        if self.sha256 is None or self.verified_at is None or n_bytes != self.bytes:
            return False
        return mtime_ns <= (self.verified_at + _CLOCK_TOLERANCE).timestamp() * 1e9


def origin_path(path: Path) -> Path:
    """Return the path of the file that stores the origin of ``path``."""
    # The root folder, which an invalid id can name, has no name to replace.
    return path.parent / f"{path.name}.origin.json"


def write_origin(path: Path, origin: Origin) -> None:
    """Store the origin of ``path`` beside it.  Raises ``UserError`` as ``disk_error``."""
    write_atomically(origin_path(path), to_json(origin, indent=1))


def read_origin(path: Path) -> Origin | None:
    """Return the origin of ``path``; None where there is none or it is damaged."""
    try:
        origin = from_json(read_bytes(origin_path(path), MAX_ORIGIN_BYTES), Origin)
    except (OSError, ValueError):
        return None
    is_sound = origin.layout.is_sound and has_sound_pieces(origin.parts, origin.piece_bytes)
    return origin if origin.format == FORMAT and is_sound else None


def has_sound_pieces(parts: Sequence[HubFile], piece_bytes: int) -> bool:
    """Return whether parts and pieces have plausible sizes; stored ones may have been edited."""
    sizes = [part.bytes for part in parts]
    if piece_bytes <= 0 or min(sizes, default=0) < 0:
        return False
    return sum(-(-size // piece_bytes) for size in sizes) <= MAX_PIECES
