"""Data section of the settings: data folder, import, backups, defaults, and deleting everything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QDialog, QWidget

from app.conversation import Shelf
from app.doctor.storage import DiskUse, disk_use
from app.engine.cache_folder import CacheUsage
from app.services import Services
from app.units import size_text
from model_manager.errors import UserError
from ui.imports.dialog import ImportDialog
from ui.widgets.dialog_parts import (
    MARGIN,
    StatusLine,
    arrange,
    ask,
    button,
    fit_height,
    heading,
    paragraph,
    quiet_label,
    show_dialog,
)
from ui.widgets.file_dialogs import ask_for_file, documents_folder, open_folder
from ui.widgets.job import run_job
from ui.widgets.layouts import vbox
from ui.widgets.parameter_form import ParameterForm, settings_of_page

ERASE_WIDTH = 500


class DataSettings(QWidget):
    """Rows with a button each; the status line of the dialog shows the results."""

    conversations_changed = Signal()
    defaults_requested = Signal()
    export_requested = Signal()
    backups_requested = Signal()
    work_finished = Signal(bool)
    """Whether it succeeded."""

    def __init__(self, services: Services, status: StatusLine) -> None:
        super().__init__()
        self._services = services
        self._status = status
        self.busy = False
        """Whether an import, a backup or the deletion is running."""
        self._pressed: QWidget | None = None
        """The button that gets the focus back then."""
        self.open_folder = button("openDataFolderButton", self.tr("Open folder"))
        self.import_button = button("importButton", self.tr("Import…"))
        self.export_button = button("exportAllButton", self.tr("Export…"))
        self.back_up = button("backupButton", self.tr("Back up…"))
        self.backups = button("backupsButton", self.tr("View backups…"))
        self.clear_cache = button("clearCacheButton", self.tr("Clear"))
        self.restore = button("restoreDefaultsButton", self.tr("Restore defaults…"))
        self.erase = button("eraseEverythingButton", self.tr("Delete all my data…"))
        self.erase.setProperty("danger", True)
        self.form = ParameterForm(
            settings_of_page("data"),
            extra={
                "folder": (self.open_folder, self.tr("Data folder"), str(services.folder.root)),
                "disk_use": (QWidget(), self.tr("Disk use"), self.tr("Counting…")),
                "import": (
                    self.import_button,
                    self.tr("Import conversations"),
                    self.tr("From ChatGPT and other programs, or from an APUS Chat JSON export."),
                ),
                "export": (
                    self.export_button,
                    self.tr("Export conversations"),
                    self.tr(
                        "To Markdown, PDF and other formats, or as JSON that can be imported again. The trash and the "
                        "facts of the memory are only in a backup."
                    ),
                ),
                "back_up": (
                    self.back_up,
                    self.tr("Save a backup"),
                    self.tr(
                        "Saves all conversations with their attachments, including the archive and trash, and the "
                        "facts of the memory to one file. It contains no presets and settings."
                    ),
                ),
                "backups": (
                    self.backups,
                    self.tr("Restore a backup"),
                    self.tr("From the list of automatic backups, or from a file."),
                ),
                "cache": (self.clear_cache, self.tr("Clear the conversation cache"), ""),
                "defaults": (
                    self.restore,
                    self.tr("Restore default settings"),
                    self.tr("Resets the settings of all sections. Conversations, facts, servers and models are kept."),
                ),
                "erase": (
                    self.erase,
                    self.tr("Delete all my data"),
                    self.tr(
                        "Deletes all conversations, facts, drafts, presets, backups and logs. Models, servers and "
                        "settings are kept."
                    ),
                ),
            },
            order=(
                "folder",
                "disk_use",
                "import",
                "export",
                "back_up",
                "backup_schedule",
                "backups",
                "conversation_cache",
                "cache",
            ),
        )
        vbox(self.form, parent=self)
        self.open_folder.clicked.connect(lambda: open_folder(services.folder.root, status))
        self.import_button.clicked.connect(self.open_import)
        self.export_button.clicked.connect(self.export_requested)
        self.back_up.clicked.connect(self._choose_backup)
        self.backups.clicked.connect(self.backups_requested)
        self.clear_cache.clicked.connect(self._clear_cache)
        self.form.changed.connect(self._on_change)
        self.restore.clicked.connect(self._ask_for_defaults)
        self.erase.clicked.connect(lambda: status.attempt(self._ask_to_erase))

    def _ask_for_defaults(self) -> None:
        question, title = self.tr("Restore the defaults of all settings?"), self.tr("Settings")
        details = self.form.rows["defaults"].explanation.text()
        accept, cancel = ("agreeButton", self.tr("Restore defaults")), self.tr("Cancel")
        restore = self.defaults_requested.emit
        ask(self, "defaultsQuestion", title, question, details, accept, cancel, restore, is_destructive=True)

    # Import

    def open_import(self) -> ImportDialog:
        """Open the import dialog."""
        dialog = ImportDialog(self._services.store, self._services.presets, self)
        dialog.imported.connect(self.conversations_changed)
        dialog.busy_changed.connect(self._import_changed)
        show_dialog(dialog)
        return dialog

    def _import_changed(self, is_busy: bool) -> None:
        self._set_busy(is_busy)
        if not is_busy:
            self.work_finished.emit(True)

    # Backups

    def _choose_backup(self) -> None:
        name = f"apus-chat-{date.today().isoformat()}.sqlite3"
        title, kinds = self.tr("Save a backup"), self.tr("Backup (*.sqlite3)")
        ask_for_file(self, title, kinds, self.back_up_to, save_as=documents_folder() / name)

    def back_up_to(self, path: Path) -> None:
        """Copy the database to a file, in the background."""
        store = self._services.store

        def show(_result: object) -> None:
            self._status.show_message(
                self.tr("Backup saved: {path}").format(path=path),
                "good",
                (self.tr("Show in folder"), lambda: open_folder(path.parent, self._status)),
            )

        self._start(self.tr("Backing up…"), lambda: store.backup(path), show)

    # The conversation cache

    def showEvent(self, event: QShowEvent) -> None:
        """Update what changes while the dialog is closed."""
        super().showEvent(event)
        self._show_cache()
        self._count()

    def _count(self) -> None:
        """Count what is on the disk, in the background."""
        folder, library = self._services.folder, self._services.library
        run_job(self, lambda: disk_use(folder, library), self._show_disk_use, self._status.show_error)

    def _show_disk_use(self, use: DiskUse) -> None:
        text = self.tr(
            "{total} in all. Models: {models}, conversations: {conversations}, backups: {backups}, conversation cache: "
            "{states}, other: {other}"
        )
        none = self.tr("none")
        sizes = {name: size_text(n_bytes) if n_bytes else none for name, n_bytes in dataclasses.asdict(use).items()}
        row = self.form.rows["disk_use"]
        row.set_texts(row.title.text(), text.format(total=size_text(use.total), **sizes))

    def _show_cache(self) -> None:
        try:
            usage = self._services.states.usage()
        except UserError:
            usage = CacheUsage(0, 0)
        text = self.tr("Conversations: {count}, {size}. Clearing it deletes no conversation.").format(
            size=size_text(usage.n_bytes), count=usage.conversations
        )
        row, is_empty = self.form.rows["cache"], not usage.conversations
        row.set_texts(row.title.text(), self.tr("None") if is_empty else text)
        self.clear_cache.setDisabled(is_empty)

    def _clear_cache(self) -> None:
        self._services.forget_states()
        self._show_cache()
        self._count()

    def _on_change(self, values: dict[str, Any]) -> None:
        if values.get("conversation_cache") == 0:
            self._clear_cache()

    # Deleting everything

    def _ask_to_erase(self) -> None:
        store = self._services.store
        count = sum(map(store.count, Shelf))
        dialog = EraseDialog(count, len(store.backups()), self)
        dialog.confirmed.connect(self._erase)
        show_dialog(dialog)

    def _erase(self) -> None:
        services = self._services

        def show(_result: object) -> None:
            self._status.show_message(self.tr("All your data has been deleted."), "good")
            self.conversations_changed.emit()

        self._start(self.tr("Deleting…"), services.erase_everything, show)

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
        self._status.show_error(error)
        self.work_finished.emit(False)

    def _set_busy(self, busy: bool) -> None:
        self.busy = busy
        buttons = (self.import_button, self.back_up, self.backups, self.erase)
        focused = self.window().focusWidget()
        if busy and focused in buttons:
            # Otherwise the next control gets it, and the page scrolls there.
            self.setFocus()
            self._pressed = focused
        for each in buttons:
            each.setEnabled(not busy)
        if not busy and focused is self and self._pressed is not None:
            self._pressed.setFocus()


class EraseDialog(QDialog):
    """Lists what is deleted and what is kept; the button is enabled by a check box."""

    confirmed = Signal()

    def __init__(self, conversations: int, backups: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("eraseDialog")
        self.setWindowTitle(self.tr("Delete all my data"))
        title = heading(self.tr("Delete all my data?"))
        title.setWordWrap(True)
        self.deleted = paragraph(
            self.tr(
                "This permanently deletes all conversations and their attachments ({conversations} in total, with the "
                "archive and trash); the facts of the memory; unsent drafts; your presets; the backups "
                "made here ({copies}); and the logs."
            ).format(conversations=conversations, copies=backups)
        )
        kept = quiet_label(
            self.tr("Models, servers and settings are kept, and so is anything you exported or backed up elsewhere.")
        )
        self.sure = QCheckBox(self.tr("I understand that this can't be undone"))
        self.sure.setObjectName("eraseSure")
        cancel = button("eraseCancelButton", self.tr("Cancel"), primary=True)
        self.erase = button("eraseButton", self.tr("Delete my data"))
        self.erase.setProperty("danger", True)
        self.erase.setEnabled(False)
        column = vbox(title, self.deleted, kept, self.sure, spacing=12, margins=(MARGIN, MARGIN, MARGIN, 16))
        arrange(self, column, None, cancel, self.erase)
        self.sure.toggled.connect(self.erase.setEnabled)
        cancel.clicked.connect(self.reject)
        self.erase.clicked.connect(self.accept)
        self.accepted.connect(self.confirmed)
        fit_height(self, ERASE_WIDTH)
        self.sure.setFocus()
