"""Parts around the list in the sidebar: heading of archive and trash, links to them, and actions for a selection."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.conversation import TRASH_DAYS
from ui.sidebar.conversation_list import Shelf
from ui.widgets.icons import set_icon
from ui.widgets.theme import interface_font
from ui.widgets.translated import TranslatedWidget

SMALL_SIZE, SMALLER_SIZE = 13, 12
SELECTION_ACTIONS = {
    Shelf.CONVERSATIONS: ("archive", "export", "delete"),
    Shelf.RESULTS: ("archive", "export", "delete"),
    Shelf.ARCHIVE: ("unarchive", "export", "delete"),
    Shelf.TRASH: ("restore", "purge"),
}
SELECTION_ICONS = {
    "archive": "archive",
    "unarchive": "undo",
    "restore": "undo",
    "export": "export",
    "delete": "trash",
    "purge": "trash",
}


def tool_button(name: str, parent: QWidget) -> QToolButton:
    """Return a flat button with an icon beside its text."""
    button = QToolButton(parent)
    button.setObjectName(name)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(18, 18))
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


class ShelfHeading(TranslatedWidget):
    """Above the archive or the trash: a button back to the list; for the trash also a note and a button to empty it."""

    back_requested = Signal()
    empty_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shelf, self._is_empty = Shelf.CONVERSATIONS, True
        self.back = tool_button("shelfBackButton", self)
        self.back.setFont(interface_font(bold=True))
        set_icon(self.back, "arrow-left")
        self.empty = QPushButton(self)
        self.empty.setObjectName("emptyBinButton")
        self.empty.setProperty("quiet", True)
        self.empty.setFont(interface_font(SMALL_SIZE))
        self._note = QLabel(self)
        self._note.setProperty("quiet", True)
        self._note.setFont(interface_font(SMALLER_SIZE))
        self._note.setWordWrap(True)
        self._note.setContentsMargins(8, 0, 8, 4)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.back)
        line.addStretch(1)
        line.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self._note)
        self.back.clicked.connect(self.back_requested)
        self.empty.clicked.connect(self.empty_requested)
        self.hide()

    def show_shelf(self, shelf: Shelf, count: int) -> None:
        """Show the heading of a shelf with ``count`` conversations; the list itself has none."""
        self._shelf, self._is_empty = shelf, count == 0
        self._retranslate()
        self.setVisible(shelf in (Shelf.ARCHIVE, Shelf.TRASH))

    def _retranslate(self) -> None:
        is_trash = self._shelf == Shelf.TRASH
        self.back.setText(self.tr("Trash") if is_trash else self.tr("Archive"))
        self.back.setToolTip(self.tr("Back to conversations (Esc)"))
        self.back.setAccessibleName(self.tr("Back to conversations"))
        self.empty.setText(self.tr("Empty trash"))
        self._note.setText(
            self.tr("Conversations in the trash are permanently deleted after {days} days.").format(days=TRASH_DAYS)
        )
        for widget in (self.empty, self._note):
            widget.setVisible(is_trash and not self._is_empty)


class ShelfLinks(TranslatedWidget):
    """Below the list: buttons that open the archive and the trash, with the numbers of conversations there."""

    clicked = Signal(str)
    """The ``Shelf``."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._counts = {Shelf.ARCHIVE: 0, Shelf.TRASH: 0}
        self._links = {Shelf.ARCHIVE: tool_button("archiveButton", self), Shelf.TRASH: tool_button("binButton", self)}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 0)
        layout.setSpacing(4)
        for shelf, link in self._links.items():
            link.setFont(interface_font(SMALL_SIZE))
            link.setIconSize(QSize(16, 16))
            link.setProperty("quiet", True)
            set_icon(link, shelf.value, size=16)
            link.clicked.connect(lambda _checked, shelf=shelf: self.clicked.emit(shelf))
            layout.addWidget(link)
        layout.addStretch(1)
        self._retranslate()

    def set_counts(self, archived: int, deleted: int) -> None:
        """Show the numbers of conversations; an empty shelf has no link."""
        self._counts = {Shelf.ARCHIVE: archived, Shelf.TRASH: deleted}
        self._retranslate()

    def _retranslate(self) -> None:
        texts = {
            Shelf.ARCHIVE: (self.tr("Archive · {count}"), self.tr("Archive, {count} conversations")),
            Shelf.TRASH: (self.tr("Trash · {count}"), self.tr("Trash, {count} conversations")),
        }
        for shelf, link in self._links.items():
            count, (text, name) = self._counts[shelf], texts[shelf]
            link.setText(text.format(count=count))
            link.setAccessibleName(name.format(count=count))
            link.setVisible(count > 0)
        self.setVisible(any(self._counts.values()))


class SelectionBar(TranslatedWidget):
    """Actions for the selected rows, where several are selected or they are in archive or trash."""

    triggered = Signal(str)
    """Id of an action."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._count = 0
        self._label = QLabel(self)
        self._label.setProperty("quiet", True)
        self._label.setFont(interface_font(SMALL_SIZE))
        self._buttons = {action: QToolButton(self) for action in SELECTION_ICONS}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 4, 12, 0)
        layout.setSpacing(2)
        layout.addWidget(self._label, 1)
        for action, button in self._buttons.items():
            button.setObjectName(f"{action}ChosenButton")
            set_icon(button, SELECTION_ICONS[action], "bad" if SELECTION_ICONS[action] == "trash" else "quiet_text")
            button.setIconSize(QSize(18, 18))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _checked, action=action: self.triggered.emit(action))
            layout.addWidget(button)
        self.hide()

    def show_for(self, shelf: Shelf, count: int) -> None:
        """Show the actions for ``count`` selected rows of a shelf."""
        self._count = count
        for action, button in self._buttons.items():
            button.setVisible(action in SELECTION_ACTIONS[shelf])
        self._retranslate()
        self.setVisible(count > (0 if shelf in (Shelf.ARCHIVE, Shelf.TRASH) else 1))

    def _retranslate(self) -> None:
        self._label.setText(self.tr("{count} selected").format(count=self._count))
        names: dict[str, str] = {
            "archive": self.tr("Archive selected"),
            "unarchive": self.tr("Unarchive"),
            "restore": self.tr("Restore"),
            "export": self.tr("Export selected…"),
            "delete": self.tr("Move selected to trash"),
            "purge": self.tr("Delete permanently…"),
        }
        for action, button in self._buttons.items():
            button.setToolTip(names[action])
            button.setAccessibleName(names[action])
