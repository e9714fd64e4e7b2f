"""Controller of the main window: connects its parts with the services, and opens the dialogs of the program."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QShortcut

from app.chat.answer import RunningAnswer
from app.config.settings import PARAMETERS, Settings
from app.conversation import Role, Shelf, Status
from app.imports import is_export
from app.markdown.highlight import warm_up
from app.served_models import start_local_server
from app.servers.registry import is_server_model
from app.services import Services
from model_manager.download.transfer import ACTIVE
from model_manager.errors import UserError
from ui.conversation.controller import ConversationController
from ui.conversation.model_picker import STARTER, ModelPicker
from ui.models.downloads import BackgroundDownloads, on_queue_change
from ui.settings.shortcuts import DEFAULTS, assigned_keys, make_shortcuts, show_keys
from ui.sidebar.controller import SidebarController
from ui.sidebar.folder_controller import FolderController
from ui.transcript.transcript import Transcript
from ui.widgets.dialog_parts import show_dialog
from ui.widgets.error_text import error_text
from ui.widgets.job import Relay, run_job
from ui.widgets.zoom import zoom
from ui.window.keep_awake import system_inhibitor
from ui.window.main_window import MainWindow
from ui.window.maintenance import IdleGarbageCollector, Maintenance
from ui.window.welcome import Welcome

if TYPE_CHECKING:
    from ui.conversation.settings_panel import ConversationSettings
    from ui.window.palette import Palette

NOTIFY_AFTER_S = 20.0
NOTIFICATION_CHARACTERS = 120
ON_PAGES = {
    "search", "list", "escape", "find", "larger", "smaller", "usual_size", "sidebar", "palette", "models", "import",
    "settings", "doctor", "shortcuts", "undo", "quit",
}  # fmt: skip
"""Actions that leave the shown page as it is or show another one; the others show the chat first."""


class WindowController(QObject):
    """Everything behind one main window.  Belongs to the window and ends with it.

    The list of conversations is empty until ``complete_start``: both in one event would block the window for too long.
    """

    def __init__(self, services: Services, window: MainWindow) -> None:
        super().__init__(window)
        self.services, self.window = services, window
        self.notify_after_s = NOTIFY_AFTER_S
        """Show a desktop notification for answers that took longer while the window was inactive (seconds)."""
        self.welcome = Welcome(window)
        self.transcript = Transcript(window)
        self.transcript.use_formula_renderer(services.formula_renderer)
        window.pages.addWidget(self.welcome)
        window.pages.addWidget(self.transcript)
        self.models = ModelPicker(services, window.header, window.notice, window, window.centre)
        self.conversation = ConversationController(
            services, self.transcript, window.header, window.composer, window.notice, self.models, window
        )
        self.conversations = SidebarController(
            services.store, services.settings, window.sidebar, window.notice, self.conversation
        )
        self.folders = FolderController(
            services, window.sidebar, window.notice, self.models, self.conversation, self.conversations
        )
        self.maintenance = Maintenance(services, self)
        self.background = BackgroundDownloads(services, window)
        self._session = self.conversation.session
        self._garbage = IdleGarbageCollector(lambda: bool(self._session.answers), self)
        self.awake = system_inhibitor()
        self._is_closed = False
        self._palette: Palette | None = None
        self._conversation_settings: ConversationSettings | None = None
        self._settings_shown_for: tuple[object, ...] = ()
        self._connect()
        self._keys, self._shortcuts = DEFAULTS, list[QShortcut]()
        self._assign_shortcuts()
        services.engine.on_change = Relay(self, self._on_engine_changed)
        self._apply_theme()
        self.transcript.set_reduced_motion(services.settings.current.reduced_motion)
        self.transcript.set_wraps_code(services.settings.current.wraps_code)
        last = services.settings.current.conversation_id
        self.conversation.open(last if last is not None and self._exists(last) else None)

    def complete_start(self) -> None:
        """Show the list of conversations, and start the background work that would delay it."""
        self._refresh_list()
        # Qt evaluates the style sheet for it, which would delay the first message.
        self.window.notice.sizeHint()
        self.services.hasher.refresh()
        self._start_local_server()
        # These imports would delay the first answer.
        run_job(self, warm_up, lambda _none: None, lambda _error: None)

    def _exists(self, conversation_id: str) -> bool:
        try:
            self.services.store.get(conversation_id)
        except UserError:
            return False
        return True

    def _connect(self) -> None:
        window, welcome, conversation, models = self.window, self.welcome, self.conversation, self.models
        window.can_close = lambda: not self.background.keep_running()
        window.closed.connect(self._close)
        window.files_dropped.connect(self.add_files)
        window.composer.field.files_received.connect(self.add_files)
        window.notice.undo_changed.connect(window.composer.field.leave_undo)
        window.language_changed.connect(self._apply_language)
        window.appearance.changed.connect(self._apply_theme)
        window.header.export_button.clicked.connect(self._export_open)
        window.sidebar.action_requested.connect(self._export_selected)
        window.sidebar.list.delegate.title_edited.connect(self._show_title)
        window.header.title.edited.connect(self.conversations.rename_open)
        window.header.title.edited.connect(self._show_title)
        window.sidebar.list.opened.connect(window.hide_overlay)
        window.sidebar.list.text_typed.connect(window.centre.show_first)
        window.sidebar.list.text_typed.connect(window.composer.insert_text)
        self.transcript.zoom_requested.connect(self._change_zoom)
        self.transcript.wrapping_changed.connect(
            lambda wraps: window.notice.attempt(lambda: self.services.settings.change(wraps_code=wraps))
        )
        sidebar = window.sidebar
        for button in (sidebar.models_button, welcome.models_button):
            button.clicked.connect(partial(models.show_page, ()))
        sidebar.downloads_button.clicked.connect(self._show_download)
        window.sidebar.settings_button.clicked.connect(partial(self.show_settings, ""))
        for button in (window.header.settings_button, window.composer.preset_button):
            button.clicked.connect(self.toggle_conversation_settings)
        window.composer.folder_button.clicked.connect(self.folders.show_settings_of_open)
        window.panel_closed.connect(self.hide_conversation_settings)
        welcome.download_button.clicked.connect(lambda: models.download(welcome.advice))
        welcome.retry_button.clicked.connect(models.retry_advice)
        welcome.cancel_button.clicked.connect(lambda: models.cancel_download(welcome.advice))
        welcome.folder_button.clicked.connect(partial(self.show_settings, "downloads", "models_folder"))
        welcome.starter_button.clicked.connect(partial(models.use, STARTER))
        welcome.file_button.clicked.connect(models.choose_file)
        welcome.server_button.clicked.connect(partial(self.show_settings, "servers"))
        welcome.diagnostics_button.clicked.connect(self.show_diagnostics)
        welcome.language_requested.connect(partial(self._change_setting, "language"))
        conversation.opened.connect(window.centre.show_first)
        conversation.opened.connect(self._note_opened)
        conversation.state_changed.connect(self._refresh)
        conversation.state_changed.connect(self._refresh_awake)
        conversation.list_changed.connect(self._refresh_list)
        conversation.answer_finished.connect(self._on_answer)
        conversation.export_requested.connect(lambda message: self.show_export((message.conversation_id,), message.id))
        conversation.overrides.search_service_requested.connect(partial(self.show_settings, "tools", "search_service"))
        on_queue_change(self.services.downloads.queue, self, self._on_queue_changed)
        models.changed.connect(self._refresh)
        models.chosen.connect(window.composer.field.setFocus)
        models.settings_requested.connect(partial(self.show_settings, "downloads"))
        models.servers_requested.connect(partial(self.show_settings, "servers"))
        self.background.download_finished.connect(self._on_download)
        self.background.quit_requested.connect(window.quit)

    def _actions(self) -> dict[str, Callable[[], object]]:
        """The actions of the shortcuts, by the ids of ``ui.settings.shortcuts``."""
        window, conversation, find_bar = self.window, self.conversation, self.transcript.find_bar
        on_last = conversation.act_on_last
        actions: dict[str, Callable[[], object]] = {
            "new": partial(conversation.open, None),
            "temporary": conversation.open_temporary,
            "settings_of_conversation": self.toggle_conversation_settings,
            "search": lambda: window.sidebar.start_search(),
            "list": self._go_to_list,
            "next_conversation": partial(self.conversations.open_neighbour, 1),
            "previous_conversation": partial(self.conversations.open_neighbour, -1),
            "undo": window.notice.undo,
            "export": self._export_open,
            "write": window.composer.field.setFocus,
            "attach": conversation.attachments.choose,
            "web_search": conversation.overrides.toggle_web_search,
            "escape": self._escape,
            "retry": partial(on_last, "retry", Role.ASSISTANT),
            "retry_with": partial(on_last, "retry_with", Role.ASSISTANT),
            "continue": partial(on_last, "continue", Role.ASSISTANT),
            "edit_last": partial(on_last, "edit", Role.USER),
            "copy_last": partial(on_last, "copy", Role.ASSISTANT),
            "previous_version": partial(conversation.show_other_version, -1),
            "next_version": partial(conversation.show_other_version, 1),
            "details": partial(on_last, "details", Role.ASSISTANT),
            "find": self._find,
            "find_next": partial(find_bar.step, 1),
            "find_previous": partial(find_bar.step, -1),
            "larger": partial(self._change_zoom, 1),
            "smaller": partial(self._change_zoom, -1),
            "usual_size": partial(self._change_zoom, 0),
            "sidebar": window.toggle_sidebar,
            "palette": self.show_palette,
            "choose_model": self.models.show_picker,
            "models": self.models.show_page,
            "import": self.show_import,
            "settings": self.show_settings,
            "doctor": self.show_diagnostics,
            "shortcuts": self.show_shortcuts,
            "quit": self._quit,
        }
        return {id_: each if id_ in ON_PAGES else partial(self._in_chat, each) for id_, each in actions.items()}

    def _in_chat(self, action: Callable[[], object]) -> None:
        self.window.centre.show_first()
        action()

    def _quit(self) -> None:
        # Where downloads continue in the background, this is how they are ended.
        if self.services.settings.current.downloads_in_background or not self.background.keep_running():
            self.window.quit()

    def _go_to_list(self) -> None:
        self.window.sidebar.show()
        self.window.sidebar.list.setFocus()

    def _find(self) -> None:
        page = self.window.centre.page
        (self.transcript.open_find if page is None else page.start_search)()

    def add_files(self, paths: Sequence[Path]) -> None:
        """Add model files and folders to the library, import exports, and attach other files to the question."""
        exports = [path for path in paths if is_export(path)]
        if exports:
            self.show_import(exports[0])
        paths = [path for path in paths if path not in exports]
        models = [path for path in paths if ".gguf" in path.name.lower() or path.is_dir()]
        if len(models) == 1 and models[0].suffix.lower() == ".gguf" and not models[0].is_dir():
            self.models.add_file(models[0])
        elif models:
            self.models.show_page(models)
        for path in paths:
            if path not in models:
                self.window.composer.chips.read(path)

    def _close(self) -> None:
        session = self._session
        last = None if session.is_temporary else session.conversation_id
        self.window.notice.attempt(lambda: self.services.settings.change(conversation_id=last))
        self.conversation.close()
        self.services.engine.on_change = lambda: None
        self.background.shut_down()
        self._garbage.close()
        self._is_closed = True
        self._refresh_awake()
        self.models.close()

    # Dialogs

    def show_palette(self) -> None:
        """Open the search over conversations, models, presets, settings and commands."""
        from ui.window.palette import Palette

        if self._palette is None:
            self._palette = Palette(self.services, self.window, self.models, self.conversation, self._actions())
            self._palette.setting_requested.connect(self.show_settings)
            self._palette.value_chosen.connect(self._change_setting)
            self._palette.folder_requested.connect(self.folders.show_folder)
            self._palette.move_requested.connect(self.folders.move_conversations)
            self._palette.action_requested.connect(self.window.sidebar.action_requested)
            self._palette.search_requested.connect(self.window.sidebar.start_search)
        self._palette.open()

    def show_settings(self, section: str = "", setting: str = "") -> None:
        """Show the settings, at a section and a setting where they are named, else at the section shown last."""
        from ui.settings.page import SettingsPage

        page = self.window.centre.find_page(SettingsPage)
        if page is None:
            page = SettingsPage(self.services)
            page.changed.connect(self.apply_settings)
            page.conversations_changed.connect(self._reload)
            page.backups_requested.connect(self.show_backups)
            page.export_requested.connect(lambda: self.show_export(()))
            page.model_chosen.connect(self.window.centre.show_first)
            page.model_chosen.connect(self.models.use)
            page.diagnostics_requested.connect(self.show_diagnostics)
            page.shortcuts_requested.connect(self.show_shortcuts)
        self.window.centre.show_page(page)
        if section:
            page.show_section(section, setting)

    def show_backups(self) -> None:
        """Show the backups of the database."""
        from ui.settings.backups import BackupsPage

        page = self.window.centre.find_page(BackupsPage)
        if page is None:
            page = BackupsPage(self.services.store)
            page.restored.connect(self._reload)
        self.window.centre.show_page(page)

    def _reload(self) -> None:
        """Show other conversations and drafts after they were imported, restored or deleted."""
        # Where the open conversation is gone a new one is opened, behind the page that is shown.
        self.conversation.opened.disconnect(self.window.centre.show_first)
        self.conversations.reload()
        self.conversation.opened.connect(self.window.centre.show_first)
        self.maintenance.schedule()
        self.conversation.drafts.refresh()

    def toggle_conversation_settings(self) -> None:
        """Show or hide the settings of the open conversation at the right."""
        if self._conversation_settings is None:
            self._show_conversation_settings().presets.picker.setFocus()
        else:
            self.hide_conversation_settings()

    def hide_conversation_settings(self) -> None:
        """Hide the settings of the open conversation."""
        if self._conversation_settings is not None:
            self._conversation_settings.finish()
            self._conversation_settings = None
            self.window.show_panel(None)
            self.window.composer.field.setFocus()
            self.window.header.settings_button.setChecked(False)

    def _show_conversation_settings(self) -> ConversationSettings:
        """Show the settings of the conversation and the model that are open and selected now."""
        self._settings_shown_for = self._settings_key()
        settings = self._conversation_settings = self.conversation.overrides.make_panel()
        settings.close_button.clicked.connect(self.hide_conversation_settings)
        settings.tools.servers_requested.connect(partial(self.show_settings, "tools"))
        self.window.show_panel(settings)
        self.window.header.settings_button.setChecked(True)
        return settings

    def _note_opened(self) -> None:
        # One new conversation can follow another one, with the same key.
        self._settings_shown_for = ()

    def _settings_key(self) -> tuple[object, ...]:
        session = self._session
        servers, language = self.services.tools.list(), self.window.appearance.language
        return session.conversation_id, session.is_temporary, self.models.model_id(), servers, language

    def show_export(self, conversation_ids: tuple[str, ...], message_id: str | None = None) -> None:
        """Open the export of some conversations, of all where none is given, or of one message."""
        from ui.export.dialog import ExportDialog

        only_id = conversation_ids[0] if len(conversation_ids) == 1 else None
        is_open = only_id is not None and only_id == self._session.conversation_id
        show_dialog(
            ExportDialog(
                self._session.store if is_open else self.services.store,
                only_id,
                self.window,
                message_id=message_id,
                selection=conversation_ids if only_id is None else (),
                settings=self.services.settings,
                formula_renderer=self.services.formula_renderer,
            )
        )

    def show_import(self, path: Path | None = None) -> None:
        """Open the import, with what a file contains where one is given."""
        from ui.imports.dialog import ImportDialog

        dialog = ImportDialog(self.services.store, self.services.presets, self.window)
        dialog.imported.connect(self._reload)
        show_dialog(dialog)
        if path is not None:
            dialog.inspect(path)

    def show_diagnostics(self) -> None:
        """Open the diagnostics."""
        from ui.doctor.dialog import DoctorDialog

        show_dialog(DoctorDialog(self.services, self.window))

    def show_shortcuts(self) -> None:
        """Open the list of keyboard shortcuts."""
        from ui.settings.shortcuts_dialog import ShortcutsDialog

        dialog = ShortcutsDialog(self.services.settings, self.window)
        dialog.changed.connect(self._assign_shortcuts)
        show_dialog(dialog)

    def _assign_shortcuts(self) -> None:
        """Make the shortcuts with the keys of the settings, and show them in tool tips."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        before, self._keys = self._keys, assigned_keys(self.services.settings.current.shortcuts)
        self._shortcuts = make_shortcuts(self.window, self._actions(), self._keys)
        show_keys(self.window, before, self._keys)

    def _export_selected(self, action: str, conversation_ids: tuple[str, ...]) -> None:
        if action == "export":
            self.show_export(conversation_ids)

    def _export_open(self) -> None:
        conversation_id = self._session.conversation_id
        self.show_export((conversation_id,) if conversation_id is not None else ())

    # Events

    def _on_answer(self, answer: RunningAnswer) -> None:
        result = answer.result
        assert result is not None
        if result.error is not None and result.error.code == "experts_in_separate_tensors":
            self.models.show_error(result.error)
        message, seconds = result.message, time.monotonic() - answer.started_at
        if seconds < self.notify_after_s or message.status is Status.STOPPED:
            return
        is_complete = message.status is Status.COMPLETE
        title = self.tr("Answer ready") if is_complete else self.tr("Answer interrupted")
        text, show = "", None
        if answer.is_stored:
            lines = (line.strip() for line in message.content.splitlines())
            text = next((line for line in lines if line), "")[:NOTIFICATION_CHARACTERS]
            show = partial(self.conversation.open, message.conversation_id)
        self.background.notify(title, text, show)

    def _on_engine_changed(self) -> None:
        self._refresh()
        self.conversation.attachments.count()

    def _on_download(self, model_id: str) -> None:
        self.models.forget_names()
        self.services.hasher.refresh()
        name = self.models.name_of(model_id)
        text = self.tr("{name} downloaded and verified.").format(name=name)
        before = self.models.model_id()
        if before in (None, STARTER):
            # Anything is better than the starter.
            self.models.use(model_id)
            text = self.tr("{name} downloaded and verified. It is the selected model now.").format(name=name)
            back = (self.tr("Switch back"), partial(self.models.use, before)) if before else ("", None)
            self.window.notice.show_message(text, *back, is_true=lambda: self.models.model_id() == model_id)
        else:
            self.window.notice.show_message(
                text,
                self.tr("Use now"),
                partial(self.models.use, model_id),
                is_true=lambda: self.models.model_id() != model_id,
            )

    # State

    def _on_queue_changed(self) -> None:
        self._refresh_awake()
        self._refresh_hints()
        if self._session.is_empty:
            self._refresh_welcome()

    def _downloading_text(self) -> str:
        queue = self.services.downloads.queue
        if not queue.is_active:
            return ""
        from ui.models.row_text import downloading_text

        return downloading_text(queue.statuses())

    def _show_download(self) -> None:
        """Show the models page with the model that is being downloaded."""
        statuses = self.services.downloads.queue.statuses()
        self.models.show_page(key=next((each.id for each in statuses if each.state in ACTIVE), ""))

    def _refresh_awake(self) -> None:
        is_busy = not self._is_closed and (bool(self._session.answers) or self.services.downloads.queue.is_active)
        self.awake.set_active(is_busy, self.tr("An answer is being generated or a download is running"))

    def _refresh_list(self) -> None:
        self.conversations.refresh()
        self._show_title()
        self.maintenance.schedule()

    def _show_title(self) -> None:
        session = self._session
        try:
            title = session.store.get(session.conversation_id).title if session.conversation_id is not None else None
        except UserError:
            # The conversation has been deleted by another process.
            title = None
        self.window.show_title(title)

    def _refresh(self) -> None:
        """Show the state of the open conversation and the selected model in the window's parts."""
        window, session, models = self.window, self._session, self.models
        focused = window.focusWidget()
        # Not where it is of a page that is made at this moment.
        was_visible = focused is not None and focused.isVisibleTo(window)
        running, is_empty = session.running, session.is_empty
        window.notice.refresh()
        window.composer.set_running(running is not None)
        window.composer.set_temporary(session.is_temporary)
        window.header.show_conversation(is_temporary=session.is_temporary, is_empty=is_empty)
        self._show_title()
        window.sidebar.set_open(session.conversation_id)
        models.refresh(running, bool(session.answers))
        self.conversation.refresh_context()
        if self._conversation_settings is not None and self._settings_key() != self._settings_shown_for:
            self._show_conversation_settings()
        window.pages.setCurrentWidget(self.welcome if is_empty else self.transcript)
        if is_empty:
            self._refresh_welcome()
        self._refresh_hints()
        if was_visible and not focused.isVisibleTo(window):
            # Qt passes the focus of a widget that is hidden on to the next one, the search field.
            window.composer.field.setFocus()

    def _is_first_start(self) -> bool:
        if self.services.settings.current.model_id is not None:
            return False
        try:
            return self.services.store.count(Shelf.CONVERSATIONS) == 0
        except UserError:
            return False

    def _refresh_hints(self) -> None:
        """Show what is worth knowing about the selected model, above the composer, and about downloads."""
        models, hint, downloads = self.models, self.window.hint, self.window.sidebar.downloads_button
        downloading = self._downloading_text()
        downloads.setText(downloading)
        downloads.setVisible(bool(downloading))
        before = self.conversation.model_elsewhere()
        if before and is_server_model(models.model_id() or ""):
            sent = self.tr("{model} runs on a server. With the next question it gets the whole conversation.")
            back = self.tr("Switch back"), partial(models.use, before)
            hint.show_message(sent.format(model=models.name()), "quiet", back)
            hint.action.setToolTip(self.tr("Use {model} instead").format(model=models.name_of(before)))
            return
        hint.action.setToolTip("")
        if models.model_id() != STARTER or (self._session.is_empty and self._is_first_start()):
            hint.clear()
            return
        text = self.tr("{model} is a tiny starter model; its answers are often wrong.")
        better = self.tr("Get a better model…"), models.show_page
        button = (downloading, self._show_download) if downloading else better
        hint.show_message(text.format(model=models.name().partition(" ·")[0]), "quiet", button)

    def _refresh_welcome(self) -> None:
        window, session, models = self.window, self._session, self.models
        is_first_start = self._is_first_start()
        if is_first_start:
            models.request_advice()
        language = window.appearance.language
        self.welcome.refresh(
            models, is_first_start=is_first_start, is_temporary=session.is_temporary, language=language
        )

    def apply_settings(self, settings: Settings) -> None:
        """Apply changed settings."""
        self.window.appearance.use(settings)
        self.transcript.set_reduced_motion(settings.reduced_motion)
        self.transcript.set_wraps_code(settings.wraps_code)
        self._start_local_server()
        self.conversation.overrides.changed.emit()
        self._refresh()

    def _start_local_server(self) -> None:
        services = self.services
        if services.settings.current.local_server or services.local_server.status().url:
            run_job(self, partial(start_local_server, services), self._show_server_problem, self._show_server_error)

    def _show_server_problem(self, problem: UserError | None) -> None:
        if problem is not None:
            self.window.notice.show_error(error_text(problem))

    def _show_server_error(self, error: UserError) -> None:
        services = self.services

        def is_missing() -> bool:
            return services.settings.current.local_server and not services.local_server.status().url

        self.window.notice.show_error(error_text(error), is_true=is_missing)

    def _apply_theme(self) -> None:
        self.transcript.set_theme(self.window.appearance.theme)

    def _apply_language(self) -> None:
        self.models.forget_names()
        self.window.centre.drop_hidden()
        # The widgets set their tool tips again in this event.
        QTimer.singleShot(0, self, lambda: show_keys(self.window, DEFAULTS, self._keys))
        if not self._session.is_empty:
            self.window.notice.attempt(self.conversation.refresh)
        self._refresh()

    def _change_setting(self, name: str, value: str) -> None:
        self.window.notice.attempt(lambda: self.services.settings.change(**{name: value}))
        self.apply_settings(self.services.settings.current)
        self.window.centre.refresh()

    def _change_zoom(self, step: int) -> None:
        """Make the whole interface larger or smaller by ``step`` steps; 0 resets it."""
        bounds, settings = PARAMETERS["zoom"], self.services.settings
        percent = bounds.clamped(settings.current.zoom + step * bounds.step) if step else Settings.zoom
        self.window.notice.attempt(lambda: settings.change(zoom=percent))
        self.window.appearance.use(settings.current)
        self.window.centre.refresh()
        if zoom() != percent:
            self.window.notice.show_message(
                self.tr("The zoom will be {percent} % at the next start.").format(percent=percent)
            )

    def _escape(self) -> None:
        sidebar = self.window.sidebar
        if self.window.hide_overlay():
            return
        if self.window.panel.isAncestorOf(self.window.focusWidget()):
            self.hide_conversation_settings()
            return
        page = self.window.centre.page
        if sidebar.search.hasFocus():
            sidebar.search.clear()
            (page or self.window.composer.field).setFocus()
        elif page is not None:
            if not page.go_back():
                self.window.centre.leave()
        elif not sidebar.escape():
            self.conversation.escape()
