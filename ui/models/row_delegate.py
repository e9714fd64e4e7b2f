"""Delegate that draws the rows of the models page: two lines, size and state at the right, a button, a progress bar.

``RowLayout`` holds the rectangles, for painting and for the mouse.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui.models.actions import button_texts
from ui.models.row_text import Kind, RowText
from ui.widgets.icons import pixmap
from ui.widgets.theme import Theme, current_theme, interface_font

ROW_ROLE = Qt.ItemDataRole.UserRole
"""A ``RowText``."""
KEY_ROLE = Qt.ItemDataRole.UserRole + 1
"""Key of the row; empty for a heading."""

PAD_X, PAD_Y = 12, 10
LINE_GAP = 3
GAP = 16
PILL_HEIGHT, PILL_PAD = 28, 12
ICON = 16
BAR = 3
HEADING_HEIGHT = 34
RADIUS = 8
LEAST_NOTE = 90

Index = QModelIndex | QPersistentModelIndex


def colour_of(kind: Kind, theme: Theme) -> QColor:
    """Return the colour of a role."""
    return QColor(theme.quiet_text if kind == "quiet" else getattr(theme, kind))


def title_font() -> QFont:
    """Return the font of titles."""
    return interface_font(14, bold=True)


def small_font() -> QFont:
    """Return the font of everything else."""
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
        self._pill_width = 0
        self.hovered_pill = -1
        """Number of the row whose button is under the pointer; -1 for none."""
        self.measure()

    def measure(self) -> None:
        """Measure the widest button in the current language."""
        metrics = QFontMetrics(small_font())
        self._pill_width = max(metrics.horizontalAdvance(text) for text in button_texts()) + 2 * PILL_PAD
        self._pill_width = max(84, self._pill_width)

    def layout(self, rect: QRect) -> RowLayout:
        """Return the layout of a row in its rectangle."""
        ground = rect.adjusted(0, 1, 0, -1)
        inner = ground.adjusted(PAD_X, PAD_Y, -PAD_X, -PAD_Y)
        title, small = QFontMetrics(title_font()).height(), QFontMetrics(small_font()).height()
        lines = title + LINE_GAP + small
        pill_top = inner.top() + (lines - PILL_HEIGHT) // 2
        pill = QRect(inner.right() + 1 - self._pill_width, pill_top, self._pill_width, PILL_HEIGHT)
        right = pill.left() - GAP
        first = QRect(inner.left(), inner.top(), right - inner.left(), title)
        second = QRect(inner.left(), first.bottom() + 1 + LINE_GAP, first.width(), small)
        problem = QRect(inner.left(), second.bottom() + 1 + LINE_GAP + 2, inner.width(), small)
        bar = QRect(inner.left(), ground.bottom() - BAR - 1, inner.width(), BAR)
        return RowLayout(ground, first, second, pill, problem, bar)

    def pill_at(self, rect: QRect, row: RowText, point: QPoint) -> bool:
        """Whether the row's button is at ``point``."""
        return bool(row.action) and self.layout(rect).pill.contains(point)

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
            if row.action:
                self._draw_pill(painter, layout.pill, row, theme, hovered=self.hovered_pill == index.row())
            if row.problem:
                self._draw_problem(painter, layout.problem, row, theme)
            if row.fraction is not None:
                _draw_bar(
                    painter, layout.bar, row.fraction, colour_of(row.fraction_kind, theme), QColor(theme.hairline)
                )
        painter.restore()

    def _draw_heading(self, painter: QPainter, rect: QRect, row: RowText, theme: Theme) -> None:
        place = QRect(rect.left() + PAD_X, rect.bottom() - HEADING_HEIGHT, rect.width() - 2 * PAD_X, HEADING_HEIGHT - 4)
        align = Qt.AlignmentFlag.AlignBottom
        used = _draw(painter, place, row.title, interface_font(13, bold=True), QColor(theme.quiet_text), align)
        rest = place.adjusted(used + 8, 0, 0, 0)
        _draw(painter, rest, row.label, small_font(), QColor(theme.quiet_text), align)

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
        right = Qt.AlignmentFlag.AlignRight
        used = _draw(painter, layout.first, row.size, small_font(), text, right)
        left = layout.first.adjusted(0, 0, -used - GAP, 0)
        small = QFontMetrics(small_font())
        mark = small.horizontalAdvance(row.mark) + ICON + 12 if row.mark else 0
        label = small.horizontalAdvance(row.label) + 8 if row.label else 0
        title = left.adjusted(0, 0, -mark - label, 0)
        x = left.left() + _draw(painter, title, row.title, title_font(), text)
        if row.label:
            place = QRect(x + 8, left.top(), max(0, left.right() - x - 8 - mark), left.height())
            x += 8 + _draw(painter, place, row.label, small_font(), QColor(theme.quiet_text))
        if row.mark:
            colour = colour_of(row.mark_kind, theme)
            place = QRect(x + 10, left.top(), mark, left.height())
            _draw_icon(painter, row.icon or "check", colour, place)
            _draw(painter, place.adjusted(ICON + 3, 0, 0, 0), row.mark, small_font(), colour)

    def _draw_second(self, painter: QPainter, layout: RowLayout, row: RowText, theme: Theme) -> None:
        right = Qt.AlignmentFlag.AlignRight
        room = layout.second.adjusted(LEAST_NOTE if row.note else 0, 0, 0, 0)
        used = _draw(painter, room, row.state, small_font(), colour_of(row.state_kind, theme), right)
        left = layout.second.adjusted(0, 0, -used - (GAP if used else 0), 0)
        x = _draw(painter, left, row.note, small_font(), QColor(theme.quiet_text))
        rest = left.adjusted(x + (14 if x else 0), 0, 0, 0)
        if row.fit and rest.width() > 40:
            dot = QRectF(rest.left() + 0.5, rest.center().y() - 2.5, 7, 7)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour_of(row.fit_kind, theme))
            painter.drawEllipse(dot)
            _draw(painter, rest.adjusted(13, 0, 0, 0), row.fit, small_font(), QColor(theme.quiet_text))

    def _draw_pill(self, painter: QPainter, pill: QRect, row: RowText, theme: Theme, *, hovered: bool) -> None:
        painter.setPen(QColor(theme.edge if hovered else theme.hairline))
        painter.setBrush(QColor(theme.hover if hovered else theme.raised))
        painter.drawRoundedRect(pill.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        _draw(painter, pill, row.action, small_font(), QColor(theme.text), Qt.AlignmentFlag.AlignHCenter)

    def _draw_problem(self, painter: QPainter, place: QRect, row: RowText, theme: Theme) -> None:
        colour = colour_of(row.problem_kind, theme)
        _draw_icon(painter, "warning", colour, place)
        _draw(painter, place.adjusted(ICON + 6, 0, 0, 0), row.problem, small_font(), colour)


def _draw(
    painter: QPainter,
    place: QRect,
    text: str,
    font: QFont,
    colour: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> int:
    """Draw one line, elided, and return its width."""
    if not text or place.width() <= 0:
        return 0
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.setFont(font)
    painter.setPen(colour)
    vertical = Qt.AlignmentFlag.AlignVCenter if align is not Qt.AlignmentFlag.AlignBottom else align
    horizontal = align if align is not Qt.AlignmentFlag.AlignBottom else Qt.AlignmentFlag.AlignLeft
    painter.drawText(place, int(horizontal | vertical), shown)
    return min(metrics.horizontalAdvance(shown), place.width())


def _draw_icon(painter: QPainter, name: str, colour: QColor, place: QRect) -> None:
    picture = pixmap(name, colour.name(), ICON, painter.device().devicePixelRatioF())
    painter.drawPixmap(place.left(), place.top() + (place.height() - ICON) // 2, picture)


def _draw_bar(painter: QPainter, place: QRect, fraction: float, colour: QColor, ground: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    whole = place.toRectF()
    painter.setBrush(ground)
    painter.drawRoundedRect(whole, BAR / 2, BAR / 2)
    if fraction > 0:
        whole.setWidth(max(float(BAR), whole.width() * fraction))
        painter.setBrush(colour)
        painter.drawRoundedRect(whole, BAR / 2, BAR / 2)
