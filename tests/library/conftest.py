"""Real model files, and a library whose models folder is another one than that of its list."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_manager.library.library import ModelLibrary
from tests.rigs.downloaded import write_downloaded
from tests.rigs.tiny_model import write_tiny_model

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense model in one file."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mixture of Experts with one tensor per expert."""
    return write_tiny_model(tmp_path_factory.mktemp("legacy") / "legacy.gguf", n_expert=4, legacy=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where ``library.json`` lies."""
    return tmp_path / "data"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models folder, on another drive as it were."""
    folder = tmp_path / "drive" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def library(data: Path, models: Path) -> ModelLibrary:
    """A library without a starter."""
    return ModelLibrary(data, find_starter=lambda: None, models_folder=models)


@pytest.fixture
def old(models: Path, tiny: Path, legacy: Path) -> Path:
    """A models folder with something of everything, and things that do not belong to it."""
    write_downloaded(models, tiny, "a.gguf", "apus:Q2_K")
    write_downloaded(models, legacy, "b.gguf", "apus:IQ3_XXS")
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
