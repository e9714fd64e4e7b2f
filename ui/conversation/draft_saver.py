"""Keeps what is written and not sent: takes it at every change, saves it now and then, puts it back."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.config.drafts import Draft, Drafts
from app.services import Services
from model_manager.errors import UserError
from ui.composer.composer import Composer
from ui.conversation.conversation import ConversationPage
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job

SAVE_MS, SAVE_LARGE_MS = 1000, 5000
LARGE = 1 << 20
"""Characters; so much is not written every second."""


class Drafting(QObject):
    """Between the composer and the file of drafts.  What is written in a temporary conversation is not kept."""

    complaint = Signal(str)

    def __init__(self, services: Services, composer: Composer, page: ConversationPage) -> None:
        super().__init__(page)
        self._services, self._composer, self._page = services, composer, page
        self._complained = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._save)
        composer.changed.connect(self._take)
        self.forget_missing()

    @property
    def _drafts(self) -> Drafts:
        return self._services.drafts

    def show(self) -> None:
        """Put the draft of the shown conversation into the composer."""
        self._composer.show_draft(Draft() if self._page.is_temporary else self._drafts.get(self._page.conversation_id))

    def sent(self, conversation_id: str | None, draft: Draft) -> None:
        """The draft of this conversation was sent; it may have begun only with that."""
        if not self._page.is_temporary:
            self._put(conversation_id, draft.after())

    def became_temporary(self) -> None:
        """What is written for a new conversation shall not be stored."""
        self._put(None, Draft())

    def look_again(self) -> None:
        """Conversations came, or all of them went, and with them their drafts: what is shown follows."""
        self.forget_missing()
        if not self._page.is_temporary and self._drafts.get(self._page.conversation_id) != self._composer.draft():
            self.show()

    def forget_missing(self) -> None:
        """Forget drafts of conversations that are gone for good."""
        if not self._drafts.has_any():
            return
        store = self._services.store
        try:
            there = [each.id for each in (*store.list(), *store.list(archived=True), *store.trash())]
        except UserError:
            # Then nothing is known to be gone.
            return
        self._drafts.keep_only(there)

    def leave(self) -> None:
        """The window closes: save what there is."""
        self._timer.stop()
        try:
            self._drafts.save()
        except UserError as error:
            self._failed(error)

    def _take(self) -> None:
        if not self._page.is_temporary:
            self._put(self._page.conversation_id, self._composer.draft())

    def _put(self, conversation_id: str | None, draft: Draft) -> None:
        if self._drafts.put(conversation_id, draft) and not self._timer.isActive():
            size = sum(len(each.content) for each in draft.attachments)
            self._timer.start(SAVE_LARGE_MS if size > LARGE else SAVE_MS)

    def _save(self) -> None:
        run_job(self, self._drafts.save, self._saved, self._failed)

    def _saved(self, _none: None) -> None:
        self._complained = False

    def _failed(self, error: UserError) -> None:
        # Once, not every second.
        if not self._complained:
            self._complained = True
            self.complaint.emit(error_text(error))
