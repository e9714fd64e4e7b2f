"""Downloads of magnet links with ``libtorrent``, an optional dependency imported by the first one.

BitTorrent uploads while it downloads: up to ``TorrentOptions.upload_bytes_per_s`` of these files, over an open port,
and never before or after.  ``torrent_files`` processes the files afterwards.

All files are in the folder ``magnet-HASH.torrent-part`` beside the finished models, as ``NAME.gguf.part``, with
libtorrent's state in ``fast.resume``.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_manager.disk.files import disk_error, make_folder, write_atomically
from model_manager.disk.lock import FileLock
from model_manager.disk.space import allocated_bytes, check_space
from model_manager.download.torrent_files import TorrentFile, TorrentFiles, compare_with_hub, discard_folder
from model_manager.download.transfer import DownloadState, SpeedMeter, Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.shards import named_shards
from model_manager.gguf.split_part_names import part_of
from model_manager.hub.access import Access
from model_manager.layout.file_names import check_name

UPLOAD_BYTES_PER_S = 512 << 10
REQUIREMENT = "libtorrent>=2.0.11,<3"
TICK_S = 0.1
SAVE_INTERVAL_S = 30.0
"""Data received since the last save is checked again after a crash."""
SAVE_TIMEOUT_S = 5.0
SAVE_ON_CANCEL_S = 0.25
NO_PEERS_S = 5.0
"""A download is waiting for peers when no byte was received for this time."""

_BTIH = re.compile(r"xt=urn:(btih:([0-9a-f]{40}|[a-z2-7]{32})|btmh:1220[0-9a-f]{64})(&|$)", re.IGNORECASE)
_IGNORED, _NORMAL = 0, 4
"""Priorities of libtorrent."""


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
    several models.  Experts are stacked and raw parts joined; the origin has the SHA-256 of the original file.  Models
    of the catalogue are compared with the hub (``compare_with_hub``).

    Raises ``Cancelled`` within half a second after ``transfer.token`` is cancelled (a conversion first finishes a block
    of 16 MiB), and ``UserError``: torrent_not_installed(command), magnet_not_understood(detail),
    torrent_without_model(name), torrent_holds_several(known), torrent_failed(detail), file_in_the_way(path),
    name_not_allowed(name), download_busy(path), disk_too_small(path, needed_bytes, free_bytes), and as ``disk_error``,
    ``TorrentFiles.finish`` and ``compare_with_hub``.
    """
    staging = folder / _staging_name(uri)
    make_folder(staging)
    with FileLock(staging.with_name(f"{staging.name}.lock"), UserError("download_busy", path=staging)):
        arrived = TorrentFiles(uri, staging, folder, transfer)
        if not arrived.files:
            with _Torrent(uri, staging, folder, transfer, options or TorrentOptions()) as torrent:
                files = torrent.fetch()
            arrived.set_complete(files)
        paths = arrived.finish()
    compare_with_hub(paths, access())
    return paths


def discard_magnet(uri: str, folder: Path) -> None:
    """Delete the data of an unfinished magnet link.  Raises ``UserError`` as ``disk_error``."""
    discard_folder(folder / _staging_name(uri))


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


class _Torrent:
    """Context manager for a libtorrent session with one torrent; all files are closed on exit."""

    def __init__(self, uri: str, staging: Path, folder: Path, transfer: Transfer, options: TorrentOptions) -> None:
        self._lt = _libtorrent()
        self._staging = staging
        self._folder = folder
        self._transfer = transfer
        self._options = options
        self._resume_file = staging / "fast.resume"
        self._parameters, self._selected = self._read(uri)
        self._session: Any = None
        self._handle: Any = None
        self._limit: float | None = None
        self._speed = SpeedMeter()
        self._last_byte_at = time.monotonic()
        self._most_done = -1

    def __enter__(self) -> _Torrent:
        self._transfer.token.raise_if_cancelled()
        self._session = self._lt.session(self._settings())
        self._handle = self._session.add_torrent(self._parameters)
        for peer in self._options.peers:
            self._handle.connect_peer(peer)
        return self

    def __exit__(self, *_: object) -> None:
        # The destructor waits until the session has closed its files.
        self._handle = self._session = None

    def fetch(self) -> tuple[TorrentFile, ...]:
        """Download the selected files; libtorrent verifies each piece."""
        try:
            while not (status := self._poll()).has_metadata:
                self._report("preparing", status, 0, 0)
            files = self._select()
            self._start(files)
            self._wait_for(files)
        except Cancelled:
            self._save(SAVE_ON_CANCEL_S)
            raise
        self._save(SAVE_TIMEOUT_S)
        return files

    def _read(self, uri: str) -> tuple[Any, tuple[int, ...]]:
        lt = self._lt
        parsed = _parse(lt, uri)
        selected = tuple(number for number, priority in enumerate(parsed.file_priorities) if priority)
        parameters = parsed
        with contextlib.suppress(OSError, RuntimeError):
            known = lt.read_resume_data(self._resume_file.read_bytes())
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


def _model_of(name: str) -> str:
    """Return the same name for all files of one model."""
    part = part_of(name)
    return part.base if part else named_shards(Path(name))[0].name
