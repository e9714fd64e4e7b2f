"""Relocation of the models folder that is killed at any moment: completed or rolled back without loss."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_manager.library.relocation import relocate_models, roll_back, unfinished_relocation
from tests.rigs.downloaded import code_of
from tests.rigs.moves import content_of, other_disk

ROOT = Path(__file__).parents[2]

MOVE = """
import errno, os, signal, sys
from pathlib import Path
from model_manager.library import relocation
from model_manager.library.relocation import relocate_models
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
    relocation.replace_durably = counted(relocation.replace_durably)
if moment == "originals":
    relocation._delete_original = counted(relocation._delete_original)
if moment == "journals":
    relocation._remove_journal = counted(relocation._remove_journal)
on_commit = counted(lambda: None) if moment == "commit" else lambda: None
progress = (lambda each: die_at(each.done)) if moment == "bytes" else ignore_progress
relocate_models(old, new, progress, on_commit=on_commit, rename=rename)
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
def test_killing_the_process_loses_nothing(old: Path, new: Path, moment: str, number: int, committed: bool) -> None:
    before = content_of(old)
    assert _killed(old, new, moment, number)
    there = new if moment == "journals" and number == 2 else old
    move = unfinished_relocation(there)
    assert move is not None
    assert (move.source, move.target, move.committed) == (old, new, committed)
    rename = os.rename if moment == "rename" else other_disk
    if not committed:
        # The old folder is whole and in use.
        assert {name: sha for name, sha in content_of(old).items() if name in before} == before
    commits: list[int] = []
    relocate_models(move.source, move.target, on_commit=lambda: commits.append(1), rename=rename)
    assert content_of(new) == before
    assert not old.exists() or moment == "journals"
    assert commits == [1]
    assert unfinished_relocation(old) is None
    assert unfinished_relocation(new) is None


def test_a_committed_relocation_completes_without_the_old_folder(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "journals", 2)
    shutil.rmtree(old)
    pending = unfinished_relocation(new)
    assert pending is not None
    assert pending.committed
    relocate_models(old, new)
    assert content_of(new) == before
    assert unfinished_relocation(new) is None


def test_copies_that_a_power_cut_damaged_are_replaced(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 3 << 20)
    for path in new.rglob("*.moving"):
        # What was not safe on the disk comes back as zeros.
        path.write_bytes(bytes(path.stat().st_size))
    journal = new / ".models-move.json"
    journal.unlink()
    relocate_models(old, new, rename=other_disk)
    assert content_of(new) == before


def test_an_interrupted_relocation_is_rolled_back(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 4 << 20)
    assert list(new.rglob("*.moving"))
    move = unfinished_relocation(old)
    assert move is not None
    roll_back(move)
    assert list(new.rglob("*")) == []
    assert content_of(old) == before
    assert unfinished_relocation(old) is None


@pytest.mark.parametrize("place", ["old", "new"])
def test_nothing_is_left_of_a_relocation_that_was_killed_while_it_tried_the_disks(
    old: Path, new: Path, place: str
) -> None:
    before = content_of(old)
    assert _killed(old, new, "rename", 1)
    assert content_of(old) != before
    if place == "new":
        probe = next(old.glob("*.probe"))
        probe.rename(new / probe.name)
    move = unfinished_relocation(old)
    assert move is not None
    roll_back(move)
    assert content_of(old) == before
    assert content_of(new) == {}


def test_a_committed_relocation_is_not_rolled_back(old: Path, new: Path) -> None:
    assert _killed(old, new, "names", 2)
    move = unfinished_relocation(new)
    assert move is not None
    with pytest.raises(ValueError, match="committed"):
        roll_back(move)


def test_rolling_back_without_the_new_drive(old: Path, new: Path) -> None:
    before = content_of(old)
    assert _killed(old, new, "bytes", 4 << 20)
    shutil.rmtree(new)
    move = unfinished_relocation(old)
    assert move is not None
    roll_back(move)
    assert content_of(old) == before


def test_another_relocation_waits_for_an_unfinished_one(old: Path, new: Path, tmp_path: Path) -> None:
    assert _killed(old, new, "bytes", 1 << 20)
    assert code_of(lambda: relocate_models(old, tmp_path / "third")) == "move_unfinished"
    assert code_of(lambda: relocate_models(new, tmp_path / "third")) == "move_unfinished"
