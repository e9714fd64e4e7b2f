"""Journal of a partial file: what was published, how it is laid out, and which bytes are present.

One JSON value per line.  The first line is the header, which doesn't change; each later line lists pieces that were
completed or extended.  A line is appended after its data was synced, so that a crash or power cut costs the last
moments at most; an incomplete line is ignored.  Appending about a hundred bytes per second causes no wear, whereas the
layout of a stacked file alone has a megabyte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from model_manager.disk.files import write_atomically
from model_manager.disk.json_file import from_json, to_json
from model_manager.layout.layout import Layout
from model_manager.published import HubFile, PublishedKind, PublishedModel

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class JournalHeader:
    """Constant part of a journal.

    ``file_name`` is that of one of ``published.targets()``.  ``reopened_from`` is the name of the finished or
    quarantined file that becomes the partial file; the journal is written before that file is renamed.
    """

    published: PublishedModel
    file_name: str
    layout: Layout
    piece_bytes: int
    reopened_from: str | None = None

    @property
    def parts(self) -> tuple[HubFile, ...]:
        """Published files whose concatenation the file is."""
        for target in self.published.targets():
            if target.file_name == self.file_name:
                return target.parts
        return ()


@dataclass(frozen=True)
class PieceRecord:
    """State of one piece: the number of ``bytes`` present and their CRC-32, None where it is unknown."""

    number: int
    bytes: int
    crc32: int | None


@dataclass
class Journal:
    """Contents of a journal: header, and the last record of each piece by its number."""

    header: JournalHeader
    pieces: dict[int, PieceRecord] = field(default_factory=dict)

    @property
    def bytes_done(self) -> int:
        """Bytes of the published file that are present."""
        return sum(record.bytes for record in self.pieces.values())


def read_journal(path: Path) -> Journal | None:
    """Return the journal at ``path``; None where it is missing or its header is damaged."""
    try:
        # Without what follows the last line feed, which is incomplete.
        first, *lines = path.read_bytes().split(b"\n")[:-1]
        journal = Journal(_header(from_json(first, _StoredHeader)))
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None
    try:
        for line in lines:
            for record in from_json(line, list[tuple[int, int, int | None]]):
                journal.pieces[record[0]] = PieceRecord(*record)
    except ValueError:
        # After a power cut the end may consist of zeros; the lines before it are valid.
        pass
    return journal


def write_journal(path: Path, header: JournalHeader, records: Iterable[PieceRecord]) -> None:
    """Replace a journal in one step.  Raises ``UserError`` as ``write_atomically``."""
    published, layout = header.published, header.layout
    stored = _StoredHeader(
        format=FORMAT,
        published=_StoredModel(
            id=published.id,
            repository=published.repository,
            commit=published.commit,
            file_name=published.file_name,
            kind=published.kind,
            files=[(file.name, file.bytes, file.sha256) for file in published.files],
            quantisation=published.quantisation,
            checksums_from=published.checksums_from,
        ),
        file_name=header.file_name,
        layout=layout.source_bytes if layout.is_identity else layout.to_json(),
        piece_bytes=header.piece_bytes,
        reopened_from=header.reopened_from,
    )
    write_atomically(path, to_json(stored) + b"\n" + record_line(records))


def record_line(records: Iterable[PieceRecord]) -> bytes:
    """Return a line of a journal; empty where there are no records."""
    values = [(record.number, record.bytes, record.crc32) for record in records]
    return to_json(values) + b"\n" if values else b""


# Stored form


@dataclass(frozen=True)
class _StoredModel:
    id: str
    repository: str
    commit: str
    file_name: str
    kind: PublishedKind
    files: list[tuple[str, int, str | None]]
    quantisation: str | None
    checksums_from: str


@dataclass(frozen=True)
class _StoredHeader:
    format: Literal[1]
    published: _StoredModel
    file_name: str
    layout: int | dict[str, Any]
    """Size of a file that is stored as published, else its layout."""
    piece_bytes: int
    reopened_from: str | None


def _header(stored: _StoredHeader) -> JournalHeader:
    model, layout = stored.published, stored.layout
    header = JournalHeader(
        published=PublishedModel(
            id=model.id,
            repository=model.repository,
            commit=model.commit,
            file_name=model.file_name,
            kind=model.kind,
            files=tuple(HubFile(*file) for file in model.files),
            quantisation=model.quantisation,
            checksums_from=model.checksums_from,
        ),
        file_name=stored.file_name,
        layout=Layout.identity(layout) if isinstance(layout, int) else Layout.from_json(layout),
        piece_bytes=stored.piece_bytes,
        reopened_from=stored.reopened_from,
    )
    if header.piece_bytes <= 0 or sum(part.bytes for part in header.parts) != header.layout.source_bytes:
        raise ValueError("sizes")
    return header
