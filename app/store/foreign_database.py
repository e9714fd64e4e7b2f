"""Tables of a SQLite database that another program wrote, for its import."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from app.store.connections import DATABASE_ERRORS, connect
from model_manager.cancellation import CancelToken
from model_manager.errors import UserError

MAX_VALUE_BYTES = 64 << 20
"""Of one value; SQLite refuses longer ones."""
_STEPS = 100_000
"""Instructions of SQLite between two looks at the token."""


class ForeignDatabase:
    """An open database; its views, triggers and virtual tables are not used."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
        self.tables = frozenset(row["name"] for row in found)

    def rows(self, table: str, *order: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table by the columns ``order``; nothing where there is no such table.

        Raises as ``foreign_database``.
        """
        if table not in self.tables:
            return
        ordered = ", ".join(f'"{column}"' for column in order) or "rowid"
        for row in self._connection.execute(f'SELECT * FROM "{table}" ORDER BY {ordered}'):
            yield dict(zip(row.keys(), row, strict=True))


@contextmanager
def foreign_database(path: Path, cancel: CancelToken) -> Iterator[ForeignDatabase]:
    """Open a copy of a database, which SQLite may change to read it.

    Raises:
        UserError: ``import_unfit`` (detail): damaged, or of another layout.
        Cancelled: by ``cancel``.
    """
    try:
        with closing(connect(path, busy_timeout_s=0)) as connection:
            connection.text_factory = lambda value: value.decode("utf-8", "replace")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
            connection.set_progress_handler(lambda: int(cancel.is_cancelled), _STEPS)
            # Functions with effects can't be called by columns of the schema.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            yield ForeignDatabase(connection)
    except DATABASE_ERRORS as error:
        cancel.raise_if_cancelled()
        raise UserError("import_unfit", detail=str(error)) from error
