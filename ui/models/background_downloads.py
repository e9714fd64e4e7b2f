"""What goes on while nobody looks: downloads with the window closed, and word of their end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon, QWidget

from app.services import Services

GOODBYE_MS = 15_000
"""How long the last notification may be looked at before the closed program ends."""


class BackgroundDownloads(QObject):
    """Keeps the program alive for its downloads where the person said so, and tells when one is there."""

    download_finished = Signal(str)
    """The id of a model that is whole now."""
    quit_requested = Signal()
    notified = Signal(str, str)
    """Title and text of what a person was told who was looking elsewhere."""
    _finished = Signal(str)
    _changed = Signal()

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._is_away = False
        self._clicked: Callable[[], None] | None = None
        # From whatever thread changed the queue, to the window's event loop.
        self._finished.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._changed.connect(self._end_when_idle, Qt.ConnectionType.QueuedConnection)
        services.downloads.on_done(self._on_done)
        services.downloads.manager.subscribe(self._on_change)
        services.downloads.start()

    def keep_running(self) -> bool:
        """The window is to be closed: whether it is hidden instead, because a download goes on without it."""
        services = self._services
        if not (services.settings.now.downloads_in_background and services.downloads.manager.is_active):
            return False
        self._is_away = True
        if self._make_tray() is None:
            # Without a tray nobody could bring a hidden window back.
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
        """The program ends."""
        self._services.downloads.manager.unsubscribe(self._on_change)
        if self._tray is not None:
            self._tray.hide()

    def is_window_active(self) -> bool:
        """Whether the person has the program before them."""
        return QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationActive and self._window.isVisible()

    def notify(self, title: str, text: str, clicked: Callable[[], None] | None = None) -> bool:
        """Show a notification of the system; false where it has none or the window is in front.

        A click on it brings the window back, and then does ``clicked``.
        """
        if self.is_window_active():
            return False
        self._clicked = clicked
        self.notified.emit(title, text)
        QApplication.alert(self._window)
        tray = self._make_tray()
        if tray is None or not QSystemTrayIcon.supportsMessages():
            return False
        tray.showMessage(title, text, QApplication.windowIcon())
        return True

    def _on_done(self, model_id: str, _paths: tuple[Path, ...]) -> None:
        self._finished.emit(model_id)

    def _on_change(self) -> None:
        self._changed.emit()

    def _tell(self, model_id: str) -> None:
        self.notify(self.tr("Download complete"), self.tr("{name} downloaded and verified.").format(name=model_id))
        self.download_finished.emit(model_id)

    def _end_when_idle(self) -> None:
        if not self._is_away or self._services.downloads.manager.is_active:
            return
        if self._window.isMinimized():
            # It waits in the task bar, as windows do.
            self._is_away = False
        elif not self._window.isVisible():
            QTimer.singleShot(GOODBYE_MS, self, self._say_goodbye)

    def _say_goodbye(self) -> None:
        if self._is_away and not self._services.downloads.manager.is_active:
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
