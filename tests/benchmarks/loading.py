"""Loading a file of some GiB that is not in the page cache, against a plain sequential read of the same file.

    python -m tests.benchmarks.loading [--folder FOLDER] [--layers 3] [--only NAME] [--out FILE]     4 minutes; 3.2 GB

Loads and reads alternate; a ratio is the median of those of neighbours.  Before each, several times the size of the
file is allocated, written and freed: a virtual machine gives memory that is free for a while back to its host, and the
first one that uses it would wait for the host.  Devices are simulated in host memory (``tests.rigs.simulated_cuda``),
so copies to them take the processor's time.  That memory has its pages before, as real devices need none of the host.
"""

from __future__ import annotations

import argparse
import mmap
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import psutil

from app.engine.local_engine import LocalEngine
from model_manager.plan.load_spec import CPU, LoadSpec
from tests.benchmarks.figures import Figure, at_least, median, report, reported, rounded
from tests.rigs import simulated_cuda
from tests.rigs.big_moe import write_big_moe

RUNS = 4
BLOCK = 8 << 20
LEAST_FREE = 2 << 30
DEVICES = ("CUDA0", "CUDA1")
SPECS = {
    "two devices": LoadSpec(context=512, devices=DEVICES, tensor_split=(1, 1), n_gpu_layers=-1, mmap=False),
    "experts in RAM": LoadSpec(context=512, devices=DEVICES[:1], n_gpu_layers=-1, experts_in_ram=(0, 1), mmap=False),
    "host memory, repacked": LoadSpec(context=512, devices=(CPU,), n_gpu_layers=0, mmap=False),
    "host memory, mapped": LoadSpec(context=512, devices=(CPU,), n_gpu_layers=0, repack=False),
}


def drop(path: Path) -> None:
    """Remove a file from the page cache, and leave free memory that was in use a moment before."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    size = min(4 * path.stat().st_size, psutil.virtual_memory().available - LEAST_FREE) // BLOCK * BLOCK
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        block = bytes(BLOCK)
        for start in range(0, size, BLOCK):
            memory[start : start + BLOCK] = block


def plain_read_s(path: Path) -> float:
    drop(path)
    buffer, begin = bytearray(BLOCK), time.monotonic()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.monotonic() - begin


def load_s(engine: LocalEngine, path: Path, spec: LoadSpec) -> float:
    # The child is up, as it is after the devices were listed.
    engine.release()
    engine.devices(keep=True)
    drop(path)
    begin = time.monotonic()
    list(engine.load(path, spec))
    seconds = time.monotonic() - begin
    engine.release()
    return seconds


def compare(path: Path, folder: Path, name: str, spec: LoadSpec) -> Figure:
    engine = LocalEngine(folder / "engine.log")
    # Without devices: their memory would be missing.
    devices = {} if spec.devices == (CPU,) else simulated_cuda.environment(3, 2, resident=1)
    plain, loads = [plain_read_s(path)], []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with patch.dict(os.environ, devices):
        for _ in range(RUNS):
            loads.append(load_s(engine, path, spec))
            plain.append(plain_read_s(path))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    n_bytes = path.stat().st_size
    ratios = [(first + second) / 2 / own for own, first, second in zip(loads, plain, plain[1:], strict=False)]
    return at_least(
        f"speed of a load over a plain read, {name}",
        median(ratios),
        0.9,
        load_mb_per_s=rounded([n_bytes / each / 1e6 for each in loads]),
        plain_mb_per_s=rounded([n_bytes / each / 1e6 for each in plain]),
        cpu_s_of_a_load=round((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / RUNS, 2),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--only", choices=SPECS, default=None)
    arguments = parser.parse_known_args()[0]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "model.gguf"
        write_big_moe(path, n_layer=arguments.layers)
        return report(
            [
                reported(compare(path, Path(folder), name, spec))
                for name, spec in SPECS.items()
                if arguments.only in (None, name)
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
