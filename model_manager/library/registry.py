"""``library.json``: which files a library knows, and what was found out about them.

What was found out holds for a file of that size and that time of change, and for no other.  Reading needs no lock, for
the file is replaced whole; changing it does, so that two processes do not lose each other's entries.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from model_manager.disk.files import disk_errors, make_folder, read_error, write_atomically
from model_manager.disk.lock import FileLock
from model_manager.errors import UserError
from model_manager.layout.origin_summary import OriginSummary, summary_from_json, summary_to_json

FORMAT = 1
FACTS_VERSION = 2
"""Goes up when headers are read with other eyes, so that old findings are made anew."""
MAX_HASHES = 500

_LOCK_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stamp:
    """A file at a moment: size in bytes (-1 where there is none) and time of change in nanoseconds."""

    path: str
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """The file as it is now."""
        try:
            status = path.stat()
        except (OSError, ValueError):
            return cls(str(path), -1, 0)
        return cls(str(path), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Facts:
    """What the headers of a model said while its files had these stamps; ``problem`` is the code of an error.

    The first stamp is that of the file that stands for the model, the last one that of its origin, which ``origin``
    is the short form of.
    """

    stamps: tuple[Stamp, ...]
    bytes: int
    quantisation: str | None
    name: str | None
    problem: str | None
    origin: OriginSummary | None = None


@dataclass(frozen=True)
class KnownHash:
    """The SHA-256 of a file, and when it was computed from its bytes (UTC)."""

    sha256: str
    verified_at: datetime


@dataclass(frozen=True)
class StampedHash:
    """A hash that holds while the file has this stamp."""

    stamp: Stamp
    hash: KnownHash


def _nothing() -> MappingProxyType[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Registry:
    """``models``: paths by id, in the order of their registration.  ``facts`` and ``hashes`` by path.

    ``folders``: those whose models are listed without being registered one by one, and ``found``: which ids those and
    the ones in the models folder were given, so that each keeps its own when another comes or goes.
    """

    models: Mapping[str, str] = field(default_factory=_nothing)
    found: Mapping[str, str] = field(default_factory=_nothing)
    folders: tuple[str, ...] = ()
    facts: Mapping[str, Facts] = field(default_factory=_nothing)
    hashes: Mapping[str, StampedHash] = field(default_factory=_nothing)


class RegistryFile:
    """The registry of one folder.  Any number of processes and threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "library.json"

    def read(self) -> Registry:
        """The registry as it is now; empty where there is none or a damaged one.

        Raises ``UserError``: file_unreadable(path, detail), library_too_new(path, format).
        """
        registry, _ = self._read()
        return registry

    def change(self, step: Callable[[Registry], Registry]) -> Registry:
        """Read, apply ``step``, write, with nobody in between; returns what was written.  ``step`` should be quick.

        Raises ``UserError``: as ``read``, library_busy(path) after 10 s, and as ``disk_error``.
        """
        make_folder(self.path.parent)
        busy = UserError("library_busy", path=self.path)
        lock = FileLock(self.path.with_name(f"{self.path.name}.lock"), busy, timeout_s=_LOCK_TIMEOUT_S, remove=False)
        with lock, disk_errors(self.path):
            before, damaged = self._read()
            after = step(before)
            if damaged:
                self.path.replace(self.path.with_name(f"{self.path.name}.bad"))
            if after != before:
                write_atomically(self.path, _to_json(after))
            return after

    def _read(self) -> tuple[Registry, bool]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Registry(), False
        except OSError as error:
            raise read_error(error, self.path) from error
        try:
            stored = json.loads(content)
            if stored["format"] > FORMAT:
                raise UserError("library_too_new", path=self.path, format=stored["format"])
            return _from_json(stored), False
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # It names files and holds nothing else: better to go on with the starter than not at all.
            _log.warning("%s cannot be read (%r); the next change sets it aside", self.path, error)
            return Registry(), True


