"""Conversions and joins that are killed at any moment: repeated, they end with the right bytes and no leftovers."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model_manager.layout.convert import stack_experts
from model_manager.layout.join import join_parts
from model_manager.library.scan import unfinished_work
from tests.layout.conftest import Twins
from tests.rigs.big_moe import write_big_moe

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that forks")


def crash(work: str, tmp_path: Path, points: int) -> None:
    command = [sys.executable, "-m", "tests.layout.crashing", work, str(tmp_path / "work"), str(tmp_path / "masters")]
    done = subprocess.run(
        [*command, str(points), "1"], cwd=ROOT, capture_output=True, text=True, timeout=60 * points, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["wrong"] == []
    assert set(result["outcomes"]) == {"killed", "finished"}
    assert result["outcomes"]["killed"] > points
    assert result["lines"] > 100


@pytest.fixture
def masters(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "masters" / "before", tmp_path / "masters" / "after"
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


@pytest.mark.parametrize("points", [12, pytest.param(200, marks=pytest.mark.kills)])
@pytest.mark.parametrize("work", ["copy", "in_place"])
def test_conversion_survives_kills(
    twins: Callable[..., Twins], masters: tuple[Path, Path], tmp_path: Path, work: str, points: int
) -> None:
    files = twins(n_expert=3, tensor_type="Q4_0", alignment=1024)
    files.path.replace(masters[0] / "old.gguf")
    (masters[1] / "old.gguf").write_bytes(files.stacked)
    (masters[1] / "old.gguf.origin.json").touch()
    crash(work, tmp_path, points)


@pytest.mark.parametrize("points", [12, pytest.param(200, marks=pytest.mark.kills)])
def test_joining_survives_kills(tiny_model: Path, masters: tuple[Path, Path], tmp_path: Path, points: int) -> None:
    whole = tiny_model.read_bytes()
    for number, (start, stop) in enumerate([(0, 150_000), (150_000, 300_001), (300_001, len(whole))], 1):
        (masters[0] / f"whole.gguf.part{number}of3").write_bytes(whole[start:stop])
    (masters[1] / "whole.gguf").write_bytes(whole)
    crash("join", tmp_path, points)


KILLED = """
import sys
from pathlib import Path
from model_manager.layout.join import join_parts
from model_manager.layout.convert import stack_experts
def on_progress(progress):
    print(progress.done, flush=True)
if sys.argv[1] == "repair":
    stack_experts(Path(sys.argv[2]), None, on_progress, in_place=True)
else:
    join_parts([Path(each) for each in sys.argv[2:]], on_progress)
"""


def kill_once(arguments: list[str], steps: int, dice: random.Random) -> bool:
    """Run a child and kill it from outside somewhere after so many steps; whether it was killed."""
    child = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        for _ in range(steps):
            if not child.stdout.readline():
                break
        for _ in range(dice.randrange(20_000)):
            pass  # somewhere within the step
        child.kill()
        return child.wait() < 0


@pytest.mark.slow
def test_a_large_conversion_survives_kills(tmp_path: Path) -> None:
    path = tmp_path / "old.gguf"
    write_big_moe(path, n_layer=1, legacy=True)
    copy = tmp_path / "new.gguf"
    stack_experts(path, copy)
    with copy.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    dice = random.Random(3)
    kills = 0
    while kills < 8:
        kills += kill_once(["repair", str(path)], dice.randrange(0, 25), dice)
        if not unfinished_work(tmp_path) and kills < 8:
            write_big_moe(path, n_layer=1, legacy=True)
    stack_experts(path)
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == expected


@pytest.mark.slow
def test_a_large_join_survives_kills(tmp_path: Path) -> None:
    path = tmp_path / "whole.gguf"
    write_big_moe(path, n_layer=1)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("rb") as file:
        for letter in "abc":
            (tmp_path / f"whole.gguf-split-{letter}").write_bytes(file.read(450 << 20))
    path.unlink()
    dice = random.Random(4)
    parts = [str(tmp_path / f"whole.gguf-split-{letter}") for letter in "abc"]
    kills = 0
    while not path.exists() and kills < 12:
        kills += kill_once(["join", *parts], dice.randrange(0, 6), dice)
    assert kills > 2
    if not path.exists():
        join_parts([path])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
    assert [each.name for each in tmp_path.iterdir()] == ["whole.gguf"]
