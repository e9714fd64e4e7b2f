"""List view of the models page: its rows, which change in place, and the delegate that draws them.

A row has two lines, size and state at the right, a button, a progress bar and a line for a problem.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSignalBlocker,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from ui.models.actions import button_texts
from ui.models.item import Kind
from ui.models.row_text import RowText
from ui.widgets.icons import pixmap
from ui.widgets.theme import Theme, current_theme, interface_font

Index = QModelIndex | QPersistentModelIndex
KeyedRow = tuple[str, RowText]
"""Key of a row and its texts; a heading has no key."""


ROW_ROLE = Qt.ItemDataRole.UserRole
"""A ``RowText``."""
KEY_ROLE = Qt.ItemDataRole.UserRole + 1
"""Key of the row; empty for a heading."""

PAD_X, PAD_Y = 12, 10
LINE_GAP = 3
GAP = 16
PILL_FROM = 440
"""Narrower rows have no button; the details beside them have it too."""
PILL_HEIGHT, PILL_PAD = 28, 12
ICON = 16
BAR = 3
HEADING_HEIGHT = 34
RADIUS = 8
LEAST_NOTE, LEAST_LABEL = 90, 64
SETTLING_MS = 500
"""Time for which a button that came under the pointer isn't pressed: the click was meant for what was there before."""
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _colour_of(kind: Kind, theme: Theme) -> QColor:
    return QColor(theme.quiet_text if kind == "quiet" else getattr(theme, kind))


def _title_font() -> QFont:
    return interface_font(14, bold=True)


def _small_font() -> QFont:
    return interface_font(13)


@dataclass(frozen=True)
class RowLayout:
    """Rectangles of the parts of a row."""

    ground: QRect
    first: QRect
    second: QRect
    pill: QRect
    problem: QRect
    bar: QRect


