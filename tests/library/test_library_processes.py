"""Several processes and threads with one library."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from model_manager.errors import UserError
from model_manager.library import registry
from model_manager.library.library import ModelLibrary

ROOT = Path(__file__).parents[2]
REGISTER = """
import sys
from pathlib import Path
from model_manager.library.library import ModelLibrary
library = ModelLibrary(Path(sys.argv[1]), find_starter=lambda: None)
print("ready", flush=True)
sys.stdin.readline()
for path in sys.argv[2:]:
    library.register(Path(path))
    library.record_file_hash(Path(path), "0" * 64)
"""


def _copies(folder: Path, tiny: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{folder.name}-{number}.gguf" for number in range(count)]
    for path in paths:
        path.write_bytes(tiny.read_bytes())
    return paths


def test_two_processes_register_at_once(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "library"
    files = [_copies(tmp_path / name, tiny, 15) for name in ("one", "two")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, str(folder), *map(str, paths)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for paths in files
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = ModelLibrary(folder, find_starter=lambda: None).list()
    assert sorted(each.path for each in found) == sorted(path for paths in files for path in paths)
    assert {each.sha256 for each in found} == {"0" * 64}


def test_threads_register_and_list_at_once(tmp_path: Path, tiny: Path) -> None:
    library = ModelLibrary(tmp_path / "library", find_starter=lambda: tiny)
    files = [_copies(tmp_path / name, tiny, 6) for name in ("one", "two", "three")]
    problems: list[BaseException] = []
    start = threading.Barrier(len(files) + 1)

    def register(paths: list[Path]) -> None:
        try:
            start.wait()
            for path in paths:
                library.register(path)
        except BaseException as error:
            problems.append(error)

    def look() -> None:
        try:
            start.wait()
            seen = 0
            while any(each.is_alive() for each in writers):
                now = len(library.list()) - 1
                assert now >= seen
                seen = now
        except BaseException as error:
            problems.append(error)

    writers = [threading.Thread(target=register, args=(paths,)) for paths in files]
    reader = threading.Thread(target=look)
    for thread in (*writers, reader):
        thread.start()
    for thread in (*writers, reader):
        thread.join(60)
    assert problems == []
    assert len(library.list()) == 19


def test_the_same_file_from_many_threads_is_one_entry(tmp_path: Path, tiny: Path) -> None:
    library = ModelLibrary(tmp_path / "library", find_starter=lambda: None)
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(library.register(tiny).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ids == ["tiny"] * 8
    assert len(library.list()) == 1


def test_a_lock_held_by_another_process_is_reported(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_LOCK_TIMEOUT_S", 0.05)
    library = ModelLibrary(tmp_path, find_starter=lambda: tiny)
    with FileLock(tmp_path / "library.json.lock"):
        assert [each.id for each in library.list()] == ["starter"]
        with pytest.raises(UserError) as caught:
            library.register(tiny)
    assert caught.value.code == "library_busy"


def test_killing_a_process_while_it_writes_keeps_the_registry(tmp_path: Path, tiny: Path) -> None:
    library = ModelLibrary(tmp_path, find_starter=lambda: None)
    library.register(tiny)
    before = (tmp_path / "library.json").read_bytes()
    code = """
import os, sys
from pathlib import Path
from model_manager.disk import files
from model_manager.library.library import ModelLibrary
files.os.fsync = lambda descriptor: os._exit(9)
library = ModelLibrary(Path(sys.argv[1]), find_starter=lambda: None)
library.record_file_hash(library.resolve("tiny").path, "0" * 64)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 9
    assert (tmp_path / "library.json").read_bytes() == before
    library.record_file_hash(library.resolve("tiny").path, "1" * 64)
    assert library.list()[0].sha256 == "1" * 64
