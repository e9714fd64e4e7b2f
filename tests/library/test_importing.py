"""Inspection of dropped files and folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import gguf
import pytest

from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts
from model_manager.library.library import ModelLibrary
from model_manager.library.scan import ImportCandidate, inspect_paths
from tests.rigs.downloaded import write_downloaded
from tests.rigs.tiny_embedder import write_tiny_embedder
from tests.rigs.tiny_model import write_tiny_model


def _cut(folder: Path, source: Path, names: tuple[str, ...]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    step = len(content) // len(names) + 1
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        path.write_bytes(content[number * step :][:step])
    return paths


def _one(path: Path) -> ImportCandidate:
    (found,) = inspect_paths((path,))
    return found


def _problem(candidate: ImportCandidate) -> str | None:
    return candidate.problem.code if candidate.problem else None


def test_a_loadable_file_is_offered_for_registration(library: ModelLibrary, tiny: Path) -> None:
    found = _one(tiny)
    assert found == ImportCandidate((tiny,), tiny.stat().st_size, "tiny", None, "register", "F32", False)
    assert library.register(found.paths[0], found.name).id == "tiny"


def test_an_embedding_model_is_offered_for_registration_and_marked(
    library: ModelLibrary, tmp_path: Path, tiny: Path
) -> None:
    found = _one(write_tiny_embedder(tmp_path / "embedder.gguf"))
    assert (found.action, _problem(found)) == ("register", None)
    models = [library.register(path) for path in (found.paths[0], tiny)]
    assert [(model.ready, model.embeds) for model in models] == [(True, True), (True, False)]
    # Also where the metadata was stored before.
    assert [model.embeds for model in library.list()][-2:] == [True, False]
    # Word pieces without a way to make one vector of a text.
    unusable = _one(write_tiny_embedder(tmp_path / "none.gguf", pooling=gguf.PoolingType.NONE))
    assert (unusable.action, _problem(unusable)) == (None, "not_a_chat_model")


def test_a_legacy_file_is_offered_for_conversion(library: ModelLibrary, tmp_path: Path, tiny_legacy: Path) -> None:
    found = _one(tiny_legacy)
    assert (found.action, _problem(found)) == ("repair", "experts_in_separate_tensors")
    out = stack_experts(found.paths[0], tmp_path / "new.gguf")
    assert _one(out).action == "register"
    assert library.register(out).ready


def test_legacy_shards_have_no_action(tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "old.gguf", n_expert=4, legacy=True, tensors_per_file=10)
    found = _one(first)
    assert (found.action, _problem(found)) == (None, "experts_in_shards")


@pytest.mark.parametrize("dropped", [[0], [1], [2, 0], [0, 1, 2]])
def test_split_parts_are_one_candidate(library: ModelLibrary, tmp_path: Path, tiny: Path, dropped: list[int]) -> None:
    paths = _cut(tmp_path / "parts", tiny, tuple(f"big.gguf.part{number}of3" for number in (1, 2, 3)))
    (found,) = inspect_paths([paths[number] for number in dropped])
    assert (found.paths, found.name) == (tuple(paths), "big")
    assert (found.action, found.problem, found.bytes) == ("join", None, tiny.stat().st_size)
    joined = join_parts(found.paths)
    assert joined.read_bytes() == tiny.read_bytes()
    assert library.register(joined).id == "big"


def test_missing_parts_are_named(tmp_path: Path, tiny: Path) -> None:
    paths = _cut(tmp_path, tiny, tuple(f"big.gguf-split-{letter}" for letter in "abcd"))
    paths[1].unlink()
    found = _one(paths[3])
    assert (found.action, _problem(found)) == (None, "parts_missing")
    assert found.problem is not None
    assert found.problem.data["missing"] == ["big.gguf-split-b"]
    assert found.paths == (paths[0], paths[2], paths[3])


def test_a_missing_last_part_is_detected_by_size(tmp_path: Path, tiny: Path) -> None:
    paths = _cut(tmp_path, tiny, tuple(f"big.gguf.part-{letter}" for letter in "abc"))
    paths[2].unlink()
    found = _one(paths[0])
    assert _problem(found) == ("parts_do_not_fit")


def test_shards_named_like_parts_are_refused(tmp_path: Path, tiny: Path) -> None:
    for letter in "ab":
        shutil.copy(tiny, tmp_path / f"big.gguf-split-{letter}")
    assert _problem(_one(tmp_path / "big.gguf-split-a")) == "parts_are_shards"


def test_shards_are_one_candidate(tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "split.gguf", tensors_per_file=6)
    shards = sorted(tmp_path.glob("split-*.gguf"))
    for dropped in ([shards[2]], shards, list(reversed(shards))):
        (found,) = inspect_paths(dropped)
        assert (found.paths, found.action) == (tuple(shards), "register")
        assert (found.name, found.bytes) == ("split", sum(each.stat().st_size for each in shards))
    shards[2].unlink()
    found = _one(shards[3])
    assert (found.action, _problem(found)) == (None, "shard_missing")
    assert found.problem is not None
    assert found.problem.data["path"] == shards[2]
    first.unlink()
    assert _problem(_one(shards[1])) == "shard_missing"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("paper.pdf", b"%PDF-1.7", "not_gguf"),
        ("model.safetensors", bytes(100), "not_gguf"),
        ("page.gguf", b"<!DOCTYPE html><html>Please log in", "is_web_page"),
        ("pointer.gguf", b"version https://git-lfs.github.com/spec/v1\noid", "is_lfs_pointer"),
        ("empty.gguf", b"", "not_gguf"),
        ("broken.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 50, "gguf_damaged"),
        ("old.gguf", b"GGUF\x01\0\0\0" + bytes(50), "gguf_version_unsupported"),
    ],
)
def test_other_files_are_reported(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = _one(path)
    assert (_problem(found), found.action) == (problem, None)


def test_missing_files_are_reported(tmp_path: Path) -> None:
    assert _problem(_one(tmp_path / "gone.gguf")) == "file_missing"
    assert _problem(_one(tmp_path / ("x" * 300 + ".gguf"))) == "file_unreadable"
    assert _problem(_one(tmp_path / "a\0b.gguf")) == "file_missing"


@pytest.mark.parametrize(
    "name",
    [
        "m.gguf.part",
        "m.gguf.crdownload",
        "m.gguf.downloadInProgress",
        "m.gguf.incomplete",
        "incomplete-m.gguf",
        "m.gguf.tmp",
    ],
)
def test_unfinished_downloads_of_other_programs_are_reported(tmp_path: Path, tiny: Path, name: str) -> None:
    path = tmp_path / name
    # As large as the whole and with a good header, as where the room is taken beforehand.
    path.write_bytes(tiny.read_bytes()[:100_000] + bytes(tiny.stat().st_size - 100_000))
    found = _one(path)
    assert (_problem(found), found.action) == ("unfinished_download", None)
    (in_folder,) = inspect_paths((tmp_path,))
    assert (in_folder.paths, in_folder.action) == (found.paths, None)


def test_a_truncated_file_is_reported(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny.read_bytes()[:-1])
    found = _one(path)
    assert _problem(found) == ("gguf_incomplete")


def test_unfinished_conversions_and_joins_can_be_continued(tmp_path: Path, tiny: Path) -> None:
    for ending, action in (("repairing", "repair"), ("joining", "join")):
        path = tmp_path / f"m.gguf.{ending}"
        path.write_bytes(tiny.read_bytes())
        found = _one(path)
        assert (found.action, found.paths) == (action, (path,))


def test_a_projector_is_reported(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "mmproj-model.gguf"
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_tensor("v.weight", np.zeros((32, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = _one(path)
    assert (_problem(found), found.action) == ("not_a_chat_model", None)


def test_a_folder_with_all_kinds_of_files(tmp_path: Path, tiny: Path, tiny_legacy: Path) -> None:
    root = tmp_path / "downloads"
    _cut(root / "parts", tiny, ("b.gguf.part1of2", "b.gguf.part2of2"))
    write_tiny_model(root / "c.gguf", tensors_per_file=6)
    shutil.copy(tiny_legacy, root / "d.gguf")
    shutil.copy(tiny, root / "a.gguf")
    shutil.copy(tiny, root / "e.gguf.part")
    write_downloaded(root, tiny, "f.gguf")
    (root / "README.md").write_text("# read me")
    (root / ".cache").mkdir()
    shutil.copy(tiny, root / ".cache" / "hidden.gguf")
    (root / "circle").symlink_to(root, target_is_directory=True)
    (root / "nowhere.gguf").symlink_to(root / "gone")
    os.mkfifo(root / "pipe.gguf")
    before = sorted(root.rglob("*"))
    found = {each.name: each.action for each in inspect_paths((root,))}
    assert found == {"a": "register", "b": "join", "c": "register", "d": "repair", "e.gguf": None, "f": "register"}
    assert sorted(root.rglob("*")) == before


def test_each_file_is_one_candidate(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "a.gguf"
    shutil.copy(tiny, path)
    link = tmp_path / "link.gguf"
    link.symlink_to(path)
    assert [each.paths for each in inspect_paths((path, tmp_path, link, path))] == [(path,)]


def test_a_folder_without_models_is_reported(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("text")
    found = _one(tmp_path)
    assert (_problem(found), found.paths) == ("no_models_in_folder", (tmp_path,))


def test_links_are_foreign(tmp_path: Path, tiny: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(tiny)
    assert _one(link).foreign
    assert not _one(tiny).foreign
