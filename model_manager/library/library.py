"""The models on this machine: the starter, files registered where they lie, and those in folders that are watched.

Watched are the models folder, where downloads go, and folders that another program fills.  The library copies nothing
and deletes nothing (``removal`` does).  It looks at headers, never at whole files: hashes are computed elsewhere
(``hashing``, ``verification``) and remembered here for as long as the file keeps its size and its time of change.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.errors import UserError
from model_manager.gguf.header import check_loadable
from model_manager.gguf.shards import first_shard, model_stem, read_model
from model_manager.hub.catalogue import STARTER
from model_manager.layout.origin_summary import OriginSummary
from model_manager.library.folder_scan import FoundFile, identity, model_files, refuse_by_name
from model_manager.library.metadata import facts_of
from model_manager.library.model_ids import id_of, is_published_id, looks_like_a_path, name_found, unique_id
from model_manager.library.registry import Facts, KnownHash, Registry, RegistryFile, Stamp, relocated, with_hash
from model_manager.library.starter import find_starter as find_starter_file

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LocalModel:
    """A model on this machine.

    ``bytes`` counts all files of a split model, 0 where they are gone and were never seen.  ``ready`` is false when the
    engine would refuse it; ``problem`` is then the code of the ``UserError`` that ``read_model`` and ``check_loadable``
    raise.  ``sha256`` is that of ``path`` and None until it was computed; ``verified_at`` (UTC) is when that was.
    ``published`` tells where a downloaded file came from.

    ``folder`` is the watched folder that the file was found in, None for the starter and for what was registered;
    ``in_models_folder`` whether that is the one that downloads go to.
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
class _Around:
    """What lies in the watched folders: each file with its folder, and whether that is the models folder."""

    files: tuple[FoundFile, ...]
    folders: Mapping[str, Path]
    """By path of the file."""
    own: frozenset[str]
    """Paths of the files in the models folder."""
    facts: Mapping[str, Facts]


