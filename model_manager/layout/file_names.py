"""Names of the files that a download leaves in its folder, and which names a hub may give them at all.

A name comes from a hub and ends up in a path on one of three systems: what is reserved on any of them is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from model_manager.errors import UserError
from model_manager.layout.origin import origin_path
from model_manager.published import PublishedModel, Target

MAX_NAME_BYTES = 200
"""File systems take 255; ours carry up to ``.origin.json`` and a random part while they are written."""

JOURNAL_SUFFIX = ".part.json"

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class FilesOf:
    """The paths that belong to one file of a model: whole, in parts, quarantined."""

    folder: Path
    name: str

    @property
    def whole(self) -> Path:
        """The file once it is verified."""
        return self.folder / self.name

    @property
    def part(self) -> Path:
        """The data while it is incomplete or unverified, each byte at its final offset."""
        return self.folder / f"{self.name}.part"

    @property
    def journal(self) -> Path:
        """What is in ``part``."""
        return self.folder / f"{self.name}{JOURNAL_SUFFIX}"

    @property
    def lock(self) -> Path:
        """Held by the one process that downloads."""
        return self.folder / f"{self.name}.part.lock"

    @property
    def bad(self) -> Path:
        """The data where its hash is not the published one."""
        return self.folder / f"{self.name}.bad"

    @property
    def bad_journal(self) -> Path:
        """What is in ``bad``, so that it can be mended."""
        return self.folder / f"{self.name}.bad.json"

    @property
    def origin(self) -> Path:
        """Where ``whole`` came from."""
        return origin_path(self.whole)


def files_of(folder: Path, name: str) -> FilesOf:
    """The paths for a file of a model.  Raises ``UserError``: name_not_allowed(name)."""
    check_name(name)
    return FilesOf(folder, name)


def targets_of(published: PublishedModel) -> tuple[Target, ...]:
    """The files that a download makes.  Raises ``UserError``: name_not_allowed(name), also where two are the same."""
    targets = published.targets()
    seen: set[str] = set()
    for target in targets:
        check_name(target.file_name)
        if target.file_name.casefold() in seen or not target.parts:
            raise UserError("name_not_allowed", name=target.file_name)
        seen.add(target.file_name.casefold())
        for part in target.parts:
            if any(each in ("", ".", "..") for each in part.name.split("/")):
                raise UserError("name_not_allowed", name=part.name)
    return targets


def check_name(name: str) -> None:
    """Refuse a name that is no plain file name ending in ``.gguf`` on every system.

    Raises ``UserError``: name_not_allowed(name).
    """
    if (
        _FORBIDDEN.search(name)
        or _RESERVED.match(name)
        or name != name.strip(" ")
        or name.startswith(".")
        or not name.lower().endswith(".gguf")
        or len(name.encode()) > MAX_NAME_BYTES
    ):
        raise UserError("name_not_allowed", name=name)