def with_hash(registry: Registry, stamp: Stamp, known: KnownHash) -> Registry:
    """The registry with one more hash; the oldest go when there are too many."""
    hashes = {path: each for path, each in registry.hashes.items() if path != stamp.path}
    hashes[stamp.path] = StampedHash(stamp, known)
    newest = sorted(hashes, key=lambda path: hashes[path].hash.verified_at)[-MAX_HASHES:]
    return replace(registry, hashes={path: hashes[path] for path in newest})


def relocated(registry: Registry, source: Path, target: Path) -> Registry:
    """The registry after files moved from one folder to another: those that are gone there and are here now."""

    def follow(path: str) -> str:
        if not Path(path).is_relative_to(source) or os.path.lexists(path):
            return path
        moved = target / Path(path).relative_to(source)
        return str(moved) if os.path.lexists(moved) else path

    def follow_stamp(stamp: Stamp) -> Stamp:
        # The last of a model's stamps is that of a file which need not be there.
        if not Path(stamp.path).is_relative_to(source) or os.path.lexists(stamp.path):
            return stamp
        return replace(stamp, path=str(target / Path(stamp.path).relative_to(source)))

    def follow_facts(facts: Facts) -> Facts:
        return replace(facts, stamps=tuple(map(follow_stamp, facts.stamps)))

    return replace(
        registry,
        models={model_id: follow(path) for model_id, path in registry.models.items()},
        found={model_id: follow(path) for model_id, path in registry.found.items()},
        facts={follow(path): follow_facts(facts) for path, facts in registry.facts.items()},
        hashes={
            follow(path): replace(each, stamp=replace(each.stamp, path=follow(path)))
            for path, each in registry.hashes.items()
        },
    )


def _to_json(registry: Registry) -> bytes:
    stored = {
        "format": FORMAT,
        "facts_version": FACTS_VERSION,
        "models": [{"id": model_id, "path": path} for model_id, path in registry.models.items()],
        "found": [{"id": model_id, "path": path} for model_id, path in registry.found.items()],
        "folders": list(registry.folders),
        "facts": {
            path: {**asdict(facts), "origin": summary_to_json(facts.origin)} for path, facts in registry.facts.items()
        },
        "hashes": {
            path: {
                "bytes": each.stamp.bytes,
                "mtime_ns": each.stamp.mtime_ns,
                "sha256": each.hash.sha256,
                "verified_at": each.hash.verified_at.isoformat(),
            }
            for path, each in registry.hashes.items()
        },
    }
    # Paths on Linux may hold bytes that are no UTF-8 (lone surrogates in Python): ASCII escapes carry them.
    return json.dumps(stored, indent=1, ensure_ascii=True).encode()


def _from_json(stored: dict[str, Any]) -> Registry:
    facts = {}
    if stored["facts_version"] == FACTS_VERSION:
        facts = {
            str(path): Facts(
                stamps=tuple(Stamp(str(s["path"]), int(s["bytes"]), int(s["mtime_ns"])) for s in each["stamps"]),
                bytes=int(each["bytes"]),
                quantisation=_optional_text(each["quantisation"]),
                name=_optional_text(each["name"]),
                problem=_optional_text(each["problem"]),
                origin=summary_from_json(each.get("origin")),
            )
            for path, each in stored["facts"].items()
        }
    hashes = {
        str(path): StampedHash(
            Stamp(str(path), int(each["bytes"]), int(each["mtime_ns"])),
            KnownHash(str(each["sha256"]), datetime.fromisoformat(each["verified_at"])),
        )
        for path, each in stored["hashes"].items()
    }
    models = {str(each["id"]): str(each["path"]) for each in stored["models"]}
    # Neither is in a registry that was written before there were folders.
    found = {str(each["id"]): str(each["path"]) for each in stored.get("found", ())}
    folders = tuple(str(each) for each in stored.get("folders", ()))
    return Registry(models=models, found=found, folders=folders, facts=facts, hashes=hashes)


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)
