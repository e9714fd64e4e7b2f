"""Zoom of the whole interface: Qt's scale factor, which Qt reads from ``QT_SCALE_FACTOR`` at its start only.

The function behind that variable is not a part of Qt's documented interface; a test notices when it is gone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLoggingCategory
from PySide6.QtWidgets import QApplication

_FUNCTIONS = {
    "win32": ("Qt6Gui.dll", "?setGlobalFactor@QHighDpiScaling@@SAXN@Z"),
    "darwin": ("QtGui.framework/Versions/A/QtGui", "_ZN15QHighDpiScaling15setGlobalFactorEd"),
    "linux": ("libQt6Gui.so.6", "_ZN15QHighDpiScaling15setGlobalFactorEd"),
}
"""Library and name of ``QHighDpiScaling::setGlobalFactor(double)`` by platform."""
_PROPERTY = "zoom"
"""Of the application: percent."""


def zoom() -> int:
    """Return the zoom in percent."""
    application = QApplication.instance()
    return int(application.property(_PROPERTY) or 100) if application else 100


def set_zoom(percent: int) -> None:
    """Change the zoom; a shown window keeps its size on the screen.  Without Qt's function nothing changes."""
    try:
        library, name = _FUNCTIONS[sys.platform]
        folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.LibrariesPath))
        set_factor = getattr(ctypes.CDLL(library if sys.platform == "win32" else str(folder / library)), name)
    except (AttributeError, KeyError, OSError):
        return
    set_factor.argtypes, set_factor.restype = [ctypes.c_double], None
    before = zoom()
    if application := QApplication.instance():
        application.setProperty(_PROPERTY, percent)
    # Qt reads the factor when it creates the native window.
    shown = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    focused, states = QApplication.focusWidget(), [each.windowState() for each in shown]
    for window in shown:
        window.hide()
        window.destroy()
    # It warns that windows exist, which have no native ones.
    QLoggingCategory.setFilterRules("default.warning=false")
    set_factor(float(os.environ.get("QT_SCALE_FACTOR", "1")) * percent / 100)
    QLoggingCategory.setFilterRules("")
    for window, state in zip(shown, states, strict=True):
        window.resize(window.size() * before / percent)
        window.setWindowState(state)
        window.show()
        window.activateWindow()
    if focused is not None:
        focused.setFocus()
