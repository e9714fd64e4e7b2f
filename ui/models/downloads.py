"""Changes of the download queue in the window's thread; downloads while the window is closed, and their tray icon."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QCheckBox, QMenu, QMessageBox, QSystemTrayIcon, QWidget

from app.services import Services
from model_manager.download.queue import DownloadQueue
from model_manager.errors import UserError
from ui.widgets.dialog_parts import ask
from ui.widgets.job import Relay

QUIT_DELAY_MS = 15_000
"""How long the last notification is shown before the program quits."""


def on_queue_change(queue: DownloadQueue, receiver: QObject, slot: Callable[[], None]) -> None:
    """Call ``slot``, a method of ``receiver``, in its thread after each change of the queue, until it is destroyed.

    The queue calls its listeners in any thread, also in the window's in the middle of a change; the call always
    arrives through the event loop.
    """
    relay = Relay(receiver, slot)
    queue.subscribe(relay)
    receiver.destroyed.connect(lambda: queue.unsubscribe(relay))


class BackgroundDownloads(QObject):
    """Keeps the program running for its downloads, where that setting is on, and notifies of finished ones."""

    download_finished = Signal(str)
    """Id of a model whose download is complete."""
    quit_requested = Signal()
    notified = Signal(str, str)
    """Title and text of a notification."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._is_away = False
        self._clicked: Callable[[], None] | None = None
        self._done: set[str] = set()
        self._question: QMessageBox | None = None
        """Open while the user decides what to do with the downloads."""
        on_queue_change(services.downloads.queue, self, self._on_queue_changed)
        services.downloads.start()

    def keep_running(self) -> bool:
        """Hide the window instead of closing it while a download is running, or ask; return whether it stays."""
        settings, application = self._services.settings.current, QGuiApplication.instance()
        if not self._services.downloads.queue.is_active:
            return False
        if settings.downloads_in_background:
            return self._go_away()
        is_ending = isinstance(application, QGuiApplication) and application.isSavingSession()
        if not settings.asks_before_closing or is_ending:
            return False
        if self._question is None:
            self._ask()
        return True

    def _ask(self) -> None:
        asks_no_more = QCheckBox(self.tr("Remember my choice"))
        asks_no_more.setObjectName("rememberChoice")

        def decide(*, stays: bool) -> None:
            if asks_no_more.isChecked():
                settings = self._services.settings
                with suppress(UserError):
                    settings.change(downloads_in_background=stays, asks_before_closing=False)
            if stays:
                self._go_away()
            else:
                self.quit_requested.emit()

        self._question = ask(
            self._window,
            "closeQuestion",
            "APUS Chat",
            self.tr("A download is still running."),
            self.tr(
                "It can continue in the background until it is complete. If you quit, it pauses and continues at the "
                "next start."
            ),
            ("continueInBackground", self.tr("Continue in the background")),
            self.tr("Cancel"),
            partial(decide, stays=True),
            discard=("pauseAndQuit", self.tr("Pause and quit"), partial(decide, stays=False)),
            check_box=asks_no_more,
        )
        self._question.finished.connect(self._forget_question)

    def _forget_question(self) -> None:
        self._question = None

    def _go_away(self) -> bool:
        self._is_away = True
        if self._make_tray() is None:
            # Without a tray there is no way to show a hidden window again.
            self._window.showMinimized()
            return True
        QApplication.setQuitOnLastWindowClosed(False)
        self._window.hide()
        return True

    def show_window(self) -> None:
        """Show the window again."""
        self._is_away = False
        QApplication.setQuitOnLastWindowClosed(True)
        self._window.showNormal()
        self._window.raise_()
        self._window.activateWindow()

    def shut_down(self) -> None:
        """Remove the tray icon."""
        if self._tray is not None:
            self._tray.hide()

    def notify(self, title: str, text: str, clicked: Callable[[], None] | None = None) -> bool:
        """Show a desktop notification; return false where there is none or the window is active.

        A click shows the window and calls ``clicked``.
        """
        is_active = QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationActive
        if is_active and self._window.isVisible():
            return False
        self._clicked = clicked
        self.notified.emit(title, text)
        QApplication.alert(self._window)
        tray = self._make_tray()
        if tray is None or not QSystemTrayIcon.supportsMessages():
            return False
        tray.showMessage(title, text, QApplication.windowIcon())
        return True

    def _on_queue_changed(self) -> None:
        done = {each.id for each in self._services.downloads.queue.statuses() if each.state == "done"}
        new, self._done = done - self._done, done
        for model_id in new:
            self.notify(self.tr("Download complete"), self.tr("{name} downloaded and verified.").format(name=model_id))
            self.download_finished.emit(model_id)
        self._quit_when_idle()

    def _quit_when_idle(self) -> None:
        if not self._is_away or self._services.downloads.queue.is_active:
            return
        if self._window.isMinimized():
            # A minimised window stays open.
            self._is_away = False
        elif not self._window.isVisible():
            QTimer.singleShot(QUIT_DELAY_MS, self, self._quit)

    def _quit(self) -> None:
        if self._is_away and not self._services.downloads.queue.is_active:
            self.quit_requested.emit()

    def _make_tray(self) -> QSystemTrayIcon | None:
        if self._tray is None and QSystemTrayIcon.isSystemTrayAvailable():
            self._tray = QSystemTrayIcon(QApplication.windowIcon(), self)
            self._tray.setToolTip("APUS Chat")
            menu = QMenu(self._window)
            menu.addAction(self.tr("Open APUS Chat"), self.show_window)
            menu.addAction(self.tr("Quit"), self.quit_requested.emit)
            self._tray.setContextMenu(menu)
            self._tray.activated.connect(self._on_activated)
            self._tray.messageClicked.connect(self._on_click)
            self._tray.show()
        return self._tray

    def _on_click(self) -> None:
        self.show_window()
        clicked, self._clicked = self._clicked, None
        if clicked is not None:
            clicked()

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason != QSystemTrayIcon.ActivationReason.Context:
            self.show_window()
