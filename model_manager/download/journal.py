"""Journal of a partial file: what was published, how it is laid out, and which bytes are present.

One JSON value per line.  The first line is the header, which doesn't change; each later line lists pieces that were
completed or extended.  Lines are appended several times a second, so that a killed process costs the last moments at
most, and synced after their data less often, for a power cut; an incomplete line is ignored.  Appending about a
thousand bytes per second causes no wear, whereas the layout of a stacked file alone has a megabyte.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from model_manager.disk.files import read_bytes, write_atomically
from model_manager.disk.json_file import from_json, from_plain, to_json, to_plain
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import has_sound_pieces
from model_manager.published import HubFile, PublishedModel

FORMAT: Literal[1] = 1
PieceStates = dict[int, tuple[int, int | None]]
"""Number of bytes present and their CRC-32 (None: unknown) by the number of the piece."""


@dataclass(frozen=True)
class JournalHeader:
    """Constant part of a journal.

    ``file_name`` is that of one of ``published.targets()``.  ``reopened_from`` is the name of the finished or
    quarantined file that becomes the partial file; the journal is written before that file is renamed.
    """

    published: PublishedModel
    file_name: str
    layout: TensorLayout
    piece_bytes: int
    reopened_from: str | None = None

    @property
    def parts(self) -> tuple[HubFile, ...]:
        """Published files whose concatenation the file is."""
        for target in self.published.targets():
            if target.file_name == self.file_name:
                return target.parts
        return ()


@dataclass
class Journal:
    """Contents of a journal: header, and the last state of each piece."""

    header: JournalHeader
    pieces: PieceStates = field(default_factory=dict)

    @property
    def bytes_done(self) -> int:
        """Bytes of the published file that are present."""
        return sum(done for done, _ in self.pieces.values())


def read_journal(path: Path) -> Journal | None:
    """Return the journal at ``path``; None where it is missing or its header is damaged."""
    try:
        # Without what follows the last line feed, which is incomplete.
        first, *lines = read_bytes(path).split(b"\n")[:-1]
        journal = Journal(_header(from_json(first, _StoredHeader)))
    except (OSError, ValueError, KeyError, TypeError, zlib.error):
        return None
    try:
        for line in lines:
            for number, done, crc32 in from_json(line, list[tuple[int, int, int | None]]):
                journal.pieces[number] = (done, crc32)
    except ValueError:
        # After a power cut the end may consist of zeros; the lines before it are valid.
        pass
    return journal


def write_journal(path: Path, header: JournalHeader, pieces: PieceStates) -> None:
    """Replace a journal in one step.  Raises ``UserError`` as ``write_atomically``."""
    published, layout = header.published, header.layout
    files = [(file.name, file.bytes, file.sha256) for file in published.files]
    stored = {
        "format": FORMAT,
        "published": {**asdict(published), "files": files},
        "file_name": header.file_name,
        "layout": layout.source_bytes if layout.is_identity else to_plain(layout),
        "piece_bytes": header.piece_bytes,
        "reopened_from": header.reopened_from,
    }
    write_atomically(path, to_json(stored) + b"\n" + record_line(pieces))


def record_line(pieces: PieceStates) -> bytes:
    """Return a line of a journal; empty without pieces."""
    return to_json([(number, *state) for number, state in pieces.items()]) + b"\n" if pieces else b""


@dataclass(frozen=True)
class _StoredHeader:
    format: Literal[1]
    published: dict[str, Any]
    """``PublishedModel`` with its files as lists."""
    file_name: str
    layout: int | dict[str, Any]
    """Size of a file that is stored as published, else its layout."""
    piece_bytes: int
    reopened_from: str | None


def _header(stored: _StoredHeader) -> JournalHeader:
    files = [HubFile(*file) for file in from_plain(stored.published["files"], list[tuple[str, int, str | None]])]
    header = JournalHeader(
        published=replace(from_plain({**stored.published, "files": []}, PublishedModel), files=tuple(files)),
        file_name=stored.file_name,
        layout=TensorLayout.identity(stored.layout)
        if isinstance(stored.layout, int)
        else from_plain(stored.layout, TensorLayout),
        piece_bytes=stored.piece_bytes,
        reopened_from=stored.reopened_from,
    )
    is_sound = header.layout.is_sound and has_sound_pieces(header.parts, header.piece_bytes)
    if not is_sound or sum(part.bytes for part in header.parts) != header.layout.source_bytes:
        raise ValueError("sizes")
    return header
