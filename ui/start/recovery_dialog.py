"""Recovery dialog: offers the newest backup in place of a damaged database, at the start."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.store.backups import Backup
from model_manager.errors import UserError
from ui.widgets.dialog_frame import arrange
from ui.widgets.dialog_parts import MARGIN, TranslatedDialog, button, heading, quiet_label
from ui.widgets.error_text import error_text

WIDTH = 560


class RecoveryDialog(TranslatedDialog):
    """Accepted where the user wants to restore the backup; it changes nothing itself."""

    def __init__(self, error: UserError, backup: Backup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryDialog")
        self._error, self._backup = error, backup
        self._heading = heading()
        self._offer = QLabel()
        self._offer.setWordWrap(True)
        self._detail = quiet_label()
        self.quit = button("recoveryQuitButton")
        self.restore = button("recoveryRestoreButton", primary=True)
        column = QVBoxLayout()
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(12)
        for part in (self._heading, self._offer, self._detail):
            column.addWidget(part)
        column.addStretch(1)
        self._whole = arrange(self, column, None, self.quit, self.restore)
        self.quit.clicked.connect(self.reject)
        self.restore.clicked.connect(self.accept)
        self._finish_setup()
        self._whole.activate()
        self.resize(WIDTH, self._whole.totalHeightForWidth(WIDTH))
        self.restore.setFocus()

    def _retranslate(self) -> None:
        made = QDateTime.fromSecsSinceEpoch(int(self._backup.made_at.timestamp()))
        time = QLocale().toString(made, QLocale.FormatType.ShortFormat)
        self.setWindowTitle("APUS Chat")
        self._heading.setText(self.tr("Your conversations can't be read"))
        self._offer.setText(
            self.tr(
                "The latest intact backup is from {time}. You can restore it in place of the damaged database. "
                "The damaged file stays in the same folder under another name."
            ).format(time=time)
        )
        self._detail.setText(error_text(self._error))
        self.quit.setText(self.tr("Quit"))
        self.restore.setText(self.tr("Restore backup from {time}").format(time=time))
