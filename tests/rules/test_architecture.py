"""The frame of the code: arrows, doors, Qt-free core, files that can be read in one sitting, words for every error."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.messages import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "model_manager", "ui")
LINES = 400
CORE_IMPORT = """
import importlib, pkgutil, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6"):
            raise ImportError("the core reached for " + name)
sys.meta_path.insert(0, Blocked())
for part in ("app", "model_manager"):
    package = importlib.import_module(part)
    for module in pkgutil.walk_packages(package.__path__, part + "."):
        if module.name not in ("app.__main__", "app.engine.child.__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""


def sources(*parts: str) -> list[Path]:
    return [path for part in parts for path in (ROOT / part).rglob("*.py")]


def test_arrows_and_doors_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_core_imports_without_qt() -> None:
    done = subprocess.run([sys.executable, "-c", CORE_IMPORT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "app.services" in done.stdout
    assert "model_manager.library.library" in done.stdout


@pytest.mark.parametrize("path", sources(*PARTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(text)), "says what it is for and what it leaves to others"


def test_no_module_keeps_changing_state() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*PARTS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert not found


def test_every_error_has_a_sentence() -> None:
    codes = set()
    for path in sources(*PARTS):
        codes |= set(re.findall(r'UserError\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(codes) > 40
    assert codes - set(SENTENCES) == set()


def test_sentences_say_something_and_end() -> None:
    for code, text in SENTENCES.items():
        assert len(text) > 20, code
        assert text.endswith("."), code
