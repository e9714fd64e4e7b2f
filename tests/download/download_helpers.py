"""What the tests of downloads share: files on a hub, downloads of small pieces, and ones that run beside the test."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from model_manager.download import Control, Pace, Progress, Ways, download
from model_manager.errors import Cancelled, UserError
from model_manager.hub.access import Access
from model_manager.published import HubFile, PublishedKind, PublishedModel
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf

REPOSITORY = "somebody/model"
PIECE = 64 << 10
QUICK = Ways(
    piece_bytes=PIECE,
    pace=Pace(connect_timeout_s=2.0, read_timeout_s=0.5, first_pause_s=0.02, longest_pause_s=0.1, known_after_s=1.0),
)
SECONDS = 30.0


@dataclass
class Shelf:
    """Files on a hub, and what a listing of them says."""

    folder: Path
    hub: FakeHub
    names: list[str] = field(default_factory=list)

    def put(self, name: str, n_bytes: int, *, seed: int = 0) -> Path:
        """A whole GGUF file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_plain_gguf(path, n_bytes, seed=seed)
        return self.put_file(name, path)

    def put_bytes(self, name: str, content: bytes) -> Path:
        """Any bytes."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.put_file(name, path)

    def put_file(self, name: str, path: Path, sha256: str | None = None) -> Path:
        """A file that lies somewhere."""
        self.hub.add_file(REPOSITORY, name, path, sha256=sha256)
        self.names.append(name)
        return path

    def published(
        self, kind: PublishedKind = "file", file_name: str = "", *, with_hashes: bool = True
    ) -> PublishedModel:
        """What a listing says of everything that was put here."""
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
    """A download in a thread of its own."""

    def __init__(self, work: Callable[[Control], tuple[Path, ...]]) -> None:
        self.control = Control()
        self.paths: tuple[Path, ...] = ()
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.paths = self._work(self.control)
        except (UserError, Cancelled) as error:
            self.error = error

    def until(self, happened: Callable[[Progress], object]) -> Progress:
        """Wait until the progress shows something."""
        turn = threading.Event()
        for _ in range(int(SECONDS / 0.005)):
            progress = self.control.progress
            if happened(progress):
                return progress
            assert self._thread.is_alive(), (self.error, progress)
            turn.wait(0.005)
        raise AssertionError(self.control.progress)

    def join(self, seconds: float = SECONDS) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), self.control.progress

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()


class Fetch:
    """Downloads into one folder, the quick way unless told otherwise."""

    def __init__(self, models: Path, hub: FakeHub) -> None:
        self.models = models
        self.access = Access(hub.url, hub.url, proxy="")
        self.running: list[Running] = []

    def __call__(
        self, published: PublishedModel, control: Control | None = None, *, ways: Ways = QUICK, **options: object
    ) -> tuple[Path, ...]:
        options.setdefault("connections", 4)
        return download(published, self.models, lambda: self.access, control or Control(), ways=ways, **options)  # type: ignore[arg-type]

    def start(self, published: PublishedModel, *, ways: Ways = QUICK, **options: object) -> Running:
        running = Running(lambda control: self(published, control, ways=ways, **options))
        self.running.append(running)
        return running

    def refused(self, published: PublishedModel, **options: object) -> UserError:
        """The error that the download ends with."""
        with pytest.raises(UserError) as caught:
            self(published, **options)  # type: ignore[arg-type]
        return caught.value


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
