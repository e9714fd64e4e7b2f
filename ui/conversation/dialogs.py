"""The dialogs about the conversation that is open: its settings, what made an answer, the shortcuts, an address."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from app.chat.prompt import first_system_prompt
from app.conversation import Message
from app.services import Services
from ui.conversation.conversation import ConversationPage
from ui.widgets.dialog_parts import show_dialog


class WorkspaceDialogs(QObject):
    """Opens them over the window; each is made when it is wanted."""

    def __init__(
        self, services: Services, page: ConversationPage, name_of: Callable[[str], str], window: QWidget
    ) -> None:
        """``name_of`` tells the name for a person of a model's id."""
        super().__init__(window)
        self._services, self._page, self._name_of, self._window = services, page, name_of, window

    def show_conversation_settings(self) -> None:
        """What this conversation has of its own."""
        from ui.conversation.settings_dialog import ConversationSettings

        page, settings = self._page, self._services.settings
        usual_prompt = first_system_prompt(settings.now.system_prompt, page.model_id() or "")
        show_dialog(
            ConversationSettings(
                settings, self._services.presets, page.choices(), page.choose, usual_prompt, self._window
            )
        )

    def show_details(self, message: Message) -> None:
        """What made an answer."""
        from ui.conversation.answer_details import DetailsDialog

        if message.made_by is not None:
            show_dialog(DetailsDialog(message, self._name_of(message.made_by.model_id), self._window))

    def show_shortcuts(self) -> None:
        """Everything one can press."""
        from ui.settings.shortcuts_dialog import ShortcutsDialog

        show_dialog(ShortcutsDialog(self._window))

    def show_doctor(self) -> None:
        """What this machine can do, over whatever dialog is open."""
        from ui.doctor.dialog import DoctorDialog

        show_dialog(DoctorDialog(self._services, QApplication.activeModalWidget() or self._window))

    def ask_to_open(self, address: str) -> None:
        """Let the person see where a link leads before it is followed."""
        box = QMessageBox(self._window)
        box.setText(self.tr("Open this address in your browser?"))
        box.setInformativeText(address)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
        box.setProperty("address", address)
        box.finished.connect(self._open_address)
        show_dialog(box)

    def _open_address(self, button: int) -> None:
        box = self.sender()
        if button == QMessageBox.StandardButton.Open and box is not None:
            QDesktopServices.openUrl(QUrl(box.property("address")))
