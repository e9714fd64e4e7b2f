"""Downloads of magnet links with ``libtorrent``, an optional dependency imported by the first one.

BitTorrent uploads while it downloads: up to ``TorrentOptions.upload_bytes_per_s`` of these files, over an open port,
and never before or after.  All files are in the folder ``magnet-HASH.torrent-part`` beside the finished models, as
``NAME.gguf.part``, with libtorrent's state in ``fast.resume``.  Then they are joined, hashed, converted, moved, and
compared with the hub; every step leaves a state from which the next call continues: ``arrived.json`` lists the
complete files, and the origin beside each has its hash.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_manager.disk.files import (
    FileLock,
    disk_error,
    disk_errors,
    is_file,
    make_folder,
    read_bytes,
    replace_durably,
    write_atomically,
)
from model_manager.disk.hashing import sha256_of
from model_manager.disk.json_file import from_json, to_json
from model_manager.disk.space import allocated_bytes, check_space
from model_manager.download.transfer import DownloadState, SpeedMeter, Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import read_header
from model_manager.gguf.shards import named_shards
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.access import Access
from model_manager.hub.catalogue import CATALOGUE
from model_manager.hub.resolver import find_published
from model_manager.layout.convert import stack_experts
from model_manager.layout.file_names import check_name
from model_manager.layout.join import join_parts
from model_manager.layout.layout import TensorLayout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.library.removal import quarantine
from model_manager.library.scan import QUARANTINED
from model_manager.progress import OnProgress, Progress
from model_manager.published import HubFile

UPLOAD_BYTES_PER_S = 512 << 10
REQUIREMENT = "libtorrent>=2.0.11,<3"
TICK_S = 0.1
SAVE_INTERVAL_S = 30.0
"""Data received since the last save is checked again after a crash."""
SAVE_TIMEOUT_S = 5.0
SAVE_ON_CANCEL_S = 0.25
NO_PEERS_S = 5.0
"""A download is waiting for peers when no byte was received for this time."""

CHECKSUMS_FROM = "magnet"

_BTIH = re.compile(r"xt=urn:(btih:([0-9a-f]{40}|[a-z2-7]{32})|btmh:1220[0-9a-f]{64})(&|$)", re.IGNORECASE)
_SELECTION = re.compile(r"[?&](so=[^&]*)")
_IGNORED, _NORMAL = 0, 4
"""Priorities of libtorrent."""


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
        """Name in the staging folder; the name of a split part can't be mistaken for a model's."""
        return self.name if part_of(self.name) else f"{self.name}.part"


@dataclass(frozen=True)
class TorrentOptions:
    """Parameters of a torrent session; the defaults suit production, tests override them.

    ``listen``: addresses and ports in libtorrent's notation.  ``find_peers``: use the link's trackers and the
    distributed hash table, not only ``peers`` (address, port).
    """

    upload_bytes_per_s: int = UPLOAD_BYTES_PER_S
    listen: str = "0.0.0.0:6881,[::]:6881"
    find_peers: bool = True
    peers: tuple[tuple[str, int], ...] = ()


def is_magnet(text: str) -> bool:
    """Return whether ``text`` is meant as a magnet link."""
    return text.lower().startswith("magnet:")


def check_magnet(uri: str) -> None:
    """Check that a link can be downloaded.

    Raises ``UserError``: magnet_not_understood(detail), torrent_not_installed(command).
    """
    _staging_name(uri)
    _parse(_libtorrent(), uri)


def download_magnet(
    uri: str,
    folder: Path,
    access: Callable[[], Access],
    transfer: Transfer,
    options: TorrentOptions | None = None,
) -> tuple[Path, ...]:
    """Download the model of a magnet link; return the finished files in ``folder``, the first shard first.

    Blocks, and continues what an earlier call left.  Other files are ignored; ``so=NUMBERS`` in the link selects among
    several models.  Experts are stacked and split parts joined; the origin has the SHA-256 of the original file.
    Models of the catalogue are compared with the hub.

    Raises ``Cancelled`` within half a second after ``transfer.token`` is cancelled (a conversion first finishes a block
    of 16 MiB), and ``UserError``: torrent_not_installed(command), magnet_not_understood(detail),
    torrent_without_model(name), torrent_holds_several(known), torrent_failed(detail), file_in_the_way(path),
    name_not_allowed(name), download_busy(path), disk_too_small(path, needed_bytes, free_bytes),
    download_damaged(path, name) for a file that differs from the hub's and was quarantined, and as ``join_parts``,
    ``read_header``, ``stack_experts`` and ``disk_error``.
    """
    staging = folder / _staging_name(uri)
    make_folder(staging)
    with FileLock(staging.with_name(f"{staging.name}.lock"), UserError("download_busy", path=staging)):
        torrent = _Torrent(uri, staging, folder, transfer, options or TorrentOptions())
        paths = torrent.finish(torrent.complete_files() or torrent.fetch())
    _compare_with_hub(paths, access())
    return paths


def discard_magnet(uri: str, folder: Path) -> None:
    """Delete the data of an unfinished magnet link.  Raises ``UserError`` as ``disk_error``."""
    _discard_folder(folder / _staging_name(uri))


def magnet_bytes(uri: str, folder: Path) -> int:
    """Return the bytes on disk of an unfinished magnet link."""
    with contextlib.suppress(UserError, OSError):
        return sum(map(allocated_bytes, (folder / _staging_name(uri)).glob("*.part*")))
    return 0


def _staging_name(uri: str) -> str:
    match = _BTIH.search(uri.replace("%3A", ":").replace("%3a", ":"))
    if not is_magnet(uri) or match is None:
        raise UserError("magnet_not_understood", detail="no BitTorrent hash")
    return f"magnet-{match[1].lower().rpartition(':')[2]}.torrent-part"


def _libtorrent() -> Any:
    # Any: the package has no types.
    try:
        import libtorrent
    except ImportError as error:
        command = f'{sys.executable} -m pip install "{REQUIREMENT}"'
        raise UserError("torrent_not_installed", command=command) from error
    return libtorrent


def _parse(lt: Any, uri: str) -> Any:
    try:
        return lt.parse_magnet_uri(uri)
    except RuntimeError as error:
        raise UserError("magnet_not_understood", detail=str(error)) from error


@dataclass(frozen=True)
class _Arrived:
    """Contents of ``arrived.json``: the selection in the link, and number, name and size of its complete files."""

    chosen: str
    files: list[tuple[int, str, int]] = field(default_factory=list)


class _Torrent:
    """One torrent: its download by libtorrent, and its files on their way into the models folder."""

    def __init__(self, uri: str, staging: Path, folder: Path, transfer: Transfer, options: TorrentOptions) -> None:
        self._uri = uri
        self._staging = staging
        self._folder = folder
        self._transfer = transfer
        self._options = options
        self._selection = "".join(_SELECTION.findall(uri))
        self._arrived_file = staging / "arrived.json"
        self._resume_file = staging / "fast.resume"
        self._lt: Any = None
        self._session: Any = None
        self._handle: Any = None
        self._limit: float | None = None
        self._speed = SpeedMeter()
        self._last_byte_at = time.monotonic()
        self._most_done = -1

    def complete_files(self) -> tuple[TorrentFile, ...]:
        """Return the files recorded as complete; empty while some are missing."""
        with contextlib.suppress(OSError, ValueError):
            stored = from_json(read_bytes(self._arrived_file), _Arrived)
            if stored.chosen == self._selection:
                return tuple(TorrentFile(*each) for each in stored.files)
        return ()

    def fetch(self) -> tuple[TorrentFile, ...]:
        """Download the selected files; libtorrent verifies each piece."""
        self._transfer.token.raise_if_cancelled()
        self._lt = _libtorrent()
        self._parameters, self._selected = self._read(self._uri)
        self._session = self._lt.session(self._settings())
        self._handle = self._session.add_torrent(self._parameters)
        for peer in self._options.peers:
            self._handle.connect_peer(peer)
        try:
            while not (status := self._poll()).has_metadata:
                self._report("preparing", status, 0, 0)
            files = self._select()
            self._start(files)
            self._wait_for(files)
            self._save(SAVE_TIMEOUT_S)
            arrived = _Arrived(self._selection, [(each.number, each.name, each.bytes) for each in files])
            write_atomically(self._arrived_file, to_json(arrived))
            return files
        except Cancelled:
            self._save(SAVE_ON_CANCEL_S)
            raise
        finally:
            # The destructor waits until the session has closed its files.
            self._handle = self._session = None

    def _read(self, uri: str) -> tuple[Any, tuple[int, ...]]:
        lt = self._lt
        parsed = _parse(lt, uri)
        selected = tuple(number for number, priority in enumerate(parsed.file_priorities) if priority)
        parameters = parsed
        with contextlib.suppress(OSError, RuntimeError):
            known = lt.read_resume_data(read_bytes(self._resume_file))
            if known.info_hashes == parsed.info_hashes or known.info_hashes.v1 == parsed.info_hashes.v1:
                parameters = known
        parameters.save_path = str(self._staging)
        flags = lt.torrent_flags
        # Nothing is downloaded before the list of files is known and their names on disk are set.
        parameters.file_priorities = []
        parameters.flags |= flags.default_dont_download
        parameters.flags &= ~(flags.auto_managed | flags.paused | flags.stop_when_ready)
        if not self._options.find_peers:
            parameters.flags |= flags.disable_dht | flags.disable_lsd | flags.disable_pex
            parameters.trackers = []
        return parameters, selected

    def _settings(self) -> dict[str, Any]:
        category = self._lt.alert.category_t
        find_peers = self._options.find_peers
        return {
            "alert_mask": category.error_notification | category.storage_notification | category.status_notification,
            "listen_interfaces": self._options.listen,
            "enable_dht": find_peers,
            "enable_lsd": find_peers,
            # Routers aren't asked to open a port: outgoing connections suffice.
            "enable_upnp": False,
            "enable_natpmp": False,
            # Seventeen times slower than TCP on a fast line.
            "enable_incoming_utp": False,
            "enable_outgoing_utp": False,
            "upload_rate_limit": self._options.upload_bytes_per_s,
            # Peers of one household share an address.
            "allow_multiple_connections_per_ip": True,
            "stop_tracker_timeout": 0,
            "tick_interval": 100,
        }

    def _select(self) -> tuple[TorrentFile, ...]:
        """Return the files selected in the link, else those of the only model."""
        layout = self._layout()
        models = []
        for number in range(layout.num_files()):
            name = re.split(r"[/\\]", layout.file_path(number))[-1]
            if (name.lower().endswith(".gguf") or part_of(name)) and number in (self._selected or (number,)):
                models.append(TorrentFile(number, name, int(layout.file_size(number))))
        if not models:
            raise UserError("torrent_without_model", name=self._handle.torrent_file().name())
        first_of_each = {_model_of(each.name): each for each in reversed(models)}
        if len(first_of_each) > 1 and not self._selected:
            known = [f"so={each.number}: {each.name}" for each in reversed(first_of_each.values())]
            raise UserError("torrent_holds_several", known=known)
        for each in models:
            check_name(each.target)
        if len({each.name.casefold() for each in models}) != len(models):
            raise UserError("name_not_allowed", name=models[0].name)
        for path in {self._folder / each.target for each in models}:
            if path.exists():
                raise UserError("file_in_the_way", path=path)
        return tuple(sorted(models, key=lambda each: each.name))

    def _start(self, files: Sequence[TorrentFile]) -> None:
        """Rename the files for the staging folder and start their download."""
        check_space(self._staging, {self._staging / each.working_name: each.bytes for each in files})
        layout = self._layout()
        working_names = {each.number: each.working_name for each in files}
        count = layout.num_files()
        names = [working_names.get(number, f"unwanted-{number}") for number in range(count)]
        pending = {number for number in range(count) if layout.file_path(number) != names[number]}
        pending -= set(self._parameters.renamed_files)
        for number in pending:
            self._handle.rename_file(number, names[number])
        while pending:
            for alert in self._alerts():
                if isinstance(alert, self._lt.file_renamed_alert):
                    pending.discard(alert.index)
                elif isinstance(alert, self._lt.file_rename_failed_alert):
                    raise UserError("torrent_failed", detail=alert.message())
        priorities = [_NORMAL if number in working_names else _IGNORED for number in range(count)]
        self._handle.prioritize_files(priorities)
        while self._handle.get_file_priorities() != priorities:
            self._poll()
        self._save(SAVE_TIMEOUT_S)

    def _wait_for(self, files: Sequence[TorrentFile]) -> None:
        total = sum(each.bytes for each in files)
        saved_at = time.monotonic()
        while True:
            status = self._poll()
            file_progress = self._handle.file_progress()
            done = sum(file_progress[each.number] for each in files)
            is_checking = str(status.state).startswith("checking")
            if status.is_finished and not is_checking and done == total:
                return
            self._report("downloading", status, done, total)
            if time.monotonic() - saved_at > SAVE_INTERVAL_S:
                self._save(SAVE_TIMEOUT_S)
                saved_at = time.monotonic()

    def _poll(self) -> Any:
        """Handle alerts for a moment and return the status."""
        for _ in self._alerts():
            pass
        return self._handle.status()

    def _alerts(self) -> Iterator[Any]:
        self._transfer.token.raise_if_cancelled()
        limit = self._transfer.limit_bytes_per_s
        if limit != self._limit:
            self._limit = limit
            self._session.apply_settings({"download_rate_limit": int(limit or 0)})
        self._session.wait_for_alert(int(TICK_S * 1000))
        lt = self._lt
        for alert in self._session.pop_alerts():
            if isinstance(alert, lt.file_error_alert):
                error = OSError(alert.error.value(), alert.error.message())
                raise disk_error(error, self._staging / Path(alert.filename()).name, downloading=True)
            if isinstance(alert, lt.torrent_error_alert | lt.metadata_failed_alert):
                raise UserError("torrent_failed", detail=alert.message())
            yield alert

    def _report(self, state: DownloadState, status: Any, done: int, total: int) -> None:
        now = time.monotonic()
        # ``done`` falls when a piece fails its check: only a new maximum is progress.
        if done > self._most_done:
            self._most_done, self._last_byte_at = done, now
        problem = None
        if now - self._last_byte_at > NO_PEERS_S:
            state, problem = "waiting", UserError("torrent_no_peers", peers=status.num_peers)
        progress = self._speed.progress(done, total)
        self._transfer.report(state, progress, problem=problem, bytes_uploaded=status.all_time_upload)

    def _save(self, timeout_s: float) -> None:
        """Store libtorrent's state; without an answer in time the previous one stays."""
        if not self._handle.status().has_metadata:
            return
        self._handle.save_resume_data(self._lt.save_resume_flags_t.save_info_dict)
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            self._session.wait_for_alert(max(1, int(left * 1000)))
            for alert in self._session.pop_alerts():
                if isinstance(alert, self._lt.save_resume_data_alert):
                    with contextlib.suppress(UserError):
                        write_atomically(self._resume_file, self._lt.write_resume_data_buf(alert.params))
                    return
                if isinstance(alert, self._lt.save_resume_data_failed_alert):
                    return

    def _layout(self) -> Any:
        info = self._handle.torrent_file()
        # The names in the torrent, not those on disk.  libtorrent 2.0 has no ``layout``.
        return info.layout() if hasattr(info, "layout") else info.orig_files()

    # After the download

    def finish(self, files: Sequence[TorrentFile]) -> tuple[Path, ...]:
        """Move every file to the models folder; return them by name.  One that is no model is kept as ``NAME.bad``."""
        finished = tuple(self._finish(name, files) for name in sorted({each.target for each in files}))
        _discard_folder(self._staging)
        return finished

    def _finish(self, name: str, files: Sequence[TorrentFile]) -> Path:
        target, work = self._folder / name, self._staging / f"{name}.part"
        if is_file(target) and not is_file(work):
            return target
        parts = [each for each in files if each.target == name and part_of(each.name)]
        if parts and not is_file(work):
            self._join(name, parts)
        try:
            header = read_header(work)
        except UserError as error:
            raise self._quarantined(work, target, error) from error
        if read_origin(work) is None:
            sha256, layout = (
                sha256_of(work, self._progress(), self._transfer.token),
                TensorLayout.identity(header.file_bytes),
            )
            published = (HubFile(name, header.file_bytes, sha256),)
            write_origin(work, Origin(self._uri, "", "", published, layout, sha256, checksums_from=CHECKSUMS_FROM))
        if header.experts_in_separate_tensors and header.split_count == 1:
            stack_experts(work, None, self._progress(), self._transfer.token)
        if target.exists():
            raise UserError("file_in_the_way", path=target)
        origin = read_origin(work)
        assert origin is not None
        with disk_errors(target):
            write_origin(target, replace(origin, verified_at=datetime.now(UTC) if origin.sha256 else None))
            replace_durably(work, target)
            origin_path(work).unlink(missing_ok=True)
        return target

    def _join(self, name: str, parts: Sequence[TorrentFile]) -> None:
        joined = self._staging / name
        if not is_file(joined):
            present = [path for each in parts if is_file(path := self._staging / each.name)]
            join_parts(present or [joined], self._progress(), self._transfer.token)
        with disk_errors(joined):
            replace_durably(joined, self._staging / f"{name}.part")

    def _quarantined(self, work: Path, target: Path, error: UserError) -> UserError:
        bad = target.with_name(target.name + QUARANTINED)
        try:
            replace_durably(work, bad)
        except OSError:
            return error
        _discard_folder(self._staging)
        return UserError(error.code, **{**error.data, "path": bad})

    def _progress(self) -> OnProgress:
        speed, transfer = SpeedMeter(), self._transfer
        uploaded = transfer.status.bytes_uploaded

        def report(progress: Progress) -> None:
            transfer.report("verifying", speed.progress(progress.done, progress.total), bytes_uploaded=uploaded)

        transfer.token.raise_if_cancelled()
        return report


def _model_of(name: str) -> str:
    """Return the same name for all files of one model."""
    part = part_of(name)
    return part.base if part else named_shards(Path(name))[0].name


def _discard_folder(staging: Path) -> None:
    """Delete a staging folder with its contents.  Raises ``UserError`` as ``disk_error``."""
    with disk_errors(staging), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(staging)


def _compare_with_hub(paths: Sequence[Path], access: Access) -> None:
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
