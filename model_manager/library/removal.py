"""Deleting models from the disk: first what would go and how much room that gives, then, once confirmed, the deed.

Nothing is deleted that was not named before.  Files that another program looks after are its own to delete: their
folder can only be taken off the list (``ModelLibrary.remove_folder``).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.shards import named_shards
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin import origin_path
from model_manager.library.library import LocalModel, ModelLibrary
from model_manager.library.quarantine import Quarantined


@dataclass(frozen=True)
class Removal:
    """What would be deleted: files, all of them there, in the order in which they go, and the bytes that this frees.

    ``model_id`` is the entry of the library that goes with them, None for a file in quarantine.  ``elsewhere``: the
    files lie where the person keeps them, outside the models folder, so that to forget them is the other choice.
    """

    model_id: str | None
    paths: tuple[Path, ...]
    bytes: int
    elsewhere: bool

    @property
    def path(self) -> Path | None:
        """The file that stands for the model, to name it by; None where nothing is left."""
        files = [path for path in self.paths if path.suffix != ".json"]
        return files[-1] if files else None


def removal_of(model: LocalModel) -> Removal:
    """What deleting a model means: all its shards, and what was kept beside them.

    Raises ``UserError``: starter_stays(), file_of_another_program(path, folder) for a model that is listed because its
    folder is watched.
    """
    if model.id == STARTER.id:
        raise UserError("starter_stays")
    if model.folder is not None and not model.in_models_folder:
        raise UserError("file_of_another_program", path=model.path, folder=model.folder)
    return _removal(model.id, named_shards(model.path), elsewhere=not model.in_models_folder)


def removal_of_quarantined(file: Quarantined) -> Removal:
    """What deleting a file in quarantine means."""
    # The second is the journal that ``download`` keeps of what it put into quarantine.
    return _removal(None, (file.path, file.path.with_name(f"{file.path.name}.json")), elsewhere=False)


def delete(removal: Removal, library: ModelLibrary) -> None:
    """Delete the files and forget the model.  A file that is gone already is no error.

    The file that stands for the model goes last: where one cannot be deleted, the rest can still be found and deleted
    later.  Raises ``UserError``: file_not_deleted(path, detail), for example while Windows has it open, and as
    ``ModelLibrary.remove`` does.
    """
    for path in removal.paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError("file_not_deleted", path=path, detail=error.strerror or type(error).__name__) from error
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
    """Nothing for a link, or for one of several names of a file: the bytes stay."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0
