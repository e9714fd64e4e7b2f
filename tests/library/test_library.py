"""The library: what is on this machine, under which name, and whether it can be loaded."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from model_manager.errors import UserError
from model_manager.hub.catalogue import STARTER
from model_manager.library.library import LocalModel, ModelLibrary
from tests.rigs.apus_shapes import write_shape
from tests.rigs.tiny_model import write_tiny_model

SHA = "0123456789abcdef" * 4
Closed = Callable[[Path], AbstractContextManager[None]]


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value.code


def test_an_empty_library_writes_nothing(library: ModelLibrary, folder: Path) -> None:
    assert library.list() == ()
    assert not folder.exists()


def test_the_starter_is_listed(folder: Path, starter_file: Path) -> None:
    starter = LocalModel("starter", starter_file, STARTER.bytes, True, None, None, "Q4_1", STARTER.name, context=8192)
    library = ModelLibrary(folder)
    assert library.list() == (starter,)
    assert library.resolve("starter") == starter
    assert ModelLibrary(folder).list() == (starter,)


def test_a_file_is_registered_in_place(library: ModelLibrary, folder: Path, model: Path) -> None:
    found = library.register(model)
    assert found == LocalModel(
        "My Model.Q4_K_M", model, model.stat().st_size, True, quantisation="F32", name="Tiny random", context=2048
    )
    assert library.list() == (found,)
    assert library.resolve(found.id) == found
    assert model.exists()
    assert {each.name for each in folder.iterdir()} <= {"library.json", "library.json.lock"}


def test_the_starter_first_then_the_order_of_registration(
    folder: Path, tmp_path: Path, tiny: Path, tiny_moe: Path
) -> None:
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    library.register(tiny_moe)
    other = tmp_path / "aaa.gguf"
    other.write_bytes(tiny_moe.read_bytes())
    library.register(other)
    assert [each.id for each in library.list()] == ["starter", "tiny-moe", "aaa"]


def test_the_same_file_again_is_the_same_entry(
    library: ModelLibrary, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = library.register(model)
    link = tmp_path / "link.gguf"
    link.symlink_to(model)
    monkeypatch.chdir(model.parent)
    monkeypatch.setenv("HOME", str(model.parent))
    for same in (
        model,
        link,
        Path(model.name),
        model.parent / ".." / model.parent.name / model.name,
        Path("~") / model.name,
    ):
        assert library.register(same) == first
        assert library.resolve(os.fspath(same) if same.name != "~" else "~") == first
    assert library.list() == (first,)


def test_registering_the_starter_s_file_is_the_starter(folder: Path, tiny: Path) -> None:
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert library.register(tiny).id == "starter"
    assert len(library.list()) == 1


def test_two_files_of_one_name_get_two_ids(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    ids = []
    for name in ("a/model.gguf", "b/model.gguf", "c/Model.gguf", "d/starter.gguf"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(tiny.read_bytes())
        ids.append(library.register(path).id)
    assert ids == ["model", "model-2", "Model-3", "starter-2"]


def test_ids_do_not_look_like_other_kinds_of_ids(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    for name, expected in (("apus:Q2_K.gguf", "apus-Q2_K"), ("back\\slash.gguf", "back-slash"), (" .gguf", "model")):
        path = tmp_path / name
        path.write_bytes(tiny.read_bytes())
        found = library.register(path)
        assert found.id == expected
        assert library.resolve(expected) == found


def test_a_file_name_that_is_not_utf8(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.gguf"))
    path.write_bytes(tiny.read_bytes())
    found = library.register(path)
    assert found.id == "caf-"
    assert library.list() == (found,)
    assert found.path.read_bytes() == tiny.read_bytes()


def test_a_path_resolves_without_registration(
    library: ModelLibrary, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = library.resolve(str(model))
    assert (found.id, found.path, found.ready) == (str(model), model, True)
    assert library.resolve(found.id) == found
    monkeypatch.setenv("HOME", str(model.parent))
    assert library.resolve(f"~/{model.name}") == found
    monkeypatch.chdir(model.parent)
    assert library.resolve(model.name) == found
    assert library.list() == ()
    assert not folder.exists()


def test_unknown_models_are_reported(library: ModelLibrary, model: Path) -> None:
    known = library.register(model).id
    with pytest.raises(UserError) as caught:
        library.resolve("nothing")
    assert (caught.value.code, caught.value.data) == ("model_unknown", {"id": "nothing", "known": [known]})
    assert _code(lambda: library.resolve("starter")) == "starter_missing"
    for text in ("gone.gguf", "gone.GGUF", "./gone", "~/gone", "zero\0byte.gguf", "x" * 5000 + ".gguf"):
        assert _code(lambda text=text: library.resolve(text)) == "file_missing"
    assert library.resolve("../" * 400).problem == "is_a_folder"


def test_a_file_that_disappears_and_returns(library: ModelLibrary, model: Path) -> None:
    before = library.register(model)
    away = model.replace(model.with_suffix(".away"))
    gone = library.list()[0]
    assert (gone.ready, gone.problem) == (False, "file_missing")
    assert (gone.bytes, gone.quantisation, gone.name) == (before.bytes, before.quantisation, before.name)
    assert library.resolve(gone.id) == gone
    away.replace(model)
    assert library.list() == (before,)


def test_a_file_that_is_damaged_later(library: ModelLibrary, model: Path) -> None:
    library.register(model)
    whole = model.read_bytes()
    model.write_bytes(whole[:-1])
    assert library.list()[0].problem == "gguf_incomplete"
    model.write_bytes(whole[:100])
    assert library.list()[0].problem == "gguf_damaged"
    model.write_bytes(whole)
    assert library.list()[0].ready


def test_unloadable_files_are_not_registered(
    library: ModelLibrary, folder: Path, tmp_path: Path, tiny_legacy: Path, tiny: Path
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[:-1])
    picture = tmp_path / "picture.gguf"
    picture.write_bytes(b"\x89PNG")
    assert _code(lambda: library.register(tiny_legacy)) == "experts_in_separate_tensors"
    assert _code(lambda: library.register(cut)) == "gguf_incomplete"
    assert _code(lambda: library.register(picture)) == "not_gguf"
    assert _code(lambda: library.register(tmp_path)) == "is_a_folder"
    assert _code(lambda: library.register(tmp_path / "gone.gguf")) == "file_missing"
    assert not folder.exists()


def test_a_path_to_an_unloadable_file_resolves_with_its_problem(
    library: ModelLibrary, tmp_path: Path, tiny_legacy: Path
) -> None:
    assert library.resolve(str(tiny_legacy)).problem == "experts_in_separate_tensors"
    assert library.resolve(str(tmp_path)).problem == "is_a_folder"


def test_a_model_of_41_gb_in_the_old_layout_and_in_the_new(library: ModelLibrary, tmp_path: Path) -> None:
    old, new = tmp_path / "old.gguf", tmp_path / "new.gguf"
    write_shape(old, "Q2_K", legacy=True)
    size = write_shape(new, "Q2_K")
    assert _code(lambda: library.register(old)) == "experts_in_separate_tensors"
    found = library.register(new)
    assert (found.bytes, found.ready, found.quantisation) == (size, True, "Q2_K")
    before = time.process_time()
    assert library.list() == (found,)
    assert time.process_time() - before < 0.02


def test_a_split_model_is_one_entry(library: ModelLibrary, tiny_split: Path, tiny: Path) -> None:
    shards = sorted(tiny_split.parent.glob("split-*.gguf"))
    found = library.register(shards[2])
    assert (found.id, found.path, found.ready) == ("split", tiny_split, True)
    assert found.bytes == sum(each.stat().st_size for each in shards)
    assert library.register(tiny_split) == found
    assert library.resolve(str(shards[3])) == found
    third = shards[2].replace(shards[2].with_suffix(".away"))
    assert library.list()[0].problem == "shard_missing"
    third.replace(shards[2])
    assert library.list() == (found,)
    shards[1].write_bytes(shards[1].read_bytes()[:-50])
    assert library.list()[0].problem == "gguf_incomplete"


def test_removing_deletes_no_file(library: ModelLibrary, folder: Path, model: Path) -> None:
    inside = folder / "inside.gguf"
    folder.mkdir()
    inside.write_bytes(model.read_bytes())
    for path in (model, inside):
        library.remove(library.register(path).id)
        assert path.exists()
    assert library.list() == ()
    stored = json.loads((folder / "library.json").read_text())
    assert (stored["models"], stored["facts"]) == ([], {})
    assert _code(lambda: library.remove("inside")) == "model_unknown"


def test_the_starter_cannot_be_removed(folder: Path, tiny: Path) -> None:
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert _code(lambda: library.remove("starter")) == "starter_stays"
    assert len(library.list()) == 1


def test_a_hundred_models_are_listed_quickly(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    for number in range(100):
        path = tmp_path / f"{number}.gguf"
        path.hardlink_to(tiny) if number == 0 else path.write_bytes(tiny.read_bytes())
        library.register(path)
    seconds = []
    for _ in range(3):
        before = time.process_time()
        assert len(library.list()) == 100
        seconds.append(time.process_time() - before)
    assert min(seconds) < 0.1


def test_a_header_is_read_once(folder: Path, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "starter.gguf"
    path.write_bytes(tiny.read_bytes())
    library = ModelLibrary(folder, find_starter=lambda: path)
    assert library.resolve("starter").ready
    stamp = path.stat()
    path.write_bytes(bytes(stamp.st_size))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert library.resolve("starter").ready, "its size and time are those of the header that was read"
    assert not ModelLibrary(folder, find_starter=lambda: path).resolve("starter").ready


def test_models_without_context_length_and_template_are_listed(library: ModelLibrary, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "bare.gguf", file_type=None, name="模型", n_expert=4)
    found = library.register(path)
    assert (found.quantisation, found.name) == ("F32", "模型")
