"""The models folder and the folders of other programs: what is found there, and under which names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model_manager.layout.origin import origin_path, read_origin
from model_manager.library.library import ModelLibrary
from model_manager.library.registry import RegistryFile
from tests.rigs.downloaded import code_of, write_downloaded
from tests.rigs.tiny_model import write_tiny_model

ROOT = Path(__file__).parents[2]


def _ids(library: ModelLibrary) -> list[str]:
    return [each.id for each in library.list()]


def test_a_downloaded_file_keeps_its_published_id(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny, "APUS.Q2_K.gguf", "apus:Q2_K")
    other = write_downloaded(models, tiny, "other.gguf", "OWNER/REPO:folder/other.gguf")
    found = library.list()
    assert {each.id: each.path for each in found} == {"apus:Q2_K": path, "OWNER/REPO:folder/other.gguf": other}
    for each in found:
        assert library.resolve(each.id) == each
        assert (each.folder, each.in_models_folder, each.ready) == (models, True, True)
    assert library.resolve(str(path)).id == "apus:Q2_K"


def test_a_downloaded_file_has_the_summary_of_its_origin(
    library: ModelLibrary, models: Path, tiny: Path, tiny_legacy: Path
) -> None:
    plain = write_downloaded(models, tiny, "plain.gguf", "apus:Q2_K")
    stacked = write_downloaded(models, tiny_legacy, "stacked.gguf", "apus:IQ3_XXS")
    parts = write_downloaded(models, tiny, "parts.gguf", "apus:Q3_K_M", cuts=(1000,))
    by_id = {each.id: each for each in library.list()}
    for model_id, path, source in (("apus:Q2_K", plain, tiny), ("apus:IQ3_XXS", stacked, tiny_legacy)):
        summary, origin = by_id[model_id].published, read_origin(path)
        assert summary is not None
        assert origin is not None
        assert (summary.repository, summary.commit) == ("OWNER/REPO", "c" * 40)
        assert summary.published_sha256 == origin.parts[0].sha256
        assert summary.stacked is (source == tiny_legacy)
        # A download is verified and needs no further hashing.
        assert by_id[model_id].sha256 == origin.sha256
        assert by_id[model_id].verified_at == origin.verified_at
        assert library.known_hash(path) is not None
    summary = by_id["apus:Q3_K_M"].published
    assert summary is not None
    assert summary.published_sha256 is None
    assert parts.exists()


def test_a_changed_download_is_not_verified(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    assert library.list()[0].sha256 is not None
    later = time.time() + 60
    os.utime(path, (later, later))
    assert library.list()[0].sha256 is None
    assert library.known_hash(path) is None


def test_a_download_of_another_size_is_not_verified(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    status = path.stat()
    path.write_bytes(tiny.read_bytes() + b"more")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.list()[0].sha256 is None


def test_origins_are_cached(library: ModelLibrary, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny)
    before = library.list()
    sidecar = origin_path(path)
    status = sidecar.stat()
    sidecar.write_bytes(b"x" * status.st_size)
    os.utime(sidecar, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.list() == before
    os.utime(sidecar, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    assert library.list()[0].published is None


def test_a_file_without_origin_is_named_after_its_stem(library: ModelLibrary, models: Path, tiny: Path) -> None:
    (models / "below").mkdir()
    for name in ("hand.gguf", "below/hand.gguf", "a:b.gguf"):
        (models / name).write_bytes(tiny.read_bytes())
    assert {each.id: each.path for each in library.list()} == {
        "a-b": models / "a:b.gguf",
        "hand": models / "hand.gguf",
        "hand-2": models / "below" / "hand.gguf",
    }


def test_files_keep_their_ids(library: ModelLibrary, models: Path, tiny: Path) -> None:
    for name in ("b", "c"):
        (models / name).mkdir()
        (models / name / "same.gguf").write_bytes(tiny.read_bytes())
    assert _ids(library) == ["same", "same-2"]
    (models / "a").mkdir()
    (models / "a" / "same.gguf").write_bytes(tiny.read_bytes())
    assert library.resolve("same").path == models / "b" / "same.gguf"
    assert library.resolve("same-3").path == models / "a" / "same.gguf"
    (models / "b" / "same.gguf").unlink()
    assert {each.id: each.path.parent.name for each in library.list()} == {"same-3": "a", "same-2": "c"}


def test_unfinished_and_quarantined_files_are_not_listed(library: ModelLibrary, models: Path, tiny: Path) -> None:
    for ending in ("part", "bad", "repairing", "joining", "moving", "tmp", "part.json", "downloadInProgress"):
        (models / f"m.gguf.{ending}").write_bytes(tiny.read_bytes())
    (models / "incomplete-m.gguf").write_bytes(tiny.read_bytes())
    (models / ".hidden.gguf").write_bytes(tiny.read_bytes())
    (models / ".trash").mkdir()
    (models / ".trash" / "m.gguf").write_bytes(tiny.read_bytes())
    assert library.list() == ()
    expected = {"part": "unfinished_download", "bad": "file_quarantined", "repairing": "repair_stopped"}
    for ending, code in expected.items():
        path = models / f"m.gguf.{ending}"
        assert code_of(lambda path=path: library.register(path)) == code
        assert code_of(lambda path=path: library.resolve(str(path))) == code


def test_two_files_with_one_published_id(library: ModelLibrary, models: Path, tiny: Path) -> None:
    first = write_downloaded(models, tiny, "b.gguf", "apus:Q2_K")
    assert library.resolve("apus:Q2_K").path == first
    write_downloaded(models, tiny, "a.gguf", "apus:Q2_K")
    assert {each.id: each.path.name for each in library.list()} == {"a": "a.gguf", "apus:Q2_K": "b.gguf"}
    first.unlink()
    assert _ids(library) == ["apus:Q2_K"]


@pytest.mark.parametrize(
    "model_id", ["starter", "plain", "/etc/passwd", "apus:\n", "", "C:\\x.gguf", "a b:c", "x" * 5000]
)
def test_an_origin_with_an_invalid_id(library: ModelLibrary, models: Path, tiny: Path, model_id: str) -> None:
    write_downloaded(models, tiny, "mine.gguf", model_id)
    assert _ids(library) == ["mine"]


def test_ids_of_missing_downloads_are_reported(library: ModelLibrary, models: Path, tiny: Path) -> None:
    for text in ("apus:Q2_K", "OWNER/REPO:FILE.gguf", "magnet:?xt=urn:btih:0"):
        assert code_of(lambda text=text: library.resolve(text)) == "model_not_downloaded"
    (models / "elsewhere").mkdir()
    assert code_of(lambda: library.resolve(f"{models}/x:y.gguf")) == "file_missing"


def test_a_split_model_in_the_folder_is_one_entry(library: ModelLibrary, models: Path) -> None:
    first = write_tiny_model(models / "split.gguf", tensors_per_file=6)
    assert [(each.id, each.path, each.ready) for each in library.list()] == [("split", first, True)]
    first.unlink()
    found = library.list()
    assert [(each.id, each.problem) for each in found] == [("split", "shard_missing")]


def test_unloadable_files_in_the_models_folder_are_listed_with_their_problem(
    library: ModelLibrary, models: Path, tiny: Path, tiny_legacy: Path
) -> None:
    (models / "cut.gguf").write_bytes(tiny.read_bytes()[:-1])
    shutil.copy(tiny_legacy, models / "old.gguf")
    assert {each.id: each.problem for each in library.list()} == {
        "cut": "gguf_incomplete",
        "old": "experts_in_separate_tensors",
    }


def test_a_found_model_is_neither_registered_nor_removed(
    library: ModelLibrary, models: Path, tiny: Path, data: Path
) -> None:
    path = write_downloaded(models, tiny)
    found = library.list()[0]
    assert library.register(path) == found
    assert RegistryFile(data).read().models == ()
    assert code_of(lambda: library.remove("apus:Q2_K")) == "model_in_folder"
    assert library.list() == (found,)


def test_registered_models_keep_their_ids(data: Path, models: Path, tiny: Path) -> None:
    path = write_downloaded(models, tiny, "mine.gguf")
    ModelLibrary(data, find_starter=lambda: None).register(path)
    library = ModelLibrary(data, find_starter=lambda: None, models_folder=models)
    assert _ids(library) == ["mine"]
    library.remove("mine")
    assert _ids(library) == ["apus:Q2_K"]


def test_the_models_folder_may_change(data: Path, tmp_path: Path, tiny: Path) -> None:
    place = [tmp_path / "one"]
    library = ModelLibrary(data, find_starter=lambda: None, models_folder=lambda: place[0])
    assert library.list() == ()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.gguf").write_bytes(tiny.read_bytes())
    assert _ids(library) == ["one"]
    place[0] = tmp_path / "two"
    assert _ids(library) == ["two"]
    assert library.models_folder == tmp_path / "two"


def test_models_on_a_disconnected_drive_stay_listed(library: ModelLibrary, models: Path, tiny: Path) -> None:
    write_downloaded(models, tiny)
    found = library.list()[0]
    away = models.parent.replace(models.parent.with_name("unplugged"))
    gone = library.list()[0]
    assert (gone.id, gone.ready, gone.problem) == ("apus:Q2_K", False, "file_missing")
    assert (gone.bytes, gone.quantisation) == (found.bytes, found.quantisation)
    away.replace(models.parent)
    assert library.list() == (found,)


def test_models_are_listed_where_the_registry_is_read_only(tmp_path: Path, models: Path, tiny: Path) -> None:
    (models / "a.gguf").write_bytes(tiny.read_bytes())
    data = tmp_path / "data"
    library = ModelLibrary(data, find_starter=lambda: None, models_folder=models)
    data.mkdir()
    (data / "library.json.lock").mkdir()
    assert _ids(library) == ["a"]
    assert library.resolve("a").ready


def test_a_registry_of_a_version_without_folders(library: ModelLibrary, data: Path, models: Path, tiny: Path) -> None:
    library.register(tiny)
    stored = json.loads((data / "library.json").read_text())
    del stored["found"], stored["folders"]
    for facts in stored["facts"].values():
        del facts["origin"]
    (data / "library.json").write_text(json.dumps(stored))
    (models / "new.gguf").write_bytes(tiny.read_bytes())
    assert _ids(library) == ["tiny", "new"]


def test_two_processes_assign_the_same_ids(data: Path, models: Path, tiny: Path) -> None:
    for number in range(20):
        (models / str(number)).mkdir()
        (models / str(number) / "same.gguf").write_bytes(tiny.read_bytes())
    code = """
