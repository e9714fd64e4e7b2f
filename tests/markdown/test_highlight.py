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


def roles_of(text: str, language: str) -> list[tuple[str, CodeRole]]:
    """Return the words of a code with their roles."""
    return [(word, role) for piece, role in highlight(text, language) for word in piece.split()]


def plain_words(text: str, language: str) -> list[str]:
    return [word for word, role in roles_of(text, language) if role is CodeRole.PLAIN]


SQL = """SELECT c.name, SUM(o.amount) AS total, date,
  ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY o.date DESC) AS rank, date_trunc('month', created) AS month
FROM customers c JOIN orders o ON o.customer_id = c.id -- all
WHERE table_name = 'x' AND type IN (1, 2) AND COALESCE(o.value, 0.5) > 3;
CREATE TABLE t(id INT AUTO_INCREMENT PRIMARY KEY, name text NOT NULL, day DATETIME);
"""


def test_sql_has_its_keywords_and_functions_coloured_and_no_names():
    roles = roles_of(SQL, "sql")
    words = {role: [word for word, each in roles if each is role] for role in CodeRole}
    assert words[CodeRole.NAME] == ["SUM", "ROW_NUMBER", "date_trunc", "COALESCE"]
    assert words[CodeRole.TYPE] == ["INT", "text", "DATETIME"]
    assert words[CodeRole.NUMBER] == ["1", "2", "0.5", "3"]
    keywords = "SELECT AS OVER PARTITION BY ORDER BY DESC AS AS FROM JOIN ON WHERE AND IN AND"
    keywords += " CREATE TABLE AUTO_INCREMENT PRIMARY KEY NOT NULL"
    assert words[CodeRole.KEYWORD] == keywords.split()
    assert "".join(piece for piece, _ in highlight(SQL, "sql")) == SQL


def test_sql_in_small_letters():
    roles = roles_of("select o.date, count(*) from orders o group by o.date", "sql")
    assert [word for word, role in roles if role is CodeRole.KEYWORD] == ["select", "from", "group", "by"]
    assert [word for word, role in roles if role is CodeRole.NAME] == ["count"]


@pytest.mark.parametrize(
    ("language", "text", "coloured"),
    [
        ("diff", "@@ -1,2 +1,2 @@ def f", "@@ -1,2 +1,2 @@ def f"),
        ("console", "$ ls\nfile", "$"),
        ("pycon", ">>> f\n2", ">>>"),
        ("markdown", "# Title\n\n## Part\n\na **bold** *word*", "# Title ## Part **bold** *word*"),
        ("typescript", "keyof t; a satisfies b", "keyof satisfies"),
        ("ts", "keyof t", "keyof"),
    ],
)
def test_heads_prompts_and_emphasis_are_coloured(language: str, text: str, coloured: str):
    assert [word for word, role in roles_of(text, language) if role is not CodeRole.PLAIN] == coloured.split()


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
