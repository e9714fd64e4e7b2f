"""The copies of the database: what there is, a new one, and how one is brought back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QMessageBox, QVBoxLayout, QWidget

from app.store.backups import Backup, BackupKind
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.widgets.dialog_frame import arrange
from ui.widgets.dialog_parts import (
    MARGIN,
    BusyDialog,
    StatusLine,
    ask_for_file,
    button,
    hairline,
    heading,
    quiet_label,
    show_dialog,
)
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

ROW = 36


class BackupsDialog(BusyDialog):
    """A list of copies, the newest first, with a button that restores the chosen one after asking."""

    restored = Signal()

    def __init__(self, store: ConversationStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("backupsDialog")
        self._store = store
        self._backups: list[Backup] = []
        self._busy = False
        self._heading = heading()
        self._note = quiet_label()
        self.list = QListWidget()
        self.list.setObjectName("backupsList")
        self._nothing = quiet_label()
        self.status = StatusLine("backupsStatus")
        self.make = button("backupNowButton")
        self.from_file = button("restoreFromFileButton", quiet=True)
        self.restore = button("restoreBackupButton")
        self._close = button("closeButton", primary=True)
        self._lay_out()
        self.list.itemSelectionChanged.connect(self._show_state)
        self.list.itemActivated.connect(self._ask_for_chosen)
        self.make.clicked.connect(self._make)
        self.from_file.clicked.connect(self._choose_file)
        self.restore.clicked.connect(self._ask_for_chosen)
        self._close.clicked.connect(self.accept)
        self.resize(560, 440)
        self._finish_setup()
        self._read()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.make)
        line.addWidget(self.from_file)
        line.addStretch(1)
        line.addWidget(self.restore)
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self._note)
        column.addSpacing(4)
        column.addWidget(hairline())
        column.addWidget(self._nothing)
        column.addWidget(self.list, 1)
        column.addWidget(hairline())
        column.addSpacing(4)
        column.addLayout(line)
        arrange(self, column, self.status, self._close)

    def ask_to_restore(self, path: Path, what: str = "") -> None:
        """Ask, saying what happens, and restore the copy at ``path`` then."""
        box = QMessageBox(self)
        box.setObjectName("restoreQuestion")
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("Restore backup"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Restore the backup from {what}?").format(what=what or path.name))
        box.setInformativeText(
            self.tr(
                "All conversations revert to their state at that time. Your current data is backed up first, "
                "so you can restore it from this list."
            )
        )
        restore = box.addButton(self.tr("Restore"), QMessageBox.ButtonRole.AcceptRole)
        restore.setObjectName("confirmRestoreButton")
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.setProperty("path", str(path))
        restore.clicked.connect(self._on_restore)
        show_dialog(box)

    def _is_busy(self) -> bool:
        return self._busy

    def _on_restore(self) -> None:
        box = self.findChild(QMessageBox, "restoreQuestion")
        if box is not None:
            self._restore(Path(str(box.property("path"))))

    def _restore(self, path: Path) -> None:
        store = self._store
        self._begin()
        self.status.show_message(lambda: self.tr("Restoring…"))
        run_job(self, lambda: store.restore_backup(path), self._restored, self._failed)

    def _restored(self, _kept: Backup) -> None:
        self._end(well=True)
        self.status.show_message(
            lambda: self.tr("Restored. Your previous data is now the newest backup in the list."), "good"
        )
        self.restored.emit()

    def _make(self) -> None:
        store = self._store
        self._begin()
        self.status.show_message(lambda: self.tr("Backing up the database…"))
        run_job(self, store.backup_now, self._made, self._failed)

    def _made(self, _backup: Backup) -> None:
        self._end(well=True)
        self.status.show_message(lambda: self.tr("Backup complete."), "good")

    def _failed(self, error: UserError) -> None:
        self._end(well=False)
        self.status.show_message(lambda: error_text(error), "bad")

    def _begin(self) -> None:
        self._busy = True
        self._show_state()

    def _end(self, *, well: bool) -> None:
        self._busy = False
        self._read()
        self._work_finished(succeeded=well)

    def _choose_file(self) -> None:
        kinds = self.tr("Database (*.sqlite3);;All files (*)")
        ask_for_file(self, self.tr("Restore from a file"), kinds, self.ask_to_restore)

    def _ask_for_chosen(self) -> None:
        row = self.list.currentRow()
        if not self._busy and 0 <= row < len(self._backups):
            self.ask_to_restore(self._backups[row].path, self._time(self._backups[row]))

    def _read(self) -> None:
        self._backups = self._store.backups()
        self._fill()

    def _fill(self) -> None:
        chosen = self.list.currentRow()
        self.list.clear()
        for backup in self._backups:
            size = QLocale().formattedDataSize(backup.bytes, 1, QLocale.DataSizeFormat.DataSizeIecFormat)
            item = QListWidgetItem(f"{self._time(backup)}   ·   {self._kind(backup)}   ·   {size}")
            item.setSizeHint(QSize(0, ROW))
            item.setToolTip(str(backup.path))
            self.list.addItem(item)
        if 0 <= chosen < len(self._backups):
            self.list.setCurrentRow(chosen)
        self.list.setVisible(bool(self._backups))
        self._nothing.setVisible(not self._backups)
        self._show_state()

    def _show_state(self) -> None:
        self.restore.setEnabled(not self._busy and bool(self.list.selectedItems()))
        self.make.setEnabled(not self._busy)
        self.from_file.setEnabled(not self._busy)

    def _time(self, backup: Backup) -> str:
        time = QDateTime.fromSecsSinceEpoch(int(backup.made_at.timestamp()))
        return QLocale().toString(time, QLocale.FormatType.ShortFormat)

    def _kind(self, backup: Backup) -> str:
        return {
            BackupKind.AUTOMATIC: self.tr("automatic"),
            BackupKind.MANUAL: self.tr("manual"),
            BackupKind.BEFORE_RESTORE: self.tr("before a restore"),
            BackupKind.BEFORE_MIGRATION: self.tr("before an update"),
        }[backup.kind]

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Database backups"))
        self._heading.setText(self.tr("Database backups"))
        self._note.setText(self.tr("Each backup contains all conversations, including those in the archive and trash."))
        self._nothing.setText(self.tr("No backups yet."))
        self.list.setAccessibleName(self.tr("Database backups"))
        self.make.setText(self.tr("Back up now"))
        self.from_file.setText(self.tr("Restore from a file…"))
        self.restore.setText(self.tr("Restore…"))
        self._close.setText(self.tr("Close"))
        self.status.retranslate()
        self._fill()
