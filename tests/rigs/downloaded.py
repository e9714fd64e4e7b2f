"""Files as a finished download leaves them, created without a hub."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin, write_origin
from model_manager.layout.stacking import read_layout
from model_manager.published import HubFile

PIECE_BYTES = 64 << 10


def code_of(call: Callable[[], object]) -> str:
    """Return the code of the UserError raised by a call."""
    with pytest.raises(UserError) as caught:
        call()
    return caught.value.code


def lay_down(layout: TensorLayout, published: bytes) -> bytes:
    """Return the bytes on disk for a layout and the published bytes."""
    if layout.is_identity:
        return published
    target = bytearray(layout.target_bytes)
    target[: len(layout.target_head)] = layout.target_head
    for segment in layout.segments:
        target[segment.target : segment.target + segment.length] = published[segment.source :][: segment.length]
    return bytes(target)


def write_downloaded(
    folder: Path,
    source: Path,
    name: str = "Model.Q4_K_M.gguf",
    model_id: str = "apus:Q2_K",
    *,
    cuts: tuple[int, ...] = (),
    with_hashes: bool = True,
    with_pieces: bool = True,
) -> Path:
    """Write the file with its origin; ``source`` is the published file.

    ``cuts`` are the sizes of its published split parts except the last.
    """
    published = source.read_bytes()
    _, layout = read_layout(source)
    ends = [*cuts, len(published) - sum(cuts)]
    contents = [published[sum(ends[:i]) :][:n] for i, n in enumerate(ends)]
    parts = tuple(
        HubFile(
            name if len(ends) == 1 else f"{name}.part{i + 1}of{len(ends)}",
            len(content),
            hashlib.sha256(content).hexdigest() if with_hashes else None,
        )
        for i, content in enumerate(contents)
    )
    content = lay_down(layout, published)
    path = folder / name
    path.write_bytes(content)
    write_origin(
        path,
        Origin(
            model_id=model_id,
            repository="OWNER/REPO",
            commit="c" * 40,
            parts=parts,
            layout=layout,
            sha256=hashlib.sha256(content).hexdigest(),
            verified_at=datetime.now(UTC),
            checksums_from="huggingface.co",
            piece_bytes=PIECE_BYTES,
            piece_crc32=tuple(
                zlib.crc32(each[start : start + PIECE_BYTES])
                for each in contents
                for start in range(0, len(each), PIECE_BYTES)
            )
            if with_pieces
            else (),
        ),
    )
    return path


def damage(path: Path, place: int, count: int = 1) -> None:
    """Flip bytes without changing the modification time, as a failing disk does."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(place)
        content = file.read(count)
        file.seek(place)
        file.write(bytes(each ^ 0xFF for each in content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
