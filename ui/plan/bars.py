"""Bars of the memory plan, one per device, and their legend.

The model is shown in three tones of the accent colour from the left.  A thin line marks the limit; reserve and other
programs are beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from ui.plan.bar_data import Bar, BarPart, PartKind, full_bytes, part_places, places_of
from ui.plan.rows import ElidedCheckBox, ElidedLabel, PlanRow
from ui.plan.strings import (
    actual_text,
    bar_description,
    bar_tip,
    bar_title,
    layers_text,
    left_text,
    part_name,
    used_text,
)
from ui.widgets.dialog_parts import SMALL_SIZE
from ui.widgets.layouts import clear, hbox, vbox
from ui.widgets.theme import Theme, current_theme, interface_font

BAR, RADIUS, OVERHANG = 16, 4.0, 3
"""Height of a bar, radius of its corners, overhang of the limit line, in pixels."""
THIN, THIN_GAP = 4, 3
TIP_GAP = 4
SWATCH = 10
SUMMARY_GAP = 10
MIN_STRETCH = 1.5
KINDS: tuple[PartKind, ...] = ("weights", "kv", "compute", "projector", "shared", "over", "reserve", "other")


def blend(one: str, other: str, share: float) -> QColor:
    """Mix ``share`` of one colour into another."""
    first, second = QColor(one), QColor(other)
    pairs = ((first.red(), second.red()), (first.green(), second.green()), (first.blue(), second.blue()))
    return QColor(*(round(share * a + (1 - share) * b) for a, b in pairs))


def brush_of(kind: PartKind, theme: Theme) -> QBrush:
    """Return the fill of a part."""
    match kind:
        case "weights":
            return QBrush(QColor(theme.accent))
        case "kv":
            return QBrush(blend(theme.accent, theme.page, 0.62 if theme.dark else 0.58))
        case "compute":
            return QBrush(blend(theme.accent, theme.page, 0.38 if theme.dark else 0.3))
        case "projector":
            return QBrush(blend(theme.accent, theme.text, 0.5))
        case "shared":
            return QBrush(QColor(theme.accent), Qt.BrushStyle.Dense4Pattern)
        case "over":
            return QBrush(QColor(theme.bad))
        case "reserve":
            return QBrush(QColor(theme.edge), Qt.BrushStyle.BDiagPattern)
        case _:
            return QBrush(blend(theme.quiet_text, theme.page, 0.42))


class MemoryBar(QWidget):
    """Memory bar of one device, with a thin bar of the actual memory below after a load."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Bar | None = None
        self._full = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_bar(self, bar: Bar, full: int, *, as_forecast: bool) -> None:
        """Show a bar; the full width represents ``full`` bytes."""
        grown = self._bar is None or (self._bar.actual is None) != (bar.actual is None)
        self._bar, self._full = bar, full
        self.setToolTip(bar_tip(bar, as_forecast=as_forecast))
        self.setAccessibleName(bar_description(bar, as_forecast=as_forecast))
        if grown:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size with room for the thin bar if there is one."""
        has_actual = self._bar is not None and self._bar.actual is not None
        return QSize(160, BAR + 2 * OVERHANG + (THIN + THIN_GAP - OVERHANG if has_actual else 0))

    def minimumSizeHint(self) -> QSize:
        """Return the minimum size."""
        return QSize(60, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Show the tool tip above the bar: below are the buttons that are pressed next."""
        is_handled = super().event(event)
        if event.type() == QEvent.Type.ToolTip:
            for tip in QApplication.topLevelWidgets():
                if tip.inherits("QTipLabel"):
                    tip.move(tip.x(), self.mapToGlobal(QPoint()).y() - tip.height() - TIP_GAP)
        return is_handled

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bar."""
        if self._bar is None:
            return
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled() or not self._bar.is_on:
            painter.setOpacity(0.55)
        places = places_of(self._bar, self.width() - 2.0, self._full)
        painter.translate(1, OVERHANG)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.raised if theme.dark else theme.sidebar))
        painter.drawRoundedRect(QRectF(0, 0, places.end, BAR), RADIUS, RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.pressed if theme.dark else theme.hairline), 1))
        painter.drawRoundedRect(QRectF(0.5, 0.5, places.end - 1, BAR - 1), RADIUS, RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        shape = QPainterPath()
        beyond = max((stretch.right for stretch in places.stretches), default=0.0)
        shape.addRoundedRect(QRectF(0, 0, max(places.end, beyond), BAR), RADIUS, RADIUS)
        painter.setClipPath(shape)
        for stretch in places.stretches:
            _draw_stretch(painter, stretch, 0, BAR, theme)
        painter.setClipping(False)
        for stretch in part_places(self._bar.actual or {}, self.width() - 2.0, self._full):
            _draw_stretch(painter, stretch, BAR + THIN_GAP, THIN, theme)
        painter.setBrush(QColor(theme.text))
        painter.drawRect(QRectF(places.limit - 0.75, -OVERHANG, 1.5, BAR + 2 * OVERHANG))
        if self.hasFocus():
            painter.resetTransform()
            painter.setOpacity(1)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), RADIUS, RADIUS)
        painter.end()


def _draw_stretch(painter: QPainter, stretch: BarPart, top: int, height: int, theme: Theme) -> None:
    # One pixel between parts, whose tones are similar.
    gap = 1.0 if stretch.right - stretch.left > MIN_STRETCH + 1 else 0.0
    width = max(MIN_STRETCH, stretch.right - stretch.left - gap)
    painter.setBrush(brush_of(stretch.kind, theme))
    painter.drawRect(QRectF(stretch.left, top, width, height))


class BarRow(PlanRow):
    """Bar of one device with its texts; devices have a check box, RAM has none."""

    toggled = Signal(str, bool)
    """Device name, and whether to use it."""

    def __init__(self, name: str, *, indented: bool = True) -> None:
        self.bar = MemoryBar()
        super().__init__(self.bar, ElidedCheckBox() if name else None, indented=indented)
        self.name = name
        self.setObjectName(f"planBar{name or 'Ram'}")
        self.check = self.title if isinstance(self.title, ElidedCheckBox) else None
        if self.check is not None:
            self.check.setObjectName(f"planUse{name}")
            self.check.clicked.connect(lambda on: self.toggled.emit(self.name, on))
        else:
            # Screen readers read a device's figures with its check box.
            self.bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_bar(self, bar: Bar, full: int, *, as_forecast: bool) -> None:
        """Show a bar; the full width represents ``full`` bytes."""
        self.bar.set_bar(bar, full, as_forecast=as_forecast)
        self.title.set_text(bar_title(bar))
        self.detail.set_text(layers_text(bar))
        self.figure.set_text(used_text(bar))
        if bar.actual is not None:
            self.note.set_text(actual_text(bar, bar.actual, as_forecast=as_forecast))
        else:
            self.note.set_text(left_text(bar), is_bad=bar.left_bytes < 0)
        if self.check is not None:
            self.check.setChecked(bar.is_on)
            self.check.setToolTip(self.bar.toolTip())
            self.check.setAccessibleName(self.tr("Use {device}").format(device=bar_title(bar)))
            self.check.setAccessibleDescription(self.bar.accessibleName())
        self.hide_empty_lines()


class Legend(QWidget):
    """Legend of the visible colours, wrapped to the width."""

    LINE, ITEM_GAP = 20, 16

    def __init__(self) -> None:
        super().__init__()
        self.setFont(interface_font(SMALL_SIZE))
        self._kinds: tuple[PartKind, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show the legend for these bars."""
        full = full_bytes(bars)
        seen = {stretch.kind for bar in bars for stretch in places_of(bar, 1000.0, full).stretches}
        kinds: tuple[PartKind, ...] = (*(kind for kind in KINDS if kind in seen), "limit")
        if kinds != self._kinds:
            self._kinds = kinds
            self._update_height()

    def _update_height(self) -> None:
        self.setAccessibleName(", ".join(part_name(kind) for kind in self._kinds))
        self.setFixedHeight(self.LINE * (1 + max((line for _, line, _ in self._items()), default=0)))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap to the new width."""
        super().resizeEvent(event)
        self._update_height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the swatches and their names."""
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for kind, line, x in self._items():
            top = line * self.LINE + (self.LINE - SWATCH) / 2
            painter.setPen(Qt.PenStyle.NoPen)
            if kind == "limit":
                painter.setBrush(QColor(theme.text))
                painter.drawRect(QRectF(x + SWATCH / 2 - 0.75, top - 1, 1.5, SWATCH + 2))
            else:
                if kind == "reserve":
                    painter.setPen(QPen(QColor(theme.edge), 1))
                painter.setBrush(brush_of(kind, theme))
                painter.drawRoundedRect(QRectF(x + 0.5, top + 0.5, SWATCH - 1, SWATCH - 1), 2, 2)
            painter.setPen(QColor(theme.quiet_text))
            place = QRectF(x + SWATCH + 6, line * self.LINE, 400, self.LINE)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), part_name(kind))
        painter.end()

    def _items(self) -> list[tuple[PartKind, int, int]]:
        """Return each kind with its line and x position."""
        metrics = QFontMetrics(self.font())
        found: list[tuple[PartKind, int, int]] = []
        x = line = 0
        for kind in self._kinds:
            width = SWATCH + 6 + metrics.horizontalAdvance(part_name(kind))
            if x and x + width > self.width():
                x, line = 0, line + 1
            found.append((kind, line, x))
            x += width + self.ITEM_GAP
        return found


