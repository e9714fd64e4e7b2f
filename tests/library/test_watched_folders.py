"""Folders that other programs fill: what is listed of them, and that looking there stays cheap."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from model_manager.library.library import ModelLibrary
from model_manager.library.scan import walk
from tests.rigs.downloaded import code_of


def _ids(library: ModelLibrary) -> list[str]:
    return [each.id for each in library.list()]


def test_a_watched_folder_on_a_disconnected_drive(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "stick" / "models"
    folder.mkdir(parents=True)
    (folder / "theirs.gguf").write_bytes(tiny.read_bytes())
    (found,) = library.add_folder(folder)
    away = folder.parent.replace(tmp_path / "unplugged")
    assert [(each.id, each.problem) for each in library.list()] == [("theirs", "file_missing")]
    away.replace(folder.parent)
    assert library.list() == (found,)


def test_a_folder_of_another_program(library: ModelLibrary, tmp_path: Path, tiny: Path, tiny_legacy: Path) -> None:
    folder = tmp_path / "lmstudio" / "models"
    good = folder / "publisher" / "repo" / "Good.Q4_K_M.gguf"
    nameless = folder / "author" / "Nice-Model" / "model.gguf"
    for path in (good, nameless):
        path.parent.mkdir(parents=True)
        path.write_bytes(tiny.read_bytes())
    shutil.copy(tiny_legacy, folder / "old.gguf")
    (folder / "cut.gguf").write_bytes(tiny.read_bytes()[:-1])
    (folder / "picture.gguf").write_bytes(b"\x89PNG")
    assert {each.id: each.path for each in library.add_folder(folder)} == {
        "Good.Q4_K_M": good,
        "Nice-Model": nameless,
    }
    assert library.folders() == (folder,)
    for each in library.list():
        assert (each.folder, each.in_models_folder, each.ready) == (folder, False, True)
        assert library.resolve(each.id) == each
    assert code_of(lambda: library.remove("Nice-Model")) == "model_in_folder"
    # What comes later is listed too, what goes is not.
    (folder / "late.gguf").write_bytes(tiny.read_bytes())
    good.unlink()
    assert sorted(_ids(library)) == ["Nice-Model", "late"]
    library.add_folder(folder)
    assert library.folders() == (folder,)
    library.remove_folder(folder)
    assert (library.folders(), library.list()) == ((), ())
    assert nameless.exists()


def test_a_missing_folder_is_refused(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    assert code_of(lambda: library.add_folder(tmp_path / "gone")) == "folder_missing"
    assert code_of(lambda: library.add_folder(tiny)) == "folder_missing"


def test_files_in_the_hub_cache_are_listed_once_by_name(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    cache = tmp_path / "hub"
    repository = cache / "models--OWNER--Some-GGUF"
    blob = repository / "blobs" / ("ab" * 32)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(tiny.read_bytes())
    for commit in ("1" * 40, "2" * 40):
        snapshot = repository / "snapshots" / commit
        snapshot.mkdir(parents=True)
        (snapshot / "some.Q4_0.gguf").symlink_to(Path("../../blobs") / blob.name)
    other = cache / "models--OWNER--Nameless" / "snapshots" / ("3" * 40) / "model.gguf"
    other.parent.mkdir(parents=True)
    other.write_bytes(tiny.read_bytes())
    found = {each.id: each.path for each in library.add_folder(cache)}
    assert found == {"some.Q4_0": repository / "snapshots" / ("1" * 40) / "some.Q4_0.gguf", "Nameless": other}


def test_nested_folders_and_loops_of_links(library: ModelLibrary, models: Path, tiny: Path) -> None:
    inner = models / "inner"
    inner.mkdir()
    (inner / "a.gguf").write_bytes(tiny.read_bytes())
    (inner / "circle").symlink_to(models, target_is_directory=True)
    (inner / "nowhere.gguf").symlink_to("gone")
    (models / "b.gguf").symlink_to(inner / "a.gguf")
    deep = models
    for number in range(30):
        deep = deep / str(number)
    deep.mkdir(parents=True)
    (deep / "too-deep.gguf").write_bytes(tiny.read_bytes())
    library.add_folder(inner)
    assert [(each.id, each.in_models_folder) for each in library.list()] == [("b", True)]


def test_walk_yields_every_file_once(tmp_path: Path) -> None:
    for name in ("a/1", "a/b/2", ".hidden/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "a" / "b" / "circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    assert [path.name for path in walk(tmp_path)] == ["1", "2"]
    assert [path.name for path in walk(tmp_path, max_depth=1)] == ["1"]
    assert list(walk(tmp_path, max_entries=1)) == []
    assert list(walk(tmp_path / "gone")) == []


def test_hundreds_of_files_are_listed_quickly(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "many"
    for number in range(300):
        path = folder / f"publisher-{number % 20}" / f"{number}.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiny.read_bytes()[: 400_000 if number % 3 == 0 else None])
    assert len(library.add_folder(folder)) == 200
    seconds = []
    for _ in range(3):
        before = time.process_time()
        assert len(library.list()) == 200
        seconds.append(time.process_time() - before)
    assert min(seconds) < 0.3
