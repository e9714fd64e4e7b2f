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


def version_2(connection: sqlite3.Connection) -> None:
    """Pins, archive, a conversation's own sampling; messages that can be deleted one by one; attachments."""
    for column in (
        "pinned INTEGER NOT NULL DEFAULT 0",
        "archived_at TEXT",
        "title_is_chosen INTEGER NOT NULL DEFAULT 0",
        "sampling TEXT",
        "context_policy TEXT",
    ):
        connection.execute(f"ALTER TABLE conversations ADD COLUMN {column}")
    # Who renamed a conversation was not written down before: what may be a person's own title stays.
    connection.execute("UPDATE conversations SET title_is_chosen = 1 WHERE title <> ''")
    # Rebuilt, so that the content is the last column still.
    connection.execute(
        """
        CREATE TABLE renewed (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            parent_id TEXT REFERENCES messages (id),
            role TEXT NOT NULL,
            status TEXT NOT NULL,
            writer_id TEXT,
            created_at TEXT NOT NULL,
            deleted_at TEXT,
            pinned INTEGER NOT NULL DEFAULT 0,
            made_by TEXT,
            error TEXT,
            content TEXT NOT NULL
        ) STRICT
        """
    )
    columns = "number, id, conversation_id, parent_id, role, status, writer_id, created_at, made_by, error, content"
    connection.execute(f"INSERT INTO renewed ({columns}) SELECT {columns} FROM messages ORDER BY number")
    connection.execute("DROP TABLE messages")
    connection.execute("ALTER TABLE renewed RENAME TO messages")
    connection.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id, deleted_at, role)")
    connection.execute("CREATE INDEX messages_by_parent ON messages (parent_id)")
    connection.execute("CREATE INDEX messages_by_time ON messages (created_at)")
    connection.execute("CREATE INDEX messages_being_written ON messages (writer_id) WHERE status = 'streaming'")
    connection.execute("CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL")
    connection.execute(
        """
        CREATE TABLE attachments (
            message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            tokens INTEGER,
            content TEXT NOT NULL,
            PRIMARY KEY (message_id, position)
        ) STRICT
        """
    )


def version_3(connection: sqlite3.Connection) -> None:
    """The messages that the search index does not know yet: each new one, until it is taken in."""
    connection.execute("CREATE TABLE search_todo (number INTEGER PRIMARY KEY) STRICT")
    connection.execute("INSERT INTO search_todo SELECT number FROM messages")
    connection.execute(
        """
        CREATE TRIGGER message_to_index AFTER INSERT ON messages
        BEGIN INSERT OR IGNORE INTO search_todo VALUES (new.number); END
        """
    )
    connection.execute(
        """
        CREATE TRIGGER message_not_to_index AFTER DELETE ON messages
        BEGIN DELETE FROM search_todo WHERE number = old.number; END
        """
    )


STEPS: tuple[Step, ...] = (version_1, version_2, version_3)
"""``STEPS[n]`` leads from version n to version n + 1."""
