"""Facts that the user wants to be kept over conversations."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import UTC, datetime

from app.bounds import MAX_FACT_CHARACTERS, MAX_FACTS_BYTES
from app.conversation import Fact
from app.store.database import Database
from app.store.records import clean_text, column_value
from model_manager.errors import UserError


class FactStore(Database):
    """The part of the store for facts.  All methods can raise ``UserError``: ``fact_missing``."""

    def facts(self) -> list[Fact]:
        """Return the facts, the oldest first, as far as they are within ``MAX_FACTS_BYTES`` together."""
        with self._connections.reading() as connection:
            found, size = [], 0
            for row in connection.execute("SELECT id, content FROM facts ORDER BY created_at, number"):
                text = row["content"][:MAX_FACT_CHARACTERS]
                size += len(text.encode())
                if size > MAX_FACTS_BYTES:
                    break
                found.append(Fact(row["id"], text))
            return found

    def add_fact(self, text: str) -> Fact:
        """Add a fact; one that is known already is returned.

        Raises:
            UserError: ``fact_empty``, ``fact_too_long`` (characters, limit), ``facts_full`` (limit_bytes).
        """
        text = _checked(text)
        with self._connections.writing() as connection:
            known = connection.execute("SELECT id FROM facts WHERE content = ?", (text,)).fetchone()
            if known is not None:
                return Fact(known["id"], text)
            _check_room(connection, text)
            fact = Fact(str(uuid.uuid4()), text)
            connection.execute(
                "INSERT INTO facts (id, created_at, content) VALUES (?, ?, ?)",
                (fact.id, column_value(datetime.now(UTC)), text),
            )
            return fact

    def edit_fact(self, fact_id: str, text: str) -> None:
        """Replace the text of a fact.  Raises as ``add_fact``."""
        text = _checked(text)
        with self._connections.writing() as connection:
            _check_room(connection, text, fact_id)
            if not connection.execute("UPDATE facts SET content = ? WHERE id = ?", (text, fact_id)).rowcount:
                raise UserError("fact_missing")

    def delete_fact(self, fact_id: str) -> None:
        """Delete a fact."""
        with self._connections.writing() as connection:
            if not connection.execute("DELETE FROM facts WHERE id = ?", (fact_id,)).rowcount:
                raise UserError("fact_missing")


def _checked(text: str) -> str:
    text = " ".join(clean_text(text).split())
    if not text:
        raise UserError("fact_empty")
    if len(text) > MAX_FACT_CHARACTERS:
        raise UserError("fact_too_long", characters=len(text), limit=MAX_FACT_CHARACTERS)
    return text


def _check_room(connection: sqlite3.Connection, text: str, but_id: str = "") -> None:
    query = "SELECT coalesce(sum(length(CAST(content AS BLOB))), 0) FROM facts WHERE id <> ?"
    if connection.execute(query, (but_id,)).fetchone()[0] + len(text.encode()) > MAX_FACTS_BYTES:
        raise UserError("facts_full", limit_bytes=MAX_FACTS_BYTES)