class ModelRowDelegate(QStyledItemDelegate):
    """Draws the rows of one list."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        metrics = QFontMetrics(_small_font())
        widest = max(metrics.horizontalAdvance(text) for text in button_texts())
        self._pill_width = max(84, widest + 2 * PILL_PAD)
        self.hovered_pill = -1
        """Number of the row whose button is under the pointer; -1 for none."""

    def layout(self, rect: QRect) -> RowLayout:
        """Return the layout of a row in its rectangle."""
        ground = rect.adjusted(0, 1, 0, -1)
        inner = ground.adjusted(PAD_X, PAD_Y, -PAD_X, -PAD_Y)
        title, small = QFontMetrics(_title_font()).height(), QFontMetrics(_small_font()).height()
        lines = title + LINE_GAP + small
        pill_top = inner.top() + (lines - PILL_HEIGHT) // 2
        pill = QRect(inner.right() + 1 - self._pill_width, pill_top, self._pill_width, PILL_HEIGHT)
        right = pill.left() - GAP
        if rect.width() < PILL_FROM:
            pill, right = QRect(), inner.right() + 1
        first = QRect(inner.left(), inner.top(), right - inner.left(), title)
        second = QRect(inner.left(), first.bottom() + 1 + LINE_GAP, first.width(), small)
        problem = QRect(inner.left(), second.bottom() + 1 + LINE_GAP + 2, inner.width(), small)
        bar = QRect(inner.left(), ground.bottom() - BAR - 1, inner.width(), BAR)
        return RowLayout(ground, first, second, pill, problem, bar)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of two lines, and of a third for a problem."""
        row: RowText = index.data(ROW_ROLE)
        if not index.data(KEY_ROLE):
            return QSize(0, HEADING_HEIGHT + (10 if index.row() else 0))
        layout = self.layout(QRect(0, 0, 400, 100))
        last = layout.problem if row.problem else layout.second
        return QSize(0, last.bottom() + 1 + PAD_Y + 1)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row: RowText = index.data(ROW_ROLE)
        rect: QRect = option.rect
        theme = current_theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not index.data(KEY_ROLE):
            self._draw_heading(painter, rect, row, theme)
        else:
            layout = self.layout(rect)
            self._draw_ground(painter, option, layout.ground, theme)
            self._draw_first(painter, layout, row, theme)
            self._draw_second(painter, layout, row, theme)
            if row.action and layout.pill:
                is_hovered = self.hovered_pill == index.row()
                is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
                # The button of a model that doesn't fit is text only, until the row is selected.
                is_quiet = row.fit_kind == "bad" and not (is_hovered or is_selected)
                if not is_quiet:
                    painter.setPen(QColor(theme.edge if is_hovered or is_selected else theme.hairline))
                    painter.setBrush(QColor(theme.hover if is_hovered else theme.raised))
                    painter.drawRoundedRect(layout.pill.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
                colour = QColor(theme.quiet_text if is_quiet else theme.text)
                _draw(painter, layout.pill, row.action, _small_font(), colour, Qt.AlignmentFlag.AlignCenter)
            if row.problem:
                colour = _colour_of(row.problem_kind, theme)
                _draw_icon(painter, "warning", colour, layout.problem)
                _draw(painter, layout.problem.adjusted(ICON + 6, 0, 0, 0), row.problem, _small_font(), colour)
            if row.fraction is not None:
                _draw_bar(painter, layout.bar, 1.0, QColor(theme.hairline))
                _draw_bar(painter, layout.bar, row.fraction, _colour_of(row.fraction_kind, theme))
        painter.restore()

    def _draw_heading(self, painter: QPainter, rect: QRect, row: RowText, theme: Theme) -> None:
        place = QRect(rect.left() + PAD_X, rect.bottom() - HEADING_HEIGHT, rect.width() - 2 * PAD_X, HEADING_HEIGHT - 4)
        align = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
        used = _draw(painter, place, row.title, interface_font(13, bold=True), QColor(theme.quiet_text), align)
        rest = place.adjusted(used + 8, 0, 0, 0)
        _draw(painter, rest, row.label, _small_font(), QColor(theme.quiet_text), align)

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, ground: QRect, theme: Theme) -> None:
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.question if selected else theme.sidebar))
            painter.drawRoundedRect(ground, RADIUS, RADIUS)
        if selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(theme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def _draw_first(self, painter: QPainter, layout: RowLayout, row: RowText, theme: Theme) -> None:
        text = QColor(theme.quiet_text if row.is_dim else theme.text)
        used = _draw(painter, layout.first, row.size, _small_font(), text, RIGHT)
        left = layout.first.adjusted(0, 0, -used - GAP, 0)
        small = QFontMetrics(_small_font())
        # A long label gives way first, then the text of the mark, and the title last.
        label = min(small.horizontalAdvance(row.label), LEAST_LABEL) + 8 if row.label else 0
        mark_text, mark = row.mark, small.horizontalAdvance(row.mark) + ICON + 12 if row.mark else 0
        if QFontMetrics(_title_font()).horizontalAdvance(row.title) + label + mark > left.width():
            mark_text, mark = "", min(mark, ICON + 10)
        title = left.adjusted(0, 0, -mark - label, 0)
        x = left.left() + _draw(painter, title, row.title, _title_font(), text)
        if row.label:
            place = QRect(x + 8, left.top(), max(0, left.right() - x - 8 - mark), left.height())
            x += 8 + _draw(painter, place, row.label, _small_font(), QColor(theme.quiet_text))
        if row.mark:
            colour = _colour_of(row.mark_kind, theme)
            place = QRect(x + 10, left.top(), mark, left.height())
            _draw_icon(painter, row.icon or "check", colour, place)
            _draw(painter, place.adjusted(ICON + 3, 0, 0, 0), mark_text, _small_font(), colour)

    def _draw_second(self, painter: QPainter, layout: RowLayout, row: RowText, theme: Theme) -> None:
        state, small = "" if row.is_state_implied else row.state, QFontMetrics(_small_font())
        colour = _colour_of(row.state_kind, theme)
        if layout.pill and not row.action:
            _draw(painter, layout.pill, state, _small_font(), colour, Qt.AlignmentFlag.AlignCenter)
            state = ""
        room = layout.second.adjusted(LEAST_NOTE if row.note else 0, 0, 0, 0)
        used = _draw(painter, room, state, _small_font(), colour, RIGHT)
        left = layout.second.adjusted(0, 0, -used - (GAP if used else 0), 0)
        # Whether a model fits is worth more than what is said of its quality.
        needed = 0
        for fit, kept in ((first_part(row.fit), ""), (row.fit, row.note.split(" · ")[0])):
            # Dot, gaps, and a pixel for the fractions of a letter.
            width = small.horizontalAdvance(fit) + 28 if fit else 0
            if width + small.horizontalAdvance(kept) <= left.width():
                needed = width
        note = left.adjusted(0, 0, -needed, 0)
        text = fitting_note(row.note, note.width(), _small_font())
        x = _draw(painter, note, text, _small_font(), QColor(theme.quiet_text))
        rest = left.adjusted(x + (14 if x else 0), 0, 0, 0)
        fit = whole_part(row.fit, rest.width() - 13, _small_font())
        if fit:
            dot = QRectF(rest.left() + 0.5, rest.center().y() - 2.5, 7, 7)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_colour_of(row.fit_kind, theme))
            painter.drawEllipse(dot)
            _draw(painter, rest.adjusted(13, 0, 0, 0), fit, _small_font(), QColor(theme.quiet_text))


