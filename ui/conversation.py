"""The conversation that is open: asks, shows what comes, stops, retries, continues.

Keeps no fact of its own that would be lost: messages live in the store, a running answer in the worker's turn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from app.chat.conversation import Message, Status
from app.chat.prompt import first_system_prompt, prompt_messages, title_from
from app.chat.source import ChatEvent, ChatRequest, Finished, Loaded, Piece, Replanned
from app.chat.turn import TurnResult
from app.services import Services
from app.sources import source_for
from app.words.plans import replanned_sentence
from model_manager.errors import UserError
from ui.bridge import TurnSignals
from ui.error_text import CONTEXT, error_text
from ui.message_items import MessageItems
from ui.running import RunningAnswer, StoppableSource, start_answer
from ui.transcript.widget import Transcript

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
    context_used = Signal(int)
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
        self._model_id, self._model_name = model_id, model_name
        self._services = services
        self._transcript = transcript
        self._words = MessageItems(self)
        self._running: dict[str, RunningAnswer] = {}
        self.conversation_id: str | None = None
        self._signals = TurnSignals(self)
        self._signals.came.connect(self._on_event)
        self._signals.ended.connect(self._on_ended)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._refresh_waiting)
        transcript.action_requested.connect(self._on_action)

    def open(self, conversation_id: str | None, message_id: str = "", needle: str = "") -> None:
        """Show a conversation, at a message where one is named; None shows a new, empty one.

        Raises:
            UserError: ``conversation_missing``, or what the store raises.
        """
        if conversation_id is not None and message_id:
            shown = {message.id for message in self._services.store.branch(conversation_id)}
            if message_id not in shown:
                self._services.store.select_leaf(conversation_id, message_id)
        self.conversation_id = conversation_id
        self.refresh()
        if message_id:
            self._transcript.scroll_to_item(message_id, needle)
        self.running_changed.emit()

    def refresh(self) -> None:
        """Show the conversation anew, as after a change of language."""
        messages = self._services.store.branch(self.conversation_id) if self.conversation_id else []
        self._transcript.set_items(self._words.items([self._as_it_is(message) for message in messages]))
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

    def ask(self, question: str, model_id: str) -> None:
        """Keep the question, and have it answered.

        Raises:
            UserError: it could not be kept; nothing was begun.
        """
        store = self._services.store
        if self.conversation_id is None:
            conversation = store.create(
                title=title_from(question),
                system_prompt=first_system_prompt(self._services.settings.now.system_prompt, model_id),
                model_id=model_id,
            )
            self.conversation_id = conversation.id
            self._transcript.set_items([])
        asked, answer = store.begin_turn(self.conversation_id, question)
        self._transcript.append_item(self._words.item(asked))
        self._transcript.append_item(self._words.item(answer))
        self._start(answer, model_id)
        self.changed.emit()

    def retry(self, message_id: str, model_id: str) -> None:
        """Another answer to the same question, beside the one that is there.

        Raises:
            UserError: as the store does.
        """
        message = self._services.store.message(message_id)
        if message.parent_id is None:
            return
        answer = self._services.store.begin_answer(message.conversation_id, message.parent_id)
        self.refresh()
        self._start(answer, model_id)

    def go_on(self, message_id: str, model_id: str) -> None:
        """Continue an answer from where it ended.

        Raises:
            UserError: as the store does.
        """
        answer = self._services.store.resume_answer(message_id)
        self._transcript.update_item(self._words.item(answer))
        self._start(answer, model_id)

    def stop(self) -> None:
        """End the answer under way in the shown conversation."""
        running = self.running()
        if running is not None:
            running.source.stop()

    def _start(self, answer: Message, model_id: str) -> None:
        services = self._services
        settings = services.settings.now
        branch = services.store.branch(answer.conversation_id)
        question = next(place for place, message in enumerate(branch) if message.id == answer.id)
        conversation = services.store.get(answer.conversation_id)
        services.store.set_model(answer.conversation_id, model_id)
        request = ChatRequest(
            prompt_messages(conversation.system_prompt, branch[:question]), settings.sampling(), answer.content
        )
        source = source_for(services, model_id)
        running = RunningAnswer(answer, self._model_name(), StoppableSource(source), answer.content)
        self._running[answer.id] = running
        start_answer(services, running, request, self._signals, source.origin)
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
            self.told.emit(replanned_sentence(event.plan, partial(QCoreApplication.translate, CONTEXT)))
        if isinstance(event, Loaded | Finished):
            self.running_changed.emit()
        if running.message.conversation_id != self.conversation_id:
            return
        if isinstance(event, Piece):
            if before is None:
                self._transcript.set_waiting(message_id, "")
            self._transcript.append_text(message_id, event.text)
            self.context_used.emit(event.context_used)
            speed = running.speed()
            if speed is not None:
                self.speed_changed.emit(self._words.speed(speed))
        else:
            self._refresh_waiting()
            self.running_changed.emit()

    def _on_ended(self, message_id: str, result: TurnResult) -> None:
        self._running.pop(message_id, None)
        if not self._running:
            self._tick.stop()
        if result.message.conversation_id == self.conversation_id:
            self._transcript.set_waiting(message_id, "")
            self._transcript.update_item(self._words.item(result.message))
        if result.error is not None:
            self.failed.emit(result.error)
        if result.save_error is not None:
            self.complaint.emit(error_text(result.save_error))
        self.running_changed.emit()
        self.changed.emit()

    def _refresh_waiting(self) -> None:
        running = self.running()
        if running is not None and running.first_token_at is None:
            self._transcript.set_waiting(running.message.id, running.waiting_text(self._words))

    def _as_it_is(self, message: Message) -> Message:
        running = self._running.get(message.id)
        return dataclasses.replace(message, content=running.text, status=Status.STREAMING) if running else message

    def _on_action(self, action: str, message_id: str) -> None:
        try:
            if action == "copy":
                QGuiApplication.clipboard().setText(self._services.store.message(message_id).content)
                return
            model_id = self._model_id()
            if model_id is None or self.running() is not None:
                return
            if action == "retry":
                self.retry(message_id, model_id)
            else:
                self.go_on(message_id, model_id)
        except UserError as error:
            self.complaint.emit(error_text(error))
