"""Model files in a folder, found by their names alone: no file is opened.

Limited in depth and number, so that a large folder (a whole disk) takes a moment only; hidden folders are skipped, and
loops of links end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from model_manager.disk.files import file_identity, is_folder
from model_manager.errors import UserError
from model_manager.gguf.shards import model_stem, named_shards
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
        if path.name.casefold().endswith(".gguf") and not is_unfinished(path):
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
