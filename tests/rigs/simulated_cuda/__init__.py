"""Simulated CUDA devices for engine children (``backend.c``): offload, buffers and splits of real ones, computed here.

The backend is compiled once for an engine and a version of its source, in about a second, and kept in the build folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import llama_cpp

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).with_name("backend.c")
CACHE = ROOT / ".start" / "simulated-cuda"


def build() -> Path:
    """Compile the backend unless it is there; return the library."""
    package = Path(llama_cpp.__file__).parent
    libraries = package / "lib"
    engine = libraries / "libggml-base.so.0"
    stamp = f"{engine} {engine.stat().st_mtime_ns} {engine.stat().st_size}".encode()
    library = CACHE / f"{hashlib.sha256(SOURCE.read_bytes() + stamp).hexdigest()[:16]}.so"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.exists():
            compiler = shutil.which("cc") or "gcc"
            names = [f"-l:lib{name}.so.0" for name in ("ggml", "ggml-base", "ggml-cpu")]
            part = library.with_suffix(".part")
            command = [compiler, "-O1", "-std=gnu11", "-Wall", "-shared", "-fPIC", f"-I{package.parent / 'include'}"]
            command += [str(SOURCE), "-o", str(part), f"-L{libraries}", f"-Wl,-rpath,{libraries}", *names]
            subprocess.run(command, check=True)
            part.replace(library)
    return library


def environment(*gib: float, log: Path | None = None, **options: object) -> dict[str, str]:
    """Return the environment in which engine children have these devices.

    ``log`` receives a line for each copy and graph; ``options``: ``limit=1``, ``slow=250`` (``backend.c``).
    """
    found = {"SIMULATED_CUDA": ",".join(map(str, gib)), "APUS_CHAT_ENGINE_WRAPPER": f"env LD_PRELOAD={build()}"}
    if log is not None:
        found["SIMULATED_CUDA_LOG"] = str(log)
    return found | {f"SIMULATED_CUDA_{name.upper()}": str(value) for name, value in options.items()}


class Log:
    """The lines that devices write since the last call of ``clear``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0
        path.touch()

    def clear(self) -> None:
        """Ignore the lines so far."""
        self._start = self.path.stat().st_size

    def _lines(self, kind: str) -> list[list[str]]:
        with self.path.open() as file:
            file.seek(self._start)
            return [line.split() for line in file if line.startswith(kind)]

    def expert_bytes(self) -> Counter[int]:
        """Bytes of experts copied from host memory, by device."""
        found: Counter[int] = Counter()
        for _, device, size, name in self._lines("set "):
            if "exps" in name:
                found[int(device)] += int(size)
        return found

    def graphs(self) -> list[tuple[int, int, int]]:
        """Device, nodes and tokens of every graph, 0 tokens where it multiplies no matrices."""
        return [(int(device), int(nodes), int(tokens)) for _, device, nodes, tokens in self._lines("run ")]
