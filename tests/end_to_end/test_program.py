"""The real program with its window as a process: started by the user, ended by the system."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from app.conversation import Status
from app.store.store import ConversationStore
from tests.rigs.tiny_model import write_tiny_model
from ui.start.single_instance import socket_name

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
DRIVER = """
import sys
from PySide6.QtCore import QTimer
import ui.start.application
from app.config.drafts import Draft
import ui.window.controller
class Driven(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        print("ready", flush=True)
        if len(sys.argv) > 2:
            self.models.use(sys.argv[2])
            self.conversation.send(Draft("hello"))
            self.watch = QTimer(self)
            self.watch.timeout.connect(self.look)
            self.watch.start(50)
    def look(self):
        running = self.conversation.session.running
        if running is not None and running.first_token_at and running.updated_at - running.first_token_at > 1.2:
            print("writing", flush=True)
            self.watch.stop()
ui.window.controller.WindowController = Driven
sys.exit(ui.start.application.run(sys.argv[1]))
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to one process")


@contextmanager
def program(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == line


@POSIX
def test_the_window_opens_and_closes(tmp_path: Path) -> None:
    with program(DRIVER, str(tmp_path)) as process:
        wait_for(process, "ready")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert "Traceback" not in errors
    assert json.loads((tmp_path / "settings.json").read_text())["window_geometry"]
    left = {path.name for path in (tmp_path / "conversations" / "running").iterdir()}
    assert left <= {"opening.lock"}, "no sign of a writer that died"


@POSIX
def test_a_killed_program_keeps_the_answer_and_continues_it(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    with program(DRIVER, str(tmp_path), str(model)) as process:
        wait_for(process, "ready")
        wait_for(process, "writing")
        process.kill()
    with ConversationStore.open(tmp_path / "conversations") as store:
        answer = store.branch(store.list()[0].id)[-1]
    assert answer.status is Status.INTERRUPTED
    assert answer.content


@POSIX
def test_a_terminated_program_stops_and_keeps_the_answer(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "endless.gguf", context_length=16384)
    with program(DRIVER, str(tmp_path), str(model)) as process:
        wait_for(process, "ready")
        wait_for(process, "writing")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    with ConversationStore.open(tmp_path / "conversations") as store:
        answer = store.branch(store.list()[0].id)[-1]
    assert answer.status is Status.STOPPED
    assert len(answer.content) > 200


BROKEN = """
import sys
from PySide6.QtCore import QTimer
import ui.start.application
from app.config.drafts import Draft
import ui.window.controller
class Broken(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        QTimer.singleShot(0, self, lambda: 1 // 0)
        self.watch = QTimer(self)
        self.watch.timeout.connect(self.look)
        self.watch.start(50)
    def look(self):
        from PySide6.QtWidgets import QApplication
        from ui.start.crash_dialog import CrashDialog
        for shown in QApplication.topLevelWidgets():
            if isinstance(shown, CrashDialog) and shown.isVisible():
                print("told", flush=True)
                self.watch.stop()
ui.window.controller.WindowController = Broken
sys.exit(ui.start.application.run(sys.argv[1]))
"""


@POSIX
def test_bug_is_logged_and_shown_and_the_window_lives(tmp_path: Path) -> None:
    with program(BROKEN, str(tmp_path)) as process:
        wait_for(process, "told")
        assert "ZeroDivisionError" in (tmp_path / "logs" / "apus-chat.log").read_text()
        assert process.poll() is None


START_PROBLEM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
import ui.start.application
from app.config.drafts import Draft
class Pressing(ui.start.application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.watch = QTimer(self)
        self.watch.timeout.connect(self.look)
        self.watch.start(50)
    def look(self):
        for shown in QApplication.topLevelWidgets():
            if isinstance(shown, QMessageBox) and shown.isVisible():
                self.watch.stop()
                print(shown.text(), flush=True)
                shown.close()
ui.start.application.MainWindow = Pressing
sys.exit(ui.start.application.run(sys.argv[1]))
"""


def test_database_of_a_newer_version_is_reported_and_left_unchanged(tmp_path: Path) -> None:
    with ConversationStore.open(tmp_path / "conversations"):
        pass
    database = tmp_path / "conversations" / "conversations.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()
    with program(START_PROBLEM, str(tmp_path)) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
    assert "newer version" in output
    assert database.read_bytes() == before


SECOND = """
import sys
from pathlib import Path
import ui.start.application
sys.exit(ui.start.application.run(sys.argv[1], [Path(each) for each in sys.argv[2:]]))
"""
RECEIVING = """
import sys
import ui.start.application
import ui.window.controller
class Front(ui.start.application.MainWindow):
    def come_to_front(self):
        print("front", flush=True)
        super().come_to_front()
class Receiving(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        print("ready", flush=True)
    def add_files(self, paths):
        print(*[path.name for path in paths], flush=True)
        super().add_files(paths)
ui.start.application.MainWindow = Front
ui.window.controller.WindowController = Receiving
sys.exit(ui.start.application.run(sys.argv[1]))
"""


@POSIX
def test_second_start_raises_the_window_and_hands_its_file_over(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.gguf")
    data = tmp_path / "data"
    with program(RECEIVING, str(data)) as first:
        wait_for(first, "ready")
        with program(SECOND, str(data), str(model)) as second:
            assert second.wait(timeout=PATIENCE_S) == 0
        wait_for(first, "front")
        wait_for(first, "tiny.gguf")
        with program(RECEIVING, str(tmp_path / "other")) as other:
            wait_for(other, "ready")
            other.send_signal(signal.SIGTERM)
            other.communicate(timeout=PATIENCE_S)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE_S)
        assert first.returncode == 0
    assert json.loads((data / "settings.json").read_text())["model_id"] == "tiny"


@POSIX
def test_start_after_a_killed_window(tmp_path: Path) -> None:
    with program(RECEIVING, str(tmp_path)) as first:
        wait_for(first, "ready")
        first.kill()
        first.communicate(timeout=PATIENCE_S)
    path = tmp_path / "window.sock"  # where other users can't put theirs
    assert path.is_socket()
    with program(RECEIVING, str(tmp_path)) as second:
        wait_for(second, "ready")
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 0
    assert not path.exists()


@POSIX
@pytest.mark.parametrize("replies", [False, True])
def test_the_window_opens_beside_a_socket_of_another_program(tmp_path: Path, replies: bool) -> None:
    """One that does not reply, and one of another user, who can create it where it is in the temporary folder."""
    if replies and os.geteuid() != 0:
        pytest.skip("only root can give a socket to another user")
    data = tmp_path / ("long " * 20 if replies else "data")
    data.mkdir()
    path = Path(tempfile.gettempdir(), socket_name(data))
    received = b""

    def accept() -> None:
        nonlocal received
        with suppress(OSError), other.accept()[0] as connection:
            received = connection.recv(1000)
            if replies:
                connection.sendall(b"taken\n")

    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(path))
        if replies:
            os.chown(path, 65534, 65534)
        other.listen()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with program(RECEIVING, str(data)) as process:
            wait_for(process, "ready")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0
    path.unlink(missing_ok=True)
    assert not replies or received == b""


@pytest.mark.skipif(sys.platform != "linux", reason="the platform plugin of X11")
@pytest.mark.parametrize(
    ("platform", "sentence"),
    [("nowhere", "no display is available"), ("xcb", "the library libxcb-cursor.so.0 is missing")],
)
def test_without_a_display_or_a_library_of_it_the_program_ends_with_a_sentence(
    tmp_path: Path, platform: str, sentence: str
) -> None:
    # Found before the system's, and no library.
    (tmp_path / "libxcb-cursor.so.0").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "app", "--data-dir", tmp_path / "data"],
        cwd=ROOT,
        env={
            "QT_QPA_PLATFORM": platform,
            "DISPLAY": ":987",
            "LD_LIBRARY_PATH": str(tmp_path),
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert sentence in done.stderr
    if platform == "xcb":
        # All at once: the next start would miss another one.
        for package in ("libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "xcb-util-keysyms"):
            assert f" {package} " in done.stderr


EARLY = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
import ui.start.application
import ui.window.controller
from app.config.paths import DataFolder
from app.config.settings import SettingsFile
SettingsFile(DataFolder(Path(sys.argv[1])).settings_file).change(model_id=sys.argv[2], max_tokens=3)
class Early(ui.start.application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted.connect(self.write)
    def write(self):
        self.composer.field.insertPlainText("written early")
        self.composer.send()
        print("sent", flush=True)
class Watching(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        self.conversation.answer_finished.connect(window.quit)
ui.start.application.MainWindow = Early
ui.window.controller.WindowController = Watching
sys.exit(ui.start.application.run(sys.argv[1]))
"""


def test_a_question_that_is_sent_while_the_program_starts_is_answered(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.gguf")
    with program(EARLY, str(tmp_path), str(model)) as process:
        wait_for(process, "sent")
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    with ConversationStore.open(tmp_path / "conversations") as store:
        (conversation,) = store.list()
        assert store.branch(conversation.id)[0].content == "written early"
