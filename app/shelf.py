"""Shelves of conversations: the list, the archive and the trash."""

from __future__ import annotations

from enum import StrEnum

TRASH_DAYS = 30
"""Deleted conversations and messages can be restored for this long."""


class Shelf(StrEnum):
    """Where a conversation is."""

    CONVERSATIONS = "conversations"
    """In the list: pinned ones first, then the latest activity."""
    ARCHIVE = "archive"
    """The last archived first."""
    TRASH = "trash"
    """The last deleted first."""
