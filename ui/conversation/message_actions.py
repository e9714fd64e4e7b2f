"""What a person does with one message: copy, edit, delete, pin, fork, look at another version or at what made it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.conversation import ContextPolicy, Message, Role
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.conversation import ConversationPage
from ui.transcript.item import ATTACHMENT
from ui.widgets.error_text import error_text

CHANGES_THE_BRANCH = ("retry", "continue", "roll", "edit", "delete")
"""What has to wait while an answer of the conversation is under way."""


class MessageDeeds(QObject):
    """Does what the transcript asks for, through the page and the store that the conversation lives in."""

    edit_wanted = Signal(object)
    """The ``Message`` to be edited."""
    details_wanted = Signal(object)
    export_wanted = Signal(object)
    attachment_wanted = Signal(object)
    """The ``Attachment`` to be shown."""
    begin_wanted = Signal()
    """A new conversation."""
    forked = Signal(str)
    """The id of the new conversation."""
    deleted = Signal(object, object)
    """The store, and the ids of its messages that are hidden now."""
    told = Signal(str)
    complaint = Signal(str)

    def __init__(self, page: ConversationPage, parent: QObject) -> None:
        super().__init__(parent)
        self._page = page

    def do(self, action: str, message_id: str) -> None:
        """One of the transcript's actions."""
        if action in CHANGES_THE_BRANCH and self._page.running() is not None:
            self.told.emit(self.tr("Wait until the answer is complete, or stop it first (Esc)."))
            return
        try:
            self._do(action, message_id)
        except UserError as error:
            self.complaint.emit(error_text(error))

    def do_with_last(self, action: str, role: Role) -> None:
        """The same with the last message of a role, where it offers the action."""
        item = self._page.last_item(role)
        if item is not None and action in item.actions:
            self.do(action, item.id)

    def undo_delete(self, store: ConversationStore, message_ids: tuple[str, ...]) -> None:
        """Bring back what was deleted."""
        try:
            store.restore_messages(message_ids)
            self._page.refresh()
        except UserError as error:
            self.complaint.emit(error_text(error))
        self._page.changed.emit()

    def _do(self, action: str, message_id: str) -> None:
        page = self._page
        message = page.store.message(message_id)
        if action.startswith(ATTACHMENT):
            self.attachment_wanted.emit(message.attachments[int(action.removeprefix(ATTACHMENT))])
            return
        match action:
            case "copy":
                QGuiApplication.clipboard().setText(message.content)
            case "edit":
                self.edit_wanted.emit(message)
            case "details":
                self.details_wanted.emit(message)
            case "export":
                self.export_wanted.emit(message)
            case "retry" | "continue":
                model_id = page.model_id()
                if model_id is not None:
                    (page.retry if action == "retry" else page.go_on)(message_id, model_id)
            case "roll":
                self._roll(message)
            case "begin":
                self.begin_wanted.emit()
            case "pin":
                page.store.pin_message(message_id, not message.is_pinned)
                page.refresh()
            case "delete":
                self._delete(message)
            case "fork":
                self._fork(message)
            case "previous" | "next":
                page.step(message_id, -1 if action == "previous" else 1)

    def _roll(self, message: Message) -> None:
        """From now on the oldest turns of this conversation are left out, and the refused question is answered."""
        model_id = self._page.model_id()
        if model_id is not None:
            self._page.store.update(message.conversation_id, context_policy=ContextPolicy.ROLL)
            self._page.go_on(message.id, model_id)

    def _delete(self, message: Message) -> None:
        store = self._page.store
        ids = store.delete_message(message.id)
        self._page.refresh()
        self._page.changed.emit()
        self.deleted.emit(store, ids)

    def _fork(self, message: Message) -> None:
        made = self._page.store.fork(message.conversation_id, message.id)
        self._page.changed.emit()
        self.forked.emit(made.id)
