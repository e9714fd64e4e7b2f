"""Recovery dialog: offers the newest backup in place of a damaged or missing database, at the start."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QWidget

from app.store.backups import Backup
from model_manager.errors import UserError
from ui.widgets.dialog_parts import MARGIN, arrange, button, fit_height, heading, paragraph, quiet_label
from ui.widgets.error_text import error_text
from ui.widgets.formats import time_text
from ui.widgets.layouts import vbox

WIDTH = 560


class RecoveryDialog(QDialog):
    """Accepted where the user wants to restore the backup, or to start empty; it changes nothing itself."""

    def __init__(self, error: UserError, backup: Backup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryDialog")
        self.setWindowTitle("APUS Chat")
        self.starts_empty = False
        """Whether the user wants to start without conversations, offered where the database is missing."""
        is_missing = error.code == "database_missing"
        time = time_text(backup.made_at)
        if is_missing:
            title = self.tr("Your conversations are missing")
            offer = self.tr(
                "The file that contains them is gone or empty. The latest intact backup is from {time}. You can "
                "restore it, or start without conversations; all backups are kept."
            )
        else:
            title = self.tr("Your conversations can't be read")
            offer = self.tr(
                "The latest intact backup is from {time}. You can restore it in place of the damaged database. "
                "The damaged file stays in the same folder under another name."
            )
        self.quit = button("recoveryQuitButton", self.tr("Quit"))
        self.restore = button(
            "recoveryRestoreButton", self.tr("Restore backup from {time}").format(time=time), primary=True
        )
        self.start_empty = button("recoveryEmptyButton", self.tr("Start without conversations"))
        self.start_empty.setVisible(is_missing)
        column = vbox(
            heading(title),
            paragraph(offer.format(time=time)),
            quiet_label(str(error.data["path"]) if is_missing else error_text(error)),
            None,
            spacing=12,
            margins=(MARGIN, MARGIN, MARGIN, 16),
        )
        arrange(self, column, None, self.quit, self.start_empty, self.restore)
        self.quit.clicked.connect(self.reject)
        self.restore.clicked.connect(self.accept)
        self.start_empty.clicked.connect(self._accept_empty)
        fit_height(self, WIDTH)
        self.restore.setFocus()

    def _accept_empty(self) -> None:
        self.starts_empty = True
        self.accept()
