"""Magnet links: the one door to ``libtorrent``, which is an extra and is imported by the first download that needs it.

BitTorrent gives while it takes: what is here of the files is uploaded to others as long as the download runs, up to
``TorrentOptions.upload_bytes_per_s``, and a port is opened.  Nothing is uploaded before and nothing after.  What is to
be done with the files once they are here is ``torrent_arrival``'s business, whose turn it is the queue's.

While it runs, everything lies in the folder ``magnet-HASH.torrent-part`` beside the finished models, the files of a
model as ``NAME.gguf.part``; ``fast.resume`` in there holds what libtorrent knows of it, the list of files included.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_manager.disk.files import disk_error, write_atomically
from model_manager.disk.lock import FileLock
from model_manager.disk.space import check_space
from model_manager.download.control import Control, Phase, Progress, Speed
from model_manager.download.torrent_arrival import Arrival, TorrentFile, discard_folder
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.shards import named_shards
from model_manager.gguf.split_part_names import part_of
from model_manager.layout.file_names import check_name

UPLOAD_BYTES_PER_S = 512 << 10
REQUIREMENT = "libtorrent>=2.0.11,<3"
TICK_S = 0.1
SAVE_S = 30.0
"""How often it is noted what is here; what came since is checked again after a crash."""
SAVE_ON_STOP_S = 0.25
ALONE_S = 5.0
"""Without a byte for so long it counts as waiting for somebody who has the rest."""

_BTIH = re.compile(r"xt=urn:(btih:([0-9a-f]{40}|[a-z2-7]{32})|btmh:1220[0-9a-f]{64})(&|$)", re.IGNORECASE)
_UNWANTED, _WANTED = 0, 4
"""Priorities of libtorrent."""


@dataclass(frozen=True)
class TorrentOptions:
    """``upload_bytes_per_s``: what others may take meanwhile.  ``listen``: addresses and ports, as libtorrent writes
    them.  ``find_peers``: look for others by the link's trackers and the distributed table (DHT), not only at
    ``peers`` (address, port)."""

    upload_bytes_per_s: int = UPLOAD_BYTES_PER_S
    listen: str = "0.0.0.0:6881,[::]:6881"
    find_peers: bool = True
    peers: tuple[tuple[str, int], ...] = ()


def is_magnet(text: str) -> bool:
    """Whether this is meant as a magnet link."""
    return text.lower().startswith("magnet:")


def check_magnet(uri: str) -> None:
    """Refuse a link before anything is begun.

    Raises ``UserError``: magnet_not_understood(detail), torrent_not_installed(command).
    """
    _staging_name(uri)
    _parsed(_libtorrent(), uri)


def torrent_available() -> bool:
    """Whether the extra is installed."""
    from importlib.util import find_spec

    return find_spec("libtorrent") is not None


def download_magnet(
    uri: str, folder: Path, control: Control, options: TorrentOptions | None = None
) -> tuple[Path, ...]:
    """Fetch what a magnet link names; returns the finished files in ``folder``, the one that stands for a model first.

    Blocks.  Goes on with what an earlier call left.  Files that are no models are left out; ``so=NUMBERS`` in the link
    chooses among several models.  The bytes are those that the link's hash promises; whether that is what a hub
    publishes under the name is for the caller to compare (the SHA-256 of each file as it came is kept in its origin).
    Files of before April 2024 are repaired, raw parts joined.

    Raises ``Cancelled`` within half a second after ``control.stop()`` (while a repair runs, after its 16 MiB), and
    ``UserError``: torrent_not_installed(command), magnet_not_understood(detail), torrent_without_model(name),
    torrent_holds_several(known), torrent_failed(detail), file_in_the_way(path), name_not_allowed(name),
    download_busy(path), disk_too_small(path, needed_bytes, free_bytes); and as ``disk_error`` and ``Arrival.finish``
    do.
    """
    options = options or TorrentOptions()
    staging = folder / _staging_name(uri)
    try:
        staging.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    with FileLock(staging.with_name(f"{staging.name}.lock"), UserError("download_busy", path=staging)):
        arrival = Arrival(uri, staging, folder)
        if not arrival.is_complete():
            with _Torrent(uri, staging, folder, control, options) as torrent:
                files = torrent.fetch()
            arrival.note(files)
        return arrival.finish(control)


def discard_magnet(uri: str, folder: Path) -> None:
    """Delete what an unfinished download of a magnet link has left.  Raises ``UserError`` as ``disk_error`` does."""
    discard_folder(folder / _staging_name(uri))


def magnet_bytes(uri: str, folder: Path) -> int:
    """Bytes that an unfinished download takes on the disk."""
    with contextlib.suppress(UserError, OSError):
        paths = (folder / _staging_name(uri)).glob("*.part*")
        return sum(path.stat().st_blocks * 512 if sys.platform != "win32" else path.stat().st_size for path in paths)
    return 0


def _staging_name(uri: str) -> str:
    match = _BTIH.search(uri.replace("%3A", ":").replace("%3a", ":"))
    if not is_magnet(uri) or match is None:
        raise UserError("magnet_not_understood", detail="it names no BitTorrent hash")
    return f"magnet-{match[1].lower().rpartition(':')[2]}.torrent-part"


def _libtorrent() -> Any:
    # Any: the package carries no types.
    try:
        import libtorrent
    except ImportError as error:
        command = f'{sys.executable} -m pip install "{REQUIREMENT}"'
        raise UserError("torrent_not_installed", command=command) from error
    return libtorrent


def _parsed(lt: Any, uri: str) -> Any:
    try:
        return lt.parse_magnet_uri(uri)
    except RuntimeError as error:
        raise UserError("magnet_not_understood", detail=str(error)) from error


class _Torrent:
    """One running libtorrent session with one torrent.  Ends, and lets go of all files, with its ``with``."""

    def __init__(self, uri: str, staging: Path, folder: Path, control: Control, options: TorrentOptions) -> None:
        self._lt = _libtorrent()
        self._staging = staging
        self._folder = folder
        self._control = control
        self._options = options
        self._resume_file = staging / "fast.resume"
        self._parameters, self._chosen = self._read(uri)
        self._session: Any = None
        self._handle: Any = None
        self._limit: float | None = None
        self._speed = Speed()
        self._last_byte = time.monotonic()
        self._bytes_seen = -1
        self._uploaded = 0

    def __enter__(self) -> _Torrent:
        self._check_stop()
        self._session = self._lt.session(self._settings())
        self._handle = self._session.add_torrent(self._parameters)
        for peer in self._options.peers:
            self._handle.connect_peer(peer)
        return self

    def __exit__(self, *_: object) -> None:
        # Its end waits for the disk, so that nobody writes to the files any more.
        self._handle = self._session = None

    def fetch(self) -> tuple[TorrentFile, ...]:
        """Everything that is wanted, complete and checked piece by piece."""
        try:
            self._wait_for_the_list()
            files = self._choose()
            self._begin(files)
            self._wait_for_the_bytes(files)
        except Cancelled:
            self._save(SAVE_ON_STOP_S)
            raise
        self._save(5.0)
        return files

    def _read(self, uri: str) -> tuple[Any, tuple[int, ...]]:
        lt = self._lt
        asked = _parsed(lt, uri)
        chosen = tuple(number for number, priority in enumerate(asked.file_priorities) if priority)
        parameters = asked
        with contextlib.suppress(OSError, RuntimeError):
            known = lt.read_resume_data(self._resume_file.read_bytes())
            if known.info_hashes == asked.info_hashes or known.info_hashes.v1 == asked.info_hashes.v1:
                parameters = known
        parameters.save_path = str(self._staging)
        flags = lt.torrent_flags
        # Nothing is fetched before it is known what is in it and under which names it is to be written.
        parameters.file_priorities = []
        parameters.flags |= flags.default_dont_download
        parameters.flags &= ~(flags.auto_managed | flags.paused | flags.stop_when_ready)
        if not self._options.find_peers:
            parameters.flags |= flags.disable_dht | flags.disable_lsd | flags.disable_pex
            parameters.trackers = []
        return parameters, chosen

    def _settings(self) -> dict[str, Any]:
        category = self._lt.alert.category_t
        find = self._options.find_peers
        return {
            "alert_mask": category.error_notification | category.storage_notification | category.status_notification,
            "listen_interfaces": self._options.listen,
            "enable_dht": find,
            "enable_lsd": find,
            # A router is not asked to open a port: connections that begin here are enough.
            "enable_upnp": False,
            "enable_natpmp": False,
            # Seventeen times slower than TCP on a fast line.
            "enable_incoming_utp": False,
            "enable_outgoing_utp": False,
            "upload_rate_limit": self._options.upload_bytes_per_s,
            # Several of a test's peers, or of a household's, share an address.
            "allow_multiple_connections_per_ip": True,
            "stop_tracker_timeout": 0,
            "tick_interval": 100,
        }

    def _wait_for_the_list(self) -> None:
        while not (status := self._look()).has_metadata:
            self._report("preparing", status, 0, 0)

    def _choose(self) -> tuple[TorrentFile, ...]:
        """The files that are wanted: those chosen in the link, else those of the one model that there is."""
        layout = self._layout()
        files = []
        for number in range(layout.num_files()):
            name = re.split(r"[/\\]", layout.file_path(number))[-1]
            files.append((number, name, int(layout.file_size(number))))
        models = [
            TorrentFile(number, name, n_bytes)
            for number, name, n_bytes in files
            if name.lower().endswith(".gguf") or part_of(name)
        ]
        if self._chosen:
            models = [each for each in models if each.number in self._chosen]
        if not models:
            raise UserError("torrent_without_model", name=self._handle.torrent_file().name())
        first_of_each = {_model_of(each.name): each for each in reversed(models)}
        if len(first_of_each) > 1 and not self._chosen:
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

    def _begin(self, files: Sequence[TorrentFile]) -> None:
        """Give every file its name in the staging folder, take the room, and let it run."""
        check_space(self._staging, {self._staging / each.working_name: each.bytes for each in files})
        layout = self._layout()
        wanted = {each.number: each.working_name for each in files}
        count = layout.num_files()
        names = [wanted.get(number, f"unwanted-{number}") for number in range(count)]
        waiting = {number for number in range(count) if layout.file_path(number) != names[number]}
        waiting -= set(self._parameters.renamed_files)
        for number in waiting:
            self._handle.rename_file(number, names[number])
        while waiting:
            for alert in self._alerts():
                if isinstance(alert, self._lt.file_renamed_alert):
                    waiting.discard(alert.index)
                elif isinstance(alert, self._lt.file_rename_failed_alert):
                    raise UserError("torrent_failed", detail=alert.message())
        priorities = [_WANTED if number in wanted else _UNWANTED for number in range(count)]
        self._handle.prioritize_files(priorities)
        while self._handle.get_file_priorities() != priorities:
            self._look()
        self._save(5.0)

    def _wait_for_the_bytes(self, files: Sequence[TorrentFile]) -> None:
        total = sum(each.bytes for each in files)
        saved = time.monotonic()
        while True:
            status = self._look()
            here = self._handle.file_progress()
            done = sum(here[each.number] for each in files)
            checking = str(status.state).startswith("checking")
            if status.is_finished and not checking and done == total:
                return
            self._report("downloading", status, done, total)
            if time.monotonic() - saved > SAVE_S:
                self._save(5.0)
                saved = time.monotonic()

    def _look(self) -> Any:
        """Wait a moment, hear what happened, and return how things are."""
        for _ in self._alerts():
            pass
        return self._handle.status()

    def _alerts(self) -> Iterator[Any]:
        self._check_stop()
        limit = self._control.limit_bytes_per_s
        if limit != self._limit:
            self._limit = limit
            self._session.apply_settings({"download_rate_limit": int(limit or 0)})
        self._session.wait_for_alert(int(TICK_S * 1000))
        lt = self._lt
        for alert in self._session.pop_alerts():
            if isinstance(alert, lt.file_error_alert):
                code, path = alert.error.value(), self._staging / Path(alert.filename()).name
                raise disk_error(OSError(code, alert.error.message()), path, downloading=True)
            if isinstance(alert, lt.torrent_error_alert | lt.metadata_failed_alert):
                raise UserError("torrent_failed", detail=alert.message())
            yield alert

    def _check_stop(self) -> None:
        if self._control.is_stopped:
            raise Cancelled

    def _report(self, phase: Phase, status: Any, done: int, total: int) -> None:
        now = time.monotonic()
        # A piece that fails its check is taken back and fetched again: only more than ever before is progress.
        if done > self._bytes_seen:
            self._bytes_seen, self._last_byte = done, now
        speed = self._speed.update(done)
        problem = None
        if now - self._last_byte > ALONE_S:
            phase, problem = "waiting", UserError("torrent_no_peers", peers=status.num_peers)
        self._uploaded = status.all_time_upload
        self._control.report(
            Progress(
                phase=phase,
                bytes_done=done,
                bytes_total=total,
                bytes_per_second=speed,
                seconds_left=(total - done) / speed if speed and total else None,
                problem=problem,
                bytes_uploaded=self._uploaded,
            )
        )

    def _save(self, patience_s: float) -> None:
        """Note what is here; without an answer in time what was noted before stands."""
        if not self._handle.status().has_metadata:
            return
        self._handle.save_resume_data(self._lt.save_resume_flags_t.save_info_dict)
        end = time.monotonic() + patience_s
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
        # With the names in the torrent, not those that the files were given here.  libtorrent 2.0 has no ``layout``.
        return info.layout() if hasattr(info, "layout") else info.orig_files()


def _model_of(name: str) -> str:
    """The same for all files of one model."""
    part = part_of(name)
    return part.base if part else named_shards(Path(name))[0].name
