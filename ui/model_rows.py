"""A model of this machine as a row of a list: name, what it weighs, where it lies, and why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from model_manager.errors import UserError
from model_manager.gguf_header import check_loadable
from model_manager.library import LocalModel, ModelLibrary
from model_manager.shards import read_model
from ui.icons import pixmap
from ui.theme import interface_font

MODEL_ROLE = Qt.ItemDataRole.UserRole
"""Holds a ``ModelRow``."""
PAD = 12
LINE_GAP = 3
ICON = 16
LONGEST_PROBLEM_LINES = 3

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Listed:
    """A model and, where the engine would refuse it, why."""

    model: LocalModel
    problem: UserError | None


def look(library: ModelLibrary) -> list[Listed]:
    """Everything in the library.  Reads headers from the disk: not for the window's thread."""
    return [Listed(model, None if model.ready else _problem_of(model)) for model in library.list()]


def _problem_of(model: LocalModel) -> UserError:
    # The library keeps only the code; a sentence needs the facts, and they may have changed since.
    try:
        check_loadable(*read_model(model.path))
    except UserError as error:
        facts = error.data
        if "path" in facts:
            # The row shows the folder already.
            facts = {**facts, "path": Path(str(facts["path"])).name}
        return UserError(error.code, **facts)
    return UserError(model.problem or "file_changed", path=model.path.name)


def size_text(n_bytes: int) -> str:
    """A size as people compare it with the memory of a GPU."""
    if n_bytes >= 1 << 30:
        return f"{n_bytes / (1 << 30):.1f} GiB"
    return f"{n_bytes / (1 << 20):.0f} MiB" if n_bytes >= 1 << 20 else f"{n_bytes / (1 << 10):.0f} KiB"


@dataclass(frozen=True)
class ModelRow:
    """What a row shows, in words."""

    name: str
    facts: str
    """Quantisation and size."""
    place: str
    mark: str = ""
    """"In use", or nothing."""
    problem: str = ""

    def spoken(self) -> str:
        """The row for those who cannot see it."""
        return ". ".join(text for text in (self.name, self.mark, self.facts, self.place, self.problem) if text)


class ModelRowDelegate(QStyledItemDelegate):
    """Paints rows in the colours of the application's palette, which follows the theme."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two lines, and those of the problem."""
        row: ModelRow = index.data(MODEL_ROLE)
        height = 2 * PAD + QFontMetrics(_name_font()).height() + LINE_GAP + QFontMetrics(_small_font()).height()
        if row.problem:
            height += LINE_GAP + self._problem_rect(row, QRect(0, 0, self._width(option), 0)).height()
        return QSize(0, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The ground by the style, the words by hand."""
        row: ModelRow = index.data(MODEL_ROLE)
        style = option.widget.style() if option.widget is not None else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        colours = QApplication.palette()
        text, quiet = colours.color(QPalette.ColorRole.Text), colours.color(QPalette.ColorRole.PlaceholderText)
        painter.save()
        inner = option.rect.adjusted(PAD, PAD, -PAD, -PAD)
        top = QRect(inner.left(), inner.top(), inner.width(), QFontMetrics(_name_font()).height())
        used = self._draw(painter, top, row.facts, _small_font(), quiet, Qt.AlignmentFlag.AlignRight)
        left = top.adjusted(0, 0, -used - PAD, 0)
        mark_width = QFontMetrics(_small_font()).horizontalAdvance(row.mark) + ICON + 16 if row.mark else 0
        name = left.adjusted(0, 0, -mark_width, 0)
        used = self._draw(painter, name, row.name, _name_font(), quiet if row.problem else text)
        if row.mark:
            self._draw_mark(painter, left.adjusted(used + PAD, 0, 0, 0), row.mark)
        below = QRect(inner.left(), top.bottom() + 1 + LINE_GAP, inner.width(), QFontMetrics(_small_font()).height())
        self._draw(painter, below, row.place, _small_font(), quiet, elide=Qt.TextElideMode.ElideMiddle)
        if row.problem:
            self._draw_problem(painter, QRect(inner.left(), below.bottom() + 1 + LINE_GAP, inner.width(), 0), row)
        painter.restore()

    def _draw(
        self,
        painter: QPainter,
        place: QRect,
        text: str,
        font: QFont,
        colour: QColor,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> int:
        """Draw one line and tell its width."""
        metrics = QFontMetrics(font)
        shown = metrics.elidedText(text, elide, place.width())
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(place, align | Qt.AlignmentFlag.AlignVCenter, shown)
        return metrics.horizontalAdvance(shown)

    def _draw_mark(self, painter: QPainter, place: QRect, mark: str) -> None:
        colour = QApplication.palette().color(QPalette.ColorRole.Accent)
        self._draw_icon(painter, "check", colour, place)
        self._draw(painter, place.adjusted(ICON + 4, 0, 0, 0), mark, _small_font(), colour)

    def _draw_problem(self, painter: QPainter, place: QRect, row: ModelRow) -> None:
        rect = self._problem_rect(row, place)
        colour = QApplication.palette().color(QPalette.ColorRole.BrightText)
        first_line = QRect(place.left(), rect.top(), ICON, QFontMetrics(_small_font()).height())
        self._draw_icon(painter, "warning", colour, first_line)
        painter.setFont(_small_font())
        painter.setPen(colour)
        painter.drawText(rect, Qt.TextFlag.TextWordWrap, row.problem)

    def _draw_icon(self, painter: QPainter, name: str, colour: QColor, place: QRect) -> None:
        picture = pixmap(name, colour.name(), ICON, painter.device().devicePixelRatioF())
        painter.drawPixmap(place.left(), place.top() + (place.height() - ICON) // 2, picture)

    def _problem_rect(self, row: ModelRow, place: QRect) -> QRect:
        metrics = QFontMetrics(_small_font())
        room = place.adjusted(ICON + 6, 0, 0, 10_000)
        rect = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), row.problem)
        height = min(rect.height(), LONGEST_PROBLEM_LINES * metrics.lineSpacing())
        return QRect(room.left(), room.top(), room.width(), height)

    def _width(self, option: QStyleOptionViewItem) -> int:
        # The option's own rectangle is empty while the list asks for sizes.
        view = option.widget
        viewport = view.viewport() if view is not None and hasattr(view, "viewport") else view
        return (viewport.width() if viewport is not None else option.rect.width()) - 2 * PAD


def _name_font() -> QFont:
    return interface_font(14, bold=True)


def _small_font() -> QFont:
    return interface_font(13)
