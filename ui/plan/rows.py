"""Rows of the memory plan: title at the left, a bar or control in the middle, figures at the right.

All rows share their column widths.  In a narrow window the texts are above and below the middle instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from ui.widgets.dialog_parts import SMALL_SIZE, set_style_property
from ui.widgets.theme import interface_font

GAP = 16
MIN_LEFT, MAX_LEFT = 110, 230
CHECK_SPACE = 26
"""Width of the check box and the gap before its text."""


class ElidedLabel(QLabel):
    """One line of text, elided at its end or by ``mode``; the tooltip has the full text."""

    def __init__(
        self, *, quiet: bool = False, right: bool = False, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__()
        self.full_text = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        if quiet:
            self.setProperty("quiet", True)
            self.setFont(interface_font(SMALL_SIZE))
        if right:
            self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_text(self, text: str, *, is_bad: bool = False) -> None:
        """Show ``text``, in the colour of errors if ``is_bad``."""
        set_style_property(self, bad=is_bad)
        if text != self.full_text:
            self.full_text = text
            self.setAccessibleName(text)
            self._elide()

    def full_width(self) -> int:
        """Return the width of the full text in pixels."""
        return self.fontMetrics().horizontalAdvance(self.full_text) + max(0, self.indent()) + 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide for the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = max(0, self.width() - max(0, self.indent()))
        shown = self.fontMetrics().elidedText(self.full_text, self._mode, room)
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self.full_text if shown != self.full_text else "")


class ElidedCheckBox(QCheckBox):
    """Check box whose text is elided at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.full_text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str) -> None:
        """Show ``text``."""
        self.full_text = text
        self._elide()

    def set_locked(self, locked: bool) -> None:
        """Allow changes or not; a disabled check box would look unchecked."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, locked)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if locked else Qt.FocusPolicy.StrongFocus)

    def full_width(self) -> int:
        """Return the width of check box and full text in pixels."""
        return self.fontMetrics().horizontalAdvance(self.full_text) + CHECK_SPACE + 4

    def minimumSizeHint(self) -> QSize:
        """Allow any width."""
        return QSize(CHECK_SPACE, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide for the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.width() - CHECK_SPACE
        text = self.fontMetrics().elidedText(self.full_text, Qt.TextElideMode.ElideRight, room)
        # An ampersand would mark a mnemonic.
        self.setText(text.replace("&", "&&"))


class PlanRow(QWidget):
    """One row: ``title`` and ``detail`` at the left, ``figure`` and ``note`` at the right."""

    def __init__(
        self, middle: QWidget, title: ElidedCheckBox | ElidedLabel | None = None, *, indented: bool = False
    ) -> None:
        super().__init__()
        self.title = title if title is not None else ElidedLabel()
        self.detail = ElidedLabel(quiet=True)
        self.middle = middle
        self.figure = ElidedLabel(right=True)
        self.note = ElidedLabel(quiet=True, right=True)
        self._narrow: bool | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP)
        for each in (self.title, self.detail, self.middle, self.figure, self.note):
            each.setParent(self)
            if indented and isinstance(each, ElidedLabel) and each in (self.title, self.detail):
                each.setIndent(CHECK_SPACE)

    def arrange(self, *, narrow: bool, left: int, right: int) -> None:
        """Lay out with these column widths in pixels; if ``narrow``, with texts above and below the middle."""
        grid = self._grid
        if narrow != self._narrow:
            self._narrow = narrow
            grid.setVerticalSpacing(3 if narrow else 1)
            for each in (self.title, self.detail, self.middle, self.figure, self.note):
                grid.removeWidget(each)
            grid.addWidget(self.title, 0, 0)
            if narrow:
                grid.addWidget(self.figure, 0, 1)
                grid.addWidget(self.middle, 1, 0, 1, 2)
                grid.addWidget(self.detail, 2, 0)
                grid.addWidget(self.note, 2, 1)
            else:
                grid.addWidget(self.detail, 1, 0)
                grid.addWidget(self.middle, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(self.figure, 0, 2)
                grid.addWidget(self.note, 1, 2)
        columns = ((0, 1), (right, 0), (0, 0)) if narrow else ((left, 0), (0, 1), (right, 0))
        for column, (width, stretch) in enumerate(columns):
            grid.setColumnMinimumWidth(column, width)
            grid.setColumnStretch(column, stretch)
        self.hide_empty_lines()

    def hide_empty_lines(self) -> None:
        """Hide the second line of texts if it is empty on both sides."""
        visible = bool(self.detail.full_text or self.note.full_text)
        self.detail.setVisible(visible)
        self.note.setVisible(visible)


def column_widths(rows: Sequence[PlanRow], width: int, *, narrow: bool) -> tuple[int, int]:
    """Return the widths of the left and right column for all rows in a view of ``width`` pixels."""
    left = max((max(row.title.full_width(), row.detail.full_width()) for row in rows), default=0)
    right = max((max(row.figure.full_width(), row.note.full_width()) for row in rows), default=0)
    max_left = min(MAX_LEFT, max(MIN_LEFT, width * 3 // 10))
    return min(max(MIN_LEFT, left), max_left), min(right, width * (6 if narrow else 3) // 10)
