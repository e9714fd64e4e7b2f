"""The part of the settings about what is kept: where it lies, taking conversations in, copies, and removing it all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.erase import erase_everything
from app.export.json_import import import_conversations
from app.services import Services
from app.store.conversation_trees import ImportResult
from model_manager.errors import UserError
from ui.settings.backups import BackupsDialog
from ui.settings.erase import EraseDialog
from ui.widgets.dialog_parts import (
    LazyText,
    Row,
    StatusLine,
    ask_for_file,
    button,
    documents_folder,
    hairline,
    open_folder,
    show_dialog,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

NAMED = 3
"""So many of the conversations that were left out are named."""


class DataSettings(QWidget):
    """Rows with a button each; what they did is told in the dialog's status line."""

    conversations_changed = Signal()
    restore_asked = Signal()
    work_ended = Signal(bool)
    """Whether it went well."""

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services = services
        self._status = status
        self.open_folder = button("openDataFolderButton")
        self.take_in = button("importButton")
        self.back_up = button("backupButton")
        self.backups = button("backupsButton")
        self.restore = button("restoreDefaultsButton")
        self.erase = button("eraseEverythingButton")
        self.erase.setProperty("danger", True)
        self.busy = False
        """Whether an import, a copy or the removal is under way."""
        buttons = (self.open_folder, self.take_in, self.back_up, self.backups, self.restore, self.erase)
        self._rows = [Row(each) for each in buttons]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for row in self._rows:
            if row is not self._rows[0]:
                layout.addWidget(hairline())
            layout.addWidget(row)
        self.open_folder.clicked.connect(lambda: self._show(services.folder.root))
        self.take_in.clicked.connect(self._ask_what_to_import)
        self.back_up.clicked.connect(self._ask_where_to_back_up)
        self.backups.clicked.connect(self._show_backups)
        self.restore.clicked.connect(self.restore_asked)
        self.erase.clicked.connect(self._ask_to_erase)
        self.retranslate()

    def retranslate(self) -> None:
        """Word everything anew."""
        folder, take_in, back_up, backups, restore, erase = self._rows
        folder.set_texts(self.tr("Data folder"), str(self._services.folder.root))
        self.open_folder.setText(self.tr("Open folder"))
        take_in.set_texts(
            self.tr("Import conversations"),
            self.tr("From an APUS Chat JSON export. Existing conversations aren't changed."),
        )
        self.take_in.setText(self.tr("Import…"))
        back_up.set_texts(
            self.tr("Back up the database"), self.tr("Saves all conversations, including deleted ones, to one file.")
        )
        self.back_up.setText(self.tr("Back up…"))
        schedule = self._services.settings.now.backups()
        backups.set_texts(
            self.tr("Automatic backups"),
            {"daily": self.tr("Made daily; the last {count} are kept. You can restore any of them.")}[
                schedule.id
            ].format(count=schedule.kept),
        )
        self.backups.setText(self.tr("View backups…"))
        restore.set_texts(
            self.tr("Default settings"), self.tr("Resets everything on this page. Conversations and models are kept.")
        )
        self.restore.setText(self.tr("Restore defaults"))
        erase.set_texts(
            self.tr("Delete all my data"),
            self.tr(
                "Deletes all conversations, drafts, presets, backups and logs. Models and other settings are kept."
            ),
        )
        self.erase.setText(self.tr("Delete everything…"))

    def _show(self, folder: Path) -> None:
        if not open_folder(folder):
            self._status.show_message(
                lambda: self.tr("No file manager is available. The folder is {path}.").format(path=folder),
                "warning",
            )

    def _ask_what_to_import(self) -> None:
        kinds = self.tr("Exported conversations (*.json);;All files (*)")
        ask_for_file(self, self.tr("Import conversations"), kinds, self.import_file)

    def import_file(self, path: Path) -> None:
        """Take in what the file holds, in the background."""
        store = self._services.store
        self._begin(lambda: self.tr("Importing {name}…").format(name=path.name))
        run_job(self, lambda: import_conversations(store, path), self._imported, self._failed)

    def _imported(self, result: ImportResult) -> None:
        self._set_busy(False)
        self._status.show_message(lambda: self._import_words(result), "warning" if result.refused else "good")
        # Also without anything new: a conversation that was deleted comes back.
        self.conversations_changed.emit()
        self.work_ended.emit(True)

    def _import_words(self, result: ImportResult) -> str:
        if result.messages_added or result.conversations_added:
            words = self.tr("Imported. New conversations: {conversations}, new messages: {messages}.").format(
                conversations=result.conversations_added, messages=result.messages_added
            )
        else:
            words = self.tr("Nothing to import: everything in this file already exists.")
        if not result.refused:
            return words
        names = ", ".join(each.what for each in result.refused[:NAMED])
        more = len(result.refused) - NAMED
        left_out = (
            self.tr("Not imported because they're damaged or belong to another conversation: {names} and {count} more.")
            if more > 0
            else self.tr("Not imported because they're damaged or belong to another conversation: {names}.")
        ).format(names=names, count=more)
        return f"{words} {left_out}" if result.messages_added or result.conversations_added else left_out

    def _show_backups(self) -> None:
        dialog = BackupsDialog(self._services.store, self)
        dialog.restored.connect(self.conversations_changed)
        show_dialog(dialog)

    def _ask_to_erase(self) -> None:
        store = self._services.store
        try:
            count = len(store.list()) + len(store.list(archived=True)) + len(store.trash())
        except UserError as error:
            self._failed(error)
            return
        dialog = EraseDialog(count, len(store.backups()), self)
        dialog.confirmed.connect(self._erase)
        show_dialog(dialog)

    def _erase(self) -> None:
        services = self._services
        self._begin(lambda: self.tr("Deleting…"))
        run_job(self, lambda: erase_everything(services), lambda _none: self._erased(), self._failed)

    def _erased(self) -> None:
        self._set_busy(False)
        self._status.show_message(lambda: self.tr("All your data has been deleted."), "good")
        self.conversations_changed.emit()
        self.work_ended.emit(True)

    def _ask_where_to_back_up(self) -> None:
        name = f"apus-chat-{date.today().isoformat()}.sqlite3"
        ask_for_file(
            self,
            self.tr("Back up the database"),
            self.tr("Database (*.sqlite3)"),
            self.back_up_to,
            save_as=documents_folder() / name,
        )

    def back_up_to(self, path: Path) -> None:
        """Copy the database to the file, in the background."""
        store = self._services.store
        self._begin(lambda: self.tr("Backing up the database…"))
        run_job(self, lambda: store.backup(path), lambda _: self._backed_up(path), self._failed)

    def _backed_up(self, path: Path) -> None:
        self._set_busy(False)
        self._status.show_message(
            lambda: self.tr("Backup saved: {path}").format(path=path),
            "good",
            (lambda: self.tr("Show in folder"), lambda: self._show(path.parent)),
        )
        self.work_ended.emit(True)

    def _begin(self, words: LazyText) -> None:
        self._set_busy(True)
        self._status.show_message(words)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        for each in (self.take_in, self.back_up, self.backups, self.erase):
            each.setEnabled(not busy)

    def _failed(self, error: UserError) -> None:
        self._set_busy(False)
        self._status.show_message(lambda: error_text(error), "bad")
        self.work_ended.emit(False)
