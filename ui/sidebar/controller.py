"""Controller of the sidebar: searches, renames, pins, archives and deletes conversations, and undoes that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject

from app.conversation import SearchHit
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.controller import ConversationController
from ui.sidebar.sidebar import Sidebar
from ui.widgets.dialog_parts import ask
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.notice import NoticeBar

Ids = tuple[str, ...]


class SidebarController(QObject):
    """Connects the sidebar with the store.  The notice offers to undo."""

    def __init__(
        self, store: ConversationStore, sidebar: Sidebar, notice: NoticeBar, conversation: ConversationController
    ) -> None:
        super().__init__(sidebar)
        self._store, self._sidebar, self._notice, self._conversation = store, sidebar, notice, conversation
        sidebar.search_requested.connect(self._search)
        sidebar.title_edited.connect(self._rename)
        sidebar.action_requested.connect(self._act)

    def refresh(self) -> None:
        """Show what is stored now."""
        store, sidebar = self._store, self._sidebar
        self._notice.attempt(lambda: sidebar.set_conversations(store.list(), store.list(archived=True), store.trash()))
        if sidebar.search_text():
            self._search(sidebar.search_text())

    def reload(self) -> None:
        """Show the list and the open conversation again after an import, a restored backup or an erasure."""
        self.refresh()
        conversation = self._conversation
        if conversation.is_empty or conversation.is_temporary:
            return
        try:
            conversation.refresh()
        except UserError:
            conversation.open(None)

    def open_neighbour(self, step: int) -> None:
        """Open the conversation ``step`` places below the open one in the list."""
        ids = [conversation.id for conversation in self._store.list()]
        open_id = self._conversation.conversation_id
        place = ids.index(open_id) + step if open_id in ids else 0
        if 0 <= place < len(ids):
            self._conversation.open(ids[place])

    def _rename(self, conversation_id: str, title: str) -> None:
        self._notice.attempt(lambda: self._store.rename(conversation_id, title))
        self.refresh()

    def _act(self, action: str, ids: Ids) -> None:
        match action:
            case "pin" | "unpin":
                self._pin(ids, action == "pin")
            case "archive":
                self._archive(ids)
            case "unarchive":
                self._change(partial(self._store.unarchive, *ids))
            case "delete":
                self._delete(ids)
            case "restore":
                self._restore(ids)
            case "purge":
                self._ask_to_purge(ids)

    def _change(self, change: Callable[[], Ids]) -> Ids:
        """Return the ids of the conversations that ``change`` has changed; none where it failed."""
        changed: list[str] = []
        self._notice.attempt(lambda: changed.extend(change()))
        self.refresh()
        return tuple(changed)

    def _pin(self, ids: Sequence[str], pinned: bool) -> None:
        def pin() -> None:
            for id_ in ids:
                self._store.update(id_, is_pinned=pinned)

        self._notice.attempt(pin)
        self.refresh()

    def _archive(self, ids: Ids) -> None:
        pinned: list[str] = []

        def archive() -> Ids:
            pinned.extend(each.id for each in self._store.list() if each.is_pinned and each.id in ids)
            return self._store.archive(*ids)

        archived = self._change(archive)
        was_open = self._close(archived)
        texts = self.tr("Conversation archived."), self.tr("{count} conversations archived.")

        def undo() -> None:
            if self._change(partial(self._store.unarchive, *archived)):
                self._pin(pinned, True)
                self._reopen(was_open)

        self._offer_undo(texts, len(archived), undo)

    def _delete(self, ids: Ids) -> None:
        deleted = self._change(partial(self._store.delete, *ids))
        was_open = self._close(deleted)
        texts = self.tr("Conversation deleted."), self.tr("{count} conversations deleted.")

        def undo() -> None:
            if self._change(partial(self._store.restore, *deleted)):
                self._reopen(was_open)

        self._offer_undo(texts, len(deleted), undo)

    def _restore(self, ids: Ids) -> None:
        restored = self._change(partial(self._store.restore, *ids))
        if len(restored) == 1:
            self._notice.show_message(
                self.tr("Conversation restored."), self.tr("Open"), partial(self._conversation.open, restored[0])
            )
        elif restored:
            self._notice.show_message(self.tr("{count} conversations restored.").format(count=len(restored)))

    def _ask_to_purge(self, ids: Ids) -> None:
        question = self.tr("Delete this conversation permanently?")
        if len(ids) > 1:
            question = self.tr("Delete {count} conversations permanently?").format(count=len(ids))
        ask(
            self._sidebar.window(),
            "purgeQuestion",
            self.tr("Delete permanently"),
            question,
            self.tr("This can't be undone. Earlier backups still contain what you delete."),
            ("purgeButton", self.tr("Delete permanently")),
            self.tr("Cancel"),
            lambda: self._change(partial(self._store.purge, *ids)),
            is_destructive=True,
        )

    def _search(self, text: str) -> None:
        if not text:
            self._sidebar.set_hits([])
            return
        store = self._store

        def search() -> list[SearchHit]:
            try:
                return store.search(text)
            except StoreClosed:
                # The program has ended meanwhile.
                return []

        def show(hits: list[SearchHit]) -> None:
            # A newer text has its own search.
            if text == self._sidebar.search_text():
                self._sidebar.set_hits(hits, text)

        run_job(self, search, show, lambda error: self._notice.show_error(error_text(error)))

    def _close(self, ids: Ids) -> str | None:
        """Close the open conversation if it is one of these, and return its id then."""
        conversation = self._conversation
        open_id = conversation.conversation_id
        if open_id not in ids or conversation.is_temporary:
            return None
        conversation.session.stop()
        conversation.open(None)
        return open_id

    def _reopen(self, conversation_id: str | None) -> None:
        if conversation_id is not None:
            self._conversation.open(conversation_id)

    def _offer_undo(self, texts: tuple[str, str], count: int, undo: Callable[[], None]) -> None:
        if count:
            text = texts[0] if count == 1 else texts[1].format(count=count)
            self._notice.show_message(text, self.tr("Undo"), undo)
