"""Start and end of the program with its window."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QCoreApplication,
    QLibraryInfo,
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    Qt,
    QThreadPool,
    QTimer,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QDialog

from app import __version__
from app.config.paths import DataFolder, data_folder, resources
from app.config.settings import Settings, SettingsFile
from app.log import report_uncaught, start_log
from model_manager.errors import UserError
from ui.start.single_instance import SingleInstance, hand_over
from ui.widgets.appearance import Appearance
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.theme import prepare_fonts
from ui.widgets.zoom import create_application
from ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from app.services import Services
    from app.store.salvage import Salvaged
    from ui.transcript.accessible import AccessibleFactory
    from ui.window.controller import WindowController

JOBS_MS = 5000
"""Time that background jobs get to end: one that waits for an unlocked keyring never does."""
LIST_DELAY_MS = 1
"""Before the list is shown; without a delay the window would handle no input before that."""
APPLICATION_ID = "io.github.apus_chat.ApusChat"


class _UncaughtErrors(QObject):
    """Carries an uncaught exception from any thread to the window's."""

    raised = Signal(BaseException)


class _Program:
    """The window, and what is opened behind it once it is painted: the user sees it, and can write, immediately."""

    def __init__(self, application: QApplication, folder: DataFolder) -> None:
        self._application, self._folder = application, folder
        self._settings = SettingsFile(folder.settings_file)
        self.window = MainWindow(self._settings, Appearance(application, self._settings.current))
        self.window.painted.connect(self._start)
        self._is_submitted = False
        self.window.composer.submitted.connect(self._note_submitted)
        self._files: list[Path] = []
        self._services: Services | None = None
        self._controller: WindowController | None = None
        self._accessible: AccessibleFactory | None = None

    def open_files(self, files: Sequence[Path]) -> None:
        """Add files as if they were dropped on the window, as soon as it is started."""
        self._files += files
        if self._controller is not None and self._files:
            files, self._files = self._files, []
            self._controller.add_files(files)

    def _note_submitted(self) -> None:
        self._is_submitted = True

    def close(self) -> None:
        """Wait for background jobs and close the services."""
        self.window.hide()
        is_idle = QThreadPool.globalInstance().waitForDone(JOBS_MS)
        if self._services is not None:
            self._services.close()
        if not is_idle and not QThreadPool.globalInstance().waitForDone(0):
            _exit_immediately()

    def _start(self) -> None:
        if self.window.isHidden():
            # Closed while it was opening.
            self._application.exit(0)
            return
        run_job(self.window, self._load, self._connect, self._recover)
        # The first access makes the types of all widgets in Python: while the services are opened, and before the
        # controllers, which need them, would block the window for the sum of both.
        self.window.composer.field.viewport()

    def _load(self) -> None:
        """Open the services, and import what the window needs next; in a thread, because both take a while."""
        from app.services import Services
        from model_manager.hub.catalogue import STARTER
        from ui.models import fits
        from ui.transcript import accessible
        from ui.window import controller

        # Used by ``_connect`` and what it makes.
        del accessible, controller, fits
        self._services = Services(self._folder, self._settings)
        # The header of the model contains a hundred thousand strings; the window shows its name.
        with suppress(UserError):
            self._services.library.resolve(self._settings.current.model_id or STARTER.id)

    def _connect(self, _none: None) -> None:
        """Connect the window with the services.  What was typed and sent meanwhile is not lost."""
        from PySide6.QtGui import QAccessible

        from ui.transcript.accessible import AccessibleFactory
        from ui.window.controller import WindowController

        if self.window.isHidden() or self._services is None:
            return
        # Qt stores only its address.
        self._accessible = AccessibleFactory()
        QAccessible.installFactory(self._accessible)
        composer = self.window.composer
        typed = composer.text()
        self._controller = WindowController(self._services, self.window)
        QTimer.singleShot(LIST_DELAY_MS, self._controller, self._controller.complete_start)
        if typed:
            composer.insert_text(typed)
        if self._is_submitted:
            composer.send()
        self.open_files([])

    def _recover(self, error: UserError) -> None:
        """Start again as the user decides where the database is damaged or missing, or quit."""
        from app.store.backups import RECOVERABLE, newest_restorable, replace_damaged
        from app.store.salvage import salvage
        from ui.start.recovery_dialog import RecoveryDialog

        folder, code = self._folder.conversations, 1
        if error.code in RECOVERABLE:
            backup = newest_restorable(folder)
            dialog = RecoveryDialog(error, backup, self.window)
            if dialog.exec() == QDialog.DialogCode.Accepted:
                if dialog.choice == "salvage":
                    run_job(self.window, lambda: salvage(folder), self._show_salvaged, self._recover)
                    return
                path = backup.path if backup is not None and dialog.choice == "restore" else None
                run_job(self.window, lambda: replace_damaged(folder, path), lambda _path: self._start(), self._recover)
                return
            self.window.close()
        else:
            self.window.close()
            code = _show_start_error(error)
        self._application.exit(code)

    def _show_salvaged(self, salvaged: Salvaged) -> None:
        text = QCoreApplication.translate(
            "start",
            "Recovered messages: {messages}, in conversations: {conversations}. The damaged file is kept as {path}.",
        )
        text = text.format(messages=salvaged.messages, conversations=salvaged.conversations, path=salvaged.damaged)
        self.window.notice.show_message(text, is_error=True)
        self._start()


