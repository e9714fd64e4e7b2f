"""Formulas inside a QTextDocument: requested from the renderer, cached as pictures, drawn on the baseline of the line.

A formula is one object replacement character of its document.  It keeps estimated space until it is rendered; one that
cannot be rendered shows its source as code.  Pictures take their colour when they are painted.

Qt breaks lines after any object, where Unicode does not allow it before closing punctuation (Standard Annex 14, LB13
and LB21).  So a formula has the width of the punctuation behind it and draws it; the characters themselves have none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QByteArray, QObject, QPointF, QRect, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPixmap,
    QPixmapCache,
    QPyTextObject,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer

from app.formulas import FormulaRenderer, Shape
from app.markdown.blocks import Span, Style
from ui.pictures.drawings import Drawings
from ui.pictures.thumbnails import Thumbnails
from ui.transcript.style import TextStyle
from ui.widgets.job import Relay
from ui.widgets.theme import CHINESE_FAMILIES, with_contrast

OBJECT_TYPE = QTextFormat.ObjectTypes.UserObject.value + 1
OBJECT = "\ufffc"
_FIRST = QTextFormat.Property.UserProperty.value + 1
_SOURCE, _FORMULA, _DISPLAY, _SIZE, _WIDTH, _BASELINE, _ASCENT, _DESCENT, _STATE = range(_FIRST, _FIRST + 9)
_CLOSING, _CLOSING_FONT, _CLOSING_WIDTH = range(_FIRST + 9, _FIRST + 12)
_PENDING, _RENDERED, _FAILED = range(3)
"""Values of ``_STATE``: which size the format has, although the formula may be rendered meanwhile."""
SCALE = 1.06
"""The letters of the math font are a little smaller than those of the interface font."""
MIN_DISPLAY_SCALE, MIN_INLINE_SCALE = 0.75, 0.4
"""How far a formula may shrink where it is wider than the available width."""
NOTIFY_MS = 16
CACHE_KIB = 24 << 10
"""Pictures of formulas and icons that the program keeps."""
PADDING = 4
_SAMPLE_SIZE = 100
UNKNOWN_WIDTH = 640
"""Width of a line that is not laid out yet."""
NO_WIDTH = 0.1
"""Letter spacing in percent that leaves characters without width; for Qt, 0 would be no letter spacing."""
_PUNCTUATION = re.compile(r"[-‐–,.;:!?%)\]}'\"’”»›…，。；：！？、％）】》」』〉〕］｝]+")
_DRAWN_ALONE = Style.CODE | Style.SUBSCRIPT | Style.SUPERSCRIPT | Style.MARKED | Style.STRUCK | Style.UNDERLINED
"""Styles of text that formulas do not draw."""
MIN_CONTRAST = 3.0
"""Contrast of the colours that a formula gives to its parts; that of large text in WCAG 2."""
_FILL = re.compile(r'fill="([^"]+)"')
_COMMAND = re.compile(r"\\[a-zA-Z]+|\\.|[{}^_&]|\s+")
_TALL = re.compile(r"\\(?:[dtc]?frac|sum|int|prod|lim|binom|over|under|boxed|sqrt)")
_WRAPPED = int(Qt.TextFlag.TextWrapAnywhere | Qt.AlignmentFlag.AlignLeft)

FormulaKey = tuple[str, bool]
"""LaTeX without delimiters, and whether it is a display formula."""


class FormulaSize(NamedTuple):
    """Size of a formula in pixels; ``baseline`` is measured from the top."""

    width: float
    height: float
    baseline: float


class FormulaCache(QObject):
    """Formulas of one transcript: requests to the renderer, and a cache of the rendered pictures."""

    rendered = Signal()
    """Some requested formulas are rendered, or have failed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.renderer: FormulaRenderer | None = None
        """Without it every formula shows its source."""
        QPixmapCache.setCacheLimit(CACHE_KIB)
        self._notify = QTimer(self, singleShot=True, interval=NOTIFY_MS)
        self._notify.timeout.connect(self.rendered)
        self._finished = Relay(self, self._notify_soon)

    def request(self, formula: str, display: bool) -> None:
        """Have a formula rendered unless it is finished."""
        if self.renderer is not None and not self.renderer.is_known(formula, display):
            self.renderer.request([(formula, display)], lambda _formula, _display: self._finished())

    def is_finished(self, formula: str, display: bool) -> bool:
        """Whether a formula is rendered or has failed."""
        return self.renderer is None or self.renderer.is_known(formula, display)

    def shape(self, formula: str, display: bool) -> Shape | None:
        """Return the rendered formula, or None while it is pending or where it has failed."""
        return self.renderer.known(formula, display) if self.renderer else None

    def size(self, style: TextStyle, key: FormulaKey, source: str, size: float, width: float) -> FormulaSize:
        """Measure a formula for a text size: as rendered, as wrapped source, or estimated while it is pending."""
        # Asked first: the formula may be rendered between the two.
        finished = self.is_finished(*key)
        shape = self.shape(*key)
        if shape is not None:
            shape = shape.spread((width - 1) / size)
            return FormulaSize(shape.width * size, shape.height * size, shape.baseline * size)
        return source_size(source, style.code_font, width) if finished else estimated_size(*key, size)

    def picture(self, shape: Shape, key: FormulaKey, size: float, colour: str, ratio: float, *, ground: str) -> QPixmap:
        """Return a rendered formula as a picture for a text size, colour and device pixel ratio.

        Its own colours are readable on ``ground``, the colour of the page, unless it has a ground itself.
        """
        name, picture = f"formula {round(size * 64)} {shape.width:.3f} {colour} {ratio} {key}", QPixmap()
        if QPixmapCache.find(name, picture):
            return picture
        drawn = shape.at(size, colour, families=chinese_family())
        svg = drawn.svg
        if "color" in key[0] and "colorbox" not in key[0]:
            svg = _FILL.sub(lambda match: f'fill="{_readable(match[1], ground, colour)}"', svg)
        area = QRectF(0, 0, drawn.width * ratio, drawn.height * ratio)
        picture = QPixmap(max(1, math.ceil(area.width())), max(1, math.ceil(area.height())))
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        QSvgRenderer(QByteArray(svg.encode())).render(painter, area)
        painter.end()
        picture.setDevicePixelRatio(ratio)
        QPixmapCache.insert(name, picture)
        return picture

    def _notify_soon(self) -> None:
        if not self._notify.isActive():
            self._notify.start()


