"""A real engine child for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.local_engine import LocalEngine
from tests.rigs import simulated_cuda


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LocalEngine]:
    made = LocalEngine(tmp_path / "logs" / "engine.log")
    yield made
    made.release()


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    """For tests that leave the engine as they found it: starting a child takes half a second."""
    made = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    yield made
    made.release()


@pytest.fixture(scope="module")
def cuda(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    """An engine on two simulated CUDA devices."""
    made = LocalEngine(tmp_path_factory.mktemp("logs") / "engine.log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in simulated_cuda.environment(8, 8).items():
            patch.setenv(name, value)
        yield made
    made.release()
