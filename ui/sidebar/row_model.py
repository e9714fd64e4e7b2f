"""Rows of the sidebar's list: folders, and conversations under headings, or the results of a search."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QStringListModel, Qt, Signal

from app.conversation import Conversation, DocumentHit, Folder, SearchHit, Shelf, ShelfOrder
from app.translation import QT_TRANSLATE_NOOP
from model_manager.errors import UserError
from ui.widgets.formats import date_text

if TYPE_CHECKING:
    from app.store.store import ConversationStore

Index = QModelIndex | QPersistentModelIndex

ID_ROLE = Qt.ItemDataRole.UserRole
"""Id of the row's conversation; None for a heading."""
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
"""The ``Row``; None where it can't be read."""

HEADINGS = (
    QT_TRANSLATE_NOOP("ConversationList", "Pinned"),
    QT_TRANSLATE_NOOP("ConversationList", "Today"),
    QT_TRANSLATE_NOOP("ConversationList", "Yesterday"),
    QT_TRANSLATE_NOOP("ConversationList", "Previous 7 days"),
    QT_TRANSLATE_NOOP("ConversationList", "Earlier"),
)
"""Of the sections of a shelf."""
PERIOD_DAYS = (0, 1, 6)
"""Days before today at which a section begins, for the headings between the first and the last."""
PAGE = 32
"""Conversations that are read at once."""
_SELECTABLE = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_FLAGS: dict[Shelf | None, Qt.ItemFlag] = {
    Shelf.CONVERSATIONS: _SELECTABLE | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled,
    Shelf.ARCHIVE: _SELECTABLE | Qt.ItemFlag.ItemIsEditable,
}
"""Of the rows of a shelf; joining them again for each row would be slow."""
SHOWN_HITS = 3
"""Hits that are shown of one conversation until the user asks for the others."""


class Mark(Enum):
    """State of an answer that the row of its conversation shows."""

    QUEUED = auto()
    ANSWERING = auto()
    UNREAD = auto()
    """It ended while another conversation was open."""


@dataclass(frozen=True)
class Heading:
    """Heading of a section, in English."""

    text: str


@dataclass(frozen=True)
class FolderRow:
    """A folder, with the number of conversations in it and in its folders."""

    folder: Folder
    depth: int
    count: int
    is_result: bool = False
    """It was found by a search and shows no content."""


@dataclass(frozen=True)
class EmptyFolder:
    """Row in an expanded folder that contains nothing."""

    folder_id: str
    depth: int


@dataclass(frozen=True)
class Found:
    """A conversation with search hits: in its title, in its messages or in both."""

    conversation: Conversation
    in_title: SearchHit | None
    hits: tuple[SearchHit, ...]
    is_cut: bool = False
    """Whether it may have more hits than these."""

    def count_text(self) -> str:
        """Return the number of hits in its messages; empty without any."""
        return f"{len(self.hits)}{'+' * self.is_cut}" if self.hits else ""


@dataclass(frozen=True)
class MoreHits:
    """Row that shows all hits of a conversation."""

    conversation_id: str
    count: str


Hit = SearchHit | DocumentHit
Row = Heading | FolderRow | EmptyFolder | Conversation | Found | Hit | MoreHits
_Key = int | Heading | FolderRow | EmptyFolder | Found | Hit | MoreHits
"""A row, of which a conversation on a shelf is the number."""


