"""Joining split parts with little additional space."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from model_manager.errors import Cancelled, UserError
from model_manager.layout import join
from model_manager.layout.join import join_parts, sibling_parts
from model_manager.library.scan import unfinished_work
from model_manager.progress import Progress
from tests.layout.test_convert import names_in
from tests.rigs.cancel_after import CancelAfter
from tests.rigs.tiny_model import write_tiny_model

Usage = namedtuple("Usage", "total used free")
ROOT = Path(__file__).resolve().parents[2]
Cut = Callable[..., list[Path]]


@pytest.fixture
def whole(tiny_model: Path) -> bytes:
    return tiny_model.read_bytes()


@pytest.fixture
def cut(tmp_path: Path, whole: bytes) -> Cut:
    """Parts of the tiny model, named after a pattern, cut at the given bytes."""

    def write(*places: int, name: str = "m.gguf.part{}of{}", content: bytes = whole) -> list[Path]:
        edges = [0, *places, len(content)]
        paths = []
        for number in range(1, len(edges)):
            path = tmp_path / name.format(number, len(edges) - 1)
            path.write_bytes(content[edges[number - 1] : edges[number]])
            paths.append(path)
        return paths

    return write


def refused(*arguments: object, **options: object) -> UserError:
    with pytest.raises(UserError) as caught:
        join_parts(*arguments, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "BLOCK_BYTES", 30_000)


def give_second_names(parts: list[Path]) -> None:
    """Hard-link the parts, as another program that uses them does; they are then copied."""
    (parts[0].parent / "others").mkdir()
    for part in parts:
        (part.parent / "others" / part.name).hardlink_to(part)


@pytest.mark.parametrize("places", [(), (200_000,), (150_000, 150_001, 300_000), (150_000, 150_000, 400_000)])
@pytest.mark.parametrize("linked", [False, True])
def test_joined_parts_are_the_file(
    cut: Cut, whole: bytes, tmp_path: Path, places: tuple[int, ...], linked: bool
) -> None:
    parts = cut(*places)
    if linked:
        give_second_names(parts)
    before = names_in(tmp_path)
    progress: list[Progress] = []
    path = join_parts(parts[::-1], progress.append)
    assert path == tmp_path / "m.gguf"
    assert path.read_bytes() == whole
    assert names_in(tmp_path) == (sorted(["m.gguf", *before]) if linked else ["m.gguf"])
    assert [each.done for each in progress] == sorted(each.done for each in progress)
    if progress:
        assert progress[-1].fraction == 1


@pytest.mark.parametrize("name", ["m.gguf-split-{0:c}", "m.gguf.{0:03}", "m.gguf-part-{0}-of-{1}"])
def test_all_naming_schemes_are_joined(tmp_path: Path, whole: bytes, name: str) -> None:
    edges = [0, 100_000, 300_000, len(whole)]
    for number in range(3):
        place = ord("a") + number if ":c" in name else number + 1
        (tmp_path / name.format(place, 3)).write_bytes(whole[edges[number] : edges[number + 1]])
    parts = sibling_parts(next(tmp_path.iterdir()))
    assert len(parts) == 3
    assert join_parts(parts).read_bytes() == whole


def test_sibling_parts_ignores_parts_of_other_files(cut: Cut, tmp_path: Path) -> None:
    parts = cut(1000)
    (tmp_path / "n.gguf.part1of3").write_bytes(b"GGUF")
    assert sibling_parts(parts[1]) == tuple(parts)
    assert sibling_parts(tmp_path / "other.gguf") == ()
    with pytest.raises(UserError) as caught:
        sibling_parts(tmp_path / "n.gguf.part1of3")
    assert caught.value.code == "parts_missing"


def test_joining_needs_one_block_of_space(cut: Cut, whole: bytes, tmp_path: Path) -> None:
    """The disk never holds more than the file and one block."""
    parts = cut(100_000, 300_000)
    most = [0]

    def look(_progress: Progress) -> None:
        used = sum(each.stat().st_blocks * 512 for each in tmp_path.iterdir())
        most[0] = max(most[0], used)

    join_parts(parts, look)
    assert 0 < most[0] < len(whole) + 30_000 + 8 * 4096


def test_linked_parts_are_copied(cut: Cut, whole: bytes, tmp_path: Path) -> None:
    parts = cut(200_000)
    elsewhere = tmp_path / "blobs"
    elsewhere.mkdir()
    blob = parts[1].rename(elsewhere / "blob")
    parts[1].symlink_to(blob)
    before = blob.read_bytes()
    assert join_parts(parts).read_bytes() == whole
    assert blob.read_bytes() == before
    assert parts[0].exists()


def test_cancelling_before_the_first_block_changes_nothing(cut: Cut, tmp_path: Path) -> None:
    parts = cut(200_000)
    with pytest.raises(Cancelled):
        join_parts(parts, cancel=CancelAfter(0))
    give_second_names(parts)
    with pytest.raises(Cancelled):
        join_parts(parts, cancel=CancelAfter(1))
    assert names_in(tmp_path) == ["m.gguf.part1of2", "m.gguf.part2of2", "others"]


@pytest.mark.parametrize("by_target", [False, True])
def test_a_join_continues_after_each_cancellation(cut: Cut, whole: bytes, tmp_path: Path, by_target: bool) -> None:
    parts = cut(100_000, 300_000)
    stops = 0
    target = tmp_path / "m.gguf"
    left = tuple(parts)
    while not target.exists():
        try:
            join_parts([target] if by_target and stops else left, cancel=CancelAfter(3))
        except UserError as error:
            stopped = error
        else:
            break
        stops += 1
        left = sibling_parts(parts[2])
        assert set(left) == set(parts[1:])
        assert stopped.code == "join_stopped"
        assert stopped.data["working"] == tmp_path / "m.gguf.joining"
        assert [each.paths for each in unfinished_work(tmp_path)] == [(tmp_path / "m.gguf.joining",)]
        assert {"m.gguf.joining", "m.gguf.join"} <= set(names_in(tmp_path))
    assert stops > 3
    assert target.read_bytes() == whole
    assert names_in(tmp_path) == ["m.gguf"]
    assert unfinished_work(tmp_path) == ()


def test_a_missing_part_of_an_unfinished_join_is_reported(cut: Cut, tmp_path: Path) -> None:
    parts = cut(100_000, 300_000)
    assert refused(parts, cancel=CancelAfter(2)).code == "join_stopped"
    parts[1].unlink()
    assert refused(parts[2:]).code == "join_record_lost"
    (tmp_path / "m.gguf.join").unlink()
    assert refused(parts[2:]).code == "join_record_lost"


def test_a_stale_journal_does_not_affect_new_parts(cut: Cut, whole: bytes, tmp_path: Path) -> None:
    cut(100_000)
    (tmp_path / "m.gguf.join").write_text('{"format": 1, "parts": [["m.gguf.part1of2", 5], ["m.gguf.part2of2", 6]]}')
    assert join_parts([tmp_path / "m.gguf"]).read_bytes() == whole
    assert names_in(tmp_path) == ["m.gguf"]


def test_an_existing_file_is_not_overwritten(cut: Cut, tmp_path: Path) -> None:
    parts = cut(100_000)
    target = tmp_path / "m.gguf"
    target.write_bytes(b"mine")
    assert refused(parts).code == "file_exists"
    target.unlink()
    assert refused(parts, cancel=CancelAfter(2)).code == "join_stopped"
    target.write_bytes(b"mine")
    assert refused(parts[1:]).code == "file_exists"
    # Neither when a journal was left by a join that was not begun.
    for part in cut(100_000):
        assert part.stat().st_size
    (tmp_path / "m.gguf.joining").unlink()
    assert refused(parts).code == "file_exists"
    assert target.read_bytes() == b"mine"
    assert all(part.stat().st_size for part in parts)


def test_shards_are_refused(cut: Cut, whole: bytes) -> None:
    parts = cut(100_000)
    parts[1].write_bytes(whole)
    error = refused(parts)
    assert (error.code, error.data["path"]) == ("parts_are_shards", parts[1])


@pytest.mark.parametrize("change", ["shorter", "longer", "last gone"])
def test_parts_with_a_wrong_size_are_refused(cut: Cut, whole: bytes, tmp_path: Path, change: str) -> None:
    parts = cut(100_000, 300_000, name="m.gguf.part{0}")
    if change == "last gone":
        parts.pop().unlink()
    else:
        content = parts[1].read_bytes()
        parts[1].write_bytes(content[:-64] if change == "shorter" else content + content[:64])
    before = {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)}
    error = refused(parts)
    assert error.code == "parts_do_not_fit"
    assert error.data["expected_bytes"] == len(whole)
    assert {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)} == before


def test_a_first_part_without_a_header_is_refused(cut: Cut) -> None:
    parts = cut(100_000)
    parts[0].write_bytes(b"<html>" * 1000)
    assert refused(parts).code in ("not_gguf", "is_web_page", "web_page_instead")


def test_missing_parts_and_parts_in_other_folders_are_refused(cut: Cut, tmp_path: Path) -> None:
    parts = cut(100_000, 200_000)
    assert refused([parts[0], parts[2]]).code == "parts_missing"
    assert refused([]).code == "not_parts"
    assert refused([tmp_path / "m.gguf"]).code == "not_parts"
    (tmp_path / "other").mkdir()
    moved = parts[2].rename(tmp_path / "other" / parts[2].name)
    assert refused([*parts[:2], moved]).code == "parts_in_folders"
    assert refused(parts).code == "file_missing"


def test_a_full_disk_is_refused(cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = cut(100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 40, 1 << 40, 1000))
    assert refused(parts).code == "join_no_room"
    assert names_in(tmp_path) == ["m.gguf.part1of2", "m.gguf.part2of2"]
    give_second_names(parts)
    assert refused(parts).code == "join_no_room"
    assert names_in(tmp_path) == ["m.gguf.part1of2", "m.gguf.part2of2", "others"]


def test_a_failing_disk_interrupts_a_join(cut: Cut, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = cut(100_000)
    left = [3]

    def failing(_descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    error = refused(parts)
    assert (error.code, error.data["detail"]) == ("join_interrupted", "Input/output error")
    monkeypatch.undo()
    assert join_parts(parts[1:]).read_bytes() == whole


LIMITED = """
import resource, sys
from pathlib import Path
from model_manager.errors import UserError
from model_manager.layout.join import join_parts
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    join_parts([Path(each) for each in sys.argv[1:]])
except UserError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_system_with_a_size_limit_is_reported(cut: Cut, tmp_path: Path, linked: bool) -> None:
    parts = cut(200_000)
    if linked:
        give_second_names(parts)
    names = names_in(tmp_path)
    before = [path.read_bytes() for path in parts]
    command = [sys.executable, "-c", LIMITED, *map(str, parts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "file_too_large"
    assert [path.read_bytes() for path in parts] == before
    assert names_in(tmp_path) == names


def test_a_second_join_at_once_is_refused(cut: Cut) -> None:
    parts = cut(100_000)
    codes = []

    def again(_progress: Progress) -> None:
        if not codes:
            codes.append(refused(parts).code)

    join_parts(parts, again)
    assert codes == ["join_running"]


def test_a_joined_file_can_be_converted(tmp_path: Path, cut: Cut) -> None:
    """Joined first, repaired afterwards."""
    from model_manager.layout.convert import stack_experts

    old = write_tiny_model(tmp_path / "old.gguf", n_expert=2, legacy=True).read_bytes()
    expected = write_tiny_model(tmp_path / "new.gguf", n_expert=2).read_bytes()
    assert stack_experts(join_parts(cut(200_000, content=old))).read_bytes() == expected
