"""The rows of the picture of a plan: what at the left, a bar or a control in the middle, figures at the right.

All rows share their columns, so that bars and controls stand below each other; where there is little room the words
stand above and below instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from ui.widgets.dialog_parts import SMALL_SIZE
from ui.widgets.theme import interface_font

GAP = 16
MOST_LEFT, LEAST_LEFT = 230, 110
CHECK_SPACE = 26
"""The check box and what stands between it and its text."""


class Line(QLabel):
    """One line that gives way at its end, with all of it in its tooltip."""

    def __init__(self, *, quiet: bool = False, right: bool = False) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if quiet:
            self.setProperty("quiet", True)
            self.setFont(interface_font(SMALL_SIZE))
        if right:
            self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def say(self, text: str, kind: str = "") -> None:
        """Show a text, in the colour of ``bad`` where that is its kind."""
        if self.property("bad") != (kind == "bad"):
            self.setProperty("bad", kind == "bad")
            # The style sheet looks at properties only when a widget is polished.
            self.style().unpolish(self)
            self.style().polish(self)
        if text != self._whole:
            self._whole = text
            self.setAccessibleName(text)
            self._elide()

    @property
    def whole(self) -> str:
        """All of the text."""
        return self._whole

    def natural_width(self) -> int:
        """What it takes to show all of it."""
        return self.fontMetrics().horizontalAdvance(self._whole) + max(0, self.indent()) + 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as there is room for."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = max(0, self.width() - max(0, self.indent()))
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room)
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")


class CheckTitle(QCheckBox):
    """The title of a device, with which it is taken in or left out; gives way at its end."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str) -> None:
        """Show a text."""
        self._whole = text
        self._elide()

    def lock(self, locked: bool) -> None:
        """Let it be changed or not; a disabled one would look as if it were not checked."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, locked)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if locked else Qt.FocusPolicy.StrongFocus)

    def natural_width(self) -> int:
        """What it takes to show all of it."""
        return self.fontMetrics().horizontalAdvance(self._whole) + CHECK_SPACE + 4

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(CHECK_SPACE, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as there is room for."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.width() - CHECK_SPACE
        # In a check box an ampersand marks a key.
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room).replace("&", "&&"))


class PlanRow(QWidget):
    """One row.  ``figure`` and its quieter ``note`` stand at the right."""

    def __init__(self, middle: QWidget, title: CheckTitle | Line | None = None, *, indented: bool = False) -> None:
        super().__init__()
        self.title = title if title is not None else Line()
        self.detail = Line(quiet=True)
        self.middle = middle
        self.figure = Line(right=True)
        self.note = Line(quiet=True, right=True)
        self._narrow: bool | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(1)
        for each in (self.title, self.detail, self.middle, self.figure, self.note):
            each.setParent(self)
        for each in (self.title, self.detail):
            if indented and isinstance(each, Line):
                each.setIndent(CHECK_SPACE)

    def arrange(self, *, narrow: bool, left: int, right: int) -> None:
        """Take the columns' widths, or the words above and below."""
        grid = self._grid
        if narrow != self._narrow:
            self._narrow = narrow
            grid.setVerticalSpacing(3 if narrow else 1)
            for each in (self.title, self.detail, self.middle, self.figure, self.note):
                grid.removeWidget(each)
            centre = Qt.AlignmentFlag.AlignVCenter
            if narrow:
                grid.addWidget(self.title, 0, 0)
                grid.addWidget(self.figure, 0, 1)
                grid.addWidget(self.middle, 1, 0, 1, 2)
                grid.addWidget(self.detail, 2, 0)
                grid.addWidget(self.note, 2, 1)
            else:
                grid.addWidget(self.title, 0, 0)
                grid.addWidget(self.detail, 1, 0)
                grid.addWidget(self.middle, 0, 1, 2, 1, centre)
                grid.addWidget(self.figure, 0, 2)
                grid.addWidget(self.note, 1, 2)
        for column, (width, stretch) in enumerate(
            ((0, 1), (right, 0), (0, 0)) if narrow else ((left, 0), (0, 1), (right, 0))
        ):
            grid.setColumnMinimumWidth(column, width)
            grid.setColumnStretch(column, stretch)
        self.show_lines()

    def show_lines(self) -> None:
        """Leave out lines that say nothing, in both columns of words at once."""
        second = bool(self.detail.whole or self.note.whole)
        self.detail.setVisible(second)
        self.note.setVisible(second)


def column_widths(rows: Sequence[PlanRow], width: int, *, narrow: bool) -> tuple[int, int]:
    """How wide the words at the left and the figures at the right are to be for all rows together."""
    left = max((max(row.title.natural_width(), row.detail.natural_width()) for row in rows), default=0)
    right = max((max(row.figure.natural_width(), row.note.natural_width()) for row in rows), default=0)
    most_left = min(MOST_LEFT, max(LEAST_LEFT, width * 3 // 10))
    return min(max(LEAST_LEFT, left), most_left), min(right, width * (6 if narrow else 3) // 10)
