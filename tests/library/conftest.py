"""Model files, and a library whose models folder is elsewhere than its list."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_manager.library.library import ModelLibrary
from tests.rigs.downloaded import write_downloaded
from tests.rigs.model_fixtures import *  # noqa: F403
from tests.rigs.tiny_model import write_tiny_model

MEMORY = Path("/dev/shm")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of ``library.json``."""
    return tmp_path / "library"


@pytest.fixture
def folder(data: Path) -> Path:
    """The folder of ``library.json``."""
    return data


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    """A model outside the library and the models folder."""
    path = tmp_path / "downloads" / "My Model.Q4_K_M.gguf"
    path.parent.mkdir()
    path.write_bytes(tiny.read_bytes())
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models folder, as if on another drive."""
    folder = tmp_path / "drive" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def library(data: Path, models: Path) -> ModelLibrary:
    """A library without a starter."""
    return ModelLibrary(data, find_starter=lambda: None, models_folder=models)


@pytest.fixture
def old(models: Path, tiny: Path, tiny_legacy: Path) -> Path:
    """A models folder with something of everything, and things that do not belong to it."""
    write_downloaded(models, tiny, "a.gguf", "apus:Q2_K")
    write_downloaded(models, tiny_legacy, "b.gguf", "apus:IQ3_XXS")
    (models / "below" / "deeper").mkdir(parents=True)
    write_tiny_model(models / "below" / "deeper" / "split.gguf", tensors_per_file=6)
    (models / "c.gguf.part").write_bytes(os.urandom(3 << 20))
    (models / "c.gguf.part.json").write_text("journal")
    (models / "d.gguf.bad").write_bytes(b"bad")
    (models / "e.gguf.part1of2").write_bytes(b"GGUF")
    (models / "downloads.json").write_text("queue")
    return models


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new"


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Path]:
    """A folder that is certain to be on another file system than the tests' own."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system; the others stand for it with a rename that refuses")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name) / "models"
