"""The window: arranges the parts, connects them, and holds the shortcuts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.chat.conversation import SearchHit
from app.services import Services
from app.settings import Settings
from model_manager.errors import UserError
from ui.appearance import Appearance
from ui.composer import Composer
from ui.conversation import ConversationPage
from ui.error_text import error_text
from ui.header import Header
from ui.model_choice import ModelChoice
from ui.notice import NoticeBar
from ui.sidebar import Sidebar
from ui.tasks import run_in_background
from ui.transcript.widget import Transcript
from ui.welcome import Welcome

COLUMN = 784
"""Widest composer: the transcript's column and its own frame."""
NARROW = 640
"""Below this width the page has the window for itself."""
FIRST_SIZE = (1180, 800)


class EngineSignals(QObject):
    """Brings the engine's changes from the worker's thread to the window's."""

    changed = Signal()


class MainWindow(QMainWindow):
    """One window over the services."""

    def __init__(self, services: Services, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setAcceptDrops(True)
        self.setMinimumSize(420, 360)
        self._services = services
        self._appearance = appearance
        theme = appearance.theme
        self._drafts: dict[str | None, str] = {}
        self._deleted: list[str] = []

        self.sidebar = Sidebar(theme, self)
        self.header = Header(theme, self)
        self.welcome = Welcome(self)
        self.transcript = Transcript(self)
        self.notice = NoticeBar(theme, self)
        self.composer = Composer(theme, self)
        self.page = ConversationPage(services, self.transcript, self)
        self.models = ModelChoice(services, self.header, self)
        self._arrange()
        self._connect()
        self._shortcuts()
        self._engine_signals = EngineSignals(self)
        self._engine_signals.changed.connect(self._refresh_state)
        services.engine.on_change = self._engine_signals.changed.emit
        self._take_theme()
        self._retranslate()
        self._restore_place()
        self._refresh_list()
        self._open_last()
        self.composer.field.setFocus()

    # Arrangement

    def _arrange(self) -> None:
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.transcript)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.notice)
        column.addWidget(self.composer)
        self._column = QWidget(self)
        self._column.setMaximumWidth(COLUMN)
        self._column.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        below = QHBoxLayout()
        below.setContentsMargins(16, 4, 16, 16)
        below.addWidget(self._column)
        right = QWidget(self)
        layout = QVBoxLayout(right)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self._pages, 1)
        layout.addLayout(below)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(right)
        self._splitter.setStretchFactor(1, 1)
        self.sidebar.setMinimumWidth(180)
        self.setCentralWidget(self._splitter)

    def _connect(self) -> None:
        sidebar, page = self.sidebar, self.page
        sidebar.new_wanted.connect(self.new_conversation)
        sidebar.opened.connect(self.open_conversation)
        sidebar.search_wanted.connect(self._search)
        sidebar.rename_done.connect(self._rename)
        sidebar.delete_wanted.connect(self._delete)
        sidebar.export_wanted.connect(self.show_export)
        sidebar.models_wanted.connect(self.models.show_dialog)
        sidebar.settings_wanted.connect(self.show_settings)
        self.header.sidebar_wanted.connect(self._toggle_sidebar)
        self.header.export_wanted.connect(lambda: self.show_export(page.conversation_id))
        self.composer.sent.connect(self._send)
        self.composer.stop_wanted.connect(page.stop)
        self.transcript.link_activated.connect(self._ask_to_open)
        self.welcome.starter_wanted.connect(lambda: self.models.use("starter"))
        self.welcome.file_wanted.connect(self.choose_file)
        page.changed.connect(self._refresh_list)
        page.running_changed.connect(self._refresh_state)
        page.complaint.connect(self.notice.complain)
        page.context_used.connect(self.models.set_context_used)
        page.speed_changed.connect(self.header.set_status)
        self.models.changed.connect(self._refresh_state)
        self.models.complaint.connect(self.notice.complain)
        self._appearance.changed.connect(self._take_theme)

    def _shortcuts(self) -> None:
        for keys, action in (
            (QKeySequence.StandardKey.New, self.new_conversation),
            (QKeySequence.StandardKey.Quit, self.close),
            (QKeySequence.StandardKey.Find, self._focus_search),
            ("Ctrl+B", self._toggle_sidebar),
            ("Ctrl+E", lambda: self.show_export(self.page.conversation_id)),
            ("Ctrl+M", self.models.show_dialog),
            ("Ctrl+,", self.show_settings),
            ("Ctrl+L", self.composer.field.setFocus),
            ("Esc", self._escape),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(action)
        if QKeySequence(QKeySequence.StandardKey.Quit) != QKeySequence("Ctrl+Q"):
            # Where the system has no key for it, as on Windows.
            QShortcut(QKeySequence("Ctrl+Q"), self).activated.connect(self.close)

    # Conversations

    def new_conversation(self) -> None:
        """Show an empty page; nothing is stored before something is said."""
        self.open_conversation(None)

    def open_conversation(self, conversation_id: str | None, message_id: str = "") -> None:
        """Show a conversation, at a message where one is named."""
        self._drafts[self.page.conversation_id] = self.composer.text()
        needle = self.sidebar.search.text().strip() if message_id else ""
        if not self._attempt(lambda: self.page.open(conversation_id, message_id, needle)):
            return
        self.composer.set_text(self._drafts.pop(conversation_id, ""))
        self.sidebar.set_current(conversation_id)
        self.models.forget_context()
        self.header.set_status("")
        self._refresh_state()
        if not message_id:
            self.composer.field.setFocus()

    def _send(self, text: str) -> None:
        model_id = self.models.model_id()
        if model_id is None:
            self.notice.complain(
                self.tr("There is no model yet that could answer. Choose a model file."),
                self.tr("Choose a model file…"),
                self.choose_file,
            )
            return
        self.notice.hide()
        if self._attempt(lambda: self.page.ask(text, model_id)):
            self.composer.clear()
            self._attempt(lambda: self.models.remember(model_id))
        self._refresh_state()

    def _rename(self, conversation_id: str, title: str) -> None:
        self._attempt(lambda: self._services.store.rename(conversation_id, title))
        self._refresh_list()

    def _delete(self, conversation_id: str) -> None:
        if not self._attempt(lambda: self._services.store.delete(conversation_id)):
            return
        self._deleted.append(conversation_id)
        if conversation_id == self.page.conversation_id:
            self.page.stop()
            self.open_conversation(None)
        self._refresh_list()
        self.notice.tell(self.tr("Conversation deleted."), self.tr("Undo"), self._undo_delete)

    def _undo_delete(self) -> None:
        conversation_id = self._deleted.pop()
        if self._attempt(lambda: self._services.store.restore(conversation_id)):
            self._refresh_list()
            self.open_conversation(conversation_id)

    def _search(self, text: str) -> None:
        if not text:
            self.sidebar.set_hits([])
            return

        def done(hits: list[SearchHit]) -> None:
            # What was typed meanwhile has its own search under way.
            if text == self.sidebar.search.text().strip():
                self.sidebar.set_hits(hits)

        store = self._services.store
        run_in_background(self, lambda: store.search(text), done, lambda e: self.notice.complain(error_text(e)))

    # Dialogs

    def show_settings(self) -> None:
        """Open the settings."""
        from ui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._services, self)
        dialog.changed.connect(self._settings_changed)
        dialog.conversations_changed.connect(self._refresh_list)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_export(self, conversation_id: str | None) -> None:
        """Open the export of one conversation or all."""
        from ui.export_dialog import ExportDialog

        dialog = ExportDialog(self._services.store, conversation_id, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def choose_file(self) -> None:
        """Let the person choose a model file, and use it."""
        path, _ = QFileDialog.getOpenFileName(
            self, self.tr("Choose a model file"), str(Path.home()), self.tr("GGUF model files (*.gguf)")
        )
        if path:
            self.models.add_file(Path(path))

    def _ask_to_open(self, address: str) -> None:
        box = QMessageBox(self)
        box.setText(self.tr("Open this address in your browser?"))
        box.setInformativeText(address)
        box.setTextFormat(Qt.TextFormat.PlainText)
        open_button = box.addButton(self.tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.buttonClicked.connect(
            lambda button: QDesktopServices.openUrl(QUrl(address)) if button is open_button else None
        )
        box.open()

    # State

    def _refresh_list(self) -> None:
        def read() -> None:
            self.sidebar.set_conversations(self._services.store.list(), self.page.conversation_id)

        self._attempt(read)

    def _refresh_state(self) -> None:
        running = self.page.running()
        self.composer.set_running(running is not None)
        self.models.refresh(running, self.page.is_any_running())
        self.header.set_can_export(not self.page.is_empty())
        self._pages.setCurrentWidget(self.welcome if self.page.is_empty() else self.transcript)
        if self.page.is_empty():
            first_start = self._services.settings.now.model_id is None and not self.sidebar.has_conversations()
            self.welcome.show_state(
                first_start=first_start,
                starter_here=self.models.starter_is_here(),
                model_name=self.models.name(),
            )

    def _settings_changed(self, settings: Settings) -> None:
        self._appearance.use(settings)
        self._refresh_state()

    def _take_theme(self) -> None:
        theme = self._appearance.theme
        for part in (self.sidebar, self.header, self.transcript, self.notice, self.composer):
            part.set_theme(theme)

    def _open_last(self) -> None:
        last = self._services.settings.now.conversation_id
        known = {conversation.id for conversation in self._services.store.list()}
        self.open_conversation(last if last in known else None)

    def _attempt(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except UserError as error:
            self.notice.complain(error_text(error))
            return False
        return True

    def _escape(self) -> None:
        if self.sidebar.search.hasFocus():
            self.sidebar.search.clear()
            self.composer.field.setFocus()
        else:
            self.page.stop()

    def _focus_search(self) -> None:
        self.sidebar.show()
        self.sidebar.search.setFocus()
        self.sidebar.search.selectAll()

    # The window itself

    def _toggle_sidebar(self) -> None:
        shown = self.sidebar.isHidden()
        self.sidebar.setVisible(shown)
        if self.width() >= NARROW:
            self._attempt(lambda: self._services.settings.change(sidebar_shown=shown))

    def _restore_place(self) -> None:
        settings = self._services.settings.now
        place = QByteArray(base64.b64decode(settings.window_geometry or ""))
        if place.isEmpty() or not self.restoreGeometry(place):
            room = self.screen().availableGeometry()
            self.resize(min(FIRST_SIZE[0], room.width() - 40), min(FIRST_SIZE[1], room.height() - 60))
            self.move(room.center() - QPoint(self.width() // 2, self.height() // 2))
        self._splitter.setSizes([settings.sidebar_width, max(1, self.width() - settings.sidebar_width)])
        self.sidebar.setVisible(settings.sidebar_shown and self.width() >= NARROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give a narrow window to the page alone."""
        was_narrow, narrow = event.oldSize().width() < NARROW, self.width() < NARROW
        if event.oldSize().isValid() and was_narrow != narrow:
            self.sidebar.setVisible(not narrow and self._services.settings.now.sidebar_shown)
        self.header.set_narrow(self.width() < NARROW)
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
            self._attempt(self.page.refresh)
            self._refresh_state()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place; the answer under way is stopped and kept by who closes the services."""
        sizes = self._splitter.sizes()
        width = sizes[0] if self.sidebar.isVisible() else self._services.settings.now.sidebar_width
        self._attempt(
            lambda: self._services.settings.change(
                window_geometry=base64.b64encode(self.saveGeometry().data()).decode(),
                sidebar_width=max(180, min(600, width)),
                conversation_id=self.page.conversation_id,
            )
        )
        self._services.engine.on_change = lambda: None
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A model file may be dropped anywhere."""
        if any(url.toLocalFile().lower().endswith(".gguf") for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Use the model file that was dropped."""
        for url in event.mimeData().urls():
            if url.toLocalFile().lower().endswith(".gguf"):
                self.models.add_file(Path(url.toLocalFile()))
                return

    def _retranslate(self) -> None:
        self.setWindowTitle("APUS Chat")
        self.setAccessibleName("APUS Chat")
        self.transcript.setAccessibleName(self.tr("Conversation"))
