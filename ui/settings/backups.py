"""Page of the backups of the database: list, new backup, restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QPushButton

from app.store.backups import Backup, BackupKind
from app.store.store import ConversationStore
from app.units import size_text
from ui.widgets.dialog_parts import MARGIN, StatusLine, ask, button, hairline, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.file_dialogs import ask_for_file
from ui.widgets.formats import time_text
from ui.widgets.job import run_job
from ui.widgets.layouts import TOP, hbox, nest, vbox
from ui.widgets.page import Page

ROW_HEIGHT = 36


class BackupsPage(Page):
    """Lists the backups, newest first."""

    restored = Signal()

    def __init__(self, store: ConversationStore) -> None:
        super().__init__("backupsDialog")
        title = self.tr("Backups")
        self.set_title(title)
        self._store = store
        self._backups: list[Backup] = []
        self._busy = False
        self._focused: QPushButton | None = None
        self.list = QListWidget()
        self.list.setObjectName("backupsList")
        self.list.setAccessibleName(title)
        self._nothing = quiet_label(
            self.tr("No backups yet. Backups that you saved to a file aren't listed; restore them from the file.")
        )
        self.status = StatusLine("backupsStatus", hide_when_empty=True)
        self.make = button("backupNowButton", self.tr("Back up now"))
        self.from_file = button("restoreFromFileButton", self.tr("Restore from a file…"), quiet=True)
        self.restore = button("restoreBackupButton", self.tr("Restore…"))
        column = vbox(
            quiet_label(
                self.tr(
                    "Each backup contains all conversations with their attachments, including the archive and trash, "
                    "and the facts of the memory."
                )
            ),
            4,
            hairline(),
            (self._nothing, 1, TOP),
            (self.list, 1),
            hairline(),
            4,
            hbox(self.make, self.from_file, None, self.restore, spacing=8),
            self.status,
            spacing=8,
            margins=(MARGIN, 0, MARGIN, 16),
        )
        nest(self.column, column, 1)
        self.list.itemSelectionChanged.connect(self._update)
        self.list.itemActivated.connect(self._ask_for_selected)
        self.make.clicked.connect(self._back_up)
        self.from_file.clicked.connect(self._choose_file)
        self.restore.clicked.connect(self._ask_for_selected)
        self.first_focus = self.make
        self._fill()

    def ask_to_restore(self, path: Path, time: str = "") -> None:
        """Ask, and restore the backup at ``path`` after confirmation."""
        ask(
            self,
            "restoreQuestion",
            self.tr("Restore backup"),
            self.tr("Restore the backup from {what}?").format(what=time or path.name),
            self.tr(
                "All conversations revert to their state at that time. Your current data is backed up first, "
                "so you can restore it from this list."
            ),
            ("confirmRestoreButton", self.tr("Restore")),
            self.tr("Cancel"),
            lambda: self._restore(path),
            is_destructive=True,
        )

    def is_busy(self) -> bool:
        """Return whether a backup is made or restored."""
        return self._busy

    def _restore(self, path: Path) -> None:
        store, done = self._store, self.tr("Restored. Your previous data is now the newest backup in the list.")
        self._start(self.tr("Restoring…"), lambda: store.restore_backup(path), done, self.restored.emit)

    def _back_up(self) -> None:
        self._start(self.tr("Backing up…"), self._store.backup_now, self.tr("Backup complete."))

    def _start(self, text: str, work: Callable[[], Backup], done: str, then: Callable[[], None] = lambda: None) -> None:
        def succeed(_backup: Backup) -> None:
            self._finish(done, "good")
            then()

        self._busy = True
        # A button that is disabled loses the focus.
        self._focused = next((each for each in (self.make, self.from_file, self.restore) if each.hasFocus()), None)
        self._update()
        self.status.show_message(text)
        run_job(self, work, succeed, lambda error: self._finish(error_text(error), "bad"))

    def _finish(self, text: str, kind: str) -> None:
        self._busy = False
        self._fill()
        if self._focused is not None:
            self._focused.setFocus()
        self.status.show_message(text, kind)
        self.work_finished.emit(kind == "good")

    def _choose_file(self) -> None:
        kinds = self.tr("Backup (*.sqlite3);;All files (*)")
        ask_for_file(self, self.tr("Restore from a file"), kinds, self.ask_to_restore)

    def _ask_for_selected(self) -> None:
        row = self.list.currentRow()
        if not self._busy and 0 <= row < len(self._backups):
            self.ask_to_restore(self._backups[row].path, time_text(self._backups[row].made_at))

    def _fill(self) -> None:
        kinds = {
            BackupKind.AUTOMATIC: self.tr("automatic"),
            BackupKind.MANUAL: self.tr("manual"),
            BackupKind.BEFORE_RESTORE: self.tr("before a restore"),
            BackupKind.BEFORE_MIGRATION: self.tr("before an update"),
        }
        self._backups = self._store.backups()
        selected = self.list.currentRow()
        self.list.clear()
        for backup in self._backups:
            texts = (time_text(backup.made_at), kinds[backup.kind], size_text(backup.bytes, 2))
            item = QListWidgetItem("   ·   ".join(texts))
            item.setSizeHint(QSize(0, ROW_HEIGHT))
            item.setToolTip(str(backup.path))
            self.list.addItem(item)
        self.list.setCurrentRow(min(selected, len(self._backups) - 1))
        self.list.setVisible(bool(self._backups))
        self._nothing.setVisible(not self._backups)
        self._update()

    def _update(self) -> None:
        self.restore.setEnabled(not self._busy and bool(self.list.selectedItems()))
        self.make.setEnabled(not self._busy)
        self.from_file.setEnabled(not self._busy)
