"""Values for what a hub publishes: repositories, their files, and the models made of these files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

_SHARD_NUMBER = re.compile(r"-\d{5}-of-\d{5}$")
PublishedKind = Literal["file", "shards", "parts"]
MAX_FILE_BYTES = 1 << 48
"""Larger sizes in listings and stored files are refused."""


@dataclass(frozen=True)
class HubFile:
    """File of a repository.  ``name`` is the path inside it; ``sha256`` is None where the hub lists none."""

    name: str
    bytes: int
    sha256: str | None = None

    def has_content_of(self, other: HubFile, *, same_commit: bool = True) -> bool:
        """Return whether sizes and hashes are equal; where a hash is unknown, ``same_commit`` decides."""
        if self.bytes != other.bytes:
            return False
        return self.sha256.lower() == other.sha256.lower() if self.sha256 and other.sha256 else same_commit


@dataclass(frozen=True)
class Repository:
    """Repository at one commit, as listed by the host ``listed_by``.

    ``licence`` as in its model card; ``gated`` repositories need an accepted token.
    """

    id: str
    commit: str
    licence: str | None = None
    gated: bool = False
    files: tuple[HubFile, ...] = ()
    downloads: int | None = None
    updated_at: datetime | None = None
    listed_by: str = ""


@dataclass(frozen=True)
class PublishedModel:
    """One quantisation in a repository, in one or more files.

    ``id`` is ``OWNER/REPO:FILE`` (FILE is the joined file or the first shard) or a catalogue id (``apus:Q2_K``).
    ``kind``: one ``file``; ``shards`` that stay separate files; raw ``parts`` that form one file when concatenated.
    ``files`` are in that order.  ``quantisation`` is read from the name and only for display.
    ``checksums_from`` is the host that listed sizes and hashes.
    """

    id: str
    repository: str
    commit: str
    file_name: str
    kind: PublishedKind
    files: tuple[HubFile, ...]
    quantisation: str | None = None
    checksums_from: str = ""
    projector: HubFile | None = None
    """The file with which it reads pictures, downloaded beside it."""

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return self.weight_bytes + sum(file.bytes for file in self._projectors)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the files without the projector."""
        return sum(file.bytes for file in self.files)

    @property
    def _projectors(self) -> tuple[HubFile, ...]:
        return () if self.projector is None else (self.projector,)

    def targets(self) -> tuple[TargetFile, ...]:
        """Return the files that a download creates."""
        projectors = (TargetFile(projector_name(self.file_name), (each,)) for each in self._projectors)
        return (*self.weight_targets(), *projectors)

    def weight_targets(self) -> tuple[TargetFile, ...]:
        """Return the files of the model itself, without its projector."""
        if self.kind == "shards":
            return tuple(TargetFile(PurePosixPath(file.name).name, (file,)) for file in self.files)
        return (TargetFile(self.file_name, self.files),)


def projector_name(file_name: str) -> str:
    """Return the name of the projector of a model's file, or of its first shard, that is certainly this model's."""
    return f"mmproj-{_SHARD_NUMBER.sub('', PurePosixPath(file_name).stem)}.gguf"


@dataclass(frozen=True)
class TargetFile:
    """File on disk, and the published files whose concatenation it is."""

    file_name: str
    parts: tuple[HubFile, ...]

    @property
    def bytes(self) -> int:
        """Bytes to download; the file on disk has the same size unless its experts are stacked."""
        return sum(part.bytes for part in self.parts)
