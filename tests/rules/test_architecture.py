"""Architecture: import contracts, core without Qt, folder sizes, no global state, a message for every error."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from app.messages import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "model_manager", "ui")
MODULES = 20
"""Largest number of modules directly in one folder."""
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


def test_import_contracts_hold() -> None:
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


def test_pyside_does_not_read_the_source_of_imported_modules() -> None:
    script = "import linecache, ui, PySide6.QtCore; from app.services import Services; print([*linecache.cache])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "app/services.py" not in done.stdout.replace("\\", "/")


@pytest.mark.parametrize("path", sources(*PARTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_folder_has_too_many_modules() -> None:
    folders = Counter(path.parent for path in sources(*PARTS) if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > MODULES} == {}


def test_no_global_state() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*PARTS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert not found


def test_every_error_has_a_message() -> None:
    codes = set()
    for path in sources(*PARTS):
        codes |= set(re.findall(r'UserError\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(codes) > 40
    assert codes - set(SENTENCES) == set()


def test_messages_are_sentences() -> None:
    for code, text in SENTENCES.items():
        assert len(text) > 20, code
        assert text.endswith("."), code
