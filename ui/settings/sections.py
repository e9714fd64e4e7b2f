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
    "tools": QT_TRANSLATE_NOOP("settings", "Tools"),
    "memory": QT_TRANSLATE_NOOP("settings", "Memory"),
    "lending": QT_TRANSLATE_NOOP("settings", "Lending"),
    "local_server": QT_TRANSLATE_NOOP("settings", "Local server"),
    "downloads": QT_TRANSLATE_NOOP("settings", "Downloads"),
    "data": QT_TRANSLATE_NOOP("settings", "Data"),
    "about": QT_TRANSLATE_NOOP("settings", "About"),
}
"""Titles of the sections by name, in their order; those of settings are the pages of their declarations."""

OTHER_ROWS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("appearance", "SettingsPage", {"shortcuts": "Keyboard shortcuts"}),
    ("servers", "ServerSettings", {"serverAddress": "Add server"}),
    (
        "tools",
        "WebSearchSettings",
        {"search_page": "Set up the service", "search_key": "API key", "test_search": "Test the search"},
    ),
    ("tools", "ToolSettings", {"toolServerText": "MCP servers"}),
    ("memory", "MemorySettings", {"facts": "New fact"}),
    ("lending", "LendingSettings", {"lending": "Lend this computer", "address": "Address"}),
    (
        "local_server",
        "LocalServerSettings",
        {"address": "Address", "model": "Model", "activity": "Activity", "key": "API key"},
    ),
    (
        "downloads",
        "DownloadSettings",
        {"models_folder": "Models folder", "test": "Fastest mirror", "token": "Access token"},
    ),
    (
        "data",
        "DataSettings",
        {
            "folder": "Data folder",
            "disk_use": "Disk use",
            "import": "Import conversations",
            "export": "Export conversations",
            "back_up": "Save a backup",
            "backups": "Restore a backup",
            "cache": "Clear the conversation cache",
            "defaults": "Restore default settings",
            "erase": "Delete all my data",
        },
    ),
    (
        "about",
        "AboutSettings",
        {"version": "Version", "privacy": "Privacy", "readme": "Documentation", "diagnostics": "Diagnostics"},
    ),
)
"""Section, context of the titles, and these by name, of the rows that belong to no declared setting.

A name is that of a row, or of a control.
"""


def section_titles() -> dict[str, str]:
    """Return the titles of the sections by name, in the current language."""
    return {name: QCoreApplication.translate("settings", title) for name, title in SECTIONS.items()}


def other_rows() -> list[tuple[str, str, str]]:
    """Return section, name and title, in the current language, of the rows that belong to no declared setting."""
    return [
        (section, name, QCoreApplication.translate(context, title))
        for section, context, rows in OTHER_ROWS
        for name, title in rows.items()
    ]