class FormulaObject(QPyTextObject):
    """Measures and draws the formulas of the documents that it is registered with."""

    def __init__(self, style: TextStyle, formulas: FormulaCache) -> None:
        super().__init__()
        self._style = style
        self._formulas = formulas

    def intrinsicSize(self, document: QTextDocument, position: int, text_format: QTextFormat) -> QSizeF:
        """Return the space that a formula takes in its line."""
        width, baseline, scale = self._measure(document, text_format)
        closing = text_format.doubleProperty(_CLOSING_WIDTH)
        # Lines of text have this space above them, a tall formula would touch the line above.
        space = 0 if text_format.boolProperty(_DISPLAY) else self._style.line_space
        above = max(math.ceil(baseline * scale) + space, text_format.doubleProperty(_ASCENT))
        return QSizeF(width * scale + closing, above + text_format.doubleProperty(_DESCENT))

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        document: QTextDocument,
        position: int,
        text_format: QTextFormat,
    ) -> None:
        """Draw a formula with its baseline on that of the line."""
        style, key, rect = self._style, formula_key(text_format), QRectF(rect)
        closing = text_format.stringProperty(_CLOSING)
        if closing:
            rect.setRight(rect.right() - text_format.doubleProperty(_CLOSING_WIDTH))
            painter.setFont(text_format.property(_CLOSING_FONT))
            painter.setPen(self._colour(text_format))
            painter.drawText(QPointF(rect.right(), rect.bottom() - text_format.doubleProperty(_DESCENT)), closing)
        finished = self._formulas.is_finished(*key)
        shape = self._formulas.shape(*key)
        if shape is not None:
            width, baseline, scale = self._measure(document, text_format)
            shape = shape.spread(width / text_format.doubleProperty(_SIZE))
            ratio = painter.device().devicePixelRatioF()
            size, colour = text_format.doubleProperty(_SIZE) * scale, self._colour(text_format)
            picture = self._formulas.picture(shape, key, size, colour, ratio, ground=style.theme.page)
            top = rect.bottom() - text_format.doubleProperty(_DESCENT) - baseline * scale
            painter.drawPixmap(_on_pixels(painter, QPointF(rect.x(), top), ratio), picture)
        elif finished:
            background = QPainterPath()
            background.addRoundedRect(rect.adjusted(0, -1, 0, 1), PADDING, PADDING)
            painter.fillPath(background, style.colour("code_ground"))
            painter.setFont(style.code_font)
            painter.setPen(style.colour("code_text"))
            painter.drawText(rect.adjusted(PADDING, 0, -PADDING, 0), _WRAPPED, formula_source(text_format))
        else:
            # The renderer's cache may have dropped it since it was inserted.
            self._formulas.request(*key)

    def _colour(self, text_format: QTextFormat) -> str:
        has_colour = text_format.hasProperty(QTextFormat.Property.ForegroundBrush)
        return text_format.foreground().color().name() if has_colour else self._style.theme.text

    def _measure(self, document: QTextDocument, text_format: QTextFormat) -> tuple[float, float, float]:
        """Return width, baseline and scale from the format: Qt calls this very often."""
        available = _available(text_format, document.textWidth())
        if text_format.intProperty(_STATE) == _FAILED:
            # The source is wrapped to the width.
            size = source_size(formula_source(text_format), self._style.code_font, available)
            return size.width, size.baseline, 1.0
        width = text_format.doubleProperty(_WIDTH)
        scale = formula_scale(width, available, display=text_format.boolProperty(_DISPLAY))
        return width, text_format.doubleProperty(_BASELINE), scale


