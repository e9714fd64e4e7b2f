"""start.py as a real process: arguments passed to the program, and its messages."""

import ast
import json
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import start

# Stand-ins for what lies beyond start.py: a program and a test runner that tell how they were called.
PROGRAM = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "folder": os.getcwd()}))
sys.exit(int(os.environ.get("CODE", "0")))
"""
RUNNER = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ.get("QT_QPA_PLATFORM"), os.getcwd()]))
sys.exit(int(os.environ["CODE"]))
"""
QUIET = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
QUIET.pop("QT_QPA_PLATFORM", None)


@pytest.fixture
def ready(tree):
    """A tree with a complete environment and stand-ins for the programs it starts."""
    venv.create(tree.VENV, with_pip=False, symlinks=os.name != "nt")
    packages = next(tree.VENV.glob("**/site-packages"))
    for name, text in (("app", PROGRAM), ("pytest", RUNNER)):
        (packages / name).mkdir()
        (packages / name / "__main__.py").write_text(text)
    key = tree.project_key()
    tree.save_stamp({}, python=start.VERSION, project=key, tests=key, engine="0.3.36 cpu", libraries="offscreen")
    return tree


def run(tree, *arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, tree.ROOT / "start.py", *arguments],
        cwd=cwd or tree.ROOT, env={**QUIET, **environment}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_arguments_folder_output_and_exit_code_are_passed_through(ready, tmp_path):
    (tmp_path / "app.py").write_text("raise SystemExit('somebody else')")  # in the caller's folder: not ours to run
    done = run(ready, "chat", "--message", "a b", "--json", cwd=tmp_path, CODE="130")
    assert json.loads(done.stdout) == {"argv": ["chat", "--message", "a b", "--json"], "folder": str(tmp_path)}
    assert done.stderr == ""
    assert done.returncode == 130


def test_a_later_start_needs_no_tool_and_no_network(ready):
    done = run(ready, "doctor", PATH="", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert json.loads(done.stdout)["argv"] == ["doctor"]
    assert not ready.LOG.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_the_window_is_refused_and_a_command_is_not(ready):
    window = run(ready)
    assert (window.returncode, window.stdout) == (1, "")
    assert "No display" in window.stderr
    assert "Traceback" not in window.stderr
    assert run(ready, "--version").returncode == 0
    assert json.loads(run(ready, QT_QPA_PLATFORM="offscreen").stdout)["argv"] == []


@pytest.mark.parametrize("code", [0, 1, 4, 5])
def test_the_suite_is_a_single_parallel_run(ready, tmp_path, code):
    done = run(ready, "test", "-k", "store", cwd=tmp_path, CODE=str(code))
    arguments, platform, folder = json.loads(done.stdout)
    assert arguments == ["-n", str(min(4, os.cpu_count())), "--dist", "worksteal", "-k", "store"]
    assert platform == ("offscreen" if sys.platform == "linux" else None)
    assert folder == str(ready.ROOT)
    assert done.returncode == code


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_suite_ends_with_130(ready, tmp_path):
    started = tmp_path / "started"
    os.mkfifo(started)
    runner = next(ready.VENV.glob("**/site-packages/pytest/__main__.py"))
    runner.write_text(f"import signal\nopen({str(started)!r}, 'w').write('on')\nsignal.pause()")
    suite = subprocess.Popen(
        [sys.executable, ready.ROOT / "start.py", "test"],
        env=QUIET, cwd=ready.ROOT, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert started.read_text() == "on"
    os.killpg(suite.pid, signal.SIGINT)  # as a terminal sends it: to both
    error = suite.communicate()[1].decode()
    assert suite.returncode == 130
    assert error.endswith("Interrupted. The next start resumes from here.\n")


def test_help_and_wrong_usage_go_to_standard_error(tree):
    reported, wrong = run(tree, "--help"), run(tree, "--backend", "gpu")
    assert (reported.returncode, reported.stdout, reported.stderr) == (0, "", start.USAGE + "\n")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--backend needs one of auto, cpu, cuda" in wrong.stderr
    assert not tree.VENV.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems find their compiler without PATH")
def test_a_missing_compiler_is_named_before_anything_is_installed(tree):
    done = run(tree, "--backend", "cpu", "doctor", PATH="", CXX="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Missing on this system: a C++ compiler. Install it and start again.\n"
    assert not tree.STAMP.exists()


def test_an_unreachable_index_is_reported_and_earlier_steps_are_kept(tree):
    address = "http://127.0.0.1:9/simple"
    done = run(tree, "--backend", "cpu", "--index-url", address, "doctor", PIP_RETRIES="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The libraries: failed, the package index does not answer" in done.stderr
    assert str(tree.LOG) in done.stderr
    assert address in tree.LOG.read_text()
    assert tree.read_stamp() == {"python": start.VERSION, "packages": ""}


def test_an_older_python_parses_the_file_and_gets_a_message(monkeypatch, capsys):
    source = Path(start.__file__).read_text("utf-8")
    ast.parse(source, feature_version=(3, 8))
    monkeypatch.setattr(sys, "version_info", (3, 10, 14, "final", 0))
    assert start.main(["doctor"]) == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


def test_nothing_but_the_standard_library_is_imported():
    tree = ast.parse(Path(start.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name.name for node in imports if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert "json" in names
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)