def run(data_dir: str | None, files: Sequence[Path] = ()) -> int:
    """Open the window and stay until it is closed; return the exit code.

    ``files`` are added to the library or the question.  A window that is already open over this data folder gets them
    instead and comes to the front.
    """
    application = _make_application(data_dir)
    application.setApplicationName("apus-chat")
    application.setApplicationDisplayName("APUS Chat")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName(APPLICATION_ID)
    application.setWindowIcon(QIcon(str(resources() / "icons" / "app" / "apus-chat.svg")))
    try:
        folder = data_folder(data_dir)
    except UserError as error:
        return _show_start_error(error)
    if hand_over(folder.root, files):
        return 0
    start_log(folder.logs)
    errors = _UncaughtErrors()

    def show_error(error: BaseException) -> None:
        # Imported where it is needed, as it would delay the start.
        from ui.start.crash_dialog import show_crash

        show_crash(error, folder.logs)

    errors.raised.connect(show_error)
    report_uncaught(errors.raised.emit)
    program = _Program(application, folder)
    notifier = _close_on_signals(program.window.quit)
    instance = SingleInstance(folder.root)

    def open_again(files: list[Path]) -> None:
        program.window.come_to_front()
        program.open_files(files)

    instance.files_received.connect(open_again)
    program.window.painted.connect(instance.listen, Qt.ConnectionType.QueuedConnection)
    program.open_files(files)
    program.window.show()
    try:
        return int(application.exec())
    finally:
        instance.close()
        notifier.setEnabled(False)
        program.close()


def _make_application(data_dir: str | None) -> QApplication:
    """Create the application.  Where Qt can't, it would abort: exit with one sentence instead."""
    printed: list[str] = []

    def read_zoom() -> int:
        with suppress(UserError):
            return SettingsFile(data_folder(data_dir).settings_file).current.zoom
        return Settings.zoom

    def handle(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind is QtMsgType.QtFatalMsg:
            sys.stderr.write(f"apus-chat: {error_text(_why_no_window(printed[0] if printed else text))}\n")
            sys.stderr.flush()
            os._exit(1)
        printed.append(text)

    before = qInstallMessageHandler(handle)
    prepare_fonts()
    try:
        return create_application([*sys.argv[:1], "-style", "fusion"], read_zoom)
    finally:
        qInstallMessageHandler(before)
        for text in printed:
            sys.stderr.write(f"{text}\n")


def _why_no_window(detail: str) -> UserError:
    """Return why Qt can't open a window: a library that its plugin for X11 needs, or the display."""
    import ctypes

    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath), "platforms", "libqxcb.so")
    try:
        if plugin.exists() and os.environ.get("QT_QPA_PLATFORM", "xcb").startswith("xcb"):
            ctypes.CDLL(str(plugin))
    except OSError as error:
        return UserError("window_library_missing", library=Path(str(error).partition(":")[0]).name)
    return UserError("no_display", detail=detail)


def _exit_immediately() -> None:
    """Exit although a job is still running, for which Qt would wait forever; everything is saved and closed."""
    logging.getLogger(__name__).warning("exited although a background job did not end")
    logging.shutdown()
    os._exit(0)


def _show_start_error(error: UserError) -> int:
    # Imported where it is needed, as its types would delay the window.
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(QMessageBox.Icon.Critical, "APUS Chat", error_text(error), QMessageBox.StandardButton.Close)
    box.setObjectName("startProblem")
    sys.stderr.write(f"apus-chat: {error_text(error)}\n")
    box.exec()
    return 1


def _close_on_signals(close: Callable[[], object]) -> QSocketNotifier:
    """Call ``close`` on SIGINT and SIGTERM.

    A signal writes to a socket, which wakes the event loop: Python runs handlers only while it runs code.
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
