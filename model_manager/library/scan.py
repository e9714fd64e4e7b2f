"""Model files in folders, found by their names alone, and the inspection of files that were dropped or named.

Scans are limited in depth and number, so that a large folder (a whole disk) takes a moment only; hidden folders are
skipped, and loops of links end.  Nothing is changed or registered: the result of an inspection is a list of candidates,
whose ``action`` the caller carries out (``ModelLibrary.register``, ``join_parts``, ``stack_experts``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from model_manager.disk.files import file_identity, file_size, is_file, is_folder
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.projector import is_projector_name
from model_manager.gguf.shards import model_stem, named_shards, read_model
from model_manager.gguf.split_part_names import grouped_parts, part_of
from model_manager.layout.join import check_parts, sibling_parts
from model_manager.library.other_programs import is_ollama_folder, ollama_models

MAX_DEPTH = 8
MAX_ENTRIES = 20_000
"""Files and folders; the largest known caches contain some thousand."""

QUARANTINED = ".bad"
HALF_DONE = {".repairing": "repair_stopped", ".joining": "join_stopped"}
"""Suffixes of unfinished conversions and joins, and the error code for each."""
_UNFINISHED = re.compile(
    # Of this program, of browsers and of other chat programs, in that order.
    r".*\.(part|repairing|moving|joining|crdownload|partial|download|downloadinprogress|downloading|incomplete|tmp|aria2)"
    r"|incomplete-.*\.gguf",
    re.IGNORECASE,
)
_GENERIC_STEMS = frozenset({"model", "ggml-model", "gguf-model", "weights"})
_HUB_FOLDER = re.compile(r"models--(?P<owner>.+?)--(?P<name>.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
Action = Literal["register", "join", "repair"]

MAX_CANDIDATES = 2000

_CONTINUE: dict[str, Action] = {"repair_stopped": "repair", "join_stopped": "join"}


@dataclass(frozen=True)
class FoundFile:
    """First existing file of a model; ``stem`` is the name to show."""

    path: Path
    stem: str


def walk(root: Path, max_depth: int = MAX_DEPTH, max_entries: int = MAX_ENTRIES) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, sorted by name; links are followed.

    Folders that can't be read count as empty.
    """
    seen: set[object] = set()
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        key = file_identity(folder)
        if key in seen:
            continue
        seen.add(key)
        try:
            with os.scandir(folder) as entries:
                content = sorted(islice(entries, max(0, max_entries)), key=lambda entry: entry.name)
        except (OSError, ValueError):
            continue
        max_entries -= len(content)
        subfolders = []
        for entry in content:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    subfolders.append((folder / entry.name, depth + 1))
                elif entry.is_file():
                    yield folder / entry.name
            except OSError:
                continue
        if depth < max_depth:
            waiting.extend(reversed(subfolders))


def model_files(folder: Path) -> tuple[FoundFile, ...] | None:
    """Return the models in a folder; None where it doesn't exist, as on a drive that isn't connected."""
    if not is_folder(folder):
        return None
    if is_ollama_folder(folder):
        return tuple(FoundFile(path, name) for name, path in ollama_models(folder).items())
    found: dict[Path, FoundFile] = {}
    for path in walk(folder):
        if path.name.casefold().endswith(".gguf") and not is_unfinished(path) and not is_projector_name(path.name):
            found.setdefault(named_shards(path)[0], FoundFile(path, display_stem(path)))
    return tuple(found.values())


def display_stem(path: Path) -> str:
    """Return the file's stem, or the name of a parent folder where the stem is generic (``model.gguf``)."""
    stem = model_stem(path)
    if stem.casefold() not in _GENERIC_STEMS:
        return stem
    for folder in path.parents:
        if hub := _HUB_FOLDER.fullmatch(folder.name):
            return hub["name"]
        if folder.name and folder.name != "snapshots" and not _COMMIT.fullmatch(folder.name):
            return folder.name
    return stem


def is_unfinished(path: Path) -> bool:
    """Return whether the name is that of an unfinished download."""
    return _UNFINISHED.fullmatch(path.name) is not None


def refuse_by_name(path: Path) -> None:
    """Refuse a file that must not be loaded whatever its header says: the data behind it may be missing.

    Raises ``UserError``: unfinished_download(path), file_quarantined(path), and for what can be continued
    repair_stopped(path, working), join_stopped(path, working).
    """
    for suffix, code in HALF_DONE.items():
        if path.name.casefold().endswith(f".gguf{suffix}"):
            raise UserError(code, path=path.with_name(path.name[: -len(suffix)]), working=path.name)
    if is_unfinished(path):
        raise UserError("unfinished_download", path=path)
    if path.name.casefold().endswith(QUARANTINED):
        raise UserError("file_quarantined", path=path)


# Inspection


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

    Every file is a candidate; in folders those related to models (see ``walk`` for the limits).  A folder
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
        files = tuple(_files_in(path))
        for file in files:
            add(file.path, file.stem)
        if not files and len(found) == before:
            problem = UserError("no_models_in_folder", path=path)
            found.append(ImportCandidate((path,), 0, path.name, problem))
    return tuple(found)


def unfinished_work(folder: Path) -> tuple[ImportCandidate, ...]:
    """Return the interrupted conversions and joins in a folder, which can be continued."""
    suffixes = tuple(f".gguf{suffix}" for suffix in HALF_DONE)
    try:
        working = sorted(each for each in folder.iterdir() if each.name.casefold().endswith(suffixes))
    except OSError:
        return ()
    return tuple(each for each in inspect_paths(working) if each.action)


def _files_in(folder: Path) -> Iterator[FoundFile]:
    """Yield the models, shards, split parts and unfinished downloads in a folder."""
    if is_ollama_folder(folder):
        yield from model_files(folder) or ()
        return
    for path in walk(folder):
        name = path.name.casefold()
        if is_projector_name(name):
            continue
        if ".gguf" in name and (name.endswith(".gguf") or part_of(path.name) or is_unfinished(path)):
            yield FoundFile(path, display_stem(path))


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
    problem: UserError | None = None
    quantisation: str | None = None
    try:
        paths = sibling_parts(path)
        quantisation = check_parts(paths).quantisation
    except UserError as error:
        paths, problem = _parts_in_folder(path, base), error
    action: Action | None = None if problem else "join"
    name, n_bytes = display_stem(path.with_name(base)), sum(map(file_size, paths))
    return ImportCandidate(paths, n_bytes, name, problem, action, quantisation, foreign)


def _parts_in_folder(path: Path, base: str) -> tuple[Path, ...]:
    try:
        names = grouped_parts(each.name for each in path.parent.iterdir()).get(base, ())
    except OSError:
        names = ()
    return tuple(path.with_name(each) for each in sorted(names)) or (path,)
