"""Quarantine and deletion of model files.

Files that aren't what was published are renamed with their origins to ``NAME.gguf.bad``, so that they are never loaded.
A download whose hash is wrong at its end is renamed by ``download`` itself, which keeps a journal beside it.

Before a deletion, a ``Removal`` says what would be deleted.  Files of other programs aren't deleted: their folder can
only be removed from the list (``ModelLibrary.remove_folder``).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import disk_errors, error_detail, is_file, read_bytes, replace_durably, write_atomically
from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin import Origin, origin_path, read_origin
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.scan import QUARANTINED, walk
from model_manager.published import projector_name

_BAD_NAME = re.compile(r"(?P<name>.+\.gguf)(\.\d{1,6})?\.bad", re.IGNORECASE)


@dataclass(frozen=True)
class Quarantined:
    """A file in quarantine; ``name`` is its former name, ``bytes`` its size, ``published`` its origin."""

    path: Path
    name: str
    bytes: int
    published: Origin | None


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
                found.append(Quarantined(path, match["name"], path.stat().st_size, read_origin(path)))
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
            write_atomically(origin_path(target), read_bytes(origin_path(path)))
        replace_durably(path, target)
        origin_path(path).unlink(missing_ok=True)


# Deletion


@dataclass(frozen=True)
class Removal:
    """Existing files to delete, in this order, and the bytes that this frees.

    ``model_id`` is the entry of the library, None for a file in quarantine.  ``elsewhere``: the files are outside the
    models folder, so that removing the model from the list is an alternative.
    """

    model_id: str | None
    paths: tuple[Path, ...]
    bytes: int
    elsewhere: bool

    @property
    def path(self) -> Path | None:
        """The model's first file; None where no file is left."""
        files = [path for path in self.paths if path.suffix != ".json"]
        return files[-1] if files else None


def removal_of(model: LocalModel) -> Removal:
    """Return what deleting a model deletes: all its shards, the projector that was downloaded with them, the origins.

    Raises ``UserError``: starter_stays(), file_of_another_program(path, folder) for a model in a watched folder.
    """
    if model.id == STARTER.id:
        raise UserError("starter_stays")
    if model.folder is not None and not model.in_models_folder:
        raise UserError("file_of_another_program", path=model.path, folder=model.folder)
    own = model.path.with_name(projector_name(model.path.name))
    return _removal(model.id, (*named_shards(model.path), own), elsewhere=not model.in_models_folder)


def removal_of_quarantined(file: Quarantined) -> Removal:
    """Return what deleting a file in quarantine deletes: also the journal of its download."""
    return _removal(None, (file.path, file.path.with_name(f"{file.path.name}.json")), elsewhere=False)


def delete(removal: Removal, library: ModelLibrary) -> None:
    """Delete the files and remove the model from the library.  Missing files are ignored.

    The model's first file is deleted last: after an error the rest can still be found and deleted.

    Raises ``UserError``: file_not_deleted(path, detail), for example while Windows has it open, and as
    ``ModelLibrary.remove``.
    """
    for path in removal.paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError("file_not_deleted", path=path, detail=error_detail(error)) from error
    if removal.model_id is not None and removal.elsewhere:
        try:
            library.remove(removal.model_id)
        except UserError as error:
            if error.code != "model_unknown":
                raise


def _removal(model_id: str | None, files: tuple[Path, ...], *, elsewhere: bool) -> Removal:
    paths = [each for path in reversed(files) for each in (path, origin_path(path)) if os.path.lexists(each)]
    return Removal(model_id, tuple(paths), sum(map(_freed_bytes, paths)), elsewhere)


def _freed_bytes(path: Path) -> int:
    """Return 0 for a link, and for one of several names of a file."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0
