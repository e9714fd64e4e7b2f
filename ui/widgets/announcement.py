"""Announcements: texts that a screen reader says although the keyboard focus is elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QObject


def announce(source: QObject, text: str) -> None:
    """Let a screen reader say a text about ``source``, after what it is saying; does nothing without one."""
    # Imported where they are needed, as their types would delay the window.
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    if text and QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, text))
