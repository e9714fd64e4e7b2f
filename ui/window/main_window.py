"""Main window: arranges its parts, keeps position and size, and hides the sidebar where it is narrow.

It is painted before anything behind it is opened; ``ui.window.controller`` then connects its parts with the services.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QWidget

from app.config.settings import SettingsFile
from ui.composer.composer import Composer
from ui.composer.text_field import local_files
from ui.conversation.header import Header
from ui.sidebar.sidebar import Sidebar
from ui.widgets.appearance import Appearance
from ui.widgets.layouts import hbox, vbox
from ui.widgets.notice import NoticeBar

COMPOSER_WIDTH = 784
"""Maximum width of the composer: the column of the transcript and the frame around it."""
NARROW_WIDTH = 640
"""A narrower window hides the sidebar."""
DEFAULT_SIZE = (1180, 800)


class MainWindow(QMainWindow):
    """The window and its parts."""

    painted = Signal()
    """The window was painted for the first time."""
    files_dropped = Signal(list)
    """``Path`` of each file or folder."""
    language_changed = Signal()
    closed = Signal()
    """The window closes, and the program ends with it."""

    def __init__(self, settings: SettingsFile, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("APUS Chat")
        self.setAccessibleName("APUS Chat")
        self.setAcceptDrops(True)
        self.setMinimumSize(420, 360)
        self._settings = settings
        self.appearance = appearance
        self._was_painted = False
        self._is_quitting = False
        self.can_close: Callable[[], bool] = lambda: True
        """Asked when the user closes the window; it stays where this returns false."""
        self.sidebar = Sidebar(self)
        self.header = Header(self)
        self.notice = NoticeBar(self)
        self.composer = Composer(self)
        self.pages = QStackedWidget(self)
        self._lay_out()
        self._restore_geometry()
        self.header.sidebar_button.clicked.connect(self.toggle_sidebar)
        self.composer.field.setFocus()

    def quit(self) -> None:
        """Close the window, and end the program even where it could stay in the background."""
        self._is_quitting = True
        if self.isVisible():
            self.close()
        else:
            # A hidden window gets no close event.
            self.closed.emit()
            QApplication.exit(0)

    def come_to_front(self) -> None:
        """Show the window above the others."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def toggle_sidebar(self) -> None:
        """Show or hide the sidebar; the choice in a wide window is saved."""
        shown = self.sidebar.isHidden()
        self.sidebar.setVisible(shown)
        if self.width() >= NARROW_WIDTH:
            self.notice.attempt(lambda: self._settings.change(sidebar_shown=shown))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the sidebar in a narrow window."""
        was_narrow, narrow = event.oldSize().width() < NARROW_WIDTH, self.width() < NARROW_WIDTH
        if event.oldSize().isValid() and was_narrow != narrow:
            self.sidebar.setVisible(not narrow and self._settings.current.sidebar_shown)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Emit ``painted`` after the first paint event, when the children are painted too."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            # With a context: the window may be closed and gone before the timer fires.
            QTimer.singleShot(0, self, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        """Emit ``language_changed``."""
        if event.type() == QEvent.Type.LanguageChange:
            self.language_changed.emit()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save the geometry and close, unless ``can_close`` objects."""
        shown_width = self._splitter.sizes()[0]
        values = {
            "window_geometry": base64.b64encode(self.saveGeometry().data()).decode(),
            "sidebar_width": max(180, min(600, shown_width or self._settings.current.sidebar_width)),
        }
        self.notice.attempt(lambda: self._settings.change(**values))
        if not self._is_quitting and not self.can_close():
            event.ignore()
            return
        self.closed.emit()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Emit the dropped files."""
        paths = local_files(event.mimeData())
        if paths:
            self.files_dropped.emit(paths)

    def _lay_out(self) -> None:
        centred = QWidget()
        centred.setMaximumWidth(COMPOSER_WIDTH)
        vbox(self.notice, self.composer, parent=centred, spacing=8)
        right = QWidget()
        vbox(self.header, (self.pages, 1), hbox(centred, margins=(16, 4, 16, 16)), parent=right)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(right)
        self._splitter.setStretchFactor(1, 1)
        self.sidebar.setMinimumWidth(180)
        self.setCentralWidget(self._splitter)

    def _restore_geometry(self) -> None:
        settings = self._settings.current
        geometry = QByteArray.fromBase64(settings.window_geometry.encode())
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            room = self.screen().availableGeometry()
            self.resize(min(DEFAULT_SIZE[0], room.width() - 40), min(DEFAULT_SIZE[1], room.height() - 60))
            self.move(room.center() - QPoint(self.width() // 2, self.height() // 2))
        self._splitter.setSizes([settings.sidebar_width, max(1, self.width() - settings.sidebar_width)])
        self.sidebar.setVisible(settings.sidebar_shown and self.width() >= NARROW_WIDTH)
