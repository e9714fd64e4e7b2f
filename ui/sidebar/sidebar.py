"""Sidebar: search, new conversation and folder, the list with its archive and trash, models and settings.

``ui.sidebar.controller`` does what is requested here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QSizePolicy, QToolButton, QWidget

from app.conversation import TRASH_DAYS, Shelf
from ui.sidebar.actions import ACTIONS, offered_actions
from ui.widgets.icons import icon
from ui.widgets.layouts import hbox, vbox
from ui.widgets.theme import interface_font
from ui.widgets.tool_button import PushButton, set_name, tool_button
from ui.widgets.translated import TranslatedWidget

if TYPE_CHECKING:
    from app.conversation import DocumentHit, Folder
    from app.store.store import ConversationStore
    from ui.sidebar.conversation_list import ConversationList
    from ui.sidebar.row_model import FolderRow, Found

SEARCH_DELAY_MS = 120
SMALL_SIZE, SMALLER_SIZE = 13, 12


class SearchField(QLineEdit):
    """Field whose arrow keys and Enter move over the results below it."""

    moved = Signal(int)
    """To the row above (-1) or below (1)."""
    stepped = Signal(int)
    """Enter (1) or Shift+Enter (-1)."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102
        match event.key():
            case Qt.Key.Key_Up:
                self.moved.emit(-1)
            case Qt.Key.Key_Down:
                self.moved.emit(1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.stepped.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            case _:
                super().keyPressEvent(event)


class Sidebar(TranslatedWidget):
    """Shows the conversations and emits requests."""

    visibility_changed = Signal()
    """It was shown or hidden."""
    search_requested = Signal(str)
    """Text to search for; empty to show the conversations."""
    refresh_requested = Signal()
    """Another shelf is to be shown, or a title is no longer edited."""
    action_requested = Signal(str, tuple)
    """Id of an action in ``ui.sidebar.actions`` that changes or exports conversations, and their ids."""
    folder_requested = Signal(str, str)
    """Id of an action in ``ui.sidebar.folder_menu``, and that of the folder; empty for none."""
    move_requested = Signal(str, tuple)
    """Id of a folder, empty for none or ``new``, and those of the conversations that move there."""
    folder_move_requested = Signal(str, str)
    """Ids of a folder and of its new parent, or an empty string."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._counts = dict.fromkeys((Shelf.ARCHIVE, Shelf.TRASH), 0)
        self._shelf = Shelf.CONVERSATIONS
        self._searched = ""
        self._hit_count, self._is_cut = 0, False
        self._found: Sequence[Found] = ()
        self._open_id: str | None = None
        self.search_folder: Folder | None = None
        """The folder that is searched; None for everything."""
        self._is_stale = False
        """Whether the list was to be refreshed while a title was being edited."""
        self.search = SearchField()
        self.search.setObjectName("searchField")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(QAction(icon("search", size=16), "", self), QLineEdit.ActionPosition.LeadingPosition)
        # Qt's own action of the clear button; it has no other name.
        clear = self.search.findChild(QAction, "_q_qlineeditclearaction")
        if clear is not None:
            clear.setIcon(icon("close", size=16))
        self.new_button = tool_button("newConversationButton", "new-chat", colour="accent", with_text=True)
        # The whole line can be clicked.
        self.new_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.new_folder_button = tool_button("newFolderButton", "new-folder")
        self.new_folder_button.clicked.connect(lambda: self.folder_requested.emit("add", ""))
        self._folder_chip = tool_button("searchFolderButton", "close", size=14, with_text=True)
        self._folder_chip.setFont(interface_font(SMALL_SIZE))
        self._folder_chip.clicked.connect(partial(self.search_in, None))
        self._folder_chip.hide()
        self._list: ConversationList | None = None
        self._list_place = vbox()
        self._empty_label = QLabel()
        self._empty_label.setObjectName("nothingHere")
        self._empty_label.setProperty("quiet", True)
        self._empty_label.setWordWrap(True)
        self._empty_label.setTextFormat(Qt.TextFormat.PlainText)
        self._results_label = QLabel()
        self._results_label.setObjectName("resultCount")
        self._results_label.setProperty("quiet", True)
        self._results_label.setFont(interface_font(SMALLER_SIZE))
        self.heading = self._make_heading()
        self.selection_bar = self._make_selection_bar()
        self._links = {
            Shelf.ARCHIVE: tool_button("archiveButton", "archive", size=16, with_text=True),
            Shelf.TRASH: tool_button("binButton", "trash", size=16, with_text=True),
        }
        for shelf, link in self._links.items():
            link.setFont(interface_font(SMALL_SIZE))
            link.setProperty("quiet", True)
            link.clicked.connect(partial(self.show_shelf, shelf))
        self.downloads_button = tool_button("downloadsButton", "arrow-down", size=16, with_text=True)
        self.downloads_button.setFont(interface_font(SMALL_SIZE))
        self.downloads_button.setProperty("quiet", True)
        self.downloads_button.hide()
        self.models_button = tool_button("modelsButton", "models", with_text=True)
        self.settings_button = tool_button("settingsButton", "settings", with_text=True)
        for each in (self.models_button, self.settings_button):
            each.setCheckable(True)
        top = vbox(
            self.search,
            self._folder_chip,
            hbox((self.new_button, 1), self.new_folder_button, spacing=4),
            spacing=8,
            margins=(12, 10, 12, 4),
        )
        self._link_row = QWidget()
        hbox(*self._links.values(), None, parent=self._link_row, spacing=4, margins=(12, 4, 12, 0))
        bottom = hbox(self.models_button, self.settings_button, None, spacing=4, margins=(12, 4, 12, 10))
        labels = self.heading, self._results_label, self._empty_label
        middle = *labels, (self._list_place, 1), self.selection_bar, self._link_row
        downloads = hbox(self.downloads_button, None, margins=(12, 4, 12, 0))
        vbox(top, *middle, downloads, bottom, parent=self)
        self._timer = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._timer.timeout.connect(lambda: self.search_requested.emit(self.search_text()))
        self.search.textChanged.connect(lambda: self._timer.start())
        self.search.moved.connect(lambda step: self.list.move_selection(step) if self.search_text() else None)
        self.search.stepped.connect(lambda step: self.list.open_hit(step) if self.search_text() else None)
        self._retranslate()

    @property
    def list(self) -> ConversationList:
        """The list, made when it is first used: with its rows and their drawing it would delay the window."""
        if self._list is None:
            from ui.sidebar.conversation_list import ConversationList

            made = self._list = ConversationList(self)
            made.setAccessibleName(self.tr("Conversations"))
            self._list_place.addWidget(made)
            # The layout would do it later.
            made.show()
            self.setTabOrder(self.new_folder_button, made)
            made.customContextMenuRequested.connect(self._show_menu)
            made.delete_requested.connect(self._delete)
            made.selection_changed.connect(self._show_selection)
            # Queued: the editor still exists when the signal is emitted.
            made.delegate.closeEditor.connect(self._refresh_if_stale, Qt.ConnectionType.QueuedConnection)
        return self._list

    def _make_heading(self) -> QWidget:
        """Return the heading of archive and trash, with a button back; that of the trash has a note and a button."""
        self._back = tool_button("shelfBackButton", "arrow-left", with_text=True)
        self._back.setFont(interface_font(bold=True))
        self._back.clicked.connect(partial(self.show_shelf, Shelf.CONVERSATIONS))
        self._empty = PushButton()
        self._empty.setObjectName("emptyBinButton")
        self._empty.setProperty("quiet", True)
        self._empty.setFont(interface_font(SMALL_SIZE))
        self._empty.clicked.connect(lambda: self.action_requested.emit("empty", ()))
        self._note = QLabel()
        self._note.setObjectName("shelfNote")
        self._note.setProperty("quiet", True)
        self._note.setFont(interface_font(SMALLER_SIZE))
        self._note.setWordWrap(True)
        heading = QWidget()
        line = hbox(self._back, None, self._empty, spacing=4)
        vbox(line, self._note, parent=heading, spacing=2, margins=(12, 4, 12, 0))
        return heading

    def _make_selection_bar(self) -> QWidget:
        """Return the actions for the selected rows, shown for several ones and in archive and trash."""
        self._count = QLabel()
        self._count.setProperty("quiet", True)
        self._count.setFont(interface_font(SMALL_SIZE))
        self._bulk = {
            key: tool_button(f"{key}ChosenButton", action.icon, colour=action.colour, with_text=key == "restore")
            for key, action in ACTIONS.items()
            if action.is_bulk
        }
        for key, button in self._bulk.items():
            button.clicked.connect(partial(self.act, key))
        bar = QWidget()
        hbox((self._count, 1), *self._bulk.values(), parent=bar, spacing=2, margins=(16, 4, 6, 0))
        return bar

    def refresh(self, store: ConversationStore, changed: str | None = None) -> None:
        """Show what is stored now, or where a title is being edited, later.

        ``changed``: id of the only conversation that has changed.

        Raises:
            UserError: as the store does.
        """
        self._is_stale = self.list.is_editing()
        if self._is_stale:
            return
        counts = {shelf: store.count(shelf) for shelf in self._counts}
        if not self.search_text():
            self.list.show_shelf(store, self._shelf, changed)
            self._hit_count = 0
        self._counts = counts
        self._refresh()

    def set_open(self, conversation_id: str | None) -> None:
        """Mark the open conversation."""
        if conversation_id != self._open_id:
            self._open_id = conversation_id
            self.list.mark_open(conversation_id)

    def show_results(
        self, found: Sequence[Found], text: str, *, is_cut: bool, folders: Sequence[FolderRow | DocumentHit] = ()
    ) -> None:
        """Show the results of a search for ``text``, below folders and documents; ``is_cut`` where there are more."""
        from app.conversation import DocumentHit

        self._searched, self._is_cut, self._found = text, is_cut, found
        # A folder and a name above hits in documents are no results of their own.
        documents = [each for each in folders if isinstance(each, DocumentHit)]
        above = len({each.folder_id for each in documents}) + sum(not each.spans for each in documents)
        hits = sum(len(each.hits) + (each.in_title is not None) for each in found)
        self._hit_count = len(folders) - above + hits
        self.list.show_results(found, folders)
        self._refresh()

    def search_text(self) -> str:
        """Return the text to search for; empty where the conversations are shown."""
        return self.search.text().strip()

    def matched_text(self, message_id: str) -> str:
        """Return the longest match in the search result of a message, as the message contains it."""
        hit = next((hit for each in self._found for hit in each.hits if hit.message_id == message_id), None)
        return max((hit.snippet[begin:end] for begin, end in hit.spans), key=len) if hit else self.search_text()

    def search_in(self, folder: Folder | None) -> None:
        """Search only in a folder, or for None in everything, with the focus in the search field."""
        self.search_folder = folder
        self._show_search_folder()
        if self.search_text():
            self.search_requested.emit(self.search_text())
        self.start_search()

    def clear_search(self) -> None:
        """Show the conversations rather than search results."""
        self.search_folder = None
        self._show_search_folder()
        self.search.clear()

    def _show_search_folder(self) -> None:
        folder = self.search_folder
        self._folder_chip.setVisible(folder is not None)
        self.search.setPlaceholderText(self.tr("Search"))
        if folder is not None:
            text = self.tr("Only in “{folder}”").format(folder=folder.name)
            self._folder_chip.setText(text.replace("&", "&&"))
            set_name(self._folder_chip, self.tr("Search everywhere"))
            self.search.setPlaceholderText(self.tr("Search in “{folder}”").format(folder=folder.name))

    def start_search(self, text: str = "") -> None:
        """Show the sidebar with the focus in the search field, and search for a text where one is given."""
        self.show()
        if text:
            self.search.setText(text)
        self.search.setFocus()
        self.search.selectAll()

    def show_shelf(self, shelf: str) -> None:
        """Show the list, the archive or the trash."""
        self._shelf = Shelf(shelf)
        self.clear_search()
        self.refresh_requested.emit()
        self.list.setFocus()

    def escape(self) -> bool:
        """Undo a multiple selection or leave archive and trash, where the sidebar has the focus."""
        if not self.isAncestorOf(self.focusWidget() or self):
            return False
        if self.list.selected_count() > 1:
            self.list.select_open()
        elif self._shelf is not Shelf.CONVERSATIONS and not self.search_text():
            self.show_shelf(Shelf.CONVERSATIONS)
        else:
            return False
        return True

    def act(self, action: str) -> None:
        """Do an action with the selected conversations, or request it."""
        ids = self.list.selected_ids()
        if not ids:
            return
        if action == "open":
            self.list.opened.emit(ids[0], "")
        elif action == "rename":
            self.list.edit_title()
        else:
            self.action_requested.emit(action, ids)

    def _delete(self) -> None:
        folder = self.list.selected_folder()
        if folder is not None:
            self.folder_requested.emit("delete", folder.folder.id)
        else:
            self.act("purge" if self._shown() is Shelf.TRASH else "delete")

    def show_conversations(self) -> None:
        """Show the list rather than search results, the archive or the trash."""
        self._shelf = Shelf.CONVERSATIONS
        self.clear_search()
        self.refresh_requested.emit()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102
        super().showEvent(event)
        self.visibility_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102
        super().hideEvent(event)
        self.visibility_changed.emit()

    def _refresh_if_stale(self) -> None:
        if self._is_stale:
            self.refresh_requested.emit()

    def _shown(self) -> Shelf | None:
        """Return the shelf that is shown, or None for search results."""
        return None if self.search_text() else self._shelf

    def _offered(self) -> Sequence[str]:
        return offered_actions(self._shown(), self.list.selected_count(), are_pinned=self.list.are_pinned())

    def _refresh(self) -> None:
        """Show texts and controls for the rows."""
        shelf = self._shown()
        is_trash = shelf is Shelf.TRASH
        self.heading.setVisible(is_trash or shelf is Shelf.ARCHIVE)
        self._back.setText(self.tr("Trash") if is_trash else self.tr("Archive"))
        for widget in (self._empty, self._note):
            widget.setVisible(is_trash and self._counts[Shelf.TRASH] > 0)
        count = self.tr("1 result") if self._hit_count == 1 else self.tr("{count} results")
        if self._is_cut:
            count = self.tr("First {count} results")
        self._results_label.setText(count.format(count=self._hit_count))
        self._results_label.setVisible(shelf is None and self._hit_count > 0)
        is_empty = self._list is None or self._list.rows.rowCount() == 0
        self._empty_label.setVisible(is_empty)
        if self._list is not None:
            self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus if is_empty else Qt.FocusPolicy.StrongFocus)
        self._empty_label.setText(self._empty_text(shelf))
        texts = {
            Shelf.ARCHIVE: (self.tr("Archive · {count}"), self.tr("Archive, {count} conversations")),
            Shelf.TRASH: (self.tr("Trash · {count}"), self.tr("Trash, {count} conversations")),
        }
        for each, link in self._links.items():
            text, name = (text.format(count=self._counts[each]) for text in texts[each])
            link.setText(text)
            link.setAccessibleName(name)
            link.setVisible(self._counts[each] > 0)
        self._link_row.setVisible(any(not link.isHidden() for link in self._links.values()))
        self._show_selection()

    def _empty_text(self, shelf: Shelf | None) -> str:
        if shelf is None:
            if self._searched != self.search_text():
                return ""
            text = self.tr('No results for "{text}". Try another word or only part of it.').format(text=self._searched)
            return text + "\n\n" + self.tr("The trash isn't searched.") if self._counts[Shelf.TRASH] else text
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
        count = 0
        if self._list is not None:
            count = self._list.selected_count()
            self._list.show_several(count > 1)
        offered = self._offered() if count else ()
        for action, button in self._bulk.items():
            button.setVisible(action in offered)
        self._count.setText(self.tr("{count} selected").format(count=count))
        self.selection_bar.setVisible(count > (0 if self._shown() in (Shelf.ARCHIVE, Shelf.TRASH) else 1))

    def _show_menu(self, position: QPoint) -> None:
        row, below = self.list.selected_folder(), self.list.indexAt(position).row()
        if below < 0 or self.list.rows.key(below) is None or (not self.list.selected_count() and row is None):
            return
        from ui.sidebar.folder_menu import fill_folder_menu

        menu = QMenu(self)
        menu.setObjectName("folderMenu" if row is not None else "conversationMenu")
        menu.setAccessibleName(self.tr("Folder") if row is not None else self.tr("Conversation"))
        if row is not None:
            move = partial(self.folder_move_requested.emit, row.folder.id)
            fill_folder_menu(menu, row.folder, self.list.rows.folders, self.folder_requested.emit, move)
        else:
            self._fill_menu(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(position))

    def _fill_menu(self, menu: QMenu) -> None:
        from ui.sidebar.folder_menu import add_action, add_move_menu

        for key in self._offered():
            if key == "export" and self._shown() is Shelf.CONVERSATIONS:
                add_move_menu(
                    menu,
                    self.list.rows.folders,
                    self.list.folder_of_selected(),
                    lambda folder_id: self.move_requested.emit(folder_id, self.list.selected_ids()),
                    has_new=True,
                )
            if key in ("delete", "purge"):
                menu.addSeparator()
            add_action(menu, f"{key}Action", ACTIONS[key]).triggered.connect(partial(self.act, key))

    def _retranslate(self) -> None:
        self._show_search_folder()
        set_name(self.search, self.tr("Search titles, messages, attachments and documents"), "Ctrl+Shift+F")
        # Qt creates these buttons without names.
        names = (self.tr("Search"), self.tr("Clear search"))
        for button, name in zip(self.search.findChildren(QToolButton), names, strict=False):
            button.setAccessibleName(name)
        self.new_button.setText(self.tr("New conversation"))
        set_name(self.new_button, self.tr("New conversation"), "Ctrl+N")
        set_name(self.new_folder_button, self.tr("New folder"))
        self.models_button.setText(self.tr("Models"))
        self.models_button.setToolTip(self.tr("Model files on this computer (Ctrl+M)"))
        self.settings_button.setText(self.tr("Settings"))
        set_name(self.settings_button, self.tr("Settings"), "Ctrl+,")
        set_name(self._back, self.tr("Back to conversations"), "Esc")
        self._empty.setText(self.tr("Empty trash"))
        self._note.setText(
            self.tr("Conversations in the trash are permanently deleted after {days} days.").format(days=TRASH_DAYS)
        )
        for action, button in self._bulk.items():
            set_name(button, ACTIONS[action].text())
        self._bulk["restore"].setText(ACTIONS["restore"].text())
        if self._list is not None:
            self._list.setAccessibleName(self.tr("Conversations"))
            self._list.viewport().update()
        self._refresh()
