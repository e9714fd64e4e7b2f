"""What happens to the files of a magnet link once all their bytes are here: joined, hashed, repaired, put in place.

Every step leaves the folder so that the next call goes on from there: ``arrived.json`` says that the bytes are
complete, which files there are and what their hashes were when they came.  The network is no business of this file.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_manager.cancellation import CancelToken
from model_manager.disk.files import disk_error, is_file, move_over, write_atomically
from model_manager.disk.hashing import sha256_of
from model_manager.download.control import Control, Phase, Progress, Speed
from model_manager.errors import UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.split_part_names import part_of
from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts
from model_manager.layout.layout import Layout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.library.folder_scan import QUARANTINED
from model_manager.progress import OnProgress
from model_manager.progress import Progress as FileProgress
from model_manager.published import HubFile

CHECKSUMS_FROM = "magnet"
_CHOSEN = re.compile(r"[?&](so=[^&]*)")


@dataclass(frozen=True)
class TorrentFile:
    """One wanted file of a torrent: its number and name in there, and its size in bytes."""

    number: int
    name: str
    bytes: int

    @property
    def target(self) -> str:
        """The name of the finished file that it is, or is a part of."""
        part = part_of(self.name)
        return part.base if part else self.name

    @property
    def working_name(self) -> str:
        """Its name while it is incomplete; a raw part's own name cannot be taken for a model's."""
        return self.name if part_of(self.name) else f"{self.name}.part"


class Arrival:
    """The files in one staging folder, on their way into the models folder."""

    def __init__(self, uri: str, staging: Path, folder: Path) -> None:
        self._uri = uri
        self._staging = staging
        self._folder = folder
        self._chosen = "".join(_CHOSEN.findall(uri))
        self._note_file = staging / "arrived.json"
        self._files: tuple[TorrentFile, ...] = ()
        self._hashes: dict[str, str] = {}
        self._read()

    def is_complete(self) -> bool:
        """Whether all bytes are here."""
        return bool(self._files)

    def note(self, files: Sequence[TorrentFile]) -> None:
        """Remember that these are complete.  Raises ``UserError`` as ``disk_error`` does."""
        self._files = tuple(files)
        self._write()

    def finish(self, control: Control) -> tuple[Path, ...]:
        """Bring every file into the models folder; returns them in the order of their names.

        Raises ``Cancelled``; ``UserError``: as ``join_parts``, ``read_header`` (the file is then kept as ``NAME.bad``),
        ``repair`` and ``disk_error`` do, file_in_the_way(path).
        """
        done = tuple(self._finish_one(name, control) for name in sorted({each.target for each in self._files}))
        discard_folder(self._staging)
        return done

    def _finish_one(self, name: str, control: Control) -> Path:
        target, work = self._folder / name, self._staging / f"{name}.part"
        if is_file(target) and not is_file(work):
            return target
        parts = [each for each in self._files if each.target == name and part_of(each.name)]
        if parts and not is_file(work):
            self._join(name, parts, control)
        try:
            header = read_header(work)
        except UserError as error:
            raise self._quarantined(work, target, error) from error
        if name not in self._hashes:
            self._hashes[name] = sha256_of(work, *self._watched(control))
            self._write()
        if header.experts_in_separate_tensors and header.split_count == 1:
            stack_experts(work, None, *self._watched(control))
        if target.exists():
            raise UserError("file_in_the_way", path=target)
        try:
            write_origin(target, self._origin(name, work))
            move_over(work, target)
            with suppress(OSError):
                origin_path(work).unlink()
        except OSError as error:
            raise disk_error(error, target) from error
        return target

    def _join(self, name: str, parts: Sequence[TorrentFile], control: Control) -> None:
        joined = self._staging / name
        if not is_file(joined):
            there = [path for each in parts if is_file(path := self._staging / each.name)]
            join_parts(there or [joined], *self._watched(control))
        try:
            move_over(joined, self._staging / f"{name}.part")
        except OSError as error:
            raise disk_error(error, joined) from error

    def _origin(self, name: str, work: Path) -> Origin:
        repaired = read_origin(work)
        n_bytes = work.stat().st_size
        layout = repaired.layout if repaired else Layout.identity(n_bytes)
        came_as = self._hashes[name]
        made = Origin(
            model_id=self._uri,
            repository="",
            commit="",
            parts=(HubFile(name, layout.source_bytes, came_as),),
            layout=layout,
            sha256=repaired.sha256 if repaired else came_as,
            checksums_from=CHECKSUMS_FROM,
        )
        return replace(made, verified_at=datetime.now(UTC) if made.sha256 else None)

    def _quarantined(self, work: Path, target: Path, error: UserError) -> UserError:
        bad = target.with_name(target.name + QUARANTINED)
        try:
            move_over(work, bad)
        except OSError:
            return error
        self._files = ()
        discard_folder(self._staging)
        return UserError(error.code, **{**error.data, "path": bad})

    def _watched(self, control: Control) -> tuple[OnProgress, CancelToken]:
        speed, before = Speed(), control.progress.bytes_uploaded
        phase: Phase = "verifying"

        def on_progress(progress: FileProgress) -> None:
            done, total = progress.done, progress.total
            rate = speed.update(done)
            left = (total - done) / rate if rate else None
            control.report(Progress(phase, done, total, rate, left, bytes_uploaded=before))

        control.token.raise_if_cancelled()
        return on_progress, control.token

    def _read(self) -> None:
        try:
            stored = json.loads(self._note_file.read_bytes())
            files = tuple(TorrentFile(int(n), str(name), int(size)) for n, name, size in stored["files"])
            if stored["chosen"] == self._chosen:
                self._files, self._hashes = files, {str(k): str(v) for k, v in stored["hashes"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return

    def _write(self) -> None:
        files = [[each.number, each.name, each.bytes] for each in self._files]
        content = {"chosen": self._chosen, "files": files, "hashes": self._hashes}
        write_atomically(self._note_file, json.dumps(content).encode())


def discard_folder(staging: Path) -> None:
    """Delete a staging folder and everything in it.  Raises ``UserError`` as ``disk_error`` does."""
    try:
        shutil.rmtree(staging)
    except FileNotFoundError:
        return
    except OSError as error:
        raise disk_error(error, staging) from error
