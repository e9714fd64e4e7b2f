"""Downloads against curl, over loopback onto the disk, from a server in a separate process.

    python -m tests.benchmarks.download [--gib 2] [--layers 2] [--pairs 5] [--folder DIR] [--out FILE]

Plain file: with hash, journal and checks.  Cut file: every connection is closed after a megabyte, and curl is started
again each time to continue.  Legacy file: experts stacked while downloading, two hashes.  The result is the median
ratio of pairs of runs, because other load affects both runs of a pair.  Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_manager.disk.json_file import from_json, to_json
from model_manager.download.download import download
from model_manager.download.transfer import DownloadStatus, Transfer
from model_manager.hub.access import Access
from model_manager.published import HubFile, PublishedModel
from tests.benchmarks.figures import ROOT, Figure, at_least, at_most, median, report, reported, rounded
from tests.rigs.big_moe import write_big_moe
from tests.rigs.plain_gguf import write_plain_gguf

MIB = 1 << 20
CUT_BYTES = 1_000_000
CURL_PARTIAL_FILE = 18
REPOSITORY = "bench/mark"


@dataclass(frozen=True)
class Served:
    """A file on the server."""

    url: str
    endpoint: str
    published: PublishedModel


@contextmanager
def served(path: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "tests.rigs.fake_hub", "--port", "0", f"{REPOSITORY}:model.gguf={path}"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url, size, sha256 = server.stdout.readline().split()
        endpoint = url.partition(f"/{REPOSITORY}")[0]
        with urllib.request.urlopen(f"{endpoint}/api/models/{REPOSITORY}") as answer:
            commit = json.load(answer)["sha"]
        files = (HubFile("model.gguf", int(size), sha256),)
        yield Served(url, endpoint, PublishedModel("bench", REPOSITORY, commit, "model.gguf", "file", files))
    finally:
        server.kill()
        server.wait()


def cut(server: Served, after: int) -> None:
    """Close every connection after so many bytes."""
    fault = json.dumps({"where": "cdn", "kind": "cut", "after": after, "times": -1}).encode()
    urllib.request.urlopen(f"{server.endpoint}/_fake/fault", fault).close()


def curl(url: str, folder: Path) -> float:
    """Return the seconds curl takes, started again after each cut."""
    begun = time.perf_counter()
    command = ["curl", "--silent", "--fail", "--location", "--continue-at", "-", "--output", str(folder / "curl"), url]
    while (ended := subprocess.run(command)).returncode == CURL_PARTIAL_FILE:
        pass
    ended.check_returncode()
    return time.perf_counter() - begun


def ours(server: Served, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.download", "--one", server.endpoint, str(folder)]
    command.append(to_json(server.published).decode())
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def one(endpoint: str, folder: Path, published_json: str) -> None:
    """Download in a separate process; print seconds, peak memory, and seconds after the last byte."""
    published = from_json(published_json, PublishedModel)
    access = Access(endpoint, endpoint, proxy="")
    complete_at: list[float] = []

    def watch(status: DownloadStatus) -> None:
        if status.state == "verifying" and not complete_at:
            complete_at.append(time.perf_counter())

    before = peak_bytes()
    begun = time.perf_counter()
    download(published, folder, lambda: access, Transfer(on_status=watch))
    ended = time.perf_counter()
    tail = ended - complete_at[0] if complete_at else 0.0
    print(json.dumps({"seconds": ended - begun, "tail_s": tail, "rss_growth_bytes": peak_bytes() - before}))


def peak_bytes() -> int:
    """Return the peak memory of this process; the system's value for children includes the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def measure(
    name: str, path: Path, folder: Path, pairs: int, bound: float, *, cut_after: int | None = None
) -> list[Figure]:
    n_mib = path.stat().st_size / MIB
    by_curl: list[float] = []
    by_ours: list[dict[str, float]] = []

    with served(path) as server:
        if cut_after is not None:
            cut(server, cut_after)
        for turn in range(pairs):
            for step in (("curl", "ours"), ("ours", "curl"))[turn % 2]:
                target = Path(tempfile.mkdtemp(dir=folder))
                if step == "curl":
                    by_curl.append(curl(server.url, target))
                else:
                    by_ours.append(ours(server, target))
                shutil.rmtree(target)
                os.sync()
    ratios = [one_curl / each["seconds"] for one_curl, each in zip(by_curl, by_ours, strict=True)]
    return [
        reported(
            at_least(
                f"{name}: speed against curl",
                median(ratios),
                bound,
                ratios=[round(ratio, 2) for ratio in ratios],
                curl_mib_per_s=rounded([n_mib / seconds for seconds in by_curl]),
                ours_mib_per_s=rounded([n_mib / each["seconds"] for each in by_ours]),
            )
        ),
        reported(
            at_most(f"{name}: seconds from the last byte to verified", max(each["tail_s"] for each in by_ours), 2.0)
        ),
        reported(
            at_most(f"{name}: growth of memory in MiB", max(each["rss_growth_bytes"] for each in by_ours) / MIB, 100.0)
        ),
    ]


def main() -> int:
    if "--one" in sys.argv:
        endpoint, folder, published_json = sys.argv[sys.argv.index("--one") + 1 :]
        one(endpoint, Path(folder), published_json)
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--layers", type=int, default=2, help="of the legacy file, a GiB each; 0 leaves it out")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        plain = write_plain_gguf(folder / "plain.gguf", int(args.gib * 1024) * MIB)
        figures += measure("plain file", plain, folder, args.pairs, 0.85)
        plain.unlink()
        broken = write_plain_gguf(folder / "broken.gguf", int(args.gib * 128) * MIB)
        figures += measure("cut every 1 MB", broken, folder, args.pairs, 0.8, cut_after=CUT_BYTES)
        broken.unlink()
        if args.layers:
            legacy = folder / "legacy.gguf"
            write_big_moe(legacy, n_layer=args.layers, legacy=True)
            figures += measure("stacking experts", legacy, folder, args.pairs, 0.35)
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
