"""Panel over the window with a field that filters a list in sections, for the keyboard and the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QCursor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextLayout,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.fuzzy import FuzzyIndex
from ui.widgets.announcement import announce
from ui.widgets.dialog_parts import hairline
from ui.widgets.icons import icon, pixmap
from ui.widgets.layouts import hbox, vbox
from ui.widgets.theme import current_theme, interface_font

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole
"""The ``Entry``, or the title of a section."""
ROW_HEIGHT, TALL_ROW_HEIGHT, HEADING_HEIGHT = 34, 50, 30
MARGIN, PADDING, GAP, ICON, DOT = 6, 10, 12, 16, 7
LABEL_SHARE = 0.55
"""Of a row that its title may take at most beside a label."""
PANEL_WIDTH, PANEL_HEIGHT, PANEL_TOP, LEAST_SPACE = 600, 480, 72, 12
RADIUS, SHADOW, SHADOW_ALPHA = 10, 18, 3


@dataclass(frozen=True)
class Entry:
    """One row.  Entries of one section follow each other."""

    key: str
    title: str
    section: str = ""
    label: str = ""
    """Beside the title, quieter."""
    mark: str = ""
    """After the title, in the colour of the accent."""
    value: str = ""
    """At the right."""
    note: str = ""
    """Second line."""
    kind: str = ""
    """Colour role of a dot before the note."""
    words: str = ""
    """Other words by which it is found; not shown."""
    is_checked: bool = False
    is_dim: bool = False
    positions: tuple[int, ...] = ()
    """Characters of the title that match the filter."""

    def spoken(self) -> str:
        """Return the row as one text for screen readers."""
        return ", ".join(filter(None, (self.title, self.label, self.mark, self.value, self.note)))


class FilterPanel(QWidget):
    """The panel and the area around it, a click on which closes it; it is deleted then.

    ``search`` returns the entries for the text of the field.
    """

    chosen = Signal(str)
    """Key of an entry; the panel is closed before."""

    def __init__(
        self,
        window: QWidget,
        name: str,
        placeholder: str,
        search: Callable[[str], Sequence[Entry]],
        *,
        anchor: QWidget | None = None,
        footer: Sequence[QWidget] = (),
        empty: str = "",
    ) -> None:
        """Open the panel below ``anchor``, or in the middle.  ``empty`` is shown where nothing matches."""
        super().__init__(window)
        self.setObjectName(name)
        self._search, self._anchor, self._footer = search, anchor, footer
        self._focused = window.focusWidget()
        self._height = 0
        self._is_closed = False
        self._announced = ""
        self.field = QLineEdit()
        self.field.setObjectName("filterField")
        self.field.setPlaceholderText(placeholder)
        self.field.setAccessibleName(placeholder)
        self.field.setClearButtonEnabled(False)
        picture = QAction(icon("search", size=16), placeholder, self)
        self.field.addAction(picture, QLineEdit.ActionPosition.LeadingPosition)
        self._rows = _Rows()
        self.list = QListView()
        self.list.setObjectName("filterList")
        self.list.setAccessibleName(placeholder)
        self.list.setModel(self._rows)
        self.list.setItemDelegate(_RowDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.verticalScrollBar().setSingleStep(20)
        self._empty = QLabel(empty)
        self._empty.setObjectName("filterEmpty")
        self._empty.setProperty("quiet", True)
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(MARGIN + PADDING, 12, MARGIN + PADDING, 16)
        self._frame = QFrame(self)
        self._frame.setObjectName("filterPanel")
        self._foot = QWidget()
        hbox(*footer, None, parent=self._foot, spacing=4, margins=(8, 6, 8, 6))
        line = hairline()
        if not footer:
            self._foot.hide()
            line.hide()
        vbox(
            hbox(self.field, margins=(6, 6, 6, 0)), hairline(), (self.list, 1), self._empty, line, self._foot,
            parent=self._frame, margins=(1, 1, 1, 1),
        )  # fmt: skip
        self.field.textChanged.connect(self.refresh)
        self.field.returnPressed.connect(self._choose_current)
        self.list.clicked.connect(self._choose)
        QApplication.instance().focusChanged.connect(self._on_focus_changed)  # type: ignore[union-attr]
        window.installEventFilter(self)
        self.refresh()
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def refresh(self) -> None:
        """Search again; the current row is the best one for a new text, else the one before."""
        text = self.field.text()
        entries = self._search(text)
        keys = [each.key for each in entries]
        is_new = text != self._rows.text
        key = self.key()
        if is_new or key not in keys:
            checked = next((each.key for each in entries if each.is_checked), "") if not text.strip() else ""
            key = checked or next(iter(keys), "")
        self._rows.show(entries, text)
        self.list.setVisible(bool(entries))
        self._empty.setVisible(not entries)
        if entries:
            # Without animation or delay: the first paint shows the place.
            self.list.doItemsLayout()
            self._go_to(self._rows.row_of(key))
        self._place()

    def key(self) -> str:
        """Return the key of the current row; empty where there is none."""
        row = self._rows.entry(self.list.currentIndex().row())
        return row.key if row is not None else ""

    def entries(self) -> list[Entry]:
        """Return the shown entries."""
        return [row for row in self._rows.rows if isinstance(row, Entry)]

    def close_panel(self) -> None:
        """Close the panel, and give the focus back."""
        if self._is_closed:
            return
        self._is_closed = True
        focused, window = self._focused, self.window()
        QApplication.instance().focusChanged.disconnect(self._on_focus_changed)  # type: ignore[union-attr]
        had_focus = self.isAncestorOf(QApplication.focusWidget() or window)
        self.hide()
        if had_focus and focused is not None and focused.isVisible():
            focused.setFocus()
        self.deleteLater()

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Follow the size of the window."""
        if event.type() == QEvent.Type.Resize and not self._is_closed:
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        """Claim the keys of the panel, which are shortcuts of the window too."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._step_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move in the list, or close the panel on Escape."""
        step = self._step_of(event)
        if event.key() == Qt.Key.Key_Escape:
            self.close_panel()
        elif step:
            self._step(step)
        else:
            super().keyPressEvent(event)
        event.accept()

    def focusNextPrevChild(self, is_next: bool) -> bool:
        """Keep Tab within the field and the buttons."""
        stops = [self.field, *(each for each in self._footer if each.isEnabled() and each.isVisible())]
        focused = QApplication.focusWidget()
        place = stops.index(focused) if focused in stops else 0
        stops[(place + (1 if is_next else -1)) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close on a click beside the panel."""
        if not self._frame.geometry().contains(event.position().toPoint()):
            self.close_panel()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the shadow of the panel."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(current_theme().shadow)
        colour.setAlpha(SHADOW_ALPHA)
        painter.setBrush(colour)
        for size in range(SHADOW, 0, -2):
            shape = QRectF(self._frame.geometry()).adjusted(-size, -size / 2, size, size + 2)
            painter.drawRoundedRect(shape, RADIUS + size, RADIUS + size)
        painter.end()

    def _step_of(self, event: QKeyEvent) -> int:
        """Return by how many rows a key moves, and any number for other keys of the panel."""
        page = max(1, self.list.viewport().height() // TALL_ROW_HEIGHT - 1)
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_Escape: 1,
        }
        return steps.get(Qt.Key(event.key()), 0) if not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier else 0

    def _step(self, step: int) -> None:
        entries = [at for at, row in enumerate(self._rows.rows) if isinstance(row, Entry)]
        if not entries:
            return
        current = self.list.currentIndex().row()
        place = entries.index(current) + step if current in entries else 0
        # One step wraps around, a page ends at the ends.
        place = place % len(entries) if abs(step) == 1 else max(0, min(place, len(entries) - 1))
        self._go_to(entries[place])

    def _go_to(self, row: int) -> None:
        if row < 0:
            return
        index = self._rows.index(row)
        self.list.setCurrentIndex(index)
        # The heading above the first row comes into sight with it.
        above = row - 1 if row and isinstance(self._rows.rows[row - 1], str) else row
        self.list.scrollTo(self._rows.index(above))
        self.list.scrollTo(index)
        entry = self._rows.entry(row)
        if entry is not None and entry.spoken() != self._announced:
            # The focus stays in the field.
            self._announced = entry.spoken()
            announce(self.field, self._announced)

    def _choose_current(self) -> None:
        self._choose(self.list.currentIndex())

    def _choose(self, index: Index) -> None:
        entry = self._rows.entry(index.row())
        if entry is not None:
            self.close_panel()
            self.chosen.emit(entry.key)

    def _on_focus_changed(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and now is not self and not self.isAncestorOf(now):
            self.close_panel()

    def _place(self) -> None:
        window, anchor = self.window(), self._anchor
        self.setGeometry(window.rect())
        self._frame.ensurePolished()
        width = min(PANEL_WIDTH, window.width() - 2 * LEAST_SPACE)
        corner = QPoint((window.width() - width) // 2, min(PANEL_TOP, window.height() // 10))
        if anchor is not None:
            corner = anchor.mapTo(window, anchor.rect().bottomLeft()) + QPoint(0, 4)
            corner.setX(max(LEAST_SPACE, min(corner.x(), window.width() - width - LEAST_SPACE)))
        layout = self._frame.layout()
        assert layout is not None
        layout.activate()
        shown = self.list if self._rows.rows else self._empty
        others = layout.sizeHint().height() - shown.sizeHint().height()
        rows = self._rows.height() if self._rows.rows else self._empty.heightForWidth(width)
        # The panel does not jump while the user is typing.
        self._height = max(self._height, min(PANEL_HEIGHT, rows + others))
        self._frame.setGeometry(
            QRect(corner, QSize(width, min(self._height, window.height() - corner.y() - LEAST_SPACE)))
        )
        self.update()


class _Rows(QAbstractListModel):
    """The entries with a heading above each section."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Entry | str] = []
        self.text: str | None = None
        """The text that was searched for."""

    def show(self, entries: Sequence[Entry], text: str) -> None:
        rows: list[Entry | str] = []
        for section, group in groupby(entries, key=lambda entry: entry.section):
            rows += [*([section] if section else []), *group]
        self.text = text
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        found = self.rows[row] if 0 <= row < len(self.rows) else None
        return found if isinstance(found, Entry) else None

    def row_of(self, key: str) -> int:
        return next((at for at, row in enumerate(self.rows) if isinstance(row, Entry) and row.key == key), -1)

    def height(self) -> int:
        return sum(map(_height, self.rows)) + 2 * MARGIN

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row if isinstance(row, str) else row.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return row if isinstance(row, str) else row.spoken()
            case _ if role == ROW_ROLE:
                return row
        return None


def _height(row: Entry | str) -> int:
    if isinstance(row, str):
        return HEADING_HEIGHT
    return TALL_ROW_HEIGHT if row.note else ROW_HEIGHT


class _RowDelegate(QStyledItemDelegate):
    """Draws the rows."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._font, self._small = interface_font(), interface_font(13)
        self._heading = interface_font(12, bold=True)
        self._rested_at: QPoint | None = QCursor.pos()
        """Where the pointer was when the panel opened below it; None once it has moved."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, _height(index.data(ROW_ROLE)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, rect = index.data(ROW_ROLE), option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(row, str):
            place = rect.adjusted(MARGIN + PADDING, 0, -MARGIN - PADDING, -5)
            _draw(painter, place, row, self._heading, current_theme().quiet_text, Qt.AlignmentFlag.AlignBottom)
        else:
            self._paint_entry(painter, rect, option.state, row)
        painter.restore()

    def _paint_entry(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, row: Entry) -> None:
        theme = current_theme()
        ground = rect.adjusted(MARGIN, 1, -MARGIN, -1)
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        if self._rested_at != QCursor.pos():
            self._rested_at = None
        # A row below a pointer at rest would look like a second current one.
        if is_current or (state & QStyle.StateFlag.State_MouseOver and self._rested_at is None):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.selection if is_current else theme.hover))
            painter.drawRoundedRect(ground, 6, 6)
        area = ground.adjusted(PADDING, 0, -PADDING, 0)
        if row.note:
            first = QRect(area.left(), area.top() + 4, area.width(), 21)
            second = QRect(area.left(), first.bottom() + 1, area.width(), 19)
        else:
            first, second = area, QRect()
        ratio = painter.device().devicePixelRatioF()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        used = _draw(painter, first, row.value, self._small, theme.quiet_text, right)
        first.adjust(0, 0, -used - (GAP if used else 0), 0)
        if row.is_checked:
            picture = pixmap("check", "accent", ICON, ratio)
            painter.drawPixmap(first.right() - ICON + 1, first.center().y() - ICON // 2 + 1, picture)
            first.adjust(0, 0, -ICON - GAP, 0)
        small = QFontMetrics(self._small)
        mark = small.horizontalAdvance(row.mark) + GAP if row.mark else 0
        label = min(small.horizontalAdvance(row.label) + GAP, round(first.width() * LABEL_SHARE)) if row.label else 0
        room = first.adjusted(0, 0, -mark - label, 0)
        text = theme.quiet_text if row.is_dim else theme.text
        x = room.left() + self._draw_title(painter, room, row, text)
        if row.label:
            place = QRect(x + GAP - 4, first.top(), max(0, first.right() - x - GAP + 4 - mark), first.height())
            x += GAP - 4 + _draw(painter, place, row.label, self._small, theme.quiet_text)
        if row.mark:
            place = QRect(x + GAP - 2, first.top(), mark, first.height())
            _draw(painter, place, row.mark, self._small, theme.accent)
        if row.note and row.kind:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(getattr(theme, row.kind)))
            painter.drawEllipse(QRectF(second.left() + 0.5, second.center().y() - DOT / 2 + 1, DOT, DOT))
            second.adjust(DOT + 7, 0, 0, 0)
        _draw(painter, second, row.note, self._small, theme.quiet_text)

    def _draw_title(self, painter: QPainter, place: QRect, row: Entry, colour: str) -> int:
        """Draw the title with its matched characters marked; return its width."""
        metrics = QFontMetrics(self._font)
        shown = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, place.width())
        if not row.positions:
            return _draw(painter, place, shown, self._font, colour)
        layout = QTextLayout(shown, self._font)
        layout.setFormats([_format(at, current_theme()) for at in row.positions if at < len(shown)])
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(1e6)
        layout.endLayout()
        painter.setPen(QColor(colour))
        layout.draw(painter, QRectF(place).topLeft() + QPoint(0, round((place.height() - line.height()) / 2)))
        return round(line.naturalTextWidth())


def _format(position: int, theme: Any) -> QTextLayout.FormatRange:
    found = QTextLayout.FormatRange()
    found.start, found.length, found.format = position, 1, QTextCharFormat()
    found.format.setForeground(QColor(theme.accent))
    found.format.setFontWeight(QFont.Weight.DemiBold)
    return found


def _draw(
    painter: QPainter,
    place: QRect,
    text: str,
    font: QFont,
    colour: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
) -> int:
    """Draw one line, elided, and return its width."""
    if not text or place.width() <= 0:
        return 0
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(place, int(align), shown)
    return metrics.horizontalAdvance(shown)


class EntryIndex:
    """Entries in an index of their titles, labels and sections."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._index = FuzzyIndex(f"{each.title} {each.label} {each.section} {each.words}" for each in entries)

    def search(self, text: str, limit: int) -> list[tuple[int, Entry]]:
        """Return the ranks of the best matches and their entries with the matched characters."""
        found = ((match, self.entries[match.number]) for match in self._index.search(text, limit))
        return [
            (match.rank, replace(entry, positions=match.positions))
            for match, entry in found
            # Single letters of words that are not shown would seem to match nothing.
            if not match.is_scattered or max(match.positions, default=0) < len(entry.title)
        ]
