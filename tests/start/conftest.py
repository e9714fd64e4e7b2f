"""Fixtures: a source tree for start.py, which works on its own folder."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

import start


def tree_at(folder: Path) -> ModuleType:
    """Copy start.py there and import that copy."""
    shutil.copytree(start.LOCKS, folder / start.LOCKS.relative_to(start.ROOT))
    for name in ("start.py", "pyproject.toml"):
        shutil.copy(start.ROOT / name, folder)
    spec = importlib.util.spec_from_file_location("start_of_a_copy", folder / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> ModuleType:
    return tree_at(tmp_path / "a tree")


@pytest.fixture
def copy_of_tree(tmp_path: Path) -> ModuleType:
    return tree_at(tmp_path / "another tree")
