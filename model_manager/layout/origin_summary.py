"""What a list needs to know of where a file came from, without the megabytes that its origin holds.

``origin`` keeps everything beside the file: the old head, the map of bytes, a checksum for each piece.  This is the
handful of facts that the library remembers of it, so that listing models parses no such file twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from model_manager.layout.origin import Origin, origin_path, read_origin

MAX_SIDECAR_BYTES = 256 << 20
"""A larger one is not ours: the origin of a 64,000-token model with 1263 tensors takes about 2 MB."""

_CLOCK_SLACK = timedelta(seconds=3)
"""FAT keeps times of change to two seconds."""


@dataclass(frozen=True)
class OriginSummary:
    """The origin of one file, in short.

    ``stacked``: the experts were stacked, so that the file here is not byte for byte the published one.
    ``published_sha256`` is what the hub told of the published file; None where it told none, or for a file made of
    several raw parts.  ``bytes``, ``sha256`` and ``verified_at`` (UTC) are of the file here.
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

    def holds_for(self, n_bytes: int, mtime_ns: int) -> bool:
        """Whether ``sha256`` can still be that of the file here: same size, and not written to since it was made."""
        if self.sha256 is None or self.verified_at is None or n_bytes != self.bytes:
            return False
        return mtime_ns <= (self.verified_at + _CLOCK_SLACK).timestamp() * 1e9


def summary_of(origin: Origin) -> OriginSummary:
    """The short form of an origin."""
    return OriginSummary(
        model_id=origin.model_id,
        repository=origin.repository,
        commit=origin.commit,
        stacked=not origin.layout.is_identity,
        published_sha256=origin.parts[0].sha256 if len(origin.parts) == 1 else None,
        checksums_from=origin.checksums_from,
        bytes=origin.layout.target_bytes,
        sha256=origin.sha256,
        verified_at=origin.verified_at,
    )


def read_summary(path: Path) -> OriginSummary | None:
    """The short form of the origin kept beside ``path``; None where there is none, or one that cannot be read."""
    try:
        if origin_path(path).stat().st_size > MAX_SIDECAR_BYTES:
            return None
    except (OSError, ValueError):
        return None
    origin = read_origin(path)
    return None if origin is None else summary_of(origin)


def summary_to_json(summary: OriginSummary | None) -> dict[str, Any] | None:
    """Plain values."""
    if summary is None:
        return None
    return {**vars(summary), "verified_at": summary.verified_at.isoformat() if summary.verified_at else None}


def summary_from_json(stored: dict[str, Any] | None) -> OriginSummary | None:
    """The inverse of ``summary_to_json``.  Raises ValueError, KeyError or TypeError for anything else."""
    if stored is None:
        return None
    return OriginSummary(
        model_id=str(stored["model_id"]),
        repository=str(stored["repository"]),
        commit=str(stored["commit"]),
        stacked=bool(stored["stacked"]),
        published_sha256=_text(stored["published_sha256"]),
        checksums_from=str(stored["checksums_from"]),
        bytes=int(stored["bytes"]),
        sha256=_text(stored["sha256"]),
        verified_at=datetime.fromisoformat(stored["verified_at"]) if stored["verified_at"] else None,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
