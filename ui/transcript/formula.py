"""Formulas in the window: asked for, kept as pictures, and drawn in the line or on a line of their own.

A formula is one character of its document, whatever becomes of it: it keeps its place while it is being drawn, and one
that cannot be drawn shows its source as code.  Pictures take their colour when they are painted.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QByteArray, QObject, QPointF, QRect, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFont,
    QFontDatabase,
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPixmap,
    QPyTextObject,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer

from app.formulas import FormulaRenderer, Shape
from app.markdown.blocks import Span
from ui.widgets.theme import CHINESE_FAMILIES

if TYPE_CHECKING:
    from ui.transcript.style import TextStyle

OBJECT_TYPE = QTextFormat.ObjectTypes.UserObject.value + 1
OBJECT = "\ufffc"
_FIRST = QTextFormat.Property.UserProperty.value + 1
_SOURCE, _FORMULA, _DISPLAY, _SIZE, _ROLE, _WIDTH, _BASELINE, _LEAST, _DEPTH, _BROKEN = range(_FIRST, _FIRST + 10)
SCALE = 1.06
"""The letters of the font of mathematics are a little smaller than those of the interface."""
LEAST_DISPLAY, LEAST_INLINE = 0.75, 0.4
"""How far a formula may shrink where it is wider than its place."""
GATHER_MS = 16
PICTURE_BYTES = 24 << 20
PAD = 4
_SAMPLE = 100
UNKNOWN_WIDTH = 640
"""Of a line before it is laid out."""
_COMMAND = re.compile(r"\\[a-zA-Z]+|\\.|[{}^_&]|\s+")
_TALL = re.compile(r"\\(?:[dtc]?frac|sum|int|prod|lim|binom|over|under|boxed|sqrt)")


class Measure(NamedTuple):
    """How large a formula is, in pixels."""

    width: float
    height: float
    baseline: float


class Formulas(QObject):
    """What one transcript knows of formulas."""

    arrived = Signal()
    """Some that were asked for have been drawn, or cannot be."""
    _told = Signal()
    """Brings the news from the thread that draws to the window's."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._formula_renderer: FormulaRenderer | None = None
        self._pictures: OrderedDict[tuple[str, bool, int, str, float], QPixmap] = OrderedDict()
        self._bytes = 0
        self._gather = QTimer(self, singleShot=True, interval=GATHER_MS)
        self._gather.timeout.connect(self.arrived)
        self._told.connect(self._gather_up)

    def use(self, formula_renderer: FormulaRenderer) -> None:
        """Draw with this from now on."""
        self._formula_renderer = formula_renderer

    def want(self, formula: str, display: bool) -> bool:
        """Have it drawn; true where nothing more will come of that, because it is known already."""
        formula_renderer = self._formula_renderer
        if formula_renderer is None or formula_renderer.is_known(formula, display):
            return True
        formula_renderer.request([(formula, display)], self._tell)
        return False

    def is_known(self, formula: str, display: bool) -> bool:
        """Whether it was drawn, or cannot be."""
        return self._formula_renderer is None or self._formula_renderer.is_known(formula, display)

    def shape(self, formula: str, display: bool) -> Shape | None:
        """The drawing, where there is one."""
        return self._formula_renderer.known(formula, display) if self._formula_renderer else None

    def picture(self, shape: Shape, key: tuple[str, bool], size: float, colour: str, ratio: float) -> QPixmap:
        """The drawing as a picture."""
        whole = (*key, round(size * 64), colour, ratio)
        found = self._pictures.get(whole)
        if found is not None:
            self._pictures.move_to_end(whole)
            return found
        drawn = shape.at(size, colour, families=chinese_face())
        made = QPixmap(max(1, math.ceil(drawn.width * ratio)), max(1, math.ceil(drawn.height * ratio)))
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRectF(0, 0, drawn.width * ratio, drawn.height * ratio)
        QSvgRenderer(QByteArray(drawn.svg.encode())).render(painter, place)
        painter.end()
        made.setDevicePixelRatio(ratio)
        self._pictures[whole] = made
        self._bytes += _cost(made)
        while self._bytes > PICTURE_BYTES and len(self._pictures) > 1:
            self._bytes -= _cost(self._pictures.popitem(last=False)[1])
        return made

    def _tell(self, _formula: str, _display: bool) -> None:
        try:
            self._told.emit()
        except RuntimeError:
            # The window is gone, and Python's side of this still waits for the last formula.
            return

    def _gather_up(self) -> None:
        if not self._gather.isActive():
            self._gather.start()


def _cost(picture: QPixmap) -> int:
    return picture.width() * picture.height() * 4


