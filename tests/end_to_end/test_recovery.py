"""A start over a damaged database: the newest sound copy is offered, and nothing is touched before one decides."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from app.conversation import Status
from app.store.store import ConversationStore
from tests.end_to_end.test_program import PATIENCE_S, program

PRESSING = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QPushButton
import ui.start.application
import ui.window.controller
class Pressing(ui.start.application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.watch = QTimer(self)
        self.watch.timeout.connect(self.look)
        self.watch.start(50)
        self.names = sys.argv[2:]
    def look(self):
        for shown in QApplication.topLevelWidgets():
            if isinstance(shown, QDialog) and shown.objectName() == "recoveryDialog" and shown.isVisible():
                button = shown.findChild(QPushButton, self.names.pop(0))
                print(json.dumps(button.text()), flush=True)
                if not self.names:
                    self.watch.stop()
                button.click()
class Listing(ui.window.controller.WindowController):
    def __init__(self, services, window):
        super().__init__(services, window)
        print(json.dumps([each.title for each in services.store.list()]), flush=True)
        QTimer.singleShot(0, window, window.close)
ui.start.application.MainWindow = Pressing
ui.window.controller.WindowController = Listing
sys.exit(ui.start.application.run(sys.argv[1]))
"""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The folder of a database that is damaged and has a sound copy, and a newer one that is none."""
    folder = tmp_path / "conversations"
    with ConversationStore.open(folder) as store:
        _, answer = store.begin_turn(store.create(title="kept").id, "?")
        store.finish_answer(answer.id, "!", Status.COMPLETE)
        store.backup_now()
        unsound = store.backup_now()
    shutil.copy(__file__, unsound.path)
    (folder / "conversations.sqlite3").write_bytes(b"SQLite format 3\0" + b"\x5a" * 5000)
    return folder


def test_the_backup_replaces_the_damaged_database(damaged: Path, tmp_path: Path) -> None:
    before = (damaged / "conversations.sqlite3").read_bytes()
    with program(PRESSING, str(tmp_path), "recoveryRestoreButton") as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    text, titles = map(json.loads, output.splitlines())
    assert text == "Restore backup"
    assert titles == ["kept"]
    (aside,) = damaged.glob("conversations-damaged-*.sqlite3")
    assert aside.read_bytes() == before


@pytest.mark.parametrize(
    ("button", "titles"),
    [("recoveryRestoreButton", ["kept"]), ("recoveryEmptyButton", []), ("recoveryQuitButton", None)],
)
def test_a_missing_database_beside_a_backup(
    damaged: Path, tmp_path: Path, button: str, titles: list[str] | None
) -> None:
    (damaged / "conversations.sqlite3").unlink()
    backups = {path.read_bytes() for path in (damaged / "backups").iterdir()}
    with program(PRESSING, str(tmp_path), button) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == (titles is None), errors
    assert [json.loads(line) for line in output.splitlines()[1:]] == ([] if titles is None else [titles])
    # An automatic one may be added.
    assert {path.read_bytes() for path in (damaged / "backups").iterdir()} >= backups
    assert (damaged / "conversations.sqlite3").exists() == (titles is not None)


def test_quitting_the_recovery_dialog_changes_nothing(damaged: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in damaged.glob("*.sqlite3")}
    with program(PRESSING, str(tmp_path), "recoveryQuitButton") as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
    assert len(output.splitlines()) == 1, "no window over nothing"
    assert {path.name: path.read_bytes() for path in damaged.glob("*.sqlite3")} == before


def test_readable_messages_of_a_database_without_a_backup_are_recovered(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    with ConversationStore.open(folder) as store:
        _, answer = store.begin_turn(store.create(title="kept").id, "?")
        store.finish_answer(answer.id, "!", Status.COMPLETE)
    connection = sqlite3.connect(folder / "conversations.sqlite3", isolation_level=None)
    connection.execute("DROP INDEX messages_by_time")
    connection.close()
    before = (folder / "conversations.sqlite3").read_bytes()
    with program(PRESSING, str(tmp_path), "recoverySalvageButton") as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    assert [json.loads(line) for line in output.splitlines()] == ["Recover messages", ["kept"]]
    (aside,) = folder.glob("conversations-damaged-*.sqlite3")
    assert aside.read_bytes() == before


def test_an_unreadable_database_without_a_backup_is_kept_beside_a_new_one(damaged: Path, tmp_path: Path) -> None:
    shutil.rmtree(damaged / "backups")
    before = (damaged / "conversations.sqlite3").read_bytes()
    with program(PRESSING, str(tmp_path), "recoverySalvageButton", "recoveryEmptyButton") as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    assert [json.loads(line) for line in output.splitlines()][1:] == ["Start without conversations", []]
    (aside,) = damaged.glob("conversations-damaged-*.sqlite3")
    assert aside.read_bytes() == before
