"""The conversations at the left: search, a new one, the list by age, the ways to archive and bin.

It shows and asks; what is asked for is done by ``ui.sidebar.actions``.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.conversation import Conversation, SearchHit
from ui.sidebar.conversation_list import ARCHIVE, BIN, HITS, LIST, Content, ConversationList
from ui.sidebar.menu import ConversationMenu
from ui.sidebar.shelf import KEPT_DAYS, ChoiceBar, ShelfHeading, ShelfLinks, row_button
from ui.widgets.icons import icon
from ui.widgets.theme import Theme

SEARCH_DELAY_MS = 120


class Sidebar(QWidget):
    """Search field, new button, list, and the ways to archive, bin, models and settings."""

    new_wanted = Signal()
    opened = Signal(str, str)
    """Conversation id, and the message id of a hit or an empty string."""
    search_wanted = Signal(str)
    rename_done = Signal(str, str)
    pin_wanted = Signal(object, bool)
    """Ids as a tuple, as in the signals below."""
    archive_wanted = Signal(object, bool)
    """With true into the archive, with false out of it."""
    delete_wanted = Signal(object)
    restore_wanted = Signal(object)
    purge_wanted = Signal(object)
    export_wanted = Signal(object)
    models_wanted = Signal()
    settings_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._shelves: dict[str, Sequence[Conversation]] = {LIST: (), ARCHIVE: (), BIN: ()}
        self._shelf = LIST
        self._hits: Sequence[SearchHit] = ()
        self._searched = ""
        self._current: str | None = None
        self.search = QLineEdit(self)
        self.search.setObjectName("searchField")
        self.search.setClearButtonEnabled(True)
        self._search_icon = QAction(self)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.new_button = row_button("newConversationButton", self)
        self.heading = ShelfHeading(theme, self)
        self.list = ConversationList(theme, self)
        self._nothing = QLabel(self)
        self._nothing.setObjectName("nothingHere")
        self._nothing.setProperty("quiet", True)
        self._nothing.setWordWrap(True)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        self._nothing.setContentsMargins(20, 8, 12, 8)
        self.choice = ChoiceBar(theme, self)
        self.links = ShelfLinks(theme, self)
        self._models = row_button("modelsButton", self)
        self._settings = row_button("settingsButton", self)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SEARCH_DELAY_MS)
        self._connect()
        self.set_theme(theme)
        self._retranslate()
        self._show_links()

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
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.choice)
        layout.addWidget(self.links)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self._timer.timeout.connect(lambda: self.search_wanted.emit(self.search.text().strip()))
        self.search.textChanged.connect(lambda: self._timer.start())
        self.search.returnPressed.connect(self._open_first)
        self.new_button.clicked.connect(self.new_wanted)
        self._models.clicked.connect(self.models_wanted)
        self._settings.clicked.connect(self.settings_wanted)
        self.list.opened.connect(self.opened)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.rename_done.connect(self.rename_done)
        self.list.removal_wanted.connect(lambda: self.do("purge" if self._shown() == BIN else "delete"))
        self.list.choice_changed.connect(self._show_choice)
        self.choice.wanted.connect(self.do)
        self.links.wanted.connect(self.show_shelf)
        self.heading.back_wanted.connect(lambda: self.show_shelf(LIST))
        self.heading.empty_wanted.connect(self._empty_bin)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self.setStyleSheet(f"Sidebar {{ background: {theme.sidebar}; }}")
        self._search_icon.setIcon(icon("search", theme.quiet_text, 16))
        # Qt's own action for the button that clears; it has no other name.
        clear = self.search.findChild(QAction, "_q_qlineeditclearaction")
        if clear is not None:
            clear.setIcon(icon("close", theme.quiet_text, 16))
        self.new_button.setIcon(icon("new-chat", theme.accent))
        self._models.setIcon(icon("models", theme.quiet_text))
        self._settings.setIcon(icon("settings", theme.quiet_text))
        self.list.rows.set_theme(theme)
        for part in (self.heading, self.choice, self.links):
            part.set_theme(theme)
        self.list.viewport().update()

    def set_conversations(
        self,
        conversations: Sequence[Conversation],
        current: str | None,
        archived: Sequence[Conversation] = (),
        deleted: Sequence[Conversation] = (),
    ) -> None:
        """Show these, in their order, the current one marked; the others lie in the archive and in the bin."""
        self._shelves = {LIST: conversations, ARCHIVE: archived, BIN: deleted}
        self._current = current
        self._show_links()
        self._fill()

    def set_current(self, conversation_id: str | None) -> None:
        """Mark another one."""
        self._current = conversation_id
        self.list.mark_open(conversation_id)

    def set_hits(self, hits: Sequence[SearchHit], text: str = "") -> None:
        """Show what was found for ``text``, which stands in the search field."""
        self._hits, self._searched = hits, text
        self._fill()

    def is_searching(self) -> bool:
        """Whether hits are shown instead of the conversations."""
        return bool(self.search.text().strip())

    def has_conversations(self, conversation_id: str | None = "") -> bool:
        """Whether there is any in the list, or this one in list or archive."""
        if conversation_id == "":
            return bool(self._shelves[LIST])
        return any(each.id == conversation_id for shelf in (LIST, ARCHIVE) for each in self._shelves[shelf])

    def show_shelf(self, shelf: str) -> None:
        """Show the list, the archive or the bin."""
        self._shelf = shelf
        self.search.clear()
        self._show_links()
        self._fill()
        self.list.setFocus()

    def escape(self) -> bool:
        """Take a step back in what has the keyboard: one row chosen instead of several, the list instead of the bin."""
        if not self.isAncestorOf(self.focusWidget() or self):
            return False
        if len(self.list.chosen()) > 1:
            self.list.choose_one()
        elif self._shelf != LIST and not self.is_searching():
            self.show_shelf(LIST)
        else:
            return False
        return True

    def do(self, action: str) -> None:
        """Ask for something to be done with the chosen conversations."""
        ids = self.list.chosen()
        if not ids:
            return
        match action:
            case "open":
                self.opened.emit(ids[0], "")
            case "rename":
                self.list.edit_title(ids[0])
            case "pin" | "unpin":
                self.pin_wanted.emit(ids, action == "pin")
            case "archive" | "unarchive":
                self.archive_wanted.emit(ids, action == "archive")
            case "delete":
                self.delete_wanted.emit(ids)
            case "restore":
                self.restore_wanted.emit(ids)
            case "purge":
                self.purge_wanted.emit(ids)
            case "export":
                self.export_wanted.emit(ids)

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
            self._fill()
        super().changeEvent(event)

    def _shown(self) -> str:
        return HITS if self.is_searching() else self._shelf

    def _fill(self) -> None:
        shelf = self._shown()
        conversations = self._shelves.get(shelf, ())
        self.list.show_content(Content(shelf, conversations, self._hits if shelf == HITS else ()))
        self.heading.show_shelf(shelf, len(conversations))
        empty = self.list.count() == 0
        self._nothing.setVisible(empty)
        self._nothing.setText(self._empty_words(shelf))
        self.list.mark_open(self._current)
        self._show_choice()

    def _empty_words(self, shelf: str) -> str:
        if shelf == HITS:
            if self._searched != self.search.text().strip():
                return ""
            return self.tr('No results for "{text}". Try another word or only part of it.').format(text=self._searched)
        return {
            LIST: self.tr("Your conversations appear here."),
            ARCHIVE: self.tr(
                "The archive is empty. Archived conversations leave the list but still appear in search results."
            ),
            BIN: self.tr("The trash is empty. Deleted conversations are kept here for {days} days.").format(
                days=KEPT_DAYS
            ),
        }[shelf]

    def _show_links(self) -> None:
        self.links.set_counts(len(self._shelves[ARCHIVE]), len(self._shelves[BIN]))

    def _show_choice(self) -> None:
        self.choice.show_for(self._shown(), len(self.list.chosen()))

    def _open_first(self) -> None:
        if self.is_searching():
            self.list.open_first()

    def _empty_bin(self) -> None:
        self.purge_wanted.emit(tuple(each.id for each in self._shelves[BIN]))

    def _menu(self, place: QPoint) -> None:
        # A right click has chosen the row under it already; a key means what is chosen.
        chosen = self.list.chosen()
        if not chosen:
            return
        known = [self.list.conversation(each) for each in chosen]
        menu = ConversationMenu(self._shown(), known, self._theme, self.do, self)
        menu.show_at(self.list.viewport().mapToGlobal(place))

    def _retranslate(self) -> None:
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(self.tr("Search titles, messages and attachments (Ctrl+Shift+F)"))
        self.search.setAccessibleName(self.tr("Search titles, messages and attachments"))
        # Qt makes these and gives them no name: what the field does, and what empties it.
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