class RowModel(QStringListModel):
    """Rows of the list.  The conversations of a shelf are read when they come into sight.

    The view asks for the number of rows and for indexes of thousands of rows when it lays them out.  The base class,
    whose strings are not used, answers that without calling Python.
    """

    failed = Signal(UserError)
    """A conversation could not be read."""

    def __init__(self) -> None:
        super().__init__()
        self._store: ConversationStore | None = None
        self.shelf: Shelf | None = None
        """The shelf that is shown; None for search results."""
        self._rows: list[_Key] = []
        self._read: dict[int, Conversation | None] = {}
        self._orders: dict[str | None, ShelfOrder] = {}
        """By the ids of expanded folders; that of None is outside of all, or of another shelf."""
        self.folders: Sequence[Folder] = ()
        """All of them, each followed by those in it."""
        self._depths: Mapping[str, int] = {}
        """Of the conversations in each folder."""
        self._midnights: list[datetime] = []
        """At which the sections of the order begin."""
        self._found: Sequence[Found] = ()
        self._found_folders: Sequence[FolderRow | DocumentHit] = ()
        self._expanded: set[str] = set()
        self.marks: Mapping[str, Mark] = {}
        """By the ids of the conversations."""

    def show_shelf(self, store: ConversationStore, shelf: Shelf, changed: str | None = None) -> None:
        """Show a shelf as it is stored now; ``changed``: id of the only conversation that has changed.

        Raises:
            UserError: as the store does; the rows are unchanged.
        """
        orders = self._orders_with(store, changed) if changed is not None and shelf is self.shelf else None
        if orders is None:
            self._midnights, is_list = _midnights(), shelf is Shelf.CONVERSATIONS
            order = store.folder_order(None, self._midnights) if is_list else store.order(shelf, self._midnights)
            orders, self._read = {None: order}, {}
        self._arrange(store, shelf, orders)

    def show_folders(self, store: ConversationStore) -> None:
        """Show the folders as they are stored now, when one was expanded, collapsed, renamed or moved.

        Raises:
            UserError: as the store does; the rows are unchanged.
        """
        if self.shelf is Shelf.CONVERSATIONS:
            self._arrange(store, self.shelf, self._orders)

    def _arrange(self, store: ConversationStore, shelf: Shelf, orders: dict[str | None, ShelfOrder]) -> None:
        folders = store.folders() if shelf is Shelf.CONVERSATIONS else []
        collapsed = {each.id for each in folders if not each.is_expanded}
        shown = [each for each in folders if each.parent_id not in collapsed]
        kept: dict[str | None, ShelfOrder] = {None: orders[None]}
        rows: list[_Key] = []
        for folder in shown:
            if folder.is_expanded:
                kept[folder.id] = orders.get(folder.id) or store.folder_order(folder.id)
        # Counting thousands takes milliseconds; these are known.
        known = orders | kept
        counts = {each.id: len(known[each.id].numbers) for each in folders if each.id in known}
        if unknown := [each.id for each in folders if each.id not in known]:
            counts |= store.folder_counts(*unknown)
        for folder in (each for each in shown if each.parent_id is None):
            children = [each for each in folders if each.parent_id == folder.id]
            count = sum(counts.get(each.id, 0) for each in (folder, *children))
            rows.append(FolderRow(folder, 0, count))
            if folder.is_expanded:
                for child in children:
                    rows.append(FolderRow(child, 1, counts.get(child.id, 0)))
                    rows += _content(child, kept, 2, is_empty=True)
                rows += _content(folder, kept, 1, is_empty=not children)
        begin, order = 0, orders[None]
        for heading, size in zip(HEADINGS, order.sections, strict=True):
            if size:
                rows += [Heading(heading), *order.numbers[begin : begin + size]]
            begin += size
        self._store, self.shelf, self._orders, self.folders = store, shelf, kept, folders
        self._depths = {each.id: 1 if each.parent_id is None else 2 for each in folders}
        self._found, self._expanded = (), set()
        self._show(rows)

    def depth(self, row: int) -> int:
        """Return how far a row is indented: 1 in a folder, 2 in a folder of a folder."""
        match self.row(row):
            case FolderRow(depth=depth) | EmptyFolder(depth=depth):
                return depth
            case Conversation(folder_id=folder_id) if self.shelf is Shelf.CONVERSATIONS:
                return self._depths.get(folder_id or "", 0)
        return 0

    def folder_at(self, row: int) -> Folder | None:
        """Return the folder that a row shows, or that the conversation in it is in."""
        match self.row(row):
            case FolderRow(folder=folder):
                return folder
            case EmptyFolder(folder_id=folder_id) | Conversation(folder_id=folder_id):
                return next((each for each in self.folders if each.id == folder_id), None)
        return None

    def is_folder(self, row: int) -> bool:
        """Return whether a row shows a folder."""
        return isinstance(self._rows[row], FolderRow)

    def row_of_folder(self, folder_id: str) -> int | None:
        """Return the row of a folder; None where it is in a collapsed one, or the list is not shown."""
        rows = enumerate(self._rows)
        return next((row for row, key in rows if isinstance(key, FolderRow) and key.folder.id == folder_id), None)

    def first_heading(self) -> int | None:
        """Return the row below which the conversations outside of all folders are."""
        return next((row for row, key in enumerate(self._rows) if isinstance(key, Heading)), None)

    def show_results(self, found: Sequence[Found], folders: Sequence[FolderRow | DocumentHit] = ()) -> None:
        """Show the results of a search, with the folders that it has found above, each followed by its documents."""
        self.shelf, self._found, self._found_folders = None, found, folders
        rows: list[_Key] = [*folders]
        for each in found:
            shown = each.hits if each.conversation.id in self._expanded else each.hits[:SHOWN_HITS]
            rows += [each, *shown]
            if len(shown) < len(each.hits):
                rows.append(MoreHits(each.conversation.id, each.count_text()))
        self._show(rows)

    def expand(self, conversation_id: str) -> None:
        """Show all hits of a conversation."""
        self._expanded.add(conversation_id)
        self.show_results(self._found, self._found_folders)

    def key(self, row: int) -> object:
        """Return what identifies a row when the rows are shown again; None for a heading."""
        key = self._rows[row]
        if isinstance(key, FolderRow):
            return key.folder.id
        if isinstance(key, Found):
            # More of its hits may have been found.
            return key.conversation.id
        return None if isinstance(key, Heading | EmptyFolder) else key

    def rows_with(self, keys: set[object]) -> list[int]:
        """Return the rows that have one of these keys."""
        if len(keys) == 1:
            (key,) = keys
            if isinstance(key, str) and self.shelf is not None:
                row = self.row_of_folder(key)
                return [] if row is None else [row]
            if isinstance(key, int):
                return [self._rows.index(key)] if key in self._rows else []
        return [row for row in range(len(self._rows)) if self.key(row) in keys] if keys else []

    def hit_rows(self) -> list[int]:
        """Return the rows of single search hits: in messages, documents, and titles of conversations without such."""
        return [
            row
            for row, key in enumerate(self._rows)
            if (isinstance(key, Hit) and key.spans) or (isinstance(key, Found) and not key.hits)
        ]

    def row_of(self, conversation_id: str | None) -> int | None:
        """Return the first row of a conversation."""
        key: object = None
        if self.shelf is None:
            key = next((each for each in self._found if each.conversation.id == conversation_id), None)
        elif self._store is not None and conversation_id is not None:
            try:
                key = self._store.number_of(conversation_id)
            except UserError as error:
                self.failed.emit(error)
        return self._rows.index(key) if key in self._rows else None

    def are_pinned(self, rows: Sequence[int]) -> bool:
        """Return whether all these conversations are pinned."""
        pinned = {number for order in self._orders.values() for number in order.numbers[: order.sections[0]]}
        return bool(rows) and self.shelf is not None and all(self._rows[row] in pinned for row in rows)

    def conversation_id(self, row: int) -> str | None:
        """Return the id of a row's conversation; None for a heading."""
        match self.row(row):
            case Conversation(id=id_):
                return id_
            case Found(conversation=conversation):
                return conversation.id
            case SearchHit(conversation_id=id_) | MoreHits(conversation_id=id_):
                return id_
        return None

    def row(self, row: int) -> Row | None:
        """Return a row; None for a conversation that can't be read."""
        key = self._rows[row]
        if not isinstance(key, int):
            return key
        if key not in self._read:
            self._read_page(row)
        return self._read[key]

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A heading can't be selected; outside the trash, titles can be edited, and rows dragged into folders."""
        if isinstance(self._rows[index.row()], Heading | EmptyFolder):
            return Qt.ItemFlag.NoItemFlags
        return _FLAGS.get(self.shelf, _SELECTABLE)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts, the id or the value of a row."""
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return self.text(self.row(index.row()))
            case Qt.ItemDataRole.AccessibleTextRole | Qt.ItemDataRole.ToolTipRole:
                return self._spoken(self.row(index.row()))
            case _ if role == ID_ROLE:
                return self.conversation_id(index.row())
            case _ if role == ROW_ROLE:
                return self.row(index.row())
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Show a new title until the rows are read again."""
        number = self._rows[index.row()]
        conversation = self._read.get(number) if isinstance(number, int) else None
        if not isinstance(number, int) or conversation is None:
            return False
        self._read[number] = replace(conversation, title=value)
        self.dataChanged.emit(index, index)
        return True

    def _orders_with(self, store: ConversationStore, changed: str) -> dict[str | None, ShelfOrder] | None:
        """Return the orders after a change of one conversation; None to read all of them."""
        number = store.number_of(changed)
        if self.shelf is not Shelf.CONVERSATIONS or number is None or self._midnights != _midnights():
            return None
        orders = dict(self._orders)
        for id_, order in self._orders.items():
            if number in order.numbers:
                place, sections = order.numbers.index(number), order.sections.copy()
                sections[bisect_right(list(accumulate(sections)), place)] -= 1
                orders[id_] = ShelfOrder([*order.numbers[:place], *order.numbers[place + 1 :]], sections)
        conversation = store.numbered([number])[number]
        is_listed = conversation.deleted_at is None and conversation.archived_at is None
        if is_listed and conversation.folder_id in orders:
            order = orders[conversation.folder_id]
            numbers, sections = order.numbers.copy(), order.sections.copy()
            midnights = self._midnights if conversation.folder_id is None else ()
            days = sum(conversation.updated_at < midnight for midnight in midnights)
            sections[0 if conversation.is_pinned else 1 + days] += 1
            numbers.insert(store.place(number), number)
            orders[conversation.folder_id] = ShelfOrder(numbers, sections)
        self._read.pop(number, None)
        return orders

    def _show(self, rows: list[_Key]) -> None:
        before, after = len(self._rows), len(rows)
        self._rows = rows
        if abs(after - before) > PAGE:
            self.setStringList([""] * after)
        elif after != before:
            # Lets the view keep what it knows of thousands of rows.
            (self.insertRows if after > before else self.removeRows)(min(before, after), abs(after - before))
        if rows:
            self.dataChanged.emit(self.index(0), self.index(after - 1))

    def _read_page(self, row: int) -> None:
        begin = row - row % PAGE
        self.read(range(begin, min(begin + PAGE, len(self._rows))))

    def read(self, rows: Iterable[int]) -> None:
        """Read the conversations of these rows that are not read yet, all at once."""
        numbers = [key for row in rows if isinstance(key := self._rows[row], int) and key not in self._read]
        self._read.update(dict.fromkeys(numbers))
        if self._store is None:
            return
        try:
            self._read.update(self._store.numbered(numbers))
        except UserError as error:
            self.failed.emit(error)

    def mark(self, row: Row | None) -> Mark | None:
        """Return the mark of a conversation."""
        return self.marks.get(row.id) if self.marks and isinstance(row, Conversation) else None

    def text(self, row: Row | None) -> str:
        """Return the text of a row."""
        match row:
            case Heading(text=text):
                return QCoreApplication.translate("ConversationList", text)
            case FolderRow(folder=folder):
                return folder.name
            case EmptyFolder():
                return self.tr("Drag conversations here.")
            case Conversation(title=title) | Found(conversation=Conversation(title=title)):
                return title or self.tr("Untitled")
            case SearchHit(snippet=snippet) | DocumentHit(snippet=snippet):
                return snippet
            case MoreHits(count=count):
                return self.tr("All {count} hits").format(count=count)
        return ""

    def _mark_text(self, mark: Mark | None) -> str:
        match mark:
            case Mark.QUEUED:
                return self.tr("{title}, waiting for another answer")
            case Mark.ANSWERING:
                return self.tr("{title}, answering")
            case Mark.UNREAD:
                return self.tr("{title}, new answer")
        return "{title}"

    def _spoken(self, row: Row | None) -> str:
        text = self.text(row)
        if isinstance(row, Conversation):
            text = self._mark_text(self.mark(row)).format(title=text)
        match row:
            case FolderRow(folder=folder):
                state = self.tr("expanded") if folder.is_expanded else self.tr("collapsed")
                spoken = self.tr("{name}, folder with {count} conversations, {state}")
                if row.count == 1:
                    spoken = self.tr("{name}, folder with 1 conversation, {state}")
                return spoken.format(name=text, count=row.count, state=state)
            case Conversation(deleted_at=datetime() as deleted_at):
                return self.tr("{title}, deleted {date}").format(title=text, date=date_text(deleted_at))
            case Conversation(is_pinned=True):
                return self.tr("{title}, pinned").format(title=text)
            case Found(conversation=conversation):
                count = row.count_text()
                hits = self.tr("1 hit") if count == "1" else self.tr("{count} hits").format(count=count)
                return ", ".join([text, *([hits] if count else []), date_text(conversation.updated_at)])
            case SearchHit(title=title):
                return f"{title or self.tr('Untitled')}: {text}"
            case DocumentHit(name=name) if row.spans and any(row.place):
                return f"{name}: {text}"
            case DocumentHit(name=name):
                return self.tr("Document {name}").format(name=name)
        return text


def _content(
    folder: Folder, orders: Mapping[str | None, ShelfOrder], depth: int, *, is_empty: bool
) -> Sequence[int | EmptyFolder]:
    """Return the rows of the conversations in a folder; ``is_empty`` where there are no others in it."""
    if not folder.is_expanded:
        return []
    return orders[folder.id].numbers or ([EmptyFolder(folder.id, depth)] if is_empty else [])


def _midnights() -> list[datetime]:
    """Return the beginnings of the periods in local time."""
    return [datetime.combine(date.today() - timedelta(days), time()).astimezone() for days in PERIOD_DAYS]
