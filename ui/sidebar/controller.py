"""Controller of the sidebar: searches, renames, pins, archives and deletes conversations, and undoes that."""

from __future__ import annotations

from collections.abc import Callable
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
Change = Callable[..., Ids]
"""Changes conversations by their ids, and returns the ids of those that it has changed."""


class SidebarController(QObject):
    """Connects the sidebar with the store.  The notice offers to undo."""

    def __init__(
        self, store: ConversationStore, sidebar: Sidebar, notice: NoticeBar, conversation: ConversationController
    ) -> None:
        super().__init__(sidebar)
        self._store, self._sidebar, self._notice, self._conversation = store, sidebar, notice, conversation
        sidebar.new_button.clicked.connect(lambda: conversation.open(None))
        sidebar.search_requested.connect(self._search)
        sidebar.action_requested.connect(self._act)
        sidebar.list.opened.connect(self._open)
        sidebar.list.delegate.title_edited.connect(self._rename)

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
        if conversation.session.is_empty or conversation.session.is_temporary:
            return
        try:
            conversation.refresh()
        except UserError:
            conversation.open(None)

    def open_neighbour(self, step: int) -> None:
        """Open the conversation ``step`` places below the open one in the list."""
        ids = [conversation.id for conversation in self._store.list()]
        open_id = self._conversation.session.conversation_id
        place = ids.index(open_id) + step if open_id in ids else 0
        if 0 <= place < len(ids):
            self._conversation.open(ids[place])

    def _open(self, conversation_id: str, message_id: str) -> None:
        """Open a conversation, or the message of a search result with the matches marked."""
        needle = self._sidebar.search_text() if message_id else ""
        self._conversation.open(conversation_id, message_id, needle)

    def _rename(self, conversation_id: str, title: str) -> None:
        self._notice.attempt(lambda: self._store.rename(conversation_id, title))
        self.refresh()

    def _act(self, action: str, ids: Ids) -> None:
        store = self._store
        match action:
            case "pin" | "unpin":
                self._change(partial(self._pin, is_pinned=action == "pin"), ids)
            case "archive":
                texts = self.tr("Conversation archived."), self.tr("{count} conversations archived.")
                self._remove(store.archive, store.unarchive, ids, texts)
            case "unarchive":
                self._change(store.unarchive, ids)
            case "delete":
                texts = self.tr("Conversation moved to trash."), self.tr("{count} conversations moved to trash.")
                self._remove(store.delete, store.restore, ids, texts)
            case "restore":
                self._restore(ids)
            case "purge":
                self._ask_to_purge(ids)

    def _change(self, change: Change, ids: Ids) -> Ids:
        """Return the ids of the conversations that ``change`` has changed; none where it failed."""
        changed: list[str] = []
        self._notice.attempt(lambda: changed.extend(change(*ids)))
        self.refresh()
        return tuple(changed)

    def _pin(self, *ids: str, is_pinned: bool) -> Ids:
        for id_ in ids:
            self._store.update(id_, is_pinned=is_pinned)
        return ids

    def _remove(self, remove: Change, restore: Change, ids: Ids, texts: tuple[str, str]) -> None:
        """Archive or delete, and offer to undo it; ``texts`` are the messages for one and for several."""
        # The archive does not keep pins.
        pinned = tuple(each.id for each in self._store.list() if each.is_pinned and each.id in ids)
        removed = self._change(remove, ids)
        conversation, session = self._conversation, self._conversation.session
        open_id = session.conversation_id
        was_open = open_id in removed and not session.is_temporary
        if was_open:
            session.stop()
            conversation.open(None)

        def undo() -> None:
            if self._change(restore, removed):
                self._change(partial(self._pin, is_pinned=True), pinned)
                if was_open:
                    conversation.open(open_id)

        if removed:
            text = texts[0] if len(removed) == 1 else texts[1].format(count=len(removed))
            self._notice.show_message(text, self.tr("Undo"), undo)

    def _restore(self, ids: Ids) -> None:
        restored = self._change(self._store.restore, ids)
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
            lambda: self._change(self._store.purge, ids),
            is_destructive=True,
        )

    def _search(self, text: str) -> None:
        store = self._store

        def search() -> list[SearchHit]:
            try:
                return store.search(text) if text else []
            except StoreClosed:
                # The program has ended meanwhile.
                return []

        def show(hits: list[SearchHit]) -> None:
            # A newer text has its own search.
            if text == self._sidebar.search_text():
                self._sidebar.set_hits(hits, text)

        run_job(self, search, show, lambda error: self._notice.show_error(error_text(error)))
