"""Inspection of files and folders that were dropped on the window or named on the command line.

They may contain models, shards, split parts and folders in any mixture.  Nothing is changed or registered: the result
is a list of candidates, whose ``action`` the caller carries out (``ModelLibrary.register``, ``join_parts``,
``stack_experts``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_manager.disk.files import file_identity, file_size, is_file, is_folder
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import named_shards, read_model
from model_manager.gguf.split_part_names import grouped_parts, part_of
from model_manager.layout.join import check_parts, sibling_parts
from model_manager.library.folder_scan import (
    FoundFile,
    display_stem,
    is_unfinished,
    model_files,
    refuse_by_name,
    walk,
)

Action = Literal["register", "join", "repair"]

MAX_CANDIDATES = 2000

_CONTINUE: dict[str, Action] = {"repair_stopped": "repair", "join_stopped": "join"}


@dataclass(frozen=True)
class ImportCandidate:
    """One model, or one file that isn't a model.

    ``paths``: its files, the first one to load first, split parts in the order of their bytes; ``bytes`` is their sum.
    ``name`` is the name to register it by.  ``problem`` describes what is wrong, also where an ``action`` corrects it;
    ``action`` is None where nothing can be done with the files.  ``foreign``: the path is a link to a file of another
    program, which must not be changed in place.
    """

    paths: tuple[Path, ...]
    bytes: int
    name: str
    problem: UserError | None = None
    action: Action | None = None
    quantisation: str | None = None
    foreign: bool = False


def inspect_paths(paths: Iterable[Path]) -> tuple[ImportCandidate, ...]:
    """Return the models in these files and folders, each once, in their order.

    Every file is a candidate; in folders those related to models (see ``folder_scan`` for its limits).  A folder
    without any is one candidate with the problem no_models_in_folder(path).  Reads headers; raises nothing.
    """
    found: list[ImportCandidate] = []
    seen: set[object] = set()

    def add(path: Path, name: str | None = None) -> None:
        if len(found) < MAX_CANDIDATES and file_identity(path) not in seen:
            candidate = _inspect(path, name)
            seen.update(map(file_identity, (path, *candidate.paths)))
            found.append(candidate)

    for each in paths:
        path = Path(os.path.abspath(each))  # noqa: PTH100 (links are not resolved: a cache names files by them)
        if not is_folder(path):
            add(path)
            continue
        before = len(found)
        files = _files_in(path)
        for file in files:
            add(file.path, file.stem)
        if not files and len(found) == before:
            problem = UserError("no_models_in_folder", path=path)
            found.append(ImportCandidate((path,), 0, path.name, problem))
    return tuple(found)


def _files_in(folder: Path) -> tuple[FoundFile, ...]:
    """Return the models, split parts and unfinished downloads in a folder."""
    models = {each.path: each for each in model_files(folder) or ()}
    shards = {shard for path in models for shard in named_shards(path)}
    others = (
        FoundFile(path, display_stem(path))
        for path in walk(folder)
        if path not in shards and ".gguf" in path.name.casefold() and (part_of(path.name) or is_unfinished(path))
    )
    return (*models.values(), *others)


def _inspect(path: Path, name: str | None) -> ImportCandidate:
    foreign = os.path.islink(path)  # noqa: PTH114 (Path raises for a name that is too long)
    if part := part_of(path.name):
        return _inspect_parts(path, part.base, foreign=foreign)
    files = tuple(each for each in named_shards(path) if is_file(each)) or (path,)
    n_bytes = sum(map(file_size, files))
    quantisation: str | None = None

    def candidate(problem: UserError | None, action: Action | None = None) -> ImportCandidate:
        return ImportCandidate(files, n_bytes, name or display_stem(path), problem, action, quantisation, foreign)

    try:
        refuse_by_name(path)
        headers = read_model(files[0])
        quantisation = headers[0].quantisation
        check_loadable(*headers)
    except UserError as error:
        if error.code != "experts_in_separate_tensors":
            return candidate(error, _CONTINUE.get(error.code))
        if len(headers) > 1:
            return candidate(UserError("experts_in_shards", path=path, count=len(headers)))
        return candidate(error, "repair")
    return candidate(None, "register")


def _inspect_parts(path: Path, base: str, *, foreign: bool) -> ImportCandidate:
    """Inspect the split parts in the folder of ``path`` that belong to the file ``base``."""
    name = display_stem(path.with_name(base))
    try:
        paths = sibling_parts(path)
        header = check_parts(paths)
    except UserError as error:
        paths = _parts_in_folder(path, base)
        return ImportCandidate(paths, sum(map(file_size, paths)), name, error, foreign=foreign)
    return ImportCandidate(paths, sum(map(file_size, paths)), name, None, "join", header.quantisation, foreign)


def _parts_in_folder(path: Path, base: str) -> tuple[Path, ...]:
    try:
        names = grouped_parts(each.name for each in path.parent.iterdir()).get(base, ())
    except OSError:
        names = ()
    return tuple(path.with_name(each) for each in sorted(names)) or (path,)
