"""Import of 20,000 conversations with 200,000 messages in ChatGPT's layout: time and memory of the command line.

    python -m tests.benchmarks.imports [--out FILE] [--conversations N]     some minutes

The baseline is ``json.load`` of the same file, which needs memory for all of it.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import ROOT, Figure, at_most, report, reported

TURNS, LIMIT_S, LIMIT_MIB = 5, 120, 200
WORDS = "the sea is deep and 海 很 深 because of tides under a full moon".split()  # noqa: SIM905


def write_export(path: Path, conversations: int) -> int:
    """Write an archive and return the size of its JSON."""
    chance = random.Random(1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("conversations.json", "w") as out:
        size = out.write(b"[")
        for number in range(conversations):
            size += out.write((b"," if number else b"") + json.dumps(_conversation(number, chance)).encode())
        return size + out.write(b"]")


def _conversation(number: int, chance: random.Random) -> dict[str, Any]:
    nodes: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None, "children": ["0"]}}
    for at in range(2 * TURNS):
        role = "assistant" if at % 2 else "user"
        metadata = {"model_slug": "gpt-4o", "request_id": f"{chance.getrandbits(64):x}", "timestamp_": "absolute"}
        content = {"content_type": "text", "parts": [" ".join(chance.choices(WORDS, k=150 if at % 2 else 30))]}
        message = {
            "id": f"{at}", "author": {"role": role, "name": None, "metadata": {}}, "create_time": 1.7e9 + number + at,
            "update_time": None, "content": content, "status": "finished_successfully", "end_turn": True,
            "weight": 1.0, "metadata": metadata, "recipient": "all", "channel": None,
        }  # fmt: skip
        parent = str(at - 1) if at else "root"
        nodes[str(at)] = {"id": str(at), "message": message, "parent": parent, "children": [str(at + 1)]}
    return {
        "title": f"Conversation {number}", "create_time": 1.7e9 + number, "update_time": 1.7e9 + number + 60,
        "mapping": nodes, "current_node": str(2 * TURNS - 1), "conversation_id": f"{number:032x}", "moderation": [],
    }  # fmt: skip


def measured(command: list[str]) -> tuple[float, float, float, str]:
    """Run a command: seconds by the clock and of the CPU, MiB at most, and its output."""
    code = (
        "import resource,subprocess,sys,json\n"
        "out=subprocess.run(sys.argv[1:],check=True,capture_output=True,text=True).stdout\n"
        "use=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([use.ru_utime+use.ru_stime,use.ru_maxrss/1024,out]))"
    )
    begun = time.perf_counter()
    found = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True, cwd=ROOT)
    cpu_s, mib, output = json.loads(found.stdout)
    return time.perf_counter() - begun, cpu_s, mib, output


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--conversations", type=int, default=20_000)
    count = parser.parse_known_args()[0].conversations
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.zip")
        size = write_export(path, count)
        load = "import json,sys,zipfile; json.load(zipfile.ZipFile(sys.argv[1]).open('conversations.json'))"
        _, base_cpu_s, base_mib, _ = measured([sys.executable, "-c", load, str(path)])
        program = [sys.executable, "-m", "app", "conversations", "import", str(path), "--json"]
        for name, more in (("preview", ["--dry-run"]), ("import", []), ("second import", [])):
            clock_s, cpu_s, mib, output = measured([*program, *more, "--data-dir", str(Path(folder, "data"))])
            result = json.loads(output)
            details = {"clock_s": round(clock_s, 1), "baseline_cpu_s": round(base_cpu_s, 1), "json_mib": size >> 20}
            assert result.get("imported", result.get("conversations")) == (0 if name == "second import" else count)
            figures += [
                reported(at_most(f"{name} of {count * 2 * TURNS:,} messages, CPU s", cpu_s, LIMIT_S, **details)),
                reported(at_most(f"{name}, MiB", mib, LIMIT_MIB, baseline_mib=round(base_mib))),
            ]
    return report(figures)


if __name__ == "__main__":
    raise SystemExit(main())
