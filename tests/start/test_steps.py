"""A long step: its log, its signs of life, and its end."""

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


def test_a_failed_step_tells_the_cause_its_last_lines_and_where_the_log_is(tree):
    script = "print('old\\n' * 50 + 'OSError: No space left on device'); raise SystemExit(3)"
    with pytest.raises(tree.StopError) as caught:
        tree.run_step("Copying", [sys.executable, "-c", script], {})
    first, *lines, last = str(caught.value).splitlines()
    assert first == "Copying: failed, the disk is full."
    assert lines[-1].strip() == "OSError: No space left on device"
    assert len(lines) == 12
    assert last == f"The whole log: {tree.LOG}"


def test_each_step_is_judged_by_its_own_part_of_the_log(tree):
    tree.run_step("First", [sys.executable, "-c", "print('No space left on device')"], {})
    with pytest.raises(tree.StopError, match=r"^Second: failed\.\n"):
        tree.run_step("Second", [sys.executable, "-c", "raise SystemExit(1)"], {})


STEP = "import start, sys; start.run_step('Building', ['bash', '-c', sys.argv[1]], {})"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_shows_the_newest_sign_of_life_while_the_step_runs(tree, tmp_path):
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_step_ends_with_everything_that_it_started(tree, number, code):
    reader, writer = os.pipe()
    # the compiler of a compiler: it holds the pipe open for as long as it lives
    script = f"bash -c 'trap \"\" INT; echo deep >&{writer}; exec {writer}>&{writer}; sleep 1000' & wait"
    program = (
        "import start, signal, sys\n"
        "signal.signal(signal.SIGTERM, start.leave)\n"
        "try: start.run_step('Building', ['bash', '-c', sys.argv[1]], {})\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    ).replace("['bash', '-c', sys.argv[1]]", "['bash', '-c', sys.argv[1]]")
    # run_step closes what it does not know, as subprocess does: the pipe comes in as standard output of the log's side
    step = subprocess.Popen([sys.executable, "-c", program, script], cwd=tree.ROOT, pass_fds=(writer,))
    os.close(writer)
    assert os.read(reader, 100) == b"deep\n"
    step.send_signal(number)
    assert step.wait() == code
    assert os.read(reader, 100) == b""
    os.close(reader)
