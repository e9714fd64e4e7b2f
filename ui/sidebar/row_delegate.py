"""Row delegate of the sidebar: draws headings, conversations and search results, and edits titles."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.conversation import Conversation, SearchHit
from ui.widgets.icons import pixmap
from ui.widgets.theme import current_theme, interface_font

ID_ROLE = Qt.ItemDataRole.UserRole
"""Id of the row's conversation; None for a heading."""
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
"""The ``Conversation`` or ``SearchHit`` of the row; None for a heading."""

ROW_HEIGHT, HIT_HEIGHT, HEADING_HEIGHT = 34, 54, 32
PIN_SIZE = 14
MARGIN, PADDING = 8, 12

Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """Draws the rows from the values in ``ROW_ROLE``."""

    title_edited = Signal(str, str)
    """Conversation id and new title."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.open_id: str | None = None
        """The open conversation, marked also while others are selected."""
        self._font = interface_font()
        self._small_font = interface_font(12)
        self._heading_font = interface_font(12, bold=True)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the fixed height of the kind of row."""
        row = index.data(ROW_ROLE)
        if row is None:
            return QSize(0, HEADING_HEIGHT)
        return QSize(0, HIT_HEIGHT if isinstance(row, SearchHit) else ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row, rect = index.data(ROW_ROLE), option.rect
        painter.save()
        if row is None:
            self._paint_heading(painter, rect, str(index.data()))
        else:
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
        self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, row: Conversation | SearchHit, text: str
    ) -> None:
        theme = current_theme()
        hit = row if isinstance(row, SearchHit) else None
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
        inside = background.adjusted(PADDING, 0, -PADDING, 0)
        area = inside if hit is None else QRect(inside.x(), inside.y() + 6, inside.width(), 20)
        if isinstance(row, Conversation) and row.is_pinned:
            ratio = painter.device().devicePixelRatioF()
            corner = QPointF(inside.right() - PIN_SIZE + 3, inside.center().y() - PIN_SIZE / 2 + 0.5)
            painter.drawPixmap(corner, pixmap("pin", "quiet_text", PIN_SIZE, ratio))
            area = inside.adjusted(0, 0, -PIN_SIZE - 2, 0)
        painter.setFont(self._font)
        painter.setPen(QColor(theme.text))
        title = QFontMetrics(self._font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), title)
        if hit is not None:
            self._paint_snippet(painter, hit, QRect(inside.x(), inside.y() + 27, inside.width(), 20))

    def _paint_snippet(self, painter: QPainter, hit: SearchHit, area: QRect) -> None:
        theme = current_theme()
        begin, end = hit.span
        text = hit.snippet
        metrics = QFontMetrics(self._small_font)
        # The match must be visible: text far before it is elided.
        skipped = 0
        while begin - skipped > 4 and metrics.horizontalAdvance(text[skipped:end]) > area.width() * 0.8:
            skipped += 4
        shown = ("…" if skipped else "") + text[skipped:]
        shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, area.width())
        shift = skipped - (1 if skipped else 0)
        layout = QTextLayout(shown, self._small_font)
        plain, marked = QTextLayout.FormatRange(), QTextLayout.FormatRange()
        plain.start, plain.length, plain.format = 0, len(shown), _text_format(theme.quiet_text)
        marked.start, marked.length, marked.format = begin - shift, end - begin, _text_format(theme.text)
        marked.format.setBackground(QColor(theme.selection))
        layout.setFormats([plain, marked])
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(1e6)
        layout.endLayout()
        painter.setClipRect(area)
        layout.draw(painter, area.topLeft().toPointF())


def _text_format(colour: str) -> QTextCharFormat:
    result = QTextCharFormat()
    result.setForeground(QColor(colour))
    return result
