"""Data section of the settings: data folder, import, backups, defaults, and deleting everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.erase import erase_everything
from app.export.json_import import import_conversations
from app.services import Services
from app.store.conversation_trees import ImportResult
from model_manager.errors import UserError
from ui.settings.backups import BackupsDialog
from ui.settings.erase import EraseDialog
from ui.widgets.dialog_parts import (
    StatusLine,
    ask_for_file,
    button,
    documents_folder,
    open_folder,
    show_dialog,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.layouts import vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page

MAX_NAMES = 3
"""Conversations that could not be imported are named up to this number."""


class DataSettings(QWidget):
    """Rows with a button each; the status line of the dialog shows the results."""

    conversations_changed = Signal()
    defaults_requested = Signal()
    work_finished = Signal(bool)
    """Whether it succeeded."""

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services = services
        self._status = status
        self.busy = False
        """Whether an import, a backup or the deletion is running."""
        self.open_folder = button("openDataFolderButton")
        self.import_button = button("importButton")
        self.back_up = button("backupButton")
        self.backups = button("backupsButton")
        self.restore = button("restoreDefaultsButton")
        self.erase = button("eraseEverythingButton")
        self.erase.setProperty("danger", True)
        buttons = {
            "folder": self.open_folder,
            "import": self.import_button,
            "back_up": self.back_up,
            "backups": self.backups,
            "defaults": self.restore,
            "erase": self.erase,
        }
        order = ("folder", "import", "back_up", "backup_schedule")
        self.form = ParameterForm(settings_of_page("data"), extra=buttons, order=order)
        vbox(self.form, parent=self)
        self.open_folder.clicked.connect(lambda: self._open(services.folder.root))
        self.import_button.clicked.connect(self._choose_import)
        self.back_up.clicked.connect(self._choose_backup)
        self.backups.clicked.connect(self._show_backups)
        self.restore.clicked.connect(self.defaults_requested)
        self.erase.clicked.connect(self._ask_to_erase)

    def retranslate(self) -> None:
        """Set all texts in the current language."""
        self.form.retranslate()
        rows = self.form.rows
        rows["folder"].set_texts(self.tr("Data folder"), str(self._services.folder.root))
        self.open_folder.setText(self.tr("Open folder"))
        rows["import"].set_texts(
            self.tr("Import conversations"),
            self.tr("From an APUS Chat JSON export. Existing conversations aren't changed."),
        )
        self.import_button.setText(self.tr("Import…"))
        rows["back_up"].set_texts(
            self.tr("Back up the database"), self.tr("Saves all conversations, including deleted ones, to one file.")
        )
        self.back_up.setText(self.tr("Back up…"))
        rows["backups"].set_texts(self.tr("Backups"), self.tr("Lists all backups. You can restore any of them."))
        self.backups.setText(self.tr("View backups…"))
        rows["defaults"].set_texts(
            self.tr("Default settings"), self.tr("Resets everything on this page. Conversations and models are kept.")
        )
        self.restore.setText(self.tr("Restore defaults"))
        rows["erase"].set_texts(
            self.tr("Delete all my data"),
            self.tr(
                "Deletes all conversations, drafts, presets, backups and logs. Models and other settings are kept."
            ),
        )
        self.erase.setText(self.tr("Delete everything…"))

    def _open(self, folder: Path) -> None:
        if not open_folder(folder):
            self._status.show_message(
                self.tr("No file manager is available. The folder is {path}.").format(path=folder),
                "warning",
            )

    # Import

    def _choose_import(self) -> None:
        kinds = self.tr("Exported conversations (*.json);;All files (*)")
        ask_for_file(self, self.tr("Import conversations"), kinds, self.import_file)

    def import_file(self, path: Path) -> None:
        """Import the conversations of a file, in the background."""
        store = self._services.store
        self._start(
            self.tr("Importing {name}…").format(name=path.name),
            lambda: import_conversations(store, path),
            self._show_import,
        )

    def _show_import(self, result: ImportResult) -> None:
        self._status.show_message(self._import_text(result), "warning" if result.refused else "good")
        # Also without anything new: a deleted conversation is restored.
        self.conversations_changed.emit()

    def _import_text(self, result: ImportResult) -> str:
        is_new = result.messages_added or result.conversations_added
        if is_new:
            text = self.tr("Imported. New conversations: {conversations}, new messages: {messages}.").format(
                conversations=result.conversations_added, messages=result.messages_added
            )
        else:
            text = self.tr("Nothing to import: everything in this file already exists.")
        if not result.refused:
            return text
        names = ", ".join(each.what for each in result.refused[:MAX_NAMES])
        more = len(result.refused) - MAX_NAMES
        refused = (
            self.tr("Not imported because they're damaged or belong to another conversation: {names} and {count} more.")
            if more > 0
            else self.tr("Not imported because they're damaged or belong to another conversation: {names}.")
        ).format(names=names, count=more)
        return f"{text} {refused}" if is_new else refused

    # Backups

    def _show_backups(self) -> None:
        dialog = BackupsDialog(self._services.store, self)
        dialog.restored.connect(self.conversations_changed)
        show_dialog(dialog)

    def _choose_backup(self) -> None:
        name = f"apus-chat-{date.today().isoformat()}.sqlite3"
        title, kinds = self.tr("Back up the database"), self.tr("Database (*.sqlite3)")
        ask_for_file(self, title, kinds, self.back_up_to, save_as=documents_folder() / name)

    def back_up_to(self, path: Path) -> None:
        """Copy the database to a file, in the background."""
        store = self._services.store

        def show(_result: object) -> None:
            self._status.show_message(
                self.tr("Backup saved: {path}").format(path=path),
                "good",
                (self.tr("Show in folder"), lambda: self._open(path.parent)),
            )

        self._start(self.tr("Backing up the database…"), lambda: store.backup(path), show)

    # Deleting everything

    def _ask_to_erase(self) -> None:
        store = self._services.store
        try:
            count = len(store.list()) + len(store.list(archived=True)) + len(store.trash())
        except UserError as error:
            self._fail(error)
            return
        dialog = EraseDialog(count, len(store.backups()), self)
        dialog.confirmed.connect(self._erase)
        show_dialog(dialog)

    def _erase(self) -> None:
        services = self._services

        def show(_result: object) -> None:
            self._status.show_message(self.tr("All your data has been deleted."), "good")
            self.conversations_changed.emit()

        self._start(self.tr("Deleting…"), lambda: erase_everything(services), show)

    # Work in the background

    def _start(self, text: str, work: Callable[[], Any], show: Callable[[Any], None]) -> None:
        def succeed(result: object) -> None:
            self._set_busy(False)
            show(result)
            self.work_finished.emit(True)

        self._set_busy(True)
        self._status.show_message(text)
        run_job(self, work, succeed, self._fail)

    def _fail(self, error: UserError) -> None:
        self._set_busy(False)
        self._status.show_message(error_text(error), "bad")
        self.work_finished.emit(False)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        for each in (self.import_button, self.back_up, self.backups, self.erase):
            each.setEnabled(not busy)
