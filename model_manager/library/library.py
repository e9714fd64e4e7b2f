"""Library of the models on this computer: the starter, registered files, and files in watched folders.

Watched are the models folder, where downloads go, and folders of other programs.  Nothing is copied or deleted
(``removal`` deletes).  Only headers are read: hashes are computed elsewhere and stored here while the file keeps its
size and modification time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.disk.files import file_identity
from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import first_shard, model_stem, read_model
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin import OriginSummary
from model_manager.library.folder_scan import FoundFile, model_files, refuse_by_name
from model_manager.library.metadata import FileStamp, ModelMetadata, read_metadata
from model_manager.library.model_ids import assign_ids, id_of, is_published_id, looks_like_a_path, unique_id
from model_manager.library.registry import FileHash, Registry, RegistryFile, named_paths
from model_manager.library.starter import find_starter as find_starter_file

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer.

    ``bytes`` counts all files of a split model, 0 where they are missing and were never read.  ``ready`` is false where
    the engine would refuse it; ``problem`` is then the code of the ``UserError`` of ``read_model`` or
    ``check_loadable``.  ``sha256`` is the hash of ``path``, None until it was computed, at ``verified_at`` (UTC).
    ``published`` is the origin of a downloaded file.

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


@dataclass(frozen=True)
class _Scan:
    """Files in watched folders that aren't registered, and for the path of each its folder and metadata."""

    files: tuple[FoundFile, ...]
    folders: Mapping[str, Path]
    metadata: Mapping[str, ModelMetadata]
    models_folder: Path | None

    def is_own(self, path: str) -> bool:
        """Return whether the file was found in the models folder."""
        return self.folders.get(path) == self.models_folder is not None

    def is_listed(self, path: str) -> bool:
        """Return whether to list the file: all in the models folder, and loadable ones in other folders."""
        metadata = self.metadata[path]
        # A model whose drive is not connected stays listed, with the reason.
        is_disconnected = metadata.problem == "file_missing" and metadata.bytes > 0
        return self.is_own(path) or metadata.problem is None or is_disconnected


