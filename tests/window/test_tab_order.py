"""The Tab key through the window, its pages, panels and dialogs: no trap, in reading order, each stop marked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.config.settings import Settings
from app.conversation import Status
from tests.window.conftest import OpenWindow
from tests.window.input import PATIENCE_MS
from tests.window.test_theme import contrast
from ui.transcript import Transcript
from ui.widgets.theme import current_theme
from ui.window.main_window import MainWindow

MOST_STOPS = 200
LEAST_CONTRAST = 3
"""Of the mark of the focus to the ground."""
Stop = tuple[QWidget, Any]
"""A widget, and in the transcript the place in it."""


def stop() -> Stop:
    widget = QApplication.focusWidget()
    assert widget is not None
    if isinstance(widget, Transcript):
        return widget, (widget.state.focused_message, widget.state.focused_key)
    return widget, None


def name(each: Stop) -> str:
    widget, place = each
    return f"{widget.objectName() or type(widget).__name__} {widget.accessibleName()!r} {place or ''}"


def walk(qtbot: QtBot, key: Qt.Key) -> list[Stop]:
    """Press a key until the focus is where it began; return the stops."""
    stops = [stop()]
    for _ in range(MOST_STOPS):
        qtbot.keyClick(stops[-1][0], key)
        if stop() == stops[0]:
            return stops
        assert stop() not in stops, f"a trap: {[*map(name, stops)]}, {name(stop())}"
        stops.append(stop())
        seen = stops[-1][0]
        area = seen.viewport() if isinstance(seen, Transcript) else seen
        assert not area.visibleRegion().isEmpty(), f"out of sight: {name(stop())}"
    raise AssertionError(f"no end: {[*map(name, stops)]}")


def misplaced(stops: list[Stop]) -> list[str]:
    """Return neighbours of one group that are not from left to right and from top to bottom."""
    found = []
    for (first, _), (second, _) in pairwise(stops):
        if first.parentWidget() is not second.parentWidget() or first is second:
            continue
        one, other = (QRect(each.mapTo(each.window(), QPoint()), each.size()) for each in (first, second))
        is_above = other.bottom() <= one.top()
        is_left = other.right() <= one.left() and other.top() < one.bottom()
        if is_above or is_left:
            found.append(f"{first.objectName()} before {second.objectName()}")
    return found


def unmarked(qtbot: QtBot, stops: list[Stop]) -> list[str]:
    """Return the stops whose picture with the focus has no mark of enough contrast."""
    found = []
    ground = current_theme().page
    for each in stops:
        widget = each[0]
        if isinstance(widget, Transcript | QAbstractItemView):
            # They paint a ring around the current row or message.
            continue
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        framed = widget.parentWidget() if widget.objectName() in FRAMED else widget
        assert framed is not None
        focused = framed.grab().toImage()
        widget.clearFocus()
        other = framed.grab().toImage()
        changed = {
            focused.pixelColor(x, y).name()
            for x in range(focused.width())
            for y in range(focused.height())
            if focused.pixel(x, y) != other.pixel(x, y)
        }
        if not any(contrast(colour, QColor(ground).name()) >= LEAST_CONTRAST for colour in changed):
            found.append(name(each))
    return found


FRAMED = ("composer",)
"""Fields whose frame is that of their parent."""


def answered(window: MainWindow) -> None:
    store = window.controller.services.store
    conversation = store.create(title="One")
    answer = store.begin_turn(conversation.id, "Why?")[1]
    store.finish_answer(answer.id, "See [this](https://a.b/c).\n\n```py\nx = 1\n```", Status.COMPLETE)
    window.controller.conversation.list_changed.emit()
    window.controller.conversation.open(conversation.id)


PLACES: dict[str, Callable[[MainWindow], object]] = {
    "first start": lambda _window: None,
    "conversation": answered,
    "panel": lambda window: (answered(window), window.header.settings_button.click()),
    "models": lambda window: window.controller.models.show_page(),
    "settings": lambda window: window.controller.show_settings(),
    "palette": lambda window: window.controller.show_palette(),
    "picker": lambda window: window.header.model_button.click(),
    "shortcuts": lambda window: window.controller.show_shortcuts(),
    "export": lambda window: (answered(window), window.header.export_button.click()),
    "diagnostics": lambda window: window.controller.show_diagnostics(),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_tab_visits_every_control_in_order_and_marks_it(
    open_window: OpenWindow, qtbot: QtBot, place: str, theme: str
) -> None:
    window = open_window()
    window.resize(1200, 800)
    window.appearance.use(Settings(language="en", theme=theme))
    window.composer.field.setFocus()
    PLACES[place](window)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None, timeout=PATIENCE_MS)
    stops = walk(qtbot, Qt.Key.Key_Tab)
    if theme == "light":
        back = walk(qtbot, Qt.Key.Key_Backtab)
        assert {*map(name, stops)} <= {*map(name, back)}
        assert misplaced(stops) == [], [*map(name, stops)]
    assert unmarked(qtbot, stops) == [], [*map(name, stops)]
