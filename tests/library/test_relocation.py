"""Relocation of the models folder: every file exists exactly once, unchanged."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from filelock import FileLock

from model_manager.cancellation import CancelToken
from model_manager.disk import copies
from model_manager.disk.files import write_at
from model_manager.errors import Cancelled, UserError
from model_manager.layout.origin import origin_path
from model_manager.library.library import ModelLibrary
from model_manager.library.relocation import relocate_models, unfinished_relocation
from model_manager.progress import Progress
from tests.rigs.cancel_after import CancelAfter
from tests.rigs.downloaded import code_of
from tests.rigs.moves import content_of, other_disk

ROOT = Path(__file__).parents[2]
Rename = Callable[[Path, Path], object]


@pytest.mark.parametrize("rename", [os.rename, other_disk], ids=["one disk", "two disks"])
def test_all_model_files_move(old: Path, new: Path, rename: Rename) -> None:
    before = content_of(old)
    others = {"notes.txt": b"mine", "library.json": b"{}", ".hidden.gguf": b"h"}
    for name, content in others.items():
        (old / name).write_bytes(content)
    reported: list[Progress] = []
    commits: list[bool] = []
    total = sum((old / name).stat().st_size for name in before)
    relocate_models(
        old,
        new,
        reported.append,
        on_commit=lambda: commits.append((old / "a.gguf").exists()),
        rename=rename,
    )
    assert content_of(new) == before
    assert content_of(old).keys() == others.keys()
    assert not (old / "below").exists()
    assert commits == [True]
    assert [each.done for each in reported] == sorted(each.done for each in reported)
    assert reported[-1] == Progress(total, total)
    assert unfinished_relocation(old) is None
    assert unfinished_relocation(new) is None


def test_moving_to_another_file_system_and_back(old: Path, far: Path) -> None:
    before = content_of(old)
    times = {name: (old / name).stat().st_mtime_ns for name in before}
    relocate_models(old, far)
    assert content_of(far) == before
    assert {name: (far / name).stat().st_mtime_ns for name in before} == times
    assert not old.exists()
    relocate_models(far, old)
    assert content_of(old) == before


def test_library_ids_and_hashes_follow(old: Path, new: Path, data: Path) -> None:
    place = [old]
    library = ModelLibrary(data, find_starter=lambda: None, models_folder=lambda: place[0])
    library.record_file_hash(library.resolve("split").path, "1" * 64)
    before = {each.id: (each.sha256, each.ready, each.bytes) for each in library.list()}
    during = []

    def commit() -> None:
        during.append({each.id: (each.sha256, each.ready, each.bytes) for each in library.list()})
        place[0] = new

    relocate_models(old, new, on_commit=commit, rename=other_disk)
    library.relocate(old, new)
    assert {each.id: (each.sha256, each.ready, each.bytes) for each in library.list()} == before
    assert during == [before]
    assert all(each.path.is_relative_to(new) for each in library.list())


@pytest.mark.parametrize("rename", [os.rename, other_disk], ids=["one disk", "two disks"])
def test_cancelling_rolls_back(old: Path, new: Path, rename: Rename) -> None:
    before = content_of(old)
    token = CancelAfter(6 if rename is other_disk else 0)
    with pytest.raises(Cancelled):
        relocate_models(old, new, cancel=token, on_commit=lambda: pytest.fail("too late"), rename=rename)
    assert content_of(old) == before
    assert list(new.rglob("*")) == []
    assert unfinished_relocation(old) is None


def test_cancelling_after_the_last_byte_rolls_back(old: Path, new: Path) -> None:
    before = content_of(old)
    token = CancelToken()

    def cancel_at_end(progress: Progress) -> None:
        if progress.fraction == 1:
            token.cancel()

    with pytest.raises(Cancelled):
        relocate_models(old, new, cancel_at_end, token, lambda: pytest.fail("too late"), rename=other_disk)
    assert content_of(old) == before
    assert list(new.rglob("*")) == []


def test_failing_to_save_the_settings_rolls_back(old: Path, new: Path) -> None:
    before = content_of(old)

    def refuse() -> None:
        raise UserError("settings_unwritable")

    for rename in (os.rename, other_disk):
        assert code_of(lambda rename=rename: relocate_models(old, new, on_commit=refuse, rename=rename)) == (
            "settings_unwritable"
        )
        assert content_of(old) == before
        assert list(new.rglob("*")) == []


def test_a_copy_with_a_flipped_bit_is_repeated(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(old)
    flips = 1

    def flip(out: BinaryIO, offset: int, piece: memoryview) -> None:
        nonlocal flips
        if flips and len(piece) > 1000:
            flips -= 1
            piece = memoryview(bytes([piece[0] ^ 1]) + bytes(piece[1:]))
        write_at(out, offset, piece)

    monkeypatch.setattr(copies, "write_at", flip)
    reported: list[Progress] = []
    relocate_models(old, new, reported.append, rename=other_disk)
    assert flips == 0
    assert content_of(new) == before
    assert reported[-1].fraction == 1


def test_a_disk_that_returns_other_data_is_refused(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(old)
    monkeypatch.setattr(copies, "write_at", lambda out, offset, piece: write_at(out, offset, bytes(len(piece))))
    assert code_of(lambda: relocate_models(old, new, rename=other_disk)) == "copy_differs"
    assert content_of(old) == before
    assert list(new.rglob("*")) == []


def test_a_file_that_arrives_meanwhile_moves_too(old: Path, new: Path, tiny: Path) -> None:
    late = old / "late.gguf"

    def arrive(progress: Progress) -> None:
        if progress.done and not late.exists() and not (new / "late.gguf").exists():
            shutil.copy(tiny, late)

    before = content_of(old)
    relocate_models(old, new, arrive, rename=other_disk)
    assert content_of(new) == before | {"late.gguf": hashlib.sha256(tiny.read_bytes()).hexdigest()}


def test_a_file_that_changes_after_its_copy_is_copied_again(old: Path, new: Path) -> None:
    # The smallest file, the download queue, is copied last.
    sidecar = origin_path(old / "a.gguf")
    written = False

    def write(progress: Progress) -> None:
        nonlocal written
        if not written and progress.fraction == 1:
            written = True
            sidecar.write_text("changed")

    relocate_models(old, new, write, rename=other_disk)
    assert origin_path(new / "a.gguf").read_text() == "changed"


def test_existing_files_are_not_overwritten(old: Path, new: Path) -> None:
    before = content_of(old)
    new.mkdir()
    (new / "b.gguf").write_bytes(b"another model")
    (new / "downloads.json").write_text("another queue")
    for rename in (os.rename, other_disk):
        assert code_of(lambda rename=rename: relocate_models(old, new, rename=rename)) == "file_exists"
        assert content_of(old) == before
        assert content_of(new).keys() == {"b.gguf", "downloads.json"}
    (new / "b.gguf").unlink()
    relocate_models(old, new, rename=other_disk)
    assert (new / "downloads.json").read_text() == "another queue"
    assert (old / "downloads.json").read_text() == "queue"


def test_nested_and_missing_folders_are_refused(old: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(old, target_is_directory=True)
    for target in (old, old / "below", old.parent, link, old / "below" / ".." / "new"):
        assert code_of(lambda target=target: relocate_models(old, target)) == "folders_nested"
    assert code_of(lambda: relocate_models(tmp_path / "gone", tmp_path / "new")) == "folder_missing"
    (tmp_path / "file").write_text("in the way")
    assert code_of(lambda: relocate_models(old, tmp_path / "file" / "models")) == "file_not_writable"
    assert (old / "a.gguf").exists()


def test_a_read_only_folder_is_refused() -> None:
    # pytest's own folders are closed to others, and for a moment we are others.
    with tempfile.TemporaryDirectory() as name:
        old, new = Path(name) / "old", Path(name) / "new"
        for folder in (old, new):
            folder.mkdir()
            folder.chmod(0o777)
        Path(name).chmod(0o755)
        (old / "a.gguf").write_bytes(b"GGUF")
        new.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            assert code_of(lambda: relocate_models(old, new)) == "file_not_writable"
        finally:
            if is_root:
                os.seteuid(0)
        assert {each.name for each in old.iterdir()} == {"a.gguf"}


def test_a_full_disk_is_refused_before_copying(far: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    free = shutil.disk_usage(far.parent).free
    with (old / "big.gguf.part").open("wb") as file:
        # A download of this size was begun: its room is spoken for.
        file.truncate(free + (1 << 20))
    with pytest.raises(UserError) as caught:
        relocate_models(old, far)
    assert caught.value.code == "disk_too_small"
    assert caught.value.data["needed_bytes"] > free
    assert list(far.iterdir()) == []


def test_a_file_system_with_a_size_limit_is_refused_before_copying(old: Path, new: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from typing import BinaryIO
sys.argv[3:] = ["none", "0"]
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
import errno
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError
from model_manager.library import relocation
from model_manager.library.relocation import relocate_models
relocation.FAT32_MAX_BYTES = 1 << 20
def other_disk(source, target):
    raise OSError(errno.EXDEV, "other disk")
try:
    relocate_models(Path(sys.argv[1]), Path(sys.argv[2]), lambda progress: sys.exit(3), rename=other_disk)
except UserError as error:
    print(error.code, Path(error.data["path"]).name)
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code, str(old), str(new)], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.stdout.decode().split() == ["file_too_large", "c.gguf.part"], done.stderr.decode()
    assert list(new.rglob("*")) == []


def test_a_partial_download_stays_sparse(far: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    path = old / "a.gguf.part"
    n_bytes = 5 << 30
    with path.open("wb") as file:
        file.truncate(n_bytes)
        for place in (0, (3 << 30) + 123):
            file.seek(place)
            file.write(b"there")
    relocate_models(old, far)
    moved = far / path.name
    assert moved.stat().st_size == n_bytes
    assert moved.stat().st_blocks * 512 < 8 << 20
    with moved.open("rb") as file:
        for place in (0, (3 << 30) + 123):
            file.seek(place)
            assert file.read(5) == b"there"


@pytest.mark.parametrize("lock", ["c.gguf.part.lock", "b.gguf.repair.lock", "e.gguf.join.lock"])
def test_files_in_use_are_not_moved(old: Path, new: Path, lock: str) -> None:
    before = content_of(old)
    with FileLock(old / lock):
        assert code_of(lambda: relocate_models(old, new)) == "models_in_use"
        assert content_of(old) == before
    relocate_models(old, new)
    assert content_of(new) == before


def test_a_second_relocation_at_once_is_refused(old: Path, new: Path, tmp_path: Path) -> None:
    codes: list[str] = []

    def second(_progress: Progress) -> None:
        if not codes:
            codes.append(code_of(lambda: relocate_models(old, new)))

    relocate_models(old, new, second, rename=other_disk)
    assert codes == ["move_running"]


@pytest.mark.parametrize("rename", [os.rename, other_disk], ids=["one disk", "two disks"])
def test_links_keep_their_targets(old: Path, tmp_path: Path, tiny: Path, rename: Rename) -> None:
    new = tmp_path / "some" / "where" / "else"
    (old / "absolute.gguf").symlink_to(tiny)
    (old / "relative.gguf").symlink_to(os.path.relpath(tiny, old))
    (old / "neighbour.gguf").symlink_to("a.gguf")
    (old / "broken.gguf").symlink_to("gone")
    (old / "folder.gguf").symlink_to(tiny.parent, target_is_directory=True)
    relocate_models(old, new, rename=rename)
    assert (new / "absolute.gguf").resolve() == tiny
    assert (new / "relative.gguf").resolve() == tiny
    assert (new / "neighbour.gguf").resolve() == new / "a.gguf"
    assert (new / "broken.gguf").is_symlink()
    assert {each.name for each in old.iterdir()} == {"folder.gguf"}
    assert tiny.exists()


def test_an_original_that_cannot_be_deleted_is_reported(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(old)
    real = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        # As Windows does while the engine has the file open.
        if self == old / "b.gguf":
            raise PermissionError(errno.EACCES, "in use")
        real(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert code_of(lambda: relocate_models(old, new, rename=other_disk)) == "original_stays"
    assert {name: sha for name, sha in content_of(new).items() if name in before} == before
    pending = unfinished_relocation(new)
    assert pending is not None
    assert (pending.source, pending.target, pending.committed) == (old, new, True)
    relocate_models(old, new, rename=other_disk)
    assert content_of(new) == before
    assert not old.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "source": 3}'])
def test_a_damaged_journal_is_ignored(old: Path, new: Path, content: bytes) -> None:
    (old / ".models-move.json").write_bytes(content)
    assert unfinished_relocation(old) is None
    relocate_models(old, new)
    assert (new / "a.gguf").exists()


def test_a_journal_of_other_folders_is_ignored(old: Path, tmp_path: Path) -> None:
    stored = {"format": 1, "source": "/elsewhere", "target": "/there", "committed": True, "copied": []}
    (old / ".models-move.json").write_text(json.dumps(stored))
    assert unfinished_relocation(old) is None
