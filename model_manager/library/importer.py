"""What was dropped on the window or named on the command line: which models are in it, and what each of them needs.

Files, shards, raw parts and folders, in any mixture.  Nothing is copied, changed or registered here: the outcome is a
list of candidates, and doing what their ``action`` says is the caller's business (``ModelLibrary.register``,
``raw_parts.join_parts``, ``repair``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_manager.disk.files import is_file, open_regular, read_error
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable, read_header
from model_manager.gguf.shards import named_shards, read_model
from model_manager.gguf.split_part_names import grouped_parts, part_of
from model_manager.layout.join import parts_beside
from model_manager.library.folder_scan import (
    FoundFile,
    identity,
    is_unfinished,
    model_files,
    refuse_by_name,
    telling_stem,
    walk,
)

CandidateKind = Literal[
    "model",
    "legacy",
    "parts",
    "parts_incomplete",
    "shards_incomplete",
    "unfinished",
    "damaged",
    "unsupported",
    "not_a_chat_model",
    "not_a_model",
]
Action = Literal["register", "join", "repair"]

MAX_CANDIDATES = 2000

_MAGIC = b"GGUF"
_TO_GO_ON_WITH: dict[str, Action] = {"repair_stopped": "repair", "join_stopped": "join"}
_KINDS: dict[str, CandidateKind] = {
    "unfinished_download": "unfinished",
    "gguf_incomplete": "unfinished",
    "shard_missing": "shards_incomplete",
    "shard_misnamed": "shards_incomplete",
    "repair_stopped": "legacy",
    "join_stopped": "parts",
    "gguf_damaged": "damaged",
    "gguf_version_unsupported": "unsupported",
    "tensor_type_unsupported": "unsupported",
}


@dataclass(frozen=True)
class ImportCandidate:
    """One model, or one thing that turned out to be none.

    ``paths``: its files, the one that stands for it first, raw parts in the order of their bytes.  ``bytes`` counts all
    of them.  ``name`` is what to call it (``ModelLibrary.register`` takes it).  ``problem`` says what is wrong, also
    where an ``action`` mends it; ``action`` is None where nothing can be done with the files as they are.
    ``foreign``: the files are looked after by another program and must not be changed in place.
    """

    kind: CandidateKind
    paths: tuple[Path, ...]
    bytes: int
    name: str
    problem: UserError | None = None
    action: Action | None = None
    quantisation: str | None = None
    foreign: bool = False


def look_at(paths: Iterable[Path], *, foreign: bool = False) -> tuple[ImportCandidate, ...]:
    """What is in these files and folders, each model once, in their order.

    Of files every one is told about; of folders what has to do with models (hidden files, and everything beyond
    ``scanning.MAX_DEPTH`` and ``MAX_ENTRIES``, is left out).  A folder without any is one candidate, with the problem
    no_models_in_folder(path).  Reads headers: not for the window's thread.  Raises nothing.
    """
    found: list[ImportCandidate] = []
    seen: set[object] = set()

    def add(path: Path, name: str | None = None) -> None:
        if len(found) < MAX_CANDIDATES and identity(path) not in seen:
            candidate = _candidate(path, name, foreign=foreign)
            seen.update(map(identity, (path, *candidate.paths)))
            found.append(candidate)

    for each in paths:
        path = Path(os.path.abspath(each))  # noqa: PTH100 (links stay links: a cache names files by them)
        if not os.path.isdir(path):  # noqa: PTH112
            add(path)
            continue
        before = len(found)
        inside = _inside(path)
        for file in inside:
            add(file.path, file.stem)
        if not inside and len(found) == before:
            problem = UserError("no_models_in_folder", path=path)
            found.append(ImportCandidate("not_a_model", (path,), 0, path.name, problem))
    return tuple(found)


def _inside(folder: Path) -> tuple[FoundFile, ...]:
    """The files of a folder that have to do with models: whole ones, raw parts, and downloads under way."""
    models = {each.path: each for each in model_files(folder) or ()}
    shards = {shard for path in models for shard in named_shards(path)}
    others = (
        FoundFile(path, telling_stem(path))
        for path in walk(folder)
        if path not in shards and ".gguf" in path.name.casefold() and (part_of(path.name) or is_unfinished(path))
    )
    return (*models.values(), *others)


def _candidate(path: Path, name: str | None, *, foreign: bool) -> ImportCandidate:
    foreign = foreign or os.path.islink(path)  # noqa: PTH114 (Path raises for a name that is too long)
    if part := part_of(path.name):
        return _parts(path, part.base, foreign=foreign)
    shards = named_shards(path)
    there = tuple(each for each in shards if is_file(each)) or (path,)
    name = name or telling_stem(path)
    n_bytes = sum(map(_size, there))
    try:
        refuse_by_name(path)
        headers = read_model(there[0])
    except UserError as error:
        kind = _KINDS.get(error.code, "not_a_model")
        action = _TO_GO_ON_WITH.get(error.code)
        return ImportCandidate(kind, there, n_bytes, name, error, action, foreign=foreign)
    quantisation = headers[0].quantisation
    try:
        check_loadable(*headers)
    except UserError as error:
        if error.code != "experts_in_separate_tensors":
            return ImportCandidate("not_a_chat_model", there, n_bytes, name, error, None, quantisation, foreign)
        if len(headers) > 1:
            error = UserError("experts_in_shards", path=path, count=len(headers))
            return ImportCandidate("legacy", there, n_bytes, name, error, None, quantisation, foreign)
        return ImportCandidate("legacy", there, n_bytes, name, error, "repair", quantisation, foreign)
    return ImportCandidate("model", there, n_bytes, name, None, "register", quantisation, foreign)


def _parts(path: Path, base: str, *, foreign: bool) -> ImportCandidate:
    """The raw parts that belong together with ``path``, from its folder."""
    name = telling_stem(path.with_name(base))
    try:
        paths = parts_beside(path)
        n_bytes = sum(map(_size, paths))
        header = read_header(paths[0], whole=False)
        for later in paths[1:]:
            if _begins_a_file(later):
                raise UserError("parts_are_shards", path=later)
        expected = header.end_of_data
        # The last tensor's padding may or may not be there.
        if not expected <= n_bytes < expected + header.alignment:
            raise UserError("parts_do_not_fit", name=base, bytes=n_bytes, expected_bytes=expected)
    except UserError as error:
        paths = _siblings(path, base)
        n_bytes = sum(map(_size, paths))
        return ImportCandidate("parts_incomplete", paths, n_bytes, name, error, foreign=foreign)
    return ImportCandidate("parts", paths, n_bytes, name, None, "join", header.quantisation, foreign)


def _siblings(path: Path, base: str) -> tuple[Path, ...]:
    try:
        names = grouped_parts(each.name for each in path.parent.iterdir()).get(base, ())
    except OSError:
        names = ()
    return tuple(path.with_name(each) for each in sorted(names)) or (path,)


def _begins_a_file(path: Path) -> bool:
    file, _ = open_regular(path)
    with file:
        try:
            return file.read(len(_MAGIC)) == _MAGIC
        except OSError as error:
            raise read_error(error, path) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