class FormulaObject(QPyTextObject):
    """Draws the formulas of the documents of one style."""

    def __init__(self, style: TextStyle) -> None:
        super().__init__()
        self._style = style

    def intrinsicSize(self, document: QTextDocument, position: int, shape: QTextFormat) -> QSizeF:
        """How much room it takes in the line."""
        width, baseline, scale = _placed(document, shape, self._style)
        above = max(math.ceil(baseline * scale), shape.doubleProperty(_LEAST))
        return QSizeF(width * scale, above + shape.doubleProperty(_DEPTH))

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, shape: QTextFormat
    ) -> None:
        """Draw it with its baseline on that of the line."""
        style, formulas, rect = self._style, self._style.formulas, QRectF(rect)
        formula, display = shape.stringProperty(_FORMULA), shape.boolProperty(_DISPLAY)
        _, above, scale = _placed(document, shape, self._style)
        drawing = formulas.shape(formula, display)
        baseline = rect.bottom() - shape.doubleProperty(_DEPTH)
        if drawing is not None:
            colour = style.colour(shape.stringProperty(_ROLE)).name()
            size = shape.doubleProperty(_SIZE) * scale
            ratio = painter.device().devicePixelRatioF()
            corner = QPointF(rect.x(), baseline - above * scale)
            picture = formulas.picture(drawing, (formula, display), size, colour, ratio)
            painter.drawPixmap(_on_pixels(painter, corner, ratio), picture)
        elif formulas.want(formula, display):
            _paint_source(painter, rect, shape.stringProperty(_SOURCE), style)


def _placed(document: QTextDocument, shape: QTextFormat, style: TextStyle) -> tuple[float, float, float]:
    """Width and baseline as they were when it was last looked up, and how far they shrink: Qt asks very often."""
    if shape.boolProperty(_BROKEN):
        # The source is broken into lines for the width there is.
        measure = _source_measure(
            shape.stringProperty(_SOURCE), style.code_font.toString(), _room(document.textWidth())
        )
        return measure.width, measure.baseline, 1.0
    width = shape.doubleProperty(_WIDTH)
    scale = scale_for(width, document.textWidth(), display=shape.boolProperty(_DISPLAY))
    return width, shape.doubleProperty(_BASELINE), scale


def scale_for(width: float, room: float, *, display: bool) -> float:
    """How far a formula shrinks to fit; what would become too small on a line of its own is scrolled instead."""
    if not 0 < room < width:
        return 1.0
    scale = room / width
    if display:
        return scale if scale >= LEAST_DISPLAY else 1.0
    return max(LEAST_INLINE, scale)


def measured(style: TextStyle, formula: str, source: str, display: bool, size: float, room: float) -> Measure:
    """How large a formula is for a size of text: as it was drawn, as its source, or as it is guessed to become."""
    shape = style.formulas.shape(formula, display)
    if shape is not None:
        return Measure(shape.width * size, shape.height * size, shape.baseline * size)
    if style.formulas.is_known(formula, display):
        return _source_measure(source, style.code_font.toString(), _room(room))
    return guessed(formula, display, size)


def _room(width: float) -> float:
    return (width if width > 0 else UNKNOWN_WIDTH) - 2 * PAD


@lru_cache(maxsize=256)
def _source_measure(source: str, face: str, most: float) -> Measure:
    font = QFont()
    font.fromString(face)
    metrics = QFontMetricsF(font)
    box = metrics.boundingRect(QRectF(0, 0, most, 10_000), _WRAPPED, source)
    return Measure(box.width() + 2 * PAD, box.height(), box.height() - metrics.descent())


_WRAPPED = int(Qt.TextFlag.TextWrapAnywhere | Qt.AlignmentFlag.AlignLeft)


def guessed(formula: str, display: bool, size: float) -> Measure:
    """The room a formula will take, before it is drawn."""
    rows = re.split(r"\\\\|\\atop", formula)
    letters = max(len(_COMMAND.sub("", row)) + row.count("\\") * 0.6 for row in rows)
    tall = bool(_TALL.search(formula))
    high = (2.3 if tall and display else 1.5 if tall else 1.0) * (1.0 if len(rows) == 1 else 0.8 * len(rows))
    height = high * size
    return Measure(max(0.6, letters * 0.56) * size, height, height / 2 + size * 0.26)


def _paint_source(painter: QPainter, rect: QRectF, source: str, style: TextStyle) -> None:
    ground = QPainterPath()
    ground.addRoundedRect(rect.adjusted(0, -1, 0, 1), PAD, PAD)
    painter.fillPath(ground, style.colour("code_ground"))
    painter.setFont(style.code_font)
    painter.setPen(style.colour("code_text"))
    painter.drawText(rect.adjusted(PAD, 0, PAD, 0), _WRAPPED, source)


def _on_pixels(painter: QPainter, corner: QPointF, ratio: float) -> QPointF:
    """The nearest point that is one of the device: between two a picture is blurred."""
    mapped = painter.worldTransform().map(corner) * ratio
    aside = QPointF(round(mapped.x()) - mapped.x(), round(mapped.y()) - mapped.y())
    return corner + aside / ratio


