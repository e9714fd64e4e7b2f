"""Sidebar: search, new conversation, the list with its archive and trash, models and settings.

``ui.sidebar.controller`` does what is requested here.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.conversation import TRASH_DAYS, Conversation, SearchHit
from ui.sidebar.conversation_list import ConversationList, Shelf
from ui.sidebar.menu import ConversationMenu
from ui.sidebar.shelves import SelectionBar, ShelfHeading, ShelfLinks, tool_button
from ui.widgets.icons import set_icon
from ui.widgets.translated import TranslatedWidget

SEARCH_DELAY_MS = 120


class Sidebar(TranslatedWidget):
    """Shows the conversations and emits requests."""

    new_requested = Signal()
    opened = Signal(str, str)
    """Conversation id, and the message id of a search result or an empty string."""
    search_requested = Signal(str)
    title_edited = Signal(str, str)
    """Conversation id and new title."""
    action_requested = Signal(str, tuple)
    """``pin``, ``unpin``, ``archive``, ``unarchive``, ``delete``, ``restore`` or ``purge``, and conversation ids."""
    export_requested = Signal(tuple)
    """Conversation ids."""
    models_requested = Signal()
    settings_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shelves: dict[Shelf, Sequence[Conversation]] = {}
        self._shelf = Shelf.CONVERSATIONS
        self._hits: Sequence[SearchHit] = ()
        self._searched = ""
        self._open_id: str | None = None
        self.search = QLineEdit(self)
        self.search.setObjectName("searchField")
        self.search.setClearButtonEnabled(True)
        search_icon = QAction(self)
        set_icon(search_icon, "search", size=16)
        self.search.addAction(search_icon, QLineEdit.ActionPosition.LeadingPosition)
        # Qt's own action of the clear button; it has no other name.
        clear = self.search.findChild(QAction, "_q_qlineeditclearaction")
        if clear is not None:
            set_icon(clear, "close", size=16)
        self.heading = ShelfHeading(self)
        self.list = ConversationList(self)
        self._empty_label = QLabel(self)
        self._empty_label.setObjectName("nothingHere")
        self._empty_label.setProperty("quiet", True)
        self._empty_label.setWordWrap(True)
        self._empty_label.setTextFormat(Qt.TextFormat.PlainText)
        self._empty_label.setContentsMargins(20, 8, 12, 8)
        self.selection_bar = SelectionBar(self)
        self.links = ShelfLinks(self)
        self.new_button = self._button("newConversationButton", "new-chat", self.new_requested, "accent")
        self._models = self._button("modelsButton", "models", self.models_requested)
        self._settings = self._button("settingsButton", "settings", self.settings_requested)
        self._lay_out()
        self._timer = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._connect()
        self._retranslate()

    def _button(self, name: str, icon: str, clicked: SignalInstance, role: str = "quiet_text") -> QToolButton:
        button = tool_button(name, self)
        set_icon(button, icon, role)
        button.clicked.connect(clicked)
        return button

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(12, 10, 12, 4)
        top.setSpacing(8)
        top.addWidget(self.search)
        top.addWidget(self.new_button)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(12, 4, 12, 10)
        bottom.setSpacing(4)
        bottom.addWidget(self._models)
        bottom.addWidget(self._settings)
        bottom.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.heading)
        layout.addWidget(self._empty_label)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.selection_bar)
        layout.addWidget(self.links)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self._timer.timeout.connect(lambda: self.search_requested.emit(self.search_text()))
        self.search.textChanged.connect(lambda: self._timer.start())
        self.search.returnPressed.connect(self._open_first)
        self.list.opened.connect(self.opened)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.title_edited.connect(self.title_edited)
        self.list.delete_requested.connect(lambda: self.act("purge" if self._shown() == Shelf.TRASH else "delete"))
        self.list.selection_changed.connect(self._show_selection)
        self.selection_bar.triggered.connect(self.act)
        self.links.clicked.connect(self.show_shelf)
        self.heading.back_requested.connect(lambda: self.show_shelf(Shelf.CONVERSATIONS))
        self.heading.empty_requested.connect(self._empty_trash)

    def set_conversations(
        self,
        conversations: Sequence[Conversation],
        archived: Sequence[Conversation] = (),
        deleted: Sequence[Conversation] = (),
    ) -> None:
        """Show these conversations, in their order."""
        self._shelves = {Shelf.CONVERSATIONS: conversations, Shelf.ARCHIVE: archived, Shelf.TRASH: deleted}
        self.links.set_counts(len(archived), len(deleted))
        self._show_rows()

    def set_open(self, conversation_id: str | None) -> None:
        """Mark the open conversation."""
        if conversation_id != self._open_id:
            self._open_id = conversation_id
            self.list.mark_open(conversation_id)

    def set_hits(self, hits: Sequence[SearchHit], text: str = "") -> None:
        """Show the results of a search for ``text``."""
        self._hits, self._searched = hits, text
        self._show_rows()

    def search_text(self) -> str:
        """Return the text to search for; empty where the conversations are shown."""
        return self.search.text().strip()

    def start_search(self) -> None:
        """Show the sidebar with the focus in the search field."""
        self.show()
        self.search.setFocus()
        self.search.selectAll()

    def has_conversations(self) -> bool:
        """Return whether the list has any conversation."""
        return bool(self._shelves.get(Shelf.CONVERSATIONS))

    def has_conversation(self, conversation_id: str | None) -> bool:
        """Return whether a conversation is in the list or in the archive."""
        shelves = (self._shelves.get(shelf, ()) for shelf in (Shelf.CONVERSATIONS, Shelf.ARCHIVE))
        return any(each.id == conversation_id for shelf in shelves for each in shelf)

    def show_shelf(self, shelf: str) -> None:
        """Show the list, the archive or the trash."""
        self._shelf = Shelf(shelf)
        self.search.clear()
        self._show_rows()
        self.list.setFocus()

    def escape(self) -> bool:
        """Undo a multiple selection or leave archive and trash, where the sidebar has the focus."""
        if not self.isAncestorOf(self.focusWidget() or self):
            return False
        if len(self.list.selected_ids()) > 1:
            self.list.select_open()
        elif self._shelf != Shelf.CONVERSATIONS and not self.search_text():
            self.show_shelf(Shelf.CONVERSATIONS)
        else:
            return False
        return True

    def act(self, action: str) -> None:
        """Request an action for the selected conversations."""
        ids = self.list.selected_ids()
        if not ids:
            return
        match action:
            case "open":
                self.opened.emit(ids[0], "")
            case "rename":
                self.list.edit_title(ids[0])
            case "export":
                self.export_requested.emit(ids)
            case _:
                self.action_requested.emit(action, ids)

    def _shown(self) -> Shelf:
        return Shelf.RESULTS if self.search_text() else self._shelf

    def _show_rows(self) -> None:
        shelf = self._shown()
        conversations = self._shelves.get(shelf, ())
        self.list.show_rows(shelf, self._hits if shelf == Shelf.RESULTS else conversations)
        self.heading.show_shelf(shelf, len(conversations))
        self._empty_label.setVisible(self.list.count() == 0)
        self._empty_label.setText(self._empty_text(shelf))
        self.list.mark_open(self._open_id)
        self._show_selection()

    def _empty_text(self, shelf: Shelf) -> str:
        if shelf == Shelf.RESULTS:
            if self._searched != self.search_text():
                return ""
            return self.tr('No results for "{text}". Try another word or only part of it.').format(text=self._searched)
        return {
            Shelf.CONVERSATIONS: self.tr("Your conversations appear here."),
            Shelf.ARCHIVE: self.tr(
                "The archive is empty. Archived conversations leave the list but still appear in search results."
            ),
            Shelf.TRASH: self.tr("The trash is empty. Deleted conversations are kept here for {days} days.").format(
                days=TRASH_DAYS
            ),
        }[shelf]

    def _show_selection(self) -> None:
        self.selection_bar.show_for(self._shown(), len(self.list.selected_ids()))

    def _open_first(self) -> None:
        if self.search_text():
            self.list.open_first()

    def _empty_trash(self) -> None:
        self.action_requested.emit("purge", tuple(each.id for each in self._shelves[Shelf.TRASH]))

    def _show_menu(self, position: QPoint) -> None:
        selected = [self.list.conversation(each) for each in self.list.selected_ids()]
        if selected:
            menu = ConversationMenu(self._shown(), selected, self.act, self)
            menu.show_at(self.list.viewport().mapToGlobal(position))

    def _retranslate(self) -> None:
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(self.tr("Search titles, messages and attachments (Ctrl+Shift+F)"))
        self.search.setAccessibleName(self.tr("Search titles, messages and attachments"))
        # Qt creates these buttons without names.
        names = (self.tr("Search"), self.tr("Clear search"))
        for button, name in zip(self.search.findChildren(QToolButton), names, strict=False):
            button.setAccessibleName(name)
        self.new_button.setText(self.tr("New conversation"))
        self.new_button.setToolTip(self.tr("New conversation (Ctrl+N)"))
        self.new_button.setAccessibleName(self.tr("New conversation"))
        self.list.setAccessibleName(self.tr("Conversations"))
        self._models.setText(self.tr("Models"))
        self._models.setToolTip(self.tr("Model files on this computer (Ctrl+M)"))
        self._settings.setText(self.tr("Settings"))
        self._settings.setToolTip(self.tr("Settings (Ctrl+,)"))
        self._show_rows()
