"""Recovery dialog: offers the newest backup in place of a damaged database, at the start."""

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
    """Accepted where the user wants to restore the backup; it changes nothing itself."""

    def __init__(self, error: UserError, backup: Backup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryDialog")
        self.setWindowTitle("APUS Chat")
        time = time_text(backup.made_at)
        offer = paragraph(
            self.tr(
                "The latest intact backup is from {time}. You can restore it in place of the damaged database. "
                "The damaged file stays in the same folder under another name."
            ).format(time=time)
        )
        self.quit = button("recoveryQuitButton", self.tr("Quit"))
        self.restore = button(
            "recoveryRestoreButton", self.tr("Restore backup from {time}").format(time=time), primary=True
        )
        column = vbox(
            heading(self.tr("Your conversations can't be read")),
            offer,
            quiet_label(error_text(error)),
            None,
            spacing=12,
            margins=(MARGIN, MARGIN, MARGIN, 16),
        )
        arrange(self, column, None, self.quit, self.restore)
        self.quit.clicked.connect(self.reject)
        self.restore.clicked.connect(self.accept)
        fit_height(self, WIDTH)
        self.restore.setFocus()
