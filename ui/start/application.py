"""Starts and ends the program with its window."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, QThreadPool, Signal
from PySide6.QtGui import QAccessible, QIcon
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox

from app import __version__
from app.config.paths import data_folder, resources
from app.config.settings import SettingsFile
from app.log import on_bug, start_log
from model_manager.errors import UserError
from ui.start.single_instance import SingleInstance, hand_over
from ui.widgets.appearance import Appearance
from ui.widgets.error_text import error_text
from ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from app.services import Services
    from app.store.backups import Backup
    from ui.transcript.accessible import AccessibleFactory

BACKGROUND_MS = 5000
"""How long work in the background may take to end: a keyring that waits for its owner never would."""
APPLICATION_ID = "io.github.apus_chat.ApusChat"


class _Bugs(QObject):
    """Brings a bug from whatever thread it was in to the window's."""

    happened = Signal(object)


def run(data_dir: str | None, files: Sequence[Path] = ()) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    ``files`` are offered to the library.  Where a window over this data folder is open, it gets them and comes to the
    front instead.
    """
    application = QApplication(sys.argv[:1])
    application.setApplicationName("apus-chat")
    application.setApplicationDisplayName("APUS Chat")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName(APPLICATION_ID)
    application.setWindowIcon(QIcon(str(resources() / "icons" / "app" / "apus-chat.svg")))
    try:
        folder = data_folder(data_dir)
    except UserError as error:
        return _cannot_start(error)
    if hand_over(folder.root, files):
        return 0
    start_log(folder.logs)
    bugs = _Bugs()

    def show_bug(error: BaseException) -> None:
        # Needed only then, and its import costs the start some milliseconds.
        from ui.start.crash_dialog import show_crash

        show_crash(error, folder.logs)

    bugs.happened.connect(show_bug)
    on_bug(bugs.happened.emit)
    settings = SettingsFile(folder.settings_file)
    window = MainWindow(settings, Appearance(application, settings.now))
    notifier = _close_on_signals(window.quit)
    instance = SingleInstance(folder.root)
    instance.asked.connect(window.come_to_front)
    window.take_files(list(files))
    window.show()
    running: list[Services] = []
    accessible: list[AccessibleFactory] = []

    def start() -> None:
        if window.isHidden():
            # Closed in the very moment of its opening.
            application.exit(0)
            return
        from app.services import build_services
        from ui.transcript.accessible import AccessibleFactory

        try:
            try:
                running.append(build_services(folder, settings))
            except UserError as error:
                if not _put_in_place(_copy_for(error, folder.conversations), error, window):
                    window.close()
                    application.exit(1)
                    return
                running.append(build_services(folder, settings))
        except UserError as error:
            window.close()
            application.exit(_cannot_start(error))
            return
        # Qt keeps only its address.
        accessible.append(AccessibleFactory())
        QAccessible.installFactory(accessible[0])
        window.start(running[0])

    # What is behind the window is opened once it is painted: the person sees it, and may write, at once.
    window.painted.connect(start)
    try:
        return int(application.exec())
    finally:
        instance.close()
        notifier.setEnabled(False)
        window.hide()
        # What draws or reads in the background must not outlive the application.
        is_idle = QThreadPool.globalInstance().waitForDone(BACKGROUND_MS)
        for services in running:
            services.close()
        if not is_idle and not QThreadPool.globalInstance().waitForDone(0):
            _leave_now()


def _leave_now() -> None:
    """End with a thread still in the process, for which Qt would wait without end; everything is saved and closed."""
    logging.getLogger(__name__).warning("left while something in the background would not end")
    logging.shutdown()
    os._exit(0)


def _copy_for(error: UserError, folder: Path) -> Backup:
    """The newest sound copy of a database that is damaged; raises ``error`` where there is none, or other trouble."""
    # Needed only then, and its import costs the start some milliseconds.
    from app.store.recovery import newest_restorable

    backup = newest_restorable(folder) if error.code == "database_damaged" else None
    if backup is None:
        raise error
    return backup


def _put_in_place(backup: Backup, error: UserError, window: MainWindow) -> bool:
    """Offer the copy, and put it in the place of the damaged database; false where the person would rather quit."""
    from app.store.recovery import replace_damaged
    from ui.start.recovery_dialog import RecoveryDialog

    if RecoveryDialog(error, backup, window).exec() != QDialog.DialogCode.Accepted:
        return False
    replace_damaged(backup.path.parents[1], backup.path)
    return True


def _cannot_start(error: UserError) -> int:
    box = QMessageBox(QMessageBox.Icon.Critical, "APUS Chat", error_text(error), QMessageBox.StandardButton.Close)
    box.setObjectName("startProblem")
    sys.stderr.write(f"apus-chat: {error_text(error)}\n")
    box.exec()
    return 1


def _close_on_signals(close: Callable[[], object]) -> QSocketNotifier:
    """Close the window on Ctrl+C in the terminal and on the system's request to end.

    Python runs signal handlers only when it runs at all: a socket that a signal writes to wakes Qt's event loop.
    """
    reading, writing = socket.socketpair()
    for end in (reading, writing):
        end.setblocking(False)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)
    notifier.setProperty("sockets", (reading, writing))
    notifier.activated.connect(lambda: (reading.recv(64), close()))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    return notifier
