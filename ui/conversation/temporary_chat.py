"""Asks before a temporary conversation is left: it would be gone, and can be kept."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from model_manager.errors import UserError
from ui.conversation.conversation import ConversationPage
from ui.widgets.dialog_parts import show_dialog
from ui.widgets.error_text import error_text


class TemporaryGuard(QObject):
    """Stands between a temporary conversation and what leads away from it."""

    complaint = Signal(str)

    def __init__(self, page: ConversationPage, window: QWidget) -> None:
        super().__init__(window)
        self._page, self._window = page, window
        self._then: Callable[[], None] | None = None

    def before(self, then: Callable[[], None]) -> None:
        """Do ``then``, after the person decided about a temporary conversation that has messages."""
        if not self._page.is_temporary or self._page.is_empty():
            then()
            return
        self._then = then
        box = QMessageBox(self._window)
        box.setObjectName("temporaryQuestion")
        box.setWindowTitle(self.tr("Temporary chat"))
        box.setText(self.tr("Save this temporary chat?"))
        box.setInformativeText(self.tr("It isn't saved yet. If you leave, it's permanently deleted."))
        keep = box.addButton(self.tr("Save"), QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton(self.tr("Discard"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        keep.setObjectName("keepButton")
        discard.setObjectName("discardButton")
        box.setDefaultButton(keep)
        box.setEscapeButton(stay)
        keep.clicked.connect(self._keep_and_go)
        discard.clicked.connect(self._go)
        show_dialog(box)

    def keep(self) -> bool:
        """Store it, and tell whether that went well."""
        try:
            self._page.keep()
        except UserError as error:
            self.complaint.emit(error_text(error))
            return False
        return True

    def _keep_and_go(self) -> None:
        if self.keep():
            self._go()

    def _go(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()