import sys
from pathlib import Path
from model_manager.library.library import ModelLibrary
library = ModelLibrary(Path(sys.argv[1]), find_starter=lambda: None, models_folder=Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    found = sorted((each.id, str(each.path)) for each in library.list())
print(found, flush=True)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(data), str(models)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        answers.append(process.communicate(timeout=60)[0])
        assert process.returncode == 0
    assert answers[0] == answers[1]
    assert answers[0].count("same") == 40


def test_relocated_files_keep_ids_and_hashes(
    library: ModelLibrary, models: Path, tmp_path: Path, tiny: Path, data: Path
) -> None:
    path = write_downloaded(models, tiny)
    (models / "hand.gguf").write_bytes(tiny.read_bytes())
    library.record_file_hash(library.resolve("hand").path, "1" * 64)
    before = {each.id: each for each in library.list()}
    new = tmp_path / "new"
    new.mkdir()
    stays = write_downloaded(models, tiny, "stays.gguf", "apus:Q4_K_M")
    shutil.copy(stays, new / stays.name)
    library.list()
    for each in (path, origin_path(path), models / "hand.gguf"):
        each.replace(new / each.name)
    library.relocate(models, new)
    assert RegistryFile(data).read().found_paths["apus:Q4_K_M"] == str(stays)
    (new / stays.name).unlink()
    moved = ModelLibrary(data, find_starter=lambda: None, models_folder=new)
    after = {each.id: each for each in moved.list()}
    assert after.keys() == before.keys()
    assert after["hand"].sha256 == "1" * 64
    assert after["apus:Q2_K"].path == new / path.name
    assert after["apus:Q2_K"].sha256 == before["apus:Q2_K"].sha256
