"""Checks of the documents against the code: links, files, commands, shortcuts, the table of quantisations."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from app.cli.parser import make_parser
from app.export.export import FORMATS
from ui.settings.shortcuts import SHORTCUTS

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
GUIDES = ("docs/guide.md", "docs/guide.zh-CN.md")
COMMAND_LINE = "docs/command-line.md"
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "packaging/*.md", "packaging/*/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"(?:!?\[[^\]]*\]\(|<img src=\")([^)\s\"]+)")
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\s]+)`")
NAME_IN_FILE = re.compile(r"`(\w+)`(?:, `\w+`)* ?(?:\(|in |of )`([\w/]+\.py)`")
ELSEWHERE = (".venv/", "/", "build/", "dist/", "apus-chat/", "licences/", "OWNER/")
"""Prefixes of paths that are not part of the source tree."""
PARTS = ("", "model_manager", "model_manager/*", "app", "ui", "packaging")
"""Folders of files that are named without a folder."""


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def prose(document: str) -> str:
    return FENCE.sub("", text_of(document))


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(document: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look up their module there.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_exist(document: str) -> None:
    for target in LINK.findall(prose(document)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        reached = (ROOT / document).parent / path if path else ROOT / document
        assert reached.exists(), target
        if anchor:
            assert anchor in anchors(str(reached.resolve().relative_to(ROOT))), target


def test_every_picture_is_generated_and_shown() -> None:
    made = set(re.findall(r'^ +"([\w-]+)": Picture\(', text_of("packaging/screenshots.py"), re.MULTILINE))
    shown = {
        Path(target).stem
        for name in (*READMES, *GUIDES)
        for target in LINK.findall(text_of(name))
        if target.endswith(".png")
    }
    here = {path.stem for path in (ROOT / "resources" / "pictures").iterdir()}
    assert made
    assert here == made == shown
    for path in (ROOT / "resources" / "pictures").iterdir():
        assert path.stat().st_size < 250_000, path.name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_exist(document: str) -> None:
    folder = (ROOT / document).parent
    for name in QUOTED.findall(prose(document)):
        is_path = re.fullmatch(r"[\w.*/-]+", name) and ("/" in name or name.endswith((".py", ".toml", ".svg")))
        if is_path and not name.startswith(ELSEWHERE):
            places = [folder, *(ROOT / part for part in PARTS)]
            assert any(any(place.glob(name.rstrip("/"))) for place in places), name


def test_the_comparison_adds_up_and_names_tests() -> None:
    text = text_of("docs/comparison.md")
    points = re.findall(r"^\| (\d+) \|(?: [^|]+ \|){5} (\w+) \|$", text, re.MULTILINE)
    totals = {verdict: int(count) for verdict, count in re.findall(r"^\| (\w+) \| (\d+) \|", text, re.MULTILINE)}
    assert [int(number) for number, _ in points] == list(range(1, 61))
    assert totals == Counter(verdict for _, verdict in points)
    level = totals["ahead"] + totals["level"]
    assert f"at least level are {level}, and {level + totals['open']} if" in text
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert named
    for path, name in named:
        assert f"def {name}(" in text_of(f"tests/{path}"), (path, name)


def test_names_are_defined_in_the_files_given() -> None:
    found = NAME_IN_FILE.findall(" ".join(text_of("docs/architecture.md").split()))
    assert found
    for name, path in found:
        assert re.search(rf"\b{name}\b", text_of(path)), (name, path)


def test_the_table_of_quantisations_is_up_to_date() -> None:
    table = load("quantisation_table")
    assert set(table.README) == set(READMES)
    for name, words in table.README.items():
        assert table.with_table(text_of(name), words) == text_of(name), "run packaging/quantisation_table.py"


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def synopsis(document: str) -> dict[str, list[str]]:
    """Map each command of the synopsis to its alternatives."""
    (block,) = (block for block in FENCE.findall(text_of(document)) if block.startswith("apus-chat "))
    lines = re.sub(r"\n +", " ", block).splitlines()
    documented = [line.removeprefix("apus-chat ").partition(" ") for line in lines if line]
    return {command: alternatives.split(" | ") for command, _, alternatives in documented}


def test_the_synopsis_matches_the_parser() -> None:
    parsers, documented = subcommands(make_parser()), synopsis(COMMAND_LINE)
    assert set(documented) == set(parsers)
    for command, alternatives in documented.items():
        actions = subcommands(parsers[command])
        if actions:
            assert sorted(each.split()[0] for each in alternatives) == sorted(actions)
        for alternative in alternatives:
            parser = actions.get(alternative.partition(" ")[0], parsers[command])
            existing = {option for action in parser._actions for option in action.option_strings}
            assert set(re.findall(r"--[\w-]+", alternative)) <= existing, alternative
    assert "|".join(FORMATS) in text_of(COMMAND_LINE)


@pytest.mark.parametrize("document", [*READMES, *GUIDES, COMMAND_LINE])
def test_named_commands_exist(document: str) -> None:
    existing = {*subcommands(make_parser()), "test"}
    for words in re.findall(r"(?:python3 start\.py|apus-chat) ([a-z]\w*)", text_of(document)):
        assert words in existing
    for path in re.findall(r"(?:python|python3) (packaging/\w+\.py)", text_of(document)):
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("document", READMES)
def test_readmes_start_with_two_commands(document: str) -> None:
    first = FENCE.findall(text_of(document))[0].splitlines()
    assert [line.partition("#")[0].strip() for line in first] == ["python3 start.py", "python3 start.py test"]
    assert text_of(document).index("```") < 900


@pytest.mark.parametrize("document", GUIDES)
def test_shortcuts_exist_in_the_window(document: str) -> None:
    existing = {keys for group in SHORTCUTS.values() for shortcut in group for keys in shortcut.keys}
    named = set(re.findall(r"(?<![\w+])(?:(?:Ctrl|Shift|Alt)\+)+(?:\w+|[,/])|\bF\d+\b", text_of(document)))
    assert len(named) > 10
    assert named <= existing


def test_every_benchmark_is_documented() -> None:
    there = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py")} - {
        "figures",
        "bare_loop",
        "held_out_questions",
    }
    assert set(re.findall(r"tests\.benchmarks\.(\w+)", text_of("CONTRIBUTING.md"))) == there


def test_documented_markers_exist() -> None:
    markers = tomllib.loads(text_of("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]
    documented = set(re.findall(r"^\| `(\w+)` \|", text_of("CONTRIBUTING.md"), re.MULTILINE))
    assert documented == {marker.partition(":")[0] for marker in markers}
