"""How a row of the sidebar is drawn: a heading, a conversation, or a place where a search text was found."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.conversation import SearchHit
from ui.widgets.icons import pixmap
from ui.widgets.theme import Theme, interface_font

ID_ROLE = Qt.ItemDataRole.UserRole
HIT_ROLE = Qt.ItemDataRole.UserRole + 1
MESSAGE_ROLE = Qt.ItemDataRole.UserRole + 2
HEADING_ROLE = Qt.ItemDataRole.UserRole + 3
PINNED_ROLE = Qt.ItemDataRole.UserRole + 4

ROW, HIT_ROW, HEADING = 34, 54, 32
PIN = 14
SIDE, INSIDE = 8, 12

Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """Draws the rows and lends a field for editing a title."""

    title_edited = Signal(str, str)

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.open_id: str | None = None
        """The conversation that is open, marked also while others are chosen."""
        self._font = interface_font()
        self._small = interface_font(12)
        self._small_bold = interface_font(12, bold=True)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours."""
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Rows of fixed heights; the list's width."""
        if index.data(HEADING_ROLE):
            return QSize(0, HEADING)
        return QSize(0, HIT_ROW if index.data(HIT_ROLE) else ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        theme = self._theme
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if index.data(HEADING_ROLE):
            painter.setFont(self._small_bold)
            painter.setPen(QColor(theme.quiet_text))
            place = rect.adjusted(SIDE + INSIDE, 0, -SIDE, -6)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignBottom), str(index.data()))
            painter.restore()
            return
        ground = rect.adjusted(SIDE, 1, -SIDE, -1)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        is_open = self.open_id is not None and index.data(ID_ROLE) == self.open_id and not index.data(HIT_ROLE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected or is_open or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.pressed if selected or is_open else theme.hover))
            painter.drawRoundedRect(ground, 6, 6)
        if selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(theme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        inside = ground.adjusted(INSIDE, 0, -INSIDE, 0)
        hit: SearchHit | None = index.data(HIT_ROLE)
        title_place = inside if hit is None else QRect(inside.x(), inside.y() + 6, inside.width(), 20)
        if index.data(PINNED_ROLE):
            ratio = painter.device().devicePixelRatioF()
            corner = QPointF(inside.right() - PIN + 3, inside.center().y() - PIN / 2 + 0.5)
            painter.drawPixmap(corner, pixmap("pin", theme.quiet_text, PIN, ratio))
            title_place = inside.adjusted(0, 0, -PIN - 2, 0)
        painter.setFont(self._font)
        painter.setPen(QColor(theme.text))
        title = QFontMetrics(self._font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, title_place.width())
        painter.drawText(title_place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), title)
        if hit is not None:
            self._draw_snippet(painter, hit, QRect(inside.x(), inside.y() + 27, inside.width(), 20))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A field in the row's place."""
        editor = QLineEdit(parent)
        editor.setObjectName("titleField")
        editor.setAccessibleName(self.tr("Title"))
        editor.setStyleSheet("QLineEdit { padding: 2px 8px; min-height: 0; }")
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Tell the new title; an empty one changes nothing."""
        assert isinstance(editor, QLineEdit)
        title = editor.text().strip()
        if title and title != index.data():
            model.setData(index, title)
            self.title_edited.emit(index.data(ID_ROLE), title)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Within the row's rounded ground."""
        editor.setGeometry(option.rect.adjusted(SIDE, 1, -SIDE, -1))

    def _draw_snippet(self, painter: QPainter, hit: SearchHit, place: QRect) -> None:
        theme = self._theme
        begin, end = hit.span
        text = hit.snippet
        metrics = QFontMetrics(self._small)
        # The hit must be seen: what lies far before it gives way to an ellipsis.
        lead = 0
        while begin - lead > 4 and metrics.horizontalAdvance(text[lead:end]) > place.width() * 0.8:
            lead += 4
        shown = ("…" if lead else "") + text[lead:]
        shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, place.width())
        shift = lead - (1 if lead else 0)
        layout = QTextLayout(shown, self._small)
        plain, marked = QTextLayout.FormatRange(), QTextLayout.FormatRange()
        plain.start, plain.length, plain.format = 0, len(shown), _coloured(theme.quiet_text)
        marked.start, marked.length, marked.format = begin - shift, end - begin, _coloured(theme.text)
        marked.format.setBackground(QColor(theme.selection))
        layout.setFormats([plain, marked])
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(1e6)
        layout.endLayout()
        painter.setClipRect(place)
        layout.draw(painter, place.topLeft().toPointF())


def _coloured(colour: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(colour))
    return made
