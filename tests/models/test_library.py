"""The library: what is on this machine, under which name, and whether it can be loaded."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_manager.catalogue import STARTER
from model_manager.errors import UserError
from model_manager.hashing import sha256_of
from model_manager.library import LocalModel, ModelLibrary
from tests.models.gguf_bytes import small_model
from tests.rigs.apus_shapes import write_shape
from tests.rigs.tiny_model import write_tiny_model

SHA = "0123456789abcdef" * 4
Closed = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def library(folder: Path) -> ModelLibrary:
    """A library without a starter."""
    return ModelLibrary(folder, find_starter=lambda: None)


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    """A model of the person's own, somewhere else than the library."""
    path = tmp_path / "downloads" / "My Model.Q4_K_M.gguf"
    path.parent.mkdir()
    path.write_bytes(tiny.read_bytes())
    return path


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value.code


def _touch_differently(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def test_an_empty_library_writes_nothing(library: ModelLibrary, folder: Path) -> None:
    assert library.list() == ()
    assert not folder.exists()


def test_the_starter_is_there_by_itself(folder: Path, starter_file: Path) -> None:
    starter = LocalModel("starter", starter_file, STARTER.bytes, True, None, None, "Q4_1", STARTER.name)
    library = ModelLibrary(folder)
    assert library.list() == (starter,)
    assert library.resolve("starter") == starter
    assert ModelLibrary(folder).list() == (starter,)


def test_a_registered_file_stays_where_it_is(library: ModelLibrary, folder: Path, model: Path) -> None:
    found = library.register(model)
    assert found == LocalModel(
        "My Model.Q4_K_M", model, model.stat().st_size, True, quantisation="F32", name="Tiny random"
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


def test_an_id_is_never_taken_for_another_kind_of_id(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    for name, expected in (("apus:Q2_K.gguf", "apus-Q2_K"), ("back\\slash.gguf", "back-slash"), (" .gguf", "model")):
        path = tmp_path / name
        path.write_bytes(tiny.read_bytes())
        found = library.register(path)
        assert found.id == expected
        assert library.resolve(expected) == found


def test_a_name_that_is_no_text(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.gguf"))
    path.write_bytes(tiny.read_bytes())
    found = library.register(path)
    assert found.id == "caf-"
    assert library.list() == (found,)
    assert found.path.read_bytes() == tiny.read_bytes()


def test_a_path_needs_no_registration(
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


def test_what_is_not_known(library: ModelLibrary, model: Path) -> None:
    known = library.register(model).id
    with pytest.raises(UserError) as caught:
        library.resolve("nothing")
    assert (caught.value.code, caught.value.data) == ("model_unknown", {"id": "nothing", "known": [known]})
    assert _code(lambda: library.resolve("starter")) == "starter_missing"
    for text in ("gone.gguf", "gone.GGUF", "./gone", "~/gone", "zero\0byte.gguf", "x" * 5000 + ".gguf"):
        assert _code(lambda text=text: library.resolve(text)) == "file_missing"


def test_a_file_that_went_away_and_came_back(library: ModelLibrary, model: Path) -> None:
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


def test_what_the_engine_would_refuse_is_not_registered(
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


def test_a_path_to_what_the_engine_would_refuse_is_found_and_says_why(
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


def test_removing_forgets_and_deletes_nothing(library: ModelLibrary, folder: Path, model: Path) -> None:
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


def test_a_hash_holds_until_the_file_changes(library: ModelLibrary, folder: Path, model: Path) -> None:
    model_id = library.register(model).id
    assert library.known_hash(model) is None
    before = datetime.now(UTC)
    sha256 = sha256_of(model)
    library.record_hash(model_id, sha256)
    found = ModelLibrary(folder, find_starter=lambda: None).list()[0]
    assert found.sha256 == sha256
    assert found.verified_at is not None
    assert before <= found.verified_at <= datetime.now(UTC)
    known = library.known_hash(model)
    assert known is not None
    assert (known.sha256, known.verified_at) == (found.sha256, found.verified_at)
    _touch_differently(model)
    assert library.known_hash(model) is None
    assert library.list()[0].sha256 is None


def test_the_starter_s_hash_is_not_known_before_it_was_computed(folder: Path, tiny: Path) -> None:
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert library.list()[0].sha256 is None
    library.record_hash("starter", SHA)
    assert library.resolve("starter").sha256 == SHA
    assert library.list()[0].verified_at is not None


def test_a_file_without_registration_can_have_a_hash_too(library: ModelLibrary, model: Path, tmp_path: Path) -> None:
    library.record_hash(str(model), SHA)
    assert library.resolve(str(model)).sha256 == SHA
    assert library.register(model).sha256 == SHA
    assert _code(lambda: library.record_file_hash(tmp_path / "gone", SHA)) == "file_missing"
    with pytest.raises(ValueError, match="SHA-256"):
        library.record_hash(str(model), SHA.upper())


def test_the_hash_of_another_file_in_the_same_place_is_not_ours(library: ModelLibrary, model: Path) -> None:
    model_id = library.register(model).id
    library.record_hash(model_id, SHA)
    status = model.stat()
    model.unlink()
    model.write_bytes(small_model() + bytes(100))
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.list()[0].sha256 is None


def test_headers_are_read_again_only_when_the_file_changed(library: ModelLibrary, model: Path) -> None:
    found = library.register(model)
    status = model.stat()
    model.write_bytes(bytes(status.st_size))
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert library.list() == (found,)
    _touch_differently(model)
    assert library.list()[0].problem == "not_gguf"


def test_a_folder_that_we_may_not_write_and_a_file_that_we_may_not_read(
    tmp_path: Path, tiny: Path, model: Path, closed_to_us: Closed
) -> None:
    # pytest's own folders are closed to others, and for a moment we are others.
    with tempfile.TemporaryDirectory() as name:
        public = Path(name)
        library = ModelLibrary(public, find_starter=lambda: None)
        found = library.register(model)
        public.chmod(0o755)
        (public / "library.json").chmod(0o644)
        stored = (public / "library.json").read_bytes()
        with closed_to_us(model.parent):
            closed = library.list()[0]
            assert library.resolve(str(model)) == closed
        assert (closed.id, closed.ready, closed.problem) == (found.id, False, "file_unreadable")
        assert (closed.bytes, closed.quantisation) == (found.bytes, found.quantisation)
        if os.geteuid() == 0:
            assert (public / "library.json").read_bytes() == stored
        assert library.list() == (found,)


def test_a_registry_that_we_may_not_read_is_told(library: ModelLibrary, model: Path, closed_to_us: Closed) -> None:
    found = library.register(model)
    registry = model.parents[1] / "library" / "library.json"
    with closed_to_us(registry):
        # It must not look as if everything were gone.
        assert _code(library.list) == "library_unreadable"
    assert library.list() == (found,)


def test_a_place_where_no_folder_can_be(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    library = ModelLibrary(tmp_path / "file", find_starter=lambda: None)
    assert _code(lambda: library.register(tiny)) in {"library_unwritable", "library_unreadable"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": 1}',
        b'{"format": "1"}',
        b"\xff\xfe\x00",
        b'{"format": 1, "facts_version": 1, "models": [1], "facts": {}, "hashes": {}}',
        b'{"format": 1, "facts_version": 1, "models": [], "facts": {"a": {}}, "hashes": {}}',
        b'{"format": 1, "facts_version": 1, "models": [], "facts": {}, "hashes": {"a": {"bytes": 1, "mtime_ns": 1,'
        b' "sha256": "", "verified_at": "yesterday"}}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_registry_is_set_aside_and_the_starter_still_works(folder: Path, tiny: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "library.json").write_bytes(content)
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert [each.id for each in library.list()] == ["starter"]
    assert (folder / "library.json.bad").read_bytes() == content
    assert json.loads((folder / "library.json").read_bytes())["models"] == []


def test_the_registry_of_a_newer_program_is_left_alone(folder: Path, model: Path) -> None:
    folder.mkdir()
    content = b'{"format": 2, "something": "else"}'
    (folder / "library.json").write_bytes(content)
    library = ModelLibrary(folder, find_starter=lambda: None)
    assert _code(library.list) == "library_too_new"
    assert _code(lambda: library.register(model)) == "library_too_new"
    assert (folder / "library.json").read_bytes() == content


def test_findings_of_an_older_reader_are_made_anew(folder: Path, model: Path, library: ModelLibrary) -> None:
    found = library.register(model)
    library.record_hash(found.id, SHA)
    path = folder / "library.json"
    stored = json.loads(path.read_text())
    stored["facts_version"] = 0
    stored["facts"] = {"shape": "of another time"}
    path.write_text(json.dumps(stored))
    again = library.list()[0]
    assert (again.id, again.ready, again.sha256) == (found.id, True, SHA)


def test_a_hundred_models_are_listed_at_once(library: ModelLibrary, tmp_path: Path, tiny: Path) -> None:
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


def test_context_and_template_do_not_matter_to_the_library(library: ModelLibrary, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "bare.gguf", file_type=None, name="模型", n_expert=4)
    found = library.register(path)
    assert (found.quantisation, found.name) == ("F32", "模型")
