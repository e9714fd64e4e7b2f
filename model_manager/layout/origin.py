"""Where a model file came from, kept beside it: what was published, and how its bytes lie in the file here.

With it a file whose experts were stacked can still be proven to be the published one, damage can be traced to a piece
of the file, and that piece alone fetched again.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from model_manager.disk.files import write_atomically
from model_manager.layout.layout import Layout
from model_manager.published import HubFile

FORMAT = 1
PIECE_BYTES = 16 << 20
"""Bytes of the published parts that are fetched, journalled and checked together; a part's last piece is shorter."""


@dataclass(frozen=True)
class Origin:
    """What is known about one file on disk.

    ``parts`` are the published files that make it up, with their SHA-256 where the hub told one; ``layout`` maps them,
    put end to end, to the file here; ``sha256`` is that of the file here.  ``piece_crc32`` holds a CRC-32 for each
    piece of ``piece_bytes`` of each part, in order; empty where the file was not fetched by this program.
    """

    model_id: str
    repository: str
    commit: str
    parts: tuple[HubFile, ...]
    layout: Layout
    sha256: str | None
    verified_at: datetime | None = None
    checksums_from: str = ""
    piece_bytes: int = PIECE_BYTES
    piece_crc32: tuple[int, ...] = field(default=(), repr=False)


def origin_path(path: Path) -> Path:
    """The file that tells where ``path`` came from."""
    return path.with_name(f"{path.name}.origin.json")


def write_origin(path: Path, origin: Origin) -> None:
    """Keep the origin of ``path`` beside it.  Raises OSError."""
    write_atomically(origin_path(path), json.dumps(origin_to_json(origin), indent=1).encode())


def read_origin(path: Path) -> Origin | None:
    """The origin of ``path``; None where none was kept or it cannot be read."""
    try:
        stored = json.loads(origin_path(path).read_bytes())
        return origin_from_json(stored) if stored["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error, RecursionError):
        return None


def origin_to_json(origin: Origin) -> dict[str, Any]:
    """Plain values."""
    return {
        "format": FORMAT,
        "model_id": origin.model_id,
        "repository": origin.repository,
        "commit": origin.commit,
        "parts": [{"name": part.name, "bytes": part.bytes, "sha256": part.sha256} for part in origin.parts],
        "layout": origin.layout.to_json(),
        "sha256": origin.sha256,
        "verified_at": origin.verified_at.isoformat() if origin.verified_at else None,
        "checksums_from": origin.checksums_from,
        "piece_bytes": origin.piece_bytes,
        "piece_crc32": list(origin.piece_crc32),
    }


def origin_from_json(stored: dict[str, Any]) -> Origin:
    """The inverse of ``origin_to_json``.  Raises ValueError, KeyError, TypeError or zlib.error for anything else."""
    return Origin(
        model_id=str(stored["model_id"]),
        repository=str(stored["repository"]),
        commit=str(stored["commit"]),
        parts=tuple(HubFile(str(part["name"]), int(part["bytes"]), part["sha256"]) for part in stored["parts"]),
        layout=Layout.from_json(stored["layout"]),
        sha256=stored["sha256"],
        verified_at=datetime.fromisoformat(stored["verified_at"]) if stored["verified_at"] else None,
        checksums_from=str(stored["checksums_from"]),
        piece_bytes=int(stored["piece_bytes"]),
        piece_crc32=tuple(int(each) for each in stored["piece_crc32"]),
    )
