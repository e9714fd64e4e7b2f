"""Helpers of download tests: files on a fake hub, downloads of small pieces, and downloads in threads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from model_manager.download.download import DownloadOptions, download
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import DownloadStatus, Transfer
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.hub.http import HttpClient, TransientError
from model_manager.published import HubFile, PublishedKind, PublishedModel
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf

REPOSITORY = "somebody/model"
PIECE = 64 << 10
QUICK = DownloadOptions(
    piece_bytes=PIECE,
    retry=RetryPolicy(
        connect_timeout_s=2.0, read_timeout_s=0.5, first_pause_s=0.02, longest_pause_s=0.1, rate_known_after_s=1.0
    ),
)
SECONDS = 30.0


@dataclass
class Shelf:
    """Files on a hub, and their listing."""

    folder: Path
    hub: FakeHub
    names: list[str] = field(default_factory=list)

    def put(self, name: str, n_bytes: int, *, seed: int = 0) -> Path:
        """Add a GGUF file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_plain_gguf(path, n_bytes, seed=seed)
        return self.put_file(name, path)

    def put_bytes(self, name: str, content: bytes) -> Path:
        """Add a file with this content."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.put_file(name, path)

    def put_file(self, name: str, path: Path, sha256: str | None = None) -> Path:
        """Add an existing file."""
        self.hub.add_file(REPOSITORY, name, path, sha256=sha256)
        self.names.append(name)
        return path

    def published(
        self, kind: PublishedKind = "file", file_name: str = "", *, with_hashes: bool = True
    ) -> PublishedModel:
        """Return the listing of all files."""
        known = self.hub.repos[REPOSITORY]
        files = tuple(
            HubFile(name, known[name].size, known[name].sha256 if with_hashes else None) for name in self.names
        )
        return PublishedModel(
            id=f"{REPOSITORY}:{file_name or self.names[0]}",
            repository=REPOSITORY,
            commit=self.hub.commit(REPOSITORY),
            file_name=file_name or self.names[0],
            kind=kind,
            files=files,
            checksums_from=self.hub.url.removeprefix("http://"),
        )


class Running:
    """A download in a thread."""

    def __init__(self, work: Callable[[Transfer], tuple[Path, ...]]) -> None:
        self.transfer = Transfer()
        self.paths: tuple[Path, ...] = ()
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.paths = self._work(self.transfer)
        except (UserError, Cancelled) as error:
            self.error = error

    def until(self, condition: Callable[[DownloadStatus], object]) -> DownloadStatus:
        """Wait until the status fulfils a condition."""
        tick = threading.Event()
        for _ in range(int(SECONDS / 0.005)):
            status = self.transfer.status
            if condition(status):
                return status
            assert self._thread.is_alive(), (self.error, status)
            tick.wait(0.005)
        raise AssertionError(self.transfer.status)

    def join(self, seconds: float = SECONDS) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), self.transfer.status

    def cancel(self) -> None:
        self.transfer.token.cancel()
        self.join()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()


class Fetch:
    """Downloads into one folder, with small pieces and short pauses by default."""

    def __init__(self, models: Path, hub: FakeHub) -> None:
        self.models = models
        self.access = Access(hub.url, hub.url, proxy="")
        self.running: list[Running] = []

    def __call__(
        self,
        published: PublishedModel,
        transfer: Transfer | None = None,
        *,
        options: DownloadOptions = QUICK,
        connections: int = 4,
        patience_s: float | None = None,
    ) -> tuple[Path, ...]:
        options = replace(options, connections=connections)
        transfer = transfer or Transfer()
        return download(published, self.models, lambda: self.access, transfer, patience_s=patience_s, options=options)

    def start(self, published: PublishedModel, *, options: DownloadOptions = QUICK, connections: int = 4) -> Running:
        running = Running(lambda transfer: self(published, transfer, options=options, connections=connections))
        self.running.append(running)
        return running

    def refused(self, published: PublishedModel, *, connections: int = 4, patience_s: float | None = None) -> UserError:
        """Return the error of a download."""
        with pytest.raises(UserError) as caught:
            self(published, connections=connections, patience_s=patience_s)
        return caught.value


def read_range(web: HttpClient, url: str, start: int, length: int) -> bytes:
    """Return a range of a file, also from a server without ranges."""
    with web.get_range(url, start, length) as response:
        skipped = 0 if response.check_range(start, length) else start
        content = response.read(skipped + length)[skipped:]
    if len(content) < length:
        raise TransientError("connection_lost")
    return content


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
