"""Tests that every ``UserError`` has a message, and passes the data that the message shows."""

import ast
import string
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import app
from app.messages import SENTENCES

ROOT = Path(app.__file__).parents[1]
DERIVED = {"code", "ending", "reason"}
"""Placeholders that ``app.messages.word`` fills in from other data."""


def error_calls() -> Iterator[tuple[Path, ast.Call]]:
    for package in ("app", "ui", "model_manager"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError":
                    yield path, node


def literal_codes(call: ast.Call) -> list[str]:
    code = call.args[0]
    options = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
    return [each.value for each in options if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def placeholders(code: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code]) if name} - DERIVED


def test_every_error_has_a_message_and_the_data_for_it() -> None:
    added_later: dict[Path, set[str]] = defaultdict(set)
    """Keys that a folder adds when it raises an error again: ``UserError(error.code, path=path, **error.data)``."""
    for path, call in error_calls():
        if not literal_codes(call) and any(each.arg is None for each in call.keywords):
            added_later[path.parent] |= {each.arg for each in call.keywords if each.arg is not None}
    count = 0
    problems = []
    for path, call in error_calls():
        keys = {each.arg for each in call.keywords}
        for code in literal_codes(call):
            count += 1
            place = f"{path.relative_to(ROOT)}:{call.lineno} {code}"
            if code not in SENTENCES:
                problems.append(f"{place}: no message")
            elif None not in keys and (missing := placeholders(code) - keys - added_later[path.parent]):
                problems.append(f"{place}: no data for {sorted(missing)}")
    assert problems == []
    assert count > 100
