"""Saver of drafts: what is written in the composer and not sent yet."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.chat.session import ChatSession
from app.config.drafts import Draft, Drafts
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.composer.composer import Composer
from ui.widgets.job import run_job

SAVE_MS, SAVE_LARGE_MS = 1000, 5000
LARGE = 1 << 20
"""Attachments above this size, in characters or bytes, are written less often."""


class DraftSaver(QObject):
    """Keeps the draft of each conversation, except of temporary ones, and writes them to their file."""

    failed = Signal(UserError)
    """The first of several failures in a row."""

    def __init__(
        self, drafts: Drafts, store: ConversationStore, session: ChatSession, composer: Composer, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._drafts, self._store, self._session, self._composer = drafts, store, session, composer
        self._has_failed = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._save)
        composer.changed.connect(self._update)
        self._forget_missing()

    def show(self) -> None:
        """Show the draft of the open conversation in the composer."""
        is_temporary = self._session.is_temporary
        self._composer.show_draft(Draft() if is_temporary else self._drafts.get(self._session.conversation_id))

    def set(self, conversation_id: str | None, draft: Draft) -> None:
        """Set the draft of a conversation; None is the new one."""
        if self._drafts.put(conversation_id, draft) and not self._timer.isActive():
            size = sum(len(each.content or (each.picture and each.picture.data) or "") for each in draft.attachments)
            self._timer.start(SAVE_LARGE_MS if size > LARGE else SAVE_MS)

    def refresh(self) -> None:
        """Adapt to changes of the store by an import, a restored backup or the deletion of all data."""
        self._forget_missing()
        session = self._session
        if not session.is_temporary and self._drafts.get(session.conversation_id) != self._composer.draft():
            self.show()

    def close(self) -> None:
        """Write the drafts a last time."""
        self._timer.stop()
        try:
            self._drafts.save()
        except UserError as error:
            self._fail(error)

    def _update(self) -> None:
        if not self._session.is_temporary:
            self.set(self._session.conversation_id, self._composer.draft())

    def _forget_missing(self) -> None:
        """Forget the drafts of conversations that were permanently deleted."""
        ids = self._drafts.conversation_ids()
        try:
            present = [id_ for id_ in ids if self._store.number_of(id_) is not None]
        except UserError:
            # Then it is not known which are missing.
            return
        self._drafts.keep_only(present)

    def _save(self) -> None:
        run_job(self, self._drafts.save, self._succeed, self._fail)

    def _succeed(self, _none: None) -> None:
        self._has_failed = False

    def _fail(self, error: UserError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(error)
