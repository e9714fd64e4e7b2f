"""Controller of the sidebar: searches, renames, pins, archives and deletes conversations, and undoes that."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from app.chat.answer import RunningAnswer
from app.config.settings import SettingsFile
from app.conversation import DocumentHit, SearchHit, Shelf
from app.store.folding import fold
from app.store.store import ConversationStore
from model_manager.errors import UserError
from ui.conversation.controller import ConversationController
from ui.sidebar.row_model import FolderRow, Found, Mark
from ui.sidebar.sidebar import Sidebar
from ui.widgets.dialog_parts import ask
from ui.widgets.error_text import error_text
from ui.widgets.job import run_job
from ui.widgets.notice import NoticeBar

MOST_HITS, MOST_IN_ONE, MOST_OF_ALL = 200, 20, 1000
"""Search hits at first, those in the messages of one conversation among them, and later all of one conversation."""
STEP_S = 0.05
"""Processor time of a job that completes the hits of some conversations."""
Ids = tuple[str, ...]
Change = Callable[..., Ids]
"""Changes conversations by their ids, and returns the ids of those that it has changed."""


class SidebarController(QObject):
    """Connects the sidebar with the store.  The notice offers to undo."""

    def __init__(
        self,
        store: ConversationStore,
        settings: SettingsFile,
        sidebar: Sidebar,
        notice: NoticeBar,
        conversation: ConversationController,
    ) -> None:
        super().__init__(sidebar)
        self._settings = settings
        self._store, self._sidebar, self._notice, self._conversation = store, sidebar, notice, conversation
        self._search_number = 0
        self._unread = {id_ for id_ in settings.current.unread.split() if store.number_of(id_) is not None}
        """Ids of conversations with an answer that ended while another one was open."""
        conversation.state_changed.connect(self._mark)
        conversation.answer_finished.connect(self._note_unread)
        sidebar.new_button.clicked.connect(lambda: conversation.open(None))
        sidebar.search_requested.connect(self._search)
        sidebar.refresh_requested.connect(lambda: self.refresh())
        sidebar.action_requested.connect(self._act)
        sidebar.list.opened.connect(self._open)
        sidebar.list.delegate.title_edited.connect(self._rename)
        sidebar.list.rows.failed.connect(lambda error: notice.show_error(error_text(error)))

    def refresh(self, changed: str | None = None) -> None:
        """Show what is stored now; ``changed``: id of the only conversation that has changed."""
        self._notice.attempt(lambda: self._sidebar.refresh(self._store, changed))
        if text := self._sidebar.search_text():
            self._search(text)

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
        self._notice.attempt(lambda: self._open_neighbour(step))

    def _open_neighbour(self, step: int) -> None:
        store, id_ = self._store, self._conversation.session.conversation_id
        number = store.number_of(id_)
        folder_id = None if id_ is None or number is None else store.get(id_).folder_id
        numbers = store.folder_order(folder_id).numbers
        place = numbers.index(number) + step if number in numbers else 0
        for conversation in store.numbered(numbers[place : place + 1] if place >= 0 else ()).values():
            self._conversation.open(conversation.id)

    def _note_unread(self, answer: RunningAnswer) -> None:
        if answer.is_stored:
            self._unread.add(answer.message.conversation_id)
            self._mark()

    def _mark(self) -> None:
        """Mark the conversations with answers that run, wait or are new."""
        session = self._conversation.session
        self._unread.discard(session.conversation_id or "")
        unread = " ".join(sorted(self._unread))
        if unread != self._settings.current.unread:
            self._notice.attempt(lambda: self._settings.change(unread=unread))
        marks = dict.fromkeys(self._unread, Mark.UNREAD)
        for answer in session.answers.values():
            has_started = answer.has_started or answer.backend.is_remote
            marks[answer.message.conversation_id] = Mark.ANSWERING if has_started else Mark.QUEUED
        self._sidebar.list.show_marks(marks)

    def _open(self, conversation_id: str, message_id: str) -> None:
        """Open a conversation, or the message of a search result with the match marked.

        The list keeps the focus, where the keys of its menu work; what is typed goes to the composer.  The search field
        keeps it too.
        """
        focused = next((each for each in (self._sidebar.list, self._sidebar.search) if each.hasFocus()), None)
        needle = self._sidebar.matched_text(message_id) if message_id else ""
        self._conversation.open(conversation_id, message_id, needle)
        # Another one where the user is asked first.
        self._sidebar.list.mark_open(self._conversation.session.conversation_id)
        if focused is not None:
            focused.setFocus()

    def _rename(self, conversation_id: str, title: str) -> None:
        # The row shows the new title already.
        if not self._notice.attempt(lambda: self._store.rename(conversation_id, title)):
            self.refresh()

    def rename_open(self, title: str) -> None:
        """Rename the open conversation, which can be temporary."""
        session = self._conversation.session
        id_ = session.conversation_id
        if id_ is not None and self._notice.attempt(lambda: session.store.rename(id_, title)):
            self.refresh(id_)

    def _act(self, action: str, ids: Ids) -> None:
        store = self._store
        match action:
            case "pin":
                self._change(store.pin, ids)
            case "unpin":
                self._change(store.unpin, ids)
            case "archive":
                texts = self.tr("“{title}” archived."), self.tr("{count} conversations archived.")
                self._remove(store.archive, store.unarchive, ids, texts)
            case "unarchive":
                self._change(store.unarchive, ids)
            case "delete":
                texts = self.tr("“{title}” moved to trash."), self.tr("{count} conversations moved to trash.")
                self._remove(store.delete, store.restore, ids, texts)
            case "restore":
                self._restore(ids)
            case "purge":
                self._ask_to_purge(ids)
            case "empty":
                self._notice.attempt(lambda: self._ask_to_purge(tuple(each.id for each in store.trash())))

    def _change(self, change: Change, ids: Ids) -> Ids:
        """Return the ids of the conversations that ``change`` has changed; none where it failed."""
        changed: list[str] = []
        self._notice.attempt(lambda: changed.extend(change(*ids)))
        self.refresh(ids[0] if len(ids) == 1 else None)
        return tuple(changed)

    def _remove(self, remove: Change, restore: Change, ids: Ids, texts: tuple[str, str]) -> None:
        """Archive or delete, and offer to undo it; ``texts`` are the messages for one and for several."""
        pinned, title = list[str](), list[str]()
        # The archive does not keep pins.
        self._notice.attempt(lambda: pinned.extend(self._store.pinned(ids)))
        self._notice.attempt(lambda: title.append(self._store.get(ids[0]).title))
        removed = self._change(remove, ids)
        conversation, session = self._conversation, self._conversation.session
        open_id = session.conversation_id
        was_open = open_id in removed and not session.is_temporary
        if was_open:
            session.stop()
            conversation.open(None)

        def undo() -> None:
            if self._change(restore, removed):
                self._change(self._store.pin, tuple(pinned))
                if was_open:
                    conversation.open(open_id)

        if removed:
            self._notice.show_undo(self._about(texts, removed, *title), undo)

    def _about(self, texts: tuple[str, str], ids: Ids, title: str = "") -> str:
        """Return the message about one conversation with its title, or the one about several."""
        if len(ids) > 1:
            return texts[1].format(count=len(ids))
        return texts[0].format(title=title or self.tr("Untitled"))

    def _restore(self, ids: Ids) -> None:
        texts = self.tr("“{title}” restored."), self.tr("{count} conversations restored.")
        restored = self._change(self._store.restore, ids)
        if restored and not self._store.count(Shelf.TRASH):
            self._sidebar.show_conversations()
        if len(restored) == 1:
            open_it = partial(self._conversation.open, restored[0])
            about = self._about(texts, restored, self._store.get(restored[0]).title)
            self._notice.show_message(about, self.tr("Open"), open_it)
        elif restored:
            self._notice.show_message(self._about(texts, restored))

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
        if not text:
            self._conversation.end_search()
            self.refresh()
            return

        self._search_number += 1
        folder = self._sidebar.search_folder
        find = partial(_find, self._store, text, None if folder is None else folder.id)
        self._run(find, partial(self._show_results, self._search_number, text))

    def _show_results(self, number: int, text: str, result: _Results) -> None:
        """Show the results of a search unless there is a newer one, and then all hits of each conversation."""
        if number != self._search_number or text != self._sidebar.search_text():
            return
        found, folders, is_cut = result
        self._sidebar.show_results(found, text, is_cut=is_cut, folders=folders)

        def merge(completed: dict[str, Found]) -> None:
            if completed:
                merged = [completed.get(each.conversation.id, each) for each in found]
                self._show_results(number, text, (merged, folders, is_cut))

        incomplete = [each for each in found if each.is_cut and len(each.hits) < MOST_OF_ALL]
        if incomplete:
            self._run(partial(_find_all, self._store, text, incomplete), merge)

    def _run(self, work: Callable[[], Any], show: Callable[[Any], None]) -> None:
        run_job(self, work, show, lambda error: self._notice.show_error(error_text(error)))


def _find_folders(store: ConversationStore, text: str, folder_id: str | None) -> list[FolderRow | DocumentHit]:
    """Return the folders whose names contain all words of ``text``, and those with documents that do, above these."""
    words = fold(text).split()
    documents: dict[str, list[DocumentHit]] = {}
    for hit in store.search_documents(text, folder_id):
        rows_of_folder = documents.setdefault(hit.folder_id, [])
        if any(hit.place):
            rows_of_folder.append(replace(hit, snippet=hit.name, spans=()))
        rows_of_folder.append(hit)
    found = [
        each
        for each in store.folders()
        if each.id in documents or (folder_id is None and all(word in fold(each.name) for word in words))
    ]
    counts = store.folder_counts(*(each.id for each in found))
    rows: list[FolderRow | DocumentHit] = []
    for each in found:
        rows += [FolderRow(each, 0, counts.get(each.id, 0), is_result=True), *documents.get(each.id, ())]
    return rows


_Results = tuple[list[Found], list[FolderRow | DocumentHit], bool]


def _find(store: ConversationStore, text: str, folder_id: str | None) -> _Results:
    """Return the conversations that contain ``text`` with their newest hits, folders, and whether there are more."""
    by_conversation: dict[str, list[SearchHit]] = {}
    found: list[Found] = []
    hits = store.search(text, MOST_HITS, most_in_one=MOST_IN_ONE, folder_id=folder_id)
    is_cut = len(hits) == MOST_HITS
    folders = _find_folders(store, text, folder_id)
    for hit in hits:
        by_conversation.setdefault(hit.conversation_id, []).append(hit)
    for id_, each in by_conversation.items():
        in_title = next((hit for hit in each if hit.message_id is None), None)
        messages = tuple(hit for hit in each if hit.message_id is not None)
        # It may have been deleted meanwhile.
        with suppress(UserError):
            found.append(Found(store.get(id_), in_title, messages, is_cut or len(messages) == MOST_IN_ONE))
    return found, folders, is_cut


def _find_all(store: ConversationStore, text: str, found: Sequence[Found]) -> dict[str, Found]:
    """Return the first of these conversations with all their hits, by their ids."""
    begun, completed = time.thread_time(), dict[str, Found]()
    for each in found:
        if time.thread_time() - begun > STEP_S:
            break
        id_ = each.conversation.id
        hits = tuple(store.search(text, MOST_OF_ALL, only_in=id_))
        completed[id_] = replace(each, hits=hits, is_cut=len(hits) == MOST_OF_ALL)
    return completed
