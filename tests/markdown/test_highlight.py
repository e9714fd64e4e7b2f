"""Syntax highlighting."""

import subprocess
import sys

import pytest

from app.markdown.highlight import MAX_LENGTH, CodeRole, code_file_name, coloured_lines, highlight

PYTHON = """@wrap
def f(x: int) -> str:
    return f"{x}" + 'a'  # note


class A:
    n = 0x1f
"""


@pytest.mark.parametrize(
    "language", ["python", "js", "c++", "bash", "html", "json", "yaml", "diff", "sql", "nonsense", ""]
)
@pytest.mark.parametrize(
    "text", [PYTHON, "", "\n", "a\r\nb", "\tx\n\n\n", "中文 = '字符串'\n", "\ufeffx", "<?php '\"`", "\\\n"]
)
def test_stretches_join_to_the_text(language: str, text: str):
    assert "".join(piece for piece, _ in highlight(text, language)) == text
    lines = ["".join(piece for piece, _ in line) for line in coloured_lines(text, language)]
    assert lines == text.split("\n")


def test_roles_of_python_code():
    roles = {piece.strip(): role for piece, role in highlight(PYTHON, "python")}
    assert roles["def"] is CodeRole.KEYWORD
    assert roles["f"] is CodeRole.NAME
    assert roles["# note"] is CodeRole.COMMENT
    assert roles["0x1f"] is CodeRole.NUMBER
    assert roles["A"] is CodeRole.TYPE


def test_removed_lines_and_languages_with_a_file_name_are_highlighted():
    assert ("-old", CodeRole.DELETED) in [(text.strip(), role) for text, role in highlight("-old\n+new\n", "diff")]
    assert list(highlight("let a = 1", "js:src/index.js")) == list(highlight("let a = 1", "js"))
    assert ("let", CodeRole.KEYWORD) in list(highlight("let a = 1", "js:src/index.js"))


def test_string_over_several_lines_keeps_its_role():
    lines = list(coloured_lines('x = """a\nb"""', "python"))
    assert lines[1] == (('b"""', CodeRole.STRING),)


def test_very_long_code_is_not_highlighted():
    assert {role for _, role in highlight("x = 1\n" * MAX_LENGTH, "python")} == {CodeRole.PLAIN}


def test_libraries_are_imported_on_first_use():
    program = (
        "import sys; from app.markdown.parser import parse; from app.markdown.highlight import highlight;"
        "from app.markdown.streaming import StreamingMarkdown; assert 'markdown_it' not in sys.modules;"
        "parse('# a'); assert not any(name.startswith('pygments') for name in sys.modules);"
        "list(highlight('x', 'python')); assert 'pygments' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("python", "x = 1", "code.py"),
        ("js", "", "code.js"),
        ("c++", "", "code.cpp"),
        ("bash", "", "code.sh"),
        ("dockerfile", "", "Dockerfile"),
        ("makefile", "", "Makefile"),
        ("yaml", "", "code.yaml"),
        ("mermaid", "", "code.mermaid"),
        ("", "", "code.txt"),
        ("../../x", "", "code.txt"),
        ("python", "# src/app/tool.py\nx = 1", "tool.py"),
        ("ts", "// filename: src\\index.test.ts\n", "index.test.ts"),
        ("css", "/* style.css */\n", "style.css"),
        ("html", "<!-- index.html -->\n", "index.html"),
        ("python", "# see tool.py for more\n", "code.py"),
        ("python", "# ../../.ssh/config\n", "code.py"),
        ("python", "# " + "a." * 5_000, "code.py"),
    ],
)
def test_name_of_a_file_with_code(language: str, text: str, name: str):
    assert code_file_name(text, language) == name