@lru_cache(maxsize=1)
def chinese_face() -> str:
    """The face for the characters that the font of mathematics lacks."""
    there = set(QFontDatabase.families())
    return next((family for family in CHINESE_FAMILIES if family in there), "sans-serif")


@lru_cache(maxsize=256)
def _font_reaching(depth: int) -> QFont:
    """A font whose letters reach so far below the line: that of the object says how far it does itself."""
    font = QFont()
    font.setPixelSize(_SAMPLE)
    # Each size that is tried is a font to load, so begin just below the one it must be.
    size = max(1, depth * _SAMPLE // max(1, QFontMetrics(font).descent()) - 3)
    font.setPixelSize(size)
    while QFontMetrics(font).descent() < depth:
        size += 1
        font.setPixelSize(size)
    return font


def places(span: Span) -> int:
    """How many places of a document a span takes: Qt counts characters beyond the first plane twice."""
    if span.formula:
        return 1
    text = span.text
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def insert_formula(
    cursor: QTextCursor, style: TextStyle, base: QTextCharFormat, span: Span, *, display: bool, size: float, role: str
) -> None:
    """Put a formula where the cursor stands, and have it drawn."""
    made = QTextCharFormat(base)
    made.setObjectType(OBJECT_TYPE)
    made.setProperty(_SOURCE, span.text)
    made.setProperty(_FORMULA, span.formula)
    made.setProperty(_DISPLAY, display)
    made.setProperty(_SIZE, size * SCALE)
    made.setProperty(_ROLE, role)
    style.formulas.want(span.formula, display)
    _align(made, style, cursor.document().textWidth())
    cursor.insertText(OBJECT, made)
    cursor.setCharFormat(base)


def _align(shape: QTextCharFormat, style: TextStyle, room: float) -> None:
    measure = measured(
        style,
        shape.stringProperty(_FORMULA),
        shape.stringProperty(_SOURCE),
        shape.boolProperty(_DISPLAY),
        shape.doubleProperty(_SIZE),
        room,
    )
    shape.setProperty(_WIDTH, measure.width)
    shape.setProperty(_BASELINE, measure.baseline)
    key = key_of(shape)
    shape.setProperty(_BROKEN, style.formulas.is_known(*key) and style.formulas.shape(*key) is None)
    depth = math.ceil(measure.height - measure.baseline)
    if not shape.boolProperty(_DISPLAY):
        # A line of nothing else is as high as one of text, and stands level with it in the next cell of a table.
        larger = shape.doubleProperty(_SIZE) / (style.size * SCALE)
        depth = max(depth, round(style.text_metrics.descent() * larger))
        shape.setProperty(_LEAST, float(round(style.text_metrics.ascent() * larger)))
    if depth > 0:
        font = _font_reaching(depth)
        shape.setFont(font)
        shape.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
        depth = QFontMetrics(font).descent()
    else:
        shape.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignNormal)
    shape.setProperty(_DEPTH, float(max(0, depth)))


def align_again(document: QTextDocument, style: TextStyle) -> None:
    """Give the formulas of a document the room that they turned out to need."""
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    for position, shape in formulas_in(document):
        made = QTextCharFormat(shape)
        _align(made, style, document.textWidth())
        cursor.setPosition(position)
        cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(made)
    cursor.endEditBlock()
    # A format that came out the same is no change to Qt, and yet the room is another.
    document.markContentsDirty(0, document.characterCount())


def formulas_in(document: QTextDocument, first: QTextBlock | None = None) -> list[tuple[int, QTextCharFormat]]:
    """The formulas of a document with their places, from a paragraph on."""
    found, block = [], first or document.begin()
    while block.isValid():
        if OBJECT in block.text():
            for run in block.textFormats():
                if run.format.objectType() == OBJECT_TYPE:
                    # The run owns its format.  Two formulas that are equal and stand side by side are one run.
                    shape = QTextCharFormat(run.format)
                    found += [(block.position() + run.start + n, shape) for n in range(run.length)]
        block = block.next()
    return found


def source_of(shape: QTextFormat) -> str:
    """What a formula was written as."""
    return shape.stringProperty(_SOURCE)


def key_of(shape: QTextFormat) -> tuple[str, bool]:
    """What a formula is known by."""
    return shape.stringProperty(_FORMULA), shape.boolProperty(_DISPLAY)


def with_sources(document: QTextDocument, text: str, start: int) -> str:
    """A text of the document that begins at ``start``, its formulas as they were written."""
    if OBJECT not in text:
        return text
    behind = formulas_in(document, document.findBlock(start))
    sources = iter([source_of(shape) for position, shape in behind if position >= start])
    return "".join(next(sources, OBJECT) if character == OBJECT else character for character in text)
