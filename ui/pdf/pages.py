"""Pages: groups of strips placed one below the other, with a footer on each page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QLocale, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter

from ui.pdf.style import SMALL_SIZE, UNITS_PER_POINT, Face, PageStyle

MARGIN = 560
BOTTOM_MARGIN = 640
FOOTER_BASELINE = 300
"""Distance from the lower edge of the paper."""
PAPER_SIZES = {"a4": QPageSize.PageSizeId.A4, "letter": QPageSize.PageSizeId.Letter}
LETTER_TERRITORIES = {"US", "CA", "MX", "PH", "CL", "CO", "CR", "SV", "GT", "NI", "PA", "VE", "DO", "PR"}
"""Territories with Letter paper, after the measurement data of the CLDR."""


class Drawable(Protocol):
    """Something on a page: a line of text, a picture, a rectangle."""

    def draw(self, painter: QPainter, x: float, y: float) -> None:
        """Draw it with its upper left corner at a point."""


Item = tuple[float, float, Drawable]
"""A drawable with its distances from the left edge of the page and from the top of its strip."""
Fill = tuple[float, float, str]
"""Left edge, width and colour role of a background behind a strip."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled rectangle."""

    width: float
    height: float
    colour: QColor

    def draw(self, painter: QPainter, x: float, y: float) -> None:
        """Draw it with its upper left corner at a point."""
        painter.fillRect(QRectF(x, y, self.width, self.height), self.colour)


@dataclass(slots=True)
class Strip:
    """A band across the page that is not split, usually a line of text."""

    height: float
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Strips that belong together: a paragraph, a code block, a table."""

    strips: list[Strip]
    gap: float = 0.0
    """Space above, unless the group begins a page."""
    keep_together: bool = False
    """Not split where it fits a page."""
    keep_with_next: bool = False
    is_end: bool = False
    """The padding below the groups above: left out where a page ends between them."""
    bookmark: str = ""
    """Title in the outline; empty for groups that are not in it."""
    repeated: list[Strip] = field(default_factory=list)
    """Strips that begin each further page, such as the head of a table."""
    fills: tuple[Fill, ...] = ()
    """Backgrounds of all strips, and of the gap where the group above has them too."""

    @property
    def height(self) -> float:
        """Height without the gap."""
        return sum(strip.height for strip in self.strips)

    def least_height(self, page_height: float) -> float:
        """Return the height that must fit for the group to begin on a page."""
        height = self.height
        if self.keep_together and height <= page_height:
            return height
        return sum(strip.height for strip in self.strips[:2])


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline."""

    title: str
    page: int
    """From 0 on."""
    top: float
    """Points from the lower edge of the paper."""


class Pages:
    """The pages of one document, filled from the top."""

    def __init__(
        self,
        writer: QPdfWriter,
        paper: str,
        style: PageStyle,
        title: str,
        page_label: str,
        page_started: Callable[[], None],
    ) -> None:
        """``page_label`` contains ``{number}``; ``page_started`` is called at each new page."""
        size = QPageSize(PAPER_SIZES[paper or default_paper()])
        writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF()))
        writer.setResolution(72 * UNITS_PER_POINT)
        self._writer, self._style, self._title = writer, style, title
        self._page_label, self._page_started = page_label, page_started
        self._number = 1
        self.bookmarks: list[Bookmark] = []
        self._paper_height = writer.height()
        self.width = writer.width() - 2 * MARGIN
        self.height = self._paper_height - MARGIN - BOTTOM_MARGIN
        self._y = 0.0
        self._held: list[Group] = []
        self._fills_above: tuple[Fill, ...] = ()
        self._painter = QPainter(writer)
        self._painter.translate(MARGIN, MARGIN)

    def add(self, group: Group) -> None:
        """Place a group below the others."""
        if group.is_end and not self._held and (not self._y or self._y + group.height > self.height):
            return
        self._held.append(group)
        if not group.keep_with_next:
            needed = sum(each.gap + each.height for each in self._held[:-1])
            needed += group.gap + group.least_height(self.height)
            if self._y and self._y + needed > self.height:
                self._start_page()
            self._place_held()

    def end(self) -> None:
        """Finish the last page and the document."""
        self._place_held()
        self._draw_footer()
        self._painter.end()

    def _place_held(self) -> None:
        held, self._held = self._held, []
        for each in held:
            self._place(each)

    def _place(self, group: Group) -> None:
        if self._y and self._y + group.gap + group.least_height(self.height) > self.height:
            self._start_page()
        gap, is_empty = (group.gap, False) if self._y else (0.0, True)
        self._y += gap
        if group.bookmark:
            top = (self._paper_height - MARGIN - self._y) / UNITS_PER_POINT
            self.bookmarks.append(Bookmark(group.bookmark, self._number - 1, top))
        strips = group.strips
        while strips:
            # An empty page takes a strip that does not fit.
            count = self._fitting(strips) or int(is_empty)
            for strip in strips[:count]:
                self._draw(strip, group.fills, gap)
                gap = 0.0
            strips = strips[count:]
            if strips:
                self._start_page()
                gap, is_empty = 0.0, True
                for strip in group.repeated:
                    self._draw(strip, group.fills, 0.0)

    def _fitting(self, strips: list[Strip]) -> int:
        """Return how many strips fit this page; the last one does not go to the next page alone."""
        count, end = 0, self._y
        for strip in strips:
            end += strip.height
            if end > self.height + 0.5:
                break
            count += 1
        return count - 1 if count == len(strips) - 1 and count > 2 else count

    def _draw(self, strip: Strip, fills: tuple[Fill, ...], gap: float) -> None:
        for fill in fills:
            left, width, role = fill
            # Two code blocks are two areas, a quote or a question is one.
            above = gap if fill in self._fills_above and role != "code_ground" else 0.0
            self._painter.fillRect(QRectF(left, self._y - above, width, strip.height + above), self._style.colour(role))
        self._fills_above = fills
        for x, y, item in strip.items:
            item.draw(self._painter, x, self._y + y)
        self._y += strip.height

    def _start_page(self) -> None:
        self._draw_footer()
        self._writer.newPage()
        self._number += 1
        self._y, self._fills_above = 0.0, ()
        self._page_started()

    def _draw_footer(self) -> None:
        font = self._style.font(Face(), SMALL_SIZE)
        label = self._page_label.format(number=self._number)
        metrics = QFontMetricsF(font)
        width = metrics.horizontalAdvance(label)
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, self.width - width - 200)
        self._style.record(title + label, Face())
        baseline = self._paper_height - MARGIN - FOOTER_BASELINE
        painter = self._painter
        painter.setFont(font)
        painter.setPen(self._style.colour("quiet_text"))
        painter.drawText(QPointF(0, baseline), title)
        painter.drawText(QPointF(self.width - width, baseline), label)
        painter.setPen(self._style.colour("text"))


def default_paper() -> str:
    """Return the usual paper size of the user's territory."""
    return "letter" if QLocale.system().name().rpartition("_")[2] in LETTER_TERRITORIES else "a4"
