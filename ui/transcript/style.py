"""Faces, colours and distances of the transcript, made once for a theme and a size of text.

Everything in it is a value of Qt that is dear to make and free to use again.
"""

from __future__ import annotations

import re

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPalette, QTextBlockFormat, QTextCharFormat

from app.markdown.blocks import Block, Code, Formula, Kind, Prose, Rule, Style, Table
from app.markdown.highlight import CodeRole
from ui.transcript.formula import FormulaObject, Formulas
from ui.widgets.theme import TEXT_SIZE, Theme, interface_font, mono_font

COLUMN = 760
"""The widest the column of text becomes."""
MARGIN = 24
"""Free space left and right of the column, above the first message and below the last."""
QUESTION_SHARE = 0.8
LINE = 1.55
INDENT = 24
QUOTE_INDENT = 16
RADIUS = 10
CODE_HEAD = 34
CODE_PAD = 14
ACTION = 28
ICON = 16
HEADINGS = (1.35, 1.2, 1.05, 1.0, 1.0, 1.0)

_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


class TextStyle:
    """How text looks in one theme."""

    def __init__(self, theme: Theme, size: int = TEXT_SIZE, formulas: Formulas | None = None) -> None:
        """Without ``formulas`` each of them shows its source."""
        self.theme = theme
        self.size = size
        self.formulas = formulas or Formulas()
        self.formula_object = FormulaObject(self)
        self.line = round(size * LINE)
        self.formula_gap = round(self.line * 0.4)
        self.text_font = interface_font(size)
        self.scale = max(1.0, size / TEXT_SIZE)
        self.action, self.code_head, self.icon = self.scaled(ACTION), self.scaled(CODE_HEAD), self.scaled(ICON)
        self.small_font = interface_font(max(11, size - 2 * self.scale))
        self.code_font = mono_font(size * 0.92)
        self.code_font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
        self.small_metrics = QFontMetricsF(self.small_font)
        self.text_metrics = QFontMetricsF(self.text_font)
        self.bold_metrics = QFontMetricsF(interface_font(size, bold=True))
        self.code_line = round(size * 0.92 * 1.5)
        self.palette = QPalette()
        self.palette.setColor(QPalette.ColorRole.Text, QColor(theme.text))
        self._formats: dict[tuple[Style, bool, int, bool], QTextCharFormat] = {}
        self._roles = {role: self._code_format(role) for role in CodeRole}
        self.marker_fonts = {level: self._sized(level) for level in range(7)}

    def scaled(self, length: float) -> int:
        """A distance that grows with the text."""
        return round(length * self.scale)

    def colour(self, role: str) -> QColor:
        """A role's colour."""
        return QColor(getattr(self.theme, role))

    def code_format(self, role: CodeRole) -> QTextCharFormat:
        """How a stretch of code is written."""
        return self._roles[role]

    def span_format(self, style: Style, *, link: bool, level: int, thought: bool) -> QTextCharFormat:
        """How a span is written; without its address."""
        key = (style, link, level, thought)
        if key not in self._formats:
            self._formats[key] = self._span_format(*key)
        return self._formats[key]

    def block_format(self, block: Prose, gap: float) -> QTextBlockFormat:
        """Where a paragraph stands."""
        made = QTextBlockFormat()
        height = round(self.size * HEADINGS[block.level - 1] * 1.35) if block.level else self.line
        made.setLineHeight(height, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        made.setTopMargin(gap)
        made.setLeftMargin(self.indent(block))
        if block.level:
            made.setHeadingLevel(block.level)
        return made

    def indent(self, block: Block) -> int:
        """How far from the left edge a block begins."""
        return self.scaled(INDENT) * block.depth + QUOTE_INDENT * (len(block.quotes) + block.thought)

    def bars(self, block: Block) -> list[int]:
        """Where the bars of its quotes stand, the outermost first."""
        around = [0, *block.quotes] if block.thought else block.quotes
        return [self.scaled(INDENT) * lists + QUOTE_INDENT * number for number, lists in enumerate(around)]

    def gap(self, before: Block | None, block: Block) -> float:
        """Free space between two blocks."""
        if before is None or (isinstance(block, Table) and not block.head):
            return 0
        if isinstance(block, Code | Table | Rule) or isinstance(before, Code | Table | Rule):
            return 14
        if isinstance(block, Formula) or isinstance(before, Formula):
            return self.formula_gap
        heading = isinstance(block, Prose) and block.kind is Kind.HEADING
        if isinstance(before, Prose) and before.kind is Kind.HEADING:
            return round(self.line * 0.35)
        if heading:
            return round(self.line * 1.05)
        if block.marker and before.depth:
            return round(self.line * 0.28)
        return round(self.line * (0.45 if block.depth and before.depth else 0.6))

    @staticmethod
    def emphasis_can_slant(text: str) -> bool:
        """Chinese has no slanted letters; there emphasis is weight."""
        return not _CHINESE.search(text)

    def _sized(self, level: int) -> QFont:
        return interface_font(self.size * HEADINGS[level - 1], bold=True) if level else self.text_font

    def _span_format(self, style: Style, link: bool, level: int, thought: bool) -> QTextCharFormat:
        made = QTextCharFormat()
        specified = QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesSpecifiedOnly
        size = self.size * (HEADINGS[level - 1] if level else 1)
        if Style.CODE in style:
            made.setFont(mono_font(size * 0.9), specified)
        elif level:
            made.setFont(interface_font(size, bold=True), specified)
        if Style.STRONG in style:
            made.setFontWeight(QFont.Weight.DemiBold)
        if Style.EMPHASIS in style:
            made.setFontItalic(True)
        if Style.STRUCK in style:
            made.setFontStrikeOut(True)
        if thought or Style.QUIET in style:
            made.setForeground(self.colour("quiet_text"))
        if link:
            made.setForeground(self.colour("link"))
            made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            underline = self.colour("link")
            underline.setAlphaF(0.5)
            made.setUnderlineColor(underline)
            made.setAnchor(True)
        return made

    def _code_format(self, role: CodeRole) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setForeground(self.colour(f"code_{role.value}"))
        return made
