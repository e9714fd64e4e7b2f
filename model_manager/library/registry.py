"""``library.json``: the files that a library knows, with cached metadata and hashes.

Reading needs no lock, since the file is replaced as a whole; changes hold one, so that processes don't lose each
other's entries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from model_manager.disk.files import FileLock, is_nameable, make_folder
from model_manager.disk.json_file import JsonError, JsonFile, from_plain
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.projector import projectors_beside, usable_projector
from model_manager.gguf.shards import named_shards, read_model
from model_manager.layout.origin import OriginSummary, origin_path, read_origin

FORMAT = 1
FACTS_VERSION = 5
"""Increased when headers are read differently, so that cached metadata is read again."""
MAX_HASHES = 500

_LOCK_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class NamedPath:
    """A model id and the path of its first file."""

    id: str
    path: str


@dataclass(frozen=True)
class FileHash:
    """SHA-256 of a file with this size and modification time, and when it was computed (UTC)."""

    bytes: int
    mtime_ns: int
    sha256: str
    verified_at: datetime

    @property
    def is_plausible(self) -> bool:
        """Whether the time can be compared, and shown in every time zone."""
        return self.verified_at.tzinfo is not None and 1970 < self.verified_at.year < 2200


@dataclass(frozen=True)
class FileStamp:
    """State of a file: size in bytes (-1 where there is none) and modification time in nanoseconds."""

    path: str
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Return the present state of a file."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return cls(str(path), -1, 0)
        return cls(str(path), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class ModelMetadata:
    """Metadata of a model while its files have these stamps; ``problem`` is the code of a ``UserError``.

    The first stamp belongs to the model's first file, the last ones to its origin, whose summary is ``origin``, and to
    what may be its projectors, of which ``projector`` is the path of the one to use.
    """

    stamps: tuple[FileStamp, ...]
    bytes: int
    quantisation: str | None
    name: str | None
    problem: str | None
    context: int | None = None
    origin: OriginSummary | None = None
    embeds: bool = False
    projector: str | None = None


@dataclass(frozen=True)
class Registry:
    """Content of ``library.json``.

    ``models``: registered models, in the order of registration.  ``folders``: watched folders, whose models are listed
    without registration.  ``found``: the ids given to these models and to those in the models folder, so that each
    keeps its id when others come or go.  ``facts`` and ``hashes`` by path; ``facts`` holds
    ``ModelMetadata``, decoded separately because other versions of this program store other fields.
    """

    models: tuple[NamedPath, ...] = ()
    found: tuple[NamedPath, ...] = ()
    folders: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    hashes: Mapping[str, FileHash] = field(default_factory=dict)
    format: int = FORMAT
    facts_version: int = FACTS_VERSION

    @property
    def model_paths(self) -> dict[str, str]:
        """Paths of registered models by id."""
        return {each.id: each.path for each in self.models}

    @property
    def found_paths(self) -> dict[str, str]:
        """Paths of models in folders by id."""
        return {each.id: each.path for each in self.found}

    def with_hash(self, path: str, known: FileHash) -> Registry:
        """Return the registry with another hash; the oldest hashes above the limit are dropped."""
        hashes = {**self.hashes, path: known}
        newest = sorted(hashes, key=lambda each: hashes[each].verified_at)[-MAX_HASHES:]
        return replace(self, hashes={each: hashes[each] for each in newest})

    def relocated(self, source: Path, target: Path) -> Registry:
        """Return the registry after files moved from one folder to another: those that exist only there now."""

        def follow(path: str) -> str:
            if not Path(path).is_relative_to(source) or os.path.lexists(path):
                return path
            moved = str(target / Path(path).relative_to(source))
            return moved if os.path.lexists(moved) else path

        return replace(
            self,
            models=tuple(replace(each, path=follow(each.path)) for each in self.models),
            found=tuple(replace(each, path=follow(each.path)) for each in self.found),
            hashes={follow(path): each for path, each in self.hashes.items()},
        )


def read_metadata(path: Path, cached: ModelMetadata | None = None) -> ModelMetadata:
    """Return the metadata of a model, from ``cached`` where its files are unchanged."""
    stamps = tuple(map(FileStamp.of, (*named_shards(path), origin_path(path), *projectors_beside(path))))
    if cached is not None and cached.stamps == stamps and cached.problem != "file_unreadable":
        return cached
    quantisation = name = problem = context = projector = None
    embeds = False
    n_bytes = max(stamps[0].bytes, 0)
    try:
        headers = read_model(path)
        n_bytes = sum(header.file_bytes for header in headers)
        quantisation, name, context = headers[0].quantisation, headers[0].name, headers[0].context_length
        embeds = headers[0].embeds
        projector = usable_projector(headers[0])
        check_loadable(*headers)
    except UserError as error:
        problem = error.code
        if cached is not None and stamps[0].bytes < 0:
            # On a drive that isn't connected: the metadata is still valid.
            return replace(cached, stamps=stamps, problem=problem)
    origin = read_origin(path)
    summary = origin.summary() if origin else None
    own = str(projector.path) if projector else None
    return ModelMetadata(stamps, n_bytes, quantisation, name, problem, context, summary, embeds, own)


def named_paths(paths: Mapping[str, str]) -> tuple[NamedPath, ...]:
    """Return paths by id as stored in a registry."""
    return tuple(NamedPath(model_id, path) for model_id, path in paths.items())


class RegistryFile:
    """The registry of one folder.  Any number of processes and threads may use it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "library.json"
        self.problem: UserError | None = None
        """file_set_aside(path, aside) after a damaged registry was renamed."""

    def read(self) -> Registry:
        """Return the registry; empty where there is none, or a damaged one, which is set aside.

        Raises ``UserError``: file_unreadable(path, detail), library_too_new(path, format).
        """
        return self._read(self._open())

    def change(self, step: Callable[[Registry], Registry]) -> Registry:
        """Read the registry, apply ``step`` and write it under a lock; returns the result.  ``step`` should be quick.

        Raises ``UserError``: as ``read``, library_busy(path) after 10 s, and as ``disk_error``.
        """
        make_folder(self.path.parent)
        busy = UserError("library_busy", path=self.path)
        lock_path = self.path.with_name(f"{self.path.name}.lock")
        with FileLock(lock_path, busy, timeout_s=_LOCK_TIMEOUT_S, remove=False):
            file = self._open()
            before = self._read(file)
            after = step(before)
            if after != before:
                file.write(after)
            return after

    def _open(self) -> JsonFile[Registry]:
        return JsonFile(self.path, Registry, Registry())

    def _read(self, file: JsonFile[Registry]) -> Registry:
        registry = file.read()
        if file.problem is not None:
            if file.problem.code == "file_unreadable":
                raise file.problem
            self.problem = file.problem
        if registry.format > FORMAT:
            raise UserError("library_too_new", path=self.path, format=registry.format)
        facts = {}
        is_current = registry.facts_version == FACTS_VERSION
        for path, stored in registry.facts.items():
            # Files that are missing, such as on another disk, stay listed with what was read before.
            if is_current or not os.path.lexists(path):
                with suppress(JsonError):
                    facts[path] = from_plain(stored, ModelMetadata)
        return Registry(
            models=tuple(each for each in registry.models if is_nameable(each.path)),
            found=tuple(each for each in registry.found if is_nameable(each.path)),
            folders=tuple(filter(is_nameable, registry.folders)),
            facts=facts,
            hashes={path: each for path, each in registry.hashes.items() if each.is_plausible},
        )
