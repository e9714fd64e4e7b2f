"""Finds the model files in a folder, whoever put them there.  Looks at names alone: no file is opened.

Bounded in depth and number, so that a folder given by mistake (a whole disk) costs a moment and no more; hidden folders
are left out, and links that lead in a circle end.  What the files found are worth is for ``shards`` and
``gguf_header`` to say.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.shards import model_stem, named_shards
from model_manager.library.ollama import is_ollama_folder, ollama_models

MAX_DEPTH = 8
MAX_ENTRIES = 20_000
"""Files and folders looked at; the largest caches known hold some thousand."""

QUARANTINED = ".bad"
HALF_DONE = {".repairing": "repair_stopped", ".joining": "join_stopped"}
"""Endings of files that ``repair`` and ``raw_parts`` have not finished, with what to say about them."""
_UNFINISHED = re.compile(
    # Of this program, of browsers and of other chat programs, in that order.
    r".*\.(part|repairing|moving|joining|crdownload|partial|download|downloadinprogress|downloading|incomplete|tmp|aria2)"
    r"|incomplete-.*\.gguf",
    re.IGNORECASE,
)
_NAMES_THAT_TELL_NOTHING = frozenset({"model", "ggml-model", "gguf-model", "weights"})
_HUB_FOLDER = re.compile(r"models--(?P<owner>.+?)--(?P<name>.+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class FoundFile:
    """A file that stands for a model: of a split one the first that is there.  ``stem`` is what to call it by."""

    path: Path
    stem: str


def walk(root: Path, max_depth: int = MAX_DEPTH, max_entries: int = MAX_ENTRIES) -> Iterator[Path]:
    """The files in a folder and in those below it, in the order of their names; links are followed, loops are not.

    Folders that may not be read count as empty.
    """
    seen: set[tuple[int, int]] = set()
    left = max_entries
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                content = sorted(_first(entries, left), key=lambda entry: entry.name)
        except (OSError, ValueError):
            continue
        left -= len(content)
        deeper = []
        for entry in content:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    deeper.append((folder / entry.name, depth + 1))
                elif entry.is_file():
                    yield folder / entry.name
            except OSError:
                continue
        if depth < max_depth:
            waiting.extend(reversed(deeper))


def model_files(folder: Path) -> tuple[FoundFile, ...] | None:
    """The models in a folder; None where the folder is not there, as with a drive that is not plugged in."""
    if not os.path.isdir(folder):  # noqa: PTH112 (Path.is_dir raises for a folder above that is closed to us)
        return None
    if is_ollama_folder(folder):
        return tuple(FoundFile(path, name) for name, path in ollama_models(folder).items())
    found: list[FoundFile] = []
    shards: set[Path] = set()
    for path in walk(folder):
        if not path.name.casefold().endswith(".gguf") or is_unfinished(path):
            continue
        first = named_shards(path)[0]
        if first in shards:
            continue
        shards.add(first)
        found.append(FoundFile(path, telling_stem(path)))
    return tuple(found)


def telling_stem(path: Path) -> str:
    """The file's stem, or the name of a folder above where the stem says nothing (``model.gguf``)."""
    stem = model_stem(path)
    if stem.casefold() not in _NAMES_THAT_TELL_NOTHING:
        return stem
    for folder in path.parents:
        if hub := _HUB_FOLDER.fullmatch(folder.name):
            return hub["name"]
        if folder.name and folder.name != "snapshots" and not _COMMIT.fullmatch(folder.name):
            return folder.name
    return stem


def is_unfinished(path: Path) -> bool:
    """Whether the name is one that downloads carry before they are done."""
    return _UNFINISHED.fullmatch(path.name) is not None


def refuse_by_name(path: Path) -> None:
    """Refuse what is not to be loaded whatever its bytes are: they may be zeros behind a good header.

    Raises ``UserError``: unfinished_download(path), file_quarantined(path), and for what can be gone on with
    repair_stopped(path, working), join_stopped(path, working).
    """
    for suffix, code in HALF_DONE.items():
        if path.name.casefold().endswith(f".gguf{suffix}"):
            raise UserError(code, path=path.with_name(path.name[: -len(suffix)]), working=path.name)
    if is_unfinished(path):
        raise UserError("unfinished_download", path=path)
    if path.name.casefold().endswith(QUARANTINED):
        raise UserError("file_quarantined", path=path)


def identity(path: Path) -> object:
    """The same for two names of one file: a link and what it leads to, or another spelling."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return os.path.normcase(path)
    return status.st_dev, status.st_ino


def _first(entries: Iterator[os.DirEntry[str]], count: int) -> list[os.DirEntry[str]]:
    content: list[os.DirEntry[str]] = []
    for entry in entries:
        if len(content) >= count:
            break
        content.append(entry)
    return content
