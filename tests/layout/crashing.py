"""Kill a process at random lines of the code under test, and check the files after further runs.

    python -m tests.layout.crashing WORK FOLDER MASTERS POINTS SEED      one JSON object on standard output

WORK is ``copy``, ``in_place`` or ``join``; MASTERS a folder with the files to begin with in ``before`` and those to end
with in ``after``.  At each of POINTS random lines a child that has just reached it kills itself with SIGKILL; a second
one continues and is usually killed too; the third one finishes.  A fork each, so that hundreds of crashes take seconds.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from model_manager.layout import join as joining
from model_manager.layout.convert import stack_experts
from model_manager.layout.file_names import with_suffix
from model_manager.layout.in_place import JOURNAL, WORKING, begin_in_place
from model_manager.layout.join import join_parts, sibling_parts
from model_manager.layout.permutation import plan_moves
from model_manager.layout.stacking import read_layout
from model_manager.library.scan import unfinished_work

WATCHED = ("in_place.py", "convert.py", "join.py", "copies.py", "files.py", "origin.py")


def in_place(folder: Path) -> None:
    path = folder / "old.gguf"
    if not with_suffix(path, WORKING).exists() and not with_suffix(path, JOURNAL).exists():
        _, layout = read_layout(path)
        if not layout.is_identity:
            begin_in_place(
                path, layout, plan_moves(layout, piece_bytes=20_000, saved_bytes=60_000, batch_bytes=100_000)
            )
    stack_experts(path, in_place=True)


def copy(folder: Path) -> None:
    stack_experts(folder / "old.gguf", in_place=False)


def join(folder: Path) -> None:
    joining.BLOCK_BYTES = 100_000
    target = folder / "whole.gguf"
    if unfinished_work(folder) or (folder / "whole.gguf.join").exists():
        join_parts([target])
    elif parts := sibling_parts(folder / "whole.gguf.part1of3"):
        join_parts(parts)


WORKS: dict[str, Callable[[Path], None]] = {"in_place": in_place, "copy": copy, "join": join}


class Trace:
    """Counts lines of the watched files, and kills the process at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.lines = 0
        self.kill_at = kill_at

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Trace | None:
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def forked(work: Callable[[Path], None], folder: Path, kill_at: int | None) -> tuple[str, int]:
    """How it ended ("killed", "finished" or what was raised), and how many lines that took."""
    end, begin = os.pipe()
    child = os.fork()
    if child == 0:
        trace = Trace(kill_at)
        outcome = "finished"
        sys.settrace(trace)
        try:
            work(folder)
        except BaseException as error:
            outcome = repr(error)
        sys.settrace(None)
        os.write(begin, json.dumps([outcome, trace.lines]).encode())
        os._exit(0)
    os.close(begin)
    with os.fdopen(end, "rb") as pipe:
        output = pipe.read()
    os.waitpid(child, 0)
    return tuple(json.loads(output)) if output else ("killed", 0)


def same(folder: Path, expected: Path) -> str:
    """What is wrong with the folder, by name; empty where nothing is."""
    for each in sorted(expected.iterdir()):
        if not (folder / each.name).exists():
            return f"{each.name} is missing"
        # What is remembered about a file holds times and, in place, no hash.
        if not each.name.endswith(".json") and (folder / each.name).read_bytes() != each.read_bytes():
            return f"{each.name} differs"
    names = {each.name for each in folder.iterdir()} - {each.name for each in expected.iterdir()}
    # Empty, and left where the last line was not reached; the next join takes it.
    names.discard("whole.gguf.join.lock")
    return f"left over: {sorted(names)}" if names else ""


def main(name: str, folder: Path, masters: Path, points: int, seed: int) -> dict[str, object]:
    work, dice = WORKS[name], random.Random(seed)
    counts: dict[str, int] = {}
    wrong: list[str] = []

    def afresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(masters / "before", folder)

    afresh()
    outcome, lines = forked(work, folder, None)
    if problem := same(folder, masters / "after"):
        wrong.append(f"without a crash: {outcome}, {problem}")
    for _ in range(points):
        afresh()
        first, second = dice.randrange(1, lines + 1), dice.randrange(1, lines + 1)
        for kill_at in (first, second, None):
            # The folder must contain the old file, the new one, or one that can be continued.
            outcome, _ = forked(work, folder, kill_at)
            counts[outcome] = counts.get(outcome, 0) + 1
            known = unfinished_work(folder) or tuple(folder.glob("*.gguf"))
            if not known and not tuple(folder.glob("*.part1of3")):
                wrong.append(f"lines {first}, {second}: nothing to go on with")
        if problem := same(folder, masters / "after"):
            wrong.append(f"lines {first}, {second}: {outcome}, {problem}")
    return {"lines": lines, "outcomes": counts, "wrong": wrong[:5]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))))
