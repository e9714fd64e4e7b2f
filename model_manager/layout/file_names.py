"""Names of the files of a model while it is downloaded, converted or joined, and which names of a hub are allowed.

A name from a hub becomes a path on one of three systems: names that are reserved on any of them are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from model_manager.errors import UserError
from model_manager.layout.origin import origin_path
from model_manager.published import PublishedModel, TargetFile

MAX_NAME_BYTES = 200
"""File systems allow 255; a suffix such as ``.origin.json`` and a random part are added while writing."""

JOURNAL_SUFFIX = ".part.json"

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


class ModelFilePaths:
    """Paths of one file of a model: complete, partial, quarantined."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.whole = folder / name
        """The verified file."""
        self.origin = origin_path(self.whole)
        self.part = folder / f"{name}.part"
        """Incomplete or unverified data, each byte at its final offset."""
        self.journal = folder / f"{name}{JOURNAL_SUFFIX}"
        self.lock = folder / f"{name}.part.lock"
        """Lock of the process that downloads."""
        self.bad = folder / f"{name}.bad"
        """Data with another hash than the published one."""
        self.bad_journal = folder / f"{name}.bad.json"
        """Journal of ``bad``, for downloading its damaged pieces again."""


def model_file_paths(folder: Path, name: str) -> ModelFilePaths:
    """Return the paths of a file of a model.  Raises ``UserError``: name_not_allowed(name)."""
    check_name(name)
    return ModelFilePaths(folder, name)


def target_files(published: PublishedModel) -> tuple[TargetFile, ...]:
    """Return the files that a download creates.  Raises ``UserError``: name_not_allowed(name), also for duplicates."""
    targets = published.targets()
    seen: set[str] = set()
    for target in targets:
        check_name(target.file_name)
        # Names that differ in case or in the form of an accent are one file on some systems.
        name = unicodedata.normalize("NFKC", target.file_name).casefold()
        if name in seen or not target.parts:
            raise UserError("name_not_allowed", name=target.file_name)
        seen.add(name)
        for part in target.parts:
            if any(each in ("", ".", "..") for each in part.name.split("/")):
                raise UserError("name_not_allowed", name=part.name)
    return targets


def check_name(name: str) -> None:
    """Refuse a name that isn't a plain file name ending in ``.gguf`` on every system.

    Also one with characters that are invisible, change the direction of a text or control a terminal.

    Raises ``UserError``: name_not_allowed(name).
    """
    if (
        not name.isprintable()
        or _FORBIDDEN.search(name)
        or _RESERVED.match(name)
        or name != name.strip(" ")
        or name.startswith(".")
        or not name.lower().endswith(".gguf")
        or len(name.encode()) > MAX_NAME_BYTES
    ):
        raise UserError("name_not_allowed", name=name)


def with_suffix(path: Path, suffix: str) -> Path:
    """Return ``NAME.gguf`` with a suffix after its name."""
    return path.with_name(f"{path.name}{suffix}")


def model_path(path: Path, suffixes: Collection[str]) -> Path:
    """Return the path of the model that a work file belongs to; ``path`` itself for any other file."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if path.name.lower().endswith(f".gguf{suffix}"):
            return path.with_name(path.name[: -len(suffix)])
    return path
