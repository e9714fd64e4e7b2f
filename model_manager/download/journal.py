"""The journal of a partial file: what was published, how it is laid down, and which of its bytes are here.

One JSON value a line.  The first line tells what does not change; each later one, a note, which pieces were completed
and how far the others are.  A note is appended once the data that it speaks of is on the disk, so that a crash or a
power cut costs the last moments and no more; a line that was cut short is as if it had never been written.  Appending
a hundred bytes a second wears no disk, whereas a stacked file's layout alone takes a megabyte.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from model_manager.disk.files import sync, write_atomically
from model_manager.layout.layout import Layout
from model_manager.published import HubFile, PublishedModel

FORMAT = 1

_UNREADABLE = (ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Opening:
    """What does not change while a file is downloaded.

    ``file_name`` is the one of ``published.targets()`` that this is.  ``reopened_from`` names the file, finished or
    quarantined, that was made a partial one again to be mended; the journal is written before that file is renamed.
    """

    published: PublishedModel
    file_name: str
    layout: Layout
    piece_bytes: int
    reopened_from: str | None = None

    @property
    def parts(self) -> tuple[HubFile, ...]:
        """The published files that lie end to end in this one."""
        for target in self.published.targets():
            if target.file_name == self.file_name:
                return target.parts
        return ()


@dataclass(frozen=True)
class PieceNote:
    """How far one piece is: ``bytes`` of it are here and ``crc32`` is theirs, None where nobody computed it."""

    number: int
    bytes: int
    crc32: int | None


@dataclass
class Journal:
    """A journal as it was read: the last word on each piece, by its number in the file."""

    opening: Opening
    pieces: dict[int, PieceNote] = field(default_factory=dict)

    @property
    def bytes_done(self) -> int:
        """Bytes of the published file that are here, by the notes."""
        return sum(note.bytes for note in self.pieces.values())


def read_journal(path: Path) -> Journal | None:
    """The journal at ``path``; None where there is none or its first line cannot be read."""
    try:
        # What follows the last line feed was cut short.
        first, *notes = path.read_bytes().split(b"\n")[:-1]
        journal = Journal(_opening_from_json(json.loads(first)))
    except (*_UNREADABLE, OSError, AttributeError, zlib.error, RecursionError):
        return None
    try:
        for line in notes:
            for number, n_bytes, crc32 in json.loads(line):
                note = PieceNote(int(number), int(n_bytes), None if crc32 is None else int(crc32))
                journal.pieces[note.number] = note
    except (*_UNREADABLE, RecursionError):
        # A power cut may leave a line of zeros: what came before it holds.
        pass
    return journal


def write_journal(path: Path, opening: Opening, notes: Iterable[PieceNote]) -> None:
    """Write a journal anew, whole or not at all.  Raises as ``write_atomically``."""
    first = json.dumps(_opening_to_json(opening), separators=(",", ":")).encode()
    write_atomically(path, first + b"\n" + _line(notes))


class JournalWriter:
    """Appends notes to a journal."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file: BinaryIO = path.open("ab", buffering=0)

    def append(self, notes: Iterable[PieceNote], *, durable: bool = True) -> None:
        """Add a note; ``durable`` waits for the disk.  Raises OSError."""
        line = _line(notes)
        if line:
            self._file.write(line)
            if durable:
                sync(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def published_to_json(published: PublishedModel) -> dict[str, Any]:
    """Plain values."""
    return {
        "id": published.id,
        "repository": published.repository,
        "commit": published.commit,
        "file_name": published.file_name,
        "kind": published.kind,
        "files": [[file.name, file.bytes, file.sha256] for file in published.files],
        "quantisation": published.quantisation,
        "checksums_from": published.checksums_from,
    }


def published_from_json(stored: dict[str, Any]) -> PublishedModel:
    """The inverse of ``published_to_json``.  Raises ValueError, KeyError or TypeError for anything else."""
    kind = stored["kind"]
    if kind not in ("file", "shards", "parts"):
        raise ValueError(kind)
    return PublishedModel(
        id=str(stored["id"]),
        repository=str(stored["repository"]),
        commit=str(stored["commit"]),
        file_name=str(stored["file_name"]),
        kind=kind,
        files=tuple(HubFile(str(name), int(n_bytes), sha256) for name, n_bytes, sha256 in stored["files"]),
        quantisation=stored["quantisation"],
        checksums_from=str(stored["checksums_from"]),
    )


def _line(notes: Iterable[PieceNote]) -> bytes:
    values = [[note.number, note.bytes, note.crc32] for note in notes]
    return json.dumps(values, separators=(",", ":")).encode() + b"\n" if values else b""


def _opening_to_json(opening: Opening) -> dict[str, Any]:
    layout = opening.layout
    return {
        "format": FORMAT,
        "published": published_to_json(opening.published),
        "file_name": opening.file_name,
        "layout": layout.source_bytes if layout.is_identity else layout.to_json(),
        "piece_bytes": opening.piece_bytes,
        "reopened_from": opening.reopened_from,
    }


def _opening_from_json(stored: dict[str, Any]) -> Opening:
    if stored["format"] != FORMAT:
        raise ValueError(stored["format"])
    layout = stored["layout"]
    opening = Opening(
        published=published_from_json(stored["published"]),
        file_name=str(stored["file_name"]),
        layout=Layout.identity(layout) if isinstance(layout, int) else Layout.from_json(layout),
        piece_bytes=int(stored["piece_bytes"]),
        reopened_from=stored["reopened_from"],
    )
    if opening.piece_bytes <= 0 or sum(part.bytes for part in opening.parts) != opening.layout.source_bytes:
        raise ValueError("sizes")
    return opening
