"""Model files in both layouts, made from the same random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rigs.tiny_model import write_tiny_model


@dataclass(frozen=True)
class Twins:
    """A file with one tensor per expert, its bytes, and those of the same model stacked from the start."""

    path: Path
    published: bytes
    stacked: bytes


@pytest.fixture
def twins(tmp_path: Path) -> Callable[..., Twins]:
    def write(**options: object) -> Twins:
        arguments = {"n_expert": 4, **options}
        path = write_tiny_model(tmp_path / "old.gguf", legacy=True, **arguments)  # type: ignore[arg-type]
        twin = write_tiny_model(tmp_path / "twin.gguf", **arguments)  # type: ignore[arg-type]
        stacked = twin.read_bytes()
        twin.unlink()
        return Twins(path, path.read_bytes(), stacked)

    return write
