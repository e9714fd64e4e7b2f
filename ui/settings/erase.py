"""Dialog that confirms the deletion of all user data."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from ui.widgets.dialog_frame import arrange
from ui.widgets.dialog_parts import MARGIN, TranslatedDialog, button, heading, quiet_label
from ui.widgets.layouts import vbox

WIDTH = 500


class EraseDialog(TranslatedDialog):
    """Lists what is deleted and what is kept; the button is enabled by a check box."""

    confirmed = Signal()

    def __init__(self, conversations: int, backups: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("eraseDialog")
        self._conversations, self._backups = conversations, backups
        self._heading = heading()
        self._heading.setWordWrap(True)
        self._deleted = QLabel()
        self._deleted.setWordWrap(True)
        self._deleted.setTextFormat(Qt.TextFormat.PlainText)
        self._kept = quiet_label()
        self.sure = QCheckBox()
        self.sure.setObjectName("eraseSure")
        self.cancel = button("eraseCancelButton", primary=True)
        self.erase = button("eraseButton")
        self.erase.setProperty("danger", True)
        self.erase.setEnabled(False)
        parts = (self._heading, self._deleted, self._kept, self.sure)
        column = vbox(*parts, spacing=12, margins=(MARGIN, MARGIN, MARGIN, 16))
        self._whole = arrange(self, column, None, self.erase, self.cancel)
        self.sure.toggled.connect(self.erase.setEnabled)
        self.cancel.clicked.connect(self.reject)
        self.erase.clicked.connect(self._confirm)
        self._finish_setup()
        self._whole.activate()
        self.resize(WIDTH, self._whole.totalHeightForWidth(WIDTH))
        self.sure.setFocus()

    def _confirm(self) -> None:
        self.accept()
        self.confirmed.emit()

    def _retranslate(self) -> None:
        self.setWindowTitle(self.tr("Delete all my data"))
        self._heading.setText(self.tr("Delete all my data?"))
        self._deleted.setText(
            self.tr(
                "This permanently deletes all conversations and their attachments, including the archive and "
                "trash ({conversations}); unsent drafts; your presets; the database backups made here "
                "({copies}); and the logs."
            ).format(conversations=self._conversations, copies=self._backups)
        )
        self._kept.setText(
            self.tr(
                "Models, servers and other settings are kept, and so is anything you exported or backed up elsewhere."
            )
        )
        self.sure.setText(self.tr("I understand that this can't be undone"))
        self.cancel.setText(self.tr("Cancel"))
        self.erase.setText(self.tr("Delete everything"))
