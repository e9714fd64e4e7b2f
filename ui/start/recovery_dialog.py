"""Recovery dialog: offers what can be put in the place of a damaged or missing database, at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QDialog, QWidget

from app.store.backups import Backup
from model_manager.errors import UserError
from ui.widgets.dialog_parts import (
    MARGIN,
    StatusLine,
    arrange,
    button,
    fit_height,
    heading,
    paragraph,
    quiet_label,
    set_style_property,
)
from ui.widgets.file_dialogs import open_folder
from ui.widgets.formats import time_text
from ui.widgets.layouts import vbox

WIDTH = 600

Choice = Literal["restore", "salvage", "empty"]


class RecoveryDialog(QDialog):
    """Accepted with a ``choice``; it changes nothing itself."""

    def __init__(self, error: UserError, backup: Backup | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryDialog")
        self.setWindowTitle("APUS Chat")
        self.choice: Choice = "restore"
        path = Path(str(error.data["path"]))
        is_missing = error.code == "database_missing"
        title = self.tr("Your conversations are missing") if is_missing else self.tr("Your conversations can't be read")
        self._status = StatusLine("recoveryStatus", hide_when_empty=True)
        self.open_folder = button("recoveryFolderButton", self.tr("Open folder"), quiet=True)
        self.quit = button("recoveryQuitButton", self.tr("Quit"))
        self.start_empty = button("recoveryEmptyButton", self.tr("Start without conversations"))
        self.salvage = button("recoverySalvageButton", self.tr("Recover messages"))
        self.restore = button("recoveryRestoreButton", self.tr("Restore backup"))
        self.restore.setVisible(backup is not None)
        self.salvage.setVisible(error.code == "database_damaged")
        self.start_empty.setVisible(is_missing or backup is None)
        choices = self.restore, self.salvage, self.start_empty
        primary = next(each for each in choices if not each.isHidden())
        set_style_property(primary, primary=True)
        texts = (heading(title), *map(paragraph, self._texts(error, backup)))
        detail = quiet_label("\n".join(map(str, filter(None, (path, error.data.get("detail"))))))
        column = vbox(*texts, detail, self._status, None, spacing=12, margins=(MARGIN, MARGIN, MARGIN, 16))
        arrange(self, column, self.open_folder, None, self.quit, *reversed(choices))
        self.open_folder.clicked.connect(lambda: open_folder(path.parent, self._status))
        self.quit.clicked.connect(self.reject)
        self.restore.clicked.connect(lambda: self._choose("restore"))
        self.salvage.clicked.connect(lambda: self._choose("salvage"))
        self.start_empty.clicked.connect(lambda: self._choose("empty"))
        fit_height(self, WIDTH)
        primary.setFocus()

    def _texts(self, error: UserError, backup: Backup | None) -> list[str]:
        texts = {
            "database_missing": self.tr("The file that contains them is gone or empty."),
            "database_damaged": self.tr(
                "The file that contains them is damaged. The messages that can still be read can be recovered from it."
            ),
            "nothing_salvaged": self.tr("The file that contains them is damaged, and no message in it can be read."),
        }
        latest = self.tr("There is no intact backup.")
        if backup is not None:
            latest = self.tr("The latest intact backup is from {time}.").format(time=time_text(backup.made_at))
        kept = self.tr(
            "Whatever you choose, nothing is deleted: the file stays in the same folder under another name, and all "
            "backups, models and settings are kept."
        )
        return [f"{texts[error.code]} {latest}", kept]

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self.accept()
