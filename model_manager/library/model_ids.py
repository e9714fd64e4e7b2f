"""Ids of models: which are valid, and how each file gets a unique one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from pathlib import Path

from model_manager.hub.catalogue import CATALOGUE

# A colon marks ids of other kinds (apus:Q2_K, OWNER/REPO:FILE, magnet:), a slash a path.
_NOT_IN_IDS = re.compile(r"[:/\\\x00-\x1f\x7f\ud800-\udfff]")
_PUBLISHED = re.compile(r"(apus|magnet|[A-Za-z0-9][\w.-]*/[\w.-]+):[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}", re.ASCII)


def is_published_id(text: str) -> bool:
    """Return whether this is the id of a download: ``apus:Q2_K``, ``OWNER/REPO:FILE`` or a magnet link."""
    return _PUBLISHED.fullmatch(text) is not None


def unique_id(stem: str, taken: Iterable[str]) -> str:
    """Return an id made from a file's stem that isn't taken, ignoring case."""
    base = _NOT_IN_IDS.sub("-", stem).strip() or "model"
    others = {each.casefold() for each in (*taken, *(entry.id for entry in CATALOGUE))}
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(each for each in candidates if each.casefold() not in others)


def assign_ids(
    files: Iterable[tuple[str, str, str | None]], before: Mapping[str, str], taken: Mapping[str, str]
) -> dict[str, str]:
    """Return paths by id for unregistered files, given as path, stem and id under which the file was published.

    A file keeps the id that it had ``before`` (paths by id).  A published id goes to the file that had it, else to the
    first that claims it; all other files are named after their stems.
    """
    files = list(files)
    had = {path: model_id for model_id, path in before.items()}
    ids: dict[str, str] = {}
    """By path."""

    used = set(taken)

    def give(path: str, model_id: str) -> None:
        ids[path] = model_id
        used.add(model_id)

    # Files that keep their published id come first.
    for path, _, published in sorted(files, key=lambda each: had.get(each[0]) != each[2]):
        if published is not None and is_published_id(published) and published not in used:
            give(path, published)
    for path, _, _ in files:
        model_id = had.get(path)
        is_own_id = model_id is not None and not is_published_id(model_id) and model_id not in used
        if path not in ids and model_id is not None and is_own_id:
            give(path, model_id)
    for path, stem, _ in files:
        if path not in ids:
            give(path, unique_id(stem, used))
    return {ids[path]: path for path, _, _ in files}


def id_of(path: Path, known: Mapping[str, str]) -> str | None:
    """Return the id of this file, also where it is known by another name (a link, another spelling)."""
    for model_id, known_path in known.items():
        if os.path.normcase(known_path) == os.path.normcase(path):
            return model_id
    for model_id, known_path in known.items():
        try:
            if path.samefile(known_path):
                return model_id
        except (OSError, ValueError):
            continue
    return None


def looks_like_a_path(text: str) -> bool:
    """Return whether a text typed by the user is a path."""
    return text.startswith("~") or "/" in text or os.sep in text or text.casefold().endswith(".gguf")
