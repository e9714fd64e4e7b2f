"""What a hub publishes, as values: repositories, their files, and the models that those files make up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

PublishedKind = Literal["file", "shards", "parts"]


@dataclass(frozen=True)
class HubFile:
    """One file of a repository.  ``name`` is its path in there; ``sha256`` is None where the hub tells none."""

    name: str
    bytes: int
    sha256: str | None = None


@dataclass(frozen=True)
class Repository:
    """A repository at one commit.  ``licence`` as its card writes it; ``gated`` needs a token that was let in."""

    id: str
    commit: str
    licence: str | None = None
    gated: bool = False
    files: tuple[HubFile, ...] = ()
    downloads: int | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class PublishedModel:
    """One quantisation of a repository, however many files it is cut into.

    ``id`` is ``OWNER/REPO:FILE`` or a catalogue's (``apus:Q2_K``), FILE being the joined file or the first shard.
    ``kind``: one ``file``; ``shards`` that stay files of their own; raw ``parts`` that make one file when they are put
    end to end.  ``files`` are in that order.  ``quantisation`` is read from the name, for a list: the header decides.
    ``checksums_from`` is the host that told the sizes and hashes.
    """

    id: str
    repository: str
    commit: str
    file_name: str
    kind: PublishedKind
    files: tuple[HubFile, ...]
    quantisation: str | None = None
    checksums_from: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    def targets(self) -> tuple[Target, ...]:
        """The files that a download makes of it."""
        if self.kind == "shards":
            return tuple(Target(PurePosixPath(file.name).name, (file,)) for file in self.files)
        return (Target(self.file_name, self.files),)


@dataclass(frozen=True)
class Target:
    """A file on disk and what it is made of: the files of the repository that lie end to end in it."""

    file_name: str
    parts: tuple[HubFile, ...]

    @property
    def bytes(self) -> int:
        """Bytes to fetch; the file on disk is as large, unless its experts are stacked."""
        return sum(part.bytes for part in self.parts)
