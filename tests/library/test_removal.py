"""Deleting: what would go is named with its size, and nothing else goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_manager.layout.origin import origin_path
from model_manager.library.library import ModelLibrary
from model_manager.library.removal import delete, removal_of
from tests.rigs.downloaded import code_of, write_downloaded
from tests.rigs.tiny_model import write_tiny_model


def test_a_file_is_deleted_with_its_origin(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    other = write_downloaded(models, tiny, "other.gguf", "apus:Q4_K_M")
    removal = removal_of(library.resolve("apus:Q2_K"))
    assert removal.paths == (path, origin_path(path))
    assert removal.path == path
    assert removal.bytes == path.stat().st_size + origin_path(path).stat().st_size
    assert not removal.elsewhere
    assert path.exists()
    delete(removal, library)
    assert {each.name for each in models.iterdir()} == {other.name, origin_path(other).name}
    assert [each.id for each in library.list()] == ["apus:Q4_K_M"]
    delete(removal, library)


def test_all_shards_are_deleted_the_first_one_last(library: ModelLibrary, models: Path) -> None:
    first = write_tiny_model(models / "split.gguf", tensors_per_file=6)
    shards = sorted(models.glob("split-*.gguf"))
    neighbour = models / "split.txt"
    neighbour.write_text("mine")
    (model,) = library.list()
    removal = removal_of(model)
    assert removal.paths == tuple(reversed(shards))
    assert removal.paths[-1] == removal.path == first
    assert removal.bytes == model.bytes
    delete(removal, library)
    assert list(models.iterdir()) == [neighbour]


def test_a_registered_file_can_be_removed_or_deleted(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny.read_bytes())
    model = library.register(path)
    library.remove(model.id)
    assert path.exists()
    removal = removal_of(library.register(path))
    assert (removal.paths, removal.elsewhere) == ((path,), True)
    delete(removal, library)
    assert not path.exists()
    assert library.list() == ()


def test_an_unregistered_file_can_be_deleted(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny.read_bytes())
    delete(removal_of(library.resolve(str(path))), library)
    assert not path.exists()


def test_files_of_other_programs_are_not_deleted(data: Path, tmp_path: Path, tiny: Path) -> None:
    library = ModelLibrary(data, find_starter=lambda: tiny)
    assert code_of(lambda: removal_of(library.resolve("starter"))) == "starter_stays"
    folder = tmp_path / "lmstudio"
    folder.mkdir()
    (folder / "theirs.gguf").write_bytes(tiny.read_bytes()[:-1] + b"x")
    (model,) = library.add_folder(folder)
    assert code_of(lambda: removal_of(model)) == "file_of_another_program"


def test_a_link_and_a_second_name_free_nothing(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(tiny.read_bytes())
    link, second = tmp_path / "link.gguf", tmp_path / "second.gguf"
    link.symlink_to(blob)
    second.hardlink_to(blob)
    for path in (link, second):
        removal = removal_of(library.register(path))
        assert (removal.paths, removal.bytes) == ((path,), 0)
        delete(removal, library)
    assert blob.read_bytes() == tiny.read_bytes()
    assert not second.exists()


def test_a_file_that_cannot_be_deleted_is_reported(library: ModelLibrary, models: Path, tiny: Path) -> None:
    write_downloaded(models, tiny)
    removal = removal_of(library.list()[0])
    stubborn = models / "folder"
    stubborn.mkdir()
    assert code_of(lambda: delete(replace(removal, paths=(stubborn,)), library)) == "file_not_deleted"
    assert [each.id for each in library.list()] == ["apus:Q2_K"]
