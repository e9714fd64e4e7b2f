"""Sections of the settings: their names, titles and order."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.translation import QT_TRANSLATE_NOOP

SECTIONS = {
    "appearance": QT_TRANSLATE_NOOP("settings", "Appearance"),
    "conversation": QT_TRANSLATE_NOOP("settings", "New conversations"),
    "engine": QT_TRANSLATE_NOOP("settings", "Engine"),
    "devices": QT_TRANSLATE_NOOP("settings", "Devices"),
    "servers": QT_TRANSLATE_NOOP("settings", "Servers"),
    "lending": QT_TRANSLATE_NOOP("settings", "Lending"),
    "local_server": QT_TRANSLATE_NOOP("settings", "Local server"),
    "downloads": QT_TRANSLATE_NOOP("settings", "Downloads"),
    "data": QT_TRANSLATE_NOOP("settings", "Data"),
}
"""Titles of the sections by name, in their order; those of settings are the pages of their declarations."""


def section_titles() -> dict[str, str]:
    """Return the titles of the sections by name, in the current language."""
    return {name: QCoreApplication.translate("settings", title) for name, title in SECTIONS.items()}
