"""Fixtures for tests of model files: tiny models of every layout, written once per session, and the starter.

A conftest that imports them provides them to its folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rigs.tiny_model import write_tiny_model

__all__ = ["closed_to_us", "starter_file", "tiny", "tiny_legacy", "tiny_moe", "tiny_split"]


@pytest.fixture(scope="session")
def tiny(tiny_model: Path) -> Path:
    """A dense model in one file."""
    return tiny_model


@pytest.fixture(scope="session")
def tiny_moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mixture of experts with stacked experts."""
    return write_tiny_model(tmp_path_factory.mktemp("moe") / "tiny-moe.gguf", n_expert=4)


@pytest.fixture(scope="session")
def tiny_legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one tensor per expert."""
    return write_tiny_model(tmp_path_factory.mktemp("legacy") / "tiny-legacy.gguf", n_expert=4, legacy=True)


@pytest.fixture
def tiny_split(tmp_path: Path) -> Path:
    """The first of four shards of a dense model, written for each test because some remove a shard."""
    return write_tiny_model(tmp_path / "split.gguf", tensors_per_file=6)


@pytest.fixture(scope="session")
def starter_file(starter: Path) -> Path:
    """The starter model."""
    return starter


@pytest.fixture
def closed_to_us() -> Callable[[Path], object]:
    """``with closed_to_us(path):`` removes all access to ``path``, also for the administrator."""

    @contextmanager
    def closed(path: Path) -> Iterator[None]:
        mode = path.stat().st_mode
        path.chmod(0)
        # The administrator may read everything, hence another user for the duration.
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
