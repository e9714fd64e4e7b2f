"""Controller of the open conversation: connects composer, header and transcript with the chat session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.backend import AnswerFinished, ChatEvent, ModelLoaded, PlanChanged, Summarised, TextDelta, TextReplaced
from app.backends import backend_for, context_size, reads_pictures, trained_context
from app.chat.answer import AnswerResult, RunningAnswer
from app.chat.context import room_for_answer
from app.chat.context_tracker import ContextTracker
from app.chat.documents import groups
from app.chat.effective import folder_defaults
from app.chat.session import ChatSession
from app.chat.tool_rounds import Decision
from app.config.drafts import Draft
from app.context import ContextPolicy
from app.conversation import Attachment, GivenPassage, Message, Role, Status
from app.messages.plans import replanned_sentence
from app.servers.registry import is_server_model, split_model_id
from app.services import Services
from app.thoughts import split_thought
from app.tools.offered import OfferedTools
from app.tools.web import sources_of
from model_manager.errors import UserError
from ui.composer.attachments import AttachmentLoader
from ui.composer.composer import Composer
from ui.conversation.answer_events import AnswerEvents
from ui.conversation.draft_saver import DraftSaver
from ui.conversation.external_actions import ExternalActions
from ui.conversation.header import Header
from ui.conversation.message_items import MAX_PLACES, MAX_SOURCES, MessageItems
from ui.conversation.model_picker import ModelPicker
from ui.conversation.overrides_controller import OverridesController, default_overrides
from ui.transcript.item import ATTACHMENT, PASSAGE, SOURCE, Item
from ui.transcript.state import item_text
from ui.transcript.transcript import Transcript
from ui.widgets.dialog_parts import ask, show_dialog
from ui.widgets.error_text import error_text, translate_message
from ui.widgets.job import Relay
from ui.widgets.notice import NoticeBar

TICK_MS = 1000
DECISIONS = {
    "run_tools": Decision.RUN,
    "always_run_tools": Decision.ALWAYS,
    "decline_tools": Decision.DECLINE,
}
BLOCKED_WHILE_RUNNING = ("retry", "continue", "roll", "summarise", "edit", "revise", "delete", *DECISIONS)
"""Actions that change the branch, and wait for the end of its running answer."""


class ConversationController(QObject):
    """Shows the open conversation and does what the user requests of it and its messages."""

    state_changed = Signal()
    """Another conversation is open, or an answer has started, progressed or ended."""
    list_changed = Signal()
    """Titles, order or number of the stored conversations have changed."""
    answer_finished = Signal(RunningAnswer)
    """An answer, also of another conversation; its ``result`` is set."""
    export_requested = Signal(Message)
    opened = Signal()
    """A conversation was opened, perhaps the same one."""

    def __init__(
        self,
        services: Services,
        transcript: Transcript,
        header: Header,
        composer: Composer,
        notice: NoticeBar,
        models: ModelPicker,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._services, self._transcript, self._header, self._composer = services, transcript, header, composer
        self._notice, self._models, self._window = notice, models, window
        self._items = MessageItems(self)
        self._external = ExternalActions(services.pages, notice, window)
        transcript.link_activated.connect(self._external.ask_to_open)
        transcript.save_requested.connect(self._external.ask_where_to_save)
        transcript.browser_requested.connect(self._external.ask_to_open_page)
        self._branch: list[Message] = []
        self._siblings: dict[str, tuple[str, ...]] = {}
        self._unsaved_edits: dict[str, str] = {}
        """Texts of answers that were edited but not saved, by the ids of their messages."""
        self._completed = set[str]()
        """Ids of conversations whose last answer is complete since the program's start, not followed by a question."""
        self._mixes_models = False
        """Whether several models have answered in the open conversation."""
        self._events = AnswerEvents(self)
        self._events.received.connect(self._handle_event)
        self.session = ChatSession(
            services.store,
            services.settings,
            partial(backend_for, services),
            services.worker.submit,
            post=self._events.post,
            default_overrides=partial(default_overrides, services),
            folder_defaults=partial(folder_defaults, services.store, services.presets, QCoreApplication.translate),
            on_title=Relay(self, self.list_changed),
            similarities=services.vectors.similarities,
            tools=partial(OfferedTools, services.tools),
        )
        self.overrides = OverridesController(services, self.session, composer, notice, models, self)
        self.context = ContextTracker(partial(context_size, services))
        self.attachments = AttachmentLoader(services.engine, services.vectors, composer, window)
        self.drafts = DraftSaver(services.drafts, services.store, self.session, composer, self)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._show_waiting)
        self.state_changed.connect(self.overrides.refresh)
        header.temporary_button.clicked.connect(self._toggle_temporary)
        header.save_button.clicked.connect(self._save_temporary)
        header.gauge.clicked.connect(self.show_context)
        composer.submitted.connect(self.send)
        composer.edited.connect(transcript.set_edited)
        composer.chips.changed.connect(self._show_context)
        composer.stop_button.clicked.connect(self.session.stop)
        composer.web_button.clicked.connect(self.overrides.toggle_web_search)
        composer.field.edit_last_requested.connect(self._edit_last)
        transcript.action_requested.connect(self.act)
        transcript.picture_requested.connect(self.attachments.show)
        self.attachments.failed.connect(self._show_error)
        self.attachments.closed.connect(self._return_to_field)
        self.drafts.failed.connect(self._show_error)
        problems = services.file_problems()
        if problems:
            notice.show_error("\n".join(map(error_text, problems)))

    # Opening

    def open(
        self, conversation_id: str | None, message_id: str = "", needle: str = "", *, folder_id: str | None = None
    ) -> None:
        """Open a conversation, at a message where one is given; None opens a new one, in a folder if there is one.

        Asks first where a temporary conversation would be lost.
        """
        self._before_leaving(partial(self._open, conversation_id, message_id, needle, folder_id))

    def open_temporary(self) -> None:
        """Open a new conversation that is not stored."""
        self._before_leaving(self._open_temporary)

    def refresh(self, branch: list[Message] | None = None) -> None:
        """Show the open conversation as it is stored now; ``branch`` are its messages where they have just been read.

        Raises:
            UserError: as the store does.
        """
        store, conversation_id = self.session.store, self.session.conversation_id
        self._branch, self._siblings = [], {}
        if conversation_id is not None:
            self._branch = store.branch(conversation_id) if branch is None else branch
            self._siblings = store.siblings(conversation_id)
        self._track_context()
        self._mixes_models = self._has_several_models()
        self._transcript.set_items([self._item(message) for message in self._branch])
        self._show_waiting()
        self._show_context()

    def refresh_context(self) -> None:
        """Show the context of the model that would answer now."""
        self._update_context(lambda: self.context.update(self.session.running, self._models.model_id() or ""))

    def refresh_folder(self) -> None:
        """Show what the folder of the open conversation gives it now."""
        self._update_context(self._track_context)
        self.overrides.changed.emit()

    def close(self) -> None:
        """Save the draft and drop a temporary conversation."""
        self.overrides.input_needed.emit()
        self.drafts.close()
        self.session.close()

    def _open(self, conversation_id: str | None, message_id: str, needle: str, folder_id: str | None) -> None:
        def show() -> None:
            self.refresh(self.session.open(conversation_id, message_id, folder_id=folder_id))
            model_id = self.session.folder().model_id if folder_id is not None else None
            if model_id is not None and any(each.key == model_id for each in self._models.entries()):
                self._models.use(model_id)

        if self._notice.attempt(show):
            self.drafts.show()
            self._header.status.clear()
            self.opened.emit()
            self.state_changed.emit()
            if message_id:
                self._transcript.scroll_to_item(message_id, needle)
            else:
                self._composer.field.setFocus()
            self._send_next()

    def end_search(self) -> None:
        """Remove the marks of a search result."""
        if not self._transcript.find_bar.isVisible():
            self._transcript.finder.restart()

    def _open_temporary(self) -> None:
        # What is written for a new conversation stays in the composer, but is no longer saved.
        session, keeps_text = self.session, self.session.is_empty
        if keeps_text and not session.is_temporary:
            self.drafts.set(None, Draft())
        session.open_temporary()
        self.refresh()
        if not keeps_text:
            self.drafts.show()
        self._header.status.clear()
        self.opened.emit()
        self.list_changed.emit()
        self.state_changed.emit()
        self._composer.field.setFocus()

    def _toggle_temporary(self) -> None:
        if not self.session.is_temporary:
            self._open_temporary()
            return
        draft = self._composer.draft()
        self.open(None)
        self._composer.show_draft(draft)

    def _save_temporary(self) -> bool:
        def save() -> None:
            self.session.save_temporary()
            self.refresh()

        if not self._notice.attempt(save):
            return False
        self.list_changed.emit()
        self.state_changed.emit()
        self._notice.show_message(self.tr("Chat saved to your conversations."))
        return True

    def _before_leaving(self, then: Callable[[], None]) -> None:
        """Call ``then``, after the user has decided about a temporary conversation with messages."""
        self.overrides.input_needed.emit()
        if not self.session.is_temporary or self.session.is_empty:
            then()
            return

        def save() -> None:
            if self._save_temporary():
                then()

        ask(
            self._window,
            "temporaryQuestion",
            self.tr("Temporary chat"),
            self.tr("Save this temporary chat?"),
            self.tr("It isn't saved yet. If you leave, it's permanently deleted."),
            ("keepButton", self.tr("Save")),
            self.tr("Cancel"),
            save,
            discard=("discardButton", self.tr("Discard"), then),
        )

    def _is_blocked(self) -> bool:
        """Return whether an answer of the open conversation is running; say so."""
        if self.session.running is None:
            return False
        self._notice.show_message(
            self.tr("Wait until the answer is complete, or stop it first (Esc)."),
            is_true=lambda: self.session.running is not None,
        )
        return True

    # Asking

    def send(self, draft: Draft) -> None:
        """Send a question, or let it wait for the end of a running answer.

        It stays in the composer where it could not be stored, or would change the branch of the running answer.
        """
        if self.session.running is not None and draft.instead_of is None:
            self._composer.enqueue()
            return
        if self._is_blocked():
            return
        self.overrides.input_needed.emit()
        model_id = self._models.model_id()
        if model_id is not None and self._refuses_pictures(draft, model_id):
            return
        if model_id is None:
            self._notice.show_error(
                self.tr("No model selected. Choose a model file."),
                self.tr("Choose a model file…"),
                self._models.choose_file,
                lambda: self._models.model_id() is None,
            )
            return
        self._notice.hide()
        before = self.session.conversation_id
        if self._notice.attempt(lambda: self._ask(draft, model_id)):
            if self._composer.draft() != draft.after():
                self._composer.clear()
            if not self.session.is_temporary:
                self.drafts.set(before, draft.after())
            self._notice.attempt(lambda: self._services.settings.change(model_id=model_id))
        self.state_changed.emit()

    def _refuses_pictures(self, draft: Draft, model_id: str) -> bool:
        """Return whether a question has pictures for a model that reads none; say so, and offer to send it without."""
        has_pictures = any(each.picture is not None for each in draft.attachments)
        if not has_pictures or reads_pictures(self._services, model_id) is not False:
            return False
        texts = tuple(each for each in draft.attachments if each.picture is None)

        def send() -> None:
            self._composer.chips.set_attachments(texts)
            self.send(replace(draft, attachments=texts))

        can_send = bool(draft.text or texts)
        self._notice.show_error(
            error_text(UserError("model_reads_no_pictures", model=self._models.name_of(model_id))),
            self.tr("Send without pictures") if can_send else "",
            send if can_send else None,
            lambda: self._models.model_id() == model_id and self._composer.chips.has_pictures,
        )
        return True

    def _edit_last(self) -> None:
        """Edit the question that was written last, whether it waits or was sent."""
        if not self._composer.edit_queued():
            self.act_on_last("edit", Role.USER)

    def escape(self) -> None:
        """Cancel the editing of an earlier question, or stop the answer."""
        if self._composer.is_editing():
            self._composer.cancel_edit()
        else:
            self.session.stop()

    def _ask(self, draft: Draft, model_id: str) -> None:
        if self.session.is_empty:
            self._transcript.set_items([])
        question, answer = self.session.ask(draft.text, model_id, draft.attachments, replaces=draft.instead_of)
        if draft.instead_of is not None:
            self._show_new_branch()
        else:
            self._branch += [question, answer.message]
            self._track_context()
            for message in (question, answer.message):
                self._transcript.append_item(self._item(message))
            self._show_started()
        self.list_changed.emit()

    def _show_new_branch(self) -> None:
        self.refresh()
        self._transcript.jump_to_newest()
        self._show_started()

    def _show_started(self) -> None:
        if self._has_several_models() != self._mixes_models:
            self.refresh()
        self._tick.start()
        self._show_waiting()
        self.state_changed.emit()

    def _handle_event(self, answer: RunningAnswer, event: ChatEvent | AnswerResult) -> None:
        has_text, has_started = answer.first_token_at is not None, answer.has_started
        self.session.handle(answer, event)
        if isinstance(event, AnswerResult):
            self._finish(answer, event)
            return
        if isinstance(event, PlanChanged):
            self._notice.show_message(replanned_sentence(event.plan, translate_message, event.because))
        message = answer.message
        if message.conversation_id != self.session.conversation_id:
            if not has_started or isinstance(event, ModelLoaded | AnswerFinished):
                self.state_changed.emit()
            return
        if isinstance(event, Summarised):
            self._notice.attempt(self.refresh)
        self._update_context(lambda: self.context.handle(answer, event))
        if isinstance(event, TextReplaced):
            self._transcript.set_text(message.id, event.text)
        elif isinstance(event, TextDelta):
            if not has_text:
                self._transcript.set_waiting(message.id, "")
            self._transcript.append_text(message.id, event.text)
            speed = answer.tokens_per_second()
            if speed is not None:
                self._header.status.setText(self._items.speed(speed))
        else:
            self._show_waiting()
            self.state_changed.emit()

    def _finish(self, answer: RunningAnswer, result: AnswerResult) -> None:
        if not self.session.answers:
            self._tick.stop()
        message = result.message
        if message.conversation_id == self.session.conversation_id:
            # The answer shows its speed from now on.
            self._header.status.clear()
            self._branch = [message if each.id == message.id else each for each in self._branch]
            self._update_context(self._track_context)
            self._transcript.set_waiting(message.id, "")
            self._show_message(message.id)
            if message.provenance is not None and message.provenance.documents is not None:
                # Those that were attached before there was an embedding model, or elsewhere.
                for attachment in (each for above in self._branch for each in above.attachments):
                    if attachment.picture is None:
                        self.attachments.read_passages(attachment)
        assert answer.result is not None
        if answer.result.save_error is not None:
            self._show_error(answer.result.save_error)
        self.state_changed.emit()
        if answer.is_stored:
            self.list_changed.emit()
        self.answer_finished.emit(answer)
        if message.status is Status.COMPLETE:
            self._completed.add(message.conversation_id)
            self._send_next()

    def _send_next(self) -> None:
        """Send the next waiting question after a complete answer, as soon as its conversation is open."""
        session, question = self.session, self._composer.next_question()
        if session.running is not None or session.conversation_id not in self._completed:
            return
        self._completed.discard(session.conversation_id)
        model_id = self._models.model_id()
        if question is None or model_id is None or self._composer.is_editing():
            return
        if self._notice.attempt(lambda: self._ask(question, model_id)):
            self._composer.drop_next_question()
        self.state_changed.emit()

    # Actions on messages

    def act(self, action: str, message_id: str) -> None:
        """Do one of the transcript's actions with a message."""
        if action in BLOCKED_WHILE_RUNNING and self._is_blocked():
            return
        self._notice.attempt(lambda: self._act(action, self.session.store.message(message_id)))

    def show_other_version(self, step: int) -> None:
        """Show another version of the last answer, or of its question where only that has versions."""
        message = next((each for each in reversed(self._branch[-2:]) if each.id in self._siblings), None)
        if message is not None:
            self.act("next" if step > 0 else "previous", message.id)

    def act_on_last(self, action: str, role: Role) -> None:
        """Do an action with the last message of a role, where it offers the action."""
        message = next((each for each in reversed(self._branch) if each.role is role), None)
        if message is not None and action in self._item(message).actions:
            self.act(action, message.id)

    def _act(self, action: str, message: Message) -> None:
        model_id, store = self._models.model_id(), self.session.store
        match action:
            case "copy":
                answer = "" if message.role is Role.USER else split_thought(message.content)[2].lstrip()
                # A question has no thoughts; an answer that was stopped early can have nothing else.
                QGuiApplication.clipboard().setText(answer or message.content)
                self._transcript.show_copied(message.id)
            case "edit":
                if message.role is Role.ASSISTANT and message.parent_id is not None:
                    message = store.message(message.parent_id)
                self._composer.begin_edit(message.id, message.content, message.attachments)
                self._transcript.scroll_to_item(message.id)
            case "revise":
                self._edit_answer(message)
            case "details":
                self._show_details(message)
            case "export":
                self.export_requested.emit(message)
            case "retry" if model_id is not None:
                self._retry(message.id, model_id)
            case "retry_with":
                self._models.ask_for_model(self.tr("Try again with…"), partial(self._retry_with, message.id))
            case "compare":
                self._compare(message)
            case "continue" if model_id is not None:
                self._resume(message, model_id)
            case "run_tools" | "always_run_tools" | "decline_tools" if model_id is not None:
                self._resume(message, model_id, DECISIONS[action])
            case "roll" | "summarise" if model_id is not None:
                # From now on, and the question that did not fit is answered.
                store.update(message.conversation_id, context_policy=ContextPolicy(action))
                self.overrides.changed.emit()
                self._resume(message, model_id)
            case "summary":
                self._show_summary()
            case "begin":
                self.open(None)
            case "remember":
                self._remember(message)
            case "pin":
                store.pin_message(message.id, not message.is_pinned)
                self.refresh()
            case "delete":
                self._delete(message)
            case "fork":
                fork = store.fork(message.conversation_id, message.id)
                self.list_changed.emit()
                self.open(fork.id)
                self._notice.show_message(
                    self.tr("This is a new conversation. The original is unchanged."),
                    self.tr("Open the original"),
                    partial(self.open, message.conversation_id, message.id),
                    is_true=lambda: self.session.conversation_id == fork.id,
                )
            case "previous" | "next":
                self._show_version(message.id, -1 if action == "previous" else 1)
            case _ if action.startswith(PASSAGE):
                self._show_passage(message, int(action.removeprefix(PASSAGE)))
            case _ if action.startswith(SOURCE):
                self._show_source(message, int(action.removeprefix(SOURCE)))
            case _ if action.startswith(ATTACHMENT):
                attachment = message.attachments[int(action.removeprefix(ATTACHMENT))]
                self.attachments.show(attachment, given=self._given(message, attachment.name))

    def _retry(self, message_id: str, model_id: str) -> None:
        last_id = self._branch[-1].id
        self.session.retry(message_id, model_id)
        self._show_new_branch()
        if last_id != message_id:
            self._notice.show_message(
                self.tr("The messages after it are kept with the other version of the answer."),
                self.tr("Show"),
                partial(self._select_version, last_id),
                is_true=lambda: message_id in self._siblings and all(each.id != last_id for each in self._branch),
            )

    def _retry_with(self, message_id: str, key: str) -> None:
        """Answer again with the model of a row of the picker; the selected model stays."""
        if not self._models.is_ready(key):
            self._models.choose(key)
        elif not self._is_blocked():
            self._notice.attempt(lambda: self._retry(message_id, key))

    def _compare(self, message: Message) -> None:
        from ui.conversation.compare_dialog import CompareDialog

        ids = self._siblings.get(message.id, ())
        versions = [self._version(self.session.store.message(id_)) for id_ in ids]
        dialog = CompareDialog(
            [[self._item(each) for each in version] for version in versions],
            [self._models.name_of(self._model_of(version[-1])) for version in versions],
            [version[-1].provenance.sampling if version[-1].provenance else None for version in versions],
            message.id,
            self._services.formula_renderer,
            self._window,
            question=self._question_of(message),
        )
        dialog.kept.connect(self._select_version)
        for side in dialog.sides:
            side.transcript.save_requested.connect(self._external.ask_where_to_save)
        show_dialog(dialog)

    def _question_of(self, message: Message) -> str:
        """Return the text of the question of an answer; empty for a question."""
        if message.role is Role.USER or message.parent_id is None:
            return ""
        return self.session.store.message(message.parent_id).content

    def _version(self, message: Message) -> list[Message]:
        """Return an answer, or a question with its answer where it has one: the one that is shown, or the newest."""
        answer = None
        if message.role is Role.USER:
            shown = next((each for each in self._branch if each.parent_id == message.id), None)
            answer = shown or self.session.store.newest_answer(message.id)
        return [message] if answer is None else [message, answer]

    def _show_summary(self) -> None:
        from ui.conversation.summary_dialog import SummaryDialog

        horizon, store = self.context.horizon, self.session.store
        if horizon is None or not horizon.summary_id:
            return
        summary = store.message(horizon.summary_id)
        dialog = SummaryDialog(summary.summary, horizon.summarised, self._window)

        def change(text: str) -> None:
            store.set_summary(summary.id, text)
            self.refresh()

        dialog.changed.connect(lambda text: self._notice.attempt(lambda: change(text)))
        dialog.removed.connect(lambda: self._notice.attempt(self._remove_summaries))
        show_dialog(dialog)

    def _remove_summaries(self) -> None:
        """Let the model see the messages of the branch again; without room for them the next question is not sent."""
        session, conversation_id = self.session, self.session.conversation_id
        for message in self._branch:
            if message.summary:
                session.store.set_summary(message.id, "")
        policy = session.effective("").context_policy
        if policy == ContextPolicy.SUMMARISE and conversation_id is not None:
            session.store.update(conversation_id, context_policy=ContextPolicy.STOP)
            self.overrides.changed.emit()
        self.refresh()
        self._notice.show_message(self.tr("Summary removed. The model gets the messages themselves again."))

    def _remember(self, message: Message) -> None:
        """Open the dialog with what is selected of a message, or with its first line, as a fact to be kept."""
        from ui.settings.fact_dialog import FactDialog

        whole = item_text(self._item(message), with_thought=False).strip()
        text = self._transcript.state.selected_text().strip() or whole.partition("\n")[0]

        def add(text: str) -> None:
            self._services.store.add_fact(text)
            self._notice.show_message(self.tr("Remembered. Settings > Memory lists all facts."))
            self.overrides.changed.emit()

        dialog = FactDialog(self.tr("Remember"), text, self._window)
        dialog.saved.connect(lambda text: self._notice.attempt(lambda: add(text)))
        show_dialog(dialog)

    def _edit_answer(self, message: Message) -> None:
        """Open the dialog with the text of an answer after its thoughts; unsaved changes return with it."""
        from ui.conversation.edit_dialog import EditDialog

        answer = split_thought(message.content)[2].lstrip()
        before = message.content[: len(message.content) - len(answer)]
        dialog = EditDialog(answer, self._unsaved_edits.pop(message.id, answer), self._window)
        dialog.closed.connect(partial(self._finish_edit, message.id, before))
        show_dialog(dialog)

    def _finish_edit(self, message_id: str, before: str, text: str, is_saved: bool) -> None:
        """Store another version of an answer, whose text begins with ``before``."""

        def save() -> None:
            self._select_version(self.session.store.edit_answer(message_id, before + text).id)

        if not is_saved or not self._notice.attempt(save):
            self._unsaved_edits[message_id] = text
        self.list_changed.emit()

    def _resume(self, message: Message, model_id: str, decision: Decision | None = None) -> None:
        answer = self.session.resume(message.id, model_id, decision)
        self._branch = [answer.message if each.id == message.id else each for each in self._branch]
        self._show_message(message.id)
        self._show_started()
        self._composer.field.setFocus()

    def _show_version(self, message_id: str, step: int) -> None:
        versions = self._siblings.get(message_id, ())
        place = versions.index(message_id) + step if message_id in versions else -1
        if 0 <= place < len(versions):
            self._select_version(versions[place])

    def _select_version(self, message_id: str) -> None:
        conversation_id = self.session.conversation_id
        if conversation_id is not None:
            self.session.store.select_leaf(conversation_id, message_id)
            self.refresh()
            self._transcript.scroll_to_item(message_id)
            self.state_changed.emit()

    def _delete(self, message: Message) -> None:
        store = self.session.store
        ids = store.delete_message(message.id)
        self.refresh()
        self.list_changed.emit()

        def restore() -> None:
            store.restore_messages(ids)
            if self.session.conversation_id == message.conversation_id:
                self.refresh()
            else:
                self.open(message.conversation_id, message.id)

        def undo() -> None:
            if self._is_blocked():
                self._notice.keep_undo(undo)
            elif store is self.session.store or store is self._services.store:
                self._notice.attempt(restore)
                self.list_changed.emit()

        more = len(ids) - 1
        text = self.tr("Message deleted.")
        if more == 1:
            text = self.tr("Message deleted, along with the one below it.")
        elif more > 1:
            text = self.tr("Message deleted, along with {count} below it.").format(count=more)
        self._notice.show_undo(text, undo)

    # Dialogs

    def show_context(self) -> None:
        """Open the details of the context below the gauge."""
        model_id = self._models.model_id()
        try:
            policy = self.session.effective("").context_policy
        except UserError:
            # The conversation has been deleted by another process.
            policy = None
        popover = self._header.gauge.show_popover(
            policy or ContextPolicy(self._services.settings.current.context_policy),
            can_grow=model_id is not None and not is_server_model(model_id),
        )
        popover.policy_chosen.connect(self.overrides.set_context_policy)
        popover.larger.clicked.connect(self._models.show_plan_of_selected)

    def _show_details(self, message: Message) -> None:
        from ui.conversation.answer_details import DetailsDialog

        provenance = message.provenance
        if provenance is not None:
            above = self._branch[: next(at for at, each in enumerate(self._branch) if each.id == message.id)]
            seen = [each for before in above if before.id not in provenance.left_out for each in before.attachments]
            whole = [each.name for each in seen if each.picture is None] if provenance.documents is None else []
            whole += provenance.whole_documents
            name = self._models.name_of(provenance.model_id)
            dialog = DetailsDialog(message, provenance, name, self._window, whole=whole)
            dialog.finished.connect(self._return_to_field)
            show_dialog(dialog)

    def _return_to_field(self) -> None:
        """Let the user type after a dialog, where a message did not have the keyboard focus before."""
        transcript = self._transcript
        if self._window.focusWidget() is not transcript or transcript.state.focused_message < 0:
            self._composer.field.setFocus()

    def _show_passage(self, message: Message, number: int) -> None:
        """Show one of the passages that an answer was made from, or all of them in the details."""
        provenance = message.provenance
        use = provenance.documents if provenance is not None else None
        places = groups(use) if use is not None else []
        whole = provenance.whole_documents if provenance is not None and use is None else ()
        if number >= MAX_PLACES and len(places or whole) > MAX_PLACES + 1:
            self._show_details(message)
            return
        of_folder = self.session.folder_documents()
        if whole:
            found = next((each for each in of_folder.values() if each.name == whole[number]), None)
            self._show_document(found)
            return
        attachments = dict(enumerate(each for above in self._branch for each in above.attachments)) | of_folder
        excerpt, passages = places[number]
        attachment = attachments.get(excerpt.attachment)
        has_changed = attachment is None or attachment.name != excerpt.name
        self._show_document(None if has_changed else attachment, passages, given=excerpt.passages)

    def _show_document(
        self, document: Attachment | None, passages: Sequence[GivenPassage] = (), given: Sequence[GivenPassage] = ()
    ) -> None:
        """Show a document that an answer was made from; None says that it was removed."""
        if document is None:
            self._notice.show_message(self.tr("The document was removed from the folder."))
        else:
            self.attachments.show(document, passages, given=given)

    def _given(self, question: Message, name: str) -> tuple[GivenPassage, ...]:
        """Return the passages of an attachment from which the shown answer to a question was made."""
        answer = next((each for each in self._branch if each.parent_id == question.id), None)
        use = answer.provenance.documents if answer is not None and answer.provenance is not None else None
        return next((each.passages for each in use.excerpts if each.name == name), ()) if use is not None else ()

    def _show_source(self, message: Message, number: int) -> None:
        """Open one of the web pages that an answer was made from, or show all of them in the details."""
        sources = sources_of(message.content)
        if number >= MAX_SOURCES and len(sources) > MAX_SOURCES + 1:
            self._show_details(message)
        elif number < len(sources):
            self._external.ask_to_open(sources[number].url)

    # Display

    def _item(self, message: Message) -> Item:
        answer = self.session.answers.get(message.id)
        if answer is not None:
            # With the text that has arrived but is not stored yet.
            message = replace(message, content=answer.text, status=Status.STREAMING)
        return self._items.item(
            message,
            self._siblings.get(message.id, ()),
            is_last=message.id == self._branch[-1].id,
            can_fork=not self.session.is_temporary,
            can_remember=self._services.settings.current.memory,
            horizon=self.context.horizon,
            author=self._models.name_of(self._model_of(message)) if self._mixes_models else "",
        )

    def _model_of(self, message: Message) -> str:
        """Return the id of the model of an answer; empty where it is not known."""
        answer = self.session.answers.get(message.id)
        if answer is not None:
            return answer.model_id
        return message.provenance.model_id if message.provenance is not None else ""

    def model_elsewhere(self) -> str:
        """Return the id of the model of the last answer where that came from another place than the next one would.

        A place is this computer, or a server.  Empty where it is the same, not known, or an answer is running.
        """
        # An imported answer has no sampling.
        known = (each.provenance for each in reversed(self._branch) if each.provenance is not None)
        last = next((each for each in known if each.sampling is not None), None)
        model_id, endpoint = self._models.model_id() or "", None
        if last is None or self.session.running is not None:
            return ""
        try:
            if is_server_model(model_id):
                endpoint = self._services.servers.get(split_model_id(model_id)[0]).url
        except UserError:
            # The next question reports that the server was removed.
            return ""
        return last.model_id if last.endpoint != endpoint else ""

    def _has_several_models(self) -> bool:
        """Return whether several models have answered in the shown branch, or in other versions of its messages."""
        models = {self._model_of(message) for message in self._branch}
        store, shown = self.session.store, {message.id for message in self._branch}
        others = (id_ for versions in self._siblings.values() for id_ in versions if id_ not in shown)
        while len(models - {""}) < 2 and (id_ := next(others, None)) is not None:
            models.add(self._model_of(store.message(id_)))
        return len(models - {""}) > 1

    def _show_message(self, message_id: str) -> None:
        message = next((each for each in self._branch if each.id == message_id), None)
        if message is not None:
            self._transcript.update_item(self._item(message))

    def _show_waiting(self) -> None:
        answer = self.session.running
        if answer is not None and answer.first_token_at is None:
            text = self._items.waiting(answer, self._models.name_of(answer.model_id))
            self._transcript.set_waiting(answer.message.id, text)

    def _track_context(self) -> None:
        model_id = self._models.model_id() or ""
        try:
            prompt, documents = self.session.effective(model_id).system_prompt, self.session.folder_documents()
        except UserError:
            # The conversation has been deleted by another process.
            return
        self.context.show(self._branch, prompt, documents, self.session.running, model_id)

    def _update_context(self, change: Callable[[], None]) -> None:
        before = self.context.horizon
        change()
        after = self.context.horizon
        if before != after:
            for horizon in (before, after):
                for message_id in (horizon.first_seen, *horizon.still_seen) if horizon is not None else ():
                    self._show_message(message_id)
        self._show_context()

    def _show_context(self) -> None:
        self._show_unread_pictures()
        use, chips = self.context.use, self._composer.chips
        size = use.size or trained_context(self._services, self._models.model_id() or "")
        room = size - use.used - room_for_answer(size, None)
        chips.set_room(room if size else None)
        # Of attachments that don't fit, passages are given as far as there is room.
        if added := min(chips.tokens, max(0, room)):
            use = replace(use, used=use.used + added, is_estimate=True)
        self._header.gauge.set_use(use)

    def _show_unread_pictures(self) -> None:
        """Show at the pictures in the composer whether the selected model reads them."""
        if self._composer.chips.has_pictures:
            are_read = reads_pictures(self._services, self._models.model_id() or "") is not False
            self._composer.chips.set_pictures_read(are_read)

    def _show_error(self, error: UserError) -> None:
        shown = self.session.conversation_id
        self._notice.show_error(error_text(error), is_true=lambda: self.session.conversation_id == shown)
