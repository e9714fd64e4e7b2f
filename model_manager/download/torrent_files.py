"""Files of a magnet link after their download: joined, hashed, converted, moved, compared with the hub.

Every step leaves the staging folder in a state from which the next call continues: ``arrived.json`` lists the complete
files and their hashes.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.disk.files import disk_errors, is_file, move_over, write_atomically
from model_manager.disk.hashing import sha256_of
from model_manager.disk.json_file import from_json, to_json
from model_manager.download.transfer import SpeedMeter, Transfer
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts
from model_manager.layout.layout import Layout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.library.removal import quarantine
from model_manager.library.scan import QUARANTINED
from model_manager.progress import OnProgress, Progress
from model_manager.published import HubFile

CHECKSUMS_FROM = "magnet"
_SELECTION = re.compile(r"[?&](so=[^&]*)")


@dataclass(frozen=True)
class TorrentFile:
    """File of a torrent: its number and name there, and its size in bytes."""

    number: int
    name: str
    bytes: int

    @property
    def target(self) -> str:
        """Name of the finished file that it is, or is a part of."""
        part = part_of(self.name)
        return part.base if part else self.name

    @property
    def working_name(self) -> str:
        """Name in the staging folder; the name of a raw part can't be mistaken for a model's."""
        return self.name if part_of(self.name) else f"{self.name}.part"


@dataclass(frozen=True)
class _Arrived:
    """Contents of ``arrived.json``."""

    chosen: str
    files: list[tuple[int, str, int]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)


class TorrentFiles:
    """Files in a staging folder, on their way into the models folder."""

    def __init__(self, uri: str, staging: Path, folder: Path, transfer: Transfer) -> None:
        self._uri = uri
        self._staging = staging
        self._folder = folder
        self._transfer = transfer
        self._state_file = staging / "arrived.json"
        self._state = _Arrived("".join(_SELECTION.findall(uri)))
        with suppress(OSError, ValueError):
            stored = from_json(self._state_file.read_bytes(), _Arrived)
            if stored.chosen == self._state.chosen:
                self._state = stored

    @property
    def files(self) -> tuple[TorrentFile, ...]:
        """The complete files; empty while some are missing."""
        return tuple(TorrentFile(*each) for each in self._state.files)

    def set_complete(self, files: Sequence[TorrentFile]) -> None:
        """Record the complete files.  Raises ``UserError`` as ``disk_error``."""
        self._store(replace(self._state, files=[(each.number, each.name, each.bytes) for each in files]))

    def finish(self) -> tuple[Path, ...]:
        """Move every file to the models folder; return them by name.

        Raises ``Cancelled``; ``UserError``: as ``join_parts``, ``read_header`` (the file is then kept as ``NAME.bad``),
        ``stack_experts`` and ``disk_error``, file_in_the_way(path).
        """
        finished = tuple(self._finish(name) for name in sorted({each.target for each in self.files}))
        discard_folder(self._staging)
        return finished

    def _finish(self, name: str) -> Path:
        target, work = self._folder / name, self._staging / f"{name}.part"
        if is_file(target) and not is_file(work):
            return target
        parts = [each for each in self.files if each.target == name and part_of(each.name)]
        if parts and not is_file(work):
            self._join(name, parts)
        try:
            header = read_header(work)
        except UserError as error:
            raise self._quarantined(work, target, error) from error
        if name not in self._state.hashes:
            sha256 = sha256_of(work, self._progress(), self._transfer.token)
            self._store(replace(self._state, hashes={**self._state.hashes, name: sha256}))
        if header.experts_in_separate_tensors and header.split_count == 1:
            stack_experts(work, None, self._progress(), self._transfer.token)
        if target.exists():
            raise UserError("file_in_the_way", path=target)
        with disk_errors(target):
            write_origin(target, self._origin(name, work))
            move_over(work, target)
            origin_path(work).unlink(missing_ok=True)
        return target

    def _join(self, name: str, parts: Sequence[TorrentFile]) -> None:
        joined = self._staging / name
        if not is_file(joined):
            present = [path for each in parts if is_file(path := self._staging / each.name)]
            join_parts(present or [joined], self._progress(), self._transfer.token)
        with disk_errors(joined):
            move_over(joined, self._staging / f"{name}.part")

    def _origin(self, name: str, work: Path) -> Origin:
        converted = read_origin(work)
        layout = converted.layout if converted else Layout.identity(work.stat().st_size)
        sha256 = converted.sha256 if converted else self._state.hashes[name]
        return Origin(
            model_id=self._uri,
            repository="",
            commit="",
            parts=(HubFile(name, layout.source_bytes, self._state.hashes[name]),),
            layout=layout,
            sha256=sha256,
            verified_at=datetime.now(UTC) if sha256 else None,
            checksums_from=CHECKSUMS_FROM,
        )

    def _quarantined(self, work: Path, target: Path, error: UserError) -> UserError:
        bad = target.with_name(target.name + QUARANTINED)
        try:
            move_over(work, bad)
        except OSError:
            return error
        discard_folder(self._staging)
        return UserError(error.code, **{**error.data, "path": bad})

    def _progress(self) -> OnProgress:
        speed, transfer = SpeedMeter(), self._transfer
        uploaded = transfer.status.bytes_uploaded

        def report(progress: Progress) -> None:
            transfer.report("verifying", speed.progress(progress.done, progress.total), bytes_uploaded=uploaded)

        transfer.token.raise_if_cancelled()
        return report

    def _store(self, state: _Arrived) -> None:
        self._state = state
        write_atomically(self._state_file, to_json(state))


def discard_folder(staging: Path) -> None:
    """Delete a staging folder with its contents.  Raises ``UserError`` as ``disk_error``."""
    with disk_errors(staging), suppress(FileNotFoundError):
        shutil.rmtree(staging)


def compare_with_hub(paths: Sequence[Path], access: Access) -> None:
    """Compare files named like one of the catalogue with what the hub publishes, and store that origin.

    The hash of a magnet link only proves that the bytes are those that its author shared.  Files with other names, and
    those whose hub isn't reachable, stay unchanged.  Raises ``UserError``: download_damaged(path, name) for the first
    file that differs, which is quarantined; and as ``quarantine`` and ``disk_error``.
    """
    for path in paths:
        entry = next((each for each in CATALOGUE if each.file_name == path.name), None)
        origin = read_origin(path)
        if entry is None or origin is None:
            continue
        try:
            published = find_published(entry.id, access)
        except UserError:
            continue
        hashes = tuple(file.sha256 for file in published.files)
        if None in hashes or len(hashes) != len(origin.parts):
            continue
        if hashes != tuple(part.sha256 for part in origin.parts):
            raise UserError("download_damaged", path=quarantine(path), name=path.name)
        published_origin = replace(
            origin,
            model_id=published.id,
            repository=published.repository,
            commit=published.commit,
            parts=published.files,
            checksums_from=published.checksums_from,
        )
        write_origin(path, published_origin)
