"""What happens to conversations from the sidebar: found, renamed, pinned, put away, deleted, and all of it undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox

from app.conversation import SearchHit
from app.store.connections import StoreClosed
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.conversation import ConversationPage
from ui.sidebar.sidebar import Sidebar
from ui.widgets.dialog_parts import show_dialog
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.notice import NoticeBar

Ids = tuple[str, ...]


class History(QObject):
    """Between the sidebar and the store.  What can be undone is offered in the notice."""

    open_wanted = Signal(object)
    """A conversation's id, or None for a new one."""

    def __init__(self, store: ConversationStore, sidebar: Sidebar, notice: NoticeBar, page: ConversationPage) -> None:
        super().__init__(page)
        self._store, self._sidebar, self._notice, self._page = store, sidebar, notice, page
        sidebar.search_wanted.connect(self._search)
        sidebar.rename_done.connect(self._rename)
        sidebar.pin_wanted.connect(self._pin)
        sidebar.archive_wanted.connect(self._archive)
        sidebar.delete_wanted.connect(self._delete)
        sidebar.restore_wanted.connect(self._restore)
        sidebar.purge_wanted.connect(self._ask_to_purge)

    def refresh(self) -> None:
        """Show what is stored now."""
        store = self._store

        def read() -> None:
            self._sidebar.set_conversations(
                store.list(), self._page.conversation_id, store.list(archived=True), store.trash()
            )

        self._notice.attempt(read)
        if self._sidebar.is_searching():
            # What was found may have gone, or have another title.
            self._search(self._sidebar.search.text().strip())

    def look_again(self) -> None:
        """Much may be different: show the list and the open conversation anew, or leave it where it is gone."""
        self.refresh()
        shown = self._page.conversation_id
        if shown is None or self._page.is_temporary:
            return
        try:
            self._store.get(shown)
            self._page.refresh()
        except UserError:
            self.open_wanted.emit(None)

    def _rename(self, conversation_id: str, title: str) -> None:
        self._notice.attempt(lambda: self._store.rename(conversation_id, title))
        self.refresh()

    def _pin(self, ids: Ids, pinned: bool) -> None:
        for id_ in ids:
            if not self._notice.attempt(partial(self._store.update, id_, is_pinned=pinned)):
                break
        self.refresh()

    def _archive(self, ids: Ids, archived: bool) -> None:
        pinned: list[str] = []
        moved: list[str] = []

        def move() -> None:
            pinned.extend(each.id for each in self._store.list() if each.is_pinned and each.id in ids)
            moved.extend(self._store.archive(*ids) if archived else self._store.unarchive(*ids))

        if not self._notice.attempt(move):
            return
        if archived:
            was_open = self._leave(ids)
            self._tell(
                self.tr("Conversation archived."),
                self.tr("{count} conversations archived."),
                len(moved),
                partial(self._undo_archive, moved, pinned, was_open),
            )
        self.refresh()

    def _undo_archive(self, ids: Sequence[str], pinned: Sequence[str], was_open: str | None) -> None:
        if self._notice.attempt(lambda: self._store.unarchive(*ids)):
            self._pin(tuple(pinned), True)
            self._come_back(was_open)

    def _delete(self, ids: Ids) -> None:
        moved: list[str] = []
        if not self._notice.attempt(lambda: moved.extend(self._store.delete(*ids))):
            return
        was_open = self._leave(ids)
        self.refresh()
        self._tell(
            self.tr("Conversation deleted."),
            self.tr("{count} conversations deleted."),
            len(moved),
            partial(self._undo_delete, moved, was_open),
        )

    def _undo_delete(self, ids: Sequence[str], was_open: str | None) -> None:
        if self._notice.attempt(lambda: self._store.restore(*ids)):
            self._come_back(was_open)

    def _restore(self, ids: Ids) -> None:
        moved: list[str] = []
        if not self._notice.attempt(lambda: moved.extend(self._store.restore(*ids))):
            return
        self.refresh()
        if len(moved) == 1:
            self._notice.show_message(
                self.tr("Conversation restored."), self.tr("Open"), partial(self.open_wanted.emit, moved[0])
            )
        elif moved:
            self._notice.show_message(self.tr("{count} conversations restored.").format(count=len(moved)))

    def _ask_to_purge(self, ids: Ids) -> None:
        box = QMessageBox(self._sidebar.window())
        box.setObjectName("purgeQuestion")
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle(self.tr("Delete permanently"))
        box.setText(
            self.tr("Delete this conversation permanently?")
            if len(ids) == 1
            else self.tr("Delete {count} conversations permanently?").format(count=len(ids))
        )
        box.setInformativeText(self.tr("This can't be undone. Earlier backups still contain what you delete."))
        delete = box.addButton(self.tr("Delete permanently"), QMessageBox.ButtonRole.DestructiveRole)
        delete.setObjectName("purgeButton")
        delete.setProperty("danger", True)
        # The style sheet looks at properties only when a widget is polished.
        delete.style().unpolish(delete)
        delete.style().polish(delete)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        delete.clicked.connect(partial(self._purge, ids))
        show_dialog(box)

    def _purge(self, ids: Ids) -> None:
        self._notice.attempt(lambda: self._store.purge(*ids))
        self.refresh()

    def _search(self, text: str) -> None:
        if not text:
            self._sidebar.set_hits([])
            return

        def done(hits: list[SearchHit]) -> None:
            # What was typed meanwhile has its own search under way.
            if text == self._sidebar.search.text().strip():
                self._sidebar.set_hits(hits, text)

        store = self._store

        def search() -> list[SearchHit]:
            try:
                return store.search(text)
            except StoreClosed:
                # The program ended meanwhile.
                return []

        run_job(self, search, done, lambda error: self._notice.show_error(error_text(error)))

    def _leave(self, ids: Ids) -> str | None:
        """Leave the open conversation, if it is one of these, and tell its id then."""
        shown = self._page.conversation_id
        if shown not in ids or self._page.is_temporary:
            return None
        self._page.stop()
        self.open_wanted.emit(None)
        return shown

    def _come_back(self, was_open: str | None) -> None:
        self.refresh()
        if was_open is not None:
            self.open_wanted.emit(was_open)

    def _tell(self, one: str, many: str, count: int, undo: Callable[[], None]) -> None:
        if count:
            text = one if count == 1 else many.format(count=count)
            self._notice.show_message(text, self.tr("Undo"), undo)
