"""The conversation that is open: asks, shows what comes, stops, retries, continues.

Keeps no fact of its own that would be lost: messages live in the store, a running answer in the worker's turn.  A
temporary conversation lives in a store of its own that ends with it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from app.backend import ChatEvent, ChatRequest, Finished, Loaded, Piece, Replanned
from app.backends import AnswerBackend, backend_for
from app.chat.context import left_out_before
from app.chat.prompt import prompt_messages
from app.chat.titles import first_title
from app.chat.turn import TurnResult
from app.config.presets import Choices
from app.conversation import Attachment, ContextPolicy, Message, Role, Status
from app.messages.plans import replanned_sentence
from app.services import Services
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.bridge import TurnSignals
from ui.conversation.context_state import ShownContext
from ui.conversation.conversation_options import OwnChoices
from ui.conversation.message_items import MessageItems
from ui.conversation.running_answer import RunningAnswer, start_answer
from ui.conversation.title_updater import Titling
from ui.transcript.item import Item
from ui.transcript.transcript import Transcript
from ui.widgets.error_text import CONTEXT, error_text

TICK_MS = 1000


class ConversationPage(QObject):
    """The transcript's owner.  One conversation is shown; answers of others may run on."""

    changed = Signal()
    """Titles, order or number of the conversations."""
    running_changed = Signal()
    complaint = Signal(str)
    told = Signal(str)
    """Something a person may want to know; nothing has to be done."""
    failed = Signal(object)
    """The ``UserError`` that ended an answer."""
    answered = Signal(object, float, bool)
    """The ``Message`` of an ended answer, the seconds since it was asked for, whether its conversation is stored."""
    speed_changed = Signal(str)

    def __init__(
        self,
        services: Services,
        transcript: Transcript,
        model_id: Callable[[], str | None],
        model_name: Callable[[], str],
        parent: QObject,
    ) -> None:
        """``model_id`` and ``model_name`` tell the model that would answer now."""
        super().__init__(parent)
        self.model_id, self._model_name = model_id, model_name
        self._services = services
        self._transcript = transcript
        self._words = MessageItems(self)
        self._own = OwnChoices(services, self)
        self._running: dict[str, RunningAnswer] = {}
        self._siblings: dict[str, tuple[str, ...]] = {}
        self._temporary: ConversationStore | None = None
        self.conversation_id: str | None = None
        self._titling = Titling(services, self)
        self._titling.named.connect(self.changed)
        self.context = ShownContext(services, model_id, self.update_message, self)
        self._signals = TurnSignals(self)
        self._signals.came.connect(self._on_event)
        self._signals.ended.connect(self._on_ended)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._refresh_waiting)

    @property
    def store(self) -> ConversationStore:
        """The store in which the shown conversation lives."""
        return self._temporary or self._services.store

    @property
    def is_temporary(self) -> bool:
        """Whether the shown conversation is never stored."""
        return self._temporary is not None

    def open(self, conversation_id: str | None, message_id: str = "", needle: str = "") -> None:
        """Show a conversation, at a message where one is named; None shows a new, empty one.

        A temporary one that was shown is gone.

        Raises:
            UserError: ``conversation_missing``, or what the store raises.
        """
        store = self._services.store
        if conversation_id is not None:
            shown = {message.id for message in store.branch(conversation_id)}
            if message_id and message_id not in shown:
                store.select_leaf(conversation_id, message_id)
        self._drop_temporary()
        self._show(conversation_id)
        if message_id:
            self._transcript.scroll_to_item(message_id, needle)

    def begin_temporary(self) -> None:
        """Show a new, empty conversation that is never stored."""
        self._drop_temporary()
        self._temporary = ConversationStore.in_memory()
        self._show(None)

    def keep(self) -> None:
        """Store the temporary conversation after all; an answer under way goes on.

        Raises:
            UserError: it could not be stored; it is as it was.
        """
        if self._temporary is None:
            return
        self._services.store.merge(self._temporary.trees())
        for running in self._running.values():
            running.is_kept = running.is_kept or running.store is self._temporary
        self._drop_temporary()
        self.changed.emit()
        self.running_changed.emit()

    def leave(self) -> None:
        """The window closes."""
        self._drop_temporary()

    def refresh(self) -> None:
        """Show the conversation anew, as after a change of language."""
        messages = self.store.branch(self.conversation_id) if self.conversation_id else []
        self._siblings = self.store.siblings(self.conversation_id) if self.conversation_id else {}
        system_prompt = self.store.get(self.conversation_id).system_prompt if self.conversation_id else ""
        self.context.show(messages, system_prompt, self.running())
        shown = [self._as_it_is(message) for message in messages]
        self._transcript.set_items(self._words.items(shown, self._siblings, self.context.line))
        self._refresh_waiting()

    def is_empty(self) -> bool:
        """Whether nothing was said yet."""
        return self.conversation_id is None

    def running(self) -> RunningAnswer | None:
        """The answer under way in the shown conversation."""
        for running in self._running.values():
            if running.message.conversation_id == self.conversation_id:
                return running
        return None

    def is_any_running(self) -> bool:
        """Whether any answer is under way."""
        return bool(self._running)

    def update_message(self, message_id: str) -> None:
        """Show one message as it is in the store now."""
        self._transcript.update_item(self._item(self._as_it_is(self.store.message(message_id))))

    def step(self, message_id: str, steps: int) -> None:
        """Show another version of a message, so many after this one in the order of their making."""
        versions = self._siblings.get(message_id, ())
        place = versions.index(message_id) + steps if message_id in versions else -1
        if self.conversation_id is not None and 0 <= place < len(versions):
            self.store.select_leaf(self.conversation_id, versions[place])
            self.refresh()
            self._transcript.scroll_to_item(versions[place])
            self.running_changed.emit()

    def last_item(self, role: Role) -> Item | None:
        """The last message of a role, as it is shown."""
        return next((item for item in reversed(self._transcript.page.items) if item.role is role), None)

    # What the conversation has of its own

    def choices(self) -> Choices:
        """What it has, or will begin with."""
        return self._own.of(self.store, self.conversation_id)

    def choose(self, choices: Choices) -> None:
        """Give it these from the next answer on.  Raises UserError as the store does."""
        self._own.choose(self.store, self.conversation_id, choices)

    # Asking

    def ask(
        self,
        question: str,
        model_id: str,
        attachments: Sequence[Attachment] = (),
        instead_of: str | None = None,
    ) -> None:
        """Keep the question, beside the earlier one ``instead_of`` where one is named, and have it answered.

        Raises:
            UserError: it could not be kept; nothing was begun.
        """
        source = backend_for(self._services, model_id)
        conversation_id = self.conversation_id or self._begin(first_title(question, attachments), model_id)
        asked, answer = self.store.begin_turn(
            conversation_id, question, instead_of=instead_of, attachments=tuple(attachments)
        )
        if instead_of is None:
            self.context.begin((asked, answer))
            for message in (asked, answer):
                self._transcript.append_item(self._words.item(message))
        else:
            self._show_branch_of(asked)
        self._start(answer, model_id, source)
        self.changed.emit()

    def retry(self, message_id: str, model_id: str) -> None:
        """Another answer to the same question, beside those that are there; ``message_id`` is one of them, or its.

        Raises:
            UserError: as the store does.
        """
        source = backend_for(self._services, model_id)
        message = self.store.message(message_id)
        question_id = message.id if message.role is Role.USER else message.parent_id
        if question_id is None:
            return
        answer = self.store.begin_answer(message.conversation_id, question_id)
        self._show_branch_of(answer)
        self._start(answer, model_id, source)

    def go_on(self, message_id: str, model_id: str) -> None:
        """Continue an answer from where it ended.

        Raises:
            UserError: as the store does.
        """
        source = backend_for(self._services, model_id)
        answer = self.store.resume_answer(message_id)
        self._transcript.update_item(self._item(answer))
        self._start(answer, model_id, source)

    def stop(self) -> None:
        """End the answer under way in the shown conversation."""
        running = self.running()
        if running is not None:
            running.token.cancel()

    def _begin(self, title: str, model_id: str) -> str:
        conversation = self._own.begin(self.store, title, model_id)
        self.conversation_id = conversation.id
        self._transcript.set_items([])
        return conversation.id

    def _show_branch_of(self, message: Message) -> None:
        self.store.select_leaf(message.conversation_id, message.id)
        self.refresh()
        self._transcript.jump_to_newest()

    def _start(self, answer: Message, model_id: str, source: AnswerBackend) -> None:
        self._titling.make_way()
        services, store = self._services, self.store
        settings = services.settings.now
        branch = store.branch(answer.conversation_id)
        place = next(place for place, message in enumerate(branch) if message.id == answer.id)
        conversation = store.get(answer.conversation_id)
        store.update(answer.conversation_id, model_id=model_id)
        request = ChatRequest(
            prompt_messages(conversation.system_prompt, branch[:place]),
            conversation.sampling or settings.sampling(),
            answer.content,
            conversation.context_policy or ContextPolicy(settings.context_policy),
            left_out_before(branch[: place + 1]),
        )
        running = RunningAnswer(answer, self._model_name(), source, answer.content, store, model_id, request)
        self._running[answer.id] = running
        start_answer(services.worker, running, self._signals, source.origin)
        self._tick.start()
        self._refresh_waiting()
        self.running_changed.emit()

    def _on_event(self, message_id: str, event: ChatEvent) -> None:
        running = self._running.get(message_id)
        if running is None:
            return
        before = running.first_token_at
        running.take(event)
        if isinstance(event, Replanned):
            self.told.emit(replanned_sentence(event.plan, partial(QCoreApplication.translate, CONTEXT), event.because))
        if isinstance(event, Loaded | Finished):
            self.running_changed.emit()
        if running.message.conversation_id != self.conversation_id:
            return
        self.context.take(event)
        if isinstance(event, Piece):
            if before is None:
                self._transcript.set_waiting(message_id, "")
            self._transcript.append_text(message_id, event.text)
            speed = running.speed()
            if speed is not None:
                self.speed_changed.emit(self._words.speed(speed))
        else:
            self._refresh_waiting()
            self.running_changed.emit()

    def _on_ended(self, message_id: str, result: TurnResult) -> None:
        running = self._running.pop(message_id)
        if not self._running:
            self._tick.stop()
        message = result.message
        if running.is_kept:
            self._keep_answer(message)
        if message.conversation_id == self.conversation_id:
            self._transcript.set_waiting(message_id, "")
            self._transcript.update_item(self._item(message))
            self.context.end(running.store, message)
        if result.error is not None:
            self.failed.emit(result.error)
        if result.save_error is not None:
            self.complaint.emit(error_text(result.save_error))
        self.running_changed.emit()
        is_stored = running.store is self._services.store or running.is_kept
        if is_stored:
            self._titling.consider(running, message, is_waited_for=bool(self._running))
            self.changed.emit()
        self.answered.emit(message, time.monotonic() - running.asked_at, is_stored)

    def _keep_answer(self, message: Message) -> None:
        try:
            self._services.store.finish_answer(
                message.id, message.content, message.status, message.made_by, message.error
            )
        except UserError as error:
            self.complaint.emit(error_text(error))

    def _show(self, conversation_id: str | None) -> None:
        self.conversation_id = conversation_id
        self._own.forget()
        self._words.forks = not self.is_temporary
        self.refresh()
        self.running_changed.emit()

    def _drop_temporary(self) -> None:
        store, self._temporary = self._temporary, None
        if store is None:
            return
        for running in self._running.values():
            if running.store is store and not running.is_kept:
                running.token.cancel()
        # After the answer that may still be writing to it.
        self._services.worker.submit(store.close)

    def _refresh_waiting(self) -> None:
        running = self.running()
        if running is not None and running.first_token_at is None:
            self._transcript.set_waiting(running.message.id, running.waiting_text(self._words))

    def _item(self, message: Message) -> Item:
        return self._words.item(message, self._siblings.get(message.id, ()), line=self.context.line)

    def _as_it_is(self, message: Message) -> Message:
        running = self._running.get(message.id)
        return dataclasses.replace(message, content=running.text, status=Status.STREAMING) if running else message
