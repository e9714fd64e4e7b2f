"""Files that turned out not to be what was published are set aside under another name: never loaded, never deleted.

``NAME.gguf`` becomes ``NAME.gguf.bad`` and its origin goes with it.  A download whose hash is wrong at its end is put
there by ``download`` itself, which keeps a journal beside it.  To mend the former (``download.reopen_for_mending``) it
is released first; the latter is mended as it is.
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
    """A file in quarantine; ``name`` is the one it had, ``bytes`` its size, ``published`` where it came from."""

    path: Path
    name: str
    bytes: int
    published: OriginSummary | None


def quarantine(path: Path, library: ModelLibrary | None = None) -> Path:
    """Set a file aside, with its origin, and take it off the library; returns its new path.

    An older one of that name in quarantine stays.  Raises ``UserError``: file_missing(path), file_is_a_link(path) for a
    name in another program's cache, file_not_writable(path, detail), and as ``ModelLibrary.remove`` does.
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
    """The files in quarantine in a folder and those below it."""
    found = []
    for path in walk(folder):
        match = _BAD_NAME.fullmatch(path.name)
        if match is None:
            continue
        with suppress(OSError):
            found.append(Quarantined(path, match["name"], path.stat().st_size, read_origin_summary(path)))
    return tuple(found)


def release_from_quarantine(path: Path) -> Path:
    """Give a file back its name, whatever is wrong with it; returns its path.

    Raises ``UserError``: file_missing(path), not_in_quarantine(path), file_exists(path) where another file has that
    name now, file_not_writable(path, detail).
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
        # The journal of a download that ended wrong speaks of a name that is gone now.
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
    return target


def _rename_with_origin(path: Path, target: Path) -> None:
    with disk_errors(path):
        # The origin is there under both names while the file has either: a crash leaves it beside the file.
        with suppress(FileNotFoundError):
            write_atomically(origin_path(target), origin_path(path).read_bytes())
        move_over(path, target)
        origin_path(path).unlink(missing_ok=True)
