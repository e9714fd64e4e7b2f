"""From the inference worker's thread to the window's: queued signals, so that no widget is touched from elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class TurnSignals(QObject):
    """What one answer tells the window.  Emitted in the worker's thread, received in the window's."""

    came = Signal(str, object)
    """Message id, ChatEvent."""
    ended = Signal(str, object)
    """Message id, TurnResult."""