class SummaryBars(QWidget):
    """Compact bars without controls, for the models page and the first start."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("planGlance")
        self.bars: tuple[Bar, ...] = ()
        self._rows: list[tuple[ElidedLabel, ElidedLabel, MemoryBar]] = []
        self._column = vbox(parent=self, spacing=SUMMARY_GAP)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Show these bars; without bars the widget is hidden."""
        self.bars = tuple(bars)
        if len(self._rows) != len(bars):
            self._create_rows()
        gpus = [bar for bar in bars if not bar.is_ram]
        for bar, (title, figure, memory) in zip(bars, self._rows, strict=True):
            # Without a note beside it, the thin bar of the actual memory would be a riddle.
            memory.set_bar(replace(bar, actual=None), full_bytes([bar] if bar.is_ram else gpus), as_forecast=True)
            title.set_text(bar_title(bar))
            figure.set_text(used_text(bar))
        self.setAccessibleName("; ".join(memory.accessibleName() for _, _, memory in self._rows))
        self.setVisible(bool(bars))

    def _create_rows(self) -> None:
        clear(self._column)
        self._rows = []
        for _bar in self.bars:
            title, figure, memory = ElidedLabel(quiet=True), ElidedLabel(quiet=True, right=True), MemoryBar()
            row = QWidget()
            vbox(hbox((title, 3), (figure, 2), spacing=8), memory, parent=row)
            self._column.addWidget(row)
            self._rows.append((title, figure, memory))