class RenderContext:
    """Shared by all parts of a transcript for drawing: style, pictures, formulas, and the object that draws them."""

    def __init__(
        self,
        style: TextStyle,
        formulas: FormulaCache,
        thumbnails: Thumbnails,
        drawings: Drawings | None,
        *,
        wraps_code: bool = False,
    ) -> None:
        self.style = style
        self.formulas = formulas
        self.thumbnails = thumbnails
        self.drawings = drawings
        """The code that is shown as drawings; None where previews are not offered."""
        self.formula_object = FormulaObject(style, formulas)
        self.wraps_code = wraps_code
        """Whether long lines of code are wrapped instead of scrolled."""


def _available(text_format: QTextFormat, width: float) -> float:
    """Return the width for a formula without the punctuation that it draws."""
    closing = text_format.doubleProperty(_CLOSING_WIDTH)
    # The undrawn characters are not quite without width.
    return width - closing - 1 if closing and width > 0 else width


def formula_scale(width: float, available: float, *, display: bool) -> float:
    """Return the scale at which a formula fits; a display formula that would become too small is scrolled instead."""
    if not 0 < available < width:
        return 1.0
    scale = available / width
    if display:
        return scale if scale >= MIN_DISPLAY_SCALE else 1.0
    return max(MIN_INLINE_SCALE, scale)


@lru_cache(maxsize=256)
def source_size(source: str, font: QFont, width: float) -> FormulaSize:
    """Measure a formula's source, wrapped to a width; 0 or less is a width that is not known yet."""
    metrics = QFontMetricsF(font)
    available = QRectF(0, 0, math.floor(width if width > 0 else UNKNOWN_WIDTH) - 2 * PADDING, 10_000)
    box = metrics.boundingRect(available, _WRAPPED, source)
    return FormulaSize(math.ceil(box.width()) + 2 * PADDING, box.height(), box.height() - metrics.descent())


def estimated_size(formula: str, display: bool, size: float) -> FormulaSize:
    """Estimate the space of a formula that is not rendered yet."""
    rows = re.split(r"\\\\|\\atop", formula)
    letters = max(len(_COMMAND.sub("", row)) + row.count("\\") * 0.6 for row in rows)
    lines = 1.0
    if _TALL.search(formula):
        lines = 2.3 if display else 1.5
    height = lines * size * (1.0 if len(rows) == 1 else 0.8 * len(rows))
    return FormulaSize(max(0.6, letters * 0.56) * size, height, height / 2 + size * 0.26)


def _readable(name: str, ground: str, text: str) -> str:
    """Return the colour of a part of a formula with enough contrast; one that Qt does not know is that of the text."""
    if name in {"none", text}:
        return name
    return with_contrast(QColor(name), QColor(ground), MIN_CONTRAST).name() if QColor.isValidColorName(name) else text


def _on_pixels(painter: QPainter, corner: QPointF, ratio: float) -> QPointF:
    """Return the nearest point on the device's pixel grid: between two pixels a picture is blurred."""
    mapped = painter.worldTransform().map(corner) * ratio
    shift = QPointF(round(mapped.x()) - mapped.x(), round(mapped.y()) - mapped.y())
    return corner + shift / ratio


def closing_behind(spans: Sequence[Span], number: int) -> str:
    """Return the punctuation behind a formula that no line break may separate from it, and that it draws."""
    following = spans[number + 1] if number + 1 < len(spans) else Span("")
    if following.formula or any(span.href or span.style & _DRAWN_ALONE for span in (spans[number], following)):
        return ""
    found = _PUNCTUATION.match(following.text)
    return found[0] if found else ""


@lru_cache(maxsize=1)
def chinese_family() -> str:
    """Return the font family for characters that the math font lacks."""
    installed = set(QFontDatabase.families())
    return next((family for family in CHINESE_FAMILIES if family in installed), "sans-serif")


