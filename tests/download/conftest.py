"""Fake hubs with files, and downloads of small pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model_manager.hub import remote_header
from tests.download.download_helpers import PIECE, Fetch, Shelf
from tests.rigs.fake_hub import FakeHub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def second_hub() -> Iterator[FakeHub]:
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def shelf(tmp_path: Path, hub: FakeHub) -> Shelf:
    return Shelf(tmp_path / "published", hub)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Instead of 2 MiB, so that most of a small file is downloaded after its header.
    monkeypatch.setattr(remote_header, "FIRST_BYTES", PIECE)
    return tmp_path / "models"


@pytest.fixture
def fetch(models: Path, hub: FakeHub) -> Iterator[Fetch]:
    fetcher = Fetch(models, hub)
    yield fetcher
    for running in fetcher.running:
        running.cancel()
