"""A long step: log, progress, failure and interruption."""

import contextlib
import os
import pty
import signal
import subprocess
import sys

import pytest


def test_a_step_writes_to_the_log_and_nothing_to_standard_output(tree, capfd):
    tree.run_step("Greeting", [sys.executable, "-c", "import os; print(os.environ['WORD'])"], {"WORD": "hello"})
    output = capfd.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == ["Greeting ...", "Greeting: done in 0:00"]
    assert tree.LOG.read_text().endswith("\nhello\n")


def test_a_failed_step_reports_cause_errors_and_log_file(tree):
    script = "print('OSError: No space left on device\\n' + 'well\\n' * 50); raise SystemExit(3)"
    with pytest.raises(tree.StopError) as caught:
        tree.run_step("Copying", [sys.executable, "-c", script], {})
    assert str(caught.value).splitlines() == [
        "Copying: failed, the disk is full.",
        "    OSError: No space left on device",
        f"Full log: {tree.LOG}",
    ]


def test_a_failed_step_without_errors_in_its_log_reports_the_last_lines(tree):
    with pytest.raises(tree.StopError) as caught:
        tree.run_step("Counting", [sys.executable, "-c", "print(*range(30), sep='\\n'); raise SystemExit(3)"], {})
    assert [line.strip() for line in str(caught.value).splitlines()[1:-1]] == [str(number) for number in range(20, 30)]


def test_each_step_uses_only_its_own_part_of_the_log(tree):
    tree.run_step("First", [sys.executable, "-c", "print('No space left on device')"], {})
    with pytest.raises(tree.StopError, match=r"^Second: failed\.\n"):
        tree.run_step("Second", [sys.executable, "-c", "raise SystemExit(1)"], {})


STEP = "import start, sys; start.run_step('Building', ['bash', '-c', sys.argv[1]], {})"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_shows_the_latest_progress_of_a_step(tree, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    here, there = pty.openpty()
    script = f"echo '[3/7] Building CXX'; read word < '{gate}'"
    step = subprocess.Popen([sys.executable, "-c", STEP, script], cwd=tree.ROOT, stderr=there, stdin=there)
    os.close(there)
    seen = ""
    while "[3/7]" not in seen:  # the step cannot end before the gate opens, so this was shown while it ran
        seen += os.read(here, 1000).decode()
    gate.write_text("on\n")
    assert step.wait() == 0
    rest = os.read(here, 10_000).decode()
    os.close(here)
    assert "Building  0:0" in seen
    assert "Building: done in 0:0" in rest


STEP_OF_MAIN = """
import signal, start, sys
signal.signal(signal.SIGTERM, start.exit_on_signal)
try:
    start.run_step("Building", ["bash", "-c", sys.argv[1]], {})
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_step_ends_with_its_child_processes(tree, tmp_path, number, code):
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    # as a compiler below a build tool: deaf to SIGINT, and holding the pipe open for as long as it lives
    script = f"(trap '' INT; exec 9> '{alive}'; echo deep >&9; tail -f /dev/null) & wait"
    # full: the signal comes while the title of the step is written
    errors, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(full, b" " * 4096):
            pass
    os.set_blocking(full, True)
    step = subprocess.Popen([sys.executable, "-c", STEP_OF_MAIN, script], cwd=tree.ROOT, stderr=full)
    os.close(full)
    with alive.open() as pipe, os.fdopen(errors) as rest:
        assert pipe.readline() == "deep\n"
        step.send_signal(number)
        rest.read()
        assert step.wait() == code
        assert pipe.read() == ""
