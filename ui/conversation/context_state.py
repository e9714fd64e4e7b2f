"""How full the context of the shown conversation is, and where the line stands above which the model no longer sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.backend import ChatEvent, Fitted, Loaded, Piece
from app.chat.context import Horizon, context_use, horizon
from app.chat.context_use import ContextUse
from app.conversation import Message
from app.planning.overrides import wishes_for
from app.servers.registry import is_server_model
from app.services import Services
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.running_answer import RunningAnswer


class ShownContext(QObject):
    """Follows the conversation that is shown; what it tells is the engine's own count wherever there is one."""

    changed = Signal()
    """``use`` is another one."""

    def __init__(
        self,
        services: Services,
        model_id: Callable[[], str | None],
        update_message: Callable[[str], None],
        parent: QObject,
    ) -> None:
        """``model_id`` tells the model that would answer now; ``update_message`` shows a message anew by its id."""
        super().__init__(parent)
        self._services, self._model_id, self._update_message = services, model_id, update_message
        self.use = ContextUse(0, 0)
        self.line: Horizon | None = None
        self._branch: Sequence[Message] = ()
        self._size_of_answer = 0
        self._told: dict[str, int] = {}
        """Contexts that servers told, by the model's id."""
        self._known: tuple[object, int] | None = None

    def show(self, branch: Sequence[Message], system_prompt: str, running: RunningAnswer | None) -> None:
        """Another conversation or another state of it; where an answer is under way, what it told so far counts."""
        self._size_of_answer = _size_of(branch)
        use = context_use(branch, system_prompt, self._size())
        self._branch = branch
        if running is not None and running.fitted is not None:
            used = running.context_used or running.fitted.prompt_tokens
            use = replace(use, left_out=running.fitted.left_out)
            use = replace(use, used=used, is_estimate=False) if used else use
        self.line = horizon(branch, use.left_out)
        self._become(use)

    def begin(self, messages: Sequence[Message]) -> None:
        """Messages that were put to the end of the shown branch."""
        self._branch = (*self._branch, *messages)

    def take(self, event: ChatEvent) -> None:
        """What the answer under way in the shown conversation tells."""
        if isinstance(event, Loaded) and event.context:
            self._told[self._model_id() or ""] = event.context
            self.refresh()
        elif isinstance(event, Fitted):
            if event.prompt_tokens:
                about = is_server_model(self._model_id() or "")
                self._become(replace(self.use, used=event.prompt_tokens, is_estimate=about, size=event.context))
            self._leave_out(event.left_out)
        elif isinstance(event, Piece) and event.context_used:
            self._become(replace(self.use, used=event.context_used, is_estimate=False))

    def end(self, store: ConversationStore, message: Message) -> None:
        """The answer is complete, or failed."""
        made_by = message.made_by
        if made_by is not None and made_by.prompt_tokens and message.content.strip() and not message.error:
            self._size_of_answer = _size_of([message])
            used = made_by.prompt_tokens + made_by.completion_tokens
            self._become(replace(self.use, used=used, is_estimate=False, size=self._size()))
            self._leave_out(made_by.left_out)
            return
        try:
            branch = store.branch(message.conversation_id)
            system_prompt = store.get(message.conversation_id).system_prompt
        except UserError:
            # It was deleted meanwhile, and something else will be shown.
            return
        before = self.line
        self.show(branch, system_prompt, None)
        self._move_line(before)

    def look_again(self) -> None:
        """Another context may have been chosen for the model that would answer."""
        self._known = None
        self.refresh()

    def refresh(self) -> None:
        """The model that would answer is another one, or loaded otherwise."""
        self._become(replace(self.use, size=self._size()))

    def _leave_out(self, left_out: tuple[str, ...]) -> None:
        if left_out == self.use.left_out:
            return
        before, self.line = self.line, horizon(self._branch, left_out)
        self._become(replace(self.use, left_out=left_out))
        self._move_line(before)

    def _move_line(self, before: Horizon | None) -> None:
        """Show anew what stood at the line, and what stands there now."""
        if before == self.line:
            return
        touched: dict[str, None] = {}
        for line in (before, self.line):
            if line is not None:
                touched.update(dict.fromkeys((line.first_seen, *sorted(line.still_seen))))
        for message_id in touched:
            self._update_message(message_id)

    def _become(self, use: ContextUse) -> None:
        if use != self.use:
            self.use = use
            self.changed.emit()

    def _size(self) -> int:
        """Tokens of the context that the next question would find; 0 where nobody knows yet."""
        model_id = self._model_id()
        if model_id is None or is_server_model(model_id):
            return self._told.get(model_id or "", self._size_of_answer)
        key = (model_id, self._services.planning.loads.loaded, self._services.settings.now.context)
        if self._known is None or self._known[0] != key:
            self._known = (key, self._look(model_id))
        return self._known[1] or self._size_of_answer

    def _look(self, model_id: str) -> int:
        services = self._services
        loaded = services.planning.loads.loaded
        wished = wishes_for(services.settings.now, services.planning.wished.of(model_id)).context
        try:
            if loaded is not None and loaded.wanted.path == services.library.resolve(model_id).path:
                # Otherwise the next question has it loaded anew.
                return loaded.result.context if wished == loaded.wanted.wishes.context else wished or 0
        except UserError:
            # Sending says what is wrong with it.
            return 0
        return wished or 0


def _size_of(branch: Sequence[Message]) -> int:
    """The context in which the newest answer was made."""
    plans = (message.made_by.plan for message in reversed(branch) if message.made_by is not None)
    sizes = (plan.get("context") for plan in plans)
    return next((size for size in sizes if isinstance(size, int) and size > 0), 0)