@lru_cache(maxsize=256)
def _font_with_descent(descent: int) -> QFont:
    """Return a font with at least this descent: Qt places an object below the baseline by the descent of its font."""
    font = QFont()
    font.setPixelSize(_SAMPLE_SIZE)
    # Each size that is tried loads a font, so begin just below the final one.
    size = max(1, descent * _SAMPLE_SIZE // max(1, QFontMetrics(font).descent()) - 3)
    font.setPixelSize(size)
    while QFontMetrics(font).descent() < descent:
        size += 1
        font.setPixelSize(size)
    return font


def insert_formula(
    cursor: QTextCursor,
    context: RenderContext,
    base: QTextCharFormat,
    span: Span,
    *,
    display: bool,
    size: float,
    closing: str = "",
    closing_font: QFont | None = None,
) -> None:
    """Insert a formula at the cursor, in the colour of the format ``base``, and request it.

    It draws ``closing``, the punctuation behind it.
    """
    text_format = QTextCharFormat(base)
    text_format.setObjectType(OBJECT_TYPE)
    text_format.setProperty(_SOURCE, span.text)
    text_format.setProperty(_FORMULA, span.formula)
    text_format.setProperty(_DISPLAY, display)
    text_format.setProperty(_SIZE, size * SCALE)
    if closing_font is not None:
        text_format.setProperty(_CLOSING, closing)
        text_format.setProperty(_CLOSING_FONT, closing_font)
        text_format.setProperty(_CLOSING_WIDTH, QFontMetricsF(closing_font).horizontalAdvance(closing))
    context.formulas.request(span.formula, display)
    _set_size(text_format, context, cursor.document().textWidth())
    cursor.insertText(OBJECT, text_format)
    cursor.setCharFormat(base)


def _set_size(text_format: QTextCharFormat, context: RenderContext, width: float) -> None:
    style, key, letters = context.style, formula_key(text_format), text_format.doubleProperty(_SIZE)
    finished = context.formulas.is_finished(*key)
    size = context.formulas.size(style, key, formula_source(text_format), letters, _available(text_format, width))
    state = _PENDING if not finished else _FAILED if context.formulas.shape(*key) is None else _RENDERED
    text_format.setProperty(_WIDTH, size.width)
    text_format.setProperty(_BASELINE, size.baseline)
    text_format.setProperty(_STATE, state)
    descent = math.ceil(size.height - size.baseline)
    if not text_format.boolProperty(_DISPLAY):
        # A line with only a formula is as high as one of text, and level with the text in the next table cell.
        larger = letters / (style.size * SCALE)
        descent = max(descent, round(style.text_metrics.descent() * larger))
        text_format.setProperty(_ASCENT, float(round(style.text_metrics.ascent() * larger)))
    alignment = QTextCharFormat.VerticalAlignment.AlignNormal
    if descent > 0:
        font = _font_with_descent(descent)
        text_format.setFont(font)
        alignment = QTextCharFormat.VerticalAlignment.AlignBaseline
        descent = QFontMetrics(font).descent()
    text_format.setVerticalAlignment(alignment)
    text_format.setProperty(_DESCENT, float(max(0, descent)))


def update_sizes(document: QTextDocument, context: RenderContext) -> None:
    """Give the formulas of a document the space that they need after rendering."""
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    for position, found in formulas_in(document):
        text_format = QTextCharFormat(found)
        _set_size(text_format, context, document.textWidth())
        cursor.setPosition(position)
        cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(text_format)
    cursor.endEditBlock()
    # An equal format is no change to Qt, although the size differs.
    document.markContentsDirty(0, document.characterCount())


def formulas_in(document: QTextDocument, first: QTextBlock | None = None) -> list[tuple[int, QTextCharFormat]]:
    """Return the formulas of a document with their positions, from a paragraph on."""
    found, block = [], first or document.begin()
    while block.isValid():
        if OBJECT in block.text():
            for run in block.textFormats():
                if run.format.objectType() == OBJECT_TYPE:
                    # The run owns its format.  Two equal formulas side by side are one run.
                    text_format = QTextCharFormat(run.format)
                    found += [(block.position() + run.start + n, text_format) for n in range(run.length)]
        block = block.next()
    return found


def formula_source(text_format: QTextFormat) -> str:
    """Return a formula as it was written, with its delimiters."""
    return text_format.stringProperty(_SOURCE)


def is_pending(text_format: QTextFormat) -> bool:
    """Whether a formula has the estimated size."""
    return text_format.intProperty(_STATE) == _PENDING


def formula_key(text_format: QTextFormat) -> FormulaKey:
    """Return a formula without its delimiters, and whether it is a display formula."""
    return text_format.stringProperty(_FORMULA), text_format.boolProperty(_DISPLAY)
