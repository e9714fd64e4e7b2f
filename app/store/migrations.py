"""Database schema as numbered migration steps.  A released step is never changed; new ones are appended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from app.store.connections import DamagedRow
from model_manager.errors import UserError

Step = tuple[str, ...]


STEPS: tuple[Step, ...] = (
    (
        # Conversations, and messages as a tree.
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
        """,
        # A parent always has a smaller number than its children.  The content is the last column: it is long, and the
        # columns before it are read without it.
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
        """,
        "CREATE INDEX messages_of_conversation ON messages (conversation_id, role)",
        "CREATE INDEX messages_by_parent ON messages (parent_id)",
        "CREATE INDEX messages_by_time ON messages (created_at)",
        "CREATE INDEX messages_being_written ON messages (writer_id) WHERE status = 'streaming'",
    ),
    (
        # Pins, the archive, sampling per conversation, deletion of single messages, and attachments.
        "ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE conversations ADD COLUMN archived_at TEXT",
        "ALTER TABLE conversations ADD COLUMN title_is_chosen INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE conversations ADD COLUMN sampling TEXT",
        "ALTER TABLE conversations ADD COLUMN context_policy TEXT",
        # Version 1 didn't store who set a title: any title may be the user's and isn't replaced.
        "UPDATE conversations SET title_is_chosen = 1 WHERE title <> ''",
        # Rebuilt, so that the content remains the last column.
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
        """,
        """
        INSERT INTO renewed
        SELECT number, id, conversation_id, parent_id, role, status, writer_id, created_at, NULL, 0, made_by, error,
            content
        FROM messages ORDER BY number
        """,
        "DROP TABLE messages",
        "ALTER TABLE renewed RENAME TO messages",
        "CREATE INDEX messages_of_conversation ON messages (conversation_id, deleted_at, role)",
        "CREATE INDEX messages_by_parent ON messages (parent_id)",
        "CREATE INDEX messages_by_time ON messages (created_at)",
        "CREATE INDEX messages_being_written ON messages (writer_id) WHERE status = 'streaming'",
        "CREATE INDEX messages_deleted ON messages (deleted_at) WHERE deleted_at IS NOT NULL",
        """
        CREATE TABLE attachments (
            message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            tokens INTEGER,
            content TEXT NOT NULL,
            PRIMARY KEY (message_id, position)
        ) STRICT
        """,
    ),
    (
        # The queue of messages that the search index doesn't contain yet.
        "CREATE TABLE search_todo (number INTEGER PRIMARY KEY) STRICT",
        "INSERT INTO search_todo SELECT number FROM messages",
        """
        CREATE TRIGGER message_to_index AFTER INSERT ON messages
        BEGIN INSERT OR IGNORE INTO search_todo VALUES (new.number); END
        """,
        """
        CREATE TRIGGER message_not_to_index AFTER DELETE ON messages
        BEGIN DELETE FROM search_todo WHERE number = old.number; END
        """,
    ),
    (
        # Where imported conversations are from.
        "ALTER TABLE conversations ADD COLUMN source TEXT",
    ),
    (
        # Summaries of branches.
        "ALTER TABLE messages ADD COLUMN summary TEXT NOT NULL DEFAULT ''",
    ),
    (
        # Folders, and documents that all their conversations see.
        """
        CREATE TABLE folders (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            parent_id TEXT REFERENCES folders (id),
            position INTEGER NOT NULL,
            expanded INTEGER NOT NULL DEFAULT 1,
            preset_id TEXT NOT NULL DEFAULT '',
            model_id TEXT,
            instructions TEXT NOT NULL DEFAULT ''
        ) STRICT
        """,
        """
        CREATE TABLE folder_documents (
            number INTEGER PRIMARY KEY,
            folder_id TEXT NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            tokens INTEGER,
            content TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX documents_of_folder ON folder_documents (folder_id)",
        "ALTER TABLE conversations ADD COLUMN folder_id TEXT REFERENCES folders (id)",
    ),
    (
        # Pictures: the file, its type, and its size in pixels.
        "ALTER TABLE attachments ADD COLUMN media_type TEXT",
        "ALTER TABLE attachments ADD COLUMN width INTEGER",
        "ALTER TABLE attachments ADD COLUMN height INTEGER",
        "ALTER TABLE attachments ADD COLUMN data BLOB",
    ),
    (
        # Facts that the user wants models to know.
        """
        CREATE TABLE facts (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL,
            content TEXT NOT NULL
        ) STRICT
        """,
    ),
)
"""SQL statements of each migration: ``STEPS[n]`` migrates from version n to version n + 1."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema version; 0 without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether the database has no schema at all."""
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None


def missing_object(connection: sqlite3.Connection) -> str | None:
    """Return the name of a table, column, index or trigger that the database lacks for its version, if any."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as new:
        migrate(new, Path(":memory:"), STEPS[: version_of(connection)])
        missing = _objects(new) - _objects(connection)
    return min(missing, default=None)


def _objects(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute(
        """
        SELECT type || ' ' || name FROM sqlite_schema
        UNION SELECT 'column ' || tables.name || '.' || columns.name
        FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.sql LIKE 'CREATE TABLE%'
        """
    )
    return {row[0] for row in rows}


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    steps: Sequence[Step] = STEPS,
    before_step: Callable[[int], object] = lambda _version: None,
) -> None:
    """Migrate the database at ``path`` to version ``len(steps)``.

    ``before_step(version)`` is called before each step, unless the database is new.  A step that fails leaves the
    database unchanged.  Raises ``UserError``: ``database_newer`` (path, version, known), or as ``before_step``;
    ``sqlite3.Error`` as it occurs, for the caller to convert.
    """
    is_new = is_empty(connection)
    while (version := version_of(connection)) != len(steps):
        if version > len(steps):
            raise UserError("database_newer", path=path, version=version, known=len(steps))
        if not is_new:
            before_step(version)
        _apply(connection, steps[version], version)


def _apply(connection: sqlite3.Connection, step: Step, version: int) -> None:
    # A table that is rebuilt loses its references temporarily; they are checked before the commit.
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for statement in step:
            connection.execute(statement)
        if not connection.in_transaction:
            raise RuntimeError(f"the step from version {version} ended its transaction")
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise DamagedRow(f"{len(broken)} references to missing rows")
        connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
