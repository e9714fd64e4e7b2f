"""Names of the files that a download creates, and which names of a hub are allowed.

A name from a hub becomes a path on one of three systems: names that are reserved on any of them are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from model_manager.errors import UserError
from model_manager.layout.origin import origin_path
from model_manager.published import PublishedModel, Target

MAX_NAME_BYTES = 200
"""File systems allow 255; a suffix such as ``.origin.json`` and a random part are added while writing."""

JOURNAL_SUFFIX = ".part.json"

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class FilesOf:
    """Paths of one file of a model: complete, partial, quarantined."""

    folder: Path
    name: str

    @property
    def whole(self) -> Path:
        """The verified file."""
        return self.folder / self.name

    @property
    def part(self) -> Path:
        """Incomplete or unverified data, each byte at its final offset."""
        return self.folder / f"{self.name}.part"

    @property
    def journal(self) -> Path:
        """Journal of ``part``."""
        return self.folder / f"{self.name}{JOURNAL_SUFFIX}"

    @property
    def lock(self) -> Path:
        """Lock of the process that downloads."""
        return self.folder / f"{self.name}.part.lock"

    @property
    def bad(self) -> Path:
        """Data with another hash than the published one."""
        return self.folder / f"{self.name}.bad"

    @property
    def bad_journal(self) -> Path:
        """Journal of ``bad``, for downloading its damaged pieces again."""
        return self.folder / f"{self.name}.bad.json"

    @property
    def origin(self) -> Path:
        """Origin of ``whole``."""
        return origin_path(self.whole)


def files_of(folder: Path, name: str) -> FilesOf:
    """Return the paths of a file of a model.  Raises ``UserError``: name_not_allowed(name)."""
    check_name(name)
    return FilesOf(folder, name)


def targets_of(published: PublishedModel) -> tuple[Target, ...]:
    """Return the files that a download creates.  Raises ``UserError``: name_not_allowed(name), also for duplicates."""
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
    """Refuse a name that isn't a plain file name ending in ``.gguf`` on every system.

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
