"""Library of the models on this computer: the starter, registered files, and files in watched folders.

Watched are the models folder, where downloads go, and folders of other programs.  Nothing is copied or deleted
(``removal`` deletes).  Only headers are read: hashes are computed elsewhere and stored here while the file keeps its
size and modification time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType

from model_manager.disk.files import file_identity
from model_manager.disk.hashing import sha256_of
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import first_shard, model_stem, read_model
from model_manager.hub.catalogue import CATALOGUE, STARTER
from model_manager.layout.origin import OriginSummary
from model_manager.library.registry import (
    FileHash,
    FileStamp,
    ModelMetadata,
    Registry,
    RegistryFile,
    named_paths,
    read_metadata,
)
from model_manager.library.scan import FoundFile, model_files, refuse_by_name
from model_manager.library.starter import find_starter as find_starter_file

_SHA256 = re.compile(r"[0-9a-f]{64}")
# A colon marks ids of other kinds (apus:Q2_K, OWNER/REPO:FILE, magnet:), a slash a path.
_NOT_IN_IDS = re.compile(r"[:/\\\x00-\x1f\x7f\ud800-\udfff]")
_PUBLISHED = re.compile(r"(apus|magnet|[A-Za-z0-9][\w.-]*/[\w.-]+):[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}", re.ASCII)


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer.

    ``bytes`` counts all files of a split model, 0 where they are missing and were never read.  ``ready`` is false where
    the engine would refuse it; ``problem`` is then the code of the ``UserError`` of ``read_model`` or
    ``check_loadable``.  ``sha256`` is the hash of ``path``, None until it was computed, at ``verified_at`` (UTC).
    ``published`` is the origin of a downloaded file.

    ``context`` in tokens is the one that it was trained for, if its header says it.  ``embeds``: whether it compares
    texts instead of answering.  ``projector`` is the file beside it with which it reads pictures.
    ``folder`` is the watched folder of the file, None for the starter and for registered models; ``in_models_folder``:
    whether that is the folder that downloads go to.
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
    published: OriginSummary | None = None
    folder: Path | None = None
    in_models_folder: bool = False
    context: int | None = None
    embeds: bool = False
    projector: Path | None = None

    @property
    def reads_pictures(self) -> bool:
        """Whether it can see the pictures of a question."""
        return self.projector is not None


@dataclass(frozen=True)
class _FoundModel:
    """A model in a watched folder; ``stem`` is the name to show, ``is_own``: in the models folder."""

    path: Path
    stem: str
    folder: Path
    is_own: bool
    metadata: ModelMetadata

    @property
    def is_listed(self) -> bool:
        """Whether to list the model: all in the models folder, and loadable ones in other folders."""
        # A model whose drive is not connected stays listed, with the reason.
        is_disconnected = self.metadata.problem == "file_missing" and self.metadata.bytes > 0
        return self.is_own or self.metadata.problem is None or is_disconnected


_Scan = Mapping[str, _FoundModel]
"""Models in watched folders that aren't registered, by path."""


