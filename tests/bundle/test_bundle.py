"""The built bundle: run ``packaging/build.py`` first, then ``pytest -m bundle``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bundle
ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "dist" / "apus-chat"
PROGRAM = BUNDLE / ("apus-chat-cli.exe" if sys.platform == "win32" else "apus-chat")
MIB = 1_000_000


def run(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's program without this environment's variables."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "HOME", "TEMP") if name in os.environ}
    return subprocess.run(
        [str(PROGRAM), *arguments, "--data-dir", str(data)],
        capture_output=True,
        encoding="utf-8",
        env={**kept, "QT_QPA_PLATFORM": "offscreen", **environment},
        cwd=data.parent,
        timeout=180,
        check=False,
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_it_is_small_and_brings_the_licences() -> None:
    starter = size(BUNDLE / "_internal" / "resources" / "models")
    assert 50 * MIB < starter < 150 * MIB
    assert size(BUNDLE) - starter <= 300 * MIB
    assert size(BUNDLE) <= 400 * MIB
    reported = {path.stem.lower() for path in (BUNDLE / "licences").iterdir()}
    assert {"pyside6_essentials", "llama_cpp_python", "keyring", "httpx2"} <= reported


def test_its_processor_code_is_chosen_at_run_time() -> None:
    modules = [path.name for path in (BUNDLE / "_internal" / "llama_cpp" / "lib").iterdir()]
    generations = [name for name in modules if "ggml-cpu-" in name]
    assert any("haswell" in name for name in generations), "AVX2"
    assert any("skylakex" in name for name in generations), "AVX-512"
    assert any("x64" in name or "sse42" in name for name in generations), "an old processor"


def test_it_answers(tmp_path: Path) -> None:
    done = run(tmp_path / "data", "chat", "--model", "starter", "--message", "Hello", "--max-tokens", "8", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["completion_tokens"] == 8


def test_it_draws_formulas_and_writes_a_pdf(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = run(data, "chat", "--model", "starter", "--message", "What is $x^2$?", "--max-tokens", "4", "--json")
    assert done.returncode == 0, done.stderr
    conversation = json.loads(done.stdout)["conversation_id"]
    for format_name, mark in (("html", b"<svg"), ("pdf", b"%PDF")):
        out = tmp_path / f"out.{format_name}"
        done = run(data, "conversations", "export", conversation, "--format", format_name, "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert mark in out.read_bytes()


def test_modules_of_another_engine_are_not_loaded(tmp_path: Path) -> None:
    added = tmp_path / "engine"
    added.mkdir()
    (added / "engine.json").write_text('{"llama_cpp_python": "0.0.1", "backend": "vulkan"}')
    (added / "libggml-vulkan.so").write_bytes(b"\x7fELF")
    done = run(tmp_path / "data", "devices", "--json", APUS_CHAT_ENGINE_FOLDER=str(added))
    assert done.returncode == 0, done.stderr
    assert "vulkan" not in done.stdout.lower()


def test_it_lists_the_tools_of_a_server(tmp_path: Path) -> None:
    command = f'"{sys.executable}" "{ROOT / "tests" / "rigs" / "hostile_tool_server.py"}"'
    assert run(tmp_path / "data", "tools", "add", command, "--name", "rig").returncode == 0
    listed = run(tmp_path / "data", "tools", "test", "rig", "--json")
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout)["tools"]
