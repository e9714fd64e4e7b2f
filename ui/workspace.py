"""What happens in the window: conversations opened, asked, searched, deleted; dialogs; what the frame shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox

from app.chat.conversation import SearchHit
from app.render.highlight import warm_up
from app.services import Services
from app.settings import Settings
from model_manager.errors import UserError
from ui.background import Background
from ui.conversation import ConversationPage
from ui.error_text import error_text
from ui.model_choice import ModelChoice
from ui.tasks import run_in_background
from ui.transcript.widget import Transcript
from ui.welcome import Welcome

if TYPE_CHECKING:
    from ui.main_window import MainWindow


class Workspace(QObject):
    """Connects the frame's parts with the services behind them."""

    _engine_changed = Signal()
    """Brings the engine's changes from the worker's thread to the window's."""

    def __init__(self, services: Services, window: MainWindow) -> None:
        super().__init__(window)
        self.services = services
        self._window = window
        self._sidebar, self._composer, self._notice = window.sidebar, window.composer, window.notice
        self._drafts: dict[str | None, str] = {}
        self._deleted: list[str] = []
        self.welcome = Welcome(window)
        self.transcript = Transcript(window)
        window.pages.addWidget(self.welcome)
        window.pages.addWidget(self.transcript)
        self.models = ModelChoice(services, window.header, window)
        self.page = ConversationPage(services, self.transcript, self.models.model_id, self.models.name, self)
        self.background = Background(services, window)
        self._connect()
        self._shortcuts()
        self._engine_changed.connect(self._refresh_state)
        services.engine.on_change = self._engine_changed.emit
        self._take_theme()
        self._take_language()
        self._refresh_list()
        self._open_last()
        # The first answer shall not wait for these imports.
        services.hashing.look()
        run_in_background(self, warm_up, lambda _none: None, lambda _error: None)

    def _connect(self) -> None:
        window, sidebar, page = self._window, self._sidebar, self.page
        sidebar.new_wanted.connect(self.new_conversation)
        sidebar.opened.connect(self.open_conversation)
        sidebar.search_wanted.connect(self._search)
        sidebar.rename_done.connect(self._rename)
        sidebar.delete_wanted.connect(self._delete)
        sidebar.export_wanted.connect(self.show_export)
        sidebar.models_wanted.connect(lambda: self.models.show_dialog())
        sidebar.settings_wanted.connect(self.show_settings)
        window.header.export_wanted.connect(self._export_shown)
        window.files_dropped.connect(self._take_files)
        window.language_changed.connect(self._take_language)
        window.appearance.changed.connect(self._take_theme)
        self._composer.sent.connect(self.send)
        self._composer.stop_wanted.connect(page.stop)
        self.transcript.link_activated.connect(self._ask_to_open)
        self.welcome.starter_wanted.connect(self.models.use_starter)
        self.welcome.file_wanted.connect(self.choose_file)
        self.welcome.models_wanted.connect(lambda: self.models.show_dialog())
        page.changed.connect(self._refresh_list)
        page.running_changed.connect(self._refresh_state)
        page.complaint.connect(self._notice.complain)
        page.context_used.connect(self.models.set_context_used)
        page.speed_changed.connect(window.header.set_status)
        self.models.changed.connect(self._refresh_state)
        self.models.complaint.connect(self._notice.complain)
        self.models.repair_wanted.connect(self._offer_repair)
        page.failed.connect(self._on_failure)
        page.told.connect(lambda text: self._notice.tell(text))
        self.background.arrived.connect(self._on_arrival)
        self.background.quit_wanted.connect(window.quit)

    def _shortcuts(self) -> None:
        for keys, action in (
            ("Ctrl+N", self.new_conversation),
            ("Ctrl+Q", self._window.quit),
            ("Ctrl+F", self._focus_search),
            ("Ctrl+B", self._window.toggle_sidebar),
            ("Ctrl+E", self._export_shown),
            ("Ctrl+M", self.models.show_dialog),
            ("Ctrl+,", self.show_settings),
            ("Ctrl+L", self._composer.field.setFocus),
            ("Esc", self._escape),
        ):
            QShortcut(QKeySequence(keys), self._window).activated.connect(action)

    # Conversations

    def new_conversation(self) -> None:
        """Show an empty page; nothing is stored before something is said."""
        self.open_conversation(None)

    def open_conversation(self, conversation_id: str | None, message_id: str = "") -> None:
        """Show a conversation, at a message where one is named."""
        self._drafts[self.page.conversation_id] = self._composer.text()
        needle = self._sidebar.search.text().strip() if message_id else ""
        if not self._attempt(lambda: self.page.open(conversation_id, message_id, needle)):
            return
        self._composer.set_text(self._drafts.pop(conversation_id, ""))
        self._sidebar.set_current(conversation_id)
        self.models.forget_context()
        self._window.header.set_status("")
        self._refresh_state()
        if not message_id:
            self._composer.field.setFocus()

    def send(self, text: str) -> None:
        """Ask; the text stays in the composer where it could not be kept."""
        model_id = self.models.model_id()
        if model_id is None:
            self._notice.complain(
                self.tr("There is no model yet that could answer. Choose a model file."),
                self.tr("Choose a model file…"),
                self.choose_file,
            )
            return
        self._notice.hide()
        if self._attempt(lambda: self.page.ask(text, model_id)):
            self._composer.clear()
            self._attempt(lambda: self.models.remember(model_id))
        self._refresh_state()

    def leave(self) -> None:
        """The window closes: remember where one was."""
        self._attempt(lambda: self.services.settings.change(conversation_id=self.page.conversation_id))
        self.services.engine.on_change = lambda: None
        self.background.leave()
        self.models.leave()

    def _rename(self, conversation_id: str, title: str) -> None:
        self._attempt(lambda: self.services.store.rename(conversation_id, title))
        self._refresh_list()

    def _delete(self, conversation_id: str) -> None:
        if not self._attempt(lambda: self.services.store.delete(conversation_id)):
            return
        self._deleted.append(conversation_id)
        if conversation_id == self.page.conversation_id:
            self.page.stop()
            self.open_conversation(None)
        self._refresh_list()
        self._notice.tell(self.tr("Conversation deleted."), self.tr("Undo"), self._undo_delete)

    def _undo_delete(self) -> None:
        conversation_id = self._deleted.pop()
        if self._attempt(lambda: self.services.store.restore(conversation_id)):
            self._refresh_list()
            self.open_conversation(conversation_id)

    def _search(self, text: str) -> None:
        if not text:
            self._sidebar.set_hits([])
            return

        def done(hits: list[SearchHit]) -> None:
            # What was typed meanwhile has its own search under way.
            if text == self._sidebar.search.text().strip():
                self._sidebar.set_hits(hits)

        store = self.services.store
        run_in_background(self, lambda: store.search(text), done, lambda e: self._notice.complain(error_text(e)))

    # Dialogs

    def show_settings(self) -> None:
        """Open the settings."""
        from ui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.services, self._window)
        dialog.changed.connect(self.take_settings)
        dialog.conversations_changed.connect(self._refresh_list)
        _open(dialog)

    def show_export(self, conversation_id: str | None) -> None:
        """Open the export of one conversation or all."""
        from ui.export_dialog import ExportDialog

        _open(ExportDialog(self.services.store, conversation_id, self._window))

    def choose_file(self) -> None:
        """Let the person choose a model file, and use it."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Choose a model file"), str(Path.home()), self.tr("GGUF model files (*.gguf)")
        )
        if path:
            self.models.add_file(Path(path))

    def _take_files(self, paths: list[Path]) -> None:
        if len(paths) == 1 and paths[0].suffix.lower() == ".gguf" and not paths[0].is_dir():
            self.models.add_file(paths[0])
        else:
            self.models.show_dialog(paths)

    def _on_failure(self, error: UserError) -> None:
        if error.code == "experts_in_separate_tensors":
            self._offer_repair(error)

    def _offer_repair(self, error: UserError) -> None:
        path = Path(str(error.data["path"]))
        self._notice.complain(error_text(error), self.tr("Repair…"), lambda: self.models.show_dialog([path]))

    def _on_arrival(self, model_id: str) -> None:
        self.models.forget_names()
        self.services.hashing.look()
        self._notice.tell(
            self.tr("{name} is whole and verified.").format(name=self.models.name_of(model_id)),
            self.tr("Use it"),
            lambda: self.models.use(model_id),
        )

    def _export_shown(self) -> None:
        self.show_export(self.page.conversation_id)

    def _ask_to_open(self, address: str) -> None:
        box = QMessageBox(self._window)
        box.setText(self.tr("Open this address in your browser?"))
        box.setInformativeText(address)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
        box.setProperty("address", address)
        box.finished.connect(self._open_address)
        _open(box)

    def _open_address(self, button: int) -> None:
        box = self.sender()
        if button == QMessageBox.StandardButton.Open and box is not None:
            QDesktopServices.openUrl(QUrl(box.property("address")))

    # State

    def take_settings(self, settings: Settings) -> None:
        """Show what the settings say now."""
        self._window.appearance.use(settings)
        self._refresh_state()

    def _refresh_list(self) -> None:
        def read() -> None:
            self._sidebar.set_conversations(self.services.store.list(), self.page.conversation_id)

        self._attempt(read)

    def _refresh_state(self) -> None:
        running = self.page.running()
        self._composer.set_running(running is not None)
        self.models.refresh(running, self.page.is_any_running())
        is_empty = self.page.is_empty()
        self._window.header.set_can_export(not is_empty)
        self._window.pages.setCurrentWidget(self.welcome if is_empty else self.transcript)
        if is_empty:
            first_start = self.services.settings.now.model_id is None and not self._sidebar.has_conversations()
            self.welcome.show_state(
                first_start=first_start,
                starter_here=self.models.starter_is_here(),
                model_name=self.models.name(),
            )

    def _take_theme(self) -> None:
        self.transcript.set_theme(self._window.appearance.theme)

    def _take_language(self) -> None:
        self.transcript.setAccessibleName(self.tr("Conversation"))
        if self.page.conversation_id is not None:
            self._attempt(self.page.refresh)
        self._refresh_state()

    def _open_last(self) -> None:
        last = self.services.settings.now.conversation_id
        self.open_conversation(last if self._sidebar.has_conversations(last) else None)

    def _attempt(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except UserError as error:
            self._notice.complain(error_text(error))
            return False
        return True

    def _escape(self) -> None:
        if self._sidebar.search.hasFocus():
            self._sidebar.search.clear()
            self._composer.field.setFocus()
        else:
            self.page.stop()

    def _focus_search(self) -> None:
        self._sidebar.show()
        self._sidebar.search.setFocus()
        self._sidebar.search.selectAll()


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
