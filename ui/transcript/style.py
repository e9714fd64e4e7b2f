"""Fonts, colours and distances of the transcript for one theme and text size."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPalette, QTextBlockFormat, QTextCharFormat, QTextFormat

from app.markdown.blocks import Block, Code, Formula, Prose, Rule, Style, Table
from app.markdown.highlight import CodeRole
from ui.widgets.theme import TEXT_SIZE, Theme, interface_font, mono_font

COLUMN = 760
"""Maximum width of the column of text."""
MARGIN = 24
"""Free space left and right of the column, above the first message and below the last."""
QUESTION_SHARE = 0.8
"""Share of the column that a question may take."""
LINE = 1.55
INDENT = 24
QUOTE_INDENT = 16
RADIUS = 10
CODE_HEAD = 34
CODE_PAD = 14
ACTION = 28
ICON = 16
HEADINGS = (1.35, 1.2, 1.05, 1.0, 1.0, 1.0)
"""Text size of the heading levels."""
INLINE_CODE = QTextFormat.Property.UserProperty.value + 100
"""Property of the format of inline code, which has a ground."""


class TextStyle:
    """How text looks in one theme; its Qt values are expensive to make and free to use again."""

    def __init__(self, theme: Theme, size: int = TEXT_SIZE) -> None:
        self.theme = theme
        self.size = size
        self.scale = max(1.0, size / TEXT_SIZE)
        self.action, self.code_head, self.icon = self.scaled(ACTION), self.scaled(CODE_HEAD), self.scaled(ICON)
        self.line = round(size * LINE)
        self.code_line = round(size * 0.92 * 1.5)
        self.text_font = interface_font(size)
        self.small_font = interface_font(max(11, size - 2 * self.scale))
        self.code_font = mono_font(size * 0.92)
        self.code_font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
        headings = [interface_font(size * heading, bold=True) for heading in HEADINGS]
        self.marker_fonts = [self.text_font, *headings]
        """For list items at each heading level; 0 is running text."""
        self.small_metrics = QFontMetricsF(self.small_font)
        self.text_metrics = QFontMetricsF(self.text_font)
        self.line_space = max(0, self.line - math.ceil(self.text_metrics.ascent() + self.text_metrics.descent()))
        """What a line is higher than its text."""
        self.bold_metrics = QFontMetricsF(interface_font(size, bold=True))
        self.palette = QPalette()
        self.palette.setColor(QPalette.ColorRole.Text, QColor(theme.text))
        self.span_format = lru_cache(maxsize=None)(self._span_format)
        self.code_formats: dict[CodeRole, QTextCharFormat] = {}
        for role in CodeRole:
            self.code_formats[role] = QTextCharFormat()
            self.code_formats[role].setForeground(self.colour(f"code_{role.value}"))

    def scaled(self, length: float) -> int:
        """Return a distance that grows with the text size."""
        return round(length * self.scale)

    def colour(self, role: str) -> QColor:
        """Return the colour of a role of the theme."""
        return QColor(getattr(self.theme, role))

    def block_format(self, block: Prose, gap: float, *, is_mirrored: bool) -> QTextBlockFormat:
        """Return the format of a paragraph; ``is_mirrored`` if it is read from right to left."""
        block_format = QTextBlockFormat()
        height = round(self.size * HEADINGS[block.level - 1] * 1.35) if block.level else self.line
        block_format.setLineHeight(height, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        block_format.setTopMargin(gap)
        if is_mirrored:
            block_format.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
            block_format.setRightMargin(self.indent(block))
        else:
            block_format.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
            block_format.setLeftMargin(self.indent(block))
        if block.level:
            block_format.setHeadingLevel(block.level)
        return block_format

    def indent(self, block: Block) -> int:
        """Return the distance of a block from the edge of the column."""
        return self.scaled(INDENT) * block.depth + QUOTE_INDENT * (len(block.quotes) + block.thought)

    def bars(self, block: Block) -> list[int]:
        """Return the distances of the bars of a block's quotes from the edge of the column, the outermost first."""
        around = [0, *block.quotes] if block.thought else block.quotes
        return [self.scaled(INDENT) * lists + QUOTE_INDENT * number for number, lists in enumerate(around)]

    def gap(self, above: Block | None, block: Block) -> float:
        """Return the free space between two blocks."""
        if above is None or (isinstance(block, Table) and not block.head):
            return 0
        if isinstance(block, Table):
            # The button of the table is in this space.
            return 20
        if isinstance(block, Code | Table | Rule) or isinstance(above, Code | Table | Rule):
            return 14
        if isinstance(block, Formula) or isinstance(above, Formula):
            return round(self.line * 0.4)
        if above.level:
            return round(self.line * 0.35)
        if block.level:
            return round(self.line * 1.05)
        if block.marker and above.depth and block.quotes == above.quotes:
            return round(self.line * 0.28)
        return round(self.line * (0.45 if block.depth and above.depth else 0.6))

    def span_font(self, style: Style, level: int) -> QFont:
        """Return the font of text that is not code."""
        font = QFont(self.marker_fonts[level])
        font.setItalic(Style.EMPHASIS in style)
        if Style.STRONG in style:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def _span_format(self, style: Style, *, link: bool, level: int, thought: bool) -> QTextCharFormat:
        """Return the format of a span, without its address; ``level`` is that of a heading, or 0."""
        text_format = QTextCharFormat()
        specified = QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesSpecifiedOnly
        if Style.CODE in style:
            size = self.size * (HEADINGS[level - 1] if level else 1)
            text_format.setFont(mono_font(size * 0.9), specified)
            text_format.setProperty(INLINE_CODE, True)
        elif level:
            text_format.setFont(self.marker_fonts[level], specified)
        if Style.STRONG in style:
            text_format.setFontWeight(QFont.Weight.DemiBold)
        if Style.EMPHASIS in style:
            text_format.setFontItalic(True)
        if Style.STRUCK in style:
            text_format.setFontStrikeOut(True)
        if Style.UNDERLINED in style:
            text_format.setFontUnderline(True)
        if Style.MARKED in style:
            mark = self.colour("accent")
            mark.setAlphaF(0.25)
            text_format.setBackground(mark)
        if Style.SUBSCRIPT in style:
            text_format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSubScript)
        elif Style.SUPERSCRIPT in style:
            text_format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
        if thought or Style.QUIET in style:
            text_format.setForeground(self.colour("quiet_text"))
        if link:
            text_format.setForeground(self.colour("link"))
            text_format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            underline = self.colour("link")
            underline.setAlphaF(0.5)
            text_format.setUnderlineColor(underline)
            text_format.setAnchor(True)
        return text_format
