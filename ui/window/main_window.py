"""The window's frame: arranges the parts, keeps place and size, gives a narrow window to the page alone.

It is painted before anything behind it is opened, so that it is there at once; ``start`` then brings it to life.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.config.settings import SettingsFile
from model_manager.errors import UserError
from ui.composer.composer import Composer
from ui.composer.text_field import local_files
from ui.conversation.header import Header
from ui.sidebar.sidebar import Sidebar
from ui.widgets.appearance import Appearance
from ui.widgets.error_text import error_text
from ui.widgets.notice import NoticeBar

if TYPE_CHECKING:
    from app.services import Services
    from ui.window.workspace import Workspace

COLUMN = 784
"""Widest composer: the transcript's column and its own frame."""
NARROW = 640
"""Below this width the page has the window for itself."""
FIRST_SIZE = (1180, 800)


class MainWindow(QMainWindow):
    """The frame.  What happens in it is the workspace's."""

    painted = Signal()
    """Once, when it was painted for the first time."""
    files_dropped = Signal(list)
    """Paths of files and folders."""
    language_changed = Signal()

    def __init__(self, settings: SettingsFile, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("APUS Chat")
        self.setAccessibleName("APUS Chat")
        self.setAcceptDrops(True)
        self.setMinimumSize(420, 360)
        self._settings = settings
        self.appearance = appearance
        theme = appearance.theme
        self._was_painted = False
        self._is_quitting = False
        self.workspace: Workspace | None = None
        self.sidebar = Sidebar(theme, self)
        self.header = Header(theme, self)
        self.notice = NoticeBar(theme, self)
        self.composer = Composer(theme, self)
        self.pages = QStackedWidget(self)
        self._early_files: list[Path] = []
        self._arrange()
        self._restore_place()
        self.header.sidebar_wanted.connect(self.toggle_sidebar)
        appearance.changed.connect(self._take_theme)
        self.composer.field.setFocus()

    def start(self, services: Services) -> Workspace:
        """Bring the frame to life with what is behind it."""
        from ui.window.workspace import Workspace

        self.workspace = Workspace(services, self)
        self.take_files([])
        return self.workspace

    def quit(self) -> None:
        """Close for good, downloads included."""
        self._is_quitting = True
        if self.isVisible():
            self.close()
        else:
            # A hidden window gets no close event.
            if self.workspace is not None:
                self.workspace.leave()
            QApplication.exit(0)

    def come_to_front(self, files: list[Path]) -> None:
        """Another start of the program: this window is what it wanted, with the files it was given."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()
        self.take_files(files)

    def take_files(self, files: list[Path]) -> None:
        """Offer files as if they were dropped; they wait until there is something behind the window."""
        self._early_files += files
        if self.workspace is not None and self._early_files:
            files, self._early_files = self._early_files, []
            self.files_dropped.emit(files)

    def toggle_sidebar(self) -> None:
        """Show or hide the conversations; a wide window remembers it."""
        shown = self.sidebar.isHidden()
        self.sidebar.setVisible(shown)
        if self.width() >= NARROW:
            self._remember(sidebar_shown=shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give a narrow window to the page alone."""
        was_narrow, narrow = event.oldSize().width() < NARROW, self.width() < NARROW
        if event.oldSize().isValid() and was_narrow != narrow:
            self.sidebar.setVisible(not narrow and self._settings.now.sidebar_shown)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell when it was painted first: once back in the event loop, its children are painted too."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            # With a context: the window may be closed and gone before the timer fires.
            QTimer.singleShot(0, self, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        """Tell the workspace of another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.language_changed.emit()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place; the answer under way is stopped and kept by who closes the services."""
        shown_width = self._splitter.sizes()[0]
        self._remember(
            window_geometry=base64.b64encode(self.saveGeometry().data()).decode(),
            sidebar_width=max(180, min(600, shown_width or self._settings.now.sidebar_width)),
        )
        if self.workspace is not None:
            if not self._is_quitting and self.workspace.background.keep_running():
                event.ignore()
                return
            self.workspace.leave()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Model files, parts of one, folders and texts may be dropped anywhere."""
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell of what was dropped."""
        paths = local_files(event.mimeData())
        if paths:
            self.files_dropped.emit(paths)

    def _arrange(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.notice)
        column.addWidget(self.composer)
        centred = QWidget(self)
        centred.setMaximumWidth(COLUMN)
        centred.setLayout(column)
        below = QHBoxLayout()
        below.setContentsMargins(16, 4, 16, 16)
        below.addWidget(centred)
        right = QWidget(self)
        layout = QVBoxLayout(right)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.pages, 1)
        layout.addLayout(below)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(right)
        self._splitter.setStretchFactor(1, 1)
        self.sidebar.setMinimumWidth(180)
        self.setCentralWidget(self._splitter)

    def _restore_place(self) -> None:
        settings = self._settings.now
        place = QByteArray(base64.b64decode(settings.window_geometry or ""))
        if place.isEmpty() or not self.restoreGeometry(place):
            room = self.screen().availableGeometry()
            self.resize(min(FIRST_SIZE[0], room.width() - 40), min(FIRST_SIZE[1], room.height() - 60))
            self.move(room.center() - QPoint(self.width() // 2, self.height() // 2))
        self._splitter.setSizes([settings.sidebar_width, max(1, self.width() - settings.sidebar_width)])
        self.sidebar.setVisible(settings.sidebar_shown and self.width() >= NARROW)

    def _remember(self, **values: object) -> None:
        try:
            self._settings.change(**values)
        except UserError as error:
            self.notice.show_error(error_text(error))

    def _take_theme(self) -> None:
        for part in (self.sidebar, self.header, self.notice, self.composer):
            part.set_theme(self.appearance.theme)
