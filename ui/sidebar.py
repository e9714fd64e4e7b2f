"""The conversations at the left: search, a new one, and the list by age; what was found stands in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.chat.conversation import Conversation, SearchHit
from ui.icons import icon
from ui.sidebar_row import HEADING_ROLE, HIT_ROLE, ID_ROLE, MESSAGE_ROLE, RowDelegate
from ui.theme import Theme

SEARCH_DELAY_MS = 120


class ConversationList(QListWidget):
    """The list itself: keys, and the editor for a title."""

    rename_done = Signal(str, str)
    delete_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("conversationList")
        self.rows = RowDelegate(theme, self)
        self.setItemDelegate(self.rows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.rows.title_edited.connect(self.rename_done)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 renames, Delete deletes."""
        item = self.currentItem()
        conversation_id = item.data(ID_ROLE) if item else None
        if conversation_id and event.key() == Qt.Key.Key_F2:
            self.editItem(item)
        elif conversation_id and event.matches(QKeySequence.StandardKey.Delete):
            self.delete_wanted.emit(conversation_id)
        else:
            super().keyPressEvent(event)


class Sidebar(QWidget):
    """Search field, new button, list, and the ways to models and settings."""

    new_wanted = Signal()
    opened = Signal(str, str)
    """Conversation id, and the message id of a hit or an empty string."""
    search_wanted = Signal(str)
    rename_done = Signal(str, str)
    delete_wanted = Signal(str)
    export_wanted = Signal(str)
    models_wanted = Signal()
    settings_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._conversations: Sequence[Conversation] = ()
        self._hits: Sequence[SearchHit] = ()
        self._current: str | None = None
        self._today = date.today()
        self.search = QLineEdit(self)
        self.search.setObjectName("searchField")
        self.search.setClearButtonEnabled(True)
        self._search_icon = QAction(self)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.new_button = self._row_button("newConversationButton")
        self.list = ConversationList(theme, self)
        self._nothing = QLabel(self)
        self._nothing.setProperty("quiet", True)
        self._nothing.setWordWrap(True)
        self._nothing.setContentsMargins(20, 8, 12, 8)
        self._models = self._row_button("modelsButton")
        self._settings = self._row_button("settingsButton")

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
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        layout.addLayout(bottom)

        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SEARCH_DELAY_MS)
        self._timer.timeout.connect(lambda: self.search_wanted.emit(self.search.text().strip()))
        self.search.textChanged.connect(lambda: self._timer.start())
        self.search.returnPressed.connect(self._open_first)
        self.new_button.clicked.connect(self.new_wanted)
        self._models.clicked.connect(self.models_wanted)
        self._settings.clicked.connect(self.settings_wanted)
        self.list.itemClicked.connect(self._open)
        self.list.itemActivated.connect(self._open)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.rename_done.connect(self.rename_done)
        self.list.delete_wanted.connect(self.delete_wanted)
        self.set_theme(theme)
        self._retranslate()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self.setStyleSheet(f"Sidebar {{ background: {theme.sidebar}; }}")
        self._search_icon.setIcon(icon("search", theme.quiet_text, 16))
        self.new_button.setIcon(icon("new-chat", theme.accent))
        self._models.setIcon(icon("models", theme.quiet_text))
        self._settings.setIcon(icon("settings", theme.quiet_text))
        self.list.rows.set_theme(theme)
        self.list.viewport().update()

    def set_conversations(self, conversations: Sequence[Conversation], current: str | None) -> None:
        """Show these, newest first, the current one marked."""
        self._conversations, self._current = conversations, current
        self._fill()

    def set_current(self, conversation_id: str | None) -> None:
        """Mark another one."""
        self._current = conversation_id
        self._mark()

    def set_hits(self, hits: Sequence[SearchHit]) -> None:
        """Show what was found for the text in the search field."""
        self._hits = hits
        self._fill()

    def is_searching(self) -> bool:
        """Whether hits are shown instead of the conversations."""
        return bool(self.search.text().strip())

    def has_conversations(self, conversation_id: str | None = "") -> bool:
        """Whether there is any, or this one."""
        return bool(self._conversations) and (
            conversation_id == "" or any(each.id == conversation_id for each in self._conversations)
        )

    def rename(self, conversation_id: str) -> None:
        """Open the editor for a title."""
        for row in range(self.list.count()):
            if self.list.item(row).data(ID_ROLE) == conversation_id and self.list.item(row).data(HIT_ROLE) is None:
                self.list.editItem(self.list.item(row))

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
            self._fill()
        super().changeEvent(event)

    def _fill(self) -> None:
        self.list.clear()
        if self.is_searching():
            for hit in self._hits:
                self._add(hit.title or self.tr("Untitled"), hit.conversation_id, hit)
        else:
            heading = None
            self._today = date.today()
            for conversation in self._conversations:
                group = self._group(conversation)
                if group != heading:
                    heading = group
                    self._add_heading(group)
                self._add(conversation.title or self.tr("Untitled"), conversation.id, None)
        empty = self.list.count() == 0
        self._nothing.setVisible(empty)
        self._nothing.setText(
            self.tr("Nothing found. Try another word.")
            if self.is_searching()
            else self.tr("Your conversations will be listed here.")
        )
        self._mark()

    def _add(self, title: str, conversation_id: str, hit: SearchHit | None) -> None:
        item = QListWidgetItem(title)
        item.setData(ID_ROLE, conversation_id)
        item.setData(HIT_ROLE, hit)
        item.setData(MESSAGE_ROLE, hit.message_id if hit else None)
        item.setToolTip(title)
        if hit is None:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        self.list.addItem(item)

    def _add_heading(self, text: str) -> None:
        item = QListWidgetItem(text)
        item.setData(HEADING_ROLE, True)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.list.addItem(item)

    def _group(self, conversation: Conversation) -> str:
        day = conversation.updated_at.astimezone().date()
        if day >= self._today:
            return self.tr("Today")
        if day == self._today - timedelta(days=1):
            return self.tr("Yesterday")
        if day > self._today - timedelta(days=7):
            return self.tr("Last seven days")
        return self.tr("Earlier")

    def _mark(self) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(ID_ROLE) is not None and item.data(ID_ROLE) == self._current:
                self.list.setCurrentRow(row)
                return
        self.list.setCurrentRow(-1)

    def _open(self, item: QListWidgetItem) -> None:
        if item.data(ID_ROLE):
            self.opened.emit(item.data(ID_ROLE), item.data(MESSAGE_ROLE) or "")

    def _open_first(self) -> None:
        if self.list.count() and self.is_searching():
            self._open(self.list.item(0))

    def _menu(self, place: QPoint) -> None:
        item = self.list.itemAt(place)
        if item is None or not item.data(ID_ROLE):
            return
        conversation_id = item.data(ID_ROLE)
        menu = QMenu(self)
        if item.data(HIT_ROLE) is None:
            menu.addAction(
                icon("edit", self._theme.quiet_text), self.tr("Rename"), lambda: self.list.editItem(item)
            ).setShortcut(QKeySequence(Qt.Key.Key_F2))
        menu.addAction(
            icon("export", self._theme.quiet_text),
            self.tr("Export…"),
            lambda: self.export_wanted.emit(conversation_id),
        )
        menu.addSeparator()
        menu.addAction(
            icon("trash", self._theme.bad), self.tr("Delete"), lambda: self.delete_wanted.emit(conversation_id)
        ).setShortcut(QKeySequence(QKeySequence.StandardKey.Delete))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.list.viewport().mapToGlobal(place))

    def _row_button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(18, 18))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

    def _retranslate(self) -> None:
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(self.tr("Search titles and messages (Ctrl+F)"))
        self.search.setAccessibleName(self.tr("Search titles and messages"))
        self.new_button.setText(self.tr("New conversation"))
        self.new_button.setToolTip(self.tr("New conversation (Ctrl+N)"))
        self.new_button.setAccessibleName(self.tr("New conversation"))
        self.list.setAccessibleName(self.tr("Conversations"))
        self._models.setText(self.tr("Models"))
        self._models.setToolTip(self.tr("Model files on this computer (Ctrl+M)"))
        self._settings.setText(self.tr("Settings"))
        self._settings.setToolTip(self.tr("Settings (Ctrl+,)"))
