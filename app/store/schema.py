"""The tables, as numbered steps.  A step that was released is never changed; the next one is added below it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Step = Callable[[sqlite3.Connection], None]


def version_1(connection: sqlite3.Connection) -> None:
    """Conversations, and messages as a tree."""
    connection.execute(
        """
        CREATE TABLE conversations (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            system_prompt TEXT NOT NULL,
            model_id TEXT,
            leaf_id TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            deleted_at TEXT
        ) STRICT
        """
    )
    # A parent always has a smaller number than its children.  The content comes last: it is long, and the columns
    # before it are then read without it.
    connection.execute(
        """
        CREATE TABLE messages (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            parent_id TEXT REFERENCES messages (id),
            role TEXT NOT NULL,
            status TEXT NOT NULL,
            writer_id TEXT,
            created_at TEXT NOT NULL,
            made_by TEXT,
            error TEXT,
            content TEXT NOT NULL
        ) STRICT
        """
    )
    connection.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id, role)")
    connection.execute("CREATE INDEX messages_by_parent ON messages (parent_id)")
    connection.execute("CREATE INDEX messages_by_time ON messages (created_at)")
    connection.execute("CREATE INDEX messages_being_written ON messages (writer_id) WHERE status = 'streaming'")


STEPS: tuple[Step, ...] = (version_1,)
"""``STEPS[n]`` leads from version n to version n + 1."""
