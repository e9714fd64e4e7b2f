"""Main window: arranges its parts, keeps position and size, and shows the sidebar over the content where it is narrow.

It is painted before anything behind it is opened; ``ui.window.controller`` then connects its parts with the services.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QWidget

from app.config.settings import PARAMETERS, SettingsFile
from ui.composer.composer import Composer
from ui.composer.text_field import has_picture, local_files
from ui.conversation.header import Header
from ui.sidebar.sidebar import Sidebar
from ui.widgets.appearance import Appearance
from ui.widgets.dialog_parts import StatusLine, resize_within_screen
from ui.widgets.layouts import clear, hbox, vbox
from ui.widgets.notice import NoticeBar
from ui.widgets.page import PageStack

COMPOSER_WIDTH = 784
"""Maximum width of the composer: the column of the transcript and the frame around it."""
NARROW_WIDTH = 640
"""A narrower window hides the sidebar, and shows it over the content on request."""
PANEL_NARROW_WIDTH = 960
"""A narrower window shows the panel over the content."""
CONTENT_MIN_WIDTH = 398
"""Of the chat, in pixels: as much as sidebar and panel leave in a window of 1,000."""
OVERLAY_WIDTH, OVERLAY_MARGIN = 280, 56
"""Width of the sidebar over the content, and what is left of the content at least."""
WIDTH_MS = 300
"""After a part was dragged to another width, which is saved then."""
BACKDROP_OPACITY = 90
"""Of 255."""
DEFAULT_SIZE = (1180, 800)
NAME = "APUS Chat"


class Backdrop(QWidget):
    """Darkens the content beside the sidebar over it."""

    clicked = Signal()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Emit ``clicked``."""
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill the widget."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, BACKDROP_OPACITY))
        painter.end()


