"""Files made before April 2024 made loadable: by copy and in place, with what goes wrong on disks and in files."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_manager.disk import space
from model_manager.disk.space import SPARE_BYTES
from model_manager.errors import Cancelled, UserError
from model_manager.gguf.header import read_header
from model_manager.layout.convert import stack_experts
from model_manager.layout.file_names import with_suffix
from model_manager.layout.in_place import JOURNAL, SAVED, WORKING, begin_in_place
from model_manager.layout.layout import SourceView, TensorLayout
from model_manager.layout.origin import Origin, origin_path, read_origin, write_origin
from model_manager.layout.permutation import plan_moves
from model_manager.layout.stacking import read_layout
from model_manager.library.scan import unfinished_work
from model_manager.progress import Progress
from model_manager.published import HubFile
from tests.layout.conftest import Twins
from tests.layout.expert_files import experts, write
from tests.rigs.apus_shapes import write_shape
from tests.rigs.cancel_after import CancelAfter
from tests.rigs.tiny_model import write_tiny_model

Usage = namedtuple("Usage", "total used free")
ROOT = Path(__file__).resolve().parents[2]


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def begun_in_steps(path: Path) -> int:
    """Begin a repair in place of many small steps; returns the number of its batches."""
    _, layout = read_layout(path)
    plan = plan_moves(layout, piece_bytes=4096, saved_bytes=16_000, batch_bytes=20_000)
    begin_in_place(path, layout, plan)
    return len(plan.batches)


@contextmanager
def read_only_copy(path: Path) -> Iterator[Path]:
    """Yield a copy in a read-only folder inside a writable one, also for the administrator."""
    with tempfile.TemporaryDirectory() as name:
        shelf = Path(name) / "shelf"
        shelf.mkdir()
        copy = shelf / path.name
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o444)
        shelf.chmod(0o555)
        Path(name).chmod(0o777)
        # The administrator may write everywhere, hence another user for the duration.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            yield copy
        finally:
            if is_root:
                os.seteuid(0)
            shelf.chmod(0o755)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def leave(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 40, (1 << 40) - free, free))

    return leave


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("n_expert", [1, 2, 4, 7, 16])
@pytest.mark.parametrize("tensor_type", ["F32", "Q8_0", "Q4_0"])
def test_converted_file_equals_the_stacked_model(
    twins: Callable[..., Twins], n_expert: int, tensor_type: str, in_place: bool
) -> None:
    files = twins(n_expert=n_expert, tensor_type=tensor_type)
    assert stack_experts(files.path, in_place=in_place) == files.path
    assert files.path.read_bytes() == files.stacked
    assert not read_header(files.path).experts_in_separate_tensors
    assert names_in(files.path.parent) == ["old.gguf", "old.gguf.origin.json"]
    origin = read_origin(files.path)
    assert origin is not None
    assert origin.sha256 == (None if in_place else hashlib.sha256(files.stacked).hexdigest())
    with files.path.open("rb", buffering=0) as file:
        assert SourceView(origin.layout, file).read(0, 1 << 30) == files.published


@pytest.mark.parametrize("in_place", [False, True])
def test_gaps_are_filled_with_zeros(twins: Callable[..., Twins], in_place: bool) -> None:
    files = twins(n_expert=3, alignment=4096, tensor_type="Q4_0")
    stack_experts(files.path, in_place=in_place)
    assert files.path.read_bytes() == files.stacked


def test_converting_into_another_file(twins: Callable[..., Twins], tmp_path: Path) -> None:
    files = twins()
    out = tmp_path / "elsewhere" / "new.gguf"
    out.parent.mkdir()
    progress: list[Progress] = []
    assert stack_experts(files.path, out, progress.append) == out
    assert out.read_bytes() == files.stacked
    assert files.path.read_bytes() == files.published
    assert names_in(out.parent) == ["new.gguf", "new.gguf.origin.json"]
    assert [each.done for each in progress] == sorted(each.done for each in progress)
    assert progress[-1] == Progress(len(files.stacked), len(files.stacked))
    assert names_in(tmp_path) == ["elsewhere", "old.gguf"]


def test_converting_from_a_read_only_folder(twins: Callable[..., Twins], tmp_path: Path) -> None:
    files = twins()
    with read_only_copy(files.path) as path:
        out = path.parent.parent / "new.gguf"
        assert stack_experts(path, out).read_bytes() == files.stacked


def test_a_loadable_file_is_unchanged(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "new.gguf", n_expert=4)
    before = path.read_bytes()
    assert stack_experts(path) == path
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["new.gguf"]
    with pytest.raises(UserError) as caught:
        stack_experts(path, tmp_path / "out.gguf")
    assert caught.value.code == "repair_not_needed"


def test_an_existing_output_is_not_overwritten(twins: Callable[..., Twins], tmp_path: Path) -> None:
    files = twins()
    out = tmp_path / "out.gguf"
    out.write_bytes(b"mine")
    with pytest.raises(UserError) as caught:
        stack_experts(files.path, out)
    assert (caught.value.code, caught.value.data["path"]) == ("file_exists", out)
    assert out.read_bytes() == b"mine"


def test_the_origin_is_kept(twins: Callable[..., Twins]) -> None:
    files = twins()
    part = HubFile("a/old.gguf", len(files.published), hashlib.sha256(files.published).hexdigest())
    known = Origin(
        "apus:Q2_K", "a/b", "c" * 40, (part,), TensorLayout.identity(part.bytes), part.sha256, datetime.now(UTC)
    )
    write_origin(files.path, known)
    stack_experts(files.path)
    origin = read_origin(files.path)
    assert origin is not None
    assert (origin.model_id, origin.repository, origin.commit, origin.parts) == ("apus:Q2_K", "a/b", "c" * 40, (part,))
    assert origin.sha256 == hashlib.sha256(files.stacked).hexdigest()
    assert origin.layout.target_bytes == len(files.stacked)
    assert origin.verified_at is None


def test_converting_in_place_where_a_copy_does_not_fit(tmp_path: Path, full_disk: Callable[[int], None]) -> None:
    path, twin = tmp_path / "old.gguf", tmp_path / "twin.gguf"
    write_shape(path, "Q2_K", n_layer=1, n_ff=6144, n_vocab=1000, legacy=True)
    n_bytes = write_shape(twin, "Q2_K", n_layer=1, n_ff=6144, n_vocab=1000)
    _, layout = read_layout(path)
    kept = plan_moves(layout).saved_bytes
    assert kept < n_bytes
    full_disk(kept + SPARE_BYTES - 1)
    with pytest.raises(UserError) as caught:
        stack_experts(path)
    assert caught.value.code == "repair_no_room"
    assert caught.value.data["free_bytes"] == kept + SPARE_BYTES - 1
    full_disk(kept + SPARE_BYTES)
    stack_experts(path)
    assert filecmp.cmp(path, twin, shallow=False)
    origin = read_origin(path)
    assert origin is not None
    assert origin.sha256 is None


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_linked_files_are_not_rewritten_in_place(
    twins: Callable[..., Twins], tmp_path: Path, full_disk: Callable[[int], None], link: str
) -> None:
    files = twins()
    mine = tmp_path / "mine.gguf"
    if link == "symbolic":
        mine.symlink_to(files.path)
    else:
        mine.hardlink_to(files.path)
    full_disk(1 << 20)
    with pytest.raises(UserError) as caught:
        stack_experts(mine)
    assert caught.value.code == "repair_no_room"
    full_disk(1 << 40)
    stack_experts(mine)
    assert mine.read_bytes() == files.stacked
    assert not mine.is_symlink()
    assert files.path.read_bytes() == files.published


@pytest.mark.parametrize("after", [0, 1, 20])
def test_cancelling_a_copy_changes_nothing(twins: Callable[..., Twins], after: int) -> None:
    files = twins()
    with pytest.raises(Cancelled):
        stack_experts(files.path, cancel=CancelAfter(after))
    assert files.path.read_bytes() == files.published
    assert names_in(files.path.parent) == ["old.gguf"]


def test_cancelling_in_place_before_the_first_move_changes_nothing(twins: Callable[..., Twins]) -> None:
    files = twins()
    with pytest.raises(Cancelled):
        stack_experts(files.path, cancel=CancelAfter(0), in_place=True)
    assert files.path.read_bytes() == files.published
    assert names_in(files.path.parent) == ["old.gguf"]


def test_a_conversion_in_place_continues_after_each_cancellation(twins: Callable[..., Twins]) -> None:
    files = twins()
    folder, working = files.path.parent, with_suffix(files.path, WORKING)
    assert begun_in_steps(files.path) > 10
    reached: list[int] = []
    while working.exists() or not reached:
        # Both of its names are accepted.
        name = working if len(reached) % 2 else files.path
        stop = CancelAfter(15)
        seen: list[int] = []
        try:
            stack_experts(name, None, lambda progress, seen=seen: seen.append(progress.done), stop)  # type: ignore[misc]
        except UserError as error:
            stopped = error
        else:
            break
        assert stopped.code == "repair_stopped"
        assert stopped.data == {"path": files.path, "working": working}
        assert not files.path.exists()
        assert [each.paths for each in unfinished_work(folder)] == [(working,)]
        assert names_in(files.path.parent) == [f"old.gguf{suffix}" for suffix in (JOURNAL, SAVED, WORKING)]
        reached.append(seen[-1])
    assert len(reached) > 5
    assert reached[-1] > reached[0]
    assert files.path.read_bytes() == files.stacked
    assert names_in(folder) == ["old.gguf", "old.gguf.origin.json"]
    assert unfinished_work(folder) == ()


def test_another_file_with_the_name_is_not_overwritten(twins: Callable[..., Twins], tmp_path: Path) -> None:
    files = twins()
    begun_in_steps(files.path)
    with pytest.raises(UserError):
        stack_experts(files.path, cancel=CancelAfter(5))
    files.path.write_bytes(b"mine")
    with pytest.raises(UserError) as caught:
        stack_experts(files.path)
    assert caught.value.code == "repair_blocked"
    assert files.path.read_bytes() == b"mine"
    files.path.unlink()
    with pytest.raises(UserError) as caught:
        stack_experts(files.path, tmp_path / "out.gguf")
    assert caught.value.code == "repair_stopped"
    assert stack_experts(files.path).read_bytes() == files.stacked


def test_the_journal_of_a_replaced_file_is_ignored(twins: Callable[..., Twins]) -> None:
    files = twins()
    begun_in_steps(files.path)
    new = files.path.with_name("new")
    write_tiny_model(new, n_expert=2, legacy=True, seed=5).replace(files.path)
    write_tiny_model(new, n_expert=2, seed=5)
    assert stack_experts(files.path).read_bytes() == new.read_bytes()
    assert names_in(files.path.parent) == ["new", "old.gguf", "old.gguf.origin.json"]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]\n", b'{"format": 9}\n', b"\xff\xfe"])
def test_a_lost_journal_is_reported(twins: Callable[..., Twins], content: bytes | None) -> None:
    files = twins()
    begun_in_steps(files.path)
    with pytest.raises(UserError):
        stack_experts(files.path, cancel=CancelAfter(5))
    if content is None:
        with_suffix(files.path, JOURNAL).unlink()
    else:
        with_suffix(files.path, JOURNAL).write_bytes(content)
    with pytest.raises(UserError) as caught:
        stack_experts(files.path)
    assert caught.value.code == "repair_record_lost"
    assert with_suffix(files.path, WORKING).exists()


def test_leftovers_of_a_crashed_copy_are_removed(twins: Callable[..., Twins]) -> None:
    files = twins()
    for suffix in (".repair.part", ".repair-kept"):
        files.path.with_name(files.path.name + suffix).write_bytes(b"left over")
    assert unfinished_work(files.path.parent) == ()
    stack_experts(files.path)
    assert names_in(files.path.parent) == ["old.gguf", "old.gguf.origin.json"]


def test_a_second_conversion_at_once_is_refused(twins: Callable[..., Twins]) -> None:
    files = twins()
    refusals = []

    def again(_progress: Progress) -> None:
        if not refusals:
            with pytest.raises(UserError) as caught:
                stack_experts(files.path)
            refusals.append(caught.value.code)

    stack_experts(files.path, None, again)
    assert refusals == ["repair_running"]
    assert files.path.read_bytes() == files.stacked


def test_a_file_that_changes_during_conversion_is_refused(twins: Callable[..., Twins]) -> None:
    files = twins()
    with pytest.raises(UserError) as caught:
        stack_experts(files.path, None, lambda progress: os.utime(files.path, ns=(progress.done, progress.done)))
    assert caught.value.code == "file_changed"
    assert files.path.read_bytes() == files.published


def test_a_file_that_is_truncated_during_conversion_is_refused(twins: Callable[..., Twins]) -> None:
    files = twins()
    with pytest.raises(UserError) as caught:
        stack_experts(files.path, None, lambda _progress: os.truncate(files.path, 100_000))
    assert caught.value.code == "file_changed"
    assert names_in(files.path.parent) == ["old.gguf"]


def test_conversion_does_not_wait_for_a_slow_hash(twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch) -> None:
    """If hashing is slower than the disk, the file is complete before its hash."""
    files = twins(n_layer=4)
    written = threading.Event()

    class Slow:
        def update(self, _content: memoryview) -> None:
            assert written.wait(30)

        def hexdigest(self) -> str:
            return "no hash"

    def on_progress(progress: Progress) -> None:
        if progress.done == progress.total:
            written.set()

    monkeypatch.setattr(hashlib, "sha256", Slow)
    monkeypatch.setattr("model_manager.layout.convert._MAX_HASHED_LATER", 1000)
    stack_experts(files.path, None, on_progress)
    monkeypatch.undo()
    origin = read_origin(files.path)
    assert origin is not None
    assert origin.sha256 is None
    assert files.path.read_bytes() == files.stacked


def test_a_failing_disk_interrupts_a_conversion_in_place(
    twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = twins()
    begun_in_steps(files.path)
    whole, left = os.fdatasync, [12]

    def failing(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.EIO, "Input/output error")
        whole(descriptor)

    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(UserError) as caught:
        stack_experts(files.path)
    assert (caught.value.code, caught.value.data["detail"]) == ("repair_interrupted", "Input/output error")
    monkeypatch.undo()
    assert stack_experts(files.path).read_bytes() == files.stacked


LIMITED = """
import resource, sys
from pathlib import Path
from model_manager.errors import UserError
from model_manager.layout.convert import stack_experts
path, limit, in_place = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "True"
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    stack_experts(path, in_place=in_place)
except UserError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("in_place", [False, True])
def test_a_file_system_with_a_size_limit_is_reported(twins: Callable[..., Twins], in_place: bool) -> None:
    files = twins()
    command = [sys.executable, "-c", LIMITED, str(files.path), "100000", str(in_place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "file_too_large"
    assert files.path.read_bytes() == files.published
    assert names_in(files.path.parent) == ["old.gguf"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_full_disk_changes_nothing(
    twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch, in_place: bool, code: int
) -> None:
    files = twins()

    def full(_file: object, _n_bytes: int) -> None:
        raise OSError(code, "No space left on device")

    monkeypatch.setattr(space, "_linux_fallocate", full)
    with pytest.raises(UserError) as caught:
        stack_experts(files.path, in_place=in_place)
    assert caught.value.code == "disk_full"
    assert files.path.read_bytes() == files.published
    assert names_in(files.path.parent) == ["old.gguf"]


def test_conversion_without_copy_file_range(twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch) -> None:
    files = twins()
    for name in ("copy_file_range", "fdatasync"):
        monkeypatch.delattr(os, name, raising=False)
    begun_in_steps(files.path)
    assert stack_experts(files.path).read_bytes() == files.stacked


@pytest.mark.parametrize("in_place", [False, True])
def test_a_read_only_folder_is_reported(twins: Callable[..., Twins], in_place: bool) -> None:
    files = twins()
    with read_only_copy(files.path) as path:
        with pytest.raises(UserError) as caught:
            stack_experts(path, in_place=in_place)
        assert path.read_bytes() == files.published
    assert caught.value.code == "file_not_writable"


def test_shards_are_refused(tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "m.gguf", n_expert=4, legacy=True, tensors_per_file=12)
    shards = sorted(tmp_path.glob("m-*.gguf"))
    before = [path.read_bytes() for path in shards]
    assert len(shards) > 2
    for path in (first, shards[-1]):
        with pytest.raises(UserError) as caught:
            stack_experts(path)
        assert caught.value.code == "experts_in_shards"
        assert caught.value.data["count"] == len(shards)
    assert [path.read_bytes() for path in shards] == before
    assert len(names_in(tmp_path)) == len(shards)


@pytest.mark.parametrize("content", [b"", b"<html>", b"GGUF" + b"\xff" * 100, b"version https://git-lfs"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    with pytest.raises(UserError):
        stack_experts(path)
    assert path.read_bytes() == content
    assert names_in(tmp_path) == ["odd.gguf"]


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        stack_experts(tmp_path / "none.gguf")
    assert caught.value.code == "file_missing"
    with pytest.raises(UserError) as caught:
        stack_experts(tmp_path / "no folder" / "none.gguf")
    assert caught.value.code == "folder_missing"
    assert names_in(tmp_path) == []
    assert unfinished_work(tmp_path / "no folder") == ()


def test_missing_experts_leave_the_file_unchanged(tmp_path: Path) -> None:
    path = write(tmp_path / "mixed.gguf", [*experts(0, 2), *experts(1, 1), *experts(1, 0)], expert_count=2)
    before = path.read_bytes()
    with pytest.raises(UserError) as caught:
        stack_experts(path)
    assert caught.value.code == "experts_missing"
    assert path.read_bytes() == before


def test_the_origin_is_restored_when_the_rename_fails(
    twins: Callable[..., Twins], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = twins()
    origin_path(files.path).write_bytes(b"what was known")
    whole = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if self.name.endswith(".repair.part"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(UserError) as caught:
        stack_experts(files.path)
    assert caught.value.code == "file_not_writable"
    assert origin_path(files.path).read_bytes() == b"what was known"
    assert files.path.read_bytes() == files.published
