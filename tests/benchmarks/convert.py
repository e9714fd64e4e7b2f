"""Stacking the experts of a file on disk, by copy and in place, against ``cp`` of the same file.

    python -m tests.benchmarks.convert [--out FILE]     two minutes and 10 GiB in the folder for temporary files; Linux

A legacy file of 2 GiB with the layer shape of APUS-xDAN-4.0-MoE.  Runs alternate with the baseline, with the file in
the page cache, as after a download; ``cp`` is timed until its copy is synced, as ours is.
"""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import ROOT, Figure, at_least, at_most, median, report, reported, rounded
from tests.rigs.big_moe import write_big_moe

RUNS = 5
REPAIR = """
import json, sys, time
from pathlib import Path
from model_manager.layout.convert import stack_experts
path, out = Path(sys.argv[1]), Path(sys.argv[2])
begin = time.perf_counter()
stack_experts(path, out, in_place=True if out == path else None)
seconds = time.perf_counter() - begin
# Not ru_maxrss, which begins with that of the process that started this one.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "rss_mib": int(peak.split()[1]) / 1024}))
"""


def gone(path: Path) -> Path:
    """Return ``path`` with nothing at it, after the file system has finished the removal."""
    path.unlink(missing_ok=True)
    os.sync()
    return path


def copied(source: Path, target: Path) -> tuple[float, float]:
    """Return the seconds ``cp`` takes, without and with syncing its copy."""
    gone(target)
    begin = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    returned = time.perf_counter() - begin
    with target.open("r+b") as file:
        os.fsync(file.fileno())
    return returned, time.perf_counter() - begin


def repaired(path: Path, out: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", REPAIR, str(path), str(out)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(legacy: Path, folder: Path, way: str) -> tuple[Path, list[Figure]]:
    """Return the converted file and the seconds it took."""
    result, spare = folder / f"{way}.gguf", folder / "cp.gguf"
    bare, ours = [copied(legacy, spare)], []
    for _ in range(RUNS):
        if way == "in place":
            copied(legacy, result)
            ours.append(repaired(result, result))
        else:
            ours.append(repaired(legacy, gone(result)))
        bare.append(copied(legacy, spare))
    gib = legacy.stat().st_size / (1 << 30)
    seconds = [each["seconds"] for each in ours]
    safe = [each[1] for each in bare]
    # Each run is between two of cp's, because a shared disk's speed drifts.
    ratios = [(before + after) / 2 / each for each, before, after in zip(seconds, safe, safe[1:], strict=False)]
    speed = at_least(
        f"repair, {way}, of cp's speed",
        median(ratios),
        0.5,
        gib=round(gib, 2),
        mib_per_second=rounded([1024 * gib / each for each in seconds]),
        cp_mib_per_second=rounded([1024 * gib / each for each in safe]),
        cp_before_it_is_safe_mib_per_second=rounded([1024 * gib / each[0] for each in bare]),
    )
    memory = [each["rss_mib"] for each in ours]
    return result, [
        reported(speed),
        reported(at_most(f"repair, {way}, memory, MiB", max(memory), 200, each=rounded(memory))),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        legacy = folder / "legacy.gguf"
        write_big_moe(legacy, n_layer=2, legacy=True)
        one, figures = measured(legacy, folder, "copy")
        other, more = measured(legacy, folder, "in place")
        assert filecmp.cmp(one, other, shallow=False)
        return report([*figures, *more])


if __name__ == "__main__":
    sys.exit(main())