class ModelLibrary:
    """The library of one folder.  Any number of threads and processes may use the same folder.

    ``folder`` contains ``library.json``; ``models_folder`` is where downloads go, which may be on another drive and may
    change while the library is in use.  ``names`` are those under which models are offered, by repository: a download
    keeps its name, whatever its file says.
    """

    def __init__(
        self,
        folder: Path,
        find_starter: Callable[[], Path | None] = find_starter_file,
        models_folder: Path | Callable[[], Path] | None = None,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._names = names
        self._file = RegistryFile(folder)
        self._find_starter = find_starter
        self._starter: str | None = None
        self._models_folder = models_folder
        self._metadata: dict[str, ModelMetadata] = {}
        """What was read of files that the registry doesn't describe yet, by path."""

    @property
    def models_folder(self) -> Path | None:
        """The folder that downloads go to."""
        folder = self._models_folder() if callable(self._models_folder) else self._models_folder
        return None if folder is None else _absolute(folder)

    @property
    def problem(self) -> UserError | None:
        """Why ``library.json`` could not be read: file_set_aside(path, aside), or as ``RegistryFile.read``."""
        try:
            self._file.read()
        except UserError as error:
            return error
        return self._file.problem

    def list(self) -> tuple[LocalModel, ...]:
        """Return the starter, then registered models, oldest first, then those in folders.

        All models in the models folder are listed, and loadable ones in other watched folders.  Only headers of files
        that changed since the last call are read.  Raises ``UserError`` as ``RegistryFile.read``.
        """
        registry, scan = self._refresh()
        known = self._known(registry, scan)
        return tuple(self._local_model(model_id, path, registry, scan) for model_id, path in known.items())

    def resolve(self, text: str) -> LocalModel:
        """Return the model with this id, or at this path, which need not be registered (its path is then its id).

        A model that can't be loaded is returned with ``ready`` false.  Raises ``UserError``: model_unknown(id, known),
        model_not_downloaded(id), starter_missing(), file_missing(path) for what looks like a path, and as
        ``refuse_by_name``.
        """
        registry = self._file.read()
        named = self._named(registry)
        if text in named:
            return self._local_model(text, named[text], registry, {})
        if text == STARTER.id:
            raise UserError("starter_missing")
        registry, scan = self._refresh()
        known = self._known(registry, scan)
        if text in known:
            return self._local_model(text, known[text], registry, scan)
        path = _absolute(text)
        if _is_published_id(text) and not _exists(path):
            raise UserError("model_not_downloaded", id=text)
        if not _looks_like_a_path(text):
            raise UserError("model_unknown", id=text, known=list(known))
        if not _exists(path):
            raise UserError("file_missing", path=path)
        refuse_by_name(path)
        path = first_shard(path)
        model_id = _id_of(path, known) or str(path)
        return self._local_model(model_id, known.get(model_id, str(path)), registry, scan)

    def register(self, path: Path, name: str | None = None) -> LocalModel:
        """Register a file in place; one that is registered already or is in a watched folder keeps its entry.

        The id is ``name``, by default the file's stem (without the number of a shard), made unique.  Raises
        ``UserError`` as ``read_model``, ``check_loadable`` and ``refuse_by_name``: nothing that the engine would refuse
        is registered; and as ``RegistryFile.change``.
        """
        model_path = first_shard(_absolute(path))
        refuse_by_name(model_path)
        check_loadable(*read_model(model_path))
        metadata = read_metadata(model_path)
        _, scan = self._refresh()
        model_id = ""

        def add(registry: Registry) -> Registry:
            nonlocal model_id
            known = self._known(registry, scan)
            existing = _id_of(model_path, known)
            model_id = existing or _unique_id(name or model_stem(model_path), known)
            new = () if existing else named_paths({model_id: str(model_path)})
            return replace(
                registry, models=(*registry.models, *new), facts={**registry.facts, str(model_path): metadata}
            )

        registry = self._file.change(add)
        return self._local_model(model_id, self._known(registry, scan)[model_id], registry, scan)

    def remove(self, model_id: str) -> None:
        """Remove a registered model from the list; its file stays.

        Raises ``UserError``: model_unknown(id, known), starter_stays(), model_in_folder(id, folder) for a model in a
        watched folder; and as ``RegistryFile.change``.
        """
        if model_id == STARTER.id:
            raise UserError("starter_stays")
        if model_id not in self._file.read().model_paths:
            registry, scan = self._refresh()
            known = self._known(registry, scan)
            if model_id in known:
                raise UserError("model_in_folder", id=model_id, folder=scan[known[model_id]].folder)
            raise UserError("model_unknown", id=model_id, known=list(known))

        self._file.change(
            lambda registry: replace(registry, models=tuple(each for each in registry.models if each.id != model_id))
        )

    def folders(self) -> tuple[Path, ...]:
        """Return the watched folders of other programs, in the order in which they were added."""
        return tuple(map(Path, self._file.read().folders))

    def add_folder(self, path: Path) -> tuple[LocalModel, ...]:
        """Watch a folder of another program; returns the loadable models in it.

        Raises ``UserError``: folder_missing(path), and as ``RegistryFile.change``.
        """
        folder = _absolute(path)
        if model_files(folder) is None:
            raise UserError("folder_missing", path=folder)

        def add(registry: Registry) -> Registry:
            if any(file_identity(Path(each)) == file_identity(folder) for each in registry.folders):
                return registry
            return replace(registry, folders=(*registry.folders, str(folder)))

        self._file.change(add)
        # Models that are registered, or in another watched folder, are listed there.
        return tuple(each for each in self.list() if each.folder == folder)

    def remove_folder(self, path: Path) -> None:
        """Stop watching a folder; its files stay.  Raises ``UserError`` as ``RegistryFile.change``."""
        removed = os.path.normcase(_absolute(path))
        self._file.change(
            lambda registry: replace(
                registry, folders=tuple(each for each in registry.folders if os.path.normcase(each) != removed)
            )
        )

    def relocate(self, old: Path, new: Path) -> None:
        """Follow files that moved from one folder to another: ids and hashes are kept.

        Only files that are missing in ``old`` and exist in ``new`` are followed.  Raises ``UserError`` as
        ``RegistryFile.change``.
        """
        self._file.change(lambda registry: registry.relocated(_absolute(old), _absolute(new)))

    def known_hash(self, path: Path) -> FileHash | None:
        """Return the hash of a file, where it was computed since the last change of the file.

        Raises ``UserError`` as ``RegistryFile.read``.
        """
        absolute, registry = _absolute(path), self._file.read()
        metadata = registry.facts.get(str(absolute))
        return _hash_of(absolute, registry, metadata.origin if metadata else None)

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a file, which is computed and stored where it is not known yet.

        Raises ``UserError`` as ``known_hash``, ``sha256_of`` and ``record_file_hash``.
        """
        known = self.known_hash(path)
        if known is not None:
            return known.sha256
        sha256 = sha256_of(path)
        self.record_file_hash(path, sha256)
        return sha256

    def record_file_hash(self, path: Path, sha256: str) -> None:
        """Store the hash that was just computed from a file.

        Raises ``UserError``: file_missing(path) and as ``RegistryFile.change``.
        """
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in lower-case hexadecimal digits: {sha256!r}")
        stamp = FileStamp.of(_absolute(path))
        if stamp.bytes < 0:
            raise UserError("file_missing", path=path)
        known = FileHash(stamp.bytes, stamp.mtime_ns, sha256, datetime.now(UTC))
        self._file.change(lambda registry: registry.with_hash(stamp.path, known))

    def _named(self, registry: Registry) -> dict[str, str]:
        """Return the paths of the starter and of registered models by id."""
        if self._starter is None and (found := self._find_starter()) is not None:
            self._starter = str(_absolute(found))
        first = {} if self._starter is None else {STARTER.id: self._starter}
        return {**first, **registry.model_paths}

    def _refresh(self) -> tuple[Registry, _Scan]:
        """Scan the watched folders; returns the registry with the models found, which is stored where it changed."""
        registry = self._file.read()
        scan = self._scan(registry)
        metadata = {path: each.metadata for path, each in scan.items()}
        for path in self._named(registry).values():
            metadata[path] = self._read_metadata(path, registry)

        def update(registry: Registry) -> Registry:
            named = self._named(registry)
            facts = {**registry.facts, **metadata}
            found = {key: path for key, path in self._known(registry, scan).items() if key not in named}
            return replace(
                registry,
                facts={path: each for path, each in facts.items() if path in scan or path in named.values()},
                found=named_paths(found),
            )

        updated = update(registry)
        if updated != registry:
            # Metadata can be read again: without it the next scan is only slower.
            with suppress(UserError):
                updated = self._file.change(update)
        return updated, scan

    def _scan(self, registry: Registry) -> _Scan:
        own = self.models_folder
        seen = {file_identity(Path(path)) for path in self._named(registry).values()}
        scan: dict[str, _FoundModel] = {}
        for folder in (*([] if own is None else [own]), *map(Path, registry.folders)):
            found = model_files(folder)
            if found is None:
                # On a drive that isn't connected: its models are still known.
                known = (FoundFile(Path(each.path), each.id) for each in registry.found)
                found = tuple(each for each in known if each.path.is_relative_to(folder))
            for each in found:
                path = str(each.path)
                if (key := file_identity(each.path)) not in seen:
                    seen.add(key)
                    metadata = self._read_metadata(path, registry)
                    scan[path] = _FoundModel(each.path, each.stem, folder, folder == own, metadata)
        return scan

    def _read_metadata(self, path: str, registry: Registry) -> ModelMetadata:
        known = registry.facts.get(path) or self._metadata.get(path)
        self._metadata[path] = metadata = read_metadata(Path(path), known)
        return metadata

    def _known(self, registry: Registry, scan: _Scan) -> dict[str, str]:
        """Return the paths of all listed models by id."""
        named = self._named(registry)
        registered = set(map(os.path.normcase, named.values()))
        listed = []
        for path, each in scan.items():
            if each.is_listed and os.path.normcase(path) not in registered:
                origin = each.metadata.origin if each.is_own else None
                listed.append((path, each.stem, origin.model_id if origin else None))
        return {**named, **_assign_ids(listed, registry.found_paths, named)}

    def _local_model(self, model_id: str, path: str, registry: Registry, scan: _Scan) -> LocalModel:
        is_named = model_id == STARTER.id or model_id in registry.model_paths
        found = None if is_named else scan.get(path)
        metadata = found.metadata if found else self._read_metadata(path, registry)
        known = _hash_of(Path(path), registry, metadata.origin)
        name = self._names.get(metadata.origin.repository) if metadata.origin else None
        return LocalModel(
            id=model_id,
            path=Path(path),
            bytes=metadata.bytes,
            ready=metadata.problem is None,
            sha256=known.sha256 if known else None,
            verified_at=known.verified_at if known else None,
            quantisation=metadata.quantisation,
            name=STARTER.name if model_id == STARTER.id else name or metadata.name,
            problem=metadata.problem,
            published=metadata.origin,
            folder=found.folder if found else None,
            in_models_folder=found is not None and found.is_own,
            context=metadata.context,
            embeds=metadata.embeds,
            projector=Path(metadata.projector) if metadata.projector else None,
        )


def _hash_of(path: Path, registry: Registry, origin: OriginSummary | None) -> FileHash | None:
    stored = registry.hashes.get(str(path))
    if stored is None and origin is None:
        return None
    stamp = FileStamp.of(path)
    if stored is not None and (stored.bytes, stored.mtime_ns) == (stamp.bytes, stamp.mtime_ns):
        return stored
    if origin and origin.sha256 and origin.verified_at and origin.applies_to(stamp.bytes, stamp.mtime_ns):
        return FileHash(stamp.bytes, stamp.mtime_ns, origin.sha256, origin.verified_at)
    return None


def _absolute(path: str | Path) -> Path:
    # Links are not resolved: the hub's cache links a file's name to one that is only its hash.
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # unknown; reading it then reports the permissions
    except (OSError, ValueError):
        return False


# Ids


def _is_published_id(text: str) -> bool:
    """Return whether this is the id of a download: ``apus:Q2_K``, ``OWNER/REPO:FILE`` or a magnet link."""
    return _PUBLISHED.fullmatch(text) is not None


def _unique_id(stem: str, taken: Iterable[str]) -> str:
    """Return an id made from a file's stem that isn't taken, ignoring case."""
    base = _NOT_IN_IDS.sub("-", stem).strip() or "model"
    others = {each.casefold() for each in (*taken, *(entry.id for entry in CATALOGUE))}
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(each for each in candidates if each.casefold() not in others)


def _assign_ids(
    files: Iterable[tuple[str, str, str | None]], before: Mapping[str, str], taken: Mapping[str, str]
) -> dict[str, str]:
    """Return paths by id for unregistered files, given as path, stem and id under which the file was published.

    A file keeps the id that it had ``before`` (paths by id).  A published id goes to the file that had it, else to the
    first that claims it; all other files are named after their stems.
    """
    files = list(files)
    had = {path: model_id for model_id, path in before.items()}
    # Published ids come first, beginning with those of files that had them.
    claims = [(path, published) for path, _, published in files if published and _is_published_id(published)]
    claims.sort(key=lambda each: had.get(each[0]) != each[1])
    claims += [(path, had[path]) for path, _, _ in files if path in had and not _is_published_id(had[path])]
    ids: dict[str, str] = {}
    """By path."""
    used = set(taken)
    for path, model_id in claims:
        if path not in ids and model_id not in used:
            ids[path] = model_id
            used.add(model_id)
    for path, stem, _ in files:
        if path not in ids:
            ids[path] = _unique_id(stem, used)
            used.add(ids[path])
    return {ids[path]: path for path, _, _ in files}


def _id_of(path: Path, known: Mapping[str, str]) -> str | None:
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


def _looks_like_a_path(text: str) -> bool:
    """Return whether a text typed by the user is a path."""
    return text.startswith("~") or "/" in text or os.sep in text or text.casefold().endswith(".gguf")
