"""Moving the models folder: killed at any moment, it goes on or goes back, and no file is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from model_manager.disk import verified_copy
from model_manager.library.relocation import Move, abandon_move, move_models, unfinished_move
from tests.rigs.downloaded import code_of
from tests.rigs.moves import content_of, other_disk

ROOT = Path(__file__).parents[2]

MOVE = """
import errno, os, signal, sys
from pathlib import Path
from model_manager.library import relocation as moving
from model_manager.library.relocation import move_models
from model_manager.progress import ignore_progress

old, new, moment, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def other_disk(source, target):
    raise OSError(errno.EXDEV, "other disk")

def die_at(count):
    if count >= number:
        os.kill(os.getpid(), signal.SIGKILL)

count = 0
def counted(function):
    def call(*arguments, **named):
        global count
        count += 1
        die_at(count)
        return function(*arguments, **named)
    return call

rename = os.rename if moment == "rename" else other_disk
if moment == "rename":
    rename = counted(os.rename)
if moment == "names":
    moving.move_over = counted(moving.move_over)
if moment == "originals":
    moving._unlink = counted(moving._unlink)
if moment == "journals":
    moving.remove_move = counted(moving.remove_move)
on_commit = counted(lambda: None) if moment == "commit" else None
progress = (lambda each: die_at(each.done)) if moment == "bytes" else ignore_progress
move_models(old, new, progress, on_commit=on_commit, rename=rename)
print("moved", flush=True)
"""


def _killed(old: Path, new: Path, moment: str, number: int) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", MOVE, str(old), str(new), moment, str(number)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


@pytest.mark.parametrize(
    ("moment", "number", "committed"),
    [
        ("bytes", 1, False),
        ("bytes", 3 << 20, False),
        ("bytes", 4_900_000, False),
        ("commit", 1, True),
        ("names", 1, True),
        ("names", 5, True),
        ("originals", 1, True),
        ("originals", 7, True),
        ("journals", 1, True),
        ("journals", 2, True),
        # The first is the trial whether renaming works.
        ("rename", 1, False),
        ("rename", 2, True),
        ("rename", 6, True),
    ],
)
def test_killed_at_any_moment(old: Path, new: Path, moment: str, number: int, committed: bool) -> None:
    before = content_of(old)
    assert _killed(old, new, moment, number)
    there = new if moment == "journals" and number == 2 else old
    move = unfinished_move(there)
    assert move == Move(old, new, committed)
    rename = os.rename if moment == "rename" else other_disk
    if not committed:
        # The old folder is whole and in use.
        assert {name: sha for name, sha in content_of(old).items() if name in before} == before
    commits: list[int] = []
    move_models(move.source, move.target, on_commit=lambda: commits.append(1), rename=rename)
    assert content_of(new) == before
    assert not old.exists() or moment == "journals"
    assert commits == [1]
    assert unfinished_move(old) is None
    assert unfinished_move(new) is None


def test_a_committed_move_whose_old_folder_was_taken_away(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "journals", 2)
    shutil.rmtree(old)
    assert unfinished_move(new) == Move(old, new, True)
    move_models(old, new)
    assert content_of(new) == before
    assert unfinished_move(new) is None


def test_an_interrupted_move_is_gone_on_with_where_it_was(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(path.stat().st_size for path in old.rglob("*") if path.is_file())
    assert _killed(old, new, "bytes", total * 3 // 4)
    copied = sum(path.stat().st_size for path in new.rglob("*.moving"))
    assert copied > total // 2
    written: list[int] = []
    real = verified_copy._write

    def count(out: BinaryIO, place: int, piece: memoryview) -> None:
        written.append(len(piece))
        real(out, place, piece)

    monkeypatch.setattr(verified_copy, "_write", count)
    told: list[int] = []
    move_models(old, new, lambda each: told.append(each.done), rename=other_disk)
    assert told[0] > total // 3
    assert sum(written) == total - copied


def test_a_copy_that_lost_its_end_in_a_power_cut(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 3 << 20)
    for path in new.rglob("*.moving"):
        # What was not safe on the disk comes back as zeros.
        path.write_bytes(bytes(path.stat().st_size))
    journal = new / ".models-move.json"
    journal.unlink()
    move_models(old, new, rename=other_disk)
    assert content_of(new) == before


def test_an_interrupted_move_is_abandoned(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 4 << 20)
    assert list(new.rglob("*.moving"))
    move = unfinished_move(old)
    assert move is not None
    abandon_move(move)
    assert list(new.rglob("*")) == []
    assert content_of(old) == before
    assert unfinished_move(old) is None


def test_a_committed_move_can_only_go_on(old: Path, new: Path) -> None:
    assert _killed(old, new, "names", 2)
    move = unfinished_move(new)
    assert move is not None
    with pytest.raises(ValueError, match="committed"):
        abandon_move(move)


def test_an_abandoned_move_whose_new_drive_is_gone(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 4 << 20)
    shutil.rmtree(new)
    move = unfinished_move(old)
    assert move is not None
    abandon_move(move)
    assert content_of(old) == before


def test_one_move_after_the_other(old: Path, new: Path, tmp_path: Path) -> None:
    assert _killed(old, new, "bytes", 1 << 20)
    assert code_of(lambda: move_models(old, tmp_path / "third")) == "move_unfinished"
    assert code_of(lambda: move_models(new, tmp_path / "third")) == "move_unfinished"
