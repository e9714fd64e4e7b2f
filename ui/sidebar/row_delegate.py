"""Row delegate of the sidebar: draws the rows, and edits titles."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QAbstractItemModel, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.conversation import Conversation, SearchHit
from ui.sidebar.row_model import ID_ROLE, ROW_ROLE, Found, Heading, Index, MoreHits
from ui.widgets.formats import date_text
from ui.widgets.icons import pixmap
from ui.widgets.theme import current_theme, interface_font

ROW_HEIGHT, HIT_HEIGHT = 34, 26
"""Of a conversation or a heading, and of a search hit below its conversation."""
PIN_SIZE, DOT_SIZE = 14, 8
MARGIN, PADDING = 8, 12


class RowDelegate(QStyledItemDelegate):
    """Draws the rows from the values in ``ROW_ROLE``."""

    title_edited = Signal(str, str)
    """Conversation id and new title."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.open_id: str | None = None
        """The open conversation, marked also while others are selected."""
        self.answering: Collection[str] = ()
        """Conversations with a running answer, marked by a dot."""
        self._font = interface_font()
        self._small_font = interface_font(12)
        self._heading_font = interface_font(12, bold=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the fixed height of the kind of row."""
        return QSize(0, HIT_HEIGHT if isinstance(index.data(ROW_ROLE), SearchHit | MoreHits) else ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row, rect = index.data(ROW_ROLE), option.rect
        painter.save()
        if isinstance(row, Heading):
            self._paint_heading(painter, rect, str(index.data()))
        elif row is not None:
            self._paint_row(painter, rect, option.state, row, str(index.data()))
        painter.restore()

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
            model.setData(index, title)
            self.title_edited.emit(index.data(ID_ROLE), title)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Place the editor inside the rounded background."""
        editor.setGeometry(option.rect.adjusted(MARGIN, 1, -MARGIN, -1))

    def _paint_heading(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setFont(self._heading_font)
        painter.setPen(QColor(current_theme().quiet_text))
        area = rect.adjusted(MARGIN + PADDING, 0, -MARGIN, -6)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignBottom), text)

    def _paint_row(
        self,
        painter: QPainter,
        rect: QRect,
        state: QStyle.StateFlag,
        row: Conversation | Found | SearchHit | MoreHits,
        text: str,
    ) -> None:
        theme = current_theme()
        is_open = isinstance(row, Conversation) and row.id == self.open_id
        is_marked = is_open or bool(state & QStyle.StateFlag.State_Selected)
        background = rect.adjusted(MARGIN, 1, -MARGIN, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_marked or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.pressed if is_marked else theme.hover))
            painter.drawRoundedRect(background, 6, 6)
        if state & QStyle.StateFlag.State_Selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(theme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(background.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        area = background.adjusted(PADDING, 0, -PADDING, 0)
        match row:
            case Conversation(is_pinned=True):
                ratio = painter.device().devicePixelRatioF()
                corner = QPointF(area.right() - PIN_SIZE + 3, area.center().y() - PIN_SIZE / 2 + 0.5)
                painter.drawPixmap(corner, pixmap("pin", "quiet_text", PIN_SIZE, ratio))
                area.adjust(0, 0, -PIN_SIZE - 2, 0)
            case Found(conversation=conversation):
                day = date_text(conversation.updated_at)
                painter.setFont(self._small_font)
                painter.setPen(QColor(theme.quiet_text))
                painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), day)
                area.adjust(0, 0, -QFontMetrics(self._small_font).horizontalAdvance(day) - PADDING, 0)
            case SearchHit() | MoreHits():
                area.adjust(PADDING, 0, 0, 0)
        if isinstance(row, Conversation) and row.id in self.answering:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent))
            painter.drawEllipse(
                QPointF(area.right() - DOT_SIZE / 2 + 1, area.center().y() + 0.5), DOT_SIZE / 2, DOT_SIZE / 2
            )
            area.adjust(0, 0, -DOT_SIZE - PADDING, 0)
        match row:
            case Found(in_title=SearchHit(spans=spans)):
                _paint_match(painter, text, spans, area, self._font, theme.text)
            case SearchHit(spans=spans):
                _paint_match(painter, text, spans, area, self._small_font, theme.quiet_text)
            case _:
                font = self._small_font if isinstance(row, MoreHits) else self._font
                painter.setFont(font)
                painter.setPen(QColor(theme.link if isinstance(row, MoreHits) else theme.text))
                shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
                painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)


def _paint_match(
    painter: QPainter, text: str, spans: Sequence[tuple[int, int]], area: QRect, font: QFont, colour: str
) -> None:
    """Draw one line of text in ``area`` with the matches marked; text far before the first one is elided."""
    theme, metrics = current_theme(), QFontMetrics(font)
    begin, end = spans[0]
    skipped = 0
    while begin - skipped > 4 and metrics.horizontalAdvance(text[skipped:end]) > area.width() * 0.8:
        skipped += 4
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
