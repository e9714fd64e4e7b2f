"""Deleting models from the disk: first what would be deleted, for confirmation, then the deletion.

Files of other programs aren't deleted: their folder can only be removed from the list (``ModelLibrary.remove_folder``).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.files import error_detail
from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin import origin_path
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.quarantine import Quarantined


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
    """Return what deleting a model deletes: all its shards and their origins.

    Raises ``UserError``: starter_stays(), file_of_another_program(path, folder) for a model in a watched folder.
    """
    if model.id == STARTER.id:
        raise UserError("starter_stays")
    if model.folder is not None and not model.in_models_folder:
        raise UserError("file_of_another_program", path=model.path, folder=model.folder)
    return _removal(model.id, named_shards(model.path), elsewhere=not model.in_models_folder)


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
