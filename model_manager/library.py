"""The models on this machine: the starter, and files that the person registered where they lie.

The library copies nothing and deletes nothing.  It looks at headers, never at whole files: hashes are computed
elsewhere (``hashing``) and remembered here for as long as the file keeps its size and its time of change.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.catalogue import CATALOGUE, STARTER
from model_manager.errors import UserError
from model_manager.gguf_header import check_loadable
from model_manager.registry import Facts, KnownHash, Registry, RegistryFile, Stamp, with_hash
from model_manager.shards import first_shard, model_stem, named_shards, read_model
from model_manager.starter import find_starter as find_starter_file

_SHA256 = re.compile(r"[0-9a-f]{64}")
# A colon marks ids of other kinds (apus:Q2_K, OWNER/REPO:FILE, magnet:), a slash a path.
_NOT_IN_IDS = re.compile(r"[:/\\\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class LocalModel:
    """A model on this machine.

    ``bytes`` counts all files of a split model, 0 where they are gone and were never seen.  ``ready`` is false when the
    engine would refuse it; ``problem`` is then the code of the ``UserError`` that ``read_model`` and ``check_loadable``
    raise.  ``sha256`` is that of ``path`` and None until it was computed; ``verified_at`` (UTC) is when that was.
    """

    id: str
    path: Path
    bytes: int
    ready: bool
    sha256: str | None = None
    verified_at: datetime | None = None
    quantisation: str | None = None
    name: str | None = None
    problem: str | None = None


class ModelLibrary:
    """The library of one folder.  Any number of threads and processes may use the same folder at once."""

    def __init__(self, folder: Path, find_starter: Callable[[], Path | None] = find_starter_file) -> None:
        self._file = RegistryFile(folder)
        self._find_starter = find_starter

    def list(self) -> tuple[LocalModel, ...]:
        """The starter first, where it is present, then what was registered, oldest first.

        Reads headers only of files that changed since the last time.  Raises ``UserError`` as ``RegistryFile.read``.
        """
        registry = self._file.read()
        known = self._known(registry)
        facts = {path: _facts_of(Path(path), registry.facts.get(path)) for path in known.values()}
        if any(facts[path] != registry.facts.get(path) for path in facts):
            self._keep(facts)
        return tuple(_local_model(model_id, path, facts[path], registry) for model_id, path in known.items())

    def resolve(self, text: str) -> LocalModel:
        """The model that a person means: an id, or a path to a file that need not be registered (its path is its id).

        A model that cannot be loaded is found all the same, with ``ready`` false.  Raises ``UserError``:
        model_unknown(id, known), starter_missing(), file_missing(path) for what looks like a path.
        """
        registry = self._file.read()
        known = self._known(registry)
        if text in known:
            return self._look_at(text, known[text], registry)
        if text == STARTER.id:
            raise UserError("starter_missing")
        if not _looks_like_a_path(text):
            raise UserError("model_unknown", id=text, known=list(known))
        path = _absolute(text)
        if not _exists(path):
            raise UserError("file_missing", path=path)
        path = first_shard(path)
        model_id = _id_of(path, known) or str(path)
        return self._look_at(model_id, known.get(model_id, str(path)), registry)

    def register(self, path: Path) -> LocalModel:
        """Register a file where it lies; a file that is already registered keeps its entry.

        The id is the file's stem (without the number of a shard), made unique.  Raises ``UserError`` as ``read_model``
        and ``check_loadable`` do: nothing is registered that the engine would refuse; and as ``RegistryFile.change``.
        """
        model_path = first_shard(_absolute(os.fspath(path)))
        check_loadable(*read_model(model_path))
        facts = _facts_of(model_path, None)
        model_id = ""

        def add(registry: Registry) -> Registry:
            nonlocal model_id
            known = self._known(registry)
            found = _id_of(model_path, known)
            model_id = found or _unique(model_stem(model_path), known)
            models = registry.models if found else {**registry.models, model_id: str(model_path)}
            return replace(registry, models=models, facts={**registry.facts, str(model_path): facts})

        registry = self._file.change(add)
        return self._look_at(model_id, self._known(registry)[model_id], registry)

    def remove(self, model_id: str) -> None:
        """Forget a registered model; its file stays where it is.

        Raises ``UserError``: model_unknown(id, known), starter_stays(); and as ``RegistryFile.change``.
        """
        if model_id == STARTER.id:
            raise UserError("starter_stays")

        def forget(registry: Registry) -> Registry:
            if model_id not in registry.models:
                raise UserError("model_unknown", id=model_id, known=list(self._known(registry)))
            models = {each: path for each, path in registry.models.items() if each != model_id}
            facts = {path: each for path, each in registry.facts.items() if path != registry.models[model_id]}
            return replace(registry, models=models, facts=facts)

        self._file.change(forget)

    def known_hash(self, path: Path) -> KnownHash | None:
        """The hash of a file, if it was computed since the file last changed.  Raises as ``RegistryFile.read``."""
        return _hash_of(_absolute(os.fspath(path)), self._file.read())

    def record_hash(self, model_id: str, sha256: str) -> None:
        """Remember the hash that was just computed from a model's file; ``model_id`` as ``resolve`` takes it.

        Raises ``UserError`` as ``resolve`` and ``RegistryFile.change`` do.
        """
        self.record_file_hash(self.resolve(model_id).path, sha256)

    def record_file_hash(self, path: Path, sha256: str) -> None:
        """The same for any file, such as a later shard.  Raises ``UserError``: file_missing(path) and as ``change``."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"no SHA-256 in lower-case hexadecimal digits: {sha256!r}")
        stamp = Stamp.of(_absolute(os.fspath(path)))
        if stamp.bytes < 0:
            raise UserError("file_missing", path=path)
        known = KnownHash(sha256, datetime.now(UTC))
        self._file.change(lambda registry: with_hash(registry, stamp, known))

    def _known(self, registry: Registry) -> dict[str, str]:
        starter = self._find_starter()
        first = {} if starter is None else {STARTER.id: str(_absolute(os.fspath(starter)))}
        return {**first, **registry.models}

    def _look_at(self, model_id: str, path: str, registry: Registry) -> LocalModel:
        return _local_model(model_id, path, _facts_of(Path(path), registry.facts.get(path)), registry)

    def _keep(self, facts: Mapping[str, Facts]) -> None:
        def renew(registry: Registry) -> Registry:
            wanted = set(self._known(registry).values())
            merged = {**registry.facts, **facts}
            return replace(registry, facts={path: each for path, each in merged.items() if path in wanted})

        try:
            self._file.change(renew)
        except UserError as error:
            # Facts can be found out again: a folder that cannot be written only makes the next look slower.
            if error.code not in ("library_busy", "library_unwritable"):
                raise