class ModelLibrary:
    """The library of one folder.  Any number of threads and processes may use the same folder.

    ``folder`` contains ``library.json``; ``models_folder`` is where downloads go, which may be on another drive and may
    change while the library is in use.
    """

    def __init__(
        self,
        folder: Path,
        find_starter: Callable[[], Path | None] = find_starter_file,
        models_folder: Path | Callable[[], Path] | None = None,
    ) -> None:
        self._file = RegistryFile(folder)
        self._find_starter = find_starter
        self._models_folder = models_folder

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
        registry = self._file.read()
        scan = self._scan(registry)
        named = self._named(registry)
        metadata = {path: read_metadata(Path(path), registry.facts.get(path)) for path in named.values()}
        metadata.update(scan.metadata)
        known = self._known(registry, scan)
        found = {model_id: path for model_id, path in known.items() if model_id not in named}
        if found != registry.found_paths or any(metadata[path] != registry.facts.get(path) for path in metadata):
            registry = self._store(metadata, scan) or replace(registry, found=named_paths(found))
            known = self._known(registry, scan)
        return tuple(
            self._local_model(model_id, path, metadata.get(path), registry, scan) for model_id, path in known.items()
        )

    def resolve(self, text: str) -> LocalModel:
        """Return the model with this id, or at this path, which need not be registered (its path is then its id).

        A model that can't be loaded is returned with ``ready`` false.  Raises ``UserError``: model_unknown(id, known),
        model_not_downloaded(id), starter_missing(), file_missing(path) for what looks like a path, and as
        ``refuse_by_name``.
        """
        registry = self._file.read()
        named = self._named(registry)
        if text in named:
            return self._local_model(text, named[text], None, registry, None)
        if text == STARTER.id:
            raise UserError("starter_missing")
        registry, scan = self._scan_and_store(registry)
        known = self._known(registry, scan)
        if text in known:
            return self._local_model(text, known[text], scan.metadata.get(known[text]), registry, scan)
        path = _absolute(text)
        if is_published_id(text) and not _exists(path):
            raise UserError("model_not_downloaded", id=text)
        if not looks_like_a_path(text):
            raise UserError("model_unknown", id=text, known=list(known))
        if not _exists(path):
            raise UserError("file_missing", path=path)
        refuse_by_name(path)
        path = first_shard(path)
        model_id = id_of(path, known) or str(path)
        return self._local_model(model_id, known.get(model_id, str(path)), None, registry, scan)

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
        _, scan = self._scan_and_store(self._file.read())
        model_id = ""

        def add(registry: Registry) -> Registry:
            nonlocal model_id
            known = self._known(registry, scan)
            existing = id_of(model_path, known)
            model_id = existing or unique_id(name or model_stem(model_path), known)
            new = () if existing else named_paths({model_id: str(model_path)})
            return replace(
                registry, models=(*registry.models, *new), facts={**registry.facts, str(model_path): metadata}
            )

        registry = self._file.change(add)
        return self._local_model(model_id, self._known(registry, scan)[model_id], None, registry, scan)

    def remove(self, model_id: str) -> None:
        """Remove a registered model from the list; its file stays.

        Raises ``UserError``: model_unknown(id, known), starter_stays(), model_in_folder(id, folder) for a model in a
        watched folder; and as ``RegistryFile.change``.
        """
        if model_id == STARTER.id:
            raise UserError("starter_stays")
        registry = self._file.read()
        if model_id not in registry.model_paths:
            registry, scan = self._scan_and_store(registry)
            known = self._known(registry, scan)
            if model_id in known:
                raise UserError("model_in_folder", id=model_id, folder=scan.folders[known[model_id]])
            raise UserError("model_unknown", id=model_id, known=list(known))

        def without(registry: Registry) -> Registry:
            removed = registry.model_paths.get(model_id)
            return replace(
                registry,
                models=tuple(each for each in registry.models if each.id != model_id),
                facts={path: each for path, each in registry.facts.items() if path != removed},
            )

        self._file.change(without)

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

        def without(registry: Registry) -> Registry:
            return replace(
                registry, folders=tuple(each for each in registry.folders if os.path.normcase(each) != removed)
            )

        self._file.change(without)

    def relocate(self, old: Path, new: Path) -> None:
        """Follow files that moved from one folder to another: ids, hashes and metadata are kept.

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
        starter = self._find_starter()
        first = {} if starter is None else {STARTER.id: str(_absolute(starter))}
        return {**first, **registry.model_paths}

    def _scan(self, registry: Registry) -> _Scan:
        models_folder = self.models_folder
        roots = [*([] if models_folder is None else [models_folder]), *map(Path, registry.folders)]
        seen = {file_identity(Path(path)) for path in self._named(registry).values()} if roots else set()
        files: list[FoundFile] = []
        folders: dict[str, Path] = {}
        for root in roots:
            found = model_files(root)
            if found is None:
                # On a drive that isn't connected: its models are still known.
                paths = [(Path(each.path), each.id) for each in registry.found]
                found = tuple(FoundFile(path, model_id) for path, model_id in paths if path.is_relative_to(root))
            for each in found:
                if (key := file_identity(each.path)) not in seen:
                    seen.add(key)
                    files.append(each)
                    folders[str(each.path)] = root
        metadata = {path: read_metadata(Path(path), registry.facts.get(path)) for path in folders}
        return _Scan(tuple(files), folders, metadata, models_folder)

    def _scan_and_store(self, registry: Registry) -> tuple[Registry, _Scan]:
        scan = self._scan(registry)
        if any(each != registry.facts.get(path) for path, each in scan.metadata.items()):
            registry = self._store(scan.metadata, scan) or registry
        return registry, scan

    def _known(self, registry: Registry, scan: _Scan) -> dict[str, str]:
        """Return the paths of all listed models by id."""
        named = self._named(registry)
        registered = set(map(os.path.normcase, named.values()))
        listed = []
        for each in scan.files:
            path = str(each.path)
            if scan.is_listed(path) and os.path.normcase(path) not in registered:
                origin = scan.metadata[path].origin if scan.is_own(path) else None
                listed.append((path, each.stem, origin.model_id if origin else None))
        return {**named, **assign_ids(listed, registry.found_paths, named)}

    def _local_model(
        self, model_id: str, path: str, metadata: ModelMetadata | None, registry: Registry, scan: _Scan | None
    ) -> LocalModel:
        metadata = metadata or read_metadata(Path(path), registry.facts.get(path))
        known = _hash_of(Path(path), registry, metadata.origin)
        in_folder = scan is not None and model_id != STARTER.id and model_id not in registry.model_paths
        return LocalModel(
            id=model_id,
            path=Path(path),
            bytes=metadata.bytes,
            ready=metadata.problem is None,
            sha256=known.sha256 if known else None,
            verified_at=known.verified_at if known else None,
            quantisation=metadata.quantisation,
            name=STARTER.name if model_id == STARTER.id else metadata.name,
            problem=metadata.problem,
            published=metadata.origin,
            folder=scan.folders.get(path) if in_folder and scan else None,
            in_models_folder=bool(in_folder and scan and scan.is_own(path)),
        )

    def _store(self, metadata: Mapping[str, ModelMetadata], scan: _Scan) -> Registry | None:
        def update(registry: Registry) -> Registry:
            named = self._named(registry)
            listed = {*named.values(), *scan.folders}
            merged = {**registry.facts, **metadata}
            found = {key: path for key, path in self._known(registry, scan).items() if key not in named}
            return replace(
                registry,
                facts={path: each for path, each in merged.items() if path in listed},
                found=named_paths(found),
            )

        try:
            return self._file.change(update)
        except UserError:
            # Metadata can be read again: without it the next scan is only slower.
            return None


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
