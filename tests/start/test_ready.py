"""When set-up can be skipped, and the stamp after an interrupted set-up."""

import pytest

import start
from start import Options

DONE = {"python": start.VERSION, "project": "p", "engine": "0.3.36 cpu", "libraries": "xcb"}


@pytest.mark.parametrize(
    ("options", "qt", "ready"),
    [
        (Options(), "xcb", True),
        (Options(rest=("doctor",)), "", True),
        (Options(backend="cpu"), "", True),
        (Options(backend="cuda"), "", False),
        (Options(backend="auto"), "", False),  # must inspect the machine
        (Options(rebuild=True), "", False),
        (Options(test=True), "", False),  # the tests' packages are not there yet
        (Options(), "wayland", False),  # other system libraries
    ],
)
def test_is_ready_depends_on_the_options(options, qt, ready):
    assert start.is_ready(DONE, options, "p", qt) is ready


@pytest.mark.parametrize("key", ["python", "project", "engine"])
@pytest.mark.parametrize("value", [None, "", "other"])
def test_not_ready_when_a_step_is_missing_or_outdated(key, value):
    stamp = {name: text for name, text in {**DONE, key: value}.items() if text is not None}
    assert not start.is_ready(stamp, Options(), "p", "xcb")


def test_the_test_packages_belong_to_one_pyproject():
    assert start.is_ready({**DONE, "tests": "p"}, Options(test=True), "p", "")
    assert not start.is_ready({**DONE, "tests": "older"}, Options(test=True), "p", "")


def test_the_project_key_depends_on_pyproject_lock_files_and_location(tree, copy_of_tree):
    keys = {tree.project_key(), copy_of_tree.project_key()}
    for path in (tree.ROOT / "pyproject.toml", tree.LOCKS / "program.txt"):
        with path.open("a") as file:
            file.write("\n")
        keys.add(tree.project_key())
    assert len(keys) == 4


def test_the_stamp_is_read_back_and_a_damaged_one_is_ignored(tree):
    tree.VENV.mkdir()
    stamp = {}
    tree.save_stamp(stamp, engine="1 cpu")
    tree.save_stamp(stamp, tests="s")
    assert tree.read_stamp() == {"engine": "1 cpu", "tests": "s"}
    assert [path.name for path in tree.VENV.iterdir()] == ["apus-start.json"]
    for broken in ('{"engine": "1 cp', "[]", ""):
        tree.STAMP.write_text(broken)
        assert tree.read_stamp() == {}