def fitting_note(text: str, width: int, font: QFont) -> str:
    """Return a note without the last of its parts that are too wide, the first one cut; nothing where that is short."""
    if width < LEAST_NOTE:
        return ""
    parts = text.split(" · ")
    while len(parts) > 1 and QFontMetrics(font).horizontalAdvance(" · ".join(parts)) > width:
        parts.pop()
    return " · ".join(parts)


def first_part(text: str) -> str:
    """Return what is before the first comma."""
    return re.split("[,，]", text)[0]


def whole_part(text: str, width: int, font: QFont) -> str:
    """Return a text, or what is before its first comma, where that isn't wider; else nothing, as a cut one misleads."""
    parts = text, first_part(text)
    return next((each for each in parts if QFontMetrics(font).horizontalAdvance(each) <= width), "")


def _draw(
    painter: QPainter,
    place: QRect,
    text: str,
    font: QFont,
    colour: QColor,
    align: Qt.AlignmentFlag = LEFT,
) -> int:
    """Draw one line, elided, and return its width."""
    if not text or place.width() <= 0:
        return 0
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(place, int(align), shown)
    return min(metrics.horizontalAdvance(shown), place.width())


def _draw_icon(painter: QPainter, name: str, colour: QColor, place: QRect) -> None:
    picture = pixmap(name, colour.name(), ICON, painter.device().devicePixelRatioF())
    painter.drawPixmap(place.left(), place.top() + (place.height() - ICON) // 2, picture)


def _draw_bar(painter: QPainter, place: QRect, fraction: float, colour: QColor) -> None:
    if fraction > 0:
        bar = place.toRectF()
        bar.setWidth(max(float(BAR), bar.width() * fraction))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(bar, BAR / 2, BAR / 2)


class _Rows(QAbstractListModel):
    """The rows; no items, whose Python halves have ended the process when a list of them was cleared."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[KeyedRow] = []

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.rows]

    def set_rows(self, rows: Sequence[KeyedRow]) -> None:
        """Set the rows, in place where the keys stay."""
        if [key for key, _ in rows] != self.keys:
            self.beginResetModel()
            self.rows = list(rows)
            self.endResetModel()
            return
        for at, row in enumerate(rows):
            if row != self.rows[at]:
                self.rows[at] = row
                index = self.index(at)
                self.dataChanged.emit(index, index)

    def rowCount(self, parent: Index | None = None) -> int:
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings can't be selected."""
        return super().flags(index) if index.isValid() and self.rows[index.row()][0] else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return key, texts, or what a screen reader says."""
        key, text = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return text.spoken()
            case _ if role == KEY_ROLE:
                return key
            case _ if role == ROW_ROLE:
                return text
        return None


class ModelList(QListView):
    """List of rows with a button each."""

    current_changed = Signal(str)
    """Key of the new current row, empty for none."""
    activated_button = Signal(str)
    """A row's button was pressed; its key."""
    entered = Signal(str)
    """Enter was pressed on the row; its key."""
    double_clicked = Signal(str)
    """Key of the row."""
    menu_requested = Signal(QPoint)
    """For the current row, at a global position."""

    def __init__(self, name: str, label: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(label)
        self._delegate = ModelRowDelegate(self)
        self._pressed_pill = ""
        self._pointer: QPoint | None = None
        self._before_change = ""
        """Key of the button that was under the pointer before the rows changed."""
        self._settling = QTimer(self, singleShot=True, interval=SETTLING_MS)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(20)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)

    def show_items(self, rows: Sequence[KeyedRow], key: str = "") -> None:
        """Set the rows.

        The current row becomes the one with ``key``, by default the one before; where it is gone, the nearest.
        """
        before, row, scrolled = self.key(), self.currentIndex().row(), self.verticalScrollBar().value()
        key, keys = key or before, [each for each, _ in rows]
        with QSignalBlocker(self):
            if keys != self._rows.keys:
                self._delegate.hovered_pill = -1
                if self._pointer is not None and not self._settling.isActive():
                    self._before_change = self._pill_at(self._pointer)[1]
                    self._settling.start()
            self._rows.set_rows(rows)
            if self.key() != key or not key:
                current = keys.index(key) if key and key in keys else self._nearest(row)
                self.setCurrentIndex(self._rows.index(current))
        self.verticalScrollBar().setValue(scrolled)
        if self.key() != before:
            self.current_changed.emit(self.key())

    def key(self) -> str:
        """Return the key of the current row; empty where there is none."""
        index = self.currentIndex()
        return str(index.data(KEY_ROLE)) if index.isValid() else ""

    def set_key(self, key: str) -> bool:
        """Make the row with this key the current one; return false where there is none."""
        if not key or key not in self._rows.keys:
            return False
        self.setCurrentIndex(self._rows.index(self._rows.keys.index(key)))
        self.scrollTo(self.currentIndex())
        return True

    def rows(self) -> dict[str, RowText]:
        """Return the texts of all rows by key."""
        return {key: text for key, text in self._rows.rows if key}

    def _nearest(self, row: int) -> int:
        """Return the selectable row nearest to this one; -1 where there is none."""
        selectable = [at for at, key in enumerate(self._rows.keys) if key]
        return min(selectable, key=lambda at: abs(at - row) if row >= 0 else at, default=-1)

    def _pill_at(self, point: QPoint) -> tuple[int, str]:
        index = self.indexAt(point)
        has_pill = index.isValid() and bool(index.data(ROW_ROLE).action)
        if has_pill and self._delegate.layout(self.visualRect(index)).pill.contains(point):
            return index.row(), str(index.data(KEY_ROLE))
        return -1, ""

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Emit ``current_changed``."""
        super().currentChanged(current, previous)
        self.current_changed.emit(self.key())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the current row visible where the list became shorter."""
        visible = self.viewport().rect().adjusted(0, 0, 0, max(0, event.oldSize().height() - event.size().height()))
        current = self.currentIndex()
        was_visible = current.isValid() and visible.intersects(self.visualRect(current))
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        if was_visible and event.size().height() < event.oldSize().height():
            QTimer.singleShot(0, self, lambda: self.scrollTo(self.currentIndex()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the button under the pointer."""
        self._pointer = event.position().toPoint()
        self._hover(self._pill_at(self._pointer)[0])
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the highlight."""
        self._pointer = None
        self._hover(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember the pressed button; it is activated on release."""
        self._pressed_pill = ""
        if event.button() == Qt.MouseButton.LeftButton:
            _, key = self._pill_at(event.position().toPoint())
            self._pressed_pill = key if key == self._before_change or not self._settling.isActive() else ""
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Activate the button on which the mouse was pressed."""
        _, key = self._pill_at(event.position().toPoint())
        super().mouseReleaseEvent(event)
        pressed, self._pressed_pill = self._pressed_pill, ""
        if key and key == pressed and event.button() == Qt.MouseButton.LeftButton:
            self.activated_button.emit(key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Count as two presses on a button; elsewhere emit ``double_clicked``."""
        point = event.position().toPoint()
        _, key = self._pill_at(point)
        if key or event.button() != Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)
            return
        index = self.indexAt(point)
        if index.isValid() and index.data(KEY_ROLE):
            self.double_clicked.emit(index.data(KEY_ROLE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Emit ``entered``."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.key():
            self.entered.emit(self.key())
            event.accept()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of the row under the pointer, or of the current row from the keyboard."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            index, place = self.indexAt(event.pos()), event.globalPos()
        else:
            index = self.currentIndex()
            place = self.viewport().mapToGlobal(self.visualRect(index).center())
        if index.isValid() and index.data(KEY_ROLE):
            self.setCurrentIndex(index)
            self.menu_requested.emit(place)
        event.accept()

    def _hover(self, row: int) -> None:
        if row != self._delegate.hovered_pill:
            self._delegate.hovered_pill = row
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor)
            self.viewport().update()
