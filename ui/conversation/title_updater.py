"""Better titles once the first answers are there: from a later question, from the answer, or asked of the model.

Never in place of a title that a person chose, and never in the way of a question.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from app.backend import ChatEvent, Finished, Piece
from app.backends import backend_for
from app.chat.titles import cleaned, first_title, is_greeting, is_telling, title_from, title_from_answer, title_request
from app.conversation import Message, Role, Status
from app.servers.registry import is_server_model
from app.services import Services
from model_manager.cancellation import CancelToken
from model_manager.errors import Cancelled, UserError
from ui.conversation.running_answer import RunningAnswer

QUICK_S = 20.0
"""A model that takes longer for an answer is not asked for a title."""
EXCHANGES = 3
"""So many questions are looked at for a title."""
MANY = 64
"""Messages, versions included: such a conversation had its title long ago, and reading it all takes a while."""

logger = logging.getLogger(__name__)


class Titling(QObject):
    """Names conversations in the moments of rest after an answer."""

    named = Signal()

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._asked: CancelToken | None = None

    def make_way(self) -> None:
        """A question comes: give up the title that is being asked for."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.cancel()

    def consider(self, running: RunningAnswer, answer: Message, *, is_waited_for: bool) -> None:
        """An answer ended; ``is_waited_for`` tells whether the model has something else to do."""
        try:
            self._consider(running, answer, is_waited_for)
        except UserError as error:
            # A title is not worth a complaint; what keeps the store from writing is told where it matters.
            logger.warning("no title: %s", error.code)

    def _consider(self, running: RunningAnswer, answer: Message, is_waited_for: bool) -> None:
        store = self._services.store
        conversation = store.get(answer.conversation_id)
        if conversation.title_is_chosen or answer.status is not Status.COMPLETE or conversation.message_count > MANY:
            return
        questions = [message for message in store.branch(conversation.id) if message.role is Role.USER]
        if len(questions) > EXCHANGES or conversation.title != first_title(
            questions[0].content, questions[0].attachments
        ):
            return
        telling = next((each for each in questions if is_telling(each.content)), None)
        title = title_from(telling.content) if telling else title_from_answer(answer.content)
        if title:
            if title != conversation.title:
                store.set_automatic_title(conversation.id, title)
                self.named.emit()
        elif not all(is_greeting(each.content) for each in questions) and not is_waited_for:
            self._ask(running, answer)

    def _ask(self, running: RunningAnswer, answer: Message) -> None:
        services = self._services
        is_slow = time.monotonic() - running.asked_at > QUICK_S
        # A server may charge for it.
        if is_slow or is_server_model(running.model_id) or not services.settings.now.titles_by_model:
            return
        backend = backend_for(services, running.model_id)
        token = self._asked = CancelToken()
        request = title_request(running.request.messages, answer.content)

        def job() -> None:
            try:
                title = _answered(backend.stream(request, token))
                if title and not token.is_cancelled:
                    services.store.set_automatic_title(answer.conversation_id, title)
                    self.named.emit()
            except Cancelled:
                return
            except UserError as error:
                logger.warning("no title: %s", error.code)

        services.worker.submit(job, token)


def _answered(events: Iterable[ChatEvent]) -> str:
    """The title that was written to its end; empty where it was cut short."""
    text, reason = "", ""
    for event in events:
        if isinstance(event, Piece):
            text += event.text
        elif isinstance(event, Finished):
            reason = event.finish_reason
    has_end = reason == "stop" or (reason == "length" and "\n" in text.strip())
    return cleaned(text) if has_end else ""
