"""Quarantine: files that aren't what was published are renamed, so that they are never loaded and never deleted.

``NAME.gguf`` becomes ``NAME.gguf.bad``, with its origin.  A download whose hash is wrong at its end is renamed by
``download`` itself, which keeps a journal beside it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import disk_errors, is_file, move_over, write_atomically
from model_manager.errors import UserError
from model_manager.layout.origin import OriginSummary, origin_path, read_origin_summary
from model_manager.library.folder_scan import QUARANTINED, walk
from model_manager.library.library import ModelLibrary

_BAD_NAME = re.compile(r"(?P<name>.+\.gguf)(\.\d{1,6})?\.bad", re.IGNORECASE)


@dataclass(frozen=True)
class Quarantined:
    """A file in quarantine; ``name`` is its former name, ``bytes`` its size, ``published`` its origin."""

    path: Path
    name: str
    bytes: int
    published: OriginSummary | None


def quarantine(path: Path, library: ModelLibrary | None = None) -> Path:
    """Rename a file with its origin and remove it from the library; returns its new path.

    Raises ``UserError``: file_missing(path), file_is_a_link(path) for a name in another program's cache, as
    ``disk_error`` and ``ModelLibrary.remove``.
    """
    if os.path.islink(path):  # noqa: PTH114 (Path raises for a name that is too long)
        raise UserError("file_is_a_link", path=path)
    if not is_file(path):
        raise UserError("file_missing", path=path)
    target = path.with_name(f"{path.name}{QUARANTINED}")
    number = 1
    while os.path.lexists(target) or os.path.lexists(origin_path(target)):
        number += 1
        target = path.with_name(f"{path.name}.{number}{QUARANTINED}")
    registered = [] if library is None else [each for each in library.list() if each.path == path and not each.folder]
    _rename_with_origin(path, target)
    if library is not None:
        for each in registered:
            library.remove(each.id)
    return target


def quarantined(folder: Path) -> tuple[Quarantined, ...]:
    """Return the files in quarantine in a folder and its subfolders."""
    found = []
    for path in walk(folder):
        match = _BAD_NAME.fullmatch(path.name)
        if match is not None:
            with suppress(OSError):
                found.append(Quarantined(path, match["name"], path.stat().st_size, read_origin_summary(path)))
    return tuple(found)


def release_from_quarantine(path: Path) -> Path:
    """Give a file its former name, whatever its content; returns its path.

    Raises ``UserError``: file_missing(path), not_in_quarantine(path), file_exists(path) where another file has the
    name, and as ``disk_error``.
    """
    match = _BAD_NAME.fullmatch(path.name)
    if match is None:
        raise UserError("not_in_quarantine", path=path)
    if not is_file(path):
        raise UserError("file_missing", path=path)
    target = path.with_name(match["name"])
    if os.path.lexists(target):
        raise UserError("file_exists", path=target)
    _rename_with_origin(path, target)
    with suppress(OSError):
        # The journal of the download refers to the quarantined name.
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
    return target


def _rename_with_origin(path: Path, target: Path) -> None:
    with disk_errors(path):
        # The origin exists under both names during the rename, so that a crash leaves it beside the file.
        with suppress(FileNotFoundError):
            write_atomically(origin_path(target), origin_path(path).read_bytes())
        move_over(path, target)
        origin_path(path).unlink(missing_ok=True)
