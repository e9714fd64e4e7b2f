"""What happens in the window: conversations opened, asked, searched, deleted; dialogs; what the frame shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.config.settings import PARAMETERS, Settings
from app.markdown.highlight import warm_up
from app.servers.registry import is_server_model
from app.services import Services
from model_manager.errors import UserError
from ui.conversation.context_control import ContextControl
from ui.conversation.controller import Desk
from ui.conversation.conversation import ConversationPage
from ui.conversation.model_picker import ModelChoice
from ui.models.background_downloads import BackgroundDownloads
from ui.settings.shortcuts import make_shortcuts
from ui.sidebar.actions import History
from ui.transcript.transcript import Transcript
from ui.widgets.dialog_parts import show_dialog
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.window.garbage_collector import GarbageAtRest
from ui.window.keep_awake import KeepAwake, system_inhibitor
from ui.window.maintenance import Upkeep
from ui.window.welcome import Welcome

if TYPE_CHECKING:
    from app.conversation import Message
    from ui.window.main_window import MainWindow


class Workspace(QObject):
    """Connects the frame's parts with the services behind them."""

    _engine_changed = Signal()
    """Brings the engine's changes from the worker's thread to the window's."""

    def __init__(self, services: Services, window: MainWindow) -> None:
        super().__init__(window)
        self.services = services
        self._window = window
        self._sidebar, self._composer, self._notice = window.sidebar, window.composer, window.notice
        self._text_size = services.settings.now.text_size
        self.welcome = Welcome(window)
        self.transcript = Transcript(window)
        self.transcript.use_formula_renderer(services.formula_renderer)
        window.pages.addWidget(self.welcome)
        window.pages.addWidget(self.transcript)
        self.models = ModelChoice(services, window.header, window)
        self.page = ConversationPage(services, self.transcript, self.models.model_id, self.models.name, self)
        self.history = History(services.store, self._sidebar, self._notice, self.page)
        self.upkeep = Upkeep(services.store, services.settings, self)
        self.context = ContextControl(window.header.gauge, self.page, self.models, services.settings, window.appearance)
        self.background = BackgroundDownloads(services, window)
        self._garbage = GarbageAtRest(self.page.is_any_running, self)
        self.desk = Desk(services, window, self.page, self.models, self.background)
        self.awake = KeepAwake(self._is_busy, system_inhibitor(), self)
        self._connect()
        make_shortcuts(window, self._actions())
        self._engine_changed.connect(self._refresh_state)
        services.engine.on_change = self._engine_changed.emit
        self._take_theme()
        self._take_language()
        self._refresh_list()
        self._open_last()
        # The first answer shall not wait for these imports.
        services.hashing.look()
        run_job(self, warm_up, lambda _none: None, lambda _error: None)

    def _connect(self) -> None:
        window, sidebar, page = self._window, self._sidebar, self.page
        sidebar.new_wanted.connect(self.new_conversation)
        sidebar.opened.connect(self.open_conversation)
        sidebar.export_wanted.connect(self.show_export)
        self.history.open_wanted.connect(self.open_conversation)
        sidebar.models_wanted.connect(lambda: self.models.show_dialog())
        sidebar.settings_wanted.connect(lambda: self.show_settings())
        window.header.export_wanted.connect(self._export_shown)
        window.language_changed.connect(self._take_language)
        window.appearance.changed.connect(self._take_theme)
        self.transcript.link_activated.connect(self.desk.dialogs.ask_to_open)
        self.transcript.action_requested.connect(self.desk.deeds.do)
        self.desk.deeds.export_wanted.connect(self._export_message)
        self.transcript.text_size_requested.connect(self._resize_text)
        self.desk.open_wanted.connect(self.open_conversation)
        self.desk.changed.connect(self._refresh_state)
        self.desk.list_changed.connect(self._refresh_list)
        self.welcome.starter_wanted.connect(self.models.use_starter)
        self.welcome.file_wanted.connect(self.desk.choose_file)
        self.welcome.models_wanted.connect(lambda: self.models.show_dialog())
        self.welcome.server_wanted.connect(lambda: self.show_settings("servers"))
        self.welcome.diagnostics_requested.connect(self.desk.dialogs.show_doctor)
        self.welcome.language_wanted.connect(self._use_language)
        page.changed.connect(self._refresh_list)
        page.running_changed.connect(self._refresh_state)
        page.running_changed.connect(self.awake.look)
        self.services.downloads.manager.subscribe(self.awake.look)
        page.complaint.connect(self._notice.show_error)
        self.context.complaint.connect(self._notice.show_error)
        page.speed_changed.connect(window.header.set_status)
        self.models.changed.connect(self._refresh_state)
        self.models.complaint.connect(self._notice.show_error)
        self.models.repair_wanted.connect(self._offer_repair)
        page.failed.connect(self._on_failure)
        page.told.connect(lambda text: self._notice.show_message(text))
        self._engine_changed.connect(self.desk.attaching.count)
        self.background.download_finished.connect(self._on_arrival)
        self.background.quit_requested.connect(window.quit)

    def _actions(self) -> dict[str, Callable[[], object]]:
        """What the shortcuts do, by the ids of ``ui.settings.shortcuts``."""
        return {
            **self.desk.actions(),
            "new": self.new_conversation,
            "search": self._focus_search,
            "next_conversation": partial(self._step_conversation, 1),
            "previous_conversation": partial(self._step_conversation, -1),
            "export": self._export_shown,
            "escape": self._escape,
            "find": self.transcript.open_find,
            "find_next": partial(self.transcript.find_bar.step, 1),
            "find_previous": partial(self.transcript.find_bar.step, -1),
            "larger": partial(self._resize_text, 1),
            "smaller": partial(self._resize_text, -1),
            "usual_size": partial(self._resize_text, 0),
            "sidebar": self._window.toggle_sidebar,
            "models": self.models.show_dialog,
            "settings": self.show_settings,
            "quit": self._window.quit,
        }

    # Conversations

    def new_conversation(self) -> None:
        """Show an empty page; nothing is stored before something is said."""
        self.open_conversation(None)

    def open_conversation(self, conversation_id: str | None, message_id: str = "") -> None:
        """Show a conversation, at a message where one is named."""
        self.desk.guard.before(partial(self._open, conversation_id, message_id))

    def _open(self, conversation_id: str | None, message_id: str) -> None:
        needle = self._sidebar.search.text().strip() if message_id else ""
        if not self._notice.attempt(lambda: self.page.open(conversation_id, message_id, needle)):
            return
        self.desk.drafting.show()
        self._sidebar.set_current(conversation_id)
        self._window.header.set_status("")
        self._refresh_state()
        if not message_id:
            self._composer.field.setFocus()

    def leave(self) -> None:
        """The window closes: remember where one was."""
        shown = None if self.page.is_temporary else self.page.conversation_id
        self._notice.attempt(lambda: self.services.settings.change(conversation_id=shown))
        self.desk.leave()
        self.services.engine.on_change = lambda: None
        self.background.shut_down()
        self._garbage.leave()
        self.services.downloads.manager.unsubscribe(self.awake.look)
        self.awake.leave()
        self.models.leave()

    # Dialogs

    def show_settings(self, section: str = "") -> None:
        """Open the settings, at a section where one is named."""
        from ui.settings.dialog import SettingsDialog

        dialog = SettingsDialog(self.services, self._window)
        dialog.changed.connect(self.take_settings)
        dialog.conversations_changed.connect(self.history.look_again)
        dialog.conversations_changed.connect(self.upkeep.look)
        dialog.conversations_changed.connect(self.desk.drafting.look_again)
        dialog.model_chosen.connect(self.models.use)
        dialog.diagnostics_requested.connect(self.desk.dialogs.show_doctor)
        show_dialog(dialog)
        if section:
            dialog.show_section(section)

    def show_export(self, conversation_ids: tuple[str, ...], message_id: str | None = None) -> None:
        """Open the export of these conversations, of all where none is named; or of one message of one."""
        from ui.export.dialog import ExportDialog

        alone = conversation_ids[0] if len(conversation_ids) == 1 else None
        is_shown = alone is not None and alone == self.page.conversation_id
        show_dialog(
            ExportDialog(
                self.page.store if is_shown else self.services.store,
                alone,
                self._window,
                message_id=message_id,
                selection=conversation_ids if alone is None else (),
                settings=self.services.settings,
                formula_renderer=self.services.formula_renderer,
            )
        )

    def _on_failure(self, error: UserError) -> None:
        if error.code == "experts_in_separate_tensors":
            self._offer_repair(error)

    def _offer_repair(self, error: UserError) -> None:
        path = Path(str(error.data["path"]))
        self._notice.show_error(error_text(error), self.tr("Convert…"), lambda: self.models.show_dialog([path]))

    def _on_arrival(self, model_id: str) -> None:
        self.models.forget_names()
        self.services.hashing.look()
        self._notice.show_message(
            self.tr("{name} downloaded and verified.").format(name=self.models.name_of(model_id)),
            self.tr("Use now"),
            lambda: self.models.use(model_id),
        )

    def _export_message(self, message: Message) -> None:
        self.show_export((message.conversation_id,), message.id)

    def _export_shown(self) -> None:
        shown = self.page.conversation_id
        self.show_export((shown,) if shown is not None else ())

    # State

    def _is_busy(self) -> bool:
        return self.page.is_any_running() or self.services.downloads.manager.is_active

    def take_settings(self, settings: Settings) -> None:
        """Show what the settings say now."""
        self._window.appearance.use(settings)
        if settings.text_size != self._text_size:
            self._take_theme()
        self._refresh_state()

    def _refresh_list(self) -> None:
        self.history.refresh()
        self.upkeep.look()

    def _refresh_state(self) -> None:
        running = self.page.running()
        self._composer.set_running(running is not None)
        self._composer.set_temporary(self.page.is_temporary)
        self._window.header.set_temporary(is_temporary=self.page.is_temporary, is_empty=self.page.is_empty())
        self.models.refresh(running, self.page.is_any_running())
        self.page.context.refresh()
        is_empty = self.page.is_empty()
        self._window.header.set_can_export(not is_empty)
        self._window.pages.setCurrentWidget(self.welcome if is_empty else self.transcript)
        if is_empty:
            first_start = self.services.settings.now.model_id is None and not self._sidebar.has_conversations()
            if first_start:
                self.models.look_for_advice()
            self.welcome.show_state(
                advice=self.models.advice(),
                computer=self.models.computer(),
                language=self._window.appearance.language,
                first_start=first_start,
                starter_here=self.models.starter_is_here(),
                model_name=self.models.name(),
                is_temporary=self.page.is_temporary,
                is_elsewhere=is_server_model(self.models.model_id() or ""),
            )

    def _take_theme(self) -> None:
        size = self._text_size = self.services.settings.now.text_size
        self.transcript.set_theme(self._window.appearance.theme, size)
        self._composer.set_text_size(size)

    def _resize_text(self, step: int) -> None:
        """Larger or smaller by ``step`` pixels; 0 is the usual size."""
        declared = PARAMETERS["text_size"]
        size = self.services.settings.now.text_size + step if step else Settings.text_size
        size = int(max(declared.minimum, min(declared.maximum, size)))
        self._notice.attempt(lambda: self.services.settings.change(text_size=size))
        self._take_theme()

    def _use_language(self, code: str) -> None:
        self._notice.attempt(lambda: self.services.settings.change(language=code))
        self.take_settings(self.services.settings.now)

    def _take_language(self) -> None:
        self.transcript.setAccessibleName(self.tr("Conversation"))
        if self.page.conversation_id is not None:
            self._notice.attempt(self.page.refresh)
        self._refresh_state()

    def _open_last(self) -> None:
        last = self.services.settings.now.conversation_id
        self.open_conversation(last if self._sidebar.has_conversations(last) else None)

    def _escape(self) -> None:
        if self._sidebar.search.hasFocus():
            self._sidebar.search.clear()
            self._composer.field.setFocus()
        elif not self._sidebar.escape():
            self.desk.escape()

    def _step_conversation(self, steps: int) -> None:
        """Open the conversation so many places further down in the list."""
        ids = [conversation.id for conversation in self.services.store.list()]
        shown = self.page.conversation_id
        place = ids.index(shown) + steps if shown in ids else 0
        if 0 <= place < len(ids):
            self.open_conversation(ids[place])

    def _focus_search(self) -> None:
        self._sidebar.show()
        self._sidebar.search.setFocus()
        self._sidebar.search.selectAll()
