"""What happens between the composer, the open conversation and its messages: sent, edited, attached, kept, told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from app.config.drafts import Draft
from app.conversation import Message, Role, Status
from app.services import Services
from app.store.store import ConversationStore
from ui.composer.attachments import Attaching
from ui.conversation.conversation import ConversationPage
from ui.conversation.dialogs import WorkspaceDialogs
from ui.conversation.draft_saver import Drafting
from ui.conversation.message_actions import MessageDeeds
from ui.conversation.model_picker import ModelChoice
from ui.conversation.temporary_chat import TemporaryGuard
from ui.models.background_downloads import BackgroundDownloads
from ui.widgets.error_text import error_text

if TYPE_CHECKING:
    from ui.window.main_window import MainWindow

SLOW_ANSWER_S = 20.0


class Desk(QObject):
    """Connects composer, header, transcript and dialogs with the page of the open conversation."""

    open_wanted = Signal(object)
    """The id of a conversation to be shown."""
    changed = Signal()
    """What the frame shows of the open conversation is to be shown anew."""
    list_changed = Signal()

    def __init__(
        self,
        services: Services,
        window: MainWindow,
        page: ConversationPage,
        models: ModelChoice,
        background: BackgroundDownloads,
    ) -> None:
        super().__init__(window)
        self._services, self._window, self._page, self._models = services, window, page, models
        self._composer, self._notice, self._background = window.composer, window.notice, background
        self.dialogs = WorkspaceDialogs(services, page, models.name_of, window)
        self.deeds = MessageDeeds(page, self)
        self.attaching = Attaching(services, window.composer, window)
        self.drafting = Drafting(services, window.composer, page)
        self.guard = TemporaryGuard(page, window)
        self.slow_answer_s = SLOW_ANSWER_S
        """Of an answer that took longer a person who looks elsewhere is told."""
        self._connect()

    def _connect(self) -> None:
        header, composer, deeds = self._window.header, self._composer, self.deeds
        header.settings_wanted.connect(self.dialogs.show_conversation_settings)
        header.temporary_wanted.connect(self._toggle_temporary)
        header.keep_wanted.connect(self._keep_temporary)
        composer.sent.connect(self.send)
        composer.stop_wanted.connect(self._page.stop)
        composer.field.files_given.connect(self.take_files)
        composer.field.edit_last_wanted.connect(self._edit_last)
        self._window.files_dropped.connect(self.take_files)
        deeds.edit_wanted.connect(self._edit)
        deeds.details_wanted.connect(self.dialogs.show_details)
        deeds.attachment_wanted.connect(self.attaching.show)
        deeds.begin_wanted.connect(partial(self.open_wanted.emit, None))
        deeds.forked.connect(self._show_fork)
        deeds.deleted.connect(self._tell_of_deleted)
        deeds.told.connect(lambda text: self._notice.show_message(text))
        self._page.answered.connect(self._tell_of_answer)
        self._page.context.changed.connect(self._measure_chips)
        for part in (deeds, self.attaching, self.drafting, self.guard):
            part.complaint.connect(self._notice.show_error)
        problems = self._services.file_problems()
        if problems:
            self._notice.show_error("\n".join(map(error_text, problems)))

    def actions(self) -> dict[str, Callable[[], object]]:
        """What shortcuts do here, by the ids of ``ui.settings.shortcuts``."""
        last = self.deeds.do_with_last
        return {
            "temporary": self.new_temporary,
            "settings_of_conversation": self.dialogs.show_conversation_settings,
            "write": self._composer.field.setFocus,
            "attach": self.attaching.choose,
            "retry": partial(last, "retry", Role.ASSISTANT),
            "continue": partial(last, "continue", Role.ASSISTANT),
            "edit_last": self._edit_last,
            "copy_last": partial(last, "copy", Role.ASSISTANT),
            "previous_version": partial(last, "previous", Role.ASSISTANT),
            "next_version": partial(last, "next", Role.ASSISTANT),
            "details": partial(last, "details", Role.ASSISTANT),
            "doctor": self.dialogs.show_doctor,
            "shortcuts": self.dialogs.show_shortcuts,
        }

    def send(self, draft: Draft) -> None:
        """Ask; what was written stays in the composer where it could not be kept."""
        model_id = self._models.model_id()
        if model_id is None:
            self._notice.show_error(
                self.tr("No model selected. Choose a model file."),
                self.tr("Choose a model file…"),
                self.choose_file,
            )
            return
        self._notice.hide()
        before = self._page.conversation_id
        if self._notice.attempt(lambda: self._page.ask(draft.text, model_id, draft.attachments, draft.instead_of)):
            self._composer.clear()
            self.drafting.sent(before, draft)
            self._notice.attempt(lambda: self._models.remember(model_id))
        self.changed.emit()

    def choose_file(self) -> None:
        """Let the person choose a model file, and use it."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Choose a model file"), str(Path.home()), self.tr("GGUF model files (*.gguf)")
        )
        if path:
            self._models.add_file(Path(path))

    def take_files(self, paths: list[Path]) -> None:
        """Model files and folders go to the library, everything else to the question."""
        models = [path for path in paths if ".gguf" in path.name.lower() or path.is_dir()]
        if len(models) == 1 and models[0].suffix.lower() == ".gguf" and not models[0].is_dir():
            self._models.add_file(models[0])
        elif models:
            self._models.show_dialog(models)
        self.attaching.take([path for path in paths if path not in models])

    def escape(self) -> None:
        """Leave the editing of an earlier question, or stop the answer."""
        if self._composer.is_editing():
            self._composer.cancel_edit()
        else:
            self._page.stop()

    def leave(self) -> None:
        """The window closes."""
        self.drafting.leave()
        self._page.leave()

    def _measure_chips(self) -> None:
        self._composer.chips.set_context(self._page.context.use.size)

    # Messages

    def _edit(self, message: Message) -> None:
        self._composer.begin_edit(message.id, message.content, message.attachments)

    def _edit_last(self) -> None:
        self.deeds.do_with_last("edit", Role.USER)

    def _show_fork(self, conversation_id: str) -> None:
        self.open_wanted.emit(conversation_id)
        self._notice.show_message(self.tr("This is a new conversation. The original is unchanged."))

    def _tell_of_deleted(self, store: ConversationStore, message_ids: tuple[str, ...]) -> None:
        below = len(message_ids) - 1
        text = self.tr("Message deleted.")
        if below == 1:
            text = self.tr("Message deleted, along with the one below it.")
        elif below > 1:
            text = self.tr("Message deleted, along with {count} below it.").format(count=below)
        self._notice.show_message(text, self.tr("Undo"), partial(self.deeds.undo_delete, store, message_ids))

    def _tell_of_answer(self, message: Message, seconds: float, is_stored: bool) -> None:
        if seconds < self.slow_answer_s or message.status is Status.STOPPED:
            return
        title, text, show = self.tr("Answer ready"), "", None
        if message.status is not Status.COMPLETE:
            title = self.tr("Answer interrupted")
        if is_stored:
            text = next((line.strip() for line in message.content.splitlines() if line.strip()), "")[:120]
            show = partial(self.open_wanted.emit, message.conversation_id)
        self._background.notify(title, text, show)

    # Temporary conversations

    def new_temporary(self) -> None:
        """Show an empty page of which nothing is ever stored."""
        self.guard.before(self._begin_temporary)

    def _begin_temporary(self) -> None:
        text_stays = self._page.is_empty()
        if text_stays and not self._page.is_temporary:
            self.drafting.became_temporary()
        if not self._notice.attempt(self._page.begin_temporary):
            return
        if not text_stays:
            self.drafting.show()
        self._window.header.set_status("")
        self.list_changed.emit()
        self.changed.emit()
        self._composer.field.setFocus()

    def _toggle_temporary(self) -> None:
        if not self._page.is_temporary:
            self._begin_temporary()
            return
        draft = self._composer.draft()
        self.open_wanted.emit(None)
        self._composer.show_draft(draft)

    def _keep_temporary(self) -> None:
        if self.guard.keep():
            self.list_changed.emit()
            self.changed.emit()
            self._notice.show_message(self.tr("Chat saved to your conversations."))