class MainWindow(QMainWindow):
    """The window and its parts."""

    painted = Signal()
    """The window was painted for the first time."""
    files_dropped = Signal(list)
    """``Path`` of each file or folder."""
    language_changed = Signal()
    panel_closed = Signal()
    """The user has left the panel that is over the content."""
    closed = Signal()
    """The window closes, and the program ends with it."""

    def __init__(self, settings: SettingsFile, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle(NAME)
        self.setAccessibleName(NAME)
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
        self.hint = StatusLine("modelHint", hide_when_empty=True)
        """About the selected model, while it is the starter."""
        self.hint.action.setProperty("quiet", True)
        self.hint.setContentsMargins(12, 0, 0, 0)
        self.composer = Composer(self)
        self.pages = QStackedWidget(self)
        """The parts above the composer: welcome and transcript."""
        self.centre = PageStack()
        """The chat, and the pages that are shown in its place."""
        self.panel = QWidget()
        """At the right, for one widget; empty and hidden at first."""
        self.panel.setObjectName("sidePanel")
        self.panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.panel.hide()
        vbox(parent=self.panel)
        self._lay_out()
        self._backdrop = Backdrop(self)
        self._backdrop.hide()
        self._restore_geometry()
        self._width_timer = QTimer(self, singleShot=True, interval=WIDTH_MS)
        self._width_timer.timeout.connect(self._remember_widths)
        self._splitter.splitterMoved.connect(lambda: self._width_timer.start())
        self._backdrop.clicked.connect(self.hide_overlay)
        self.sidebar.visibility_changed.connect(self._place_backdrop)
        self.centre.changed.connect(self._show_page)
        self.notice.needed.connect(self._place_notice)
        self.notice.left.connect(self._focus_message)
        sidebar = self.sidebar
        for each in (sidebar.new_button, sidebar.downloads_button, sidebar.models_button, sidebar.settings_button):
            each.clicked.connect(self.hide_overlay)
        self.header.sidebar_button.clicked.connect(self.toggle_sidebar)
        self.composer.field.setFocus()

    def show_title(self, title: str | None) -> None:
        """Show the title of the open conversation in the header and in the title of the window; None for a new one."""
        self.header.title.set_title(title)
        shown = self.header.title.text()
        # Qt replaces "[*]" by a mark of unsaved changes.
        self.setWindowTitle(f"{shown} — {NAME}".replace("[*]", "[*][*]") if shown else NAME)

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

    def show_panel(self, content: QWidget | None) -> None:
        """Show a widget in the panel at the right, in place of the one before; None hides the panel."""
        layout = self.panel.layout()
        assert layout is not None
        self._remember_widths()
        if content is None or layout.count() == 0:
            self.panel.setVisible(content is not None)
        clear(layout)
        if content is not None:
            layout.addWidget(content)
            # The layout would do it later, and the content could not get the focus before.
            content.show()
            self._set_widths()
        self._place_panel()

    def _show_page(self) -> None:
        """Place what surrounds a page that is shown now, or the chat."""
        page = self.centre.page
        self.hide_overlay()
        self.panel.setVisible(page is None and self.panel.layout().count() > 0)  # type: ignore[union-attr]
        self._place_panel()
        if not self._content.isAncestorOf(self.notice):
            self._place_notice()
        name, sidebar = page.objectName() if page is not None else "", self.sidebar
        sidebar.models_button.setChecked(name == "modelsDialog")
        sidebar.settings_button.setChecked(name == "settingsDialog")
        if page is None:
            self.composer.field.setFocus()
        else:
            page.take_focus()

    def _place_notice(self) -> None:
        """Put the notice where it is seen; a message about the conversation stays there when a page is shown."""
        page = self.centre.page
        (self._above_composer if page is None else page.column).addWidget(self.notice)

    def _focus_message(self) -> None:
        """Give the focus to the message field where the chat is shown."""
        if self.centre.page is None:
            self.composer.field.setFocus()

    def hide_overlay(self) -> bool:
        """Hide the sidebar or the panel where it is over the content; return whether it was."""
        is_over = self._backdrop.isVisible()
        if is_over:
            if self.sidebar.parent() is self:
                self.sidebar.hide()
            if self.panel.parent() is self and not self.panel.isHidden():
                self.panel_closed.emit()
            self.composer.field.setFocus()
        return is_over

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the sidebar in a narrow window."""
        was_narrow, narrow = self.sidebar.parent() is self, self.width() < NARROW_WIDTH
        super().resizeEvent(event)
        if was_narrow != narrow:
            self.sidebar.setVisible(not narrow and self._settings.current.sidebar_shown)
        self._place_sidebar()
        self._place_panel()

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
        self._remember_widths()
        geometry = base64.b64encode(self.saveGeometry().data()).decode()
        self.notice.attempt(lambda: self._settings.change(window_geometry=geometry))
        if not self._is_quitting and not self.can_close():
            event.ignore()
            return
        self.closed.emit()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Write letters that no part takes into the message field, and go from there to the messages."""
        field, modifiers = self.composer.field, event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        page, steps = self.pages.currentWidget(), (Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier)
        is_step = event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and event.modifiers() in steps
        is_letter = bool(event.text().strip()) and event.text().isprintable()
        if is_letter and modifiers == Qt.KeyboardModifier.NoModifier and field.isVisible() and field.isEnabled():
            field.setFocus()
            QApplication.sendEvent(field, event)
        elif is_step and field.hasFocus() and page and page.focusPolicy() != Qt.FocusPolicy.NoFocus:
            page.setFocus()
            QApplication.sendEvent(page, event)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files, folders and pictures."""
        if local_files(event.mimeData()) or has_picture(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Emit the dropped files, or attach a dropped picture."""
        paths = local_files(event.mimeData())
        if paths:
            self.files_dropped.emit(paths)
        elif has_picture(event.mimeData()):
            self.composer.field.insertFromMimeData(event.mimeData())

    def _lay_out(self) -> None:
        centred = QWidget()
        centred.setMaximumWidth(COMPOSER_WIDTH)
        self._above_composer = vbox(self.notice)
        vbox(self._above_composer, self.hint, self.composer, parent=centred, spacing=4)
        self._content = QWidget()
        self._content.setMinimumWidth(CONTENT_MIN_WIDTH)
        vbox(self.header, (self.pages, 1), hbox(centred, margins=(16, 4, 16, 16)), parent=self._content)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.sidebar)
        self.centre.addWidget(self._content)
        self._splitter.addWidget(self.centre)
        self._splitter.addWidget(self.panel)
        self._splitter.setStretchFactor(1, 1)
        self.panel.setMinimumWidth(int(PARAMETERS["panel_width"].minimum))
        self.sidebar.setMinimumWidth(220)
        self.setCentralWidget(self._splitter)

    def _restore_geometry(self) -> None:
        settings = self._settings.current
        geometry = QByteArray.fromBase64(settings.window_geometry.encode())
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            room = self.screen().availableGeometry()
            resize_within_screen(self, *DEFAULT_SIZE)
            self.move(room.center() - QPoint(self.width() // 2, self.height() // 2))
        self.sidebar.setVisible(settings.sidebar_shown and self.width() >= NARROW_WIDTH)
        self._set_widths()
        self._place_sidebar()

    def _is_docked(self, part: QWidget) -> bool:
        return part.parent() is self._splitter and not part.isHidden()

    def _remember_widths(self) -> None:
        """Save the widths of what is beside the content, which the user may have dragged."""
        parts = {"sidebar_width": self.sidebar, "panel_width": self.panel}
        widths = {name: PARAMETERS[name].clamped(part.width()) for name, part in parts.items() if self._is_docked(part)}
        if self.isVisible() and widths:
            self.notice.attempt(lambda: self._settings.change(**widths))

    def _set_widths(self) -> None:
        settings = self._settings.current
        left = settings.sidebar_width if self._is_docked(self.sidebar) else 0
        right = settings.panel_width if self._is_docked(self.panel) else 0
        handles = self._splitter.handleWidth() * ((left > 0) + (right > 0))
        sizes = {self.sidebar: settings.sidebar_width, self.centre: max(1, self.width() - left - right - handles)}
        parts = [self._splitter.widget(place) for place in range(self._splitter.count())]
        self._splitter.setSizes([sizes.get(part, settings.panel_width) if part else 0 for part in parts])

    def _place_sidebar(self) -> None:
        """Put the sidebar beside the content, or over it in a narrow window."""
        is_shown, is_over = not self.sidebar.isHidden(), self.sidebar.parent() is self
        is_narrow = self.width() < NARROW_WIDTH
        if is_narrow and not is_over:
            self.sidebar.setParent(self)
        elif is_over and not is_narrow:
            self._splitter.insertWidget(0, self.sidebar)
            self._set_widths()
        if is_narrow:
            self.sidebar.setGeometry(0, 0, min(OVERLAY_WIDTH, self.width() - OVERLAY_MARGIN), self.height())
            self._backdrop.setGeometry(self.rect())
        self.sidebar.setVisible(is_shown)
        self._place_backdrop()

    def _place_panel(self) -> None:
        """Put the panel beside the content, or over it in a narrow window."""
        is_shown, is_over = not self.panel.isHidden(), self.panel.parent() is self
        is_narrow = self.width() < PANEL_NARROW_WIDTH
        if is_narrow and not is_over:
            self.panel.setParent(self)
        elif is_over and not is_narrow:
            self._splitter.addWidget(self.panel)
        if is_narrow:
            width = min(self._settings.current.panel_width, self.width() - OVERLAY_MARGIN)
            self.panel.setGeometry(self.width() - width, 0, width, self.height())
            self._backdrop.setGeometry(self.rect())
        self.panel.setVisible(is_shown)
        if is_over and not is_narrow:
            self._set_widths()
        self._place_backdrop()

    def _place_backdrop(self) -> None:
        overlays = [each for each in (self.sidebar, self.panel) if each.parent() is self and not each.isHidden()]
        self._backdrop.setVisible(bool(overlays))
        self._backdrop.raise_()
        for each in overlays:
            each.raise_()
