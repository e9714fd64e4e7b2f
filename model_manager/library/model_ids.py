"""The names that models go by: what may be one, and how a file gets one of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from model_manager.hub.catalogue import CATALOGUE

# A colon marks ids of other kinds (apus:Q2_K, OWNER/REPO:FILE, magnet:), a slash a path.
_NOT_IN_IDS = re.compile(r"[:/\\\x00-\x1f\x7f\ud800-\udfff]")
_PUBLISHED = re.compile(r"(apus|magnet|[A-Za-z0-9][\w.-]*/[\w.-]+):[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}", re.ASCII)


def is_published_id(text: str) -> bool:
    """Whether this is the id of something to download: ``apus:Q2_K``, ``OWNER/REPO:FILE`` or a magnet link."""
    return _PUBLISHED.fullmatch(text) is not None


def unique_id(stem: str, taken: Iterable[str]) -> str:
    """An id made of a file's stem that nobody has yet, in whatever case."""
    wanted = _NOT_IN_IDS.sub("-", stem).strip() or "model"
    others = {each.casefold() for each in (*taken, *(entry.id for entry in CATALOGUE))}
    number = 1
    model_id = wanted
    while model_id.casefold() in others:
        number += 1
        model_id = f"{wanted}-{number}"
    return model_id


def name_found(
    files: Iterable[tuple[str, str, str | None]], before: Mapping[str, str], taken: Mapping[str, str]
) -> dict[str, str]:
    """Ids for files that nobody registered, each file (path, stem, id it was published under) with one of its own.

    A file keeps the id that it had ``before`` (paths by id).  A published id goes to the file that had it, else to the
    first that claims it; the others are named after their stems, as everything is that was not downloaded.
    """
    files = list(files)
    had = {path: model_id for model_id, path in before.items()}
    named: dict[str, str] = {}
    for keepers in (True, False):
        for path, _, published in files:
            if published is None or not is_published_id(published) or published in taken or published in named:
                continue
            if (had.get(path) == published) is keepers:
                named[published] = path
    done = set(named.values())
    for path, _, _ in files:
        model_id = had.get(path)
        if path in done or model_id is None or model_id in taken or model_id in named or is_published_id(model_id):
            continue
        named[model_id] = path
        done.add(path)
    for path, stem, _ in files:
        if path not in done:
            named[unique_id(stem, (*taken, *named))] = path
    by_path = {path: model_id for model_id, path in named.items()}
    return {by_path[path]: path for path, _, _ in files}


def id_of(path: Path, known: Mapping[str, str]) -> str | None:
    """The id under which this very file is known, also by another name of it (a link, another spelling)."""
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
    """Whether a person who types this means a file."""
    return text.startswith("~") or "/" in text or os.sep in text or text.casefold().endswith(".gguf")
