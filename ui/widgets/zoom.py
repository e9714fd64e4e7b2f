"""Zoom of the whole interface: Qt's scale factor, which Qt reads from ``QT_SCALE_FACTOR`` at its start only.

The function behind that variable is not a part of Qt's documented interface; where it is missing, the zoom changes at
the next start.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLoggingCategory, QMargins, QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QWidget

_FUNCTIONS = {
    "win32": ("Qt6Gui.dll", "?setGlobalFactor@QHighDpiScaling@@SAXN@Z"),
    "darwin": ("QtGui.framework/Versions/A/QtGui", "_ZN15QHighDpiScaling15setGlobalFactorEd"),
    "linux": ("libQt6Gui.so.6", "_ZN15QHighDpiScaling15setGlobalFactorEd"),
}
"""Library and name of ``QHighDpiScaling::setGlobalFactor(double)`` by platform."""
_VARIABLE = "QT_SCALE_FACTOR"
_PROPERTY = "zoom"
"""Of the application: percent."""


def zoom() -> int:
    """Return the zoom in percent."""
    application = QApplication.instance()
    return int(application.property(_PROPERTY) or 100) if application else 100


def changes_at_once() -> bool:
    """Return whether ``set_zoom`` has an effect before the next start."""
    return _factor_function() is not None


def create_application(arguments: Sequence[str], read_zoom: Callable[[], int]) -> QApplication:
    """Create the application, with the zoom of ``read_zoom``, in percent, where it can't be changed later."""
    if changes_at_once():
        return QApplication(arguments)
    percent, before = read_zoom(), os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(float(before or "1") * percent / 100)
    application = QApplication(arguments)
    application.setProperty(_PROPERTY, percent)
    # Not for the programs that this one starts.
    del os.environ[_VARIABLE]
    if before is not None:
        os.environ[_VARIABLE] = before
    return application


def set_zoom(percent: int) -> None:
    """Change the zoom; a shown window keeps its place on the screen.  Without Qt's function nothing changes."""
    set_factor = _factor_function()
    if set_factor is None:
        return
    before = zoom()
    if application := QApplication.instance():
        application.setProperty(_PROPERTY, percent)
    # Qt reads the factor when it creates the native window.
    shown = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    focused = QApplication.focusWidget()
    states = [(each.windowState(), each.normalGeometry()) for each in shown]
    for window in shown:
        window.hide()
        window.destroy()
        for each in window.findChildren(QWidget):
            # The window system forgets what was below the pointer.
            each.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    # It warns that windows exist, which have no native ones.
    QLoggingCategory.setFilterRules("default.warning=false")
    set_factor(float(os.environ.get(_VARIABLE, "1")) * percent / 100)
    QLoggingCategory.setFilterRules("")
    for window, (state, normal) in zip(shown, states, strict=True):
        if window.isMaximized() or window.isFullScreen():
            # Its place is the one to which it returns; with the state it had, Qt would not set that again.
            window.setWindowState(Qt.WindowState.WindowNoState)
            window.setGeometry(normal)
        _place(window, before / percent)
        window.setWindowState(state)
        window.show()
        window.activateWindow()
    if focused is not None:
        focused.setFocus()


def _place(window: QWidget, scale: float) -> None:
    """Keep the place and the size of a window on the screen, as far as it is within the screen then."""
    frame, inside = window.frameGeometry(), window.geometry()
    edges = QMargins(
        inside.left() - frame.left(), inside.top() - frame.top(),
        frame.right() - inside.right(), frame.bottom() - inside.bottom(),
    )  # fmt: skip
    room = window.screen().availableGeometry().marginsRemoved(edges * scale)
    size = (inside.size() * scale).boundedTo(room.size()).expandedTo(window.minimumSize())
    corner = inside.topLeft() * scale
    left = max(room.left(), min(corner.x(), room.left() + room.width() - size.width()))
    top = max(room.top(), min(corner.y(), room.top() + room.height() - size.height()))
    # Not the place of the frame, which Qt would find by the edges of the old one.
    window.setGeometry(QRect(QPoint(left, top), size))


def _factor_function() -> Callable[[float], None] | None:
    try:
        library, name = _FUNCTIONS[sys.platform]
        folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.LibrariesPath))
        function = getattr(ctypes.CDLL(library if sys.platform == "win32" else str(folder / library)), name)
    except (AttributeError, KeyError, OSError):
        return None
    function.argtypes, function.restype = [ctypes.c_double], None
    return function  # type: ignore[no-any-return]