class ModelLibrary:
    """The library of one folder.  Any number of threads and processes may use the same folder at once.

    ``folder`` holds the list (``library.json``); ``models_folder`` is where downloads go, which may be another one, on
    another drive, and may change while the library is in use.  Without it no folder is watched by itself.
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
        """Where downloads go at this moment."""
        folder = self._models_folder() if callable(self._models_folder) else self._models_folder
        return None if folder is None else _absolute(os.fspath(folder))

    def list(self) -> tuple[LocalModel, ...]:
        """The starter first, where it is present, then what was registered, oldest first, then what the folders hold.

        Of the models folder everything is listed, of other watched folders what the engine would load.  Reads headers
        only of files that changed since the last time.  Raises ``UserError`` as ``RegistryFile.read``.
        """
        registry = self._file.read()
        around = self._look_around(registry)
        named = self._named(registry)
        facts = {path: facts_of(Path(path), registry.facts.get(path)) for path in named.values()}
        known = self._known(registry, around)
        found = {model_id: path for model_id, path in known.items() if model_id not in named}
        merged = {**facts, **around.facts}
        if found != registry.found or any(merged[path] != registry.facts.get(path) for path in merged):
            registry = self._keep(merged, around) or replace(registry, found=found)
            known = self._known(registry, around)
        return tuple(
            self._local_model(model_id, path, merged.get(path), registry, around) for model_id, path in known.items()
        )

    def resolve(self, text: str) -> LocalModel:
        """The model that a person means: an id, or a path to a file that need not be registered (its path is its id).

        A model that cannot be loaded is found all the same, with ``ready`` false.  Raises ``UserError``:
        model_unknown(id, known), model_not_downloaded(id), starter_missing(), file_missing(path) for what looks like a
        path, and as ``refuse_by_name``.
        """
        registry = self._file.read()
        named = self._named(registry)
        if text in named:
            return self._local_model(text, named[text], None, registry, None)
        if text == STARTER.id:
            raise UserError("starter_missing")
        registry, around = self._look_and_remember(registry)
        known = self._known(registry, around)
        if text in known:
            return self._local_model(text, known[text], around.facts.get(known[text]), registry, around)
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
        return self._local_model(model_id, known.get(model_id, str(path)), None, registry, around)

    def register(self, path: Path, name: str | None = None) -> LocalModel:
        """Register a file where it lies; a file that is registered or lies in a watched folder keeps its entry.

        The id is ``name``, by default the file's stem (without the number of a shard), made unique.  Raises
        ``UserError`` as ``read_model``, ``check_loadable`` and ``refuse_by_name`` do: nothing is registered that the
        engine would refuse; and as ``RegistryFile.change``.
        """
        model_path = first_shard(_absolute(os.fspath(path)))
        refuse_by_name(model_path)
        check_loadable(*read_model(model_path))
        facts = facts_of(model_path, None)
        _, around = self._look_and_remember(self._file.read())
        model_id = ""

        def add(registry: Registry) -> Registry:
            nonlocal model_id
            known = self._known(registry, around)
            found = id_of(model_path, known)
            model_id = found or unique_id(name or model_stem(model_path), known)
            models = registry.models if found else {**registry.models, model_id: str(model_path)}
            return replace(registry, models=models, facts={**registry.facts, str(model_path): facts})

        registry = self._file.change(add)
        return self._local_model(model_id, self._known(registry, around)[model_id], None, registry, around)

    def remove(self, model_id: str) -> None:
        """Forget a registered model; its file stays where it is.

        Raises ``UserError``: model_unknown(id, known), starter_stays(), model_in_folder(id, folder) for one that is
        listed because it lies in a watched folder; and as ``RegistryFile.change``.
        """
        if model_id == STARTER.id:
            raise UserError("starter_stays")
        registry = self._file.read()
        if model_id not in registry.models:
            registry, around = self._look_and_remember(registry)
            known = self._known(registry, around)
            if model_id in known:
                raise UserError("model_in_folder", id=model_id, folder=around.folders[known[model_id]])
            raise UserError("model_unknown", id=model_id, known=list(known))

        def forget(registry: Registry) -> Registry:
            models = {each: path for each, path in registry.models.items() if each != model_id}
            facts = {path: each for path, each in registry.facts.items() if path != registry.models.get(model_id)}
            return replace(registry, models=models, facts=facts)

        self._file.change(forget)

    def folders(self) -> tuple[Path, ...]:
        """The folders of other programs that are watched, in the order in which they were added."""
        return tuple(map(Path, self._file.read().folders))

    def add_folder(self, path: Path) -> tuple[LocalModel, ...]:
        """Watch a folder that another program fills: what is good in it is listed, now and later.  Returns it.

        Raises ``UserError``: folder_missing(path), and as ``RegistryFile.change``.
        """
        folder = _absolute(os.fspath(path))
        if model_files(folder) is None:
            raise UserError("folder_missing", path=folder)

        def add(registry: Registry) -> Registry:
            if any(identity(Path(each)) == identity(folder) for each in registry.folders):
                return registry
            return replace(registry, folders=(*registry.folders, str(folder)))

        self._file.change(add)
        # A model that was registered before, or lies in two watched folders, is listed once and elsewhere.
        return tuple(each for each in self.list() if each.folder == folder)

    def remove_folder(self, path: Path) -> None:
        """Watch a folder no more; the files stay.  One that is not watched makes no difference.

        Raises ``UserError`` as ``RegistryFile.change``.
        """
        folder = str(_absolute(os.fspath(path)))
        self._file.change(lambda registry: replace(registry, folders=_without(registry.folders, folder)))

    def relocate(self, old: Path, new: Path) -> None:
        """Follow files that were moved from one folder to another (``moving``): names, hashes and facts go with them.

        Only what is gone from ``old`` and lies at the same place under ``new`` is followed.  Raises ``UserError`` as
        ``RegistryFile.change``.
        """
        source, target = _absolute(os.fspath(old)), _absolute(os.fspath(new))
        self._file.change(lambda registry: relocated(registry, source, target))

    def known_hash(self, path: Path) -> KnownHash | None:
        """The hash of a file, if it was computed since the file last changed.  Raises as ``RegistryFile.read``."""
        absolute, registry = _absolute(os.fspath(path)), self._file.read()
        facts = registry.facts.get(str(absolute))
        return _hash_of(absolute, registry, facts.origin if facts else None)

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

    def _named(self, registry: Registry) -> dict[str, str]:
        """Paths by id of the starter and of what was registered."""
        starter = self._find_starter()
        first = {} if starter is None else {STARTER.id: str(_absolute(os.fspath(starter)))}
        return {**first, **registry.models}

    def _look_around(self, registry: Registry) -> _Around:
        """The files in the watched folders that have no name yet, each once."""
        own = self.models_folder
        roots = [*([] if own is None else [own]), *map(Path, registry.folders)]
        seen = {identity(Path(path)) for path in self._named(registry).values()} if roots else set()
        files: list[FoundFile] = []
        folders: dict[str, Path] = {}
        for root in roots:
            found = model_files(root)
            if found is None:
                # A drive that is not plugged in: its models are still known.
                found = tuple(
                    FoundFile(Path(path), model_id)
                    for model_id, path in registry.found.items()
                    if Path(path).is_relative_to(root)
                )
            for each in found:
                if (key := identity(each.path)) not in seen:
                    seen.add(key)
                    files.append(each)
                    folders[str(each.path)] = root
        facts = {path: facts_of(Path(path), registry.facts.get(path)) for path in folders}
        inside = frozenset(path for path, root in folders.items() if root == own)
        return _Around(tuple(files), folders, inside, facts)

    def _look_and_remember(self, registry: Registry) -> tuple[Registry, _Around]:
        around = self._look_around(registry)
        if any(each != registry.facts.get(path) for path, each in around.facts.items()):
            registry = self._keep(around.facts, around) or registry
        return registry, around

    def _known(self, registry: Registry, around: _Around) -> dict[str, str]:
        """Paths by id of everything that is listed."""
        named = self._named(registry)
        listed = [
            (path, each.stem, facts.origin.model_id if facts.origin and path in around.own else None)
            for each in around.files
            if _is_listed(facts := around.facts[path := str(each.path)], path in around.own)
        ]
        registered = set(map(os.path.normcase, named.values()))
        listed = [each for each in listed if os.path.normcase(each[0]) not in registered]
        return {**named, **name_found(listed, registry.found, named)}

    def _local_model(
        self, model_id: str, path: str, facts: Facts | None, registry: Registry, around: _Around | None
    ) -> LocalModel:
        facts = facts or facts_of(Path(path), registry.facts.get(path))
        known = _hash_of(Path(path), registry, facts.origin)
        is_found = around is not None and model_id not in registry.models and model_id != STARTER.id
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
            published=facts.origin,
            folder=around.folders.get(path) if is_found and around else None,
            in_models_folder=bool(is_found and around and path in around.own),
        )

    def _keep(self, facts: Mapping[str, Facts], around: _Around) -> Registry | None:
        def renew(registry: Registry) -> Registry:
            named = self._named(registry)
            wanted = {*named.values(), *around.folders}
            merged = {**registry.facts, **facts}
            kept = {path: each for path, each in merged.items() if path in wanted}
            known = self._known(registry, around)
            found = {model_id: path for model_id, path in known.items() if model_id not in named}
            return replace(registry, facts=kept, found=found)

        try:
            return self._file.change(renew)
        except UserError:
            # Metadata can be read again: without it the next scan is only slower.
            return None


def _is_listed(facts: Facts, own: bool) -> bool:
    # What was good before its drive was unplugged is still worth its line, with the reason.
    gone = facts.problem == "file_missing" and facts.bytes > 0
    return own or facts.problem is None or gone


def _hash_of(path: Path, registry: Registry, origin: OriginSummary | None) -> KnownHash | None:
    stored = registry.hashes.get(str(path))
    if stored is None and origin is None:
        return None
    stamp = Stamp.of(path)
    if stored is not None and stored.stamp == stamp:
        return stored.hash
    if origin is not None and origin.sha256 and origin.verified_at and origin.holds_for(stamp.bytes, stamp.mtime_ns):
        return KnownHash(origin.sha256, origin.verified_at)
    return None


def _without(folders: tuple[str, ...], folder: str) -> tuple[str, ...]:
    return tuple(each for each in folders if os.path.normcase(each) != os.path.normcase(folder))


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
