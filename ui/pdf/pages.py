"""Puts groups of strips on pages, one page after the other, with a footer on each."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QLocale, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter

from ui.pdf.faces import POINT, SMALL_SIZE, Faces
from ui.pdf.outline import Mark
from ui.pdf.strips import Fill, Group, Strip

MARGIN = 560
BOTTOM = 640
FOOTER = 300
"""From the lower edge of the paper to the footer's baseline."""
PAPER = {"a4": QPageSize.PageSizeId.A4, "letter": QPageSize.PageSizeId.Letter}


LETTER = {"US", "CA", "MX", "PH", "CL", "CO", "CR", "SV", "GT", "NI", "PA", "VE", "DO", "PR"}
"""Territories where paper is Letter, after the CLDR's measurement data."""


def usual_paper() -> str:
    """What printers here hold."""
    return "letter" if QLocale.system().name().rpartition("_")[2] in LETTER else "a4"


class Pages:
    """The pages of one document, filled from the top."""

    def __init__(
        self,
        writer: QPdfWriter,
        paper: str,
        faces: Faces,
        title: str,
        page_words: str,
        turned: Callable[[], None],
    ) -> None:
        """``page_words`` holds ``{number}``; ``turned`` is called at each new page."""
        writer.setPageLayout(
            QPageLayout(QPageSize(PAPER[paper or usual_paper()]), QPageLayout.Orientation.Portrait, QMarginsF())
        )
        writer.setResolution(72 * POINT)
        self._writer = writer
        self._faces = faces
        self._title = title
        self._page_words = page_words
        self._turned = turned
        self.number = 1
        self.marks: list[Mark] = []
        """Places to jump to."""
        self._paper = QRectF(0, 0, writer.width(), writer.height())
        self.width = self._paper.width() - 2 * MARGIN
        self.height = self._paper.height() - MARGIN - BOTTOM
        self._y = 0.0
        self._held: list[Group] = []
        self._above: tuple[Fill, ...] = ()
        self._painter = QPainter(writer)
        self._painter.translate(MARGIN, MARGIN)

    def add(self, group: Group) -> None:
        """Place a group below what is there."""
        if group.is_end and not self._held and (not self._y or self._y + group.height > self.height):
            return
        self._held.append(group)
        if group.keep_with_next:
            return
        held, self._held = self._held, []
        self._begin(held)
        for each in held:
            self._place(each)

    def end(self) -> None:
        """Finish the last page and the document."""
        held, self._held = self._held, []
        for each in held:
            self._place(each)
        self._footer()
        self._painter.end()

    def _begin(self, groups: list[Group]) -> None:
        needed = sum(each.gap + each.height for each in groups[:-1])
        needed += groups[-1].gap + groups[-1].least(self.height)
        if self._y and self._y + needed > self.height:
            self._turn()

    def _place(self, group: Group) -> None:
        strips = group.strips
        if self._y and self._y + group.gap + group.least(self.height) > self.height:
            self._turn()
        y = self._y + group.gap if self._y else 0.0
        first, is_fresh = True, not self._y
        if group.mark:
            above = (self._paper.height() - MARGIN - y) / POINT
            self.marks.append(Mark(group.mark, self.number - 1, above))
        while strips:
            # A page that holds nothing yet takes one even where it does not fit.
            count = self._fitting(strips, y) or int(is_fresh)
            for strip in strips[:count]:
                self._paint(strip, y, group.fills, group.gap if first and self._y else 0.0)
                y += strip.height
                first = False
            self._y = y
            strips = strips[count:]
            if strips:
                self._turn()
                y, is_fresh = 0.0, True
                for strip in group.repeated:
                    self._paint(strip, y, group.fills, 0.0)
                    y += strip.height
                self._y = y

    def _fitting(self, strips: list[Strip], y: float) -> int:
        """How many go on this page; never only the last line on the next."""
        count, end = 0, y
        for strip in strips:
            end += strip.height
            if end > self.height + 0.5:
                break
            count += 1
        if count == len(strips):
            return count
        if len(strips) - count == 1 and count > 2:
            count -= 1
        return count

    def _paint(self, strip: Strip, y: float, around: tuple[Fill, ...], gap: float) -> None:
        fills = (*around, *strip.fills)
        for fill in fills:
            left, width, role = fill
            above = gap if fill in self._above else 0.0
            self._painter.fillRect(QRectF(left, y - above, width, strip.height + above), self._faces.colour(role))
        self._above = fills
        if strip.paint is not None:
            strip.paint(self._painter, y)

    def _turn(self) -> None:
        self._footer()
        self._writer.newPage()
        self.number += 1
        self._y, self._above = 0.0, ()
        self._turned()

    def _footer(self) -> None:
        font = self._faces.font("text", SMALL_SIZE)
        words = self._page_words.format(number=self.number)
        metrics = QFontMetricsF(font)
        width = metrics.horizontalAdvance(words)
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, self.width - width - 200)
        self._faces.note(title + words, "text", SMALL_SIZE)
        baseline = self._paper.height() - MARGIN - FOOTER
        painter = self._painter
        painter.setFont(font)
        painter.setPen(self._faces.colour("quiet_text"))
        painter.drawText(QPointF(0, baseline), title)
        painter.drawText(QPointF(self.width - width, baseline), words)