def _local_model(model_id: str, path: str, facts: Facts, registry: Registry) -> LocalModel:
    known = _hash_of(Path(path), registry)
    return LocalModel(
        id=model_id,
        path=Path(path),
        bytes=facts.bytes,
        ready=facts.problem is None,
        sha256=known.sha256 if known else None,
        verified_at=known.verified_at if known else None,
        quantisation=facts.quantisation,
        name=STARTER.name if model_id == STARTER.id else facts.name,
        problem=facts.problem,
    )


def _facts_of(path: Path, before: Facts | None) -> Facts:
    """What the headers say, from ``before`` where the files are still the same."""
    stamps = tuple(Stamp.of(each) for each in named_shards(path))
    if before is not None and before.stamps == stamps and before.problem != "file_unreadable":
        return before
    try:
        headers = read_model(path)
    except UserError as error:
        if before is not None and stamps[0].bytes < 0:
            # A disk that is not plugged in: what was known of the file stays true of it.
            return replace(before, stamps=stamps, problem=error.code)
        return Facts(stamps, max(stamps[0].bytes, 0), quantisation=None, name=None, problem=error.code)
    problem = None
    try:
        check_loadable(*headers)
    except UserError as error:
        problem = error.code
    n_bytes = sum(header.file_bytes for header in headers)
    return Facts(stamps, n_bytes, headers[0].quantisation, headers[0].name, problem)


def _hash_of(path: Path, registry: Registry) -> KnownHash | None:
    stored = registry.hashes.get(str(path))
    return stored.hash if stored is not None and stored.stamp == Stamp.of(path) else None


def _id_of(path: Path, known: Mapping[str, str]) -> str | None:
    """The id under which this very file is known, also by another name of it (a link, another spelling)."""
    for model_id, known_path in known.items():
        if os.path.normcase(known_path) == os.path.normcase(path):
            return model_id
    for model_id, known_path in known.items():
        try:
            if path.samefile(known_path):
                return model_id
        except OSError:
            continue
    return None


def _unique(stem: str, taken: Iterable[str]) -> str:
    wanted = _NOT_IN_IDS.sub("-", stem).strip() or "model"
    others = {each.casefold() for each in (*taken, *(entry.id for entry in CATALOGUE))}
    number = 1
    model_id = wanted
    while model_id.casefold() in others:
        number += 1
        model_id = f"{wanted}-{number}"
    return model_id


def _looks_like_a_path(text: str) -> bool:
    return text.startswith("~") or "/" in text or os.sep in text or text.casefold().endswith(".gguf")


def _absolute(text: str) -> Path:
    # Links are not followed: the hub's cache links a file's name to one that is only its hash.
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # or not: to be told that it may not be read is what helps
    except (OSError, ValueError):
        return False
