"""What surrounds the list in the sidebar: the ways to archive and bin, their headings, and what to do with a choice."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from ui.sidebar.conversation_list import ARCHIVE, BIN, HITS, LIST
from ui.widgets.icons import icon
from ui.widgets.theme import Theme, interface_font

KEPT_DAYS = 30
"""How long the bin keeps what was deleted."""
SMALL = 13
SMALLER = 12


def row_button(name: str, parent: QWidget) -> QToolButton:
    """A flat button with an icon beside its text."""
    button = QToolButton(parent)
    button.setObjectName(name)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(18, 18))
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


class ShelfHeading(QWidget):
    """Above the archive or the bin: the way back, its name, and for the bin how long it keeps and how it is emptied."""

    back_wanted = Signal()
    empty_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shelf = LIST
        self._is_empty = True
        self.back = row_button("shelfBackButton", self)
        self.back.setFont(interface_font(bold=True))
        self.empty = QPushButton(self)
        self.empty.setObjectName("emptyBinButton")
        self.empty.setProperty("quiet", True)
        self.empty.setFont(interface_font(SMALL))
        self._note = QLabel(self)
        self._note.setProperty("quiet", True)
        self._note.setFont(interface_font(SMALLER))
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
        self.back.clicked.connect(self.back_wanted)
        self.empty.clicked.connect(self.empty_wanted)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme
        self.back.setIcon(icon("arrow-left", theme.quiet_text))

    def show_shelf(self, shelf: str, count: int) -> None:
        """Name the shelf that is shown; nothing for the list itself."""
        self._shelf, self._is_empty = shelf, count == 0
        self._retranslate()
        self.setVisible(shelf in (ARCHIVE, BIN))

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        in_bin = self._shelf == BIN
        self.back.setText(self.tr("Trash") if in_bin else self.tr("Archive"))
        self.back.setToolTip(self.tr("Back to conversations (Esc)"))
        self.back.setAccessibleName(self.tr("Back to conversations"))
        self.empty.setText(self.tr("Empty trash"))
        self.empty.setVisible(in_bin and not self._is_empty)
        self._note.setText(
            self.tr("Conversations in the trash are permanently deleted after {days} days.").format(days=KEPT_DAYS)
        )
        self._note.setVisible(in_bin and not self._is_empty)


class ShelfLinks(QWidget):
    """Below the list: how many conversations lie in the archive and in the bin, and the ways there."""

    wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._counts = {ARCHIVE: 0, BIN: 0}
        self._links = {ARCHIVE: row_button("archiveButton", self), BIN: row_button("binButton", self)}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 0)
        layout.setSpacing(4)
        for link in self._links.values():
            link.setFont(interface_font(SMALL))
            link.setIconSize(QSize(16, 16))
            layout.addWidget(link)
        layout.addStretch(1)
        self._links[ARCHIVE].clicked.connect(lambda: self.wanted.emit(ARCHIVE))
        self._links[BIN].clicked.connect(lambda: self.wanted.emit(BIN))
        self.set_theme(theme)
        self.set_counts(0, 0)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        for shelf, name in ((ARCHIVE, "archive"), (BIN, "trash")):
            self._links[shelf].setIcon(icon(name, theme.quiet_text, 16))
            self._links[shelf].setStyleSheet(f"QToolButton {{ color: {theme.quiet_text}; }}")

    def set_counts(self, archived: int, deleted: int) -> None:
        """Say how many there are; a way to nothing is not shown."""
        self._counts = {ARCHIVE: archived, BIN: deleted}
        self._retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        words = {ARCHIVE: self.tr("Archive · {count}"), BIN: self.tr("Trash · {count}")}
        names = {ARCHIVE: self.tr("Archive, {count} conversations"), BIN: self.tr("Trash, {count} conversations")}
        for shelf, link in self._links.items():
            count = self._counts[shelf]
            link.setText(words[shelf].format(count=count))
            link.setAccessibleName(names[shelf].format(count=count))
            link.setVisible(count > 0)
        self.setVisible(any(self._counts.values()))


class ChoiceBar(QWidget):
    """What can be done with the chosen rows, where several are chosen or they lie in archive or bin."""

    wanted = Signal(str)
    """One of ``ACTIONS``."""
    ACTIONS = ("archive", "unarchive", "restore", "export", "delete", "purge")
    _ICONS = ("archive", "undo", "undo", "export", "trash", "trash")

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._count = 0
        self._words = QLabel(self)
        self._words.setProperty("quiet", True)
        self._words.setFont(interface_font(SMALL))
        self._buttons = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 4, 12, 0)
        layout.setSpacing(2)
        layout.addWidget(self._words, 1)
        for action in self.ACTIONS:
            button = QToolButton(self)
            button.setObjectName(f"{action}ChosenButton")
            button.setIconSize(QSize(18, 18))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.setProperty("action", action)
            button.clicked.connect(self._tell)
            layout.addWidget(button)
            self._buttons[action] = button
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        for name, button in zip(self._ICONS, self._buttons.values(), strict=True):
            button.setIcon(icon(name, theme.bad if name == "trash" else theme.quiet_text))

    def show_for(self, shelf: str, count: int) -> None:
        """Offer what fits so many rows of this shelf."""
        self._count = count
        offered: dict[str, Sequence[str]] = {
            LIST: ("archive", "export", "delete"),
            HITS: ("archive", "export", "delete"),
            ARCHIVE: ("unarchive", "export", "delete"),
            BIN: ("restore", "purge"),
        }
        for action, button in self._buttons.items():
            button.setVisible(action in offered[shelf])
        self._retranslate()
        self.setVisible(count > (1 if shelf in (LIST, HITS) else 0))

    def changeEvent(self, event: QEvent) -> None:
        """Change the words with the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _tell(self) -> None:
        self.wanted.emit(self.sender().property("action"))

    def _retranslate(self) -> None:
        self._words.setText(self.tr("{count} selected").format(count=self._count))
        names = {
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
