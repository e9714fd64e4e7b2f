"""Row delegate of the sidebar: draws the rows, and edits titles."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QPainter, QPen, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from app.conversation import Conversation, DocumentHit, SearchHit, Shelf
from ui.sidebar.row_model import (
    ID_ROLE,
    ROW_ROLE,
    EmptyFolder,
    FolderRow,
    Found,
    Heading,
    Hit,
    Index,
    Mark,
    MoreHits,
    RowModel,
)
from ui.widgets.formats import date_text
from ui.widgets.icons import pixmap
from ui.widgets.theme import current_theme, interface_font

ROW_HEIGHT, HIT_HEIGHT = 34, 26
"""Of a conversation or a heading, and of a search hit below its conversation."""
PIN_SIZE, MARK_SIZE = 14, 9
MENU_SIZE, DOTS_SIZE = 26, 18
MARGIN, PADDING = 8, 12
INDENT, CHEVRON_SIZE, FOLDER_SIZE, DOCUMENT_SIZE, ICONS_WIDTH = 20, 12, 16, 14, 14
"""Of the rows in a folder, and the icons of a folder; the titles in it are below its name."""

# Python's flags are slow: they took a third of the time to paint the rows.
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
_BOTTOM = int(Qt.AlignmentFlag.AlignBottom)
_SELECTED, _FOCUSED, _HOVERED = (
    getattr(QStyle.StateFlag, f"State_{name}").value for name in ("Selected", "HasFocus", "MouseOver")
)


class RowDelegate(QStyledItemDelegate):
    """Draws the rows of the model."""

    title_edited = Signal(str, str)
    """Conversation id and new title."""
    folder_renamed = Signal(str, str)
    """Id of the folder and its new name."""

    def __init__(self, parent: QWidget, rows: RowModel) -> None:
        super().__init__(parent)
        self._rows = rows
        self.open_id: str | None = None
        """The open conversation, marked also while another row is selected, but not beside several."""
        self.has_several = False
        """Whether several conversations are selected."""
        self.pointer = QPoint(-1, -1)
        """Position of the mouse in the view."""
        self.drop_target: Index | None = None
        """The row that what is dragged would be dropped into."""
        self._font = interface_font()
        self._small_font = interface_font(12)
        self._bold_font = interface_font(bold=True)
        self._heading_font = interface_font(12, bold=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the fixed height of the kind of row."""
        return QSize(0, HIT_HEIGHT if isinstance(index.data(ROW_ROLE), Hit | MoreHits) else ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        rows, place, rect = self._rows, index.row(), option.rect
        # Without the roles of the model, which would take as long as the painting.
        row = rows.row(place)
        text = rows.text(row)
        painter.save()
        if isinstance(row, Heading):
            self._paint_heading(painter, rect, text)
        elif isinstance(row, EmptyFolder):
            self._paint_hint(painter, rect, row.depth, text)
        elif row is not None:
            self._paint_row(painter, rect, option.state.value, row, text, rows.mark(row), rows.depth(place))
        if index == self.drop_target:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(current_theme().accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(MARGIN + 1, 2, -MARGIN - 1, -2), 6, 6)
        painter.restore()

    def menu_area(self, rect: QRect, index: Index) -> QRect:
        """Return the place of the menu button in the row at ``rect``; empty where the row has none."""
        if not isinstance(index.data(ROW_ROLE), Conversation | FolderRow | Found):
            return QRect()
        return _menu_area(rect)

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """Show the tool tip of the menu button, or that of the row where it says more than the row."""
        if not self.menu_area(option.rect, index).contains(event.pos()):
            if self._shows_all(option.rect, index):
                QToolTip.hideText()
                return True
            return super().helpEvent(event, view, option, index)
        QToolTip.showText(event.globalPos(), self.tr("Actions (Shift+F10)"), view)
        return True

    def _shows_all(self, rect: QRect, index: Index) -> bool:
        """Return whether a conversation has no more to say than its title, which is shown whole."""
        title = index.data()
        if not isinstance(index.data(ROW_ROLE), Conversation) or index.data(Qt.ItemDataRole.ToolTipRole) != title:
            return False
        depth = self._rows.depth(index.row())
        left = MARGIN + PADDING + INDENT * depth + (ICONS_WIDTH if depth else 0)
        return QFontMetrics(self._font).horizontalAdvance(title) <= _menu_area(rect).left() - 4 - left

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """Return an editor for the title."""
        editor = QLineEdit(parent)
        editor.setObjectName("titleField")
        editor.setAccessibleName(self.tr("Title"))
        editor.setStyleSheet("QLineEdit { padding: 2px 8px; min-height: 0; }")
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Emit the new title; an empty one is ignored."""
        assert isinstance(editor, QLineEdit)
        title = editor.text().strip()
        if title and title != index.data():
            row = index.data(ROW_ROLE)
            if isinstance(row, FolderRow):
                self.folder_renamed.emit(row.folder.id, title)
                return
            model.setData(index, title)
            self.title_edited.emit(index.data(ID_ROLE), title)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Place the editor inside the rounded background."""
        editor.setGeometry(option.rect.adjusted(MARGIN, 1, -MARGIN, -1))

    def _paint_heading(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setFont(self._heading_font)
        painter.setPen(QColor(current_theme().quiet_text))
        area = rect.adjusted(MARGIN + PADDING, 0, -MARGIN, -6)
        painter.drawText(area, _BOTTOM, text)

    def _paint_row(
        self,
        painter: QPainter,
        rect: QRect,
        state: int,
        row: FolderRow | Conversation | Found | Hit | MoreHits,
        text: str,
        mark: Mark | None,
        depth: int,
    ) -> None:
        theme = current_theme()
        is_open = isinstance(row, Conversation) and row.id == self.open_id and not self.has_several
        # Without the focus a single row would look open beside the open conversation.
        is_quiet = self._rows.shelf is Shelf.CONVERSATIONS and not self.has_several and not state & _FOCUSED
        is_marked = is_open or bool(state & _SELECTED and not is_quiet)
        background = rect.adjusted(MARGIN, 1, -MARGIN, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_marked or state & _HOVERED:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.pressed if is_marked else theme.hover))
            painter.drawRoundedRect(background, 6, 6)
        if state & _SELECTED and state & _FOCUSED:
            painter.setPen(QColor(theme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(background.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        area = background.adjusted(PADDING + INDENT * depth, 0, -PADDING, 0)
        if depth and not isinstance(row, FolderRow):
            area.adjust(ICONS_WIDTH, 0, 0, 0)
        if isinstance(row, Hit | MoreHits):
            area.adjust(PADDING, 0, 0, 0)
        elif state & (_HOVERED | _FOCUSED):
            area.setRight(self._paint_menu_button(painter, rect, is_marked=is_marked))
        elif isinstance(row, Found):
            area.setRight(self._paint_date(painter, area, row))
        elif isinstance(row, Conversation) and row.is_pinned:
            corner = QPointF(area.right() - PIN_SIZE + 3, area.center().y() - PIN_SIZE / 2 + 0.5)
            _draw_icon(painter, corner, "pin", PIN_SIZE)
            area.adjust(0, 0, -PIN_SIZE - 2, 0)
        if isinstance(row, FolderRow):
            self._paint_folder(painter, area, row)
        is_document = isinstance(row, DocumentHit) and not (row.spans and any(row.place))
        if isinstance(row, DocumentHit):
            if is_document:
                top = area.center().y() - DOCUMENT_SIZE / 2 + 0.5
                _draw_icon(painter, QPointF(area.left(), top), "file", DOCUMENT_SIZE)
            area.adjust(DOCUMENT_SIZE + 5, 0, 0, 0)
        if mark is not None:
            _draw_mark(painter, QPointF(area.right() - MARK_SIZE / 2 + 1, area.center().y() + 0.5), mark)
            area.adjust(0, 0, -MARK_SIZE - PADDING, 0)
        match row:
            case Found(in_title=SearchHit(spans=spans)):
                _paint_match(painter, text, spans, area, self._font, theme.text)
            case SearchHit(spans=spans) | DocumentHit(spans=spans):
                colour = theme.text if is_document else theme.quiet_text
                _paint_match(painter, text, spans, area, self._small_font, colour)
            case _:
                font = self._small_font if isinstance(row, MoreHits) else self._font
                font = self._bold_font if mark is Mark.UNREAD else font
                painter.setFont(font)
                painter.setPen(QColor(theme.link if isinstance(row, MoreHits) else theme.text))
                shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
                painter.drawText(area, _LEFT, shown)

    def _paint_menu_button(self, painter: QPainter, rect: QRect, *, is_marked: bool) -> int:
        """Draw the button at the end of the row at ``rect``, and return where the rest of the row ends."""
        theme, button = current_theme(), _menu_area(rect)
        if button.contains(self.pointer):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.hover if is_marked else theme.pressed))
            painter.drawRoundedRect(button, 5, 5)
        inset = (MENU_SIZE - DOTS_SIZE) / 2
        _draw_icon(painter, button.topLeft().toPointF() + QPointF(inset, inset), "more", DOTS_SIZE)
        return button.left() - 4

    def _paint_date(self, painter: QPainter, area: QRect, row: Found) -> int:
        """Draw the end of a search result, and return where the rest of the row ends."""
        day = self.end_of_result(row)
        painter.setFont(self._small_font)
        painter.setPen(QColor(current_theme().quiet_text))
        painter.drawText(area, _RIGHT, day)
        return area.right() - QFontMetrics(self._small_font).horizontalAdvance(day) - PADDING

    def end_of_result(self, row: Found) -> str:
        """Return the date of a search result, after the number of hits in its messages where there are several."""
        count, day = row.count_text(), date_text(row.conversation.updated_at)
        return day if count in {"", "1"} else self.tr("{count} hits · {date}").format(count=count, date=day)

    def _paint_hint(self, painter: QPainter, rect: QRect, depth: int, text: str) -> None:
        area = rect.adjusted(MARGIN + PADDING + INDENT * depth + ICONS_WIDTH, 0, -MARGIN - PADDING, 0)
        painter.setFont(self._small_font)
        painter.setPen(QColor(current_theme().quiet_text))
        shown = QFontMetrics(self._small_font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, _LEFT, shown)

    def _paint_folder(self, painter: QPainter, area: QRect, row: FolderRow) -> None:
        """Draw the icons and the count of a folder; ``area`` becomes what is left for the name."""
        middle = area.center().y() + 0.5
        chevron = "chevron-down" if row.folder.is_expanded else "chevron-right"
        left = area.left() - 5
        if not row.is_result:
            _draw_icon(painter, QPointF(left, middle - CHEVRON_SIZE / 2), chevron, CHEVRON_SIZE)
            left += CHEVRON_SIZE + 4
        _draw_icon(painter, QPointF(left, middle - FOLDER_SIZE / 2), "folder", FOLDER_SIZE)
        area.setLeft(left + FOLDER_SIZE + 7)
        count = str(row.count)
        painter.setFont(self._small_font)
        painter.setPen(QColor(current_theme().quiet_text))
        painter.drawText(area, _RIGHT, count)
        area.adjust(0, 0, -QFontMetrics(self._small_font).horizontalAdvance(count) - PADDING, 0)


def _menu_area(rect: QRect) -> QRect:
    left, top = rect.right() - MARGIN - MENU_SIZE - 2, rect.top() + (rect.height() - MENU_SIZE) // 2
    return QRect(left, top, MENU_SIZE, MENU_SIZE)


def _draw_icon(painter: QPainter, corner: QPointF, name: str, size: int) -> None:
    painter.drawPixmap(corner, pixmap(name, "quiet_text", size, painter.device().devicePixelRatioF()))


def _draw_mark(painter: QPainter, centre: QPointF, mark: Mark) -> None:
    """Draw a ring for a queued answer, with a dot in it for a running one, and a full dot for a new one."""
    accent, radius = QColor(current_theme().accent), MARK_SIZE / 2
    painter.setPen(QPen(accent, 1.5))
    painter.setBrush(accent if mark is Mark.UNREAD else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius - 0.75, radius - 0.75)
    if mark is Mark.ANSWERING:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(centre, radius - 2.5, radius - 2.5)


def _paint_match(
    painter: QPainter, text: str, spans: Sequence[tuple[int, int]], area: QRect, font: QFont, colour: str
) -> None:
    """Draw one line of text in ``area`` with the matches marked; text far before the first one is elided."""
    theme, metrics = current_theme(), QFontMetrics(font)
    begin, end = next(iter(spans), (0, 0))
    skipped = 0
    is_near = metrics.horizontalAdvance(text[:end] + "…") <= area.width()
    while not is_near and begin - skipped > 4 and metrics.horizontalAdvance(text[skipped:end]) > area.width() * 0.8:
        skipped += 4
    if skipped and (space := text.find(" ", skipped - 1, begin)) >= 0:
        # Don't start in the middle of a word.
        skipped = space + 1
    shown = ("…" if skipped else "") + text[skipped:]
    shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, area.width())
    shift = skipped - (1 if skipped else 0)
    layout = QTextLayout(shown, font)
    formats = [_format_range(0, len(shown), colour)]
    for begin, end in spans:
        formats.append(_format_range(begin - shift, end - begin, theme.text))
        formats[-1].format.setBackground(QColor(theme.selection))
    layout.setFormats(formats)
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(1e6)
    layout.endLayout()
    painter.setClipRect(area)
    layout.draw(painter, QPointF(area.x(), area.y() + (area.height() - line.height()) / 2))


def _format_range(start: int, length: int, colour: str) -> QTextLayout.FormatRange:
    result = QTextLayout.FormatRange()
    result.start, result.length, result.format = start, length, QTextCharFormat()
    result.format.setForeground(QColor(colour))
    return result
