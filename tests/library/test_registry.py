"""What the library remembers about files, and what becomes of its registry when something is wrong with it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_manager.disk.hashing import sha256_of
from model_manager.errors import UserError
from model_manager.library.library import ModelLibrary
from tests.rigs.gguf_bytes import small_model

SHA = "0123456789abcdef" * 4
Closed = Callable[[Path], AbstractContextManager[None]]


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value.code


def _touch_differently(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def test_a_hash_is_valid_until_the_file_changes(library: ModelLibrary, folder: Path, model: Path) -> None:
    model_id = library.register(model).id
    assert library.known_hash(model) is None
    before = datetime.now(UTC)
    sha256 = sha256_of(model)
    library.record_file_hash(library.resolve(model_id).path, sha256)
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


def test_the_starter_has_no_hash_before_it_is_computed(folder: Path, tiny: Path) -> None:
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert library.list()[0].sha256 is None
    library.record_file_hash(library.resolve("starter").path, SHA)
    assert library.resolve("starter").sha256 == SHA
    assert library.list()[0].verified_at is not None


def test_an_unregistered_file_can_have_a_hash(library: ModelLibrary, model: Path, tmp_path: Path) -> None:
    library.record_file_hash(model, SHA)
    assert library.resolve(str(model)).sha256 == SHA
    assert library.register(model).sha256 == SHA
    assert _code(lambda: library.record_file_hash(tmp_path / "gone", SHA)) == "file_missing"
    with pytest.raises(ValueError, match="SHA-256"):
        library.record_file_hash(model, SHA.upper())


def test_a_replaced_file_has_no_hash(library: ModelLibrary, model: Path) -> None:
    model_id = library.register(model).id
    library.record_file_hash(library.resolve(model_id).path, SHA)
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


def test_read_only_folders_and_unreadable_files(tmp_path: Path, tiny: Path, model: Path, closed_to_us: Closed) -> None:
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


def test_an_unreadable_registry_is_reported(library: ModelLibrary, model: Path, closed_to_us: Closed) -> None:
    found = library.register(model)
    registry = model.parents[1] / "library" / "library.json"
    with closed_to_us(registry):
        # It must not look as if everything were gone.
        assert _code(library.list) == "file_unreadable"
    assert library.list() == (found,)


def test_a_file_in_place_of_the_library_folder_is_reported(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    library = ModelLibrary(tmp_path / "file", find_starter=lambda: None)
    assert _code(lambda: library.register(tiny)) == "file_not_writable"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format": "1"}',
        b"\xff\xfe\x00",
        b'{"format": 1, "facts_version": 1, "models": [1], "facts": {}, "hashes": {}}',
        b'{"format": 1, "facts_version": 1, "models": [], "facts": {}, "hashes": {"a": {"bytes": 1, "mtime_ns": 1,'
        b' "sha256": "", "verified_at": "yesterday"}}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_registry_is_set_aside(folder: Path, tiny: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "library.json").write_bytes(content)
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    assert [each.id for each in library.list()] == ["starter"]
    assert (folder / "library.json.damaged").read_bytes() == content
    assert library.problem is not None
    assert (library.problem.code, library.problem.data["aside"]) == (
        "file_set_aside",
        folder / "library.json.damaged",
    )
    assert json.loads((folder / "library.json").read_bytes())["models"] == []


def test_the_registry_of_a_newer_version_is_unchanged(folder: Path, model: Path) -> None:
    folder.mkdir()
    content = b'{"format": 2, "something": "else"}'
    (folder / "library.json").write_bytes(content)
    library = ModelLibrary(folder, find_starter=lambda: None)
    assert _code(library.list) == "library_too_new"
    assert _code(lambda: library.register(model)) == "library_too_new"
    assert (folder / "library.json").read_bytes() == content


def test_cached_metadata_of_an_older_version_is_read_again(folder: Path, model: Path, library: ModelLibrary) -> None:
    found = library.register(model)
    library.record_file_hash(library.resolve(found.id).path, SHA)
    path = folder / "library.json"
    stored = json.loads(path.read_text())
    stored["facts_version"] = 0
    stored["facts"] = {"shape": "of another time"}
    path.write_text(json.dumps(stored))
    again = library.list()[0]
    assert (again.id, again.ready, again.sha256) == (found.id, True, SHA)


def test_paths_that_no_file_can_have_are_ignored(folder: Path, model: Path, library: ModelLibrary) -> None:
    found = library.register(model)
    path = folder / "library.json"
    stored = json.loads(path.read_text())
    stored["facts_version"] = 0
    stored["facts"] = {"http:/" * 2000: {}, "a\0b": {}}
    stored["models"] += [{"id": f"odd {number}", "path": odd} for number, odd in enumerate(("/a/\udac2.gguf", "/a\0b"))]
    stored["folders"] = ["/\udac2"]
    path.write_text(json.dumps(stored))
    assert [each.id for each in library.list()] == [found.id]


@pytest.mark.parametrize("time", ["2024-01-01T00:00:00", "9999-12-31T23:59:59Z"], ids=["no zone", "last year"])
def test_a_hash_with_an_impossible_time_is_ignored(folder: Path, tiny: Path, time: str) -> None:
    folder.mkdir()
    known = {"bytes": 1, "mtime_ns": 1, "sha256": SHA, "verified_at": time}
    (folder / "library.json").write_text(json.dumps({"hashes": {"/a.gguf": known}}))
    library = ModelLibrary(folder, find_starter=lambda: tiny)
    library.record_file_hash(tiny, SHA)
    assert library.problem is None
    assert list(json.loads((folder / "library.json").read_text())["hashes"]) == [str(tiny)]
