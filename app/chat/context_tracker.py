"""Tracker of how full the context of the open conversation is, and of which messages the model no longer sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.backend import ChatEvent, ContextFitted, ModelLoaded, TextDelta
from app.chat.answer import RunningAnswer
from app.chat.context import VisibleContext, context_use, horizon
from app.context import ContextUse
from app.conversation import Attachment, Message


class ContextTracker:
    """Context use of one branch: the engine's own count wherever there is one, else an estimate."""

    def __init__(self, size: Callable[[str], int]) -> None:
        """``size`` returns the context in tokens of the next request to a model, 0 where it is not known."""
        self._size = size
        self._reported: dict[str, int] = {}
        """Contexts that backends have reported, by model id."""
        self._branch: Sequence[Message] = ()
        self._base = self.use = ContextUse(0, 0)
        self.horizon: VisibleContext | None = None

    def show(
        self,
        branch: Sequence[Message],
        system_prompt: str,
        documents: Mapping[int, Attachment],
        answer: RunningAnswer | None,
        model_id: str,
    ) -> None:
        """Track another branch, or another state of it, with the documents of its folder and its running answer."""
        self._branch = branch
        self._base = context_use(branch, system_prompt, 0, documents)
        self.update(answer, model_id)

    def handle(self, answer: RunningAnswer, event: ChatEvent) -> None:
        """Track an event of the running answer that has been applied to it."""
        if isinstance(event, TextDelta):
            if event.context_used:
                self.use = replace(self.use, used=event.context_used, is_estimate=answer.backend.is_remote)
        elif isinstance(event, ModelLoaded | ContextFitted):
            if isinstance(event, ModelLoaded) and event.context:
                self._reported[answer.model_id] = event.context
            self.update(answer, answer.model_id)

    def update(self, answer: RunningAnswer | None, model_id: str) -> None:
        """Recompute the use, as after the choice of another model."""
        use = self._base
        if answer is not None and answer.fitted is not None:
            use = replace(use, left_out=answer.fitted.left_out)
            if answer.context_used:
                use = replace(use, used=answer.context_used, is_estimate=answer.backend.is_remote)
            elif answer.fitted.prompt_tokens:
                use = replace(use, used=answer.fitted.prompt_tokens, is_estimate=answer.backend.is_remote)
        size = self._size(model_id) or self._reported.get(model_id, 0) or self._answer_size(model_id)
        if not self._branch and size:
            # Of documents that don't fit, passages are given.
            use = replace(use, used=min(use.used, size))
        self.use = replace(use, size=size)
        self.horizon = horizon(self._branch, use.left_out)

    def _answer_size(self, model_id: str) -> int:
        """Return the context of the model's newest answer whose plan says it."""
        made = (message.provenance for message in reversed(self._branch) if message.provenance is not None)
        sizes = (each.plan.get("context") for each in made if each.model_id == model_id)
        return next((size for size in sizes if isinstance(size, int) and size > 0), 0)
