"""Random combinations of faults of a hub, changed files and kills.

Every run ends with the published file or with one sentence, wrong bytes never become a model, and once the hub is sound
again the file arrives.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.messages import sentence
from model_manager.download.download import DownloadOptions, download
from model_manager.download.session import RetryPolicy
from model_manager.download.transfer import Transfer
from model_manager.errors import UserError
from model_manager.hub.access import Access
from model_manager.published import PublishedKind, PublishedModel
from tests.download.download_helpers import REPOSITORY, Shelf, names_in, sha256_of
from tests.rigs.download_child import start_download
from tests.rigs.fake_hub import FakeHub
from tests.rigs.plain_gguf import write_plain_gguf
from tests.rigs.tiny_model import write_tiny_model

FAULTS_FROM = int(os.environ.get("FAULTS_FROM", "1000"))
KB, MB = 1000, 1_000_000
OPTIONS = DownloadOptions(200 * KB, RetryPolicy(2.0, 0.4, 0.005, longest_pause_s=0.1, rate_known_after_s=1.0))
NAME = "model.gguf"
FAULTS: dict[str, Callable[[random.Random, int], dict[str, Any]]] = {
    "cut": lambda chance, size: {"after": chance.choice((1, 10 * KB, 90 * KB, 700 * KB, MB, (1, MB)))},
    "reset": lambda chance, size: {"after": chance.choice((1, 10 * KB, 90 * KB, 700 * KB, MB, (1, MB)))},
    "stall": lambda chance, size: {"after": chance.randrange(200 * KB), "seconds": 20},
    "trickle": lambda chance, size: {"rate": 2 * MB},
    "delay": lambda chance, size: {"seconds": chance.choice((0.05, 0.6))},
    "status": lambda chance, size: {
        "code": chance.choice((401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 504, 511)),
        "headers": chance.choice(({}, {"Retry-After": "0"}, {"Retry-After": "soon"})),
    },
    "corrupt": lambda chance, size: {"offset": chance.randrange(size)},
    "length": lambda chance, size: {"delta": chance.choice((-700, 900))},
    "truncate": lambda chance, size: {"size": chance.randrange(1, size)},
    "ignore_range": lambda chance, size: {},
    "wrong_range": lambda chance, size: {"shift": chance.choice((1, 64, 4096))},
    "page": lambda chance, size: {},
    "redirect_loop": lambda chance, size: {},
    "headers": lambda chance, size: {
        "headers": chance.choice(
            (
                {"Content-Encoding": "gzip"},
                {"Content-Range": f"bytes 0-1/{size}"},
                {"Content-Range": f"bytes */{size}"},
                {"Content-Range": "bytes cats"},
                {"Content-Length": "17"},
                {"Content-Type": "text/html"},
            )
        )
    },
    "drop_headers": lambda chance, size: {"names": chance.choice((["Content-Range"], ["Content-Length"], ["ETag"]))},
}
ENDLESS = ("cut", "reset", "trickle")
"""Faults with which a download still ends."""
LOSSLESS = ("cut", "reset", "stall", "trickle", "delay", "status", "ignore_range")
"""Faults that deliver no wrong byte."""


@dataclass
class Script:
    """One random script, run in an empty folder."""

    chance: random.Random
    folder: Path
    hub: FakeHub
    mirror: FakeHub

    def __post_init__(self) -> None:
        self.models = self.folder / "models"
        self.has_hashes = self.chance.random() < 0.8
        self.published = self.publish(0)
        self.good = {self.expected}
        self.story: list[object] = [len(self.published.files), self.has_hashes]

    def publish(self, seed: int) -> PublishedModel:
        """Put a model on both hubs, in one file or in parts, in some scripts with experts to stack."""
        chance = random.Random(self.chance.random()) if not seed else self.chance
        folder = self.folder / f"published-{seed}"
        shelf = Shelf(folder, self.hub)
        if not seed and chance.random() < 0.2:
            folder.mkdir(parents=True)
            shape = {"n_expert": 4, "n_layer": 8}
            content = write_tiny_model(folder / "legacy", legacy=True, **shape).read_bytes()
            self.expected = sha256_of(write_tiny_model(folder / "stacked", **shape))
        else:
            folder.mkdir(parents=True)
            size = self.size if seed else chance.randrange(600, 2 * MB)
            whole = write_plain_gguf(folder / "whole", size, seed=seed)
            content, self.expected = whole.read_bytes(), sha256_of(whole)
        self.size = len(content)
        kind: PublishedKind = "parts" if not seed and chance.random() < 0.3 else "file"
        if kind == "parts":
            middle = chance.randrange(1, self.size)
            shelf.put_bytes(f"{NAME}.part1of2", content[:middle])
            shelf.put_bytes(f"{NAME}.part2of2", content[middle:])
        else:
            shelf.put_bytes(NAME, content)
        self.mirror.repos = self.hub.repos
        return shelf.published(kind, NAME, with_hashes=self.has_hashes)

    def add_faults(self) -> None:
        names = list(FAULTS) if self.has_hashes else list(LOSSLESS)
        for hub in (self.hub, self.mirror):
            for _ in range(self.chance.randrange(1, 5)):
                kind = self.chance.choice(names)
                where = self.chance.choice(("cdn", "cdn", "cdn", "resolve"))
                counts = {"times": self.chance.randrange(1, 6), "skip": self.chance.randrange(6)}
                self.add(hub, where, kind, **counts)
            if self.chance.random() < 0.7:
                self.add(hub, "cdn", self.chance.choice(ENDLESS), times=-1)

    def add(self, hub: FakeHub, where: str, kind: str, **counts: int) -> None:
        settings = FAULTS[kind](self.chance, self.size)
        if counts["times"] < 0 and settings.get("after") == 1:
            settings["after"] = 10 * KB
        self.story.append((where, kind, settings, counts))
        hub.fault(where, kind, **counts, **settings)

    def run(self) -> UserError | None:
        """Download in this process, in some scripts with a change of the mirror; return the error."""
        hubs = self.chance.sample((self.hub, self.mirror), 2)
        transfer = Transfer()

        def access() -> Access:
            return Access(hubs[0].url, self.hub.url, proxy="")

        def on_status(status: object) -> None:
            if switch_at is not None and time.monotonic() > switch_at and len(hubs) == 2:
                self.story.append("another mirror")
                del hubs[0]
                transfer.reconnect()
            if swap_at is not None and time.monotonic() > swap_at:
                self.swap()

        switch_at = time.monotonic() + self.chance.uniform(0, 0.5) if self.chance.random() < 0.4 else None
        can_swap = not self.has_hashes and len(self.published.files) == len(self.good) == 1
        swap_at = time.monotonic() + self.chance.uniform(0, 0.5) if can_swap and self.chance.random() < 0.6 else None
        transfer = Transfer(on_status=on_status)
        try:
            download(self.published, self.models, access, transfer, patience_s=1.5, options=OPTIONS)
        except UserError as error:
            self.story.append(error.code)
            return error
        return None

    def swap(self) -> None:
        """Replace the file on the hubs by another of its size, with the same identities."""
        if len(self.good) == 1:
            path = write_plain_gguf(self.folder / "swapped", self.size, seed=9)
            self.hub.repos[REPOSITORY][NAME].path = path
            self.good.add(sha256_of(path))
            self.story.append("swapped")

    def run_and_kill(self) -> None:
        before = self.hub.bytes_sent()
        goal = self.chance.randrange(self.size)
        child = start_download(self.hub.url, self.models, self.published)
        end = time.monotonic() + 5
        while self.hub.bytes_sent() < before + goal and child.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        child.kill()
        self.story.append(("killed", child.communicate()[0], self.hub.bytes_sent() - before))

    def check(self) -> None:
        for path in self.models.glob("*.gguf"):
            assert sha256_of(path) in self.good, (self.story, "wrong bytes became a model")

    def play(self) -> None:
        for _ in range(self.chance.randrange(1, 4)):
            self.add_faults()
            if self.chance.random() < 0.3:
                self.run_and_kill()
            else:
                error = self.run()
                said = sentence(error) if error else "."
                assert said.endswith("."), (self.story, said)
                assert said.isprintable(), (self.story, said)
                assert "?" not in said, (self.story, said)
            self.check()
            if self.chance.random() < 0.15 and len(self.published.files) == len(self.good) == 1:
                self.published = self.publish(7)
                self.good.add(self.expected)
                self.story.append("changed")
            for hub in (self.hub, self.mirror):
                hub.faults.clear()
        self.arrive()

    def arrive(self) -> None:
        """With a sound hub the file arrives, at the second start where damaged data was kept."""
        for _ in range(3):
            error = self.run()
            self.check()
            if error is None:
                assert names_in(self.models)[:2] == [NAME, f"{NAME}.origin.json"] or ".bad" in str(
                    names_in(self.models)
                )
                return
            if error.code in ("partial_of_another_file", "file_in_the_way"):
                # The message says that the older version must be deleted first.
                assert len(self.good) == 2, self.story
                shutil.rmtree(self.models)
        raise AssertionError((self.story, error))


def play(seed: int, folder: Path) -> None:
    with ExitStack() as hubs:
        hub, mirror = (hubs.enter_context(FakeHub()) for _ in range(2))
        hub.random = mirror.random = random.Random(seed)
        Script(random.Random(seed), folder, hub, mirror).play()


@pytest.mark.parametrize("seed", range(8))
def test_random_faults(tmp_path: Path, seed: int) -> None:
    play(seed, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(FAULTS_FROM, FAULTS_FROM + 300))
def test_three_hundred_scripts(tmp_path: Path, seed: int) -> None:
    play(seed, tmp_path)
