"""Words that are not used in names and docstrings, with the standard terms that replace them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for part in ("app", "ui", "model_manager", "packaging", "tests", "start.py")
    for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))
]
RETIRED_IN_NAMES = {
    "desk": "controller",
    "deed": "action",
    "deeds": "actions",
    "ear": "listener",
    "wish": "option",
    "wishes": "options",
    "wished": "requested",
    "pretended": "simulated",
    "hollow": "header stub",
    "mend": "download again",
    "mended": "fixed",
    "mending": "downloading again",
    "told": "notified",
    "complain": "show_error",
    "complaint": "error",
    "upkeep": "maintenance",
    "pace": "retry policy",
    "scribe": "journal writer",
    "dawdle": "delay",
}
RETIRED_IN_PROSE = (
    r"\bwhoever\b|\bnobody\b|\banew\b|\bshall\b|\bof its own\b|\bfor good\b|\bis told\b|\bare told\b|\bbegs?\b"
    r"|\bmend(s|ed|ing)?\b|\bdeeds?\b|\ball the same\b|\bby itself\b|\bdawdl\w+|\bcomplain\w*|\bpretended\b"
)


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that a module defines, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def docstrings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield docstrings of modules, classes, functions and attributes, with their lines."""
    for node in ast.walk(tree):
        for child in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                yield str(child.value.value), child.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_retired_words_are_not_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        f"line {line}: {name}: {RETIRED_IN_NAMES[word]}"
        for name, line in names(tree)
        for word in map(str.lower, re.findall(r"[A-Z]?[a-z]+", name))
        if word in RETIRED_IN_NAMES
    ]
    found += [
        f"line {line}: {match[0]}"
        for text, line in docstrings(tree)
        for match in re.finditer(RETIRED_IN_PROSE, text, re.IGNORECASE)
    ]
    assert not found
